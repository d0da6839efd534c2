// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_graph_worker.h>
#include <rte_mbuf.h>

#include "graph/packet.h"
#include "graph/worker.h"
#include "stats/counters.h"

// What every node is made of. A node's file defines one gw_node_NAME; nodes.c lists them.
#define GW_MAX_EDGES 8

struct gw_node {
	const char *name;
	rte_node_process_t process;
	bool source; // runs at the start of each walk
	// Names of the nodes that packets go to, by the node's own enum of edges; ends at NULL.
	const char *edges[GW_MAX_EDGES + 1];
};

// The worker that walks the graph: kept in each node's context (nodes.c puts it there).
static inline struct gw_worker *gw_node_worker(const struct rte_node *node)
{
	return *(struct gw_worker *const *)node->ctx;
}

// Hands packets on: nexts[i] is the edge of packets[i]. Runs of one edge move together; a whole
// vector that goes one way changes hands without being copied.
static inline void gw_node_forward(struct rte_graph *graph, struct rte_node *node, void **packets,
	const uint8_t *nexts, unsigned int count)
{
	unsigned int start = 0;

	while (start < count) {
		unsigned int end = start + 1;

		while (end < count && nexts[end] == nexts[start])
			end++;
		if (end - start == node->idx && packets == node->objs)
			rte_node_next_stream_move(graph, node, nexts[start]);
		else
			rte_node_enqueue(graph, node, nexts[start], packets + start,
				(uint16_t)(end - start));
		start = end;
	}
}

// Marks a packet for the drop node, which counts and frees it.
static inline uint8_t gw_to_drop(struct gw_packet *packet, enum gw_drop reason, uint8_t edge)
{
	packet->drop = (uint8_t)reason;
	return edge;
}

// Sends a packet to icmp_error: an error about it goes to its source, and the packet is dropped for
// reason.
static inline uint8_t gw_to_icmp(struct gw_packet *packet, enum gw_icmp_error error, uint16_t mtu,
	enum gw_drop reason, uint8_t edge)
{
	packet->icmp = (uint8_t)error;
	packet->mtu = mtu;
	packet->drop = (uint8_t)reason;
	return edge;
}

// Runs step over the packets in vectors of at most GW_VECTOR.
typedef void (*gw_node_step)(struct rte_graph *graph, struct rte_node *node, void **packets,
	uint8_t *nexts, unsigned int count);

static __rte_always_inline uint16_t gw_node_run(struct rte_graph *graph, struct rte_node *node,
	void **packets, uint16_t count, gw_node_step step)
{
	uint8_t nexts[GW_VECTOR];

	for (unsigned int done = 0; done < count;) {
		unsigned int chunk = RTE_MIN(count - done, (unsigned int)GW_VECTOR);

		step(graph, node, packets + done, nexts, chunk);
		gw_node_forward(graph, node, packets + done, nexts, chunk);
		done += chunk;
	}
	return count;
}
