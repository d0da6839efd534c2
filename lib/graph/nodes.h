// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "graph/node.h"

// The nodes in packet order: the table of contents of the data path.
extern const struct gw_node *const gw_nodes[];
extern const size_t gw_node_count;

// Makes the nodes known to rte_graph; once, before the first graph.
int gw_nodes_register(struct gw_error *err);

// Makes worker's graph of all nodes: sets worker->graph.
int gw_graph_new(struct gw_worker *worker, struct gw_error *err);
void gw_graph_free(struct gw_worker *worker);

// One node's work over all workers so far.
struct gw_node_totals {
	uint64_t packets;
	uint64_t vectors; // calls that met packets; source nodes count every call
	uint64_t cycles;  // of the time stamp counter
};
void gw_node_total(const struct gw_dataplane *dataplane, const struct gw_node *node,
	struct gw_node_totals *totals);
