// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Puts the Ethernet header in front: the neighbour's MAC address, ours, the type.

#include "graph/node.h"

#include <rte_ether.h>

enum { EDGE_PORT_TX };

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_dataplane *dataplane = gw_node_worker(node)->dataplane;

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		const struct gw_nexthop *nexthop = packet->nexthop;
		struct rte_ether_hdr *ether;

		gw_node_prefetch(packets, i, count);
		// Headroom is there: an Ethernet header was taken off, or the packet was built with
		// room for one.
		ether = (struct rte_ether_hdr *)rte_pktmbuf_prepend(mbuf, sizeof(*ether));
		memcpy(&ether->dst_addr, nexthop->mac, sizeof(nexthop->mac));
		memcpy(&ether->src_addr, dataplane->ports[nexthop->port]->mac,
			sizeof(nexthop->mac));
		ether->ether_type = packet->flow.family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4)
							     : RTE_BE16(RTE_ETHER_TYPE_IPV6);
		// Relaxed: tells the control core that the entry is in use, nothing else hangs on
		// it. Read first, so that the line stays shared among the workers.
		if (!atomic_load_explicit(nexthop->used, memory_order_relaxed))
			atomic_store_explicit(nexthop->used, 1, memory_order_relaxed);
		nexts[i] = EDGE_PORT_TX;
	}
}

static uint16_t eth_output(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_eth_output = {
	.name = "eth_output",
	.process = eth_output,
	.edges = {
		[EDGE_PORT_TX] = "port_tx",
	},
};
