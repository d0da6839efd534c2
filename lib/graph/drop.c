// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The end of every packet that does not leave: counts its reason, for its SA too where one is
// known, and frees it.

#include "graph/node.h"

static uint16_t drop(struct rte_graph *, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);

	for (uint16_t i = 0; i < count; i++) {
		const struct gw_packet *packet = gw_packet(packets[i]);

		gw_count_drop(&worker->counters, packet->drop);
		if (packet->sa)
			gw_sa_count_drop(packet->sa, packet->drop);
	}
	rte_pktmbuf_free_bulk((struct rte_mbuf **)packets, count);
	return count;
}

const struct gw_node gw_node_drop = {
	.name = "drop",
	.process = drop,
	.edges = { NULL },
};
