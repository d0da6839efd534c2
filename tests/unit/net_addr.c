// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/addr.h"

#include <string.h>

#include "run.h"

static const struct {
	const char *text;
	uint8_t family; // 0: refused
	const char *written;
} addresses[] = {
	{ "0.0.0.0", 4, "0.0.0.0" },
	{ "192.0.2.1", 4, "192.0.2.1" },
	{ "255.255.255.255", 4, "255.255.255.255" },
	{ "::", 6, "::" },
	{ "2001:DB8:0:0::1", 6, "2001:db8::1" },
	{ "::ffff:192.0.2.1", 6, "::ffff:192.0.2.1" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", 0, "" },
	{ "192.0.2", 0, "" },
	{ "192.0.2.256", 0, "" },
	{ "192.0.2.01", 0, "" },
	{ " 192.0.2.1", 0, "" },
	{ "192.0.2.1 ", 0, "" },
	{ "192.0.2.1/32", 0, "" },
	{ "0x7f000001", 0, "" },
	{ "fe80::1%eth0", 0, "" },
	{ "1::2::3", 0, "" },
	{ "gateway", 0, "" },
};

START_TEST(addr_round_trip)
{
	char buffer[GW_ADDR_STRLEN];
	struct gw_addr addr, again;
	bool parsed = gw_addr_parse(addresses[_i].text, &addr);

	ck_assert_int_eq(parsed, addresses[_i].family != 0);
	ck_assert_uint_eq(addr.family, addresses[_i].family);
	if (!parsed)
		return;
	ck_assert_str_eq(gw_addr_format(&addr, buffer), addresses[_i].written);
	ck_assert(gw_addr_parse(buffer, &again));
	ck_assert(gw_addr_equal(&addr, &again));
	if (addr.family == 4)
		for (unsigned int i = 4; i < sizeof(addr.bytes); i++)
			ck_assert_uint_eq(addr.bytes[i], 0);
}
END_TEST

enum { NEVER, LOOSE, STRICT };

static const struct {
	const char *text;
	int accepted;
	const char *written;
} prefixes[] = {
	{ "192.0.2.0/24", STRICT, "192.0.2.0/24" },
	{ "192.0.2.1", STRICT, "192.0.2.1/32" },
	{ "0.0.0.0/0", STRICT, "0.0.0.0/0" },
	{ "2001:db8::/32", STRICT, "2001:db8::/32" },
	{ "2001:db8::1", STRICT, "2001:db8::1/128" },
	{ "::/0", STRICT, "::/0" },
	{ "192.0.2.1/31", LOOSE, "192.0.2.1/31" },
	{ "192.0.2.1/24", LOOSE, "192.0.2.1/24" },
	{ "2001:db8::1/64", LOOSE, "2001:db8::1/64" },
	{ "192.0.2.0/33", NEVER, "" },
	{ "192.0.2.0/", NEVER, "" },
	{ "192.0.2.0/024", NEVER, "" },
	{ "192.0.2.0/+24", NEVER, "" },
	{ "192.0.2.0/24 ", NEVER, "" },
	{ "192.0.2.0/4294967320", NEVER, "" },
	{ "192.0.2.0/255.255.255.0", NEVER, "" },
	{ "::/129", NEVER, "" },
	{ "/24", NEVER, "" },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1", NEVER, "" },
};

START_TEST(prefix_round_trip)
{
	char buffer[GW_ADDR_STRLEN + 4];
	struct gw_prefix prefix;

	ck_assert_int_eq(
		gw_prefix_parse(prefixes[_i].text, true, &prefix), prefixes[_i].accepted == STRICT);
	ck_assert_int_eq(
		gw_prefix_parse(prefixes[_i].text, false, &prefix), prefixes[_i].accepted != NEVER);
	if (prefixes[_i].accepted != NEVER)
		ck_assert_str_eq(gw_prefix_format(&prefix, buffer), prefixes[_i].written);
}
END_TEST

static const struct {
	const char *text;
	const char *written; // NULL: refused
} ranges[] = {
	{ "192.0.2.0/24", "192.0.2.0/24" },
	{ "192.0.2.1", "192.0.2.1/32" },
	{ "192.0.2.0-192.0.2.255", "192.0.2.0/24" },
	{ "192.0.2.7-192.0.2.7", "192.0.2.7/32" },
	{ "192.0.2.1-192.0.2.254", "192.0.2.1-192.0.2.254" },
	{ "0.0.0.0-255.255.255.255", "0.0.0.0/0" },
	{ "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0" },
	{ "2001:db8::1-2001:db8::ffff", "2001:db8::1-2001:db8::ffff" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
	{ "192.0.2.2-192.0.2.1", NULL },
	{ "192.0.2.1/24", NULL },
	{ "192.0.2.1-2001:db8::1", NULL },
	{ "192.0.2.1-", NULL },
	{ "-192.0.2.1", NULL },
	{ "192.0.2.0/25-192.0.2.255", NULL },
	{ "192.0.2.1 - 192.0.2.2", NULL },
};

START_TEST(range_round_trip)
{
	char buffer[GW_RANGE_STRLEN];
	struct gw_range range;
	bool parsed = gw_range_parse(ranges[_i].text, &range);

	ck_assert_int_eq(parsed, ranges[_i].written != NULL);
	if (parsed)
		ck_assert_str_eq(gw_range_format(&range, buffer), ranges[_i].written);
}
END_TEST

static const struct {
	const char *outer;
	const char *addr;
	bool within;
} contained[] = {
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/24", "192.0.1.255", false },
	{ "192.0.2.9", "192.0.2.9", true },
	{ "192.0.2.9", "192.0.2.8", false },
	{ "0.0.0.0/0", "203.0.113.1", true },
	{ "0.0.0.0/0", "::", false },
	{ "::/0", "0.0.0.0", false },
	{ "::/0", "ffff::1", true },
	{ "2001:db8::/63", "2001:db8:0:1::5", true },
	{ "2001:db8::/64", "2001:db8:0:1::5", false },
};

START_TEST(contains)
{
	struct gw_prefix prefix;
	struct gw_range range;
	struct gw_addr addr;

	ck_assert(gw_addr_parse(contained[_i].addr, &addr));
	ck_assert(gw_prefix_parse(contained[_i].outer, true, &prefix));
	ck_assert_int_eq(gw_prefix_contains(&prefix, &addr), contained[_i].within);
	ck_assert(gw_range_parse(contained[_i].outer, &range));
	ck_assert_int_eq(gw_range_contains(&range, &addr), contained[_i].within);
}
END_TEST

START_TEST(contains_ignores_host_bits)
{
	struct gw_prefix prefix;
	struct gw_addr addr;

	ck_assert(gw_prefix_parse("192.0.2.77/24", false, &prefix));
	ck_assert(gw_addr_parse("192.0.2.1", &addr));
	ck_assert(gw_prefix_contains(&prefix, &addr));
}
END_TEST

START_TEST(compare_orders_families_then_bytes)
{
	static const char *const ordered[] = { "0.0.0.0", "0.0.0.255", "0.0.1.0", "255.0.0.0",
		"::", "::1", "1::" };
	struct gw_addr a, b;

	for (int i = 0; i < 7; i++)
		for (int j = 0; j < 7; j++) {
			ck_assert(gw_addr_parse(ordered[i], &a) && gw_addr_parse(ordered[j], &b));
			ck_assert_int_eq(gw_addr_compare(&a, &b) < 0, i < j);
			ck_assert_int_eq(gw_addr_compare(&a, &b) > 0, i > j);
			ck_assert_int_eq(gw_addr_equal(&a, &b), i == j);
		}
}
END_TEST

static const struct {
	const char *range;
	unsigned int count;
	const char *first; // of the prefixes
	const char *last;
} splits[] = {
	{ "0.0.0.0/0", 1, "0.0.0.0/0", "0.0.0.0/0" },
	{ "::/0", 1, "::/0", "::/0" },
	{ "10.0.0.5", 1, "10.0.0.5/32", "10.0.0.5/32" },
	{ "10.0.0.1-10.0.0.2", 2, "10.0.0.1/32", "10.0.0.2/32" },
	{ "10.0.0.0-10.0.0.2", 2, "10.0.0.0/31", "10.0.0.2/32" },
	{ "10.0.0.0-10.0.1.0", 2, "10.0.0.0/24", "10.0.1.0/32" },
	{ "255.255.255.254-255.255.255.255", 1, "255.255.255.254/31", "255.255.255.254/31" },
	{ "0.0.0.1-255.255.255.254", 62, "0.0.0.1/32", "255.255.255.254/32" },
	{ "0.0.0.1-255.255.255.255", 32, "0.0.0.1/32", "128.0.0.0/1" },
	{ "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 254, "::1/128",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128" },
};

// The tiles join without gap or overlap and end where the range does.
static void assert_tiles(
	const struct gw_prefix *tiles, unsigned int count, const struct gw_range *range)
{
	char text[GW_ADDR_STRLEN + 4];
	struct gw_addr expected = range->first;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_range tile;
		ck_assert(gw_range_parse(gw_prefix_format(&tiles[i], text), &tile));
		ck_assert(gw_addr_equal(&tile.first, &expected));
		expected = tile.last;
		if (i + 1 == count)
			break;
		for (unsigned int byte = gw_addr_bytes(expected.family);
			byte-- > 0 && ++expected.bytes[byte] == 0;)
			;
	}
	ck_assert(gw_addr_equal(&expected, &range->last));
}

START_TEST(range_splits_into_prefixes)
{
	struct gw_prefix tiles[GW_RANGE_MAX_PREFIXES + 1];
	char text[GW_ADDR_STRLEN + 4];
	struct gw_range range;
	unsigned int count;

	ck_assert(gw_range_parse(splits[_i].range, &range));
	count = gw_range_to_prefixes(&range, tiles, GW_RANGE_MAX_PREFIXES);
	ck_assert_uint_eq(count, splits[_i].count);
	ck_assert_str_eq(gw_prefix_format(&tiles[0], text), splits[_i].first);
	ck_assert_str_eq(gw_prefix_format(&tiles[count - 1], text), splits[_i].last);
	assert_tiles(tiles, count, &range);
}
END_TEST

START_TEST(range_writes_no_more_than_size)
{
	struct gw_prefix tiles[3];
	struct gw_range range;

	memset(tiles, 0xee, sizeof(tiles));
	ck_assert(gw_range_parse("0.0.0.1-255.255.255.254", &range));
	ck_assert_uint_eq(gw_range_to_prefixes(&range, tiles, 2), 62);
	ck_assert_uint_eq(tiles[1].length, 31);
	ck_assert_uint_eq(tiles[2].length, 0xee);
}
END_TEST

// Every range of a small space: tiles, and no two neighbouring tiles would make one.
START_TEST(range_splits_are_fewest)
{
	for (unsigned int first = 0; first < 64; first++)
		for (unsigned int last = first; last < 64; last++) {
			struct gw_range range = { { 4, { 10, 0, 0, (uint8_t)first } },
				{ 4, { 10, 0, 0, (uint8_t)last } } };
			struct gw_prefix tiles[12];
			unsigned int count = gw_range_to_prefixes(&range, tiles, 12);

			ck_assert_uint_le(count, 10);
			assert_tiles(tiles, count, &range);
			for (unsigned int i = 0; i + 1 < count; i++) {
				unsigned int size = 1u << (32 - tiles[i].length);

				ck_assert(tiles[i].length != tiles[i + 1].length ||
					  tiles[i].addr.bytes[3] % (2 * size) != 0);
			}
		}
}
END_TEST

static const struct {
	const char *text;
	const char *written; // NULL: refused
} macs[] = {
	{ "02:00:00:00:00:01", "02:00:00:00:00:01" },
	{ "AA:bb:CC:dd:EE:ff", "aa:bb:cc:dd:ee:ff" },
	{ "", NULL },
	{ "02:00:00:00:00", NULL },
	{ "02:00:00:00:00:0", NULL },
	{ "02:00:00:00:00:01:", NULL },
	{ "02:00:00:00:00:01:02", NULL },
	{ "02-00-00-00-00-01", NULL },
	{ "0x:00:00:00:00:01", NULL },
	{ "2:0:0:0:0:1", NULL },
	{ "02:00:00:00:00:0g", NULL },
	{ "020:0:00:00:00:01", NULL },
};

START_TEST(mac_round_trip)
{
	char buffer[18];
	uint8_t mac[6] = {};
	bool parsed = gw_mac_parse(macs[_i].text, mac);

	ck_assert_int_eq(parsed, macs[_i].written != NULL);
	if (parsed)
		ck_assert_str_eq(gw_mac_format(mac, buffer), macs[_i].written);
}
END_TEST

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("net_addr");
	TCase *tcase = tcase_create("addr");

	LOOP(tcase, addr_round_trip, addresses);
	LOOP(tcase, prefix_round_trip, prefixes);
	LOOP(tcase, range_round_trip, ranges);
	LOOP(tcase, contains, contained);
	tcase_add_test(tcase, contains_ignores_host_bits);
	tcase_add_test(tcase, compare_orders_families_then_bytes);
	LOOP(tcase, range_splits_into_prefixes, splits);
	tcase_add_test(tcase, range_writes_no_more_than_size);
	tcase_add_test(tcase, range_splits_are_fewest);
	LOOP(tcase, mac_round_trip, macs);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
