// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AH's layout, and the headers before it as its ICV covers them (RFC 4302 appendix A).

#include <string.h>

#include "base/hex.h"
#include "ipsec/ah.h"
#include "run.h"

#define A1 "20010db8000000000000000000000001"
#define A2 "20010db8000000000000000000000002"
#define A3 "20010db8000000000000000000000003"
#define A4 "20010db8000000000000000000000004"
#define V6(next, destination)                                                                      \
	"6ff12345"                                                                                 \
	"0040" next "40" A1 destination
#define V6_ZERO(next, destination)                                                                 \
	"60000000"                                                                                 \
	"0040" next "00" A1 destination

static const struct row {
	const char *name;
	const char *headers;
	const char *covered; // NULL: refused
} rows[] = {
	// conformance: K1
	{ "IPv4",
		"45ff001c1234400040"
		"33abcd0a0000010a000002",
		"4500001c1234000000"
		"3300000a0000010a000002" },
	{ "IPv6", V6("33", A2), V6_ZERO("33", A2) },
	// conformance: K2
	{ "router alert, no operation, end",
		"47ff001c123440004033abcd0a0000010a000002"
		"9404000001000000",
		"4700001c123400000033"
		"00000a0000010a000002"
		"9404000001000000" },
	{ "record route",
		"47ff001c123440004033abcd0a0000010a000002"
		"070704c0000201"
		"00",
		"4700001c123400000033"
		"00000a0000010a000002"
		"0000000000000000" },
	{ "an unknown option",
		"46ff001c123440004033abcd0a0000010a000002"
		"1e04abcd",
		"4600001c123400000033"
		"00000a0000010a000002"
		"00000000" },
	{ "loose source route",
		"48ff001c123440004033abcd0a0000010a000002"
		"830b04c0000201c000020201",
		"4800001c123400000033"
		"00000a000001c0000202"
		"000000000000000000000001" },
	{ "strict source route, used up",
		"47ff001c123440004033abcd0a0000010a000002"
		"890708c000020101",
		"4700001c123400000033"
		"00000a0000010a000002"
		"0000000000000001" },
	{ "an option beyond the header",
		"46ff001c123440004033abcd0a0000010a000002"
		"07050000",
		NULL },
	{ "an option of no length",
		"46ff001c123440004033abcd0a0000010a000002"
		"07000000",
		NULL },
	{ "an option that ends at its type",
		"46ff001c123440004033abcd0a0000010a000002"
		"01010107",
		NULL },
	{ "a source route too short",
		"46ff001c123440004033abcd0a0000010a000002"
		"83040400",
		NULL },
	// conformance: K3
	{ "an option that changes and one that does not",
		V6("00", A2) "3300"
			     "3e02abcd"
			     "1e00",
		V6_ZERO("00", A2) "3300"
				  "3e020000"
				  "1e00" },
	{ "that it changes is one bit of its type",
		V6("3c", A2) "3300"
			     "2e02abcd"
			     "1e00",
		V6_ZERO("3c", A2) "3300"
				  "2e020000"
				  "1e00" },
	{ "and it is none of the others",
		V6("3c", A2) "3300"
			     "de02abcd"
			     "1e00",
		V6_ZERO("3c", A2) "3300"
				  "de02abcd"
				  "1e00" },
	{ "Pad1 and PadN",
		V6("3c", A2) "3300"
			     "00"
			     "0103aabbcc",
		V6_ZERO("3c", A2) "3300"
				  "00"
				  "0103aabbcc" },
	{ "an option beyond its header",
		V6("00", A2) "3300"
			     "3e05abcd1e00",
		NULL },
	{ "an option without a length",
		V6("00", A2) "3300"
			     "00000000003e",
		NULL },
	{ "a routing header at its end", V6("2b", A2) "3302000000000000" A3,
		V6_ZERO("2b", A2) "3302000000000000" A3 },
	{ "of type 2 with a segment left", V6("2b", A2) "3302020100000000" A3,
		V6_ZERO("2b", A3) "3302020000000000" A2 },
	{ "of type 0 with two of two left", V6("2b", A2) "3304000200000000" A3 A4,
		V6_ZERO("2b", A4) "3304000000000000" A2 A3 },
	{ "of type 0 with one of two left", V6("2b", A2) "3304000100000000" A3 A4,
		V6_ZERO("2b", A4) "3304000000000000" A3 A2 },
	{ "of type 0 with more left than there are", V6("2b", A2) "3302000200000000" A3, NULL },
	{ "of an unknown type with a segment left", V6("2b", A2) "3302040100000000" A3, NULL },
	{ "a fragment header", V6("2c", A2) "3300000000000001", NULL },
	{ "an extension header beyond",
		V6("00", A2) "3301"
			     "010400000000",
		NULL },
};

START_TEST(headers)
{
	const struct row *row = &rows[_i];
	uint8_t got[128], wanted[128];
	ssize_t bytes = gw_hex_decode(row->headers, got, sizeof(got));

	ck_assert_msg(bytes >= 20, "%s: %zd", row->name, bytes);
	if (!row->covered) {
		ck_assert_msg(!gw_ah_cover(got, (uint32_t)bytes), "%s", row->name);
		return;
	}
	ck_assert_msg(gw_ah_cover(got, (uint32_t)bytes), "%s", row->name);
	ck_assert_msg(
		gw_hex_decode(row->covered, wanted, sizeof(wanted)) == bytes, "%s", row->name);
	ck_assert_msg(memcmp(got, wanted, (size_t)bytes) == 0, "%s", row->name);
}
END_TEST

static const struct length {
	uint32_t value_bytes;
	uint8_t v4, v6;
} lengths[] = { { 12, 24, 24 }, { 16, 28, 32 }, { 24, 36, 40 }, { 32, 44, 48 } };

// conformance: K4
START_TEST(length_fields)
{
	const struct length *row = &lengths[_i];

	ck_assert_uint_eq(gw_ah_bytes(4, row->value_bytes), row->v4);
	ck_assert_uint_eq(gw_ah_bytes(6, row->value_bytes), row->v6);
	for (unsigned int field = 0; field < 256; field++) {
		const uint32_t bytes = (field + 2) * 4;
		const uint32_t v4 = bytes == row->v4 || bytes == row->v6 ? bytes : 0;

		ck_assert_uint_eq(gw_ah_bytes_received((uint8_t)field, 4, row->value_bytes), v4);
		ck_assert_uint_eq(gw_ah_bytes_received((uint8_t)field, 6, row->value_bytes),
			bytes == row->v6 ? bytes : 0);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("ah");
	Suite *suite = suite_create("ipsec_ah");

	tcase_add_loop_test(tests, headers, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tests, length_fields, 0, sizeof(lengths) / sizeof(lengths[0]));
	suite_add_tcase(suite, tests);
	return gw_test_run(suite, false);
}
