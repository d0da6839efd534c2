// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "route/hold.h"

#include <stdlib.h>

#include <rte_mbuf.h>

#include "run.h"

#define EACH       3
#define NEIGHBOURS 2

static struct rte_mempool *pool;

// What came out of the queues; packets are told apart by their length.
struct trace {
	unsigned int lengths[16];
	unsigned int count;
	unsigned int asked;
	uint8_t asked_port;
	struct gw_addr asked_addr;
};

static void take(void *ctx, struct rte_mbuf *packet)
{
	struct trace *trace = ctx;

	trace->lengths[trace->count++] = rte_pktmbuf_pkt_len(packet);
	rte_pktmbuf_free(packet);
}

static void ask(void *ctx, uint16_t port, const struct gw_addr *addr)
{
	struct trace *trace = ctx;

	trace->asked++;
	trace->asked_port = port;
	trace->asked_addr = *addr;
}

static struct rte_mbuf *packet(unsigned int length)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	ck_assert_ptr_nonnull(mbuf);
	ck_assert_ptr_nonnull(rte_pktmbuf_append(mbuf, (uint16_t)length));
	return mbuf;
}

static struct gw_addr address(const char *text)
{
	struct gw_addr result = {};

	ck_assert_msg(gw_addr_parse(text, &result), "%s", text);
	return result;
}

static struct gw_hold *hold_start(void)
{
	struct gw_hold *hold = gw_hold_new(EACH, NEIGHBOURS);

	if (!pool)
		pool = rte_pktmbuf_pool_create("route_hold", 63, 0, 0, 256, SOCKET_ID_ANY);
	ck_assert_ptr_nonnull(pool);
	ck_assert_ptr_nonnull(hold);
	return hold;
}

// Every packet is back in its pool.
static void hold_stop(struct gw_hold *hold)
{
	struct trace trace = {};

	gw_hold_free(hold, take, &trace);
	ck_assert_uint_eq(rte_mempool_in_use_count(pool), 0);
}

START_TEST(first_asks_and_release_keeps_order)
{
	struct gw_addr addr = address("192.0.2.1"), other = address("192.0.2.2");
	struct gw_hold *hold = hold_start();
	struct trace trace = {};

	ck_assert_int_eq(gw_hold_add(hold, 1, &addr, packet(1), 0), GW_HOLD_FIRST);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addr, packet(2), 0), GW_HOLD_QUEUED);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addr, packet(3), 0), GW_HOLD_QUEUED);
	ck_assert_uint_eq(gw_hold_release(hold, 1, &other, take, &trace), 0);
	ck_assert_uint_eq(gw_hold_release(hold, 2, &addr, take, &trace), 0);
	ck_assert_uint_eq(gw_hold_release(hold, 1, &addr, take, &trace), 3);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(trace.lengths[i], i + 1);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addr, packet(4), 0), GW_HOLD_FIRST);
	hold_stop(hold);
}
END_TEST

START_TEST(full_queue_leaves_the_packet)
{
	struct gw_addr addr = address("2001:db8::1");
	struct gw_hold *hold = hold_start();
	struct rte_mbuf *extra = packet(9);

	for (unsigned int i = 0; i < EACH; i++)
		ck_assert_int_ne(gw_hold_add(hold, 1, &addr, packet(i + 1), 0), GW_HOLD_FULL);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addr, extra, 0), GW_HOLD_FULL);
	ck_assert_uint_eq(rte_pktmbuf_pkt_len(extra), 9);
	rte_pktmbuf_free(extra);
	hold_stop(hold);
}
END_TEST

START_TEST(neighbours_are_limited)
{
	struct gw_addr addrs[] = { address("192.0.2.1"), address("192.0.2.2"),
		address("192.0.2.3") };
	struct gw_hold *hold = hold_start();
	struct rte_mbuf *extra = packet(9);
	struct trace trace = {};

	ck_assert_int_eq(gw_hold_add(hold, 1, &addrs[0], packet(1), 0), GW_HOLD_FIRST);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addrs[1], packet(1), 0), GW_HOLD_FIRST);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addrs[2], extra, 0), GW_HOLD_FULL);
	ck_assert_uint_eq(gw_hold_release(hold, 1, &addrs[0], take, &trace), 1);
	ck_assert_int_eq(gw_hold_add(hold, 1, &addrs[2], extra, 0), GW_HOLD_FIRST);
	hold_stop(hold);
}
END_TEST

START_TEST(expiry_counts_from_the_first_packet)
{
	struct gw_addr addr = address("192.0.2.1"), young = address("192.0.2.2");
	struct gw_hold *hold = hold_start();
	struct trace trace = {};

	gw_hold_add(hold, 1, &addr, packet(1), 100);
	gw_hold_add(hold, 1, &addr, packet(2), 900);
	gw_hold_add(hold, 3, &young, packet(3), 900);
	ck_assert_uint_eq(gw_hold_expire(hold, 1100, 1000, take, ask, &trace), 3);
	ck_assert_uint_eq(trace.count, 0);
	ck_assert_uint_eq(trace.asked, 2);
	ck_assert_uint_eq(gw_hold_expire(hold, 1101, 1000, take, ask, &trace), 1);
	ck_assert_uint_eq(trace.count, 2);
	ck_assert_uint_eq(trace.asked, 3);
	ck_assert_uint_eq(trace.asked_port, 3);
	ck_assert(gw_addr_equal(&trace.asked_addr, &young));
	hold_stop(hold);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route_hold");
	TCase *tcase = tcase_create("hold");

	tcase_add_test(tcase, first_asks_and_release_keeps_order);
	tcase_add_test(tcase, full_queue_leaves_the_packet);
	tcase_add_test(tcase, neighbours_are_limited);
	tcase_add_test(tcase, expiry_counts_from_the_first_packet);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
