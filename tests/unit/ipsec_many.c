// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A hundred thousand SAs: each is found, nothing else is, and coming and going leaves memory as it
// was. conformance: B8

#include <malloc.h>
#include <stdlib.h>

#include "ipsec/sad.h"
#include "ipsec_kit.h"
#include "run.h"

#define MANY   100000u
#define BATCH  256u
#define ROUNDS 20u
#define CHURN  5000u // SAs that come and go in each

static struct rte_rcu_qsbr *qsbr;
static struct gw_sad *sad;
static struct gw_sa *sas; // stand-ins: the SAD looks into them only to prefetch

static void open_many(void)
{
	struct gw_error err = {};

	qsbr = kit_qsbr_new();
	rte_rcu_qsbr_thread_register(qsbr, 0);
	rte_rcu_qsbr_thread_online(qsbr, 0);
	sad = gw_sad_new("many", MANY, qsbr, &err);
	ck_assert_msg(sad, "%s", err.text);
	sas = aligned_alloc(RTE_CACHE_LINE_SIZE, MANY * sizeof(*sas));
	ck_assert_ptr_nonnull(sas);
	memset(sas, 0, MANY * sizeof(*sas));
}

static void close_many(void)
{
	gw_sad_free(sad);
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	rte_rcu_qsbr_thread_unregister(qsbr, 0);
	rte_free(qsbr);
	free(sas);
}

// As a gateway of many peers has them: SPIs as they come, few destinations of both families, some
// AH.
static struct gw_sad_key key_of(uint32_t number)
{
	struct gw_addr destination =
		number % 3 ? kit_addr4((uint8_t)(number % 5)) : kit_addr6((uint8_t)(number % 7));
	struct gw_sad_key key;

	gw_sad_key_make(&key, rte_cpu_to_be_32(256 + number * 2654435761u),
		number % 11 ? GW_PROTOCOL_ESP : GW_PROTOCOL_AH, &destination);
	return key;
}

// The SAs first, first + 1 … of count are there, as the stand-ins with those numbers modulo MANY.
static void expect_found(uint32_t first, uint32_t count)
{
	for (uint32_t at = 0; at < count; at += BATCH) {
		unsigned int batch = RTE_MIN(BATCH, count - at);
		struct gw_sad_key keys[BATCH];
		struct gw_sa *found[BATCH];

		for (unsigned int i = 0; i < batch; i++)
			keys[i] = key_of(first + at + i);
		gw_sad_lookup(sad, keys, batch, found);
		for (unsigned int i = 0; i < batch; i++)
			ck_assert_ptr_eq(found[i], &sas[(first + at + i) % MANY]);
	}
	rte_rcu_qsbr_quiescent(qsbr, 0);
}

static void expect_others_missing(uint32_t first, uint32_t count)
{
	for (uint32_t at = 0; at < count; at += BATCH) {
		unsigned int batch = RTE_MIN(BATCH, count - at);
		struct gw_sad_key keys[BATCH];
		struct gw_sa *found[BATCH];

		for (unsigned int i = 0; i < batch; i++) {
			keys[i] = key_of(first + at + i);
			// Another protocol, or a destination that no key has.
			if (i % 2)
				keys[i].protocol ^= GW_PROTOCOL_ESP ^ GW_PROTOCOL_AH;
			else
				keys[i].destination[0] ^= 0x80;
		}
		gw_sad_lookup(sad, keys, batch, found);
		for (unsigned int i = 0; i < batch; i++)
			ck_assert_ptr_null(found[i]);
	}
	rte_rcu_qsbr_quiescent(qsbr, 0);
}

static void insert(uint32_t number)
{
	struct gw_sad_key key = key_of(number);

	ck_assert_int_eq(gw_sad_insert(sad, &key, &sas[number % MANY]), 0);
}

static void forget(uint32_t number)
{
	struct gw_sad_key key = key_of(number);

	gw_sad_remove(sad, &key);
	rte_rcu_qsbr_quiescent(qsbr, 0);
}

static size_t bytes_in_use(void)
{
	struct rte_malloc_socket_stats stats;

	ck_assert_int_eq(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.heap_allocsz_bytes + mallinfo2().uordblks -
	       gw_slab_idle_bytes(&gw_slab_shared) - gw_slab_idle_bytes(&gw_slab_private);
}

START_TEST(each_is_found)
{
	uint32_t first = 0;
	size_t bytes;

	for (uint32_t i = 0; i < MANY; i++)
		insert(i);
	expect_found(0, MANY);
	expect_others_missing(0, MANY);
	bytes = bytes_in_use();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < CHURN; i++, first++) {
			forget(first);
			insert(first + MANY);
		}
		expect_found(first + MANY - CHURN, CHURN);
		ck_assert_uint_eq(bytes_in_use(), bytes);
	}
	ck_assert_uint_eq(first, MANY); // not one of the first is left
	expect_found(first, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		forget(first + i);
}
END_TEST

// The database with all that belongs to an SA: keys, counters, replay window, reqid.
START_TEST(coming_and_going)
{
	struct kit_db kit;
	unsigned int pieces = 0;
	size_t bytes = 0;

	kit_db_open(&kit, 1000, 10, NULL, NULL);
	for (uint32_t i = 0; i < 6000; i++) {
		struct gw_sa_spec spec =
			kit_sa(i % 2 ? GW_DIRECTION_IN : GW_DIRECTION_OUT, 0x1000 + i, i + 1);
		struct gw_sa_spec oldest = kit_sa(
			i % 2 ? GW_DIRECTION_IN : GW_DIRECTION_OUT, 0x1000 + i - 900, i - 900 + 1);
		struct gw_sa_id id = gw_sa_spec_id(&oldest);
		struct gw_txn *txn = gw_txn_new();
		struct gw_error err = {};

		spec.reqid = 1 + i / 2;
		ck_assert_msg(gw_sa_add(kit.db, txn, &spec, GW_ORIGIN_CONTROL, &err) == 0, "%s",
			err.text);
		if (i >= 900)
			ck_assert_msg(gw_sa_delete(kit.db, txn, &id, &err) == 0, "%s", err.text);
		gw_txn_commit(txn);
		gw_reclaim_poll(kit.reclaim);
		if (i < 2000)
			continue;
		if (i == 2000) {
			pieces = kit_memory_pieces();
			bytes = bytes_in_use();
		}
		ck_assert_uint_eq(kit_memory_pieces(), pieces);
	}
	// Lists of the C library may have grown by a step.
	ck_assert_uint_le(bytes_in_use(), bytes + 65536);
	kit_db_close(&kit);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("many");
	Suite *suite = suite_create("ipsec_many");
	TCase *database = tcase_create("database");

	tcase_add_checked_fixture(tests, open_many, close_many);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, each_is_found);
	suite_add_tcase(suite, tests);
	tcase_set_timeout(database, 60);
	tcase_add_test(database, coming_and_going);
	suite_add_tcase(suite, database);
	return gw_test_run(suite, true);
}
