// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/replay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// The model: a byte for every number from base on.
#define SPAN (1u << 22)

struct model {
	uint32_t window;
	uint64_t base; // numbers up to here count as received
	uint64_t top;
	uint8_t received[SPAN];
};

static enum gw_replay_verdict model_judge(const struct model *model, uint64_t sequence)
{
	if (sequence <= model->top && model->top - sequence >= model->window)
		return GW_REPLAY_TOO_OLD;
	if (sequence <= model->base || model->received[sequence - model->base])
		return GW_REPLAY_SEEN;
	return GW_REPLAY_NEW;
}

static void model_receive(struct model *model, uint64_t sequence)
{
	model->received[sequence - model->base] = 1;
	if (sequence > model->top)
		model->top = sequence;
}

static uint64_t below(unsigned int *seed, uint64_t limit)
{
	return ((uint64_t)rand_r(seed) << 31 | (uint64_t)rand_r(seed)) % limit;
}

// Mostly near the top, sometimes far from it.
static uint64_t any_number(const struct model *model, unsigned int *seed)
{
	uint64_t window = model->window, reach;
	bool ahead = false;

	switch (below(seed, 400)) {
	case 0:
		ahead = true;
		reach = 4 * window + 200;
		break;
	case 1 ... 120:
		ahead = true;
		reach = 40;
		break;
	case 121 ... 280:
		reach = window + 2;
		break;
	case 281 ... 340:
		reach = 40;
		break;
	default:
		reach = 3 * window;
		break;
	}
	reach = below(seed, reach);
	if (ahead)
		return model->top + reach;
	return model->top > reach ? model->top - reach : 1;
}

static void compare_state(const struct model *model, const struct gw_replay *replay)
{
	uint8_t *bitmap = malloc((model->window + 7) / 8);
	uint64_t top;

	gw_replay_read(replay, &top, bitmap);
	ck_assert_uint_eq(top, model->top);
	for (uint64_t back = 0; back < model->window && back < top; back++) {
		bool shown = bitmap[back / 8] >> back % 8 & 1;

		if (shown != (model_judge(model, top - back) == GW_REPLAY_SEEN))
			ck_abort_msg("window %u: number %lu back reads as %d", model->window,
				(unsigned long)back, shown);
	}
	free(bitmap);
}

// Hands the state over to a new window.
static struct gw_replay *hand_over(struct gw_replay *replay)
{
	uint32_t bytes = (replay->window + 7) / 8;
	struct gw_replay *next = malloc(gw_replay_bytes(replay->window));
	uint8_t *bitmap = malloc(bytes);
	uint64_t top;

	gw_replay_read(replay, &top, bitmap);
	gw_replay_init(next, replay->window, top, bitmap, bytes);
	free(bitmap);
	free(replay);
	return next;
}

// The top follows after up to a vector of packets, as in a worker; the model has it at once, so the
// window may hold numbers that the model has given up, never the other way round.
static void run(uint32_t window, uint64_t base, unsigned int vector, unsigned int seed)
{
	struct model *model = calloc(1, sizeof(*model));
	struct gw_replay *replay = malloc(gw_replay_bytes(window));
	unsigned int since = 0;

	model->window = window;
	model->base = base;
	model->top = base;
	gw_replay_init(replay, window, base, NULL, 0);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t sequence = any_number(model, &seed);
		enum gw_replay_verdict expected, got;

		if (sequence >= base + SPAN)
			break;
		expected = model_judge(model, sequence);
		got = gw_replay_check(replay, sequence);
		if (got == GW_REPLAY_NEW)
			got = gw_replay_record(replay, sequence);
		if (got != expected && !(expected == GW_REPLAY_TOO_OLD && replay->top < model->top))
			ck_abort_msg("window %u, top %#lx, %#lx: %d, not %d", window,
				(unsigned long)model->top, (unsigned long)sequence, got, expected);
		if (got == GW_REPLAY_NEW && sequence <= model->base)
			ck_abort_msg("%#lx was received before", (unsigned long)sequence);
		if (got == GW_REPLAY_NEW)
			model_receive(model, sequence);
		if (expected != GW_REPLAY_TOO_OLD &&
			gw_replay_infer(model->top, window, (uint32_t)sequence, true) != sequence)
			ck_abort_msg("%#lx is not inferred", (unsigned long)sequence);
		if (++since >= vector) {
			gw_replay_raise(replay, model->top);
			since = 0;
		}
		if (i % 1024 == 1023) {
			compare_state(model, replay);
			replay = hand_over(replay);
		}
	}
	free(replay);
	free(model);
}

static const uint32_t windows[] = { 1, 32, 33, 64, 100, 128, 1024, 4096, 65536 };
static const uint64_t bases[] = { 0, (UINT64_C(1) << 32) - 5000, (UINT64_C(1) << 36) - 5000,
	(UINT64_C(1) << 37) - 5000, UINT64_C(0x123456789abcd) };

START_TEST(one_thread_agrees_with_the_model)
{
	for (unsigned int base = 0; base < COUNT(bases); base++) {
		run(windows[_i], bases[base], 1, 1000 + base);
		run(windows[_i], bases[base], 1 + base * 30, 2000 + base);
	}
}
END_TEST

// A vector at once: as one number after the other.
START_TEST(a_vector_agrees_with_the_model)
{
	struct model *model = calloc(1, sizeof(*model));
	struct gw_replay *replay = malloc(gw_replay_bytes(windows[_i]));
	unsigned int seed = 3000;

	*model = (struct model){ .window = windows[_i] };
	gw_replay_init(replay, model->window, 0, NULL, 0);
	for (unsigned int round = 0; round < 4000 && model->top < SPAN / 2; round++) {
		unsigned int count = 1 + (unsigned int)below(&seed, 64);
		enum gw_replay_verdict verdicts[64];
		uint64_t sequences[64];

		for (unsigned int i = 0; i < count; i++)
			sequences[i] = i && below(&seed, 4) ? sequences[i - 1] + below(&seed, 3)
							    : any_number(model, &seed);
		gw_replay_record_all(replay, sequences, count, verdicts);
		for (unsigned int i = 0; i < count; i++) {
			enum gw_replay_verdict expected =
				sequences[i] ? model_judge(model, sequences[i]) : verdicts[i];

			if (verdicts[i] != expected)
				ck_abort_msg("window %u, round %u, number %u, %#lx: %d, not %d",
					model->window, round, i, (unsigned long)sequences[i],
					verdicts[i], expected);
			if (expected == GW_REPLAY_NEW)
				model_receive(model, sequences[i]);
		}
		ck_assert_uint_eq(replay->top, model->top);
	}
	free(replay);
	free(model);
}
END_TEST

#define THREADS 4

struct arena {
	struct gw_replay *replay;
	uint64_t base;
	uint32_t count; // numbers base + 1 to base + count
	uint32_t jitter;
	pthread_barrier_t begin;
	_Atomic uint8_t *accepted; // how often
	_Atomic uint8_t *seen;     // whether it was refused as received
	_Atomic uint32_t old;
};

struct receiver {
	pthread_t thread;
	struct arena *arena;
	unsigned int seed;
};

// Every thread offers every number, in an order of its own.
static void *receive_all(void *argument)
{
	struct receiver *receiver = argument;
	struct arena *arena = receiver->arena;
	uint32_t *numbers = malloc(arena->count * sizeof(*numbers));

	for (uint32_t i = 0; i < arena->count; i++)
		numbers[i] = i + 1;
	for (uint32_t i = 0; i < arena->count; i++) {
		uint32_t reach = RTE_MIN(arena->jitter, arena->count - i);
		uint32_t other = i + (uint32_t)below(&receiver->seed, reach), number = numbers[i];

		numbers[i] = numbers[other];
		numbers[other] = number;
	}
	pthread_barrier_wait(&arena->begin);
	for (uint32_t i = 0; i < arena->count; i++) {
		uint64_t sequence = arena->base + numbers[i];

		switch (gw_replay_record(arena->replay, sequence)) {
		case GW_REPLAY_NEW:
			atomic_fetch_add(&arena->accepted[numbers[i]], 1);
			gw_replay_raise(arena->replay, sequence);
			break;
		case GW_REPLAY_SEEN:
			atomic_store(&arena->seen[numbers[i]], 1);
			break;
		case GW_REPLAY_TOO_OLD:
			atomic_fetch_add(&arena->old, 1);
			break;
		}
	}
	free(numbers);
	return NULL;
}

static void fight(uint32_t window, uint64_t base, uint32_t count, unsigned int seed)
{
	struct arena arena = { .base = base, .count = count, .jitter = RTE_MAX(2u, window / 2) };
	struct receiver receivers[THREADS];

	arena.replay = malloc(gw_replay_bytes(window));
	gw_replay_init(arena.replay, window, base, NULL, 0);
	arena.accepted = calloc(count + 1, 1);
	arena.seen = calloc(count + 1, 1);
	pthread_barrier_init(&arena.begin, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		receivers[i] = (struct receiver){ .arena = &arena, .seed = seed * 16 + i };
		ck_assert_int_eq(
			pthread_create(&receivers[i].thread, NULL, receive_all, &receivers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(receivers[i].thread, NULL);
	pthread_barrier_destroy(&arena.begin);
	for (uint32_t i = 1; i <= count; i++) {
		if (arena.accepted[i] > 1)
			ck_abort_msg("number %u was accepted %u times", i, arena.accepted[i]);
		if (arena.seen[i] && !arena.accepted[i])
			ck_abort_msg("number %u was refused as received and never was", i);
		if (window >= count && !arena.accepted[i])
			ck_abort_msg("number %u was never accepted", i);
	}
	if (window >= count)
		ck_assert_uint_eq(arena.old, 0);
	free((void *)arena.accepted);
	free((void *)arena.seen);
	free(arena.replay);
}

START_TEST(threads_accept_every_number_once)
{
	for (unsigned int round = 0; round < 5; round++) {
		fight(65536, bases[round], 20000, round);
		fight(32, bases[round], 20000, round + 10);
		fight(64, bases[round], 64, round + 20);
		fight(4096, bases[round], 20000, round + 30);
	}
}
END_TEST

// One word at a time: all threads record the numbers of one block in the same order.
START_TEST(threads_meet_on_one_block)
{
	for (unsigned int round = 0; round < 300; round++)
		fight(32, bases[round % COUNT(bases)], 32, round);
}
END_TEST

// While others record, what is read never shows a number as new that was received before.
struct reader {
	pthread_t thread;
	struct gw_replay *replay;
	_Atomic uint64_t received; // every number up to here
	_Atomic bool stop;
	uint64_t shown_as_new;
	unsigned int reads;
};

static void *read_all(void *argument)
{
	struct reader *reader = argument;
	uint8_t bitmap[256 / 8];
	uint64_t top;

	while (!atomic_load(&reader->stop) || reader->reads == 0) {
		uint64_t received = atomic_load(&reader->received);

		gw_replay_read(reader->replay, &top, bitmap);
		reader->reads++;
		if (top < received)
			reader->shown_as_new = received;
		for (uint64_t back = 0; back < reader->replay->window && back < top; back++)
			if (top - back <= received && !(bitmap[back / 8] >> back % 8 & 1))
				reader->shown_as_new = top - back;
	}
	return NULL;
}

START_TEST(reading_among_writers_is_safe)
{
	struct gw_replay *replay = malloc(gw_replay_bytes(256));
	struct reader reader = { .replay = replay };

	gw_replay_init(replay, 256, 0, NULL, 0);
	ck_assert_int_eq(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
	for (uint64_t sequence = 1; sequence < 200000; sequence++) {
		gw_replay_record(replay, sequence);
		atomic_store(&reader.received, sequence);
		if (sequence % 100 == 0)
			gw_replay_raise(replay, sequence);
	}
	atomic_store(&reader.stop, true);
	pthread_join(reader.thread, NULL);
	ck_assert_uint_gt(reader.reads, 0);
	ck_assert_uint_eq(reader.shown_as_new, 0);
	free(replay);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model_replay");
	TCase *tcase = tcase_create("replay");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, one_thread_agrees_with_the_model, 0, COUNT(windows));
	tcase_add_loop_test(tcase, a_vector_agrees_with_the_model, 0, COUNT(windows));
	tcase_add_test(tcase, threads_accept_every_number_once);
	tcase_add_test(tcase, threads_meet_on_one_block);
	tcase_add_test(tcase, reading_among_writers_is_safe);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
