// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IPv4 headers that are not plain; IPv6 extension headers (RFC 8200 section 4); fragments.
//
// Stricter than RFC 8200, because nothing behind the gateway is helped by the difference: a second
// fragment header is refused, and so is a chain of more than GW_IP_MAX_EXTENSIONS headers. A first
// fragment holds the whole chain (RFC 7112). A type 0 routing header that still has segments left
// is refused wherever it is met (RFC 5095).

#include "net/ip.h"

#define EXTENSION_BYTES 8 // the least of each, and the unit of their lengths

bool gw_ip_fragment_is_sound(const struct gw_ip *ip, uint32_t before_bytes, uint32_t payload_bytes)
{
	if (payload_bytes == 0 || (ip->more_fragments && payload_bytes % 8 != 0))
		return false;
	return before_bytes + ip->fragment_offset + payload_bytes <= GW_IP_MAX_PACKET;
}

// Not 0 (unspecified), 127 (loopback), 169 (link-local, some of it), 224 and above (multicast,
// broadcast).
const bool gw_ipv4_is_ordinary[256] = {
	[1 ... 126] = true,
	[128 ... 168] = true,
	[170 ... 223] = true,
};

// Martian addresses (RFC 1812 sections 5.3.7 and 4.2.2.11). An unspecified source is a host that
// asks for its address, by multicast or broadcast: otherwise it would be forwarded.
static bool ipv4_addresses_are_valid(uint32_t source, uint32_t destination)
{
	bool to_many = destination >> 28 == 0xe || destination == UINT32_MAX;

	return source >> 28 != 0xe && source >> 24 != 127 && source != UINT32_MAX &&
	       destination >> 24 != 127 && destination != 0 && (source != 0 || to_many);
}

enum gw_ip_error gw_ipv4_parse(
	const uint8_t *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip)
{
	uint32_t header_bytes, total_bytes;
	uint16_t fragment;

	if (size < GW_IPV4_MIN_BYTES)
		return GW_IP_TRUNCATED;
	header_bytes = (data[0] & 0xfu) * 4;
	total_bytes = gw_load_16(data + 2);
	if (header_bytes < GW_IPV4_MIN_BYTES || total_bytes < header_bytes)
		return GW_IP_BAD_HEADER;
	if (header_bytes > size || total_bytes > length)
		return GW_IP_TRUNCATED;
	if (verify_checksum && gw_checksum_finish(gw_checksum_add(0, data, header_bytes)) != 0)
		return GW_IP_BAD_CHECKSUM;
	if (!ipv4_addresses_are_valid(gw_load_32(data + 12), gw_load_32(data + 16)))
		return GW_IP_BAD_ADDRESS;

	fragment = gw_load_16(data + 6);
	*ip = (struct gw_ip){
		.flow = { .family = 4, .protocol = data[9] },
		.ip_bytes = total_bytes,
		.header_bytes = (uint16_t)header_bytes,
		.fragment_offset = (uint16_t)((fragment & GW_IPV4_OFFSET) * 8),
		.more_fragments = fragment & GW_IPV4_MF,
		.dont_fragment = fragment & GW_IPV4_DF,
		.ttl = data[8],
		.tos = data[1],
	};
	memcpy(ip->flow.source, data + 12, 4);
	memcpy(ip->flow.destination, data + 16, 4);
	if (gw_ip_is_fragment(ip)) {
		ip->fragment_bytes = (uint16_t)(total_bytes - header_bytes);
		ip->fragment_id = gw_load_16(data + 4);
		if (!gw_ip_fragment_is_sound(ip, header_bytes, ip->fragment_bytes))
			return GW_IP_BAD_HEADER;
	}
	if (!ip->fragment_offset)
		gw_ip_read_ports(ip, data, size < total_bytes ? size : total_bytes);
	return GW_IP_OK;
}

static bool read_fragment_header(const uint8_t *header, uint32_t at, struct gw_ip *ip)
{
	uint16_t field = gw_load_16(header + 2);
	uint32_t payload = at + EXTENSION_BYTES;

	ip->more_fragments = field & 1;
	ip->fragment_offset = field & 0xfff8;
	ip->fragment_bytes = (uint16_t)(ip->ip_bytes - payload);
	ip->fragment_id = gw_load_32(header + 4);
	// An atomic fragment (RFC 6946) is a whole packet.
	return !gw_ip_is_fragment(ip) ||
	       gw_ip_fragment_is_sound(ip, at - GW_IPV6_BYTES, ip->ip_bytes - payload);
}

static bool is_deprecated_routing(const uint8_t *header)
{
	return header[2] == 0 && header[3] != 0;
}

enum gw_ip_error gw_ip_walk_extensions(const uint8_t *data, uint32_t size, struct gw_ip *ip)
{
	uint8_t next = ip->flow.protocol;
	uint32_t at = GW_IPV6_BYTES;
	bool fragment_seen = false;

	for (unsigned int count = 0; gw_ip_is_extension(next); count++) {
		const uint8_t *header = data + at;
		uint32_t bytes = EXTENSION_BYTES;
		uint8_t kind = next;

		if (count == GW_IP_MAX_EXTENSIONS || ip->ip_bytes - at < bytes)
			return GW_IP_BAD_HEADER;
		// Out of reach, or in a later fragment what only looks like a header.
		if (ip->fragment_offset || at + bytes > size) {
			next = GW_PROTOCOL_OPAQUE;
			break;
		}
		next = header[0];
		if (kind == IPPROTO_FRAGMENT) {
			if (fragment_seen || !read_fragment_header(header, at, ip))
				return GW_IP_BAD_HEADER;
			fragment_seen = true;
		} else {
			bytes += header[1] * EXTENSION_BYTES;
		}
		if ((kind == IPPROTO_HOPOPTS && at != GW_IPV6_BYTES) ||
			(kind == IPPROTO_ROUTING && is_deprecated_routing(header)) ||
			bytes > ip->ip_bytes - at)
			return GW_IP_BAD_HEADER;
		at += bytes;
	}
	ip->flow.protocol = next;
	ip->header_bytes = (uint16_t)at;
	return GW_IP_OK;
}

const char *gw_ip_error_name(enum gw_ip_error error)
{
	static const char *const names[] = {
		[GW_IP_OK] = "ok",
		[GW_IP_TRUNCATED] = "truncated",
		[GW_IP_BAD_VERSION] = "bad version",
		[GW_IP_BAD_HEADER] = "bad header",
		[GW_IP_BAD_CHECKSUM] = "bad checksum",
		[GW_IP_BAD_ADDRESS] = "bad address",
	};

	return names[error];
}
