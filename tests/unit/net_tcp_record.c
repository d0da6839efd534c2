// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// conformance: J21, J24

#include "net/tcp_record.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

static const struct row {
	const char *what;
	uint8_t data[12];
	uint8_t size;
	enum gw_tcp_record kind;
	uint16_t bytes;
} rows[] = {
	{ "nothing", {}, 0, GW_TCP_MORE, 2 },
	{ "half a length", { 1 }, 1, GW_TCP_MORE, 2 },
	{ "a length of 0", { 0, 0 }, 2, GW_TCP_BAD, 0 },
	{ "a length of 0 and more", { 0, 0, 9, 9, 9 }, 5, GW_TCP_BAD, 0 },
	{ "a length of 1", { 0, 1 }, 2, GW_TCP_BAD, 1 },
	{ "an empty record", { 0, 2 }, 2, GW_TCP_RUNT, 2 },
	{ "one byte is missing", { 0, 3 }, 2, GW_TCP_MORE, 3 },
	{ "the longest", { 255, 255, 7 }, 3, GW_TCP_MORE, 65535 },
	{ "a keepalive", { 0, 3, 0xff }, 3, GW_TCP_KEEPALIVE, 3 },
	{ "almost a keepalive", { 0, 3, 0xfe }, 3, GW_TCP_RUNT, 3 },
	{ "two of its bytes", { 0, 4, 0xff, 0xff }, 4, GW_TCP_RUNT, 4 },
	{ "three bytes", { 0, 5, 0, 0, 0 }, 5, GW_TCP_RUNT, 5 },
	{ "a marker alone", { 0, 6, 0, 0, 0, 0 }, 6, GW_TCP_RUNT, 6 },
	{ "a marker, more behind", { 0, 6, 0, 0, 0, 0, 0, 9 }, 8, GW_TCP_RUNT, 6 },
	{ "IKE", { 0, 7, 0, 0, 0, 0, 1 }, 7, GW_TCP_IKE, 7 },
	{ "IKE that is not whole", { 0, 7, 0, 0, 0, 0 }, 6, GW_TCP_MORE, 7 },
	{ "an SPI alone", { 0, 6, 0, 0, 0, 1 }, 6, GW_TCP_ESP, 6 },
	{ "ESP", { 0, 10, 1, 0, 0, 0, 0, 0, 0, 1 }, 10, GW_TCP_ESP, 10 },
	{ "ESP, more behind", { 0, 10, 1, 0, 0, 0, 0, 0, 0, 1, 255, 255 }, 12, GW_TCP_ESP, 10 },
};

START_TEST(records_are_told_apart)
{
	const struct row *row = &rows[_i];
	uint8_t *data = malloc(row->size ? row->size : 1); // exactly, for the sanitizer to see
	size_t bytes;

	memcpy(data, row->data, row->size);
	ck_assert_msg(gw_tcp_record_read(data, row->size, &bytes) == row->kind, "%s", row->what);
	ck_assert_msg(bytes == row->bytes, "%s: %zu", row->what, bytes);
	free(data);
}
END_TEST

START_TEST(prefix_byte_by_byte)
{
	uint8_t data[GW_TCP_PREFIX_BYTES + 1] = "IKETCP";

	for (size_t size = 0; size <= GW_TCP_PREFIX_BYTES; size++)
		ck_assert(gw_tcp_prefix_fits(data, size));
	ck_assert(!gw_tcp_prefix_fits(data, sizeof(data)));
	for (size_t at = 0; at < GW_TCP_PREFIX_BYTES; at++) {
		data[at] ^= 0x20;
		for (size_t size = 0; size <= GW_TCP_PREFIX_BYTES; size++)
			ck_assert(gw_tcp_prefix_fits(data, size) == (size <= at));
		data[at] ^= 0x20;
	}
}
END_TEST

START_TEST(lengths_count_themselves)
{
	uint8_t field[GW_TCP_LENGTH_BYTES];

	ck_assert(gw_tcp_length_write(field, 0));
	ck_assert_mem_eq(field, "\x00\x02", 2);
	ck_assert(gw_tcp_length_write(field, 0x1234));
	ck_assert_mem_eq(field, "\x12\x36", 2);
	ck_assert(gw_tcp_length_write(field, 65533));
	ck_assert_mem_eq(field, "\xff\xff", 2);
	ck_assert(!gw_tcp_length_write(field, 65534));
	ck_assert(!gw_tcp_length_write(field, 65536));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_tcp_record");
	TCase *tcase = tcase_create("records");

	tcase_add_loop_test(tcase, records_are_told_apart, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, prefix_byte_by_byte);
	tcase_add_test(tcase, lengths_count_themselves);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
