// Called by: worker; control core before workers start and after they have stopped
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// Batches of packets that any worker may work on and that leave in the order in which their owner
// issued them, without locks.
//
// One worker owns a row of tickets. It issues a ticket with a batch; whoever comes first claims the
// oldest one that nobody has claimed, the owner like any other; the claimer hands back what came of
// the batch and finishes the ticket; the owner collects finished tickets from the oldest on. A
// packet that was dropped is simply not handed back, so it holds up nothing, and a batch that
// nobody else claims stays the owner's to work on.
//
//   released <= claimed <= issued <= released + GW_TICKETS, in serial arithmetic

#define GW_TICKETS        8u   // a power of two
#define GW_TICKET_PACKETS 64u  // of one batch, at most
#define GW_TICKET_RESULTS 128u // a packet may have been cut into fragments

struct gw_ticket {
	// The number that comes after the ticket's once it is finished; any other value before.
	// claimer: wo (release), owner: ro (acquire)
	alignas(64) _Atomic uint32_t done;
	uint32_t number;                  // owner: wo before it is issued, claimer: ro
	uint16_t count;                   // owner: wo before it is issued, claimer: ro
	uint16_t results;                 // claimer: rw, owner: ro once it is finished
	uint32_t claimer;                 // as results: who it was
	void *packets[GW_TICKET_PACKETS]; // as count
	void *result[GW_TICKET_RESULTS];  // as results
};

struct gw_tickets {
	alignas(64) _Atomic uint32_t issued;   // owner: wo (release), others: ro (acquire)
	alignas(64) _Atomic uint32_t claimed;  // workers: rw, by compare-and-swap
	alignas(64) _Atomic uint32_t released; // owner: wo, control: ro
	struct gw_ticket tickets[GW_TICKETS];
};

// Control core, before anybody uses them. The numbers begin at first.
void gw_tickets_init(struct gw_tickets *tickets, uint32_t first);

// Owner: how many tickets could be issued now.
unsigned int gw_tickets_room(const struct gw_tickets *tickets);
// Owner: issues one for the first packets of count; returns of how many, 0 when there is no room.
unsigned int gw_tickets_issue(struct gw_tickets *tickets, void **packets, unsigned int count);

// Any worker: the oldest ticket that nobody has claimed, which is now claimer's to work on. NULL:
// there is none.
struct gw_ticket *gw_tickets_claim(struct gw_tickets *tickets, uint32_t claimer);
// Claimer: hands a packet back. False: there is no room for it.
bool gw_ticket_hand_back(struct gw_ticket *ticket, void *packet);
// Claimer: the last it does with the ticket.
void gw_ticket_finish(struct gw_ticket *ticket);

// Owner: the oldest ticket that has not been released, when it is finished; NULL: not yet.
struct gw_ticket *gw_tickets_finished(struct gw_tickets *tickets);
// Owner: whether all tickets before this one have been released.
bool gw_tickets_is_oldest(const struct gw_tickets *tickets, const struct gw_ticket *ticket);
// Owner: the oldest ticket, finished or claimed by the owner itself, is free again.
void gw_tickets_release(struct gw_tickets *tickets);

// Any thread: whether every ticket has been released.
bool gw_tickets_all_released(const struct gw_tickets *tickets);
