// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What first fragments showed. conformance: G9

#include "net/first_fragment.h"

#include <string.h>

#include "run.h"

#define SECOND   UINT64_C(1000000000)
#define LIFETIME (5 * SECOND)
#define ENTRIES  1024u

static struct gw_first_fragments *table;

static void setup(void)
{
	table = gw_first_fragments_new(ENTRIES, LIFETIME);
	ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
	gw_first_fragments_free(table);
}

static struct gw_first_fragment shown(uint16_t port)
{
	return (struct gw_first_fragment){
		.source_port = port,
		.destination_port = 65535,
		.protocol = 17,
		.ports_known = true,
		.bytes = 65528,
	};
}

static void learn(uint64_t datagram, uint64_t source, uint16_t port, uint64_t now)
{
	struct gw_first_fragment_key key = { datagram, source };
	struct gw_first_fragment fragment = shown(port);

	gw_first_fragment_learn(table, &key, &fragment, now);
}

// The port, or -1.
static int find(uint64_t datagram, uint64_t source, uint64_t now)
{
	struct gw_first_fragment_key key = { datagram, source };
	struct gw_first_fragment fragment;

	return gw_first_fragment_find(table, &key, now, &fragment) ? fragment.source_port : -1;
}

START_TEST(tells_what_was_shown)
{
	struct gw_first_fragment_key key = { 77, 1 };
	struct gw_first_fragment fragment, opaque = { .protocol = 47, .bytes = 8 };

	learn(77, 1, 4711, SECOND);
	ck_assert(gw_first_fragment_find(table, &key, SECOND, &fragment));
	ck_assert_uint_eq(fragment.source_port, 4711);
	ck_assert_uint_eq(fragment.destination_port, 65535);
	ck_assert_uint_eq(fragment.protocol, 17);
	ck_assert(fragment.ports_known);
	ck_assert_uint_eq(fragment.bytes, 65528);
	gw_first_fragment_learn(table, &key, &opaque, SECOND);
	ck_assert(gw_first_fragment_find(table, &key, SECOND, &fragment));
	ck_assert_uint_eq(fragment.protocol, 47);
	ck_assert(!fragment.ports_known);
	ck_assert_uint_eq(fragment.bytes, 8);
}
END_TEST

START_TEST(keeps_datagrams_apart)
{
	learn(1, 1, 10, SECOND);
	learn(2, 1, 20, SECOND);
	ck_assert_int_eq(find(1, 1, SECOND), 10);
	ck_assert_int_eq(find(2, 1, SECOND), 20);
	ck_assert_int_eq(find(3, 1, SECOND), -1);
	learn(1, 1, 11, SECOND);
	ck_assert_int_eq(find(1, 1, SECOND), 11);
	ck_assert_int_eq(find(2, 1, SECOND), 20);
}
END_TEST

START_TEST(forgets_in_time)
{
	learn(1, 1, 10, SECOND);
	ck_assert_int_eq(find(1, 1, SECOND + LIFETIME - 1), 10);
	ck_assert_int_eq(find(1, 1, SECOND + LIFETIME), -1);
	learn(1, 1, 10, SECOND + LIFETIME);
	ck_assert_int_eq(find(1, 1, SECOND + LIFETIME), 10);
	// An empty table knows nothing, not even the datagram whose hash is 0.
	ck_assert_int_eq(find(0, 1, 0), -1);
}
END_TEST

// One source fills its share and pushes out its own oldest; what others have stays.
START_TEST(a_source_has_its_share)
{
	unsigned int kept = 0;

	learn(5, 2, 50, SECOND);
	for (uint64_t i = 0; i < 4 * ENTRIES; i++)
		learn(1000 + i, 1, (uint16_t)i, SECOND + i);
	ck_assert_int_eq(find(5, 2, 2 * SECOND), 50);
	for (uint64_t i = 0; i < 4 * ENTRIES; i++)
		kept += find(1000 + i, 1, 2 * SECOND) == (int)(uint16_t)i;
	ck_assert_uint_eq(kept, ENTRIES / 16);
	ck_assert_int_eq(find(1000 + 4 * ENTRIES - 1, 1, 2 * SECOND), 4 * (int)ENTRIES - 1);
	ck_assert_int_eq(find(1000, 1, 2 * SECOND), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_first_fragment");
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, tells_what_was_shown);
	tcase_add_test(tcase, keeps_datagrams_apart);
	tcase_add_test(tcase, forgets_in_time);
	tcase_add_test(tcase, a_source_has_its_share);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
