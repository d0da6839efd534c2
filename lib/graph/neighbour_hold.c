// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Hands packets whose next hop's MAC address is unknown to the control core. It keeps them in a
// bounded queue, has the kernel ask for the neighbour, and sends them back through host_rx once the
// answer has come.

#include "graph/node.h"

#include <rte_ip.h>
#include <rte_ring.h>

enum { EDGE_DROP };

// Which address to ask for: the gateway of the route, or on link the packet's own destination. It
// goes with the packet in place of its destination selector, because the next hop may die on the
// way.
static void note_address(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const struct gw_nexthop *nexthop = packet->nexthop;
	uint8_t family = packet->flow.family;

	memset(packet->flow.destination, 0, sizeof(packet->flow.destination));
	if (nexthop->address.family) {
		packet->resolve_family = nexthop->address.family;
		memcpy(packet->flow.destination, nexthop->address.bytes,
			sizeof(packet->flow.destination));
	} else {
		size_t offset = family == 4 ? offsetof(struct rte_ipv4_hdr, dst_addr)
					    : offsetof(struct rte_ipv6_hdr, dst_addr);

		packet->resolve_family = family;
		memcpy(packet->flow.destination,
			rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, offset),
			gw_addr_bytes(family));
	}
	packet->nexthop = NULL;
	packet->sa = NULL;
}

static uint16_t neighbour_hold(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	unsigned int taken;

	for (uint16_t i = 0; i < count; i++)
		note_address(packets[i], gw_packet(packets[i]));
	taken = rte_ring_sp_enqueue_burst(worker->holds, packets, count, NULL);
	for (unsigned int i = taken; i < count; i++)
		gw_packet(packets[i])->drop = GW_DROP_NEIGHBOUR_QUEUE_FULL;
	if (taken < count)
		rte_node_enqueue(
			graph, node, EDGE_DROP, packets + taken, (uint16_t)(count - taken));
	return count;
}

const struct gw_node gw_node_neighbour_hold = {
	.name = "neighbour_hold",
	.process = neighbour_hold,
	.edges = {
		[EDGE_DROP] = "drop",
	},
};
