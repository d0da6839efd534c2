// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>

#include "ipsec/replay.h"

// A replay window as it is at one moment, for the packets of a vector: what all of them ask for is
// read once. It decides nothing by itself: what is recorded meanwhile is found when the packet's
// own number is recorded.
//
// What stands before the view is what a slot of the window's array holds (replay.c).

#define GW_REPLAY_BLOCK_BITS 32u

static inline uint32_t gw_replay_block(uint64_t sequence)
{
	return (uint32_t)(sequence / GW_REPLAY_BLOCK_BITS);
}

static inline uint32_t gw_replay_bit(uint64_t sequence)
{
	return UINT32_C(1) << (sequence % GW_REPLAY_BLOCK_BITS);
}

static inline uint32_t gw_replay_slot_block(uint64_t slot)
{
	return (uint32_t)(slot >> 32);
}

static inline uint32_t gw_replay_slot_bitmap(uint64_t slot)
{
	return (uint32_t)slot;
}

static inline bool gw_replay_is_newer(uint32_t block, uint32_t than)
{
	return (int32_t)(block - than) > 0;
}

static inline enum gw_replay_verdict gw_replay_judge(uint64_t slot, uint64_t sequence)
{
	uint32_t block = gw_replay_block(sequence);

	if (gw_replay_slot_block(slot) == block)
		return gw_replay_slot_bitmap(slot) & gw_replay_bit(sequence) ? GW_REPLAY_SEEN
									     : GW_REPLAY_NEW;
	return gw_replay_is_newer(gw_replay_slot_block(slot), block) ? GW_REPLAY_TOO_OLD
								     : GW_REPLAY_NEW;
}

// The index of the number's slot: its whole block number b modulo n, by a multiplication with r,
// which is 2^64 / n rounded down. b r / 2^64 falls short of b / n by less than b / 2^64 < 1, so the
// quotient is right or one too small, and what is left over below 2 n.
static inline uint32_t gw_replay_place(const struct gw_replay *replay, uint64_t sequence)
{
	uint64_t block = sequence / GW_REPLAY_BLOCK_BITS;
	uint64_t quotient = (uint64_t)((unsigned __int128)block * replay->reciprocal >> 64);
	uint32_t rest = (uint32_t)(block - quotient * replay->block_count);

	return rest < replay->block_count ? rest : rest - replay->block_count;
}

// The window's lowest number; without a window top itself.
static inline uint64_t gw_replay_edge(uint64_t top, uint32_t window)
{
	uint64_t before = window ? window - 1 : 0;

	return top > before ? top - before : 0;
}

struct gw_replay_view {
	const struct gw_replay *replay;
	uint64_t edge;
	uint64_t block; // whole number of the block that slot was read for; UINT64_MAX: none yet
	uint64_t slot;
};

static inline void gw_replay_look(struct gw_replay_view *view, const struct gw_replay *replay)
{
	// Relaxed: a value a moment old only makes the window a little wider.
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);

	view->replay = replay;
	view->edge = gw_replay_edge(top, replay->window);
	view->block = UINT64_MAX;
	view->slot = 0;
}

// Appendix A2.2 of RFC 4303 in one step: with ESN a packet's number is the only one with these low
// bits in the 2^32 numbers that begin at the window's left edge. Near the start the edge is number
// 0: there is no subspace before the first (A2.2's case B would take one away from a high half of
// 0). A sum beyond 2^64 comes out small, and so too old. Without ESN the low half is all.
static inline uint64_t gw_replay_number(const struct gw_replay_view *view, uint32_t low, bool esn)
{
	return esn ? view->edge + (uint32_t)(low - (uint32_t)view->edge) : low;
}

static inline enum gw_replay_verdict gw_replay_see(struct gw_replay_view *view, uint64_t sequence)
{
	const struct gw_replay *replay = view->replay;

	if (replay->window == 0)
		return GW_REPLAY_NEW;
	if (sequence < view->edge)
		return GW_REPLAY_TOO_OLD;
	if (sequence / GW_REPLAY_BLOCK_BITS != view->block) {
		view->block = sequence / GW_REPLAY_BLOCK_BITS;
		view->slot = atomic_load_explicit(
			&replay->blocks[gw_replay_place(replay, sequence)], memory_order_relaxed);
	}
	return gw_replay_judge(view->slot, sequence);
}
