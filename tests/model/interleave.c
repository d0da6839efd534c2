// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "interleave.h"

#include <stdlib.h>

#include "ipsec/lifetime.h"
#include "ipsec/replay.h"
#include "ipsec/sa.h"
#include "ipsec/sequence.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A sanitizer's build has several instructions for one of these.
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

// Two workers on one SA. Whatever instruction of one the other comes between, results and state
// must be those of one of the two after the other.

// --- the replay window

#define WINDOW 32
#define BYTES  128 // gw_replay_bytes(WINDOW) at most

union state {
	struct gw_replay replay;
	uint8_t bytes[BYTES];
};

enum deed { RECORD, RAISE };

struct act {
	enum deed deed;
	uint64_t sequence;
};

struct duel {
	union state state;
	struct act outer, inner;
	int outer_result, inner_result;
};

static int perform(struct gw_replay *replay, const struct act *act)
{
	if (act->deed == RECORD)
		return gw_replay_record(replay, act->sequence);
	gw_replay_raise(replay, act->sequence);
	return 0;
}

static void run_outer(void *context)
{
	struct duel *duel = context;

	duel->outer_result = perform(&duel->state.replay, &duel->outer);
}

static void run_inner(void *context)
{
	struct duel *duel = context;

	duel->inner_result = perform(&duel->state.replay, &duel->inner);
}

// With every third number up to received; the top has followed or not.
static void prepare(struct duel *duel, uint64_t received, bool raised)
{
	if (gw_replay_bytes(WINDOW) > BYTES)
		ck_abort_msg("the window needs %zu bytes", gw_replay_bytes(WINDOW));
	memset(&duel->state, 0, sizeof(duel->state));
	gw_replay_init(&duel->state.replay, WINDOW, 0, NULL, 0);
	for (uint64_t s = 1; s <= received; s += 3)
		gw_replay_record(&duel->state.replay, s);
	if (raised)
		gw_replay_raise(&duel->state.replay, received);
}

static bool same(const struct duel *a, const struct duel *b)
{
	return a->outer_result == b->outer_result && a->inner_result == b->inner_result &&
	       memcmp(&a->state, &b->state, sizeof(a->state)) == 0;
}

static void fight(struct act outer, struct act inner, uint64_t received, bool raised)
{
	struct duel outer_first = { .outer = outer, .inner = inner }, inner_first = outer_first,
		    duel;
	bool met = true;

	prepare(&outer_first, received, raised);
	run_outer(&outer_first);
	run_inner(&outer_first);
	prepare(&inner_first, received, raised);
	run_inner(&inner_first);
	run_outer(&inner_first);
	for (unsigned int n = 1; met; n += STRIDE) {
		duel = (struct duel){ .outer = outer, .inner = inner };
		prepare(&duel, received, raised);
		met = interleave(n, run_outer, run_inner, &duel);
		if (met && !same(&duel, &outer_first) && !same(&duel, &inner_first))
			ck_abort_msg("deed %d of %lu gives %d, deed %d of %lu before its "
				     "instruction %u gives %d",
				outer.deed, (unsigned long)outer.sequence, duel.outer_result,
				inner.deed, (unsigned long)inner.sequence, n, duel.inner_result);
	}
}

// A trap costs microseconds, so the numbers are few: two of one block, and one of the block that
// takes its slot.
static const uint64_t numbers[] = { 2, 3, 66 };

START_TEST(two_records_are_one_after_the_other)
{
	for (unsigned int i = 0; i < COUNT(numbers); i++) {
		const struct act outer = { RECORD, numbers[_i] }, inner = { RECORD, numbers[i] };

		fight(outer, inner, 0, false);
		fight(outer, inner, 20, false);
	}
}
END_TEST

START_TEST(the_top_may_rise_meanwhile)
{
	fight((struct act){ RECORD, 2 }, (struct act){ RAISE, 66 }, 20, true);
	fight((struct act){ RAISE, 21 }, (struct act){ RAISE, 22 }, 20, true);
	fight((struct act){ RAISE, 22 }, (struct act){ RAISE, 21 }, 20, true);
}
END_TEST

struct reading {
	struct duel duel;
	uint64_t top;
	uint8_t bitmap[WINDOW / 8];
};

static void run_read(void *context)
{
	struct reading *reading = context;

	gw_replay_read(&reading->duel.state.replay, &reading->top, reading->bitmap);
}

static void run_record(void *context)
{
	struct reading *reading = context;

	run_inner(&reading->duel);
}

// What was received before the reading begins never reads as new.
START_TEST(reading_shows_what_was_received)
{
	const uint64_t received = 46; // every third one, in both slots
	struct reading reading;
	bool met = true;

	for (unsigned int n = 1; met; n += 23 * STRIDE) {
		memset(&reading, 0, sizeof(reading));
		reading.duel.inner = (struct act){ RECORD, numbers[_i] };
		prepare(&reading.duel, received, true);
		met = interleave(n, run_read, run_record, &reading);
		if (reading.top < received)
			ck_abort_msg("before instruction %u: the top is %lu", n,
				(unsigned long)reading.top);
		for (uint64_t s = 1; s <= received; s += 3) {
			uint64_t back = reading.top - s;

			if (back < WINDOW && !(reading.bitmap[back / 8] >> back % 8 & 1))
				ck_abort_msg("before instruction %u: %lu reads as new", n,
					(unsigned long)s);
		}
	}
}
END_TEST

// --- sequence numbers

struct taking {
	struct gw_sequence sequence;
	uint64_t last;
	unsigned int counts[2], got[2];
	uint64_t first[2];
};

static void take_outer(void *context)
{
	struct taking *t = context;

	t->got[0] = gw_sequence_take(&t->sequence, t->last, t->counts[0], &t->first[0]);
}

static void take_inner(void *context)
{
	struct taking *t = context;

	t->got[1] = gw_sequence_take(&t->sequence, t->last, t->counts[1], &t->first[1]);
}

static void share(uint64_t last, uint64_t left, unsigned int outer, unsigned int inner)
{
	bool met = true;

	for (unsigned int n = 1; met; n += STRIDE) {
		struct taking t = {
			.sequence.used = last - left, .last = last, .counts = { outer, inner }
		};
		unsigned int early;

		met = interleave(n, take_outer, take_inner, &t);
		if (!met)
			break;
		// All that is left and asked for, in two blocks without a gap or an overlap.
		early = t.got[1] && (!t.got[0] || t.first[1] < t.first[0]);
		ck_assert_uint_eq(t.got[0] + t.got[1], outer + inner < left ? outer + inner : left);
		if (t.got[early])
			ck_assert_uint_eq(t.first[early], last - left + 1);
		if (t.got[!early])
			ck_assert_uint_eq(t.first[!early], t.first[early] + t.got[early]);
		ck_assert(t.got[early] == t.counts[early] || t.got[!early] == 0);
	}
}

START_TEST(two_blocks_never_overlap)
{
	const uint64_t last = gw_sequence_last(_i);

	for (uint64_t left = 0; left < 12; left += 3) {
		share(last, left, 4, 4);
		share(last, left, 1, 9);
		share(last, left, 9, 1);
	}
}
END_TEST

// --- bytes of a lifetime

struct spending {
	struct gw_sa sa; // of which taking bytes looks at the limit and the count alone
	uint64_t counts[2], got[2];
};

static void use_outer(void *context)
{
	struct spending *u = context;

	u->got[0] = gw_lifetime_take_bytes(&u->sa, u->counts[0]);
}

static void use_inner(void *context)
{
	struct spending *u = context;

	u->got[1] = gw_lifetime_take_bytes(&u->sa, u->counts[1]);
}

// conformance: L1
START_TEST(no_byte_is_given_to_two)
{
	static struct spending u;
	const uint64_t outer = 1 + (uint64_t)_i % 2 * 6, inner = 7 - (uint64_t)_i % 2 * 6;

	for (uint64_t left = 0; left < 12; left++)
		for (unsigned int n = 1;; n += STRIDE) {
			u = (struct spending){ .counts = { outer, inner } };
			u.sa.limit.hard_bytes = 100;
			atomic_init(&u.sa.used_bytes, 100 - left);
			if (!interleave(n, use_outer, use_inner, &u))
				break;
			ck_assert_uint_eq(
				u.got[0] + u.got[1], outer + inner < left ? outer + inner : left);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model_interleave");
	TCase *tcase = tcase_create("interleave");

	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, two_records_are_one_after_the_other, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, the_top_may_rise_meanwhile, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, reading_shows_what_was_received, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, two_blocks_never_overlap, 0, 2);
	tcase_add_loop_test(tcase, no_byte_is_given_to_two, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
