// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Workers, nodes and drops. All counters are words that workers write without locks; here they are
// only read and added up.

#include "esplanade/methods.h"

#include <errno.h>
#include <string.h>

#include "graph/nodes.h"

static json_t *queue_list(const struct gw_worker *worker)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < worker->rx_queue_count; i++) {
		const struct gw_rx_queue *queue = &worker->rx_queues[i];

		json_array_append_new(
			list, json_pack("{s:s, s:i}", "port",
				      worker->dataplane->ports[queue->port]->spec.name, "queue",
				      queue->queue));
	}
	return list;
}

json_t *gateway_worker_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	for (unsigned int i = 0; i < gateway->dataplane.worker_count; i++) {
		const struct gw_worker *worker = gateway->dataplane.workers[i];
		json_t *object = json_object();

		gateway_put_count(object, "worker", worker->index);
		gateway_put_count(object, "cpu", worker->cpu);
		gateway_put(object, "rx_queues", queue_list(worker));
		gateway_put_count(object, "polls", worker->counters.polls);
		gateway_put_count(object, "idle_polls", worker->counters.idle_polls);
		gateway_put_count(object, "sleeps", worker->counters.sleeps);
		gateway_put_count(object, "dealt", worker->counters.dealt);
		gateway_put_count(object, "helped", worker->counters.helped);
		json_array_append_new(list, object);
	}
	return gateway_list("workers", list);
}

// Parameters of node.list.
struct choice {
	bool one; // worker is set
	uint32_t worker;
};

static int read_worker(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct choice *choice = target;

	choice->one = true;
	return gw_read_u32(value, name, &choice->worker, err);
}

static const struct gw_field node_fields[] = {
	{ .name = "worker", .read = read_worker, .offset = 0, .help = "Of this worker alone." },
};

// The totals of one worker's copy of a node.
static void worker_total(
	const struct gw_worker *worker, const char *name, struct gw_node_totals *totals)
{
	rte_graph_off_t offset;
	struct rte_node *node;
	rte_node_t count;

	memset(totals, 0, sizeof(*totals));
	rte_graph_foreach_node(count, offset, worker->graph, node)
	{
		if (strcmp(node->name, name) != 0)
			continue;
		totals->packets = node->total_objs;
		totals->vectors = node->total_calls;
		totals->cycles = node->total_cycles;
	}
}

json_t *gateway_node_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	struct choice choice = {};
	json_t *list;

	if (gw_fields_read(params, NULL, node_fields, RTE_DIM(node_fields), &choice, call->err) !=
		0)
		return NULL;
	if (choice.one && choice.worker >= dataplane->worker_count) {
		gw_error_at(call->err, ENOENT, json_object_get(params, "worker"), "worker",
			"there is no worker %u: there are %u, counted from 0", choice.worker,
			dataplane->worker_count);
		return NULL;
	}
	list = json_array();
	for (size_t i = 0; i < gw_node_count; i++) {
		struct gw_node_totals totals;
		json_t *object = json_object();

		if (choice.one)
			worker_total(dataplane->workers[choice.worker], gw_nodes[i]->name, &totals);
		else
			gw_node_total(dataplane, gw_nodes[i], &totals);
		gateway_put(object, "name", json_string(gw_nodes[i]->name));
		gateway_put_count(object, "packets", totals.packets);
		gateway_put_count(object, "vectors", totals.vectors);
		gateway_put_count(object, "cycles", totals.cycles);
		json_array_append_new(list, object);
	}
	return gateway_list("nodes", list);
}

static uint64_t drop_total(const struct gateway *gateway, unsigned int reason)
{
	uint64_t total = gateway->counters.drops[reason];

	for (unsigned int i = 0; i < gateway->dataplane.worker_count; i++)
		total += gateway->dataplane.workers[i]->counters.drops[reason];
	return total;
}

json_t *gateway_drop_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	for (unsigned int i = 0; i < GW_DROP_COUNT; i++) {
		const struct gw_drop_info *info = &gw_drop_table[i];
		json_t *object = json_object();

		gateway_put(object, "name", json_string(info->name));
		gateway_put_count(object, "packets", drop_total(gateway, i));
		gateway_put(object, "severity", json_string(gw_drop_severity_name(info->severity)));
		gateway_put(object, "per_sa", json_boolean(info->scope == GW_DROP_SCOPE_SA));
		gateway_put(object, "meaning", json_string(info->meaning));
		gateway_put(object, "remedy", json_string(info->remedy));
		json_array_append_new(list, object);
	}
	return gateway_list("drops", list);
}
