// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/transport.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "net/checksum.h"

#define IPV4_PROTOCOL_AT  offsetof(struct rte_ipv4_hdr, next_proto_id)
#define IPV6_NEXT_AT      offsetof(struct rte_ipv6_hdr, proto)
#define EXTENSION_BYTES   8 // the least of each, and the unit of their lengths
#define UDP_CHECKSUM_AT   6
#define TCP_CHECKSUM_AT   16
#define ICMP6_CHECKSUM_AT 2

static uint32_t extension_bytes(uint8_t kind, const uint8_t *header)
{
	return kind == IPPROTO_FRAGMENT ? EXTENSION_BYTES
					: EXTENSION_BYTES + header[1] * EXTENSION_BYTES;
}

static bool find_v6(const uint8_t *ip, uint32_t size, struct gw_transport_point *point)
{
	uint32_t at = GW_IPV6_BYTES, next_at = IPV6_NEXT_AT;

	*point = (struct gw_transport_point){ .bytes = GW_IPV6_BYTES, .next_at = IPV6_NEXT_AT };
	while (gw_ip_is_extension(ip[next_at])) {
		uint8_t kind = ip[next_at];

		if (kind == IPPROTO_FRAGMENT || at + EXTENSION_BYTES > size)
			return false;
		next_at = at;
		at += extension_bytes(kind, ip + at);
		if (at > size)
			return false;
		if (kind == IPPROTO_HOPOPTS || kind == IPPROTO_ROUTING)
			*point = (struct gw_transport_point){ (uint16_t)at, (uint16_t)next_at };
	}
	return true;
}

bool gw_transport_find(const uint8_t *ip, uint32_t size, struct gw_transport_point *point)
{
	if (ip[0] >> 4 == 6)
		return size >= GW_IPV6_BYTES && find_v6(ip, size, point);
	*point = (struct gw_transport_point){ (uint16_t)((ip[0] & 15) * 4), IPV4_PROTOCOL_AT };
	return point->bytes <= size;
}

bool gw_transport_point_at(const uint8_t *ip, uint32_t bytes, struct gw_transport_point *point)
{
	uint32_t at = GW_IPV6_BYTES, next_at = IPV6_NEXT_AT;

	if (ip[0] >> 4 == 4) {
		*point = (struct gw_transport_point){ (uint16_t)bytes, IPV4_PROTOCOL_AT };
		return (ip[0] & 15u) * 4 == bytes;
	}
	while (at + EXTENSION_BYTES <= bytes) {
		uint8_t kind = ip[next_at];

		next_at = at;
		at += extension_bytes(kind, ip + at);
	}
	*point = (struct gw_transport_point){ (uint16_t)bytes, (uint16_t)next_at };
	return at == bytes;
}

void gw_transport_header_set(uint8_t *ip, const struct gw_transport_point *point,
	uint8_t next_header, uint32_t total_bytes)
{
	struct rte_ipv4_hdr *v4 = (struct rte_ipv4_hdr *)ip;

	ip[point->next_at] = next_header;
	if (ip[0] >> 4 == 6) {
		((struct rte_ipv6_hdr *)ip)->payload_len =
			rte_cpu_to_be_16((uint16_t)(total_bytes - GW_IPV6_BYTES));
		return;
	}
	v4->total_length = rte_cpu_to_be_16((uint16_t)total_bytes);
	v4->hdr_checksum = 0;
	v4->hdr_checksum = gw_checksum_finish(gw_checksum_add(0, ip, point->bytes));
}

// Over the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1) and the upper layer's bytes,
// in which the checksum is zero.
static uint16_t upper_checksum(
	const uint8_t *packet, const struct gw_ip *ip, const uint8_t *upper, uint32_t bytes)
{
	uint32_t sum = ip->flow.family == 4 ? gw_checksum_add(0, packet + 12, 8)
					    : gw_checksum_add(0, packet + 8, 32);

	sum += rte_cpu_to_be_16((uint16_t)bytes);
	sum += rte_cpu_to_be_16(ip->flow.protocol);
	return gw_checksum_finish(gw_checksum_add(sum, upper, bytes));
}

static void renew(const uint8_t *packet, const struct gw_ip *ip, uint8_t *upper, uint32_t bytes,
	uint32_t checksum_at)
{
	uint16_t checksum = 0;

	memcpy(upper + checksum_at, &checksum, sizeof(checksum));
	checksum = upper_checksum(packet, ip, upper, bytes);
	if (ip->flow.protocol == IPPROTO_UDP && checksum == 0)
		checksum = UINT16_MAX; // 0 would say that there is none (RFC 768)
	memcpy(upper + checksum_at, &checksum, sizeof(checksum));
}

static void repair_udp(
	const uint8_t *packet, const struct gw_ip *ip, uint8_t *upper, uint32_t bytes)
{
	uint32_t length;

	if (bytes < 8)
		return;
	if (ip->flow.family == 4) {
		memset(upper + UDP_CHECKSUM_AT, 0, sizeof(uint16_t));
		return;
	}
	length = gw_load_16(upper + 4);
	if (length >= 8 && length <= bytes)
		renew(packet, ip, upper, length, UDP_CHECKSUM_AT);
}

void gw_transport_checksum_repair(uint8_t *packet, const struct gw_ip *ip)
{
	uint8_t *upper = packet + ip->header_bytes;
	uint32_t bytes = ip->ip_bytes - ip->header_bytes;

	switch (ip->flow.protocol) {
	case IPPROTO_UDP:
		repair_udp(packet, ip, upper, bytes);
		return;
	case IPPROTO_TCP:
		if (bytes >= TCP_CHECKSUM_AT + 4)
			renew(packet, ip, upper, bytes, TCP_CHECKSUM_AT);
		return;
	case IPPROTO_ICMPV6:
		if (ip->flow.family == 6 && bytes >= ICMP6_CHECKSUM_AT + 2)
			renew(packet, ip, upper, bytes, ICMP6_CHECKSUM_AT);
		return;
	default:
		return;
	}
}
