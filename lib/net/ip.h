// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>

#define GW_FLOW_INTERFACE_BITS 15
#define GW_FLOW_INTERFACES     ((1u << GW_FLOW_INTERFACE_BITS) - 1)

// What the SPD is asked about: the selectors of one packet (RFC 4301 section 4.4.1.1). Laid out
// without gaps, so that it hashes and compares as bytes; unused bytes are zero.
struct gw_flow {
	uint8_t source[16];        // network order; IPv4 uses the first four
	uint8_t destination[16];   // likewise
	uint16_t source_port;      // host order; for ICMP the type
	uint16_t destination_port; // host order; for ICMP the code
	uint8_t family;            // 4 or 6
	uint8_t protocol; // IPv4 protocol, or the IPv6 upper-layer protocol behind all extension
			  // headers
	// Of the gateway, whose SPD is asked (ipsec/interface.h); 0: none. It is seldom looked at,
	// and so gives up a bit for what follows.
	uint16_t interface : GW_FLOW_INTERFACE_BITS;
	uint16_t ports_known : 1; // 0: OPAQUE (a later fragment, a header out of reach, a protocol
				  // that has none): only ANY ports match
};
#define GW_FLOW_WORDS (sizeof(struct gw_flow) / sizeof(uint64_t))
_Static_assert(sizeof(struct gw_flow) == 40, "hashed as five 64-bit words");

static inline bool gw_flow_equal(const struct gw_flow *a, const struct gw_flow *b)
{
	uint64_t x[GW_FLOW_WORDS], y[GW_FLOW_WORDS], difference = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (unsigned int i = 0; i < GW_FLOW_WORDS; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

enum gw_ip_error {
	GW_IP_OK,
	GW_IP_TRUNCATED,    // shorter than its header, or its total length goes beyond the data
	GW_IP_BAD_VERSION,  // neither 4 nor 6
	GW_IP_BAD_HEADER,   // header length below 20 or beyond the packet; a malformed extension
			    // header chain; a fragment that fits nowhere
	GW_IP_BAD_CHECKSUM, // IPv4 header
	GW_IP_BAD_ADDRESS,  // source multicast, broadcast or loopback; destination loopback or
			    // unspecified; source unspecified and destination unicast
};

struct gw_ip {
	struct gw_flow flow;
	uint32_t ip_bytes;     // total length, by its own header; the data may be longer (Ethernet
			       // padding)
	uint16_t header_bytes; // to the upper-layer header: IPv4 with options, IPv6 with extension
			       // headers
	uint16_t fragment_offset; // bytes
	union {
		struct {
			bool more_fragments : 1;
			bool dont_fragment : 1; // IPv4 only; IPv6 is not fragmented by a router
		};
		uint8_t fragment_bits; // both
	};
	uint8_t ttl;             // or hop limit
	uint8_t tos;             // or traffic class: DSCP << 2 | ECN
	uint16_t fragment_bytes; // of a fragment: what it carries of the packet's payload
	uint32_t fragment_id;    // of a fragment: its identification
};

static inline bool gw_ip_is_fragment(const struct gw_ip *ip)
{
	return ip->more_fragments || ip->fragment_offset;
}

#define GW_IP_MAX_EXTENSIONS 8 // IPv6 extension headers in one packet

// Parses and checks an IP header of either family (RFC 791, RFC 8200, RFC 1812 section 5.2.2).
// Reads at most size bytes of data, which may hold only the beginning of a packet of length bytes
// (size <= length): a chain of extension headers beyond size leaves ports_known 0 with protocol 255
// in the flow, as does a later fragment that does not say its upper-layer protocol. An upper-layer
// header whose ports lie beyond size leaves ports_known 0; header_bytes may then be more than size.
// ip is written whenever the result is GW_IP_OK, what only fragments have for fragments alone.
// verify_checksum: false when the port has
// vouched for it.
static __rte_always_inline enum gw_ip_error gw_ip_parse(
	const void *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip);

const char *gw_ip_error_name(enum gw_ip_error error);

#include "net/ip_parse.h"
