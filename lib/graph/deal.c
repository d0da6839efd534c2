// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Takes ESP packets of SAs out of the walk into tickets while the worker is dealing; sad_lookup
// sends them here instead of to esp_decrypt only then. What comes back from a ticket is looked up
// anew, because an SA may be gone by then, and passes.
//
// When tickets run out, the worker takes less from its queues, which is what overload is anyway; a
// packet that finds none nevertheless goes on at once, out of order rather than not at all.

#include "graph/deal.h"

#include <rte_malloc.h>

#include "graph/node.h"
#include "ipsec/replay.h"

enum { EDGE_ESP_DECRYPT };

// Walks in which a queue gave all it was asked for, one after the other, that make a worker
// overloaded; and walks without, that end it. A queue that is kept from filling by others' help
// does not become calm for long.
#define FULL_WALKS 8
#define CALM_WALKS 1024

// A walk that brought fewer packets is a light one; so many light ones make spare time.
#define LIGHT       32
#define LIGHT_WALKS 16

struct gw_deal *gw_deal_new(bool always)
{
	struct gw_deal *deal = rte_zmalloc("deal", sizeof(*deal), RTE_CACHE_LINE_SIZE);

	if (!deal)
		return NULL;
	gw_tickets_init(&deal->tickets, 0);
	deal->always = deal->on = always;
	return deal;
}

void gw_deal_free(struct gw_deal *deal, void (*dispose)(void *context, void *packet), void *context)
{
	struct gw_ticket *ticket;

	if (!deal)
		return;
	// Workers finish what they claimed before they stop: what is left was finished or never
	// claimed.
	for (; !gw_tickets_all_released(&deal->tickets); gw_tickets_release(&deal->tickets)) {
		ticket = gw_tickets_finished(&deal->tickets);
		if (ticket) {
			for (unsigned int i = 0; i < ticket->results; i++)
				dispose(context, ticket->result[i]);
			continue;
		}
		ticket = gw_tickets_claim(&deal->tickets, 0);
		for (unsigned int i = 0; ticket && i < ticket->count; i++)
			dispose(context, ticket->packets[i]);
	}
	rte_free(deal);
}

bool gw_deal_is_drained(const struct gw_worker *worker)
{
	return !worker->deal || gw_tickets_all_released(&worker->deal->tickets);
}

// A claimed batch enters the walk. kept: its frames go back to the owner under the batch's mark,
// which no other batch of any worker has for a long time, so that a packet of an earlier one is
// never taken for one of it.
static void enter(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges, struct gw_ticket *ticket, bool kept)
{
	struct gw_deal *deal = worker->deal;

	worker->batch = 0;
	if (kept) {
		deal->in_hand = ticket;
		deal->batches = RTE_MAX((deal->batches + 1) % (UINT32_MAX / GW_MAX_WORKERS), 1u);
		worker->batch = deal->batches * GW_MAX_WORKERS + worker->index;
	}
	for (unsigned int i = 0; i < RTE_MIN(ticket->count, 8u); i++)
		rte_prefetch0(gw_packet(ticket->packets[i]));
	for (unsigned int i = 0; i < ticket->count; i++) {
		struct gw_packet *packet = gw_packet(ticket->packets[i]);

		if (i + 8u < ticket->count)
			rte_prefetch0(gw_packet(ticket->packets[i + 8]));
		packet->marks |= GW_MARK_DEALT;
		packet->batch = worker->batch;
	}
	worker->received += ticket->count;
	rte_node_enqueue(graph, node, edges.sad_lookup, ticket->packets, ticket->count);
}

// Sends what is finished, in order.
static void collect(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges)
{
	struct gw_tickets *tickets = &worker->deal->tickets;
	struct gw_ticket *ticket;

	for (; (ticket = gw_tickets_finished(tickets)); gw_tickets_release(tickets)) {
		if (ticket->claimer != worker->index)
			worker->counters.dealt += ticket->count;
		worker->received += ticket->results;
		if (ticket->results)
			rte_node_enqueue(
				graph, node, edges.port_tx, ticket->result, ticket->results);
	}
}

// Works on the worker's own tickets like anybody else. The oldest one's packets are the next to
// leave, so they walk like any others and need not come back. While dealing, one batch a walk:
// others shall find something; else what is left, for then there is no more to come.
static void work_on_own(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges)
{
	struct gw_deal *deal = worker->deal;
	struct gw_ticket *ticket;
	bool oldest = true;

	while (oldest && (ticket = gw_tickets_claim(&deal->tickets, worker->index))) {
		oldest = gw_tickets_is_oldest(&deal->tickets, ticket);
		enter(graph, node, worker, edges, ticket, !oldest);
		if (oldest) {
			gw_ticket_finish(ticket);
			gw_tickets_release(&deal->tickets);
		}
		if (deal->on)
			break;
	}
}

unsigned int gw_deal_begin(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges, unsigned int burst)
{
	struct gw_deal *deal = worker->deal;
	unsigned int room;

	if (likely(!worker->dealing))
		return burst;
	collect(graph, node, worker, edges);
	work_on_own(graph, node, worker, edges);
	worker->dealing = deal->on || !gw_tickets_all_released(&deal->tickets);
	if (!worker->dealing)
		return burst;
	// One ticket stays for what vectors leave unfilled, and from_workers is one queue more.
	room = gw_tickets_room(&deal->tickets);
	if (room <= 1)
		return 0;
	return RTE_MIN(burst, (room - 1) * GW_TICKET_PACKETS / (worker->rx_queue_count + 1));
}

// Another worker has little to do.
static bool is_help_near(const struct gw_worker *worker)
{
	const struct gw_dataplane *dataplane = worker->dataplane;

	for (unsigned int i = 0; i < dataplane->worker_count; i++)
		if (i != worker->index && atomic_load_explicit(&dataplane->workers[i]->deal->spare,
						  memory_order_relaxed))
			return true;
	return false;
}

// Overloaded after several full walks, calm only after many without one.
static void judge_load(struct gw_worker *worker, unsigned int received)
{
	struct gw_deal *deal = worker->deal;
	bool spare = atomic_load_explicit(&deal->spare, memory_order_relaxed);

	deal->full_walks = deal->full ? deal->full_walks + 1 : 0;
	deal->calm_walks = deal->full ? 0 : deal->calm_walks + 1;
	deal->light_walks = received < LIGHT ? deal->light_walks + 1 : 0;
	if (spare ? deal->full : deal->light_walks >= LIGHT_WALKS)
		atomic_store_explicit(&deal->spare, !spare, memory_order_relaxed);
	if (deal->always)
		return;
	if (deal->on)
		deal->on = deal->calm_walks < CALM_WALKS &&
			   (deal->full_walks % FULL_WALKS || is_help_near(worker));
	else if (deal->full_walks >= FULL_WALKS)
		deal->on = deal->full_walks % FULL_WALKS == 0 && is_help_near(worker);
}

// Takes one batch of another worker that has some.
static void help(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	struct gw_deal *deal = worker->deal;

	for (unsigned int i = 0; i < dataplane->worker_count; i++) {
		unsigned int owner = deal->next_owner++ % dataplane->worker_count;
		struct gw_ticket *ticket;

		if (owner == worker->index)
			continue;
		ticket = gw_tickets_claim(&dataplane->workers[owner]->deal->tickets, worker->index);
		if (!ticket)
			continue;
		worker->counters.helped += ticket->count;
		enter(graph, node, worker, edges, ticket, true);
		return;
	}
}

void gw_deal_received(struct rte_graph *graph, struct rte_node *node, struct gw_worker *worker,
	struct gw_deal_edges edges, unsigned int received)
{
	struct gw_deal *deal = worker->deal;

	judge_load(worker, received);
	worker->dealing |= deal->on;
	deal->full = false;
	if (received < LIGHT && !worker->batch)
		help(graph, node, worker, edges);
}

uint16_t gw_deal_keep(struct gw_worker *worker, void **packets, uint16_t count)
{
	struct gw_ticket *ticket = worker->deal->in_hand;
	uint16_t others = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if ((packet->marks & GW_MARK_DEALT) && packet->batch == worker->batch &&
			gw_ticket_hand_back(ticket, packets[i])) {
			// They may be gone when the owner sends it.
			packet->sa = NULL;
			packet->nexthop = NULL;
		} else {
			packets[others++] = packets[i];
		}
	}
	return others;
}

void gw_deal_end_batch(struct gw_worker *worker)
{
	worker->batch = 0;
	gw_ticket_finish(worker->deal->in_hand);
	worker->deal->in_hand = NULL;
}

// Whether batches of the SA may be recorded in the replay window in another order than the one in
// which they came.
static bool may_deal(const struct gw_packet *packet)
{
	const struct gw_sa *sa = packet->sa;

	return !(packet->marks & GW_MARK_DEALT) && !sa->in_tcp &&
	       (sa->replay->window == 0 || sa->replay->window >= GW_DEAL_WINDOW);
}

static void issue(struct rte_graph *graph, struct rte_node *node, struct gw_tickets *tickets,
	void **packets, unsigned int count)
{
	while (count && gw_tickets_room(tickets)) {
		unsigned int next = RTE_MIN(count, GW_TICKET_PACKETS);

		// The SA may be gone when the batch is worked on.
		for (unsigned int i = 0; i < next; i++)
			gw_packet(packets[i])->sa = NULL;
		gw_tickets_issue(tickets, packets, next);
		packets += next;
		count -= next;
	}
	if (unlikely(count))
		rte_node_enqueue(graph, node, EDGE_ESP_DECRYPT, packets, (uint16_t)count);
}

static uint16_t deal(struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_tickets *tickets = &gw_node_worker(node)->deal->tickets;
	void *dealt[GW_VECTOR];
	unsigned int waiting = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (!may_deal(gw_packet(packets[i]))) {
			rte_node_enqueue_x1(graph, node, EDGE_ESP_DECRYPT, packets[i]);
			continue;
		}
		if (waiting == GW_VECTOR) {
			issue(graph, node, tickets, dealt, waiting);
			waiting = 0;
		}
		dealt[waiting++] = packets[i];
	}
	issue(graph, node, tickets, dealt, waiting);
	return count;
}

const struct gw_node gw_node_deal = {
	.name = "deal",
	.process = deal,
	.edges = {
		[EDGE_ESP_DECRYPT] = "esp_decrypt",
	},
};
