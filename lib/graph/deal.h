// Called by: worker; control core before workers start and after they have stopped
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_graph_worker.h>

#include "graph/worker.h"
#include "ipsec/ticket.h"

// One inbound SA over all workers. Its packets reach one receive queue, so when the worker that
// polls it cannot keep up while others have little to do, it lets them work on its ESP packets:
// batches of these become tickets (ipsec/ticket.h), which any worker claims, walks through its own
// graph from sad_lookup to port_tx, and hands back as frames; the owner sends them in the order in
// which it received them. docs/decisions/023-one-sa-over-all-workers.md says why so.
//
// A worker that is not overloaded, and has nobody's batch in hand, pays one look at its own flag in
// sad_lookup, one in port_tx and a few words in port_rx each walk.

// SAs with a smaller replay window stay with their worker: batches that are worked on at the same
// time may be recorded this far out of order.
#define GW_DEAL_WINDOW (2 * GW_TICKETS * GW_TICKET_PACKETS)

struct gw_deal {
	struct gw_tickets tickets; // see there
	// Has little to do of its own. worker: wo, other workers: ro. A value a moment old does no
	// harm.
	_Alignas(64) _Atomic bool spare;

	// --- the worker's own
	_Alignas(64) bool on;      // overloaded, and others have little to do: deals
	bool always;               // on whatever the load is; control: wo before workers start
	bool full;                 // in this walk a receive queue gave all it was asked for
	unsigned int full_walks;   // one after the other
	unsigned int calm_walks;   // the same of those without a full queue
	unsigned int light_walks;  // the same of those that brought little
	unsigned int next_owner;   // whose tickets are looked at first
	uint32_t batches;          // claimed so far
	struct gw_ticket *in_hand; // the batch of this walk whose frames are kept
};

// Where port_rx's packets go.
struct gw_deal_edges {
	uint8_t port_tx, sad_lookup;
};

// Control core: NULL when there is no memory.
struct gw_deal *gw_deal_new(bool always);
// Control core, workers have stopped: gives every packet that is left to dispose.
void gw_deal_free(
	struct gw_deal *deal, void (*dispose)(void *context, void *packet), void *context);
// Any thread: nothing is on its way.
bool gw_deal_is_drained(const struct gw_worker *worker);

// The parts of a walk, in their order, of a worker that may deal.

// Before packets are received: sends what others finished and goes on with the worker's own.
// Returns how many packets may be taken from each queue, at most burst.
unsigned int gw_deal_begin(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges, unsigned int burst);
// After packets were received, received of them: is this too much, or little enough to help?
void gw_deal_received(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges, unsigned int received);
// In port_tx: keeps frames of the batch in hand, moves all others to the front and returns their
// number.
uint16_t gw_deal_keep(struct gw_worker *worker, void **packets, uint16_t count);
// After the walk.
void gw_deal_end_batch(struct gw_worker *worker);

static inline void gw_deal_end(struct gw_worker *worker)
{
	if (unlikely(worker->batch))
		gw_deal_end_batch(worker);
}
