// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP, inbound (RFC 4303 section 3.4, RFC 4301 section 5.2): replay check, cryptography over the
// whole vector, then the inner packet is taken out, or in transport mode put together, and checked
// like one from the wire.
//
// For each packet:
//   1. lengths and alignment, before anything else is read
//   2. the 64-bit sequence number; refused if it was seen or is too old
//   3. verify the ICV and decrypt
//   4. record the number: of two copies in flight one wins
//   5. in UDP or TCP: has the peer moved, or does it use another connection?
//   6. trailer; then what is inside (decapsulate.h)

#include "graph/node.h"

#include <rte_ring.h>

#include "graph/decapsulate.h"
#include "graph/open.h"
#include "graph/open_esp.h"

enum { EDGE_SPD_IN, EDGE_DROP };

// Step 5. A NAT may give the peer another address or port at any time. That is believed only from
// the newest authentic packet, so that neither a forger nor one that comes late moves anything, and
// it is told, once for each change; where packets to the peer go is the control core's to say.
static void check_mapping(
	const struct gw_worker *worker, const struct gw_packet *packet, uint64_t sequence)
{
	const struct gw_flow *flow = &packet->flow;
	struct gw_sa *sa = packet->sa;
	uint64_t now = sa->in_tcp ? packet->stream
				  : gw_sa_mapping(flow->family, flow->source, flow->source_port);
	// Relaxed: the word is all there is, nothing else is read with it.
	uint64_t before = atomic_load_explicit(&sa->mapping, memory_order_relaxed);
	struct gw_event event;

	if (likely(now == before) ||
		sequence < atomic_load_explicit(&sa->replay->top, memory_order_relaxed))
		return;
	// Acquire: see gw_sa_destination.
	if (!atomic_compare_exchange_strong_explicit(
		    &sa->mapping, &before, now, memory_order_acquire, memory_order_relaxed))
		return;
	event = (struct gw_event){
		.kind = sa->in_tcp ? GW_EVENT_STREAM : GW_EVENT_MAPPING,
		.stream = sa->in_tcp ? now : 0,
		.spi = rte_be_to_cpu_32(sa->spi),
		.direction = sa->direction,
		.protocol = sa->protocol,
		.flow = *flow,
		.destination = gw_sa_destination(sa),
	};
	// A full ring: the next packet finds the change again.
	if (rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) != 0)
		atomic_store_explicit(&sa->mapping, before, memory_order_relaxed);
}

// Steps 5 and 6, of any packet.
static __rte_noinline enum gw_drop take_out(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, const struct gw_crypto_op *op)
{
	if (packet->sa->udp_bytes || packet->sa->in_tcp)
		check_mapping(worker, packet, op->sequence);
	return gw_decapsulate_esp(worker, mbuf, packet, op);
}

// What take_out does, for ESP as most of it is. False: take_out has to look at it.
static __rte_always_inline bool take_out_plain(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_crypto_op *op)
{
	const uint8_t *inner = gw_open_payload(op, packet->sa);
	uint32_t bytes = gw_open_plain_bytes(op, inner, packet->tos);

	if (!bytes || !gw_ipv4_is_plain(inner) ||
		gw_ipv4_parse_plain(inner, bytes, bytes, true, &packet->ip) != GW_IP_OK)
		return false;
	gw_decapsulate_inner(mbuf, packet, inner);
	return true;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_op ops[GW_VECTOR];
	struct gw_open_run run = {};
	struct gw_open_tally tally = {};
	enum gw_replay_verdict verdicts[GW_VECTOR]; // of the numbers of authentic packets
	uint16_t position[GW_VECTOR];               // of op i among the packets
	unsigned int ready = 0;
	bool plain = false; // packets of tally's SA

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf;
		enum gw_drop reason;

		gw_open_run(&run, worker, gw_packet(packets[i])->sa);
		mbuf = gw_open_take(&run, worker, &packets[i], 0);
		if (unlikely(!mbuf)) {
			nexts[i] = EDGE_DROP;
			continue;
		}
		reason = gw_open_check(&run, rte_pktmbuf_mtod(mbuf, uint8_t *),
			gw_packet(mbuf)->header_bytes, gw_packet(mbuf)->ip_bytes, &ops[ready]);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(gw_packet(mbuf), reason, EDGE_DROP);
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_open(worker->crypto, ops, ready);
	gw_open_record(packets, position, ops, ready, verdicts);
	for (unsigned int i = 0; i < ready; i++) {
		struct rte_mbuf *mbuf = packets[position[i]];
		struct gw_packet *packet = gw_packet(mbuf);
		enum gw_drop reason;

		if (gw_open_tally(&tally, worker, packet->sa))
			plain = gw_open_is_plain(packet->sa) && !packet->sa->udp_bytes;
		reason = gw_open_accept(
			worker, &tally, ops[i].status, verdicts[i], &gw_esp_open_words);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[position[i]] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		if (unlikely(!plain || !take_out_plain(mbuf, packet, &ops[i])))
			reason = take_out(worker, mbuf, packet, &ops[i]);
		nexts[position[i]] = gw_open_finish(
			&tally, mbuf, reason, ops[i].payload_bytes, EDGE_SPD_IN, EDGE_DROP);
	}
	gw_open_flush(worker, &tally);
}

static uint16_t esp_decrypt(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_esp_decrypt = {
	.name = "esp_decrypt",
	.process = esp_decrypt,
	.edges = {
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_DROP] = "drop",
	},
};
