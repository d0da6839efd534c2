// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The headers before AH as its ICV covers them (RFC 4302 section 3.3.3.1 and appendix A).
//
// IPv4: TOS, flags, fragment offset, TTL and checksum are zero. Options: those of table A below are
// covered as they are; all others, known or not, are zero with their type and length. The
// destination of a source route that is not used up is the last one of the route.
// IPv6: class, flow label and hop limit are zero. The data of an option whose type has the bit 0x20
// is zero. A routing header of type 0 or 2 is as at its last destination.
//
// AH's own extension headers behind it, and all of the inner packet of a tunnel, are covered as
// they are.

#include "ipsec/ah.h"

#include <netinet/in.h>
#include <string.h>

#include "net/ip.h"

#define IPV4_TOS_AT         1
#define IPV4_FRAGMENT_AT    6
#define IPV4_TTL_AT         8
#define IPV4_CHECKSUM_AT    10
#define IPV4_DESTINATION_AT 16
#define IPV6_HOP_LIMIT_AT   7
#define IPV6_NEXT_AT        6
#define IPV6_DESTINATION_AT 24

#define OPTION_END          0
#define OPTION_NOP          1
#define OPTION_SECURITY     130
#define OPTION_LSRR         131
#define OPTION_EXT_SECURITY 133
#define OPTION_COMMERCIAL   134
#define OPTION_SSRR         137
#define OPTION_ROUTER_ALERT 148
#define OPTION_DIRECTED     149

#define IPV6_PAD1             0
#define IPV6_OPTION_CHANGES   0x20
#define EXTENSION_BYTES       8 // the least of each, and the unit of their lengths
#define IPV6_ADDRESS_BYTES    16
#define ROUTING_TYPE_SOURCE   0
#define ROUTING_TYPE_MOBILITY 2

void gw_ah_write(
	uint8_t *ah, uint8_t next_header, uint32_t bytes, rte_be32_t spi, uint32_t sequence)
{
	const struct gw_ah_header header = {
		.next_header = next_header,
		.length = GW_AH_LENGTH(bytes),
		.spi = spi,
		.sequence = rte_cpu_to_be_32(sequence),
	};

	memset(ah, 0, bytes);
	memcpy(ah, &header, sizeof(header));
}

// Table A: the options that are immutable.
static bool is_covered(uint8_t type)
{
	switch (type) {
	case OPTION_SECURITY:
	case OPTION_EXT_SECURITY:
	case OPTION_COMMERCIAL:
	case OPTION_ROUTER_ALERT:
	case OPTION_DIRECTED:
		return true;
	default:
		return false;
	}
}

// A source route: type, length, pointer (from 1, to the next address), addresses. While the pointer
// is within the option, the last address is where the packet is going to.
static bool follow_route(uint8_t *ip, const uint8_t *option, uint32_t length)
{
	if (length < 3)
		return false;
	if (option[2] > length)
		return true;
	if (length < 7 || (length - 3) % 4 != 0 || option[2] < 4)
		return false;
	memcpy(ip + IPV4_DESTINATION_AT, option + length - 4, 4);
	return true;
}

static bool cover_ipv4_options(uint8_t *ip, uint32_t bytes)
{
	uint32_t at = GW_IPV4_MIN_BYTES;

	while (at < bytes && ip[at] != OPTION_END) {
		const uint8_t type = ip[at];
		uint32_t length;

		if (type == OPTION_NOP) {
			at++;
			continue;
		}
		if (bytes - at < 2)
			return false;
		length = ip[at + 1];
		if (length < 2 || length > bytes - at)
			return false;
		if ((type == OPTION_LSRR || type == OPTION_SSRR) &&
			!follow_route(ip, ip + at, length))
			return false;
		if (!is_covered(type))
			memset(ip + at, 0, length);
		at += length;
	}
	return true;
}

static bool cover_ipv4(uint8_t *ip, uint32_t bytes)
{
	ip[IPV4_TOS_AT] = 0;
	memset(ip + IPV4_FRAGMENT_AT, 0, 2);
	ip[IPV4_TTL_AT] = 0;
	memset(ip + IPV4_CHECKSUM_AT, 0, 2);
	return cover_ipv4_options(ip, bytes);
}

// Hop-by-hop or destination options: a header of bytes.
static bool cover_ipv6_options(uint8_t *header, uint32_t bytes)
{
	uint32_t at = 2;

	while (at < bytes) {
		uint32_t length;

		if (header[at] == IPV6_PAD1) {
			at++;
			continue;
		}
		if (bytes - at < 2)
			return false;
		length = header[at + 1];
		if (length > bytes - at - 2)
			return false;
		if (header[at] & IPV6_OPTION_CHANGES)
			memset(header + at + 2, 0, length);
		at += 2 + length;
	}
	return true;
}

// The destination goes into the first address that is left, the others move up by one, and the last
// becomes the destination: what each hop on the way does, all at once (RFC 2460 section 4.4).
static bool cover_routing(uint8_t *ip, uint8_t *header, uint32_t bytes)
{
	const uint32_t addresses = (bytes - EXTENSION_BYTES) / IPV6_ADDRESS_BYTES;
	const uint32_t left = header[3];
	uint8_t last[IPV6_ADDRESS_BYTES], *next;

	if (left == 0)
		return true;
	if ((header[2] != ROUTING_TYPE_SOURCE && header[2] != ROUTING_TYPE_MOBILITY) ||
		left > addresses || (bytes - EXTENSION_BYTES) % IPV6_ADDRESS_BYTES != 0)
		return false;
	next = header + EXTENSION_BYTES + (size_t)(addresses - left) * IPV6_ADDRESS_BYTES;
	memcpy(last, header + bytes - IPV6_ADDRESS_BYTES, sizeof(last));
	memmove(next + IPV6_ADDRESS_BYTES, next, (size_t)(left - 1) * IPV6_ADDRESS_BYTES);
	memcpy(next, ip + IPV6_DESTINATION_AT, IPV6_ADDRESS_BYTES);
	memcpy(ip + IPV6_DESTINATION_AT, last, sizeof(last));
	header[3] = 0;
	return true;
}

static bool cover_extension(uint8_t *ip, uint8_t kind, uint8_t *header, uint32_t bytes)
{
	switch (kind) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		return cover_ipv6_options(header, bytes);
	case IPPROTO_ROUTING:
		return cover_routing(ip, header, bytes);
	default:
		return false;
	}
}

static bool cover_ipv6(uint8_t *ip, uint32_t bytes)
{
	uint32_t at = GW_IPV6_BYTES;
	uint8_t kind = ip[IPV6_NEXT_AT];

	ip[0] = 6 << 4;
	memset(ip + 1, 0, 3);
	ip[IPV6_HOP_LIMIT_AT] = 0;
	while (at < bytes) {
		uint32_t length;

		if (bytes - at < EXTENSION_BYTES)
			return false;
		length = EXTENSION_BYTES + ip[at + 1] * EXTENSION_BYTES;
		if (length > bytes - at || !cover_extension(ip, kind, ip + at, length))
			return false;
		kind = ip[at];
		at += length;
	}
	return true;
}

bool gw_ah_cover(uint8_t *ip, uint32_t bytes)
{
	return ip[0] >> 4 == 4 ? cover_ipv4(ip, bytes) : cover_ipv6(ip, bytes);
}
