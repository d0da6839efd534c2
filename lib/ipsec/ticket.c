// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What the owner wrote into a ticket is published by the store to issued, and what the claimer
// wrote by the store to done. A claim succeeds only while its ticket is unclaimed, so it cannot
// have been released and issued again since the claimer looked.

#include "ipsec/ticket.h"

#include <stddef.h>

static struct gw_ticket *at(struct gw_tickets *tickets, uint32_t number)
{
	return &tickets->tickets[number % GW_TICKETS];
}

void gw_tickets_init(struct gw_tickets *tickets, uint32_t first)
{
	for (unsigned int i = 0; i < GW_TICKETS; i++)
		atomic_init(&tickets->tickets[i].done, first); // those issued end above it
	atomic_init(&tickets->issued, first);
	atomic_init(&tickets->claimed, first);
	atomic_init(&tickets->released, first);
}

static uint32_t outstanding(const struct gw_tickets *tickets)
{
	return atomic_load_explicit(&tickets->issued, memory_order_relaxed) -
	       atomic_load_explicit(&tickets->released, memory_order_relaxed);
}

unsigned int gw_tickets_room(const struct gw_tickets *tickets)
{
	return GW_TICKETS - outstanding(tickets);
}

unsigned int gw_tickets_issue(struct gw_tickets *tickets, void **packets, unsigned int count)
{
	uint32_t number = atomic_load_explicit(&tickets->issued, memory_order_relaxed);
	struct gw_ticket *ticket = at(tickets, number);

	if (gw_tickets_room(tickets) == 0)
		return 0;
	if (count > GW_TICKET_PACKETS)
		count = GW_TICKET_PACKETS;
	ticket->number = number;
	ticket->count = (uint16_t)count;
	ticket->results = 0;
	for (unsigned int i = 0; i < count; i++)
		ticket->packets[i] = packets[i];
	// Release: pairs with the acquire in gw_tickets_claim.
	atomic_store_explicit(&tickets->issued, number + 1, memory_order_release);
	return count;
}

struct gw_ticket *gw_tickets_claim(struct gw_tickets *tickets, uint32_t claimer)
{
	// Acquire: whoever claimed up to here had seen these tickets issued, and so do we.
	uint32_t number = atomic_load_explicit(&tickets->claimed, memory_order_acquire);
	struct gw_ticket *ticket;

	do {
		// Acquire: pairs with the release in gw_tickets_issue.
		if (atomic_load_explicit(&tickets->issued, memory_order_acquire) == number)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&tickets->claimed, &number, number + 1,
		memory_order_acq_rel, memory_order_acquire));
	ticket = at(tickets, number);
	ticket->claimer = claimer;
	return ticket;
}

bool gw_ticket_hand_back(struct gw_ticket *ticket, void *packet)
{
	if (ticket->results == GW_TICKET_RESULTS)
		return false;
	ticket->result[ticket->results++] = packet;
	return true;
}

void gw_ticket_finish(struct gw_ticket *ticket)
{
	// Release: pairs with the acquire in gw_tickets_finished.
	atomic_store_explicit(&ticket->done, ticket->number + 1, memory_order_release);
}

struct gw_ticket *gw_tickets_finished(struct gw_tickets *tickets)
{
	uint32_t oldest = atomic_load_explicit(&tickets->released, memory_order_relaxed);
	struct gw_ticket *ticket = at(tickets, oldest);

	// A ticket that is not issued has the number of one that was released, or none yet.
	if (atomic_load_explicit(&ticket->done, memory_order_acquire) != oldest + 1)
		return NULL;
	return ticket;
}

bool gw_tickets_is_oldest(const struct gw_tickets *tickets, const struct gw_ticket *ticket)
{
	return ticket->number == atomic_load_explicit(&tickets->released, memory_order_relaxed);
}

void gw_tickets_release(struct gw_tickets *tickets)
{
	uint32_t oldest = atomic_load_explicit(&tickets->released, memory_order_relaxed);

	// Release: who sees all of them released sees what the owner did with their packets.
	atomic_store_explicit(&tickets->released, oldest + 1, memory_order_release);
}

bool gw_tickets_all_released(const struct gw_tickets *tickets)
{
	// Released first: a ticket issued in between shows as outstanding.
	uint32_t released = atomic_load_explicit(&tickets->released, memory_order_acquire);

	return atomic_load_explicit(&tickets->issued, memory_order_acquire) == released;
}
