// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spd.h"

#include <stdlib.h>

#include <rte_hash.h>

#include "ipsec/spd_table.h"
#include "run.h"
#include "spd_world.h"

// Changes in the midst of a look-up, without leaving to the scheduler where they fall: the linker
// puts a step of ours before each of the steps that a search takes. The search must answer as if
// nothing had happened since it began.

static struct {
	struct history *history;
	struct spd_kit kit;
	unsigned int step;
	unsigned int changes; // in the midst of this look-up
	unsigned int seed;
	bool searching;
} midst;

int __real_rte_hash_lookup_bulk_data(const struct rte_hash *table, const void **keys,
	uint32_t count, uint64_t *hits, void *data[]);
int __wrap_rte_hash_lookup_bulk_data(const struct rte_hash *table, const void **keys,
	uint32_t count, uint64_t *hits, void *data[]);

int __wrap_rte_hash_lookup_bulk_data(const struct rte_hash *table, const void **keys,
	uint32_t count, uint64_t *hits, void *data[])
{
	while (midst.searching && midst.step < WORLD_STEPS && below(&midst.seed, 6) == 0) {
		make_move(midst.history, midst.kit.spd, midst.step++);
		gw_reclaim_poll(midst.kit.reclaim);
		midst.changes++;
	}
	return __real_rte_hash_lookup_bulk_data(table, keys, count, hits, data);
}

static void search(struct gw_flow_cache *cache)
{
	const struct gw_policy *answers[WORLD_FLOWS];
	const unsigned int generation = midst.step + 1;
	int flow;

	midst.searching = true;
	midst.changes = 0;
	gw_spd_lookup(midst.kit.spd, cache, midst.history->pointers, WORLD_FLOWS, answers);
	midst.searching = false;
	flow = differs(midst.history, generation, answers);
	if (flow >= 0)
		ck_abort_msg("%u changes after generation %u flow %d is answered wrongly",
			midst.changes, generation, flow);
}

START_TEST(a_search_sees_the_moment_it_began)
{
	struct gw_flow_cache *cache = _i % 2 ? gw_flow_cache_new(64) : NULL;
	unsigned int disturbed = 0;

	midst.history = calloc(1, sizeof(*midst.history));
	midst.step = 0;
	midst.seed = (unsigned int)_i + 500;
	write_history(midst.history, (unsigned int)_i);
	spd_kit_open(&midst.kit, 500);
	rte_rcu_qsbr_thread_register(midst.kit.qsbr, 0);
	rte_rcu_qsbr_thread_online(midst.kit.qsbr, 0);
	// Something to search.
	while (midst.step < WORLD_POLICIES)
		make_move(midst.history, midst.kit.spd, midst.step++);
	while (midst.step < WORLD_STEPS) {
		search(cache);
		disturbed += midst.changes > 0;
		rte_rcu_qsbr_quiescent(midst.kit.qsbr, 0);
		gw_reclaim_poll(midst.kit.reclaim);
	}
	search(cache);
	ck_assert_uint_gt(disturbed, 10);
	rte_rcu_qsbr_thread_offline(midst.kit.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(midst.kit.qsbr, 0);
	spd_kit_close(&midst.kit);
	gw_flow_cache_free(cache);
	free(midst.history);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model_spd_midst");
	TCase *tcase = tcase_create("spd");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_search_sees_the_moment_it_began, 0, 12);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
