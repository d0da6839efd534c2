// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/checksum.h"

#include <stdlib.h>

#include "net/ecn.h"
#include "run.h"

// RFC 1071 word by word, to judge the fast ones by.
static uint16_t slow_checksum(const uint8_t *data, uint32_t size)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static uint16_t swapped(uint16_t word)
{
	return (uint16_t)(word << 8 | word >> 8);
}

START_TEST(add_at_every_length)
{
	uint8_t data[2100];

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(0xff - i * 7);
	for (uint32_t size = 0; size <= 2048; size++)
		for (uint32_t at = 0; at < 2; at++)
			ck_assert_uint_eq(
				swapped(gw_checksum_finish(gw_checksum_add(0, data + at, size))),
				slow_checksum(data + at, size));
}
END_TEST

START_TEST(add_in_pieces)
{
	uint8_t data[301];

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	for (uint32_t cut = 0; cut < sizeof(data); cut += 2) {
		uint32_t sum = gw_checksum_add(0, data, cut);

		sum = gw_checksum_add(sum, data + cut, sizeof(data) - cut);
		ck_assert_uint_eq(
			swapped(gw_checksum_finish(sum)), slow_checksum(data, sizeof(data)));
	}
}
END_TEST

START_TEST(add_does_not_overflow)
{
	static uint8_t data[65536];
	uint32_t sum = 0;

	memset(data, 0xff, sizeof(data));
	for (int i = 0; i < 64; i++)
		sum = gw_checksum_add(sum, data, sizeof(data));
	ck_assert_uint_eq(gw_checksum_finish(sum), 0);
}
END_TEST

START_TEST(twenty_bytes)
{
	uint8_t header[20];

	for (int round = 0; round < 1000; round++) {
		for (unsigned int i = 0; i < sizeof(header); i++)
			header[i] = (uint8_t)rand();
		ck_assert_uint_eq(swapped(gw_checksum_finish(gw_checksum_20(header))),
			slow_checksum(header, sizeof(header)));
	}
	memset(header, 0xff, sizeof(header));
	ck_assert_uint_eq(gw_checksum_finish(gw_checksum_20(header)), 0);
}
END_TEST

static void make_v4(uint8_t header[20])
{
	uint16_t checksum;

	for (unsigned int i = 0; i < 20; i++)
		header[i] = (uint8_t)rand();
	header[0] = 0x45;
	header[10] = header[11] = 0;
	checksum = slow_checksum(header, 20);
	header[10] = (uint8_t)(checksum >> 8);
	header[11] = (uint8_t)checksum;
}

static void assert_sound_v4(const uint8_t *header)
{
	uint8_t copy[20];
	uint16_t stored = (uint16_t)(header[10] << 8 | header[11]);

	memcpy(copy, header, sizeof(copy));
	copy[10] = copy[11] = 0;
	ck_assert_uint_eq(stored, slow_checksum(copy, sizeof(copy)));
}

START_TEST(update_equals_full_checksum)
{
	uint8_t header[20];

	for (uint32_t word = 0; word <= 0xffff; word++) {
		uint16_t old_word, new_word = (uint16_t)word, checksum;

		make_v4(header);
		memcpy(&old_word, header + 4, 2);
		memcpy(&checksum, header + 10, 2);
		memcpy(header + 4, &new_word, 2);
		checksum = gw_checksum_update(checksum, old_word, new_word);
		memcpy(header + 10, &checksum, 2);
		assert_sound_v4(header);
	}
}
END_TEST

// RFC 1624 section 4: the case that equation 2 of RFC 1141 gets wrong.
START_TEST(update_of_rfc_1624)
{
	ck_assert_uint_eq(gw_checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}
END_TEST

START_TEST(ttl_and_tos_in_v4)
{
	uint8_t header[20];

	for (int value = 0; value < 256; value++)
		for (int round = 0; round < 20; round++) {
			uint8_t ttl;

			do
				make_v4(header);
			while (header[8] == 0);
			ttl = header[8];
			gw_ttl_decrement(header);
			ck_assert_uint_eq(header[8], (uint8_t)(ttl - 1));
			assert_sound_v4(header);
			gw_tos_set(header, (uint8_t)value);
			ck_assert_uint_eq(header[0], 0x45);
			ck_assert_uint_eq(header[1], value);
			assert_sound_v4(header);
		}
}
END_TEST

START_TEST(ttl_and_tos_in_v6)
{
	for (int value = 0; value < 256; value++) {
		uint8_t header[40], expected[40];

		for (unsigned int i = 0; i < sizeof(header); i++)
			header[i] = (uint8_t)(i * 13 + 1);
		header[0] = 0x6a;
		header[1] = 0xbc;
		memcpy(expected, header, sizeof(header));
		expected[0] = (uint8_t)(0x60 | value >> 4);
		expected[1] = (uint8_t)((value & 0xf) << 4 | 0xc);
		expected[7]--;
		gw_tos_set(header, (uint8_t)value);
		gw_ttl_decrement(header);
		ck_assert_mem_eq(header, expected, sizeof(header));
	}
}
END_TEST

#define NOT GW_ECN_NOT_ECT
#define E0  GW_ECN_ECT_0
#define E1  GW_ECN_ECT_1
#define CE  GW_ECN_CE

// RFC 6040 figure 4, all sixteen.
static const struct {
	uint8_t inner, outer;
	int forwarded;
} egress[] = {
	{ NOT, NOT, NOT },
	{ NOT, E0, NOT },
	{ NOT, E1, NOT },
	{ NOT, CE, -1 },
	{ E0, NOT, E0 },
	{ E0, E0, E0 },
	{ E0, E1, E1 },
	{ E0, CE, CE },
	{ E1, NOT, E1 },
	{ E1, E0, E1 },
	{ E1, E1, E1 },
	{ E1, CE, CE },
	{ CE, NOT, CE },
	{ CE, E0, CE },
	{ CE, E1, CE },
	{ CE, CE, CE },
};

START_TEST(ecn_decapsulate)
{
	ck_assert_int_eq(
		gw_ecn_decapsulate(egress[_i].inner, egress[_i].outer), egress[_i].forwarded);
	// DSCP bits above do not matter.
	ck_assert_int_eq(gw_ecn_decapsulate(egress[_i].inner | 0xfc, egress[_i].outer | 0xb8),
		egress[_i].forwarded);
}
END_TEST

START_TEST(ecn_encapsulate)
{
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		ck_assert_uint_eq(gw_ecn_encapsulate(ecn), ecn);
		ck_assert_uint_eq(gw_ecn_encapsulate(ecn | 0xb8), ecn);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_checksum");
	TCase *sums = tcase_create("checksum");
	TCase *ecn = tcase_create("ecn");

	srand(1071);
	tcase_add_test(sums, add_at_every_length);
	tcase_add_test(sums, add_in_pieces);
	tcase_add_test(sums, add_does_not_overflow);
	tcase_add_test(sums, twenty_bytes);
	tcase_add_test(sums, update_equals_full_checksum);
	tcase_add_test(sums, update_of_rfc_1624);
	tcase_add_test(sums, ttl_and_tos_in_v4);
	tcase_add_test(sums, ttl_and_tos_in_v6);
	tcase_add_loop_test(ecn, ecn_decapsulate, 0, sizeof(egress) / sizeof(egress[0]));
	tcase_add_test(ecn, ecn_encapsulate);
	suite_add_tcase(suite, sums);
	suite_add_tcase(suite, ecn);
	return gw_test_run(suite, false);
}
