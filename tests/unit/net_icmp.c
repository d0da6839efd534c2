// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/icmp.h"

#include <string.h>

#include "net/checksum.h"
#include "net/ip.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

#define GUARD 64

static uint8_t packet[2048];
static uint8_t reply[2048];

// A packet of size bytes whose upper layer begins with the two bytes type and code.
struct packet_case {
	const char *what;
	const char *source, *destination;
	uint8_t protocol;
	uint8_t type;
	uint16_t fragment; // IPv4: flags and offset; IPv6: not 0 adds a fragment header with it
	uint16_t size;     // 0: 128
	bool allowed;
};

static uint32_t build(const struct packet_case *c)
{
	uint32_t size = c->size ? c->size : 128, header = 20;
	struct gw_addr source, destination;

	ck_assert(gw_addr_parse(c->source, &source));
	ck_assert(gw_addr_parse(c->destination, &destination));
	memset(packet, 0, sizeof(packet));
	for (uint32_t i = 40; i < size; i++)
		packet[i] = (uint8_t)i;
	if (source.family == 4) {
		packet[0] = 0x45;
		packet[2] = (uint8_t)(size >> 8);
		packet[3] = (uint8_t)size;
		packet[6] = (uint8_t)(c->fragment >> 8);
		packet[7] = (uint8_t)c->fragment;
		packet[9] = c->protocol;
		memcpy(packet + 12, source.bytes, 4);
		memcpy(packet + 16, destination.bytes, 4);
	} else {
		header = 40;
		packet[0] = 0x60;
		packet[4] = (uint8_t)((size - 40) >> 8);
		packet[5] = (uint8_t)(size - 40);
		packet[6] = c->protocol;
		memcpy(packet + 8, source.bytes, 16);
		memcpy(packet + 24, destination.bytes, 16);
		if (c->fragment) {
			memset(packet + 40, 0, 8);
			packet[40] = c->protocol;
			packet[6] = 44;
			packet[42] = (uint8_t)(c->fragment >> 8);
			packet[43] = (uint8_t)c->fragment;
			header = 48;
		}
	}
	if (size > header)
		packet[header] = c->type;
	return size;
}

#define A4 "192.0.2.1"
#define B4 "198.51.100.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

static const struct packet_case who_gets_one[] = {
	{ .what = "TCP", A4, B4, 6, .allowed = true },
	{ .what = "UDP with DF", A4, B4, 17, .fragment = 0x4000, .allowed = true },
	{ .what = "first fragment", A4, B4, 17, .fragment = 0x2000, .size = 124, .allowed = true },
	{ .what = "later fragment", A4, B4, 17, .fragment = 0x0010 },
	{ .what = "echo request", A4, B4, 1, .type = 8, .allowed = true },
	{ .what = "echo reply", A4, B4, 1, .type = 0, .allowed = true },
	{ .what = "timestamp", A4, B4, 1, .type = 13, .allowed = true },
	{ .what = "unreachable", A4, B4, 1, .type = 3 },
	{ .what = "source quench", A4, B4, 1, .type = 4 },
	{ .what = "redirect", A4, B4, 1, .type = 5 },
	{ .what = "time exceeded", A4, B4, 1, .type = 11 },
	{ .what = "parameter problem", A4, B4, 1, .type = 12 },
	{ .what = "ICMP without a header", A4, B4, 1, .size = 20 },
	{ .what = "from this network", "0.0.0.5", B4, 17 },
	{ .what = "from nobody to many", "0.0.0.0", "255.255.255.255", 17 },
	{ .what = "from class E", "240.0.0.1", B4, 17 },
	{ .what = "from loopback", "127.0.0.1", B4, 17 },
	{ .what = "from multicast", "224.0.0.1", B4, 17 },
	{ .what = "to multicast", A4, "224.0.0.251", 17 },
	{ .what = "to broadcast", A4, "255.255.255.255", 17 },
	{ .what = "v6 TCP", A6, B6, 6, .allowed = true },
	{ .what = "v6 first fragment", A6, B6, 17, .fragment = 1, .allowed = true },
	{ .what = "v6 later fragment", A6, B6, 17, .fragment = 16 },
	{ .what = "v6 echo request", A6, B6, 58, .type = 128, .allowed = true },
	{ .what = "v6 neighbour advertisement", A6, B6, 58, .type = 136, .allowed = true },
	{ .what = "v6 unreachable", A6, B6, 58, .type = 1 },
	{ .what = "v6 too big", A6, B6, 58, .type = 2 },
	{ .what = "v6 private error", A6, B6, 58, .type = 127 },
	{ .what = "v6 redirect", A6, B6, 58, .type = 137 },
	{ .what = "v6 ICMP without a header", A6, B6, 58, .size = 40 },
	{ .what = "v6 from nobody", "::", "ff02::1", 58, .type = 135 },
	{ .what = "v6 from multicast", "ff02::1", B6, 17 },
	{ .what = "v6 to multicast", A6, "ff05::2", 17 },
};

START_TEST(allowed)
{
	const struct packet_case *c = &who_gets_one[_i];
	uint32_t size = build(c);

	ck_assert_msg(gw_icmp_error_allowed(packet, size) == c->allowed, "%s", c->what);
}
END_TEST

// What cannot be seen might be an error.
START_TEST(not_allowed_when_out_of_sight)
{
	struct packet_case v4 = { .what = "", A4, B4, 1, .type = 8 };
	struct packet_case v6 = { .what = "", A6, B6, 58, .type = 128, .fragment = 1 };

	build(&v4);
	ck_assert(!gw_icmp_error_allowed(packet, 20));
	ck_assert(!gw_icmp_error_allowed(packet, 19));
	ck_assert(gw_icmp_error_allowed(packet, 28));
	build(&v6);
	ck_assert(!gw_icmp_error_allowed(packet, 40));
	ck_assert(gw_icmp_error_allowed(packet, 56));
}
END_TEST

static const struct {
	enum gw_icmp_error error;
	uint32_t parameter;
	uint8_t v4[8], v6[8]; // ICMP header; the checksum is not compared
} kinds[] = {
	{ GW_ICMP_TTL_EXCEEDED, 7, { 11, 0 }, { 3, 0 } },
	{ GW_ICMP_TOO_BIG, 1400, { 3, 4, 0, 0, 0, 0, 0x05, 0x78 },
		{ 2, 0, 0, 0, 0, 0, 0x05, 0x78 } },
	{ GW_ICMP_TOO_BIG, 70000, { 3, 4, 0, 0, 0, 0, 0xff, 0xff },
		{ 2, 0, 0, 0, 0, 1, 0x11, 0x70 } },
	{ GW_ICMP_NO_ROUTE, 0, { 3, 0 }, { 1, 0 } },
	{ GW_ICMP_HOST_UNREACHABLE, 0, { 3, 1 }, { 1, 3 } },
	{ GW_ICMP_ADMIN_PROHIBITED, 0, { 3, 13 }, { 1, 1 } },
};

static void assert_icmp_header(const uint8_t *icmp, const uint8_t *expected)
{
	ck_assert_mem_eq(icmp, expected, 2);
	ck_assert_mem_eq(icmp + 4, expected + 4, 4);
}

static uint32_t build_reply(uint32_t size, const char *source_text, int kind)
{
	struct gw_addr source;
	uint32_t expected = gw_icmp_error_bytes(packet, size), bytes;

	ck_assert(gw_addr_parse(source_text, &source));
	memset(reply, 0xee, sizeof(reply));
	bytes = gw_icmp_error_build(
		reply, packet, size, &source, kinds[kind].error, kinds[kind].parameter);
	ck_assert_uint_eq(bytes, expected);
	for (uint32_t i = bytes; i < bytes + GUARD; i++)
		ck_assert_uint_eq(reply[i], 0xee);
	return bytes;
}

static void check_v4(uint32_t size, int kind)
{
	uint32_t bytes = build_reply(size, "203.0.113.9", kind);
	struct gw_ip ip;

	ck_assert_uint_eq(bytes, size + 28 < 576 ? size + 28 : 576);
	ck_assert_int_eq(gw_ip_parse(reply, bytes, bytes, true, &ip), GW_IP_OK);
	ck_assert_uint_eq(ip.ip_bytes, bytes);
	ck_assert_uint_eq(ip.header_bytes, 20);
	ck_assert_uint_eq(ip.flow.protocol, 1);
	ck_assert(ip.dont_fragment);
	ck_assert_mem_eq(reply + 12, ((uint8_t[]){ 203, 0, 113, 9 }), 4);
	ck_assert_mem_eq(reply + 16, packet + 12, 4);
	ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(0, reply + 20, bytes - 20)), 0);
	assert_icmp_header(reply + 20, kinds[kind].v4);
	ck_assert_mem_eq(reply + 28, packet, bytes - 28);
	ck_assert(!gw_icmp_error_allowed(reply, bytes));
}

static void check_v6(uint32_t size, int kind)
{
	uint32_t bytes = build_reply(size, "2001:db8:f::9", kind), sum;
	uint8_t pseudo[8] = { 0, 0, (uint8_t)((bytes - 40) >> 8), (uint8_t)(bytes - 40), 0, 0, 0,
		58 };
	struct gw_ip ip;

	ck_assert_uint_eq(bytes, size + 48 < 1280 ? size + 48 : 1280);
	ck_assert_int_eq(gw_ip_parse(reply, bytes, bytes, true, &ip), GW_IP_OK);
	ck_assert_uint_eq(ip.ip_bytes, bytes);
	ck_assert_uint_eq(ip.flow.protocol, 58);
	ck_assert_mem_eq(reply + 24, packet + 8, 16);
	sum = gw_checksum_add(0, reply + 8, 32);
	sum = gw_checksum_add(sum, pseudo, sizeof(pseudo));
	ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(sum, reply + 40, bytes - 40)), 0);
	assert_icmp_header(reply + 40, kinds[kind].v6);
	ck_assert_mem_eq(reply + 48, packet, bytes - 48);
	ck_assert(!gw_icmp_error_allowed(reply, bytes));
}

START_TEST(built)
{
	struct packet_case v4 = { .what = "", A4, B4, 17 };
	struct packet_case v6 = { .what = "", A6, B6, 17 };

	for (v4.size = 20; v4.size <= 1600; v4.size++)
		check_v4(build(&v4), _i);
	for (v6.size = 40; v6.size <= 1600; v6.size++)
		check_v6(build(&v6), _i);
}
END_TEST

START_TEST(padding_is_not_quoted)
{
	struct packet_case v4 = { .what = "", A4, B4, 17, .size = 40 };
	struct packet_case v6 = { .what = "", A6, B6, 17, .size = 50 };

	build(&v4);
	ck_assert_uint_eq(gw_icmp_error_bytes(packet, 64), 68);
	build(&v6);
	ck_assert_uint_eq(gw_icmp_error_bytes(packet, 64), 98);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_icmp");
	TCase *tcase = tcase_create("error");

	LOOP(tcase, allowed, who_gets_one);
	tcase_add_test(tcase, not_allowed_when_out_of_sight);
	LOOP(tcase, built, kinds);
	tcase_add_test(tcase, padding_is_not_quoted);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
