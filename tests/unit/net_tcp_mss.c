// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/tcp_mss.h"

#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

// A SYN with these options, clamped to 1360.
static const struct options {
	const char *what;
	uint8_t bytes;        // of the options; 0: as far as the header says
	uint8_t header_words; // 0: the header covers the options
	uint8_t before[16], after[16];
} rows[] = {
	{ "the usual place", 4, 0, { 2, 4, 5, 180 }, { 2, 4, 5, 80 } },
	{ "as large as allowed", 4, 0, { 2, 4, 5, 80 }, { 2, 4, 5, 80 } },
	{ "one more", 4, 0, { 2, 4, 5, 81 }, { 2, 4, 5, 80 } },
	{ "smaller", 4, 0, { 2, 4, 2, 0 }, { 2, 4, 2, 0 } },
	{ "the largest", 4, 0, { 2, 4, 255, 255 }, { 2, 4, 5, 80 } },
	{ "at an odd place", 8, 0, { 1, 2, 4, 5, 180, 1, 1, 1 }, { 1, 2, 4, 5, 80, 1, 1, 1 } },
	{ "behind others", 12, 0, { 4, 2, 3, 3, 7, 2, 4, 5, 180 }, { 4, 2, 3, 3, 7, 2, 4, 5, 80 } },
	{ "twice", 8, 0, { 2, 4, 5, 180, 2, 4, 6, 0 }, { 2, 4, 5, 80, 2, 4, 5, 80 } },
	{ "none", 4, 0, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } },
	{ "behind the end", 8, 0, { 0, 0, 0, 0, 2, 4, 5, 180 }, { 0, 0, 0, 0, 2, 4, 5, 180 } },
	{ "a length of 3", 4, 0, { 2, 3, 5, 180 }, { 2, 3, 5, 180 } },
	{ "a length of 0", 8, 0, { 7, 0, 0, 0, 2, 4, 5, 180 }, { 7, 0, 0, 0, 2, 4, 5, 180 } },
	{ "a length of 1", 8, 0, { 7, 1, 0, 0, 2, 4, 5, 180 }, { 7, 1, 0, 0, 2, 4, 5, 180 } },
	{ "longer than the header", 4, 0, { 2, 5, 5, 180 }, { 2, 5, 5, 180 } },
	{ "cut by the header", 4, 0, { 1, 1, 2, 4 }, { 1, 1, 2, 4 } },
	{ "a kind alone at the end", 4, 0, { 1, 1, 1, 2 }, { 1, 1, 1, 2 } },
	{ "data looks like it", 4, 5, { 2, 4, 5, 180 }, { 2, 4, 5, 180 } },
	{ "a header beyond the segment", 4, 7, { 2, 4, 5, 180 }, { 2, 4, 5, 180 } },
	{ "a header of 4 words", 4, 4, { 2, 4, 5, 180 }, { 2, 4, 5, 180 } },
};

START_TEST(options_are_clamped)
{
	const struct options *row = &rows[_i];
	uint32_t size = 20u + row->bytes;
	uint8_t words = row->header_words ? row->header_words : (uint8_t)(size / 4);
	uint8_t *tcp = calloc(1, size); // exactly, for the sanitizer to see
	uint16_t sum;
	bool changed;

	tcp[12] = (uint8_t)(words << 4);
	tcp[13] = 2;
	memcpy(tcp + 20, row->before, row->bytes);
	sum = gw_checksum_finish(gw_checksum_add(0x1234, tcp, size));
	memcpy(tcp + 16, &sum, 2);
	changed = gw_tcp_mss_clamp(tcp, size, 1360);
	ck_assert_msg(memcmp(tcp + 20, row->after, row->bytes) == 0, "%s", row->what);
	ck_assert_msg(
		changed == (memcmp(row->before, row->after, row->bytes) != 0), "%s", row->what);
	ck_assert_msg(gw_checksum_finish(gw_checksum_add(0x1234, tcp, size)) == 0, "%s", row->what);
	free(tcp);
}
END_TEST

START_TEST(syns)
{
	uint8_t tcp[20] = { [12] = 0x50 };

	for (unsigned int flags = 0; flags < 256; flags++) {
		tcp[13] = (uint8_t)flags;
		ck_assert(gw_tcp_is_syn(tcp, 20) == ((flags & 2) != 0));
		ck_assert(!gw_tcp_is_syn(tcp, 19));
	}
	ck_assert(!gw_tcp_mss_clamp(tcp, 19, 1360));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_tcp_mss");
	TCase *tcase = tcase_create("options");

	LOOP(tcase, options_are_clamped, rows);
	tcase_add_test(tcase, syns);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
