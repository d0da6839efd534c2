// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Fragments in every order and shape. conformance: I4

#include "net/reassembly.h"

#include <string.h>

#include <rte_common.h>

#include "run.h"

#define PIECES  256
#define SECOND  UINT64_C(1000000000)
#define TIMEOUT (15 * SECOND)
#define LONGEST 9000

static struct gw_reassembly *table;
static unsigned int released[GW_REASSEMBLY_EVICTED + 1];
static char memory[8192]; // what packets point to

static void release(void *, void *, enum gw_reassembly_verdict why)
{
	released[why]++;
}

static void setup(void)
{
	struct gw_reassembly_options options = { PIECES, LONGEST, TIMEOUT };

	table = gw_reassembly_new(&options);
	ck_assert_ptr_nonnull(table);
	memset(released, 0, sizeof(released));
}

static void teardown(void)
{
	gw_reassembly_free(table, release, NULL);
}

static struct gw_reassembly_fragment piece(
	uint8_t source, uint32_t id, uint32_t offset, uint32_t bytes, bool last)
{
	return (struct gw_reassembly_fragment){
		.key = { .source = { source }, .id = id, .family = 4, .protocol = 50 },
		.hash = id, // as bad as it gets: sources with the same identification share a chain
		.source_hash = source,
		.offset = offset,
		.bytes = bytes,
		.last = last,
		.packet = &memory[offset / 8 % sizeof(memory)],
	};
}

static void *packets[GW_REASSEMBLY_PIECES];
static unsigned int count;

static enum gw_reassembly_verdict add(struct gw_reassembly_fragment fragment, uint64_t now)
{
	return gw_reassembly_add(table, &fragment, now, release, NULL, packets, &count);
}

// One datagram, a step a fragment.
#define STEPS 8
static const struct sequence {
	const char *name;
	struct {
		uint32_t offset, bytes;
		bool last;
		enum gw_reassembly_verdict verdict;
	} steps[STEPS]; // bytes 0: the end
	uint32_t waiting, given_back;
} sequences[] = {
	{ .name = "in order",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 512, 512, false, GW_REASSEMBLY_HELD },
			{ 1024, 8, true, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "reversed",
		.steps = { { 1024, 8, true, GW_REASSEMBLY_HELD },
			{ 512, 512, false, GW_REASSEMBLY_HELD },
			{ 0, 512, false, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "middle last",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 1024, 8, true, GW_REASSEMBLY_HELD },
			{ 512, 512, false, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "first only", .steps = { { 0, 512, false, GW_REASSEMBLY_HELD } }, .waiting = 1 },
	{ .name = "last only", .steps = { { 512, 8, true, GW_REASSEMBLY_HELD } }, .waiting = 1 },
	{ .name = "duplicates",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 0, 512, false, GW_REASSEMBLY_DUPLICATE },
			{ 512, 600, true, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "duplicate of the last",
		.steps = { { 512, 600, true, GW_REASSEMBLY_HELD },
			{ 512, 600, true, GW_REASSEMBLY_DUPLICATE },
			{ 0, 512, false, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "overlap at the end of another",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 504, 512, false, GW_REASSEMBLY_OVERLAP },
			{ 512, 8, true, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "overlap at the front of another",
		.steps = { { 504, 512, false, GW_REASSEMBLY_HELD },
			{ 0, 512, false, GW_REASSEMBLY_OVERLAP },
			{ 0, 504, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "within another",
		.steps = { { 0, 1024, false, GW_REASSEMBLY_HELD },
			{ 256, 256, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "around another",
		.steps = { { 256, 256, false, GW_REASSEMBLY_HELD },
			{ 0, 1024, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "same place, longer",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 0, 520, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "same place, shorter",
		.steps = { { 0, 520, false, GW_REASSEMBLY_HELD },
			{ 0, 512, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "same place, now the last",
		.steps = { { 0, 512, false, GW_REASSEMBLY_HELD },
			{ 0, 512, true, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "two ends",
		.steps = { { 1024, 8, true, GW_REASSEMBLY_HELD },
			{ 2048, 8, true, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "an earlier end",
		.steps = { { 1024, 512, false, GW_REASSEMBLY_HELD },
			{ 512, 8, true, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "behind the end",
		.steps = { { 512, 8, true, GW_REASSEMBLY_HELD },
			{ 1024, 512, false, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "tiny",
		.steps = { { 0, 248, false, GW_REASSEMBLY_TINY },
			{ 0, 256, false, GW_REASSEMBLY_HELD },
			{ 256, 1, true, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "as long as may be",
		.steps = { { 0, 8192, false, GW_REASSEMBLY_HELD },
			{ 8192, 808, true, GW_REASSEMBLY_COMPLETE } } },
	{ .name = "overlong",
		.steps = { { 0, 8192, false, GW_REASSEMBLY_HELD },
			{ 8192, 809, true, GW_REASSEMBLY_TOO_LONG },
			{ 8192, 8, true, GW_REASSEMBLY_OVERLAP } },
		.given_back = 1 },
	{ .name = "far behind", .steps = { { 65528, 65535, true, GW_REASSEMBLY_TOO_LONG } } },
};

START_TEST(one_datagram)
{
	const struct sequence *sequence = &sequences[_i];
	unsigned int back = 0;

	for (unsigned int s = 0; s < STEPS && sequence->steps[s].bytes; s++) {
		enum gw_reassembly_verdict verdict =
			add(piece(1, 7, sequence->steps[s].offset, sequence->steps[s].bytes,
				    sequence->steps[s].last),
				1);

		ck_assert_msg(verdict == sequence->steps[s].verdict, "%s, step %u: verdict %d",
			sequence->name, s, verdict);
		if (verdict != GW_REASSEMBLY_COMPLETE)
			continue;
		for (unsigned int i = 1; i < count; i++)
			ck_assert((char *)packets[i - 1] < (char *)packets[i]);
	}
	ck_assert_uint_eq(gw_reassembly_waiting(table), sequence->waiting);
	for (size_t i = 0; i < RTE_DIM(released); i++)
		back += released[i];
	ck_assert_uint_eq(back, sequence->given_back);
}
END_TEST

// What makes datagrams different ones.
START_TEST(keys_do_not_mix)
{
	struct gw_reassembly_fragment last = piece(1, 7, 512, 8, true), other;

	ck_assert_int_eq(add(piece(1, 7, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	other = last;
	other.key.id = 8;
	ck_assert_int_eq(add(other, 1), GW_REASSEMBLY_HELD);
	other = last;
	other.key.source[15] = 1;
	ck_assert_int_eq(add(other, 1), GW_REASSEMBLY_HELD);
	other = last;
	other.key.destination[3] = 1;
	ck_assert_int_eq(add(other, 1), GW_REASSEMBLY_HELD);
	other = last;
	other.key.protocol = 17;
	ck_assert_int_eq(add(other, 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(last, 1), GW_REASSEMBLY_COMPLETE);
	ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(time_runs_out)
{
	ck_assert_int_eq(add(piece(1, 7, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 8, 0, 512, false), SECOND), GW_REASSEMBLY_HELD);
	// A later fragment does not make the time longer.
	ck_assert_int_eq(add(piece(1, 7, 1024, 512, false), TIMEOUT), GW_REASSEMBLY_HELD);
	gw_reassembly_expire(table, TIMEOUT, release, NULL);
	ck_assert_uint_eq(gw_reassembly_waiting(table), 3);
	gw_reassembly_expire(table, TIMEOUT + 1, release, NULL);
	ck_assert_uint_eq(gw_reassembly_waiting(table), 1);
	ck_assert_uint_eq(released[GW_REASSEMBLY_TIMEOUT], 2);
	// Adding looks at the time as well: this is a datagram of its own.
	ck_assert_int_eq(add(piece(1, 8, 512, 8, true), TIMEOUT + SECOND), GW_REASSEMBLY_HELD);
	ck_assert_uint_eq(released[GW_REASSEMBLY_TIMEOUT], 3);
}
END_TEST

// A datagram that was given up is remembered as long as any other, and forgotten then.
START_TEST(given_up_until_the_time_is_up)
{
	ck_assert_int_eq(add(piece(1, 7, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 7, 8, 512, false), 1), GW_REASSEMBLY_OVERLAP);
	ck_assert_int_eq(add(piece(1, 7, 512, 8, true), TIMEOUT), GW_REASSEMBLY_OVERLAP);
	ck_assert_int_eq(add(piece(1, 7, 0, 512, false), TIMEOUT + 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 7, 512, 8, true), TIMEOUT + 1), GW_REASSEMBLY_COMPLETE);
}
END_TEST

START_TEST(too_many_pieces)
{
	struct gw_reassembly_options options = { PIECES, 65000, TIMEOUT };
	uint32_t i;

	gw_reassembly_free(table, release, NULL);
	table = gw_reassembly_new(&options);
	for (i = 0; i < GW_REASSEMBLY_PIECES; i++)
		ck_assert_int_eq(add(piece(1, 7, i * 512, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 7, i * 512, 8, true), 1), GW_REASSEMBLY_TOO_LONG);
	ck_assert_uint_eq(gw_reassembly_waiting(table), 0);
	// The most that fits.
	for (i = 0; i < GW_REASSEMBLY_PIECES - 1; i++)
		ck_assert_int_eq(add(piece(1, 8, i * 512, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 8, i * 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
	ck_assert_uint_eq(count, GW_REASSEMBLY_PIECES);
}
END_TEST

// A source that floods pushes out its own alone.
START_TEST(a_source_has_its_share)
{
	ck_assert_int_eq(add(piece(1, 1, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	for (uint32_t id = 2; id < 5000; id++)
		ck_assert_int_eq(add(piece(2, id, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_uint_le(gw_reassembly_waiting(table), 1 + PIECES / 4);
	ck_assert_uint_ge(gw_reassembly_waiting(table), 1 + PIECES / 8);
	ck_assert_int_eq(add(piece(1, 1, 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
	// Its newest one is still there.
	ck_assert_int_eq(add(piece(2, 4999, 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
}
END_TEST

// Many sources fill the table, but no more than that; what is newest stays.
START_TEST(memory_is_bounded)
{
	for (uint32_t id = 0; id < 5000; id++)
		ck_assert_int_eq(add(piece((uint8_t)id, id, 0, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_uint_eq(gw_reassembly_waiting(table), PIECES);
	ck_assert_uint_eq(released[GW_REASSEMBLY_EVICTED], 5000 - PIECES);
	ck_assert_int_eq(add(piece((uint8_t)4999, 4999, 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
	gw_reassembly_free(table, release, NULL);
	// One more was pushed out by the last fragment.
	ck_assert_uint_eq(released[GW_REASSEMBLY_EVICTED], 5000 - 1);
	table = NULL;
}
END_TEST

// The datagram that grows is never the one that makes way, although it is the oldest.
START_TEST(who_grows_stays)
{
	for (uint32_t i = 0; i < 16; i++) {
		ck_assert_int_eq(add(piece(1, 1, i * 512, 512, false), 1), GW_REASSEMBLY_HELD);
		for (uint32_t id = 0; id < PIECES; id++)
			add(piece((uint8_t)(2 + id), 100 + id + i * PIECES, 0, 512, false), 1);
		if (i == 0)
			break;
	}
	// The other sources have pushed it out by now: it begins anew.
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_int_eq(add(piece(1, 1, i * 512, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 1, 16 * 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
	for (uint32_t id = 1; id < 66; id++)
		add(piece(1, id, 0, 512, false), 1);
	for (uint32_t i = 1; i < 16; i++)
		ck_assert_int_eq(add(piece(1, 40, i * 512, 512, false), 1), GW_REASSEMBLY_HELD);
	ck_assert_int_eq(add(piece(1, 40, 16 * 512, 8, true), 1), GW_REASSEMBLY_COMPLETE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_reassembly");
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, one_datagram, 0, RTE_DIM(sequences));
	tcase_add_test(tcase, keys_do_not_mix);
	tcase_add_test(tcase, time_runs_out);
	tcase_add_test(tcase, given_up_until_the_time_is_up);
	tcase_add_test(tcase, too_many_pieces);
	tcase_add_test(tcase, a_source_has_its_share);
	tcase_add_test(tcase, memory_is_bounded);
	tcase_add_test(tcase, who_grows_stays);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
