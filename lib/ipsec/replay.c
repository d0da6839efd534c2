// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// RFC 4303 section 3.4.3 and appendix A2, RFC 6479.
//
// Block b holds the sequence numbers 32 b to 32 b + 31 and lives in slot b mod n, n being
// ceil(window / 32) + 1: no power of two, which would nearly double the memory of the usual
// windows. To record a number in block b, its slot is looked at:
//
//   holds b, bit clear     swap in the bitmap with the bit: the number is new
//   holds b, bit set       the number was received
//   holds an older block   swap in b with that bit alone: nothing of b was ever received, because b
//                          would still be there
//   holds a newer block    b was given up: too old
//
// A slot only ever goes forward, and a bit is set by one compare-and-swap of the whole slot, so of
// any number of copies exactly one is new. This does not depend on top: top only draws the window's
// left edge, and may lag behind what is recorded.
//
// A slot is given up for block b + n at the earliest, by a number s >= 32 (b + n). The highest
// number lost with b is 32 b + 31 <= s - 32 (n - 1) - 1 <= s - window - 1: outside the window that
// ends at s. (With exactly window / 32 slots up to 31 numbers inside it would be forgotten.)
//
// In the slots block numbers are kept modulo 2^32 and compared by serial arithmetic: right as long
// as no slot is passed over while 2^36 numbers go by, which is 32 times the furthest that a number
// can be inferred ahead.
//
// All orders are relaxed: a slot is one word that speaks for itself, and no other memory is reached
// by what is read from it.

#include "ipsec/replay.h"

#include <string.h>

#include <rte_common.h>

#include "ipsec/replay_view.h"

#define BLOCK_BITS   GW_REPLAY_BLOCK_BITS
#define CACHE_LINE   64u
#define ALL_RECEIVED UINT32_MAX

static inline uint64_t slot_make(uint32_t block, uint32_t bitmap)
{
	return (uint64_t)block << 32 | bitmap;
}

// Left of the window [top - window + 1, top].
static inline bool is_left(uint64_t sequence, uint64_t top, uint32_t window)
{
	return sequence < top && top - sequence >= window;
}

// At least 2, for which gw_replay_place needs it.
static uint32_t block_count(uint32_t window)
{
	return RTE_MAX((window + BLOCK_BITS - 1) / BLOCK_BITS + 1, 2u);
}

size_t gw_replay_bytes(uint32_t window)
{
	size_t bytes = sizeof(struct gw_replay) + block_count(window) * sizeof(uint64_t);

	return RTE_ALIGN_CEIL(bytes, (size_t)CACHE_LINE);
}

// Whether the number counts as received in a window that starts at top with bitmap: what the bitmap
// does not tell about counts as received.
static bool starts_received(
	uint64_t sequence, uint64_t top, const uint8_t *bitmap, uint32_t bitmap_bytes)
{
	uint64_t back = top - sequence;

	if (sequence > top)
		return false;
	if (!bitmap || back / 8 >= bitmap_bytes)
		return true;
	return bitmap[back / 8] >> (back % 8) & 1;
}

void gw_replay_init(struct gw_replay *replay, uint32_t window, uint64_t top, const uint8_t *bitmap,
	uint32_t bitmap_bytes)
{
	uint32_t count = block_count(window);

	replay->window = window;
	replay->block_count = count;
	replay->reciprocal = (uint64_t)(((unsigned __int128)1 << 64) / count);
	atomic_store_explicit(&replay->top, top, memory_order_relaxed);
	// The count blocks that end with top's; before block 0 their numbers run backwards past 0,
	// which is older than block 0.
	for (uint32_t i = 0; i < count; i++) {
		uint32_t block = gw_replay_block(top) - i;
		uint64_t first = (top / BLOCK_BITS - i) * BLOCK_BITS;
		uint32_t received = ALL_RECEIVED;

		if (top / BLOCK_BITS >= i && (bitmap || i == 0))
			for (uint32_t bit = 0; bit < BLOCK_BITS; bit++)
				if (!starts_received(first + bit, top, bitmap, bitmap_bytes))
					received &= ~(UINT32_C(1) << bit);
		atomic_store_explicit(
			&replay->blocks[(gw_replay_place(replay, top) + count - i) % count],
			slot_make(block, received), memory_order_relaxed);
	}
}

uint64_t gw_replay_infer(uint64_t top, uint32_t window, uint32_t low, bool esn)
{
	const struct gw_replay_view view = { .edge = gw_replay_edge(top, window) };

	return gw_replay_number(&view, low, esn);
}

enum gw_replay_verdict gw_replay_check(const struct gw_replay *replay, uint64_t sequence)
{
	struct gw_replay_view view;

	gw_replay_look(&view, replay);
	return gw_replay_see(&view, sequence);
}

void gw_replay_raise(struct gw_replay *replay, uint64_t sequence)
{
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);

	while (top < sequence && !atomic_compare_exchange_weak_explicit(&replay->top, &top,
					 sequence, memory_order_relaxed, memory_order_relaxed))
		;
}

// How many of count numbers are of the first one's block.
static unsigned int run_of(const uint64_t *sequences, unsigned int count)
{
	unsigned int run = 1;

	while (run < count && sequences[run] / BLOCK_BITS == sequences[0] / BLOCK_BITS)
		run++;
	return run;
}

// Judges numbers of one block, one after the other: by what slot holds of the block, and top, which
// goes on to the highest new one. Returns slot with those that are new.
static uint64_t judge_run(uint64_t slot, uint32_t window, const uint64_t *sequences,
	unsigned int count, uint64_t *top, enum gw_replay_verdict *verdicts)
{
	for (unsigned int i = 0; i < count; i++) {
		verdicts[i] = is_left(sequences[i], *top, window)
				      ? GW_REPLAY_TOO_OLD
				      : gw_replay_judge(slot, sequences[i]);
		if (verdicts[i] != GW_REPLAY_NEW)
			continue;
		slot |= gw_replay_bit(sequences[i]);
		*top = RTE_MAX(*top, sequences[i]);
	}
	return slot;
}

// Records numbers of one block in its slot.
static void record_run(struct gw_replay *replay, const uint64_t *sequences, unsigned int count,
	uint64_t *top, enum gw_replay_verdict *verdicts)
{
	_Atomic uint64_t *place = &replay->blocks[gw_replay_place(replay, sequences[0])];
	uint64_t slot = atomic_load_explicit(place, memory_order_relaxed), before = *top;
	uint32_t block = gw_replay_block(sequences[0]);

	for (;;) {
		bool stays = gw_replay_slot_block(slot) == block ||
			     gw_replay_is_newer(gw_replay_slot_block(slot), block);
		uint64_t held = stays ? slot : slot_make(block, 0), next;

		*top = before;
		next = judge_run(held, replay->window, sequences, count, top, verdicts);
		if (next == held)
			return;
		if (atomic_compare_exchange_weak_explicit(
			    place, &slot, next, memory_order_relaxed, memory_order_relaxed))
			return;
	}
}

enum gw_replay_verdict gw_replay_record(struct gw_replay *replay, uint64_t sequence)
{
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);
	enum gw_replay_verdict verdict = GW_REPLAY_NEW;

	if (replay->window)
		record_run(replay, &sequence, 1, &top, &verdict);
	return verdict;
}

static void take_all(const uint64_t *sequences, unsigned int count, uint64_t *top,
	enum gw_replay_verdict *verdicts)
{
	for (unsigned int i = 0; i < count; i++) {
		verdicts[i] = GW_REPLAY_NEW;
		*top = RTE_MAX(*top, sequences[i]);
	}
}

void gw_replay_record_all(struct gw_replay *replay, const uint64_t *sequences, unsigned int count,
	enum gw_replay_verdict *verdicts)
{
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);

	if (!replay->window)
		take_all(sequences, count, &top, verdicts);
	for (unsigned int done = 0, run; replay->window && done < count; done += run) {
		run = run_of(sequences + done, count - done);
		record_run(replay, sequences + done, run, &top, verdicts + done);
	}
	gw_replay_raise(replay, top);
}

// The highest number recorded: top, or one recorded since top was raised. A slot tells the distance
// of its block from top's, which is less than 2^31 blocks.
static uint64_t highest(const struct gw_replay *replay)
{
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);

	for (uint32_t i = 0; replay->window && i < replay->block_count; i++) {
		uint64_t slot = atomic_load_explicit(&replay->blocks[i], memory_order_relaxed);
		int32_t ahead = (int32_t)(gw_replay_slot_block(slot) - gw_replay_block(top));
		uint64_t number;

		if (ahead < 0 || gw_replay_slot_bitmap(slot) == 0)
			continue;
		number = (top / BLOCK_BITS + (uint32_t)ahead) * BLOCK_BITS + BLOCK_BITS - 1 -
			 (unsigned int)__builtin_clz(gw_replay_slot_bitmap(slot));
		top = RTE_MAX(top, number);
	}
	return top;
}

// Two passes, because numbers go on being recorded: what was received before the call is not above
// the top found first, and where a block has gone since then, all of it counts as received.
void gw_replay_read(const struct gw_replay *replay, uint64_t *top, uint8_t *bitmap)
{
	*top = highest(replay);
	memset(bitmap, 0, (replay->window + 7) / 8);
	for (uint64_t back = 0; back < replay->window && back < *top; back++) {
		uint64_t sequence = *top - back;
		uint64_t slot = atomic_load_explicit(
			&replay->blocks[gw_replay_place(replay, sequence)], memory_order_relaxed);

		if (gw_replay_judge(slot, sequence) != GW_REPLAY_NEW)
			bitmap[back / 8] |= (uint8_t)(1u << (back % 8));
	}
}

uint64_t gw_replay_missing(const struct gw_replay *replay, uint64_t top)
{
	uint64_t missing = 0;

	for (uint64_t back = 0; back < replay->window && back < top; back++) {
		uint64_t sequence = top - back;
		uint64_t slot = atomic_load_explicit(
			&replay->blocks[gw_replay_place(replay, sequence)], memory_order_relaxed);

		missing += gw_replay_judge(slot, sequence) == GW_REPLAY_NEW;
	}
	return missing;
}
