// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spi.h"

#include <errno.h>
#include <stdio.h>

#include "ipsec_kit.h"
#include "run.h"

#define MAX_SAS 20
#define HOLD_NS UINT64_C(165000000000)

static struct kit_db kit;

static void setup(void)
{
	kit_db_open(&kit, MAX_SAS, 1, NULL, NULL);
}

static void teardown(void)
{
	kit_db_close(&kit);
}

static int allocate(uint8_t host, uint32_t first, uint32_t last, uint32_t *spi)
{
	const struct gw_spi_wanted wanted = { kit_addr4(host), GW_PROTOCOL_ESP, first, last };

	return gw_spi_allocate(kit.db, &wanted, spi, NULL);
}

static struct gw_txn *staged(enum gw_direction direction, uint32_t spi)
{
	struct gw_sa_spec spec = kit_sa(direction, spi, spi);
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(gw_sa_add(kit.db, txn, &spec, GW_ORIGIN_CONTROL, NULL), 0);
	return txn;
}

static void delete_sa(uint32_t spi)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, spi, spi);
	struct gw_sa_id id = gw_sa_spec_id(&spec);
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(gw_sa_delete(kit.db, txn, &id, NULL), 0);
	gw_txn_commit(txn);
}

START_TEST(every_spi_of_a_range_is_given_once)
{
	bool given[8] = {};
	struct gw_error err = {};
	struct gw_spi_wanted wanted = { kit_addr4(1), GW_PROTOCOL_ESP, 0x1000, 0x1007 };
	uint32_t spi;

	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(allocate(1, 0x1000, 0x1007, &spi), 0);
		ck_assert_uint_ge(spi, 0x1000);
		ck_assert_uint_le(spi, 0x1007);
		ck_assert(!given[spi - 0x1000]);
		given[spi - 0x1000] = true;
	}
	ck_assert_int_eq(gw_spi_allocate(kit.db, &wanted, &spi, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "0x1000 to 0x1007"));
	// Another destination is another matter, and so is AH.
	ck_assert_int_eq(allocate(2, 0x1000, 0x1000, &spi), 0);
	wanted.protocol = GW_PROTOCOL_AH;
	wanted.last = 0x1000;
	ck_assert_int_eq(gw_spi_allocate(kit.db, &wanted, &spi, NULL), 0);
	ck_assert_int_eq(gw_spi_allocate(kit.db, &wanted, &spi, NULL), -ENOSPC);
}
END_TEST

START_TEST(spis_in_use_are_not_given)
{
	struct gw_txn *txn;
	uint32_t spi;

	gw_txn_commit(staged(GW_DIRECTION_IN, 0x1000));
	gw_txn_commit(staged(GW_DIRECTION_OUT, 0x1001)); // another name space
	txn = staged(GW_DIRECTION_IN, 0x1002);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1002, &spi), 0);
	ck_assert_uint_eq(spi, 0x1001);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1002, &spi), -ENOSPC);
	gw_txn_abort(txn);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1002, &spi), 0);
	ck_assert_uint_eq(spi, 0x1002);
	delete_sa(0x1000);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1002, &spi), 0);
	ck_assert_uint_eq(spi, 0x1000);
}
END_TEST

START_TEST(an_sa_takes_its_spi)
{
	uint32_t spi;

	ck_assert_int_eq(allocate(1, 0x1000, 0x1000, &spi), 0);
	gw_txn_abort(staged(GW_DIRECTION_IN, spi));
	ck_assert_int_eq(allocate(1, 0x1000, 0x1000, &spi), -ENOSPC); // still set aside
	gw_txn_commit(staged(GW_DIRECTION_IN, spi));
	ck_assert_int_eq(allocate(1, 0x1000, 0x1000, &spi), -ENOSPC); // in use
	delete_sa(spi);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1000, &spi), 0); // neither
}
END_TEST

START_TEST(ranges_are_checked)
{
	static const struct {
		uint32_t first, last;
		int result;
	} ranges[] = {
		{ 0, 0x1000, -EINVAL },
		{ 255, 0x1000, -EINVAL },
		{ 0x1001, 0x1000, -EINVAL },
		{ 256, 256, 0 },
		{ UINT32_MAX, UINT32_MAX, 0 },
		{ 256, UINT32_MAX, 0 },
	};
	const struct gw_spi_wanted unset = { {}, GW_PROTOCOL_ESP, 256, 257 };
	uint32_t spi;

	for (size_t i = 0; i < RTE_DIM(ranges); i++)
		ck_assert_int_eq(
			allocate(1, ranges[i].first, ranges[i].last, &spi), ranges[i].result);
	ck_assert_int_eq(gw_spi_allocate(kit.db, &unset, &spi, NULL), -EINVAL);
}
END_TEST

START_TEST(no_more_are_set_aside_than_sas_may_exist)
{
	const struct gw_spi_wanted wanted = { kit_addr6(1), GW_PROTOCOL_ESP, 256, UINT32_MAX };
	struct gw_error err = {};
	uint32_t spi;

	for (int i = 0; i < MAX_SAS; i++)
		ck_assert_int_eq(allocate(1, 256, UINT32_MAX, &spi), 0);
	ck_assert_int_eq(gw_spi_allocate(kit.db, &wanted, &spi, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "set aside"));
}
END_TEST

// Drawing at random would hardly ever meet the last free one.
START_TEST(the_last_of_many_is_found)
{
	uint32_t spi;

	kit_db_open(&kit, 1000, 1, NULL, NULL);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(allocate(1, 0x1000, 0x1000 + 999, &spi), 0);
	ck_assert_int_eq(allocate(1, 0x1000, 0x1000 + 999, &spi), -ENOSPC);
	teardown();
}
END_TEST

START_TEST(set_aside_for_a_time)
{
	static const uint8_t secret[GW_SIPHASH_SECRET_BYTES];
	struct gw_addr destination = kit_addr4(1);
	struct gw_sad_key first, second;
	struct gw_spi_book book;

	gw_sad_key_make(&first, 1000, GW_PROTOCOL_ESP, &destination);
	gw_sad_key_make(&second, 1001, GW_PROTOCOL_ESP, &destination);
	ck_assert_int_eq(gw_spi_book_init(&book, 2, HOLD_NS, secret), 0);
	ck_assert_int_eq(gw_spi_book_hold(&book, &first, 5), 0);
	ck_assert_int_eq(gw_spi_book_hold(&book, &second, 6), 0);
	gw_spi_book_expire(&book, 5 + HOLD_NS - 1);
	ck_assert(gw_spi_book_has(&book, &first));
	gw_spi_book_expire(&book, 5 + HOLD_NS);
	ck_assert(!gw_spi_book_has(&book, &first));
	ck_assert(gw_spi_book_has(&book, &second));
	ck_assert_int_eq(gw_spi_book_hold(&book, &first, 7), 0); // its place is free again
	gw_spi_book_take(&book, &second);
	gw_spi_book_take(&book, &second);
	ck_assert(!gw_spi_book_has(&book, &second));
	gw_spi_book_fini(&book);
}
END_TEST

// The published test vectors: key 00 01 … 0f, input of the length in question 00 01 02 ….
START_TEST(siphash_vectors)
{
	static const struct {
		size_t size;
		const char *hash;
	} vectors[] = {
		{ 0, "\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93" },
		{ 1, "\xda\x87\xc1\xd8\x6b\x99\xaf\x44\x34\x76\x59\x11\x9b\x22\xfc\x45" },
		{ 7, "\xa1\xf1\xeb\xbe\xd8\xdb\xc1\x53\xc0\xb8\x4a\xa6\x1f\xf0\x82\x39" },
		{ 8, "\x3b\x62\xa9\xba\x62\x58\xf5\x61\x0f\x83\xe2\x64\xf3\x14\x97\xb4" },
		{ 15, "\x54\x93\xe9\x99\x33\xb0\xa8\x11\x7e\x08\xec\x0f\x97\xcf\xc3\xd9" },
	};
	uint8_t secret[GW_SIPHASH_SECRET_BYTES], input[64];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	memcpy(secret, input, sizeof(secret));
	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		struct gw_siphash hash = gw_siphash_128(secret, input, vectors[i].size);

		ck_assert_mem_eq(&hash, vectors[i].hash, sizeof(hash));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_spi");
	TCase *tcase = tcase_create("with a database"), *bare = tcase_create("with its own");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_spi_of_a_range_is_given_once);
	tcase_add_test(tcase, spis_in_use_are_not_given);
	tcase_add_test(tcase, an_sa_takes_its_spi);
	tcase_add_test(tcase, ranges_are_checked);
	tcase_add_test(tcase, no_more_are_set_aside_than_sas_may_exist);
	tcase_add_test(tcase, set_aside_for_a_time);
	tcase_add_test(tcase, siphash_vectors);
	suite_add_tcase(suite, tcase);
	tcase_add_test(bare, the_last_of_many_is_found);
	suite_add_tcase(suite, bare);
	return gw_test_run(suite, true);
}
