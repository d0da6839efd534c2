// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Tickets: whoever works on a batch and however long it takes, what is left of all batches comes
// back in the order in which it was issued, once.

#include "ipsec/ticket.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

// Packets are numbers. Every seventh is dropped by whoever works on it, as one with a wrong ICV is;
// every fifth of the others becomes two, as one that is cut does.
static bool is_dropped(uintptr_t packet)
{
	return packet % 7 == 3;
}

static bool is_cut(uintptr_t packet)
{
	return packet % 5 == 1;
}

static void work_on(struct gw_ticket *ticket)
{
	for (unsigned int i = 0; i < ticket->count; i++) {
		uintptr_t packet = (uintptr_t)ticket->packets[i];

		if (is_dropped(packet))
			continue;
		ck_assert(gw_ticket_hand_back(ticket, (void *)packet));
		if (is_cut(packet))
			ck_assert(gw_ticket_hand_back(ticket, (void *)packet));
	}
}

// What the owner knows, and what it expects next.
struct owner {
	struct gw_tickets tickets;
	uintptr_t made, seen; // numbers of packets
	unsigned int by_others;
};

static struct owner *owner_new(uint32_t first)
{
	struct owner *owner = aligned_alloc(64, (sizeof(*owner) + 63) / 64 * 64);

	memset(owner, 0, sizeof(*owner));
	gw_tickets_init(&owner->tickets, first);
	return owner;
}

static void expect(struct owner *owner, void *const *packets, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		do
			owner->seen++;
		while (is_dropped(owner->seen));
		ck_assert_uint_eq((uintptr_t)packets[i], owner->seen);
		if (is_cut(owner->seen)) {
			i++;
			ck_assert_uint_lt(i, count);
			ck_assert_uint_eq((uintptr_t)packets[i], owner->seen);
		}
	}
}

static void issue(struct owner *owner, unsigned int count)
{
	void *packets[GW_TICKET_PACKETS + 10];
	unsigned int room = gw_tickets_room(&owner->tickets), taken;

	for (unsigned int i = 0; i < count; i++)
		packets[i] = (void *)(owner->made + 1 + i);
	taken = gw_tickets_issue(&owner->tickets, packets, count);
	if (room == 0)
		ck_assert_uint_eq(taken, 0);
	else
		ck_assert_uint_eq(taken, count < GW_TICKET_PACKETS ? count : GW_TICKET_PACKETS);
	owner->made += taken;
}

static void collect(struct owner *owner)
{
	struct gw_ticket *ticket;

	while ((ticket = gw_tickets_finished(&owner->tickets))) {
		owner->by_others += ticket->claimer != 0;
		expect(owner, ticket->result, ticket->results);
		gw_tickets_release(&owner->tickets);
	}
}

static bool is_over(struct owner *owner, uintptr_t most)
{
	return owner->made >= most && gw_tickets_all_released(&owner->tickets);
}

// All in one thread, in an order that chance makes: several batches in hand, finished in any order.
START_TEST(any_order_of_finishing)
{
	struct owner *owner = owner_new(UINT32_MAX - 500);
	struct gw_ticket *in_hand[GW_TICKETS];
	unsigned int held = 0, issued_most = 0;

	srand(1);
	while (!is_over(owner, 100000)) {
		unsigned int i;

		switch (rand() % 4) {
		case 0:
			if (owner->made < 100000)
				issue(owner, 1 + (unsigned int)rand() % (GW_TICKET_PACKETS + 9));
			break;
		case 1:
			ck_assert_uint_le(held, GW_TICKETS);
			if (held < GW_TICKETS) {
				in_hand[held] = gw_tickets_claim(&owner->tickets, 1);
				held += in_hand[held] != NULL;
			}
			break;
		case 2:
			if (held == 0)
				break;
			i = (unsigned int)rand() % held;
			work_on(in_hand[i]);
			gw_ticket_finish(in_hand[i]);
			in_hand[i] = in_hand[--held];
			break;
		default:
			collect(owner);
		}
		if (gw_tickets_room(&owner->tickets) == 0)
			issued_most++;
	}
	ck_assert_uint_gt(issued_most, 0);
	free(owner);
}
END_TEST

// The oldest of all is in somebody's hand: nothing of what came after it is collected.
START_TEST(slow_one_is_waited_for)
{
	struct owner *owner = owner_new(UINT32_MAX - 2);
	struct gw_ticket *slow, *ticket;

	for (unsigned int i = 0; i < GW_TICKETS; i++)
		issue(owner, 10);
	issue(owner, 10); // finds no room
	ck_assert_uint_eq(owner->made, 10u * GW_TICKETS);
	slow = gw_tickets_claim(&owner->tickets, 1);
	ck_assert(gw_tickets_is_oldest(&owner->tickets, slow));
	while ((ticket = gw_tickets_claim(&owner->tickets, 0))) {
		ck_assert(!gw_tickets_is_oldest(&owner->tickets, ticket));
		work_on(ticket);
		gw_ticket_finish(ticket);
	}
	ck_assert_ptr_null(gw_tickets_finished(&owner->tickets));
	work_on(slow);
	gw_ticket_finish(slow);
	collect(owner);
	ck_assert(gw_tickets_all_released(&owner->tickets));
	ck_assert_uint_eq(owner->by_others, 1);
	free(owner);
}
END_TEST

// A ticket holds no more results than fit.
START_TEST(results_end)
{
	struct owner *owner = owner_new(0);
	struct gw_ticket *ticket;

	issue(owner, 1);
	ticket = gw_tickets_claim(&owner->tickets, 1);
	for (uintptr_t i = 0; i < GW_TICKET_RESULTS; i++)
		ck_assert(gw_ticket_hand_back(ticket, (void *)(i + 1)));
	ck_assert(!gw_ticket_hand_back(ticket, (void *)1));
	ck_assert_uint_eq(ticket->results, GW_TICKET_RESULTS);
	free(owner);
}
END_TEST

#define HELPERS 3
#define PACKETS 60000u

struct helper {
	struct owner *owner;
	atomic_bool *stop;
	unsigned int number; // 0 is the owner
	unsigned int batches;
};

// Helper 1 now and then gives its CPU away with a batch in hand.
static void *help(void *argument)
{
	struct helper *helper = argument;

	while (!atomic_load_explicit(helper->stop, memory_order_relaxed)) {
		struct gw_ticket *ticket =
			gw_tickets_claim(&helper->owner->tickets, helper->number);

		if (!ticket) {
			sched_yield();
			continue;
		}
		if (helper->number == 1 && helper->batches % 16 == 0)
			sched_yield();
		work_on(ticket);
		gw_ticket_finish(ticket);
		helper->batches++;
	}
	return NULL;
}

// As the graph does it: what it claims while it is the oldest goes straight on.
static void owner_turn(struct owner *owner)
{
	struct gw_ticket *ticket;

	collect(owner);
	ticket = gw_tickets_claim(&owner->tickets, 0);
	if (!ticket)
		return;
	work_on(ticket);
	if (gw_tickets_is_oldest(&owner->tickets, ticket)) {
		expect(owner, ticket->result, ticket->results);
		gw_ticket_finish(ticket);
		gw_tickets_release(&owner->tickets);
	} else {
		gw_ticket_finish(ticket);
	}
}

START_TEST(threads_keep_the_order)
{
	struct owner *owner = owner_new(UINT32_MAX - 1000);
	struct helper helpers[HELPERS];
	pthread_t threads[HELPERS];
	atomic_bool stop = false;
	unsigned int batches = 0;

	for (unsigned int i = 0; i < HELPERS; i++) {
		helpers[i] = (struct helper){ owner, &stop, i + 1, 0 };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, help, &helpers[i]), 0);
	}
	while (!is_over(owner, PACKETS)) {
		if (owner->made < PACKETS)
			issue(owner, 1 + (unsigned int)(owner->made % GW_TICKET_PACKETS));
		// With _i set the owner leaves all to the others.
		if (_i)
			collect(owner);
		else
			owner_turn(owner);
		if (gw_tickets_room(&owner->tickets) == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < HELPERS; i++) {
		pthread_join(threads[i], NULL);
		batches += helpers[i].batches;
	}
	ck_assert_uint_eq(owner->by_others, batches);
	if (_i)
		ck_assert_uint_gt(batches, 0);
	while (is_dropped(owner->seen + 1))
		owner->seen++;
	ck_assert_uint_eq(owner->seen, owner->made);
	free(owner);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ticket");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, any_order_of_finishing);
	tcase_add_test(tcase, slow_one_is_waited_for);
	tcase_add_test(tcase, results_end);
	tcase_add_loop_test(tcase, threads_keep_the_order, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
