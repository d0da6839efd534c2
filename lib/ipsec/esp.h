// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "ipsec/sa.h"
#include "net/checksum.h"
#include "net/ecn.h"

// ESP's layout, and the outer header of tunnel mode (RFC 4303 section 2, RFC 4301 section 5.1.2):
// pure functions on bytes that the caller has proved to be there.

#define GW_ESP_HEADER_BYTES  8
#define GW_ESP_TRAILER_BYTES 2 // pad length and next header

#define GW_IPV6_MIN_MTU 1280 // RFC 8200 section 5

#define GW_ESP_NEXT_IPV4 4
#define GW_ESP_NEXT_IPV6 41
#define GW_ESP_NEXT_NONE 59 // a dummy packet (RFC 4303 section 2.6)

// The most that sealing puts in front of and behind an inner packet.
#define GW_ESP_MAX_FRONT (40 + 8 + GW_ESP_HEADER_BYTES + 16) // IPv6, UDP, ESP, IV
#define GW_ESP_MAX_BACK  (15 + GW_ESP_TRAILER_BYTES + 16)

struct gw_esp_header {
	rte_be32_t spi;
	rte_be32_t sequence;
} __rte_packed;

// Bytes of padding for a payload, so that payload, padding and trailer fill whole blocks.
static inline uint32_t gw_esp_padding(uint32_t payload_bytes, uint32_t align_bytes)
{
	return -(payload_bytes + GW_ESP_TRAILER_BYTES) & (align_bytes - 1);
}

// Writes padding 1, 2, 3, …, pad length and next header (RFC 4303 section 2.4) at trailer.
static inline void gw_esp_trailer_write(uint8_t *trailer, uint32_t padding, uint8_t next_header)
{
	for (uint32_t i = 0; i < padding; i++)
		trailer[i] = (uint8_t)(i + 1);
	trailer[padding] = (uint8_t)padding;
	trailer[padding + 1] = next_header;
}

// The same for padding of at most three bytes, by one store of eight: the ICV, which has no fewer
// than these, is written over what of them is behind the trailer.
static inline void gw_esp_trailer_write_short(
	uint8_t *trailer, uint32_t padding, uint8_t next_header)
{
	static const uint32_t paddings[] = { 0x00000000, 0x00000101, 0x00020201, 0x03030201 };
	uint64_t word = paddings[padding] | (uint64_t)next_header << (8 * (padding + 1));

	word = rte_cpu_to_le_64(word);
	memcpy(trailer, &word, sizeof(word));
}

// The same for padding of at most fifteen bytes, as blocks of a cipher need it: of the sixteen
// bytes that are stored, what is behind the trailer is overwritten by the ICV, or is room.
static inline void gw_esp_trailer_write_block(
	uint8_t *trailer, uint32_t padding, uint8_t next_header)
{
	static const uint8_t numbers[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

	memcpy(trailer, numbers, sizeof(numbers));
	trailer[padding] = (uint8_t)padding;
	trailer[padding + 1] = next_header;
}

// Reads the trailer of a decrypted payload of payload_bytes >= 2. Returns the bytes of data before
// the padding, or -1: the pad length goes beyond the payload or the padding is not 1, 2, 3, ….
static inline int32_t gw_esp_trailer_read(
	const uint8_t *payload, uint32_t payload_bytes, uint8_t *next_header)
{
	uint32_t padding = payload[payload_bytes - 2];
	uint32_t data_bytes;

	if (padding > payload_bytes - GW_ESP_TRAILER_BYTES)
		return -1;
	data_bytes = payload_bytes - GW_ESP_TRAILER_BYTES - padding;
	for (uint32_t i = 0; i < padding; i++)
		if (payload[data_bytes + i] != (uint8_t)(i + 1))
			return -1;
	*next_header = payload[payload_bytes - 1];
	return (int32_t)data_bytes;
}

// The same where the padding is of at most three bytes and the payload of eight at least, by one
// load of eight; -1 also where the padding is longer.
static inline int32_t gw_esp_trailer_read_short(
	const uint8_t *payload, uint32_t payload_bytes, uint8_t *next_header)
{
	// Padding and pad length as the payload ends, the latter in the highest byte.
	static const uint32_t paddings[] = { 0x00000000, 0x01010000, 0x02020100, 0x03030201 };
	uint64_t word;
	uint32_t end, padding;

	memcpy(&word, payload + payload_bytes - sizeof(word), sizeof(word));
	word = rte_le_to_cpu_64(word);
	*next_header = (uint8_t)(word >> 56);
	end = (uint32_t)(word >> 24);
	padding = end >> 24;
	if (padding >= RTE_DIM(paddings) || (end ^ paddings[padding]) >> (24 - 8 * padding))
		return -1;
	return (int32_t)(payload_bytes - GW_ESP_TRAILER_BYTES - padding);
}

// What of the inner packet shows in the outer header (RFC 4301 section 5.1.2).
struct gw_esp_inner {
	uint8_t family;
	uint8_t tos;
	bool dont_fragment;
	uint32_t bytes;
	uint32_t flow_label; // of an IPv6 packet whose SA copies it, else 0
};

static inline uint32_t gw_esp_flow_label(const struct gw_sa *sa, const uint8_t *ip)
{
	if (!sa->label_copied || ip[0] >> 4 != 6)
		return 0;
	return (ip[1] & 0xfu) << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

// Whether the outer IPv4 header forbids fragments. An IPv6 packet may not be fragmented on its way,
// unless it is so small that its sender need not be told (RFC 8200 section 5: every link carries
// 1280 bytes).
static inline bool gw_esp_outer_df(const struct gw_sa *sa, const struct gw_esp_inner *inner)
{
	if (sa->df != GW_DF_COPY)
		return sa->df == GW_DF_SET;
	return inner->family == 4 ? inner->dont_fragment : inner->bytes > GW_IPV6_MIN_MTU;
}

static inline uint8_t gw_esp_outer_tos(const struct gw_sa *sa, uint8_t inner_tos)
{
	uint8_t dscp = inner_tos >> 2;

	if (sa->dscp >= 0)
		dscp = (uint8_t)sa->dscp;
	else if (sa->dscp == GW_DSCP_MAP)
		dscp = sa->spec.dscp_map[dscp];
	return (uint8_t)(dscp << 2) |
	       (sa->ecn == GW_ECN_MODE_COPY ? gw_ecn_encapsulate(inner_tos) : GW_ECN_NOT_ECT);
}

// The TOS of a packet that comes out of a tunnel: its own DSCP (RFC 4301 section 5.1.2) unless the
// SA wants the outer one, and the ECN field of RFC 6040. False: drop it.
static inline bool gw_esp_inner_tos(
	const struct gw_sa *sa, uint8_t inner_tos, uint8_t outer_tos, uint8_t *tos)
{
	int ecn = gw_ecn_decapsulate(inner_tos, outer_tos);
	uint8_t dscp = inner_tos >> 2;

	if (ecn < 0)
		return false;
	if (sa->inner_dscp == GW_INNER_DSCP_COPY)
		dscp = outer_tos >> 2;
	else if (sa->inner_dscp >= GW_INNER_DSCP_MAP)
		dscp = sa->spec.dscp_map[outer_tos >> 2];
	*tos = (uint8_t)(dscp << 2 | ecn);
	return true;
}

// The checksum of ESP in UDP over IPv6, once all of it is written: ip is the packet's IPv6 header.
// RFC 6935 allows zero between tunnels that both know of it, but a host that does not drops such a
// packet (RFC 8200 section 8.1), and stock Linux is one.
static inline void gw_esp_udp_checksum(const uint8_t *ip, uint8_t *header)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)header;
	uint32_t sum = gw_checksum_add(0, ip + 8, 2 * 16); // both addresses

	sum += udp->dgram_len + RTE_BE16(IPPROTO_UDP);
	udp->dgram_cksum = 0;
	udp->dgram_cksum =
		gw_checksum_finish(gw_checksum_add(sum, header, rte_be_to_cpu_16(udp->dgram_len)));
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

// Writes the UDP header of an SA that has one, from its template outer: bytes is its own length and
// all that follows.
static inline void gw_esp_udp_write(
	const struct gw_sa *sa, const uint8_t *outer, uint8_t *header, uint32_t bytes)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)header;

	memcpy(udp, outer + sa->outer_bytes - sizeof(*udp), sizeof(*udp));
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)bytes);
}

// An IPv4 header from a template whose TOS, length, ID, fragment field and checksum are zero, by
// wide stores. id_and_fragment: ID and fragment field as they stand in the packet.
static inline void gw_esp_ipv4_write(uint8_t *ip, const uint8_t *template, uint16_t template_sum,
	uint8_t tos, uint32_t total_bytes, uint32_t id_and_fragment)
{
	uint32_t length = rte_cpu_to_be_16((uint16_t)total_bytes);
	uint64_t first, second;
	uint16_t checksum;

	checksum = gw_checksum_finish(template_sum + rte_cpu_to_be_16(tos) + length +
				      (id_and_fragment & 0xffff) + (id_and_fragment >> 16));
	memcpy(&first, template, sizeof(first));
	memcpy(&second, template + 8, sizeof(second));
	first |= rte_cpu_to_le_64(
		(uint64_t)tos << 8 | (uint64_t)length << 16 | (uint64_t)id_and_fragment << 32);
	second |= rte_cpu_to_le_64((uint64_t)checksum << 16);
	memcpy(ip, &first, sizeof(first));
	memcpy(ip + 8, &second, sizeof(second));
	memcpy(ip + 16, template + 16, 4);
}

// Writes the outer headers at outer: the SA's template with this packet's lengths, TOS, ID and
// checksum. total_bytes is the whole outer packet's; id in network order, used when fragments are
// allowed (RFC 6864).
static inline void gw_esp_outer_write(const struct gw_sa *sa, uint8_t *outer,
	const struct gw_esp_inner *inner, uint32_t total_bytes, uint16_t id)
{
	uint8_t tos = gw_esp_outer_tos(sa, inner->tos);
	uint16_t template_sum;
	const uint8_t *template = gw_sa_outer(sa, &template_sum);

	if (sa->outer_family == 4) {
		bool df = gw_esp_outer_df(sa, inner);

		gw_esp_ipv4_write(outer, template, template_sum, tos, total_bytes,
			df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) << 16 : id);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)outer;

		memcpy(outer, template, sizeof(*ip));
		ip->vtc_flow |= rte_cpu_to_be_32((uint32_t)tos << 20 | inner->flow_label);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(total_bytes - sizeof(*ip)));
	}
	if (sa->udp_bytes) {
		uint32_t ip_bytes = sa->outer_bytes - (uint32_t)sa->udp_bytes;

		gw_esp_udp_write(sa, template, outer + ip_bytes, total_bytes - ip_bytes);
	}
}
