// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "route/local.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "run.h"
#include "stats/counters.h"

struct bench {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_local *local;
};

static void bench_start(struct bench *bench)
{
	bench->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, 4096);
	ck_assert_int_eq(rte_rcu_qsbr_init(bench->qsbr, 1), 0);
	bench->reclaim = gw_reclaim_new(bench->qsbr);
	bench->local = gw_local_new(bench->reclaim);
	ck_assert_ptr_nonnull(bench->local);
}

static void bench_stop(struct bench *bench)
{
	gw_local_free(bench->local);
	gw_reclaim_free(bench->reclaim);
	free(bench->qsbr);
}

static struct gw_addr address(const char *text)
{
	struct gw_addr result = {};

	ck_assert_msg(gw_addr_parse(text, &result), "%s", text);
	return result;
}

static bool contains(const struct bench *bench, const char *text)
{
	struct gw_addr addr = address(text);

	return gw_local_contains(bench->local, addr.family, addr.bytes);
}

START_TEST(membership_is_counted)
{
	struct gw_addr addr = address("192.0.2.1");
	struct bench bench;

	bench_start(&bench);
	ck_assert(!contains(&bench, "192.0.2.1"));
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	gw_local_remove(bench.local, &addr);
	ck_assert(contains(&bench, "192.0.2.1"));
	gw_local_remove(bench.local, &addr);
	ck_assert(!contains(&bench, "192.0.2.1"));
	gw_local_remove(bench.local, &addr);
	ck_assert(!contains(&bench, "192.0.2.1"));
	bench_stop(&bench);
}
END_TEST

START_TEST(families_are_apart)
{
	struct gw_addr addr = address("192.0.2.1");
	struct bench bench;

	bench_start(&bench);
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	ck_assert(!contains(&bench, "c000:201::"));
	addr = address("2001:db8::1");
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	ck_assert(contains(&bench, "2001:db8::1"));
	ck_assert(!contains(&bench, "2001:db8::2"));
	ck_assert(!contains(&bench, "32.1.13.184"));
	bench_stop(&bench);
}
END_TEST

// More than there are buckets, so that chains are walked, and removed from their middle.
START_TEST(many_addresses)
{
	struct gw_addr addr = address("10.0.0.0");
	struct bench bench;

	bench_start(&bench);
	for (unsigned int i = 0; i < 2000; i++) {
		addr.bytes[2] = (uint8_t)(i >> 8);
		addr.bytes[3] = (uint8_t)i;
		ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	}
	for (unsigned int i = 0; i < 2000; i += 3) {
		addr.bytes[2] = (uint8_t)(i >> 8);
		addr.bytes[3] = (uint8_t)i;
		gw_local_remove(bench.local, &addr);
	}
	for (unsigned int i = 0; i < 2100; i++) {
		addr.bytes[2] = (uint8_t)(i >> 8);
		addr.bytes[3] = (uint8_t)i;
		ck_assert(
			gw_local_contains(bench.local, 4, addr.bytes) == (i < 2000 && i % 3 != 0));
	}
	bench_stop(&bench);
}
END_TEST

START_TEST(reserve_keeps_room_for_each)
{
	struct gw_addr one = address("192.0.2.1"), two = address("192.0.2.2");
	struct bench bench;

	bench_start(&bench);
	ck_assert_int_eq(gw_local_reserve(bench.local), 0);
	ck_assert_int_eq(gw_local_reserve(bench.local), 0);
	ck_assert_int_eq(gw_local_add(bench.local, &one), 0);
	gw_local_unreserve(bench.local);
	ck_assert_int_eq(gw_local_add(bench.local, &two), 0);
	gw_local_unreserve(bench.local);
	ck_assert(contains(&bench, "192.0.2.1") && contains(&bench, "192.0.2.2"));
	bench_stop(&bench);
}
END_TEST

static const struct {
	const char *addresses[4]; // in the order of their addition
	const char *source[2];    // IPv4, IPv6; NULL: none
} ports[] = {
	{ {}, { NULL, NULL } },
	{ { "192.0.2.1", "192.0.2.2" }, { "192.0.2.1", NULL } },
	{ { "fe80::1" }, { NULL, "fe80::1" } },
	{ { "fe80::1", "2001:db8::1", "2001:db8::2" }, { NULL, "2001:db8::1" } },
	{ { "2001:db8::2", "fe80::1", "198.51.100.1" }, { "198.51.100.1", "2001:db8::2" } },
};

START_TEST(source_of_a_port)
{
	struct gw_addr addrs[4], source;
	unsigned int count = 0;
	struct bench bench;

	bench_start(&bench);
	while (count < 4 && ports[_i].addresses[count]) {
		addrs[count] = address(ports[_i].addresses[count]);
		ck_assert_int_eq(gw_local_add(bench.local, &addrs[count]), 0);
		count++;
	}
	ck_assert_int_eq(gw_local_set_source(bench.local, 5, addrs, count), 0);
	for (unsigned int i = 0; i < 2; i++) {
		const char *expected = ports[_i].source[i];

		ck_assert(gw_local_source(bench.local, 5, i ? 6 : 4, &source) == !!expected);
		if (expected) {
			struct gw_addr wanted = address(expected);

			ck_assert(gw_addr_equal(&source, &wanted));
		}
		ck_assert(!gw_local_source(bench.local, 4, i ? 6 : 4, &source));
	}
	bench_stop(&bench);
}
END_TEST

START_TEST(source_goes_with_its_address)
{
	struct gw_addr addr = address("192.0.2.1"), other = address("192.0.2.9"), source;
	struct bench bench;

	bench_start(&bench);
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	ck_assert_int_eq(gw_local_set_source(bench.local, 1, &addr, 1), 0);
	ck_assert_int_eq(gw_local_set_source(bench.local, 1, &other, 1), -ENOENT);
	ck_assert_int_eq(gw_local_set_source(bench.local, GW_MAX_LINKS, &addr, 1), -EINVAL);
	ck_assert(!gw_local_source(bench.local, GW_MAX_LINKS, 4, &source));
	ck_assert(gw_local_source(bench.local, 1, 4, &source));
	gw_local_remove(bench.local, &addr);
	ck_assert(!gw_local_source(bench.local, 1, 4, &source));
	bench_stop(&bench);
}
END_TEST

START_TEST(removal_waits_for_the_workers)
{
	struct gw_addr addr = address("192.0.2.1");
	struct bench bench;

	bench_start(&bench);
	ck_assert_int_eq(gw_local_add(bench.local, &addr), 0);
	rte_rcu_qsbr_thread_register(bench.qsbr, 0);
	rte_rcu_qsbr_thread_online(bench.qsbr, 0);
	gw_local_remove(bench.local, &addr);
	ck_assert(!contains(&bench, "192.0.2.1"));
	ck_assert_uint_eq(gw_reclaim_poll(bench.reclaim), 1);
	rte_rcu_qsbr_quiescent(bench.qsbr, 0);
	ck_assert_uint_eq(gw_reclaim_poll(bench.reclaim), 0);
	rte_rcu_qsbr_thread_offline(bench.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(bench.qsbr, 0);
	bench_stop(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route_local");
	TCase *tcase = tcase_create("local");

	tcase_add_test(tcase, membership_is_counted);
	tcase_add_test(tcase, families_are_apart);
	tcase_add_test(tcase, many_addresses);
	tcase_add_test(tcase, reserve_keeps_room_for_each);
	tcase_add_loop_test(tcase, source_of_a_port, 0, sizeof(ports) / sizeof(ports[0]));
	tcase_add_test(tcase, source_goes_with_its_address);
	tcase_add_test(tcase, removal_waits_for_the_workers);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
