// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/sequence.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(the_first_number_is_one)
{
	struct gw_sequence sequence = {};
	uint64_t first = 0;

	ck_assert_uint_eq(gw_sequence_take(&sequence, GW_SEQUENCE_LAST, 1, &first), 1);
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(gw_sequence_take(&sequence, GW_SEQUENCE_LAST, 256, &first), 256);
	ck_assert_uint_eq(first, 2);
	ck_assert_uint_eq(gw_sequence_take(&sequence, GW_SEQUENCE_LAST, 1, &first), 1);
	ck_assert_uint_eq(first, 258);
}
END_TEST

struct ending {
	bool esn;
	uint64_t left; // numbers before the end
	unsigned int count;
	unsigned int expected;
};

static const struct ending endings[] = {
	{ .esn = false, .left = 300, .count = 256, .expected = 256 },
	{ .esn = false, .left = 256, .count = 256, .expected = 256 },
	{ .esn = false, .left = 255, .count = 256, .expected = 255 },
	{ .esn = false, .left = 1, .count = 1, .expected = 1 },
	{ .esn = false, .left = 1, .count = 256, .expected = 1 },
	{ .esn = false, .left = 0, .count = 1, .expected = 0 },
	{ .esn = true, .left = 300, .count = 256, .expected = 256 },
	{ .esn = true, .left = 7, .count = 256, .expected = 7 },
	{ .esn = true, .left = 0, .count = 256, .expected = 0 },
};

START_TEST(the_end_is_exact)
{
	const struct ending *row = &endings[_i];
	const uint64_t last = gw_sequence_last(row->esn);
	struct gw_sequence sequence = { .used = last - row->left };
	uint64_t first = 0;

	ck_assert_uint_eq(gw_sequence_take(&sequence, last, row->count, &first), row->expected);
	if (row->expected)
		ck_assert_uint_eq(first, last - row->left + 1);
	if (row->expected < row->count)
		ck_assert_uint_eq(gw_sequence_take(&sequence, last, 1, &first), 0);
}
END_TEST

START_TEST(numbers_without_esn_have_32_bits)
{
	struct gw_sequence sequence = { .used = 0xfffffffe };
	uint64_t first;

	ck_assert_uint_eq(gw_sequence_take(&sequence, gw_sequence_last(false), 9, &first), 1);
	ck_assert_uint_eq(first, 0xffffffff);
	sequence.used = 0xfffffffe;
	ck_assert_uint_eq(gw_sequence_take(&sequence, gw_sequence_last(true), 9, &first), 9);
	ck_assert_uint_eq(first + 8, UINT64_C(0x100000007));
}
END_TEST

// However often it is asked after the end, the word does not come round.
START_TEST(nothing_comes_after_the_end)
{
	const bool esn = _i;
	const uint64_t last = gw_sequence_last(esn);
	struct gw_sequence sequence = { .used = last - 1 };
	uint64_t first, more = 0;

	ck_assert_uint_eq(gw_sequence_take(&sequence, last, 65536, &first), 1);
	for (int i = 0; i < 200000; i++)
		more += gw_sequence_take(&sequence, last, 65536, &first);
	ck_assert_uint_eq(more, 0);
	ck_assert_uint_ge(sequence.used, last);
}
END_TEST

START_TEST(a_number_given_beyond_the_end_stays_the_end)
{
	struct gw_sequence sequence = { .used = UINT64_MAX };
	uint64_t first;

	ck_assert_uint_eq(gw_sequence_take(&sequence, gw_sequence_last(true), 256, &first), 0);
	ck_assert_uint_eq(sequence.used, UINT64_MAX);
}
END_TEST

#define THREADS 4
#define SPACE   300001u // numbers before the end; no multiple of what is taken

struct shared {
	struct gw_sequence sequence;
	uint64_t start, last;
	pthread_barrier_t begin;
	_Atomic uint8_t *given; // how often each number was
};

struct taker {
	pthread_t thread;
	struct shared *shared;
	unsigned int seed;
	uint64_t total;
	bool went_back;
};

static void *take_all(void *argument)
{
	struct taker *taker = argument;
	struct shared *shared = taker->shared;
	uint64_t previous = shared->start;
	unsigned int ends = 0;

	pthread_barrier_wait(&shared->begin);
	while (ends < 3) {
		unsigned int count = 1 + (unsigned int)rand_r(&taker->seed) % 256;
		uint64_t first = 0;
		unsigned int got = gw_sequence_take(&shared->sequence, shared->last, count, &first);

		for (unsigned int i = 0; i < got && first + i <= shared->last; i++)
			atomic_fetch_add(&shared->given[first + i - shared->start], 1);
		taker->went_back |= got && first <= previous;
		previous = got ? first + got - 1 : previous;
		taker->total += got;
		ends += got < count;
	}
	return NULL;
}

// conformance: D13, D14
START_TEST(threads_share_out_every_number_once)
{
	const bool esn = _i & 1;
	struct shared shared = { .last = gw_sequence_last(esn) };
	struct taker takers[THREADS];
	uint64_t total = 0;

	shared.start = shared.last - SPACE;
	shared.sequence.used = shared.start;
	shared.given = calloc(SPACE + 1, 1);
	pthread_barrier_init(&shared.begin, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ .shared = &shared, .seed = (unsigned int)_i * 100 + i };
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		total += takers[i].total;
		ck_assert(!takers[i].went_back);
	}
	pthread_barrier_destroy(&shared.begin);
	ck_assert_uint_eq(total, SPACE);
	ck_assert_uint_eq(shared.given[0], 0);
	for (uint32_t i = 1; i <= SPACE; i++)
		if (shared.given[i] != 1)
			ck_abort_msg("number %u before the end was given %u times", SPACE - i,
				shared.given[i]);
	free((void *)shared.given);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_sequence");
	TCase *tcase = tcase_create("sequence");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_first_number_is_one);
	tcase_add_loop_test(tcase, the_end_is_exact, 0, COUNT(endings));
	tcase_add_test(tcase, numbers_without_esn_have_32_bits);
	tcase_add_loop_test(tcase, nothing_comes_after_the_end, 0, 2);
	tcase_add_test(tcase, a_number_given_beyond_the_end_stays_the_end);
	tcase_add_loop_test(tcase, threads_share_out_every_number_once, 0, 10);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
