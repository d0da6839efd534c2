// Called by: both, through net/ip.h
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include "net/checksum.h"
#include "net/ip.h"
#include "net/protocol.h"

// The body of gw_ip_parse, here so that it is inlined into the nodes: an IPv4 header without
// options and an IPv6 header without extension headers are parsed without a call. What is rare is
// in ip.c.

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

// Martian addresses (RFC 1812 sections 5.3.7 and 4.2.2.11). An unspecified source is a host that
// asks for its address, by multicast or broadcast: otherwise it would be forwarded.
static inline bool gw_ipv4_addresses_are_valid(uint32_t source, uint32_t destination)
{
	bool to_many = destination >> 28 == 0xe || destination == UINT32_MAX;

	return likely(source >> 28 != 0xe && source >> 24 != 127 && source != UINT32_MAX &&
		      destination >> 24 != 127 && destination != 0 && (source != 0 || to_many));
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
	case IPPROTO_TCP:
	case IPPROTO_UDP:
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

static inline enum gw_ip_error gw_ipv4_parse(
	const uint8_t *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip)
{
	uint32_t header_bytes, total_bytes;
	uint16_t fragment;

	if (unlikely(size < GW_IPV4_MIN_BYTES))
		return GW_IP_TRUNCATED;
	header_bytes = (data[0] & 0xfu) * 4;
	total_bytes = gw_load_16(data + 2);
	if (unlikely(header_bytes < GW_IPV4_MIN_BYTES || total_bytes < header_bytes))
		return GW_IP_BAD_HEADER;
	if (unlikely(header_bytes > size || total_bytes > length))
		return GW_IP_TRUNCATED;
	if (verify_checksum &&
		unlikely(gw_checksum_finish(header_bytes == GW_IPV4_MIN_BYTES
						    ? gw_checksum_20(data)
						    : gw_checksum_add(0, data, header_bytes))))
		return GW_IP_BAD_CHECKSUM;
	if (!gw_ipv4_addresses_are_valid(gw_load_32(data + 12), gw_load_32(data + 16)))
		return GW_IP_BAD_ADDRESS;

	fragment = gw_load_16(data + 6);
	*ip = (struct gw_ip){
		.flow = { .family = 4, .protocol = data[9] },
		.ip_bytes = total_bytes,
		.header_bytes = (uint16_t)header_bytes,
		.fragment_offset = (uint16_t)((fragment & GW_IPV4_OFFSET) * 8),
		.fragment_bytes = (uint16_t)(total_bytes - header_bytes),
		.fragment_id = gw_load_16(data + 4),
		.more_fragments = fragment & GW_IPV4_MF,
		.dont_fragment = fragment & GW_IPV4_DF,
		.ttl = data[8],
		.tos = data[1],
	};
	memcpy(ip->flow.source, data + 12, 4);
	memcpy(ip->flow.destination, data + 16, 4);
	if (unlikely(gw_ip_is_fragment(ip)) &&
		!gw_ip_fragment_is_sound(ip, header_bytes, total_bytes - header_bytes))
		return GW_IP_BAD_HEADER;
	if (likely(!ip->fragment_offset))
		gw_ip_read_ports(ip, data, size < total_bytes ? size : total_bytes);
	return GW_IP_OK;
}

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

static inline enum gw_ip_error gw_ip_parse(
	const void *data, uint32_t size, uint32_t length, bool verify_checksum, struct gw_ip *ip)
{
	const uint8_t *bytes = data;

	if (unlikely(size == 0))
		return GW_IP_TRUNCATED;
	if (likely(bytes[0] >> 4 == 4))
		return gw_ipv4_parse(bytes, size, length, verify_checksum, ip);
	if (likely(bytes[0] >> 4 == 6))
		return gw_ipv6_parse(bytes, size, length, ip);
	return GW_IP_BAD_VERSION;
}
