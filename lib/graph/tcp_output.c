// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Hands ESP packets of SAs in TCP (RFC 9329) to the control core, which has the connections. The
// outer IP header, which TCP does not carry, tells it the peer. From here on the packet carries no
// pointer to its SA: with the reqid in sequence and the peer in flow.destination the control core
// finds the connection. It never comes back into the graph.

#include "graph/node.h"

#include <rte_ip.h>
#include <rte_ring.h>

enum { EDGE_DROP };

static void address(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	bool v4 = packet->flow.family == 4;
	uint16_t at = v4 ? offsetof(struct rte_ipv4_hdr, dst_addr)
			 : offsetof(struct rte_ipv6_hdr, dst_addr);

	memset(packet->flow.destination, 0, sizeof(packet->flow.destination));
	memcpy(packet->flow.destination, rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, at),
		v4 ? 4 : 16);
	packet->sequence = packet->sa->reqid;
}

static uint16_t tcp_output(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);

	for (uint16_t i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		struct gw_sa *sa = packet->sa;

		address(packets[i], packet);
		packet->sa = NULL;
		if (likely(rte_ring_sp_enqueue(worker->streams, packets[i]) == 0))
			continue;
		packet->sa = sa;
		packet->drop = GW_DROP_TCP_QUEUE_FULL;
		rte_node_enqueue_x1(graph, node, EDGE_DROP, packets[i]);
	}
	return count;
}

const struct gw_node gw_node_tcp_output = {
	.name = "tcp_output",
	.process = tcp_output,
	.edges = {
		[EDGE_DROP] = "drop",
	},
};
