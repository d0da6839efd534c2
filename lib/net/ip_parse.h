// Called by: both, through net/ip.h
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include "net/checksum.h"
#include "net/ip.h"
#include "net/protocol.h"

// The body of gw_ip_parse, here so that it is inlined into the nodes: a plain IPv4 header and an
// IPv6 header without extension headers are parsed without a call. What is rare is in ip.c.

#define GW_IPV4_MIN_BYTES 20
#define GW_IPV6_BYTES     40
#define GW_IP_MAX_PACKET  65535 // RFC 791; for IPv6 of payload, jumbograms (RFC 2675) apart
#define GW_IPV4_DF        0x4000
#define GW_IPV4_MF        0x2000
#define GW_IPV4_OFFSET    0x1fff

// Extension headers that are walked over. ESP and AH are upper layers here, as in RFC 4301.
static inline bool gw_ip_is_extension(uint8_t next_header)
{
	return next_header == IPPROTO_HOPOPTS || next_header == IPPROTO_ROUTING ||
	       next_header == IPPROTO_FRAGMENT || next_header == IPPROTO_DSTOPTS;
}

// Walks the extension headers of an IPv6 packet whose fixed header has been read into ip; sets
// protocol, header_bytes and the fragment fields.
enum gw_ip_error gw_ip_walk_extensions(const uint8_t *data, uint32_t size, struct gw_ip *ip);

// Fragment fields that no reassembly could use: not a multiple of eight bytes before the last,
// empty, or beyond the longest packet. before_bytes is what the reassembled packet's length counts
// besides the fragmented part.
bool gw_ip_fragment_is_sound(const struct gw_ip *ip, uint32_t before_bytes, uint32_t payload_bytes);

static inline uint16_t gw_load_16(const uint8_t *data)
{
	uint16_t word;

	memcpy(&word, data, sizeof(word));
	return rte_be_to_cpu_16(word);
}

static inline uint32_t gw_load_32(const uint8_t *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return rte_be_to_cpu_32(word);
}

static inline uint64_t gw_load_64(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return rte_be_to_cpu_64(word);
}

// RFC 4291 sections 2.5.2, 2.5.3 and 2.7. source and destination are 16 bytes.
static inline bool gw_ipv6_addresses_are_valid(const uint8_t *source, const uint8_t *destination)
{
	uint64_t source_high = gw_load_64(source), source_low = gw_load_64(source + 8);
	uint64_t high = gw_load_64(destination), low = gw_load_64(destination + 8);

	if (unlikely(source[0] == 0xff || (high == 0 && low <= 1)))
		return false;
	if (unlikely(source_high == 0 && source_low <= 1))
		return source_low == 0 && destination[0] == 0xff;
	return true;
}

// Reads the selectors of the upper-layer header if it lies within the first `reach` bytes.
static inline void gw_ip_read_ports(struct gw_ip *ip, const uint8_t *data, uint32_t reach)
{
	const uint8_t *upper = data + ip->header_bytes;

	switch (ip->flow.protocol) {
	case IPPROTO_UDP:
	case IPPROTO_TCP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		if (unlikely(reach < ip->header_bytes + 4u))
			return;
		ip->flow.source_port = gw_load_16(upper);
		ip->flow.destination_port = gw_load_16(upper + 2);
		ip->flow.ports_known = 1;
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (unlikely(reach < ip->header_bytes + 2u))
			return;
		ip->flow.source_port = upper[0];
		ip->flow.destination_port = upper[1];
		ip->flow.ports_known = 1;
		return;
	default:
		return;
	}
}

// First bytes of IPv4 addresses that are valid as source and destination and concern more than one
// link, whatever follows.
extern const bool gw_ipv4_is_ordinary[256];

// Whether an IPv4 header has no options and is of no fragment: its first eight bytes tell.
static inline bool gw_ipv4_is_simple(const uint8_t *data)
{
	const uint64_t version_and_length = RTE_BE64(UINT64_C(0x45) << 56);
	const uint64_t looked_at = RTE_BE64(UINT64_C(0xff) << 56 | GW_IPV4_MF | GW_IPV4_OFFSET);
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return (word & looked_at) == version_and_length;
}

// Whether it has ordinary addresses besides, as nearly all. At least GW_IPV4_MIN_BYTES are there.
static inline bool gw_ipv4_is_plain(const uint8_t *data)
{
	return gw_ipv4_is_simple(data) && gw_ipv4_is_ordinary[data[12]] &&
	       gw_ipv4_is_ordinary[data[16]];
}

// Whether the checksum of a header of 20 bytes holds. 2^16 and 2^64 have the same remainder, 1: the
// sum of 64-bit words, carries added to it, is as good as that of 16-bit words; and none is 0.
static inline bool gw_ipv4_plain_sum_holds(const uint8_t *data)
{
	uint64_t first, second, sum;
	uint32_t third;

	memcpy(&first, data, sizeof(first));
	memcpy(&second, data + 8, sizeof(second));
	memcpy(&third, data + 16, sizeof(third));
	sum = first + second;
	sum += sum < second;
	sum += third;
	sum += sum < third;
	return sum % 0xffff == 0;
}

// Into the 16 bytes of a flow.
static inline void gw_ipv4_address_read(const uint8_t *data, uint8_t *address)
{
	uint64_t words[2] = {};

	memcpy(words, data, 4);
	memcpy(address, &words[0], sizeof(words[0]));
	memcpy(address + sizeof(words[0]), &words[1], sizeof(words[1]));
}

// Behind gw_ipv4_is_plain.
static __rte_always_inline enum gw_ip_error gw_ipv4_parse_plain(
	const uint8_t *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip)
{
	uint32_t total_bytes = gw_load_16(data + 2);

	if (unlikely(total_bytes < GW_IPV4_MIN_BYTES))
		return GW_IP_BAD_HEADER;
	if (unlikely(total_bytes > length))
		return GW_IP_TRUNCATED;
	if (verify_checksum && unlikely(!gw_ipv4_plain_sum_holds(data)))
		return GW_IP_BAD_CHECKSUM;
	gw_ipv4_address_read(data + 12, ip->flow.source);
	gw_ipv4_address_read(data + 16, ip->flow.destination);
	ip->flow.source_port = 0;
	ip->flow.destination_port = 0;
	ip->flow.family = 4;
	ip->flow.protocol = data[9];
	ip->flow.ports_known = 0;
	ip->flow.interface = 0;
	ip->ip_bytes = total_bytes;
	ip->header_bytes = GW_IPV4_MIN_BYTES;
	ip->fragment_offset = 0;
	ip->fragment_bits = 0;
	ip->dont_fragment = data[6] & GW_IPV4_DF >> 8;
	ip->ttl = data[8];
	ip->tos = data[1];
	gw_ip_read_ports(ip, data, size < total_bytes ? size : total_bytes);
	return GW_IP_OK;
}

// Any IPv4 header.
enum gw_ip_error gw_ipv4_parse(const uint8_t *data, uint32_t size, uint32_t length,
	bool verify_checksum, struct gw_ip *ip);

static inline enum gw_ip_error gw_ipv6_parse(
	const uint8_t *data, uint32_t size, uint32_t length, struct gw_ip *ip)
{
	uint32_t total_bytes;

	if (unlikely(size < GW_IPV6_BYTES))
		return GW_IP_TRUNCATED;
	total_bytes = GW_IPV6_BYTES + gw_load_16(data + 4);
	if (unlikely(total_bytes > length))
		return GW_IP_TRUNCATED;
	if (!gw_ipv6_addresses_are_valid(data + 8, data + 24))
		return GW_IP_BAD_ADDRESS;

	*ip = (struct gw_ip){
		.flow = { .family = 6, .protocol = data[6] },
		.ip_bytes = total_bytes,
		.header_bytes = GW_IPV6_BYTES,
		.ttl = data[7],
		.tos = (uint8_t)(gw_load_16(data) >> 4),
	};
	memcpy(ip->flow.source, data + 8, 16);
	memcpy(ip->flow.destination, data + 24, 16);
	if (unlikely(gw_ip_is_extension(ip->flow.protocol))) {
		enum gw_ip_error error = gw_ip_walk_extensions(data, size, ip);

		if (error != GW_IP_OK)
			return error;
	}
	if (likely(!ip->fragment_offset))
		gw_ip_read_ports(ip, data, size < total_bytes ? size : total_bytes);
	return GW_IP_OK;
}

static __rte_always_inline enum gw_ip_error gw_ip_parse(
	const void *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip)
{
	const uint8_t *bytes = data;

	if (likely(size >= GW_IPV4_MIN_BYTES && gw_ipv4_is_plain(bytes)))
		return gw_ipv4_parse_plain(bytes, size, length, verify_checksum, ip);
	if (unlikely(size == 0))
		return GW_IP_TRUNCATED;
	if (unlikely(bytes[0] >> 4 == 4))
		return gw_ipv4_parse(bytes, size, length, verify_checksum, ip);
	if (likely(bytes[0] >> 4 == 6))
		return gw_ipv6_parse(bytes, size, length, ip);
	return GW_IP_BAD_VERSION;
}
