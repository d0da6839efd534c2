// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/replay_view.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TWO_32       (UINT64_C(1) << 32)

#define NEW  GW_REPLAY_NEW
#define SEEN GW_REPLAY_SEEN
#define OLD  GW_REPLAY_TOO_OLD

static const uint32_t windows[] = { 1, 31, 32, 33, 64, 65, 100, 128, 1024, 4096, 65536, 1048576 };

static struct gw_replay *window_new(
	uint32_t window, uint64_t top, const uint8_t *bitmap, uint32_t bitmap_bytes)
{
	struct gw_replay *replay = malloc(gw_replay_bytes(window));

	ck_assert_ptr_nonnull(replay);
	memset(replay, 0xa5, gw_replay_bytes(window));
	gw_replay_init(replay, window, top, bitmap, bitmap_bytes);
	return replay;
}

// What happens to a packet with a good ICV.
static enum gw_replay_verdict receive(struct gw_replay *replay, uint64_t sequence)
{
	enum gw_replay_verdict verdict = gw_replay_check(replay, sequence);
	enum gw_replay_verdict recorded = gw_replay_record(replay, sequence);

	// Asserted only where it fails, because an assertion that holds costs Check a system call.
	if (verdict != recorded)
		ck_abort_msg("the check of %#lx gives %d, recording it %d", (unsigned long)sequence,
			verdict, recorded);
	if (verdict == GW_REPLAY_NEW)
		gw_replay_raise(replay, sequence);
	return verdict;
}

static void expect(struct gw_replay *replay, uint64_t sequence, enum gw_replay_verdict verdict)
{
	enum gw_replay_verdict got = receive(replay, sequence);

	if (got != verdict)
		ck_abort_msg("window %u, top %#lx: %#lx gives %d, not %d", replay->window,
			(unsigned long)replay->top, (unsigned long)sequence, got, verdict);
}

struct step {
	uint64_t sequence;
	enum gw_replay_verdict verdict;
};

struct story {
	const char *name;
	uint32_t window;
	uint64_t start;
	struct step steps[16];
	unsigned int count;
};

#define STEPS(...)                                                                                 \
	.steps = { __VA_ARGS__ },                                                                  \
	.count = sizeof((struct step[]){ __VA_ARGS__ }) / sizeof(struct step)

static const struct story stories[] = {
	{ .name = "the first packet and its copy",
		.window = 64,
		STEPS({ 1, NEW }, { 1, SEEN }, { 2, NEW }, { 1, SEEN }) },
	{ .name = "seven copies in a burst",
		.window = 64,
		STEPS({ 9, NEW }, { 9, SEEN }, { 9, SEEN }, { 9, SEEN }, { 9, SEEN }, { 9, SEEN },
			{ 9, SEEN }) },
	{ .name = "number 0 was received before anything was",
		.window = 32,
		STEPS({ 0, SEEN }, { 1, NEW }, { 0, SEEN }) },
	{ .name = "fewer numbers than the window holds",
		.window = 4096,
		STEPS({ 3000, NEW }, { 1, NEW }, { 31, NEW }, { 32, NEW }, { 33, NEW }, { 1, SEEN },
			{ 2999, NEW }, { 3000, SEEN }) },
	{ .name = "a first number behind many windows",
		.window = 32,
		STEPS({ 1000000, NEW }, { 1000000 - 31, NEW }, { 1000000 - 32, OLD }, { 1, OLD }) },
	{ .name = "without ESN, to the last number and round",
		.window = 64,
		STEPS({ 0x7fffffff, NEW }, { 0x80000000, NEW }, { 0xfffffffe, NEW },
			{ 0xffffffff, NEW }, { 0xffffffff, SEEN }, { 0, OLD }, { 1, OLD },
			{ 0x7fffffff, OLD }, { 0xffffffff - 63, NEW }, { 0xffffffff - 64, OLD }) },
	{ .name = "over the end of the first subspace",
		.window = 64,
		.start = TWO_32 - 10,
		STEPS({ TWO_32 + 5, NEW }, { TWO_32 - 3, NEW }, { TWO_32, NEW },
			{ TWO_32 - 3, SEEN }, { TWO_32 - 10, SEEN }, { TWO_32 - 58, SEEN },
			{ TWO_32 - 59, OLD }, { TWO_32 + 5, SEEN }, { 5, OLD }) },
	{ .name = "block numbers change sign",
		.window = 64,
		.start = (UINT64_C(1) << 36) - 40,
		STEPS({ (UINT64_C(1) << 36) + 20, NEW }, { (UINT64_C(1) << 36) - 20, NEW },
			{ (UINT64_C(1) << 36) - 20, SEEN }, { (UINT64_C(1) << 36) - 43, SEEN },
			{ (UINT64_C(1) << 36) - 44, OLD }, { (UINT64_C(1) << 36) + 4096, NEW },
			{ (UINT64_C(1) << 36) + 20, OLD }) },
	{ .name = "block numbers begin again",
		.window = 64,
		.start = (UINT64_C(1) << 37) - 40,
		STEPS({ (UINT64_C(1) << 37) + 20, NEW }, { (UINT64_C(1) << 37) - 20, NEW },
			{ (UINT64_C(1) << 37) - 20, SEEN }, { (UINT64_C(1) << 37) - 43, SEEN },
			{ (UINT64_C(1) << 37) - 44, OLD }, { 20, OLD }) },
	{ .name = "as far ahead as ESN can infer",
		.window = 128,
		.start = 1000,
		STEPS({ 1000 + TWO_32 - 128, NEW }, { 1000, OLD }, { 1000 + TWO_32 - 129, NEW },
			{ 1000 + 2 * TWO_32 - 257, NEW }, { 1000 + TWO_32 - 128, OLD }) },
	{ .name = "the end of all numbers",
		.window = 32,
		.start = UINT64_MAX - 40,
		STEPS({ UINT64_MAX, NEW }, { UINT64_MAX, SEEN }, { UINT64_MAX - 31, NEW },
			{ UINT64_MAX - 32, OLD }, { 0, OLD }, { 31, OLD }) },
	{ .name = "no window",
		.window = 0,
		STEPS({ 5, NEW }, { 5, NEW }, { 1, NEW }, { 1000, NEW }, { 5, NEW }) },
};

START_TEST(stories_come_true)
{
	const struct story *story = &stories[_i];
	struct gw_replay *replay = window_new(story->window, story->start, NULL, 0);

	for (unsigned int i = 0; i < story->count; i++) {
		enum gw_replay_verdict got = receive(replay, story->steps[i].sequence);

		ck_assert_msg(got == story->steps[i].verdict, "%s: step %u gives %d, not %d",
			story->name, i, got, story->steps[i].verdict);
	}
	free(replay);
}
END_TEST

START_TEST(left_edge_is_exact)
{
	const uint32_t window = windows[_i];
	const uint32_t offsets[] = { 1, 2, 30, 31, 32, 33, 62, 63, 64, 65, window / 2,
		window > 2 ? window - 2 : 0, window - 1 };

	// Every place of the top in its block.
	for (uint64_t place = 0; place < 66; place++) {
		const uint64_t top = 10 * (uint64_t)window + 1000 + place;
		struct gw_replay *replay = window_new(window, 0, NULL, 0);

		expect(replay, top, NEW);
		for (unsigned int i = 0; i < COUNT(offsets); i++) {
			bool again = offsets[i] == 0;

			for (unsigned int j = 0; j < i; j++)
				again |= offsets[j] == offsets[i];
			expect(replay, top - offsets[i],
				offsets[i] >= window ? OLD
				: again              ? SEEN
						     : NEW);
			expect(replay, top - offsets[i], offsets[i] >= window ? OLD : SEEN);
		}
		expect(replay, top - window, OLD);
		expect(replay, top - window - 1, OLD);
		expect(replay, top - 2 * (uint64_t)window, OLD);
		expect(replay, 1, OLD);
		free(replay);
	}
}
END_TEST

// Receives 1 to top, every third one missing.
static void receive_most(struct gw_replay *replay, uint64_t top)
{
	for (uint64_t s = 1; s <= top; s++)
		if (s % 3)
			expect(replay, s, NEW);
}

START_TEST(a_shift_keeps_what_is_inside)
{
	const uint32_t window = windows[_i];
	const uint64_t shifts[] = { 1, window - 1, window, window + 1, 4 * (uint64_t)window };

	for (unsigned int i = 0; i < COUNT(shifts); i++) {
		const uint64_t before = 2 * (uint64_t)window + 1, top = before + shifts[i];
		struct gw_replay *replay = window_new(window, 0, NULL, 0);

		if (shifts[i] == 0 || top % 3 == 0) {
			free(replay);
			continue;
		}
		receive_most(replay, before);
		expect(replay, top, before % 3 || shifts[i] ? NEW : SEEN);
		for (uint64_t s = 1; s < top; s++) {
			bool inside = s + window > top, received = s <= before && s % 3;

			expect(replay, s, !inside ? OLD : received ? SEEN : NEW);
		}
		free(replay);
	}
}
END_TEST

// RFC 6479's trap: with just as many bits as the window holds, numbers inside are forgotten when
// the top enters a new block.
START_TEST(a_new_block_forgets_nothing_inside)
{
	const uint32_t window = windows[_i];
	const uint64_t start = 3 * (uint64_t)window + 7;
	struct gw_replay *replay = window_new(window, start, NULL, 0);

	for (uint64_t top = start + 1; top < start + 100; top++) {
		const uint64_t left = top - window + 1;

		expect(replay, top, NEW);
		for (uint64_t s = left; s <= top && s < left + 70; s++)
			expect(replay, s, SEEN);
		expect(replay, left - 1, OLD);
	}
	free(replay);
}
END_TEST

START_TEST(a_number_inside_is_accepted_when_it_comes_late)
{
	const uint32_t window = windows[_i];

	for (uint64_t late = 1; late < window; late = late * 2 + 1) {
		struct gw_replay *replay = window_new(window, 500, NULL, 0);

		for (uint64_t s = 501; s <= 501 + late; s++)
			if (s != 501)
				expect(replay, s, NEW);
		expect(replay, 501, NEW);
		expect(replay, 501, SEEN);
		free(replay);
	}
}
END_TEST

START_TEST(a_forged_number_moves_nothing)
{
	struct gw_replay *replay = window_new(64, 0, NULL, 0);

	expect(replay, 100, NEW);
	// Checked, but the ICV does not hold, so it is not recorded.
	ck_assert_int_eq(gw_replay_check(replay, 4000000000), NEW);
	ck_assert_int_eq(gw_replay_check(replay, 101), NEW);
	expect(replay, 37, NEW);
	expect(replay, 99, NEW);
	expect(replay, 36, OLD);
	expect(replay, 101, NEW);
	free(replay);
}
END_TEST

START_TEST(record_does_not_trust_the_check)
{
	struct gw_replay *replay = window_new(64, 0, NULL, 0);

	// Two copies pass the check in one vector: one is recorded.
	ck_assert_int_eq(gw_replay_check(replay, 7), NEW);
	ck_assert_int_eq(gw_replay_check(replay, 7), NEW);
	ck_assert_int_eq(gw_replay_record(replay, 7), NEW);
	ck_assert_int_eq(gw_replay_record(replay, 7), SEEN);
	// The window moved between check and record.
	ck_assert_int_eq(gw_replay_check(replay, 8), NEW);
	gw_replay_raise(replay, 72);
	ck_assert_int_eq(gw_replay_record(replay, 8), OLD);
	ck_assert_int_eq(gw_replay_record(replay, 9), NEW);
	// A number ahead took the slot, and the top has not followed yet.
	ck_assert_int_eq(
		gw_replay_record(replay, 9 + 64 * 32 * (uint64_t)replay->block_count), NEW);
	ck_assert_int_eq(gw_replay_record(replay, 9), OLD);
	ck_assert_int_eq(gw_replay_record(replay, 10), OLD);
	ck_assert_int_eq(gw_replay_check(replay, 10), OLD);
	free(replay);
}
END_TEST

START_TEST(the_top_only_rises)
{
	struct gw_replay *replay = window_new(64, 5, NULL, 0);

	gw_replay_raise(replay, 4);
	ck_assert_uint_eq(replay->top, 5);
	gw_replay_raise(replay, TWO_32 + 1);
	ck_assert_uint_eq(replay->top, TWO_32 + 1);
	gw_replay_raise(replay, 2);
	ck_assert_uint_eq(replay->top, TWO_32 + 1);
	free(replay);
}
END_TEST

struct inference {
	uint64_t top;
	uint32_t window;
	uint32_t low;
	bool esn;
	uint64_t expected;
};

static const struct inference inferences[] = {
	// Without ESN the number is what the packet says.
	{ 0, 64, 0, false, 0 },
	{ 0xffffffff, 64, 0, false, 0 },
	{ 0xffffffff, 64, 1, false, 1 },
	{ 0x7fffffff, 64, 0x80000000, false, 0x80000000 },
	// The walk of ESN, through a low half of 0.
	{ 0, 64, 1, true, 1 },
	{ 0, 64, 0x7ffffff0, true, 0x7ffffff0 },
	{ 0x7ffffff0, 64, 0xfffffff0, true, 0xfffffff0 },
	{ 0xfffffff0, 64, 0xffffffff, true, 0xffffffff },
	{ 0xffffffff, 64, 0, true, TWO_32 },
	{ TWO_32, 64, 5, true, TWO_32 + 5 },
	// Late after the wrap.
	{ TWO_32 + 5, 64, 0xfffffffd, true, TWO_32 - 3 },
	{ TWO_32 + 5, 64, 0xffffffff - 57, true, TWO_32 - 58 },     // the left edge
	{ TWO_32 + 5, 64, 0xffffffff - 58, true, 2 * TWO_32 - 59 }, // beyond it: far ahead
	{ TWO_32 + 62, 64, 0xffffffff, true, TWO_32 - 1 },
	{ TWO_32 + 63, 64, 0xffffffff, true, 2 * TWO_32 - 1 },
	{ TWO_32 + 63, 64, 0, true, TWO_32 },
	{ TWO_32 + 64, 64, 0, true, 2 * TWO_32 },
	// Not to be inferred: two subspaces on.
	{ TWO_32 + 5, 64, 0x999, true, TWO_32 + 0x999 },
	// The second wrap.
	{ TWO_32 + 0x80000444, 64, 0x444, true, 2 * TWO_32 + 0x444 },
	{ 2 * TWO_32 - 1, 64, 0, true, 2 * TWO_32 },
	// Near the start nothing lies before the first subspace.
	{ 0, 64, 0, true, 0 },
	{ 0, 64, 0xffffffff, true, 0xffffffff },
	{ 5, 64, 0xfffffff0, true, 0xfffffff0 },
	{ 62, 64, 0xffffffff, true, 0xffffffff },
	{ 63, 64, 0, true, 0 },
	{ 64, 64, 0, true, TWO_32 },
	{ 64, 64, 1, true, 1 },
	{ 65534, 65536, 0xffffffff, true, 0xffffffff },
	{ 65536, 65536, 0, true, TWO_32 },
	{ TWO_32 + 65534, 65536, 0xffffffff, true, 0xffffffff },
	{ TWO_32 + 65535, 65536, 0xffffffff, true, 2 * TWO_32 - 1 },
	// Behind the last number there is none: a small one, which is too old.
	{ UINT64_MAX, 64, 0, true, 0 },
	{ UINT64_MAX - 5, 64, 100, true, 100 },
	{ UINT64_MAX, 64, 0xffffffff - 63, true, UINT64_MAX - 63 },
	// A window of no packets counts as one of one.
	{ TWO_32 + 5, 0, 5, true, TWO_32 + 5 },
	{ TWO_32 + 5, 0, 4, true, 2 * TWO_32 + 4 },
};

START_TEST(high_half_is_inferred)
{
	const struct inference *row = &inferences[_i];
	uint64_t got = gw_replay_infer(row->top, row->window, row->low, row->esn);

	ck_assert_msg(got == row->expected, "top %#lx, window %u, low %#x: %#lx, not %#lx",
		(unsigned long)row->top, row->window, row->low, (unsigned long)got,
		(unsigned long)row->expected);
}
END_TEST

// A packet of the walk of ESN, as the wire shows it.
struct arrival {
	uint32_t low;
	uint64_t authentic; // what the sender counted it as
	enum gw_replay_verdict verdict;
};

START_TEST(esn_walks_over_two_wraps)
{
	static const struct arrival arrivals[] = {
		{ 1, 1, NEW },
		{ 0x7ffffff0, 0x7ffffff0, NEW },
		{ 0xfffffff0, 0xfffffff0, NEW },
		{ 0xffffffff, 0xffffffff, NEW },
		{ 0, TWO_32, NEW },
		{ 0, TWO_32, SEEN },
		{ 5, TWO_32 + 5, NEW },
		{ 0xfffffffd, TWO_32 - 3, NEW },
		{ 0xfffffffd, TWO_32 - 3, SEEN },
		{ 0xfffffff0, TWO_32 - 16, SEEN },
		{ 0x80000444, TWO_32 + 0x80000444, NEW },
		{ 5, 2 * TWO_32 + 5, NEW },
		{ 0x999, 2 * TWO_32 + 0x999, NEW },
	};
	struct gw_replay *replay = window_new(64, 0, NULL, 0);

	for (unsigned int i = 0; i < COUNT(arrivals); i++) {
		uint64_t sequence = gw_replay_infer(replay->top, 64, arrivals[i].low, true);

		ck_assert_uint_eq(sequence, arrivals[i].authentic);
		expect(replay, sequence, arrivals[i].verdict);
	}
	// A jump that cannot be inferred: the ICV would not hold for the number that is.
	ck_assert_uint_ne(gw_replay_infer(replay->top, 64, 0x999, true), 4 * TWO_32 + 0x999);
	free(replay);
}
END_TEST

START_TEST(state_survives_reading_and_giving_back)
{
	const uint32_t window = windows[_i];
	const uint32_t bytes = (window + 7) / 8;
	const uint64_t starts[] = { 1, 5, 31, 32, window + 31, window, window + 1, TWO_32 + 17,
		(UINT64_C(1) << 36) + 3 };
	uint8_t *bitmap = malloc(bytes), *again = malloc(bytes);
	uint64_t top;

	for (unsigned int i = 0; i < COUNT(starts); i++) {
		const uint64_t first = starts[i] > window ? starts[i] - window + 1 : 1;
		struct gw_replay *replay;

		// Every third number back from the top was received.
		memset(bitmap, 0, bytes);
		for (uint64_t back = 0; back < window && back < starts[i]; back += 3)
			bitmap[back / 8] |= (uint8_t)(1 << back % 8);
		replay = window_new(window, starts[i], bitmap, bytes);
		memset(again, 0x5a, bytes);
		gw_replay_read(replay, &top, again);
		ck_assert_uint_eq(top, starts[i]);
		ck_assert_mem_eq(again, bitmap, bytes);
		for (uint64_t s = first; s <= starts[i]; s++)
			expect(replay, s, (starts[i] - s) % 3 ? NEW : SEEN);
		if (first > 1)
			expect(replay, first - 1, OLD);
		expect(replay, starts[i] + 1, NEW);
		free(replay);
	}
	free(bitmap);
	free(again);
}
END_TEST

START_TEST(what_a_bitmap_does_not_tell_counts_as_received)
{
	const uint8_t bitmap[] = { 0x05, 0x00 }; // 1000 and 998 of 985 to 1000
	struct gw_replay *replay = window_new(128, 1000, bitmap, sizeof(bitmap));

	for (uint64_t s = 1000 - 127; s <= 1000; s++)
		expect(replay, s, s == 1000 || s == 998 || s < 985 ? SEEN : NEW);
	free(replay);

	replay = window_new(128, 1000, NULL, 0);
	for (uint64_t s = 1000 - 127; s <= 1000; s++)
		expect(replay, s, SEEN);
	for (uint64_t s = 1001; s <= 1200; s++)
		expect(replay, s, NEW);
	free(replay);
}
END_TEST

START_TEST(reading_never_shows_a_received_number_as_new)
{
	struct gw_replay *replay = window_new(64, 100, NULL, 0);
	uint8_t bitmap[8];
	uint64_t top;

	// Recorded, and the top not raised yet.
	ck_assert_int_eq(gw_replay_record(replay, 140), NEW);
	ck_assert_int_eq(gw_replay_record(replay, 133), NEW);
	gw_replay_read(replay, &top, bitmap);
	ck_assert_uint_eq(top, 140);
	ck_assert_uint_eq(bitmap[0], 0x81);
	ck_assert_uint_eq(bitmap[5], 0xff);
	free(replay);
}
END_TEST

START_TEST(a_fresh_window_reads_as_empty)
{
	const uint32_t window = windows[_i];
	struct gw_replay *replay = window_new(window, 0, NULL, 0);
	uint8_t *bitmap = malloc((window + 7) / 8);
	uint64_t top;

	gw_replay_read(replay, &top, bitmap);
	ck_assert_uint_eq(top, 0);
	for (uint32_t i = 0; i < (window + 7) / 8; i++)
		ck_assert_uint_eq(bitmap[i], 0);
	expect(replay, 3, NEW);
	gw_replay_read(replay, &top, bitmap);
	ck_assert_uint_eq(top, 3);
	ck_assert_uint_eq(bitmap[0], 1);
	free(bitmap);
	free(replay);
}
END_TEST

// Late in a long life the division that finds a block's place is at its least exact: over all
// places several times, every block's numbers are new once, and the window remembers what it has
// to.
START_TEST(places_are_right_for_high_numbers)
{
	const uint32_t window = windows[_i], step = 29; // a number or two in each block
	const uint64_t first = UINT64_MAX - 8 * (uint64_t)window - UINT32_C(4000000);
	struct gw_replay *replay;

	if (window < 32)
		return;
	replay = window_new(window, first, NULL, 0);
	for (uint64_t sequence = first + step; sequence < first + 6 * (uint64_t)window + 4000;
		sequence += step) {
		uint64_t oldest = sequence - (window - 1) / step * step;

		expect(replay, sequence, NEW);
		expect(replay, sequence, SEEN);
		expect(replay, oldest > first ? oldest : first, SEEN);
	}
	free(replay);
}
END_TEST

START_TEST(memory_is_whole_lines_with_a_spare_block)
{
	ck_assert_uint_gt(gw_replay_bytes(0), 0);
	for (uint32_t window = 0; window <= 65536; window += window < 200 ? 1 : 97) {
		struct gw_replay *replay;
		size_t blocks = (gw_replay_bytes(window) - sizeof(*replay)) / sizeof(uint64_t);

		ck_assert_uint_eq(gw_replay_bytes(window) % 64, 0);
		ck_assert_uint_gt(blocks * 32, window);
		replay = window_new(window, 0, NULL, 0);
		ck_assert_uint_le(replay->block_count, blocks);
		ck_assert_uint_ge(32 * (replay->block_count - 1), window);
		free(replay);
	}
}
END_TEST

// Blocks in turn, so that each is read anew, and rows of numbers of one block.
START_TEST(a_view_sees_what_checks_see)
{
	const uint32_t window = windows[_i];
	const uint64_t first = (UINT64_C(1) << 33) + 7, last = first + 3 * (uint64_t)window;
	struct gw_replay *replay = window_new(window, first, NULL, 0);
	struct gw_replay_view view;

	for (uint64_t sequence = first; sequence < last; sequence += 1 + sequence % 5)
		receive(replay, sequence);
	gw_replay_look(&view, replay);
	for (unsigned int i = 0; i < 4096; i++) {
		uint64_t sequence = first + i / 3 + (uint64_t)(i % 3) * window;
		enum gw_replay_verdict got = gw_replay_see(&view, sequence);

		ck_assert_int_eq(got, gw_replay_check(replay, sequence));
		ck_assert_uint_eq(gw_replay_number(&view, (uint32_t)sequence, true),
			gw_replay_infer(replay->top, window, (uint32_t)sequence, true));
	}
	free(replay);
}
END_TEST

START_TEST(without_a_window_the_top_is_kept)
{
	struct gw_replay *replay = window_new(0, 0, NULL, 0);
	uint8_t nothing = 0xee;
	uint64_t top;

	expect(replay, 70, NEW);
	expect(replay, 20, NEW);
	gw_replay_read(replay, &top, &nothing);
	ck_assert_uint_eq(top, 70);
	ck_assert_uint_eq(nothing, 0xee);
	free(replay);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_replay");
	TCase *tcase = tcase_create("replay");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, stories_come_true, 0, COUNT(stories));
	tcase_add_loop_test(tcase, left_edge_is_exact, 0, COUNT(windows));
	tcase_add_loop_test(tcase, a_shift_keeps_what_is_inside, 0, COUNT(windows));
	tcase_add_loop_test(tcase, a_new_block_forgets_nothing_inside, 0, COUNT(windows));
	tcase_add_loop_test(
		tcase, a_number_inside_is_accepted_when_it_comes_late, 0, COUNT(windows));
	tcase_add_test(tcase, a_forged_number_moves_nothing);
	tcase_add_test(tcase, record_does_not_trust_the_check);
	tcase_add_test(tcase, the_top_only_rises);
	tcase_add_loop_test(tcase, high_half_is_inferred, 0, COUNT(inferences));
	tcase_add_test(tcase, esn_walks_over_two_wraps);
	tcase_add_loop_test(tcase, state_survives_reading_and_giving_back, 0, COUNT(windows));
	tcase_add_test(tcase, what_a_bitmap_does_not_tell_counts_as_received);
	tcase_add_test(tcase, reading_never_shows_a_received_number_as_new);
	tcase_add_loop_test(tcase, a_fresh_window_reads_as_empty, 0, COUNT(windows));
	tcase_add_loop_test(tcase, places_are_right_for_high_numbers, 0, COUNT(windows));
	tcase_add_test(tcase, memory_is_whole_lines_with_a_spare_block);
	tcase_add_loop_test(tcase, a_view_sees_what_checks_see, 0, COUNT(windows));
	tcase_add_test(tcase, without_a_window_the_top_is_kept);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
