// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_graph.h>

extern const struct gw_node gw_node_port_rx, gw_node_host_rx, gw_node_eth_input, gw_node_ip_input,
	gw_node_fast_out, gw_node_fast_in, gw_node_dummy, gw_node_spd_out, gw_node_sa_hold,
	gw_node_esp_encrypt, gw_node_tcp_output, gw_node_ah_output, gw_node_reassembly,
	gw_node_sad_lookup, gw_node_deal, gw_node_esp_decrypt, gw_node_ah_input, gw_node_icmp_input,
	gw_node_spd_in, gw_node_ip_output, gw_node_ip_fragment, gw_node_icmp_error,
	gw_node_neighbour_hold, gw_node_port_tx, gw_node_punt, gw_node_drop;

const struct gw_node *const gw_nodes[] = {
	// in
	&gw_node_port_rx,
	&gw_node_host_rx,
	&gw_node_fast_out,
	&gw_node_fast_in,
	&gw_node_eth_input,
	&gw_node_ip_input,
	// from the protected side
	&gw_node_spd_out,
	&gw_node_sa_hold,
	&gw_node_dummy,
	&gw_node_esp_encrypt,
	&gw_node_tcp_output,
	&gw_node_ah_output,
	// from the unprotected side
	&gw_node_reassembly,
	&gw_node_sad_lookup,
	&gw_node_deal,
	&gw_node_esp_decrypt,
	&gw_node_ah_input,
	&gw_node_icmp_input,
	&gw_node_spd_in,
	// out
	&gw_node_ip_output,
	&gw_node_ip_fragment,
	&gw_node_icmp_error,
	&gw_node_neighbour_hold,
	&gw_node_port_tx,
	&gw_node_punt,
	&gw_node_drop,
};
const size_t gw_node_count = RTE_DIM(gw_nodes);

static int node_register(const struct gw_node *node, struct gw_error *err)
{
	struct rte_node_register *entry;
	rte_node_t id;

	entry = calloc(1, sizeof(*entry) + GW_MAX_EDGES * sizeof(entry->next_nodes[0]));
	if (!entry)
		return gw_error_set(err, ENOMEM, "no memory for node %s", node->name);
	snprintf(entry->name, sizeof(entry->name), "%s", node->name);
	entry->process = node->process;
	entry->flags = node->source ? RTE_NODE_SOURCE_F : 0;
	entry->parent_id = RTE_NODE_ID_INVALID;
	while (node->edges[entry->nb_edges]) {
		entry->next_nodes[entry->nb_edges] = node->edges[entry->nb_edges];
		entry->nb_edges++;
	}
	id = __rte_node_register(entry);
	free(entry);
	if (rte_node_is_invalid(id))
		return gw_error_set(err, EINVAL, "rte_graph refuses node %s: %s", node->name,
			rte_strerror(rte_errno));
	return 0;
}

int gw_nodes_register(struct gw_error *err)
{
	for (size_t i = 0; i < gw_node_count; i++) {
		int rc = node_register(gw_nodes[i], err);

		if (rc)
			return rc;
	}
	return 0;
}

int gw_graph_new(struct gw_worker *worker, struct gw_error *err)
{
	const char *names[RTE_DIM(gw_nodes)];
	struct rte_graph_param parameters = {
		.socket_id = SOCKET_ID_ANY,
		.nb_node_patterns = RTE_DIM(gw_nodes),
		.node_patterns = names,
	};
	char name[RTE_GRAPH_NAMESIZE];
	rte_graph_off_t offset;
	struct rte_node *node;
	rte_node_t count;

	for (size_t i = 0; i < gw_node_count; i++)
		names[i] = gw_nodes[i]->name;
	snprintf(name, sizeof(name), "worker%u", worker->index);
	if (rte_graph_create(name, &parameters) == RTE_GRAPH_ID_INVALID)
		return gw_error_set(err, rte_errno ? rte_errno : EINVAL,
			"no graph for worker %u: %s", worker->index, rte_strerror(rte_errno));
	worker->graph = rte_graph_lookup(name);
	rte_graph_foreach_node(count, offset, worker->graph, node)
		memcpy(node->ctx, &worker, sizeof(worker));
	return 0;
}

void gw_graph_free(struct gw_worker *worker)
{
	if (worker->graph)
		rte_graph_destroy(worker->graph->id);
	worker->graph = NULL;
}

void gw_node_total(const struct gw_dataplane *dataplane, const struct gw_node *wanted,
	struct gw_node_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	for (unsigned int i = 0; i < dataplane->worker_count; i++) {
		struct rte_graph *graph = dataplane->workers[i]->graph;
		rte_graph_off_t offset;
		struct rte_node *node;
		rte_node_t count;

		rte_graph_foreach_node(count, offset, graph, node)
		{
			if (strcmp(node->name, wanted->name) != 0)
				continue;
			totals->packets += node->total_objs;
			totals->vectors += node->total_calls;
			totals->cycles += node->total_cycles;
		}
	}
}
