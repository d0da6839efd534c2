// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Hands packets whose policy has no SA yet to the control core. It keeps them in a bounded queue
// and sends them back through host_rx, to the outbound SPD again, once there is an SA.

#include "graph/node.h"

#include <rte_ring.h>

enum { EDGE_DROP };

static uint16_t sa_hold(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	unsigned int taken = rte_ring_sp_enqueue_burst(worker->holds, packets, count, NULL);

	for (unsigned int i = taken; i < count; i++)
		gw_packet(packets[i])->drop = GW_DROP_SPD_OUT_HOLD_FULL;
	if (taken < count)
		rte_node_enqueue(
			graph, node, EDGE_DROP, packets + taken, (uint16_t)(count - taken));
	return count;
}

const struct gw_node gw_node_sa_hold = {
	.name = "sa_hold",
	.process = sa_hold,
	.edges = {
		[EDGE_DROP] = "drop",
	},
};
