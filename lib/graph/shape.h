// Called by: worker (fast_out, fast_in)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_ether.h>

#include "graph/plain_frame.h"

// What makes packets that follow each other alike, as they stand in memory: two that have the same
// shape are of one flow, and what was found of the first's addresses holds for the other. Nothing
// but words is compared, and nothing of the other is parsed.

// Of an IPv4 packet without options.
struct gw_shape {
	uint64_t addresses;
	uint32_t word; // behind the header: the ports, or the SPI of ESP
	uint16_t protocol;
};

// No packet is of that protocol.
#define GW_SHAPE_NONE                                                                              \
	(struct gw_shape)                                                                          \
	{                                                                                          \
		.protocol = UINT16_MAX                                                             \
	}

// Of a frame that holds one.
struct gw_frame_shape {
	uint64_t ether[2]; // the header; the second overlaps the first
	uint8_t port;      // that it came by
	struct gw_shape ip;
};

// Bytes that a packet has to have before it is asked for its shape.
#define GW_SHAPE_BYTES (GW_IPV4_MIN_BYTES + 4u)

// No frame came by that port.
#define GW_FRAME_SHAPE_NONE                                                                        \
	(struct gw_frame_shape)                                                                    \
	{                                                                                          \
		.port = UINT8_MAX                                                                  \
	}

static inline uint64_t gw_shape_load(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

// Packets of one flow that are in one vector leave in their order: where one cannot go the short
// way, neither do those with the same addresses. A set of 64 bits says which these are, and some
// others by chance.
static inline uint64_t gw_slow_bit(uint64_t addresses)
{
	return UINT64_C(1) << (addresses * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static __rte_always_inline struct gw_shape gw_shape_of(const uint8_t *ip)
{
	struct gw_shape shape = { .addresses = gw_shape_load(ip + 12), .protocol = ip[9] };

	memcpy(&shape.word, ip + GW_IPV4_MIN_BYTES, sizeof(shape.word));
	return shape;
}

static __rte_always_inline uint64_t gw_shape_difference(
	const struct gw_shape *shape, const uint8_t *ip)
{
	const struct gw_shape other = gw_shape_of(ip);

	return (shape->addresses ^ other.addresses) | (shape->word ^ other.word) |
	       (uint64_t)(shape->protocol ^ other.protocol);
}

// A packet of that shape, of at least GW_SHAPE_BYTES and with the header of a plain one, of which
// size bytes are there: its length, or 0 where it is none.
static __rte_always_inline uint32_t gw_shape_meets(
	const struct gw_shape *shape, const uint8_t *ip, uint32_t size, bool verify_checksum)
{
	uint32_t total_bytes;

	if (gw_shape_difference(shape, ip) || !gw_ipv4_is_simple(ip))
		return 0;
	total_bytes = gw_load_16(ip + 2);
	if (total_bytes < GW_SHAPE_BYTES || total_bytes > size ||
		(verify_checksum && !gw_ipv4_plain_sum_holds(ip)))
		return 0;
	return total_bytes;
}

static __rte_always_inline struct gw_frame_shape gw_frame_shape_of(
	const struct rte_mbuf *mbuf, uint8_t port)
{
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	return (struct gw_frame_shape){
		.ether = { gw_shape_load(frame), gw_shape_load(frame + RTE_ETHER_HDR_LEN - 8) },
		.port = port,
		.ip = gw_shape_of(frame + RTE_ETHER_HDR_LEN),
	};
}

// Whether gw_plain_frame_read would find of the frame what it has found of one of that shape; its
// length is then in packet. The buffer it is in is not looked at.
static __rte_always_inline bool gw_frame_shape_meets(
	const struct gw_frame_shape *shape, const struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	uint32_t size = rte_pktmbuf_data_len(mbuf);

	if (size < RTE_ETHER_HDR_LEN + GW_SHAPE_BYTES ||
		((shape->ether[0] ^ gw_shape_load(frame)) |
			(shape->ether[1] ^ gw_shape_load(frame + RTE_ETHER_HDR_LEN - 8)) |
			(uint64_t)(shape->port ^ packet->port)))
		return false;
	packet->ip_bytes = gw_shape_meets(&shape->ip, frame + RTE_ETHER_HDR_LEN,
		size - RTE_ETHER_HDR_LEN, !gw_frame_checksum_is_known(mbuf));
	return packet->ip_bytes != 0;
}

// Of a frame that goes the long way.
static inline uint64_t gw_slow_frame(const struct rte_mbuf *mbuf)
{
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	if (rte_pktmbuf_data_len(mbuf) < RTE_ETHER_HDR_LEN + GW_IPV4_MIN_BYTES)
		return 0;
	return gw_slow_bit(gw_shape_load(frame + RTE_ETHER_HDR_LEN + 12));
}
