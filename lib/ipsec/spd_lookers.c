// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The policies that look at ports or a protocol, by precedence, for packets that hide these.
//
// Workers have a list with their selectors in it, so that nothing has to outlive anything. It is in
// place before the generation that brings a policy, and without a policy only after the grace
// period of its removal: whatever generation a worker asks, none is missing. The list holds the
// first of them; where there are more, those behind count as matching.
//
// Here all of them stand in a heap, so that a change costs the same however many there are: most
// touch no list at all, because they are about a policy behind those that it holds.

#include <errno.h>
#include <stdlib.h>

#include "ipsec/spd_table.h"

static const struct gw_spd_lookers *published(const struct gw_spd *spd, unsigned int family)
{
	// Relaxed: only this thread writes it.
	return atomic_load_explicit(&spd->lookers[family], memory_order_relaxed);
}

static void put(struct gw_spd_looker_heap *heap, uint32_t place, struct gw_spd_claim *claim)
{
	heap->claims[place] = claim;
	claim->looker_place = place;
}

// Lets claim sink or rise from place, which is free, to where it belongs.
static void settle(struct gw_spd_looker_heap *heap, uint32_t place, struct gw_spd_claim *claim)
{
	while (place > 0 && claim->rank < heap->claims[(place - 1) / 2]->rank) {
		put(heap, place, heap->claims[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < heap->count &&
			heap->claims[child + 1]->rank < heap->claims[child]->rank)
			child++;
		if (child >= heap->count || claim->rank <= heap->claims[child]->rank)
			break;
		put(heap, place, heap->claims[child]);
		place = child;
	}
	put(heap, place, claim);
}

static bool grow(struct gw_spd_looker_heap *heap)
{
	uint32_t room = heap->room ? 2 * heap->room : 64;
	struct gw_spd_claim **claims;

	if (heap->count < heap->room)
		return true;
	claims = realloc(heap->claims, room * sizeof(struct gw_spd_claim *));
	if (!claims)
		return false;
	heap->claims = claims;
	heap->room = room;
	return true;
}

// Whether the list would differ with or without one of that rank, and count of them in all.
static bool concerns_list(const struct gw_spd_lookers *lookers, uint64_t rank, uint32_t count)
{
	return !lookers || lookers->count < GW_SPD_LISTED ||
	       rank <= lookers->items[GW_SPD_LISTED - 1].rank ||
	       lookers->more != (count > GW_SPD_LISTED);
}

int gw_spd_looker_add(struct gw_spd *spd, struct gw_spd_claim *claim)
{
	struct gw_spd_looker_heap *heap = &spd->looking[claim->family];

	if (!grow(heap))
		return -ENOMEM;
	heap->count++;
	settle(heap, heap->count - 1, claim);
	spd->lookers_changed[claim->family] |=
		concerns_list(published(spd, claim->family), claim->rank, heap->count);
	return 0;
}

void gw_spd_looker_drop(struct gw_spd *spd, struct gw_spd_claim *claim)
{
	struct gw_spd_looker_heap *heap = &spd->looking[claim->family];
	struct gw_spd_claim *last = heap->claims[--heap->count];

	if (last != claim)
		settle(heap, claim->looker_place, last);
	spd->lookers_changed[claim->family] |=
		concerns_list(published(spd, claim->family), claim->rank, heap->count);
}

// Whichever of the frontier ranks first is the next of all; behind it come those below it.
static void list_first(struct gw_spd_lookers *lookers, const struct gw_spd_looker_heap *heap)
{
	uint32_t frontier[GW_SPD_LISTED + 1] = { 0 }, count = heap->count > 0;

	while (count > 0 && lookers->count < GW_SPD_LISTED) {
		uint32_t best = 0, place;
		const struct gw_spd_claim *claim;

		for (uint32_t i = 1; i < count; i++)
			if (heap->claims[frontier[i]]->rank < heap->claims[frontier[best]]->rank)
				best = i;
		place = frontier[best];
		claim = heap->claims[place];
		frontier[best] = frontier[--count];
		lookers->items[lookers->count++] =
			(struct gw_spd_looker){ claim->rank, claim->interface, claim->selector };
		for (uint32_t child = 2 * place + 1; child <= 2 * place + 2; child++)
			if (child < heap->count)
				frontier[count++] = child;
	}
	lookers->more = count > 0;
}

void gw_spd_lookers_refresh(struct gw_spd *spd)
{
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++) {
		struct gw_spd_lookers *fresh, *old;

		if (!spd->lookers_changed[family])
			continue;
		fresh = calloc(1, sizeof(*fresh));
		if (fresh)
			list_first(fresh, &spd->looking[family]);
		spd->lookers_changed[family] = !fresh;
		old = (struct gw_spd_lookers *)published(spd, family);
		// Release: pairs with the worker's acquire in gw_spd_may_hide.
		atomic_store_explicit(&spd->lookers[family], fresh, memory_order_release);
		if (old)
			gw_reclaim_later(spd->reclaim, free, old);
	}
}
