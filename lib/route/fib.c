// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Routes and neighbours lead to slots; a slot holds a pointer to an immutable next hop. So a
// neighbour that comes or goes changes one pointer, however many routes lead through it.
//
// Life of a next hop object: taken from the pool, filled, published in its slot (store-release;
// the workers' load-acquire is the partner), replaced or released (phase one), back in the pool
// after a grace period (phase two), because a worker may hold it until its next quiescent state. A
// slot is handed out again only after a grace period too: until then a worker may hold its number.
// The pool has twice as many objects as there are slots, so one comes back by itself when it is
// empty, and publishing cannot fail.

#include "route/fib.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_pause.h>

#include "route/onlink.h"
#include "route/trie.h"

#define LOOKUP_MAX 256

struct gw_fib {
	struct gw_trie *tries[2]; // IPv4, IPv6
	struct gw_onlink *neighbours;
	const struct gw_nexthop *_Atomic *slots; // control: wo, worker: ro; never NULL
	struct gw_nexthop none;

	// control core only
	struct gw_reclaim *reclaim;
	struct gw_nexthop *objects;
	uint32_t object_count;
	uint32_t *free_objects; // a stack of indices
	uint32_t free_object_count;
	uint32_t slot_count;
	uint32_t *free_slots; // a stack
	uint32_t free_slot_count;
	uint32_t waiting; // next hops in their grace period

	_Atomic uint8_t *used; // of each slot; worker: sets, control: clears
};

static struct gw_trie *trie_of(const struct gw_fib *fib, uint8_t family)
{
	return fib->tries[family == 6];
}

// Phase two of a next hop that was replaced.
static void object_return(void *object)
{
	struct gw_nexthop *nexthop = object;
	struct gw_fib *fib = nexthop->fib;

	fib->free_objects[fib->free_object_count++] = (uint32_t)(nexthop - fib->objects);
	fib->waiting--;
}

// Phase two of a slot that was released, and of the next hop in it.
static void slot_return(void *object)
{
	struct gw_nexthop *nexthop = object;
	struct gw_fib *fib = nexthop->fib;

	atomic_store_explicit(&fib->slots[nexthop->index], &fib->none, memory_order_release);
	fib->free_slots[fib->free_slot_count++] = nexthop->index;
	object_return(object);
}

static struct gw_nexthop *object_take(struct gw_fib *fib)
{
	while (fib->free_object_count == 0) {
		gw_reclaim_poll(fib->reclaim);
		rte_pause();
	}
	return &fib->objects[fib->free_objects[--fib->free_object_count]];
}

static struct gw_nexthop *current(const struct gw_fib *fib, uint32_t slot)
{
	// Relaxed: only the control core, which this is, writes.
	return (struct gw_nexthop *)atomic_load_explicit(&fib->slots[slot], memory_order_relaxed);
}

void gw_fib_nexthop_set(struct gw_fib *fib, uint32_t slot, const struct gw_nexthop *nexthop)
{
	struct gw_nexthop *fresh = object_take(fib);
	struct gw_nexthop *old = current(fib, slot);

	*fresh = *nexthop;
	fresh->index = slot;
	fresh->fib = fib;
	if (!fresh->used)
		fresh->used = &fib->used[slot];
	atomic_store_explicit(&fib->slots[slot], fresh, memory_order_release);
	if (old != &fib->none) {
		fib->waiting++;
		gw_reclaim_later(fib->reclaim, object_return, old);
	}
}

int gw_fib_nexthop_allocate(struct gw_fib *fib)
{
	const struct gw_nexthop nothing = { .kind = GW_NEXTHOP_NONE };
	uint32_t slot;

	while (fib->free_slot_count == 0) {
		if (fib->waiting == 0)
			return -ENOSPC;
		gw_reclaim_poll(fib->reclaim);
		rte_pause();
	}
	slot = fib->free_slots[--fib->free_slot_count];
	atomic_store_explicit(&fib->used[slot], 0, memory_order_relaxed);
	gw_fib_nexthop_set(fib, slot, &nothing);
	return (int)slot;
}

void gw_fib_nexthop_release(struct gw_fib *fib, uint32_t slot)
{
	fib->waiting++;
	gw_reclaim_later(fib->reclaim, slot_return, current(fib, slot));
}

const struct gw_nexthop *gw_fib_nexthop_get(const struct gw_fib *fib, uint32_t slot)
{
	return current(fib, slot);
}

bool gw_fib_nexthop_was_used(struct gw_fib *fib, uint32_t slot)
{
	_Atomic uint8_t *used = current(fib, slot)->used;

	// Relaxed: a hint that nothing else hangs on.
	return used && atomic_exchange_explicit(used, 0, memory_order_relaxed);
}

int gw_fib_route_prepare(struct gw_fib *fib, const struct gw_prefix *prefix)
{
	return gw_trie_prepare(trie_of(fib, prefix->addr.family), prefix);
}

void gw_fib_route_unprepare(struct gw_fib *fib, const struct gw_prefix *prefix)
{
	gw_trie_unprepare(trie_of(fib, prefix->addr.family), prefix);
}

int gw_fib_route_set(struct gw_fib *fib, const struct gw_prefix *prefix, uint32_t slot)
{
	return gw_trie_set(trie_of(fib, prefix->addr.family), prefix, slot);
}

int gw_fib_route_clear(struct gw_fib *fib, const struct gw_prefix *prefix)
{
	return gw_trie_clear(trie_of(fib, prefix->addr.family), prefix);
}

int gw_fib_neighbour_add(
	struct gw_fib *fib, uint16_t port, const struct gw_addr *addr, uint32_t slot)
{
	return gw_onlink_add(fib->neighbours, port, addr, slot);
}

void gw_fib_neighbour_remove(struct gw_fib *fib, uint16_t port, const struct gw_addr *addr)
{
	gw_onlink_remove(fib->neighbours, port, addr);
}

static const struct gw_nexthop *nexthop_at(const struct gw_fib *fib, uint32_t slot)
{
	return atomic_load_explicit(&fib->slots[slot], memory_order_acquire);
}

// 1. The longest prefix gives a slot, the slot a next hop.
// 2. Where it leads on link, the neighbour's own next hop takes its place, if there is one.
void gw_fib_lookup(const struct gw_fib *fib, uint8_t family, const uint8_t *const *addresses,
	unsigned int count, const struct gw_nexthop **nexthops)
{
	uint32_t slots[LOOKUP_MAX];

	gw_trie_lookup(trie_of(fib, family), addresses, count, slots);
	for (unsigned int i = 0; i < count; i++) {
		const struct gw_nexthop *nexthop = nexthop_at(fib, slots[i]);
		uint32_t neighbour;

		if (nexthop->kind == GW_NEXTHOP_RESOLVE && !nexthop->address.family) {
			neighbour = gw_onlink_find(
				fib->neighbours, nexthop->port, family, addresses[i]);
			if (neighbour)
				nexthop = nexthop_at(fib, neighbour);
		}
		nexthops[i] = nexthop;
	}
}

static int pools_new(struct gw_fib *fib, uint32_t max_nexthops)
{
	fib->slot_count = max_nexthops + 1;
	fib->object_count = 2 * fib->slot_count;
	fib->slots = calloc(fib->slot_count, sizeof(*fib->slots));
	fib->used = calloc(fib->slot_count, sizeof(*fib->used));
	fib->free_slots = calloc(fib->slot_count, sizeof(*fib->free_slots));
	fib->free_objects = calloc(fib->object_count, sizeof(*fib->free_objects));
	fib->objects =
		aligned_alloc(RTE_CACHE_LINE_SIZE, fib->object_count * sizeof(*fib->objects));
	if (!fib->slots || !fib->used || !fib->free_slots || !fib->free_objects || !fib->objects)
		return -ENOMEM;
	for (uint32_t i = 0; i < fib->slot_count; i++)
		atomic_init(&fib->slots[i], &fib->none);
	for (uint32_t i = fib->slot_count; i-- > 1;)
		fib->free_slots[fib->free_slot_count++] = i;
	for (uint32_t i = fib->object_count; i-- > 0;)
		fib->free_objects[fib->free_object_count++] = i;
	return 0;
}

struct gw_fib *gw_fib_new(uint32_t max_routes, uint32_t max_nexthops, struct gw_reclaim *reclaim,
	struct gw_error *err)
{
	size_t size = RTE_ALIGN_CEIL(sizeof(struct gw_fib), (size_t)RTE_CACHE_LINE_SIZE);
	struct gw_fib *fib = aligned_alloc(RTE_CACHE_LINE_SIZE, size);

	if (!fib) {
		gw_error_set(err, ENOMEM, "no memory for the forwarding table");
		return NULL;
	}
	memset(fib, 0, size);
	fib->reclaim = reclaim;
	fib->tries[0] = gw_trie_new(4, max_routes, reclaim);
	fib->tries[1] = gw_trie_new(6, max_routes, reclaim);
	fib->neighbours = gw_onlink_new(max_nexthops, reclaim);
	if (!fib->tries[0] || !fib->tries[1] || !fib->neighbours ||
		pools_new(fib, max_nexthops) != 0) {
		gw_error_set(err, ENOMEM,
			"no memory for a forwarding table of %u routes and %u next hops",
			max_routes, max_nexthops);
		gw_fib_free(fib);
		return NULL;
	}
	return fib;
}

void gw_fib_free(struct gw_fib *fib)
{
	if (!fib)
		return;
	// Next hops in their grace period return to this pool.
	while (fib->waiting) {
		gw_reclaim_poll(fib->reclaim);
		rte_pause();
	}
	gw_trie_free(fib->tries[0]);
	gw_trie_free(fib->tries[1]);
	gw_onlink_free(fib->neighbours);
	free(fib->slots);
	free(fib->used);
	free(fib->free_slots);
	free(fib->free_objects);
	free(fib->objects);
	free(fib);
}
