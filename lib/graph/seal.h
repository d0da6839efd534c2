// Called by: worker (esp_encrypt and ah_output; those who send packets to them)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_ether.h>

#include "graph/buffer.h"
#include "graph/expiry.h"
#include "graph/mss_clamp.h"
#include "graph/node.h"
#include "ipsec/esp.h"

// What sealing a packet is the same for with ESP and AH: the SA's lifetime, the outer header of
// tunnel mode, the counters.

// Which of a node's edges leads to the node that seals packets of the SA.
static inline uint8_t gw_seal_edge(const struct gw_sa *sa, uint8_t esp_encrypt, uint8_t ah_output)
{
	return sa->protocol == GW_PROTOCOL_AH ? ah_output : esp_encrypt;
}

// Behind gw_sequence_blocks_take, which gave the packet at place its sequence number: contiguous
// and ours alone with front bytes before it, which leave a frame its header, and back bytes behind
// it. NULL: it is marked for the drop node.
static __rte_always_inline struct rte_mbuf *gw_seal_take(const struct gw_worker *worker,
	void **place, uint64_t sequence, uint16_t front, uint16_t back)
{
	struct gw_packet *packet = gw_packet(*place);
	enum gw_drop reason = gw_expiry_admit(worker, packet->sa, sequence);
	struct rte_mbuf *mbuf;

	if (unlikely(reason != GW_DROP_COUNT)) {
		packet->drop = (uint8_t)reason;
		return NULL;
	}
	mbuf = gw_buffer_own(worker, *place, front + RTE_ETHER_HDR_LEN, back);
	if (unlikely(!mbuf)) {
		packet->drop = GW_DROP_NO_BUFFER;
		return NULL;
	}
	*place = mbuf;
	gw_mss_clamp(mbuf, gw_packet(mbuf));
	return mbuf;
}

// What of the packet shows in the outer header of tunnel mode.
static __rte_always_inline struct gw_esp_inner gw_seal_inner(
	struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	return (struct gw_esp_inner){
		.family = packet->flow.family,
		.tos = packet->tos,
		.dont_fragment = packet->dont_fragment,
		.bytes = packet->ip_bytes,
		.flow_label =
			gw_esp_flow_label(packet->sa, rte_pktmbuf_mtod(mbuf, const uint8_t *)),
	};
}

// Tunnel mode, the rest of the packet being there: its outer header, at the front of the mbuf. Its
// IPv4 ID goes with the sequence number, which no two workers have alike (RFC 6864 section 4.2).
static __rte_always_inline void gw_seal_outer(struct rte_mbuf *mbuf, struct gw_packet *packet,
	const struct gw_esp_inner *inner, uint64_t sequence)
{
	const struct gw_sa *sa = packet->sa;
	bool whole = sa->outer_family == 4 && gw_esp_outer_df(sa, inner);
	uint16_t id = (uint16_t)(sa->ipv4_id + sequence);

	packet->ip_bytes = mbuf->pkt_len;
	gw_esp_outer_write(sa, rte_pktmbuf_mtod(mbuf, uint8_t *), inner, packet->ip_bytes,
		rte_cpu_to_be_16(id));
	packet->dont_fragment = whole;
}

// What packets of one SA that follow each other carried.
struct gw_seal_tally {
	struct gw_sa *sa; // NULL: none yet
	uint64_t packets;
	uint64_t bytes;
};

static inline void gw_seal_flush(const struct gw_worker *worker, const struct gw_seal_tally *tally)
{
	if (tally->sa)
		gw_sa_count_packets(
			tally->sa, worker->index, tally->packets, tally->bytes, worker->now_ns);
}

// From here on the packet, sealed and of that protocol, is the gateway's own. It is counted when
// the tally is flushed.
static __rte_always_inline void gw_seal_finish(const struct gw_worker *worker,
	struct gw_seal_tally *tally, struct gw_packet *packet, uint8_t protocol,
	uint32_t inner_bytes)
{
	packet->flow.family = packet->sa->outer_family;
	packet->flow.protocol = protocol;
	packet->more_fragments = 0;
	packet->fragment_offset = 0;
	packet->marks |= GW_MARK_AUTHORISED | GW_MARK_OWN | GW_MARK_SEALED;
	if (packet->sa != tally->sa) {
		gw_seal_flush(worker, tally);
		*tally = (struct gw_seal_tally){ .sa = packet->sa };
	}
	tally->packets++;
	tally->bytes += inner_bytes;
}
