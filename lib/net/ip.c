// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IPv6 extension headers (RFC 8200 section 4) and fragments.
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
