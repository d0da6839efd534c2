// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ICMP errors from the unprotected side that say an IPsec packet of ours was too long for its path
// (RFC 4301 section 8.2.1). They are for the gateway itself, whatever the SPD says: it goes to the
// control core what they quote, which compares it with the SAs and believes it or not. Limited to a
// rate, because anybody can send them. All other ICMP goes on to the inbound SPD.

#include "graph/node.h"

#include <rte_ring.h>

#include "net/icmp_quote.h"

enum { EDGE_SPD_IN, EDGE_DROP };

// A worker's, more than routers send, and little work for the control core.
#define TOLD_PPS 1000

static bool tell(struct gw_worker *worker, const struct gw_icmp_quote *quote)
{
	struct gw_event event = {
		.kind = GW_EVENT_PATH_MTU,
		.spi = quote->spi,
		.flow = quote->flow,
		.sequence = quote->sequence,
		.mtu = quote->mtu,
		.direction = GW_DIRECTION_OUT,
		.destination.family = quote->flow.family,
	};

	memcpy(event.destination.bytes, quote->flow.destination, sizeof(event.destination.bytes));
	return gw_bucket_take(&worker->told_bucket, worker->now_ns, TOLD_PPS) &&
	       rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) == 0;
}

static uint8_t look(struct gw_worker *worker, struct rte_mbuf *mbuf)
{
	struct gw_packet *packet = gw_packet(mbuf);
	struct gw_icmp_quote quote;

	// A message that lies in several segments is longer than RFC 1812 and RFC 4443 let a router
	// make it.
	if (!worker->dataplane->learn_path_mtu || rte_pktmbuf_data_len(mbuf) < packet->ip_bytes ||
		!gw_icmp_quote_read(rte_pktmbuf_mtod(mbuf, const void *), packet->header_bytes,
			packet->ip_bytes, &quote) ||
		!gw_local_contains(worker->dataplane->local, quote.flow.family, quote.flow.source))
		return EDGE_SPD_IN;
	return gw_to_drop(packet,
		tell(worker, &quote) ? GW_DROP_ICMP_PATH_MTU : GW_DROP_ICMP_PATH_MTU_RATE,
		EDGE_DROP);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	struct gw_worker *worker = gw_node_worker(node);

	for (unsigned int i = 0; i < count; i++)
		nexts[i] = look(worker, packets[i]);
}

static uint16_t icmp_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_icmp_input = {
	.name = "icmp_input",
	.process = icmp_input,
	.edges = {
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_DROP] = "drop",
	},
};
