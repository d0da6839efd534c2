// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <assert.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "ipsec/sa.h"
#include "ipsec/spd.h"
#include "net/icmp.h"
#include "route/fib.h"
#include "stats/drop.h"

// What the nodes know about a packet, in the private area behind its mbuf. Cleared where the packet
// enters (port_rx, host_rx), so that nothing is left over from the packet before.

enum gw_packet_mark {
	GW_MARK_AUTHORISED =
		1 << 0, // may leave an unprotected port: set by esp_encrypt or a bypass rule alone
	GW_MARK_FROM_HOST =
		1 << 1, // the host sent it through a TAP: TTL stays, a bypass keeps its frame
	GW_MARK_DECRYPTED = 1 << 2,  // came out of ESP; sa is the SA that carried it
	GW_MARK_SPD_OUT = 1 << 3,    // has passed the outbound SPD
	GW_MARK_OWN = 1 << 4,        // made here (ICMP error, ESP): TTL stays
	GW_MARK_FRAGMENTED = 1 << 5, // a piece cut here: not to be cut for the same reason again
};

struct gw_packet {
	struct gw_sa *sa; // inbound: the SA it came by; outbound: the SA it goes by
	const struct gw_nexthop *nexthop;
	uint64_t sequence;        // ESP's, all 64 bits
	struct gw_flow flow;      // selectors of the (inner) packet
	uint32_t ip_bytes;        // total length of the IP packet at the front of the mbuf
	uint16_t header_bytes;    // to its upper-layer header
	uint16_t fragment_offset; // bytes
	uint16_t marks;           // enum gw_packet_mark
	uint16_t icmp_parameter;
	uint8_t port; // index of the port it came in by
	uint8_t side; // enum gw_side of that port
	uint8_t drop; // enum gw_drop, for the drop node
	uint8_t icmp; // enum gw_icmp_error, for the icmp_error node
	uint8_t more_fragments;
	uint8_t dont_fragment;
	uint8_t ttl;
	uint8_t tos;
	uint8_t outer_tos;   // of the ESP packet it came in
	uint8_t frame_bytes; // FROM_HOST: Ethernet header kept in front of the data
} __rte_cache_aligned;

static_assert(sizeof(struct gw_packet) <= 128, "two cache lines behind the mbuf");

#define GW_PACKET_PRIVATE_BYTES RTE_ALIGN_CEIL(sizeof(struct gw_packet), RTE_MBUF_PRIV_ALIGN)

static inline struct gw_packet *gw_packet(struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv(mbuf);
}
