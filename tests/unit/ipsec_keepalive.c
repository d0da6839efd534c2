// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// When NAT keepalives are due, and for whom; time is what the test says. conformance: J11

#include "ipsec/keepalive.h"

#include <netinet/in.h>

#include "ipsec_kit.h"
#include "net/checksum.h"
#include "run.h"

#define SECOND   UINT64_C(1000000000)
#define START    (UINT64_C(77) * SECOND + 5)
#define STANDARD 30 // seconds

static struct gw_keepalives *keepalives;
static unsigned int sent;
static const struct gw_sa *sent_for;

static void setup(void)
{
	keepalives = gw_keepalives_new(16, STANDARD, START);
	ck_assert_ptr_nonnull(keepalives);
	sent = 0;
}

static void teardown(void)
{
	gw_keepalives_free(keepalives);
}

static struct gw_sa *make(uint32_t spi, uint16_t port, uint16_t keepalive)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, spi, spi);
	struct gw_error err = {};
	struct gw_sa *sa;

	spec.encapsulation = (struct gw_encapsulation){
		.source_port = port ? 4500 : 0, .destination_port = port, .keepalive = keepalive
	};
	sa = gw_sa_new(&spec, KIT_WORKERS, &err);
	ck_assert_msg(sa, "%s", err.text);
	ck_assert_int_eq(gw_keepalives_add(keepalives, sa, START), 0);
	return sa;
}

static void count(void *, struct gw_sa *sa)
{
	sent++;
	sent_for = sa;
}

// How many are sent by a tick so many seconds after the start.
static unsigned int tick(uint64_t seconds)
{
	unsigned int before = sent;

	gw_keepalives_tick(keepalives, KIT_WORKERS, START + seconds * SECOND, count, NULL);
	return sent - before;
}

// Ticks of each second within [first, last].
static unsigned int ticks(uint64_t first, uint64_t last)
{
	unsigned int before = sent;

	for (uint64_t second = first; second <= last; second++)
		tick(second);
	return sent - before;
}

static void use(struct gw_sa *sa, unsigned int worker, uint64_t seconds)
{
	sa->counters[worker].last_used_ns = START + seconds * SECOND;
}

static void drop(struct gw_sa *sa)
{
	gw_keepalives_remove(keepalives, sa);
	gw_sa_free(sa);
}

START_TEST(a_silent_pair_is_kept_alive)
{
	struct gw_sa *sa = make(1000, 61000, 20);

	ck_assert_uint_eq(ticks(0, 19), 0);
	ck_assert_uint_eq(tick(20), 1);
	ck_assert_ptr_eq(sent_for, sa);
	ck_assert_uint_eq(ticks(21, 39), 0);
	ck_assert_uint_eq(ticks(40, 100), 4);
	drop(sa);
	ck_assert_uint_eq(ticks(101, 500), 0);
}
END_TEST

// Whichever worker sends; the interval counts from the last packet.
START_TEST(traffic_takes_its_place)
{
	struct gw_sa *sa = make(1000, 61000, 20);

	use(sa, 1, 15);
	ck_assert_uint_eq(ticks(0, 34), 0);
	ck_assert_uint_eq(tick(35), 1);
	for (uint64_t second = 36; second < 400; second += 19) {
		use(sa, 0, second);
		ck_assert_uint_eq(ticks(second, second + 18), 0);
	}
	drop(sa);
}
END_TEST

// SAs between the same addresses and ports need one together, as often as one of them wants.
START_TEST(one_for_each_pair)
{
	struct gw_sa *first = make(1000, 61000, 30), *second = make(1001, 61000, 20);
	struct gw_sa *other = make(1002, 61001, 20);

	ck_assert_uint_eq(ticks(0, 19), 0);
	ck_assert_uint_eq(tick(20), 2);
	use(first, 0, 39);
	ck_assert_uint_eq(ticks(21, 40), 1); // of the other
	ck_assert_ptr_eq(sent_for, other);
	ck_assert_uint_eq(ticks(41, 59), 1);
	ck_assert_ptr_ne(sent_for, other);
	drop(second);
	drop(other);
	ck_assert_uint_eq(ticks(60, 88), 0);
	ck_assert_uint_eq(tick(89), 1);
	ck_assert_ptr_eq(sent_for, first);
	drop(first);
}
END_TEST

// SAs that leave it to the gateway: alone, and beside one that does not.
START_TEST(as_the_gateway_says)
{
	struct gw_sa *sa = make(1000, 61000, GW_KEEPALIVE_DEFAULT), *own;

	ck_assert_uint_eq(ticks(0, 29), 0);
	ck_assert_uint_eq(tick(30), 1);
	ck_assert_ptr_eq(sent_for, sa);
	ck_assert_uint_eq(ticks(31, 59), 0);
	ck_assert_uint_eq(tick(60), 1);
	own = make(1001, 61000, 10);
	ck_assert_uint_eq(ticks(61, 70), 1);
	drop(own);
	ck_assert_uint_eq(ticks(71, 99), 0);
	ck_assert_uint_eq(tick(100), 1);
	drop(sa);
}
END_TEST

// The gateway changes its mind: sooner, never, and again.
START_TEST(what_the_gateway_says_changes)
{
	struct gw_sa *sa = make(1000, 61000, GW_KEEPALIVE_DEFAULT), *own = make(1001, 61001, 40);

	ck_assert_uint_eq(ticks(0, 10), 0);
	gw_keepalives_set_standard(keepalives, 15);
	ck_assert_uint_eq(ticks(11, 14), 0);
	ck_assert_uint_eq(tick(15), 1);
	ck_assert_ptr_eq(sent_for, sa);
	gw_keepalives_set_standard(keepalives, 0);
	ck_assert_uint_eq(ticks(16, 39), 0);
	ck_assert_uint_eq(tick(40), 1);
	ck_assert_ptr_eq(sent_for, own);
	ck_assert_uint_eq(ticks(41, 79), 0);
	drop(own);
	ck_assert_uint_eq(ticks(80, 5000), 0);
	own = make(1002, 61000, 100); // on the way of one that wants none
	ck_assert_uint_eq(ticks(5001, 5002), 1);
	ck_assert_uint_eq(ticks(5003, 5102), 1);
	drop(own);
	gw_keepalives_set_standard(keepalives, 30);
	ck_assert_uint_ge(ticks(5103, 5140), 1);
	ck_assert_ptr_eq(sent_for, sa);
	drop(sa);
	gw_keepalives_set_standard(keepalives, 1);
	ck_assert_uint_eq(ticks(5141, 5200), 0);
}
END_TEST

// Off, bare ESP, and inbound.
START_TEST(not_for_everybody)
{
	struct gw_sa *off = make(1000, 61000, 0), *bare = make(1001, 0, 20);
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, 1002, 1002);
	struct gw_sa *in;

	spec.encapsulation = (struct gw_encapsulation){
		.source_port = 61000, .destination_port = 4500, .keepalive = 20
	};
	in = gw_sa_new(&spec, KIT_WORKERS, NULL);
	ck_assert_int_eq(gw_keepalives_add(keepalives, in, START), 0);
	ck_assert_uint_eq(ticks(0, 100), 0);
	drop(off);
	drop(bare);
	drop(in);
}
END_TEST

START_TEST(an_sa_that_moves)
{
	struct gw_sa *sa = make(1000, 61000, 20), *left = make(1001, 61000, 20);
	struct rte_rcu_qsbr *qsbr = kit_qsbr_new();
	struct gw_sa_spec moved;
	uint8_t packet[100];

	gw_sa_spec_copy(&moved, &sa->spec);
	ck_assert_uint_eq(ticks(0, 10), 0);
	moved.encapsulation.destination_port = 61001;
	gw_sa_move(sa, &moved, qsbr);
	ck_assert_int_eq(gw_keepalives_add(keepalives, sa, START + 10 * SECOND), 0);
	ck_assert_uint_eq(ticks(11, 20), 1);
	ck_assert_ptr_eq(sent_for, left);
	ck_assert_uint_eq(ticks(21, 30), 1);
	ck_assert_ptr_eq(sent_for, sa);
	gw_keepalive_write(sa, packet);
	ck_assert_uint_eq(packet[22] << 8 | packet[23], 61001);
	drop(sa);
	drop(left);
	rte_free(qsbr);
}
END_TEST

// Far ahead, and after the control core was busy for long.
START_TEST(long_intervals_and_pauses)
{
	struct gw_sa *sa = make(1000, 61000, 3600), *often = make(1001, 61001, 7);

	ck_assert_uint_eq(ticks(1, 3599), 514);
	ck_assert_uint_eq(tick(3600), 1);
	ck_assert_ptr_eq(sent_for, sa);
	ck_assert_uint_eq(tick(10000), 2);
	ck_assert_uint_eq(tick(10000), 0);
	ck_assert_uint_eq(ticks(10001, 10006), 0);
	ck_assert_uint_eq(tick(10007), 1);
	drop(sa);
	drop(often);
}
END_TEST

// Those that the database drops without a word, at the end.
START_TEST(freed_while_watching)
{
	struct gw_sa *sa = make(1000, 61000, 20);

	gw_keepalives_free(keepalives);
	keepalives = NULL;
	gw_sa_free(sa);
}
END_TEST

START_TEST(the_packet)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 1000, 1);
	uint8_t packet[100], *udp = packet + (_i ? 40 : 20);
	struct gw_sa *sa;

	if (_i) {
		spec.source = kit_addr6(1);
		spec.destination = kit_addr6(2);
	}
	spec.encapsulation = (struct gw_encapsulation){
		.source_port = 4500, .destination_port = 61000, .keepalive = 20
	};
	sa = gw_sa_new(&spec, KIT_WORKERS, NULL);
	memset(packet, 0xee, sizeof(packet));
	gw_keepalive_write(sa, packet);
	ck_assert_uint_eq(packet[_i ? 6 : 9], IPPROTO_UDP);
	if (_i)
		ck_assert_uint_eq(packet[4] << 8 | packet[5], 9);
	else
		ck_assert_uint_eq(packet[2] << 8 | packet[3], 29);
	ck_assert_uint_eq(udp[0] << 8 | udp[1], 4500);
	ck_assert_uint_eq(udp[2] << 8 | udp[3], 61000);
	ck_assert_uint_eq(udp[4] << 8 | udp[5], 9);
	ck_assert(_i ? udp[6] | udp[7] : !(udp[6] | udp[7]));
	ck_assert_uint_eq(udp[8], 0xff);
	ck_assert_uint_eq(udp[9], 0xee);
	if (!_i)
		ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(0, packet, 20)), 0);
	gw_sa_free(sa);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_keepalive");
	TCase *tcase = tcase_create("keepalive");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_silent_pair_is_kept_alive);
	tcase_add_test(tcase, traffic_takes_its_place);
	tcase_add_test(tcase, one_for_each_pair);
	tcase_add_test(tcase, as_the_gateway_says);
	tcase_add_test(tcase, what_the_gateway_says_changes);
	tcase_add_test(tcase, not_for_everybody);
	tcase_add_test(tcase, an_sa_that_moves);
	tcase_add_test(tcase, long_intervals_and_pauses);
	tcase_add_test(tcase, freed_while_watching);
	tcase_add_loop_test(tcase, the_packet, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
