// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The SAD against an array, under random insertion, replacement and removal, while other threads
// look up as workers do. A released SA is marked before its memory is used again, so a worker that
// finds one has been given something it may not hold.

#include "ipsec/sad.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_hash_crc.h>

#include "ipsec_kit.h"
#include "run.h"

#define SIZE    300 // SAs at once, as the SAD was told
#define KEYS    500 // different ids
#define STEADY  50  // of these, the first ones are never missing, only replaced
#define READERS 2
#define BATCH   256
#define ALIVE   UINT64_C(0x600df00d)
#define DEAD    UINT64_C(0xdeaddead)

struct rig {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_sad *sad;
	struct gw_sad_key keys[KEYS];
	struct gw_sa *model[KEYS];
	unsigned int used; // entries of the model
	unsigned int live; // SAs allocated and not released
	bool slow;         // readers are: grace periods take longer than slots last
	atomic_bool stop;
	atomic_uint rounds;   // batches looked up by readers
	atomic_uint mistakes; // seen by readers: Check cannot fail a test from another thread
};

struct reader {
	struct rig *rig;
	unsigned int id;
	unsigned int seed;
};

static struct rig *current; // whose SAs release() counts

// A stand-in for a real SA: the SAD looks into it only to prefetch what it points to.
static struct gw_sa *make_sa(struct rig *rig, unsigned int key)
{
	struct gw_sa *sa = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*sa));

	ck_assert_ptr_nonnull(sa);
	memset(sa, 0, sizeof(*sa));
	sa->spi = rig->keys[key].spi;
	sa->reqid = key;
	sa->sequence_last = ALIVE;
	rig->live++;
	return sa;
}

static void release(void *data)
{
	struct gw_sa *sa = data;

	sa->sequence_last = DEAD;
	current->live--;
	free(sa);
}

// Pairs of keys differ in one field only: address, SPI, or family with the same bytes.
static void make_keys(struct rig *rig)
{
	for (unsigned int i = 0; i < KEYS; i++) {
		struct gw_addr destination = kit_addr4((uint8_t)(i / 4 % 8));

		destination.family = i % 2 ? 6 : 4;
		gw_sad_key_make(&rig->keys[i], rte_cpu_to_be_32(0x1000 + i / 32 * 2 + i / 2 % 2),
			GW_PROTOCOL_ESP, &destination);
	}
}

static void *read_all_the_time(void *data)
{
	struct reader *reader = data;
	struct rig *rig = reader->rig;
	struct gw_sad_key keys[BATCH];
	struct gw_sa *sas[BATCH];
	unsigned int numbers[BATCH];

	rte_rcu_qsbr_thread_register(rig->qsbr, reader->id);
	rte_rcu_qsbr_thread_online(rig->qsbr, reader->id);
	while (!atomic_load_explicit(&rig->stop, memory_order_relaxed)) {
		unsigned int count = 1 + (unsigned int)rand_r(&reader->seed) % BATCH;

		for (unsigned int i = 0; i < count; i++) {
			numbers[i] = (unsigned int)rand_r(&reader->seed) % KEYS;
			keys[i] = rig->keys[numbers[i]];
		}
		gw_sad_lookup(rig->sad, keys, count, sas);
		for (unsigned int i = 0; i < count; i++) {
			bool wrong = sas[i] ? sas[i]->sequence_last != ALIVE ||
						      sas[i]->reqid != numbers[i]
					    : numbers[i] < STEADY;

			atomic_fetch_add_explicit(&rig->mistakes, wrong, memory_order_relaxed);
		}
		rte_rcu_qsbr_quiescent(rig->qsbr, reader->id);
		atomic_fetch_add_explicit(&rig->rounds, 1, memory_order_relaxed);
		if (rig->slow)
			usleep(20 * 1000);
		else
			sched_yield();
	}
	rte_rcu_qsbr_thread_offline(rig->qsbr, reader->id);
	rte_rcu_qsbr_thread_unregister(rig->qsbr, reader->id);
	return NULL;
}

static void insert(struct rig *rig, unsigned int key)
{
	struct gw_sa *old = rig->model[key];

	rig->model[key] = make_sa(rig, key);
	ck_assert_int_eq(gw_sad_insert(rig->sad, &rig->keys[key], rig->model[key]), 0);
	if (old)
		gw_reclaim_later(rig->reclaim, release, old);
	else
		rig->used++;
}

static void remove_one(struct rig *rig, unsigned int key)
{
	gw_sad_remove(rig->sad, &rig->keys[key]);
	gw_reclaim_later(rig->reclaim, release, rig->model[key]);
	rig->model[key] = NULL;
	rig->used--;
}

static void compare(struct rig *rig)
{
	struct gw_sa *sas[KEYS];

	for (unsigned int i = 0; i < KEYS; i += BATCH)
		gw_sad_lookup(rig->sad, rig->keys + i, RTE_MIN(KEYS - i, BATCH + 0u), sas + i);
	for (unsigned int i = 0; i < KEYS; i++)
		ck_assert_ptr_eq(sas[i], rig->model[i]);
}

static void open_rig(struct rig *rig)
{
	struct gw_error err = {};

	*rig = (struct rig){ .qsbr = kit_qsbr_new() };
	current = rig;
	rig->reclaim = gw_reclaim_new(rig->qsbr);
	rig->sad = gw_sad_new("model", SIZE, rig->qsbr, &err);
	ck_assert_msg(rig->sad, "%s", err.text);
	make_keys(rig);
	for (unsigned int key = 0; key < STEADY; key++)
		insert(rig, key);
}

static void close_rig(struct rig *rig)
{
	for (unsigned int key = 0; key < KEYS; key++)
		if (rig->model[key])
			remove_one(rig, key);
	compare(rig);
	gw_sad_free(rig->sad);
	gw_reclaim_free(rig->reclaim);
	ck_assert_uint_eq(rig->live, 0);
	rte_free(rig->qsbr);
}

static void start(struct rig *rig, struct reader *readers, pthread_t *threads)
{
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ rig, i, i + 1 };
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, read_all_the_time, &readers[i]), 0);
	}
}

static void stop(struct rig *rig, pthread_t *threads)
{
	atomic_store(&rig->stop, true);
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&rig->mistakes), 0);
}

// One random step; never more than SIZE at once.
static void step(struct rig *rig, unsigned int *seed)
{
	unsigned int key = (unsigned int)rand_r(seed) % KEYS;

	if (rig->model[key] && key >= STEADY && rand_r(seed) % 4) {
		remove_one(rig, key);
		if (rand_r(seed) % 3 == 0)
			insert(rig, key); // as a transaction that deletes and adds
	} else if (rig->model[key] || rig->used < SIZE) {
		insert(rig, key);
	}
}

START_TEST(agrees_with_an_array_while_others_look_up)
{
	static struct rig rig;
	struct reader readers[READERS];
	pthread_t threads[READERS];
	unsigned int seed = 7, steps = 0;

	open_rig(&rig);
	start(&rig, readers, threads);
	while (steps < 60000 || atomic_load(&rig.rounds) < 1000) {
		step(&rig, &seed);
		if (++steps % 500 == 0)
			compare(&rig);
		if (steps % 16 == 0)
			gw_reclaim_poll(rig.reclaim);
	}
	stop(&rig, threads);
	compare(&rig);
	close_rig(&rig);
}
END_TEST

// Fills the SAD to its size, empties it and fills it again and again: removed slots wait for the
// readers, and still no insertion fails.
START_TEST(within_its_size_no_insertion_fails)
{
	static struct rig rig;
	struct reader readers[READERS];
	pthread_t threads[READERS];

	open_rig(&rig);
	rig.slow = true;
	start(&rig, readers, threads);
	for (unsigned int round = 0; round < 40; round++) {
		for (unsigned int i = STEADY; i < SIZE; i++)
			insert(&rig, STEADY + (i + round * 37) % (KEYS - STEADY));
		ck_assert_uint_eq(rig.used, SIZE);
		for (unsigned int key = STEADY; key < KEYS; key++)
			if (rig.model[key])
				remove_one(&rig, key);
	}
	stop(&rig, threads);
	gw_reclaim_poll(rig.reclaim);
	ck_assert_uint_eq(rig.live, STEADY);
	close_rig(&rig);
}
END_TEST

// --- keys that differ, with hashes that do not

#define CANDIDATES 20000

struct candidate {
	uint32_t place; // what of its hash says where rte_hash looks for a key
	uint64_t word;
};

static int by_place(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

static struct gw_sad_key key_with(unsigned int place, uint64_t word)
{
	struct gw_sad_key key = { .spi = 1, .family = 6, .protocol = GW_PROTOCOL_ESP };

	if (place < 2)
		memcpy(key.destination + 8 * place, &word, sizeof(word));
	else
		key.spi = (uint32_t)word;
	return key;
}

// rte_hash keeps 16 bits of the hash as a signature and finds the bucket by the lowest ones.
static uint32_t place_of(const struct gw_sad_key *key)
{
	uint64_t words[3];
	uint32_t hash = 0;

	memcpy(words, key, sizeof(words));
	for (int i = 0; i < 3; i++)
		hash = rte_hash_crc_8byte(words[i], hash);
	return (hash & 0xffff0000) | (hash & 0x3ff);
}

// Two keys that differ in the place-th word alone and would be taken for one if it were not
// compared.
static void find_pair(unsigned int place, struct gw_sad_key pair[2])
{
	static struct candidate candidates[CANDIDATES];
	unsigned int seed = place, i;

	for (i = 0; i < CANDIDATES; i++) {
		uint64_t word = (uint64_t)rand_r(&seed) << 40 ^ (uint64_t)rand_r(&seed) << 20 ^
				(uint64_t)rand_r(&seed);
		struct gw_sad_key key = key_with(place, word);

		candidates[i] = (struct candidate){ place_of(&key), word };
	}
	qsort(candidates, CANDIDATES, sizeof(candidates[0]), by_place);
	for (i = 1; i < CANDIDATES; i++) {
		pair[0] = key_with(place, candidates[i - 1].word);
		pair[1] = key_with(place, candidates[i].word);
		if (candidates[i].place == candidates[i - 1].place &&
			memcmp(&pair[0], &pair[1], sizeof(pair[0])) != 0)
			return;
	}
	ck_abort_msg("no pair of keys with one hash");
}

START_TEST(equal_hashes_do_not_make_equal_keys)
{
	static struct rig rig;

	open_rig(&rig);
	for (unsigned int place = 0; place < 3; place++) {
		struct gw_sa *first = make_sa(&rig, 0), *second = make_sa(&rig, 0), *found[2];
		struct gw_sad_key pair[2];

		find_pair(place, pair);
		ck_assert_int_eq(gw_sad_insert(rig.sad, &pair[0], first), 0);
		gw_sad_lookup(rig.sad, pair, 2, found);
		ck_assert_ptr_eq(found[0], first);
		ck_assert_ptr_null(found[1]);
		ck_assert_int_eq(gw_sad_insert(rig.sad, &pair[1], second), 0);
		gw_sad_lookup(rig.sad, pair, 2, found);
		ck_assert_ptr_eq(found[0], first);
		ck_assert_ptr_eq(found[1], second);
		gw_sad_remove(rig.sad, &pair[0]);
		gw_sad_remove(rig.sad, &pair[1]);
		release(first);
		release(second);
	}
	close_rig(&rig);
}
END_TEST

// Many makings of the same leave no memory behind.
START_TEST(memory_comes_back)
{
	unsigned int pieces = kit_memory_pieces();

	for (unsigned int round = 0; round < 20; round++) {
		static struct rig rig;
		unsigned int seed = round;

		open_rig(&rig);
		for (unsigned int i = 0; i < 2000; i++)
			step(&rig, &seed);
		close_rig(&rig);
	}
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sad");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, agrees_with_an_array_while_others_look_up);
	tcase_add_test(tcase, within_its_size_no_insertion_fails);
	tcase_add_test(tcase, equal_hashes_do_not_make_equal_keys);
	tcase_add_test(tcase, memory_comes_back);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
