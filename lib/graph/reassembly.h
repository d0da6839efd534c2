// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_graph_worker.h>

#include "graph/worker.h"

// Sends fragments that have waited too long to the drop node, by this edge of a source node.
void gw_reassembly_tick(
	struct rte_graph *graph, struct rte_node *node, rte_edge_t edge, struct gw_worker *worker);
