// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spd.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec/spd_table.h"
#include "run.h"
#include "spd_world.h"

// --- one thread

#define POLICIES 60
#define FLOWS    200

struct world {
	struct gw_policy policies[POLICIES];
	struct gw_policy *present[POLICIES];
	unsigned int present_count;
	struct gw_flow flows[FLOWS];
	const struct gw_flow *pointers[FLOWS];
	const struct gw_policy *expected[FLOWS];
};

static void judge(struct world *world)
{
	unsigned int decided = 0;

	for (unsigned int i = 0; i < FLOWS; i++) {
		world->expected[i] =
			model_look_up(world->present, world->present_count, &world->flows[i]);
		decided += world->expected[i] != NULL;
	}
	// A world in which nothing is decided, or everything, would prove little.
	if (world->present_count == POLICIES / 2)
		ck_assert(decided > 0 && decided < FLOWS);
}

static void compare(const struct world *world, const struct gw_spd *spd,
	struct gw_flow_cache *cache, unsigned int change)
{
	const struct gw_policy *answers[FLOWS];

	gw_spd_lookup(spd, cache, world->pointers, FLOWS, answers);
	for (unsigned int i = 0; i < FLOWS; i++)
		if (answers[i] != world->expected[i])
			ck_abort_msg("change %u, flow %u: priority %d, not %d", change, i,
				answers[i] ? (int)answers[i]->priority : -1,
				world->expected[i] ? (int)world->expected[i]->priority : -1);
}

static void change_world(
	struct world *world, struct gw_spd *spd, unsigned int *seed, uint32_t order)
{
	struct gw_policy *policy = NULL;
	unsigned int place = below(seed, POLICIES);

	if (place < world->present_count) {
		policy = world->present[place];
		world->present[place] = world->present[--world->present_count];
		gw_spd_remove(spd, policy);
		return;
	}
	for (unsigned int i = 0; i < POLICIES && !policy; i++) {
		policy = &world->policies[i];
		for (unsigned int p = 0; p < world->present_count && policy; p++)
			if (world->present[p] == policy)
				policy = NULL;
	}
	any_policy(seed, order, policy);
	ck_assert_int_eq(gw_spd_insert(spd, policy), 0);
	world->present[world->present_count++] = policy;
}

// conformance: G3
START_TEST(one_thread_agrees_with_the_model)
{
	struct world *world = calloc(1, sizeof(*world));
	struct gw_flow_cache *cache = gw_flow_cache_new(128);
	unsigned int seed = (unsigned int)_i;
	struct spd_kit kit;

	spd_kit_open(&kit, 1000);
	for (unsigned int i = 0; i < FLOWS; i++) {
		world->flows[i] = any_flow(&seed);
		world->pointers[i] = &world->flows[i];
	}
	for (unsigned int change = 0; change < 300; change++) {
		change_world(world, kit.spd, &seed, change);
		// Sometimes what was removed is still linked, sometimes not.
		if (below(&seed, 3) == 0)
			gw_reclaim_poll(kit.reclaim);
		judge(world);
		compare(world, kit.spd, NULL, change);
		compare(world, kit.spd, cache, change);
		compare(world, kit.spd, cache, change);
	}
	spd_kit_close(&kit);
	gw_flow_cache_free(cache);
	free(world);
}
END_TEST

// --- several threads

#define READERS 3

struct arena {
	struct history history;
	struct spd_kit kit;
	pthread_barrier_t begin;
	_Atomic bool stop;
};

struct reader {
	pthread_t thread;
	struct arena *arena;
	unsigned int id;
	bool cached;
	_Atomic unsigned int looked_up; // vectors
	_Atomic int wrong;              // a flow answered as in no generation, or -1
};

// A flow that is answered as in none of the generations from first to last, or -1 when one of them
// answers the whole vector so.
static int differs_from_all(const struct history *history, uint64_t first, uint64_t last,
	const struct gw_policy *const *answers)
{
	int flow = -1;

	for (uint64_t generation = first; generation <= last; generation++) {
		flow = differs(history, generation, answers);
		if (flow < 0)
			break;
	}
	return flow;
}

static void *read_on(void *argument)
{
	struct reader *reader = argument;
	struct arena *arena = reader->arena;
	const struct history *history = &arena->history;
	const struct gw_spd *spd = arena->kit.spd;
	struct gw_flow_cache *cache = reader->cached ? gw_flow_cache_new(256) : NULL;
	const struct gw_policy *answers[WORLD_FLOWS];

	rte_rcu_qsbr_thread_register(arena->kit.qsbr, reader->id);
	rte_rcu_qsbr_thread_online(arena->kit.qsbr, reader->id);
	pthread_barrier_wait(&arena->begin);
	while (!atomic_load(&arena->stop) && atomic_load(&reader->wrong) < 0) {
		uint64_t before = atomic_load(&spd->generation);

		gw_spd_lookup(spd, cache, history->pointers, WORLD_FLOWS, answers);
		atomic_store(&reader->wrong,
			differs_from_all(history, before, atomic_load(&spd->generation), answers));
		atomic_fetch_add(&reader->looked_up, 1);
		rte_rcu_qsbr_quiescent(arena->kit.qsbr, reader->id);
	}
	rte_rcu_qsbr_thread_offline(arena->kit.qsbr, reader->id);
	rte_rcu_qsbr_thread_unregister(arena->kit.qsbr, reader->id);
	gw_flow_cache_free(cache);
	return NULL;
}

// Waits until a reader begins another look-up: the changes that follow come in the middle of it.
// False when a reader has found something wrong.
static bool await_reader(const struct reader *readers)
{
	unsigned int before = 0, now;

	for (unsigned int i = 0; i < READERS; i++)
		before += atomic_load(&readers[i].looked_up);
	do {
		sched_yield();
		now = 0;
		for (unsigned int i = 0; i < READERS; i++) {
			if (atomic_load(&readers[i].wrong) >= 0)
				return false;
			now += atomic_load(&readers[i].looked_up);
		}
	} while (now == before);
	return true;
}

START_TEST(readers_see_one_generation_at_a_time)
{
	struct arena *arena = calloc(1, sizeof(*arena));
	struct reader readers[READERS];

	write_history(&arena->history, (unsigned int)_i + 77);
	spd_kit_open(&arena->kit, 500);
	pthread_barrier_init(&arena->begin, NULL, READERS + 1);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] =
			(struct reader){ .arena = arena, .id = i, .cached = i == 0, .wrong = -1 };
		ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	pthread_barrier_wait(&arena->begin);
	for (unsigned int step = 0; step < WORLD_STEPS; step++) {
		make_move(&arena->history, arena->kit.spd, step);
		gw_reclaim_poll(arena->kit.reclaim);
		if (step % 8 == 0 && !await_reader(readers))
			break;
	}
	atomic_store(&arena->stop, true);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		ck_assert_msg(readers[i].wrong < 0, "reader %u%s: flow %d is answered as never", i,
			readers[i].cached ? " with a cache" : "", readers[i].wrong);
	}
	pthread_barrier_destroy(&arena->begin);
	spd_kit_close(&arena->kit);
	free(arena);
}
END_TEST

// --- what packets hide

static bool model_may_hide(struct gw_policy *const *present, unsigned int count,
	const struct gw_flow *flow, unsigned int hidden, const struct gw_policy *found)
{
	const struct gw_port_range any = { 0, UINT16_MAX };

	for (unsigned int i = 0; i < count; i++) {
		struct gw_selector shown = present[i]->selector;
		bool ports = !gw_port_range_takes_opaque(&shown.source_port) ||
			     !gw_port_range_takes_opaque(&shown.destination_port);
		bool protocol = shown.protocol != GW_PROTOCOL_ANY;

		if (present[i]->action == GW_ACTION_BYPASS || !is_better(present[i], found) ||
			!((ports && hidden & GW_SPD_HIDES_PORTS) ||
				(protocol && hidden & GW_SPD_HIDES_PROTOCOL)))
			continue;
		if (hidden & GW_SPD_HIDES_PROTOCOL)
			shown.protocol = GW_PROTOCOL_ANY;
		if (hidden & GW_SPD_HIDES_PORTS)
			shown.source_port = shown.destination_port = any;
		if (gw_selector_matches(&shown, flow))
			return true;
	}
	return false;
}

// conformance: G7, G9
START_TEST(what_is_hidden_agrees_with_the_model)
{
	unsigned int seed = 4711 + (unsigned int)_i, yes = 0, no = 0;
	struct gw_policy policies[WORLD_POLICIES], *present[WORLD_POLICIES];
	struct spd_kit kit;

	spd_kit_open(&kit, 500);
	for (unsigned int i = 0; i < WORLD_POLICIES; i++) {
		any_policy(&seed, i, &policies[i]);
		policies[i].action = (uint8_t)below(&seed, 3);
	}
	for (unsigned int step = 0; step < WORLD_STEPS; step++) {
		struct gw_policy *moved = &policies[below(&seed, WORLD_POLICIES)];
		unsigned int count = 0;

		if (moved->claim)
			gw_spd_remove(kit.spd, moved);
		else
			ck_assert_int_eq(gw_spd_insert(kit.spd, moved), 0);
		gw_reclaim_poll(kit.reclaim);
		for (unsigned int i = 0; i < WORLD_POLICIES; i++)
			if (policies[i].claim)
				present[count++] = &policies[i];
		for (unsigned int i = 0; i < 20; i++) {
			struct gw_flow flow = any_flow(&seed);
			unsigned int hidden = gw_flow_hides(&flow, below(&seed, 3) == 0);
			const struct gw_policy *found = look_up_one(kit.spd, NULL, &flow);
			bool answer;

			if (!found || gw_selector_means_opaque(&found->selector))
				continue;
			answer = gw_spd_may_hide(kit.spd, &flow, hidden, found);
			ck_assert_int_eq(
				answer, model_may_hide(present, count, &flow, hidden, found));
			yes += answer;
			no += !answer && hidden;
		}
	}
	ck_assert_uint_gt(yes, 100);
	ck_assert_uint_gt(no, 100);
	spd_kit_close(&kit);
}
END_TEST

// More policies than the list takes: those behind it count as matching.
START_TEST(very_many_that_look_are_taken_for_a_match)
{
	struct gw_flow flow = tcp_flow("10.0.0.1", "192.0.2.1", 0, 0);
	struct gw_policy policies[200], middle, last;
	struct spd_kit kit;

	flow.ports_known = 0;
	spd_kit_open(&kit, 500);
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		policy_from(&(struct policy_words){ "10.9.0.0/16", NULL, IPPROTO_TCP,
				    .destination_port = { 80, 80 }, .priority = i },
			i, &policies[i]);
		ck_assert_int_eq(gw_spd_insert(kit.spd, &policies[i]), 0);
	}
	policy_from(&(struct policy_words){ "10.0.0.0/16", NULL, .priority = 10 }, 1000, &middle);
	policy_from(&(struct policy_words){ "10.0.0.0/16", NULL, .priority = 1000 }, 1000, &last);
	ck_assert(!gw_spd_may_hide(kit.spd, &flow, GW_SPD_HIDES_PORTS, &middle));
	ck_assert(gw_spd_may_hide(kit.spd, &flow, GW_SPD_HIDES_PORTS, &last));
	for (unsigned int i = 0; i < RTE_DIM(policies) - 10; i++)
		gw_spd_remove(kit.spd, &policies[i]);
	gw_reclaim_poll(kit.reclaim);
	ck_assert(!gw_spd_may_hide(kit.spd, &flow, GW_SPD_HIDES_PORTS, &last));
	spd_kit_close(&kit);
}
END_TEST

// So many that only the first are listed: what is asked for is within them or behind them.
#define LISTED  64
#define LOOKERS 250u

static bool model_may_hide_in_list(struct gw_policy *const *sorted, unsigned int count,
	const struct gw_flow *flow, const struct gw_policy *found)
{
	if (count > LISTED && is_better(sorted[LISTED - 1], found))
		return true;
	return model_may_hide(
		sorted, RTE_MIN(count, (unsigned int)LISTED), flow, GW_SPD_HIDES_PORTS, found);
}

static void insert_sorted(struct gw_policy **sorted, unsigned int count, struct gw_policy *policy)
{
	for (; count > 0 && is_better(policy, sorted[count - 1]); count--)
		sorted[count] = sorted[count - 1];
	sorted[count] = policy;
}

// Numbers as they come and go round the size of the list, and far beyond it.
START_TEST(those_that_look_are_listed_by_precedence)
{
	unsigned int seed = 815 + (unsigned int)_i, yes = 0, no = 0;
	struct gw_policy policies[LOOKERS], *sorted[LOOKERS], found;
	struct spd_kit kit;

	spd_kit_open(&kit, 500);
	for (unsigned int i = 0; i < LOOKERS; i++) {
		char source[32];

		snprintf(source, sizeof(source), "10.9.%u.0/24", below(&seed, 20));
		policy_from(&(struct policy_words){ source, NULL, IPPROTO_TCP,
				    .destination_port = { 80, 80 }, .priority = below(&seed, 100) },
			i, &policies[i]);
	}
	policy_from(&(struct policy_words){ .source = "10.0.0.0/8", .protocol = GW_PROTOCOL_ANY },
		1000, &found);
	for (unsigned int step = 0; step < 2000; step++) {
		unsigned int most = step / 250 % 2 ? LOOKERS : 2 * LISTED, count = 0;
		struct gw_policy *moved = &policies[below(&seed, most)];

		if (moved->claim)
			gw_spd_remove(kit.spd, moved);
		else
			ck_assert_int_eq(gw_spd_insert(kit.spd, moved), 0);
		gw_reclaim_poll(kit.reclaim);
		for (unsigned int i = 0; i < LOOKERS; i++)
			if (policies[i].claim)
				insert_sorted(sorted, count++, &policies[i]);
		for (unsigned int i = 0; i < 5; i++) {
			char source[32];
			struct gw_flow flow;
			bool answer;

			snprintf(source, sizeof(source), "10.9.%u.1", below(&seed, 40));
			flow = tcp_flow(source, "192.0.2.1", 0, 0);
			flow.ports_known = 0;
			found.priority = below(&seed, 110);
			answer = gw_spd_may_hide(kit.spd, &flow, GW_SPD_HIDES_PORTS, &found);
			ck_assert_int_eq(
				answer, model_may_hide_in_list(sorted, count, &flow, &found));
			yes += answer;
			no += !answer;
		}
	}
	ck_assert_uint_gt(yes, 1000);
	ck_assert_uint_gt(no, 1000);
	spd_kit_close(&kit);
}
END_TEST

// --- many policies

#define MANY 100000u

static struct gw_addr nth_address(uint32_t n)
{
	struct gw_addr addr = { .family = 4,
		.bytes = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };

	return addr;
}

static void nth_policy(uint32_t n, struct gw_policy *policy)
{
	*policy = (struct gw_policy){ .priority = n % 7, .order = n };
	policy->selector.source.first = nth_address(n);
	policy->selector.source.last = nth_address(n);
	range_from(NULL, NULL, &policy->selector.destination);
	policy->selector.source_port = (struct gw_port_range){ 0, UINT16_MAX };
	policy->selector.destination_port = (struct gw_port_range){ 0, UINT16_MAX };
}

static void expect_nth(const struct gw_spd *spd, uint32_t n, const struct gw_policy *policy)
{
	struct gw_flow flow = tcp_flow("10.0.0.0", "192.0.2.1", 1, 2);

	memcpy(flow.source, nth_address(n).bytes, sizeof(flow.source));
	if (look_up_one(spd, NULL, &flow) != policy)
		ck_abort_msg("policy %u", n);
}

START_TEST(a_hundred_thousand_policies)
{
	struct gw_policy *policies = calloc(MANY, sizeof(*policies)), rest;
	struct spd_kit kit;

	spd_kit_open(&kit, MANY + 1);
	policy_from(&(struct policy_words){ "10.0.0.0/8", NULL, .priority = 100 }, MANY, &rest);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &rest), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		nth_policy(i, &policies[i]);
		if (gw_spd_insert(kit.spd, &policies[i]) != 0)
			ck_abort_msg("no room for policy %u", i);
	}
	for (uint32_t i = 0; i < MANY; i++)
		expect_nth(kit.spd, i, &policies[i]);
	expect_nth(kit.spd, MANY, &rest);
	for (uint32_t i = 0; i < MANY; i += 2)
		gw_spd_remove(kit.spd, &policies[i]);
	gw_reclaim_poll(kit.reclaim);
	for (uint32_t i = 0; i < MANY; i++)
		expect_nth(kit.spd, i, i % 2 ? &policies[i] : &rest);
	for (uint32_t i = 0; i < MANY; i += 2)
		if (gw_spd_insert(kit.spd, &policies[i]) != 0)
			ck_abort_msg("no room for policy %u", i);
	for (uint32_t i = 0; i < MANY; i++)
		expect_nth(kit.spd, i, &policies[i]);
	spd_kit_close(&kit);
	free(policies);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model_spd");
	TCase *tcase = tcase_create("spd");

	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, one_thread_agrees_with_the_model, 0, 5);
	tcase_add_loop_test(tcase, readers_see_one_generation_at_a_time, 0, 2);
	tcase_add_loop_test(tcase, what_is_hidden_agrees_with_the_model, 0, 2);
	tcase_add_test(tcase, very_many_that_look_are_taken_for_a_match);
	tcase_add_loop_test(tcase, those_that_look_are_listed_by_precedence, 0, 4);
	tcase_add_test(tcase, a_hundred_thousand_policies);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
