// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "route/fib.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "route/onlink.h"
#include "route/trie.h"
#include "run.h"

#define MAX_ROUTES   8
#define MAX_NEXTHOPS 16

struct bench {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_fib *fib;
};

static void bench_start(struct bench *bench)
{
	bench->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, 4096);
	ck_assert_uint_le(rte_rcu_qsbr_get_memsize(1), 4096);
	ck_assert_int_eq(rte_rcu_qsbr_init(bench->qsbr, 1), 0);
	bench->reclaim = gw_reclaim_new(bench->qsbr);
	bench->fib = gw_fib_new(MAX_ROUTES, MAX_NEXTHOPS, bench->reclaim, NULL);
	ck_assert_ptr_nonnull(bench->fib);
}

static void bench_stop(struct bench *bench)
{
	gw_fib_free(bench->fib);
	gw_reclaim_free(bench->reclaim);
	free(bench->qsbr);
}

// A worker that has not passed a quiescent state since.
static void worker_online(struct bench *bench)
{
	rte_rcu_qsbr_thread_register(bench->qsbr, 0);
	rte_rcu_qsbr_thread_online(bench->qsbr, 0);
}

static void worker_offline(struct bench *bench)
{
	rte_rcu_qsbr_thread_offline(bench->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(bench->qsbr, 0);
}

static struct gw_prefix prefix(const char *text)
{
	struct gw_prefix result = {};

	ck_assert_msg(gw_prefix_parse(text, true, &result), "%s", text);
	return result;
}

static struct gw_addr address(const char *text)
{
	struct gw_addr result = {};

	ck_assert_msg(gw_addr_parse(text, &result), "%s", text);
	return result;
}

static const struct gw_nexthop *lookup(const struct gw_fib *fib, const char *text)
{
	struct gw_addr addr = address(text);
	const uint8_t *bytes = addr.bytes;
	const struct gw_nexthop *nexthop = NULL;

	gw_fib_lookup(fib, addr.family, &bytes, 1, &nexthop);
	ck_assert_ptr_nonnull(nexthop);
	return nexthop;
}

static uint32_t slot_new(struct gw_fib *fib, enum gw_nexthop_kind kind, uint8_t port)
{
	const struct gw_nexthop nexthop = { .kind = (uint8_t)kind, .port = port };
	int slot = gw_fib_nexthop_allocate(fib);

	ck_assert_int_gt(slot, 0);
	gw_fib_nexthop_set(fib, (uint32_t)slot, &nexthop);
	return (uint32_t)slot;
}

struct step {
	enum { END, SET, CLEAR, EXPECT } what;
	const char *text; // prefix, or the address that is looked up
	uint8_t port;     // of the next hop; EXPECT: 0 means no route
};

static const struct {
	const char *name;
	struct step steps[16];
} sequences[] = {
	{
		.name = "no route in either family",
		.steps = { { EXPECT, "192.0.2.1", 0 }, { EXPECT, "2001:db8::1", 0 } },
	},
	{
		.name = "IPv4: longest prefix, whichever came first",
		.steps = {
			{ SET, "10.1.2.0/24", 3 }, { SET, "10.0.0.0/8", 1 },
			{ SET, "10.1.2.128/25", 4 }, { SET, "10.1.0.0/16", 2 },
			{ EXPECT, "10.2.0.0", 1 }, { EXPECT, "10.1.255.255", 2 },
			{ EXPECT, "10.1.2.127", 3 }, { EXPECT, "10.1.2.128", 4 },
			{ EXPECT, "10.1.3.0", 2 }, { EXPECT, "11.0.0.0", 0 },
			{ EXPECT, "9.255.255.255", 0 },
		},
	},
	{
		.name = "IPv4: a removed route gives way to the one that covers it",
		.steps = {
			{ SET, "0.0.0.0/0", 1 }, { SET, "10.1.2.3/32", 3 }, { SET, "10.1.2.0/24", 2 },
			{ EXPECT, "10.1.2.3", 3 }, { CLEAR, "10.1.2.3/32" },
			{ EXPECT, "10.1.2.3", 2 }, { CLEAR, "10.1.2.0/24" },
			{ EXPECT, "10.1.2.3", 1 }, { CLEAR, "0.0.0.0/0" },
			{ EXPECT, "10.1.2.3", 0 },
		},
	},
	{
		.name = "IPv4: a removed cover leaves what is longer",
		.steps = {
			{ SET, "10.0.0.0/8", 1 }, { SET, "10.128.0.0/9", 2 },
			{ CLEAR, "10.0.0.0/8" }, { EXPECT, "10.128.0.0", 2 },
			{ EXPECT, "10.127.0.0", 0 },
		},
	},
	{
		.name = "a route that is set again leads elsewhere",
		.steps = {
			{ SET, "10.0.0.0/8", 1 }, { SET, "10.0.0.0/8", 2 },
			{ EXPECT, "10.0.0.1", 2 }, { CLEAR, "10.0.0.0/8" },
			{ EXPECT, "10.0.0.1", 0 },
		},
	},
	{
		.name = "a longer route to the same next hop as its cover outlives it",
		.steps = {
			{ SET, "10.0.0.0/8", 1 }, { SET, "10.0.0.1/32", 1 },
			{ SET, "10.0.0.0/8", 2 }, { EXPECT, "10.0.0.1", 1 },
			{ EXPECT, "10.0.0.2", 2 }, { CLEAR, "10.0.0.1/32" },
			{ EXPECT, "10.0.0.1", 2 },
		},
	},
	{
		.name = "IPv6: longest prefix at every level",
		.steps = {
			{ SET, "::/0", 1 }, { SET, "2001:db8::/32", 2 },
			{ SET, "2001:db8:0:1::/64", 3 }, { SET, "2001:db8:0:1::5/128", 4 },
			{ SET, "2001:db8:0:1::4/127", 5 }, { EXPECT, "2001:db8:0:1::5", 4 },
			{ EXPECT, "2001:db8:0:1::4", 5 }, { EXPECT, "2001:db8:0:1::6", 3 },
			{ EXPECT, "2001:db8:0:2::5", 2 }, { EXPECT, "2001:db9::", 1 },
			{ CLEAR, "2001:db8:0:1::5/128" }, { EXPECT, "2001:db8:0:1::5", 5 },
			{ CLEAR, "2001:db8:0:1::/64" }, { EXPECT, "2001:db8:0:1::6", 2 },
			{ EXPECT, "2001:db8:0:1::5", 5 },
		},
	},
	{
		.name = "the families are apart",
		.steps = { { SET, "0.0.0.0/0", 1 }, { EXPECT, "::", 0 },
			{ EXPECT, "255.255.255.255", 1 } },
	},
};

START_TEST(longest_prefix)
{
	struct bench bench;
	uint32_t slots[6];

	bench_start(&bench);
	for (uint8_t port = 1; port < 6; port++)
		slots[port] = slot_new(bench.fib, GW_NEXTHOP_FORWARD, port);
	for (const struct step *step = sequences[_i].steps; step->what != END; step++) {
		struct gw_prefix to;

		if (step->what == EXPECT) {
			const struct gw_nexthop *nexthop = lookup(bench.fib, step->text);

			ck_assert_msg(nexthop->port == step->port &&
					      (nexthop->kind == GW_NEXTHOP_NONE) == !step->port,
				"%s: %s leads to port %u", sequences[_i].name, step->text,
				nexthop->port);
			continue;
		}
		to = prefix(step->text);
		ck_assert_int_eq(step->what == SET
					 ? gw_fib_route_set(bench.fib, &to, slots[step->port])
					 : gw_fib_route_clear(bench.fib, &to),
			0);
	}
	bench_stop(&bench);
}
END_TEST

START_TEST(limit_refuses_and_changes_nothing)
{
	struct gw_prefix extra = prefix("10.9.0.0/24"), unknown = prefix("10.9.9.0/24");
	struct bench bench;
	uint32_t slot;

	bench_start(&bench);
	slot = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 1);
	for (unsigned int i = 0; i < MAX_ROUTES; i++) {
		struct gw_prefix to = prefix("10.0.0.0/24");

		to.addr.bytes[2] = (uint8_t)i;
		ck_assert_int_eq(gw_fib_route_set(bench.fib, &to, slot), 0);
	}
	ck_assert_int_eq(gw_fib_route_set(bench.fib, &extra, slot), -ENOSPC);
	ck_assert_int_eq(gw_fib_route_prepare(bench.fib, &extra), -ENOSPC);
	ck_assert_int_eq(lookup(bench.fib, "10.9.0.1")->kind, GW_NEXTHOP_NONE);
	ck_assert_int_eq(lookup(bench.fib, "10.0.7.1")->kind, GW_NEXTHOP_FORWARD);
	ck_assert_int_eq(gw_fib_route_clear(bench.fib, &unknown), -ENOENT);
	bench_stop(&bench);
}
END_TEST

START_TEST(prepare_changes_no_answer_and_holds_room)
{
	struct gw_prefix deep = prefix("2001:db8::1/128"), cover = prefix("2001:db8::/32");
	struct bench bench;
	struct gw_trie *trie;
	uint64_t empty;
	const uint8_t *bytes = deep.addr.bytes;
	uint32_t value;

	bench_start(&bench);
	trie = gw_trie_new(6, 2, bench.reclaim);
	empty = gw_trie_bytes(trie);
	ck_assert_int_eq(gw_trie_set(trie, &cover, 7), 0);
	ck_assert_int_eq(gw_trie_prepare(trie, &deep), 0);
	ck_assert_uint_gt(gw_trie_bytes(trie), empty);
	gw_trie_lookup(trie, &bytes, 1, &value);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(gw_trie_set(trie, &deep, 9), 0);
	gw_trie_lookup(trie, &bytes, 1, &value);
	ck_assert_uint_eq(value, 9);
	ck_assert_int_eq(gw_trie_clear(trie, &deep), 0);
	gw_trie_lookup(trie, &bytes, 1, &value);
	ck_assert_uint_eq(value, 7);
	gw_trie_unprepare(trie, &deep);
	ck_assert_int_eq(gw_trie_clear(trie, &cover), 0);
	ck_assert_uint_eq(gw_trie_bytes(trie), empty);
	gw_trie_lookup(trie, &bytes, 1, &value);
	ck_assert_uint_eq(value, 0);
	gw_trie_free(trie);
	bench_stop(&bench);
}
END_TEST

START_TEST(slots_run_out_and_come_back)
{
	struct bench bench;
	uint32_t slot = 0;

	bench_start(&bench);
	for (unsigned int i = 0; i < MAX_NEXTHOPS; i++)
		slot = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 1);
	ck_assert_int_eq(gw_fib_nexthop_allocate(bench.fib), -ENOSPC);
	gw_fib_nexthop_release(bench.fib, slot);
	ck_assert_int_eq(gw_fib_nexthop_allocate(bench.fib), (int)slot);
	ck_assert_int_eq(gw_fib_nexthop_get(bench.fib, slot)->kind, GW_NEXTHOP_NONE);
	bench_stop(&bench);
}
END_TEST

START_TEST(nothing_is_reused_before_the_grace_period_ends)
{
	struct gw_nexthop second = { .kind = GW_NEXTHOP_FORWARD, .port = 2 };
	struct gw_prefix to = prefix("10.0.0.0/8");
	const struct gw_nexthop *held;
	struct bench bench;
	uint32_t slot;

	bench_start(&bench);
	slot = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 1);
	gw_fib_route_set(bench.fib, &to, slot);
	worker_online(&bench);
	held = lookup(bench.fib, "10.0.0.1");
	gw_fib_nexthop_set(bench.fib, slot, &second);
	ck_assert_int_eq(lookup(bench.fib, "10.0.0.1")->port, 2);
	gw_fib_route_clear(bench.fib, &to);
	gw_fib_nexthop_release(bench.fib, slot);
	for (unsigned int i = 1; i < MAX_NEXTHOPS; i++) {
		gw_reclaim_poll(bench.reclaim);
		ck_assert_uint_ne(slot_new(bench.fib, GW_NEXTHOP_BLACKHOLE, 3), slot);
	}
	ck_assert_int_eq(held->port, 1);
	ck_assert_int_eq(gw_fib_nexthop_get(bench.fib, slot)->port, 2);
	rte_rcu_qsbr_quiescent(bench.qsbr, 0);
	ck_assert_int_eq(gw_fib_nexthop_allocate(bench.fib), (int)slot);
	worker_offline(&bench);
	bench_stop(&bench);
}
END_TEST

START_TEST(neighbours_stand_behind_on_link_routes_alone)
{
	const struct gw_nexthop known = { .kind = GW_NEXTHOP_FORWARD, .port = 1, .mac = { 2 } };
	struct gw_prefix connected = prefix("10.0.0.0/24"), routed = prefix("10.0.0.128/25");
	struct gw_addr near = address("10.0.0.5"), far = address("10.0.0.200");
	uint32_t resolve, through, slot;
	struct bench bench;

	bench_start(&bench);
	resolve = slot_new(bench.fib, GW_NEXTHOP_RESOLVE, 1);
	through = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 2);
	slot = slot_new(bench.fib, GW_NEXTHOP_RESOLVE, 1);
	gw_fib_nexthop_set(bench.fib, slot, &known);
	ck_assert_int_eq(gw_fib_neighbour_add(bench.fib, 1, &near, slot), 0);
	ck_assert_int_eq(gw_fib_neighbour_add(bench.fib, 1, &far, slot), 0);
	ck_assert_int_eq(gw_fib_neighbour_add(bench.fib, 2, &near, through), 0);
	ck_assert_int_eq(lookup(bench.fib, "10.0.0.5")->kind, GW_NEXTHOP_NONE);
	gw_fib_route_set(bench.fib, &connected, resolve);
	gw_fib_route_set(bench.fib, &routed, through);
	ck_assert_uint_eq(lookup(bench.fib, "10.0.0.5")->index, slot);
	ck_assert_uint_eq(lookup(bench.fib, "10.0.0.6")->index, resolve);
	// Claimed on port 1 by whoever, but routed through port 2.
	ck_assert_uint_eq(lookup(bench.fib, "10.0.0.200")->index, through);
	gw_fib_neighbour_remove(bench.fib, 1, &near);
	ck_assert_uint_eq(lookup(bench.fib, "10.0.0.5")->index, resolve);
	bench_stop(&bench);
}
END_TEST

// One address on more ports than there are buckets, so that they meet in chains.
START_TEST(neighbours_are_told_apart_by_port)
{
	struct gw_addr addr = address("fe80::1");
	struct gw_onlink *onlink;
	struct bench bench;

	bench_start(&bench);
	onlink = gw_onlink_new(1, bench.reclaim);
	for (unsigned int port = 0; port < 200; port++)
		ck_assert_int_eq(gw_onlink_add(onlink, (uint8_t)port, &addr, port + 1), 0);
	for (unsigned int port = 0; port < 200; port += 3)
		gw_onlink_remove(onlink, (uint8_t)port, &addr);
	for (unsigned int port = 0; port < 256; port++)
		ck_assert_uint_eq(gw_onlink_find(onlink, (uint8_t)port, 6, addr.bytes),
			port < 200 && port % 3 ? port + 1 : 0);
	ck_assert_uint_eq(gw_onlink_find(onlink, 1, 4, addr.bytes), 0);
	gw_onlink_free(onlink);
	bench_stop(&bench);
}
END_TEST

START_TEST(use_is_marked_and_cleared)
{
	struct gw_prefix to = prefix("::/0");
	struct bench bench;
	uint32_t slot;

	bench_start(&bench);
	slot = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 1);
	gw_fib_route_set(bench.fib, &to, slot);
	ck_assert(!gw_fib_nexthop_was_used(bench.fib, slot));
	atomic_store(lookup(bench.fib, "2001:db8::1")->used, 1);
	ck_assert(gw_fib_nexthop_was_used(bench.fib, slot));
	ck_assert(!gw_fib_nexthop_was_used(bench.fib, slot));
	bench_stop(&bench);
}
END_TEST

START_TEST(bulk_lookup_keeps_order)
{
	struct gw_prefix to = prefix("10.0.0.0/24");
	const struct gw_nexthop *nexthops[256];
	const uint8_t *addresses[256];
	uint8_t bytes[256][4];
	struct bench bench;
	uint32_t slots[2];

	bench_start(&bench);
	slots[0] = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 1);
	slots[1] = slot_new(bench.fib, GW_NEXTHOP_FORWARD, 2);
	gw_fib_route_set(bench.fib, &to, slots[0]);
	to.addr.bytes[2] = 1;
	gw_fib_route_set(bench.fib, &to, slots[1]);
	for (unsigned int i = 0; i < 256; i++) {
		memcpy(bytes[i], (uint8_t[]){ 10, 0, (uint8_t)(i % 3), (uint8_t)i }, 4);
		addresses[i] = bytes[i];
	}
	gw_fib_lookup(bench.fib, 4, addresses, 256, nexthops);
	for (unsigned int i = 0; i < 256; i++)
		ck_assert_uint_eq(nexthops[i]->index, i % 3 == 2 ? 0 : slots[i % 3]);
	bench_stop(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route_fib");
	TCase *tcase = tcase_create("fib");

	tcase_add_loop_test(tcase, longest_prefix, 0, sizeof(sequences) / sizeof(sequences[0]));
	tcase_add_test(tcase, limit_refuses_and_changes_nothing);
	tcase_add_test(tcase, prepare_changes_no_answer_and_holds_room);
	tcase_add_test(tcase, slots_run_out_and_come_back);
	tcase_add_test(tcase, nothing_is_reused_before_the_grace_period_ends);
	tcase_add_test(tcase, neighbours_stand_behind_on_link_routes_alone);
	tcase_add_test(tcase, neighbours_are_told_apart_by_port);
	tcase_add_test(tcase, use_is_marked_and_cleared);
	tcase_add_test(tcase, bulk_lookup_keeps_order);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
