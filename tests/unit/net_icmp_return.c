// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What an ICMP error says about the traffic that it belongs to. conformance: F7, G11

#include "net/icmp_return.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

static const struct kind {
	uint8_t family, protocol;
	uint16_t type;
	bool hidden, error;
} kinds[] = {
	{ 4, 1, .type = 3, .error = true },
	{ 4, 1, .type = 4, .error = true },
	{ 4, 1, .type = 11, .error = true },
	{ 4, 1, .type = 12, .error = true },
	{ 4, 1, .type = 5 },
	{ 4, 1, .type = 0 },
	{ 4, 1, .type = 8 },
	{ 4, 1, .type = 3, .hidden = true },
	{ 4, 58, .type = 3 },
	{ 4, 6, .type = 3 },
	{ 6, 58, .type = 1, .error = true },
	{ 6, 58, .type = 2, .error = true },
	{ 6, 58, .type = 127, .error = true },
	{ 6, 58, .type = 128 },
	{ 6, 58, .type = 137 },
	{ 6, 1, .type = 3 },
};

START_TEST(knows_an_error)
{
	const struct kind *kind = &kinds[_i];
	struct gw_flow flow = {
		.family = kind->family,
		.protocol = kind->protocol,
		.source_port = kind->type,
		.ports_known = !kind->hidden,
	};

	ck_assert_int_eq(gw_icmp_is_error(&flow), kind->error);
}
END_TEST

// The quoted packet goes from host 1 to host 2 of its family.
static const struct quote {
	const char *what;
	uint8_t family, protocol;
	uint16_t first, second; // ports, or type and code
	uint16_t bytes;         // of the quote that are there; 0: all
	uint16_t fragment;      // IPv4: offset in units of 8
	bool to_another, other_family;
	bool read, ports;
	uint16_t answer_first, answer_second;
} quotes[] = {
	{ "UDP", 4, 17, 1000, 2000, .read = true, .ports = true, .answer_first = 2000,
		.answer_second = 1000 },
	{ "TCP", 6, 6, 1000, 2000, .read = true, .ports = true, .answer_first = 2000,
		.answer_second = 1000 },
	{ "echo", 4, 1, 0x0800, .read = true, .ports = true, .answer_first = 0 },
	{ "its answer", 4, 1, 0x0000, .read = true, .ports = true, .answer_first = 8 },
	{ "timestamp", 4, 1, 0x0d00, .read = true, .ports = true, .answer_first = 14 },
	{ "another type", 4, 1, 0x1102, .read = true, .ports = true, .answer_first = 17,
		.answer_second = 2 },
	{ "IPv6 echo", 6, 58, 0x8000, .read = true, .ports = true, .answer_first = 129 },
	{ "its answer", 6, 58, 0x8100, .read = true, .ports = true, .answer_first = 128 },
	{ "no ports", 4, 47, 1000, 2000, .read = true },
	{ "ports cut off", 4, 17, 1000, 2000, .bytes = 23, .read = true },
	{ "a header alone", 4, 17, 1000, 2000, .bytes = 20, .read = true },
	{ "a later fragment", 4, 17, 1000, 2000, .fragment = 3, .read = true },
	{ "a header cut short", 4, 17, 1000, 2000, .bytes = 19 },
	{ "one byte", 4, 17, 1000, 2000, .bytes = 1 },
	{ "an IPv6 header cut short", 6, 17, 1000, 2000, .bytes = 39 },
	{ "to another than its sender", 4, 17, 1000, 2000, .to_another = true },
	{ "to another than its sender", 6, 17, 1000, 2000, .to_another = true },
	{ "in an error of the other family", 4, 17, 1000, 2000, .other_family = true },
	{ "in an error of the other family", 6, 17, 1000, 2000, .other_family = true },
};

static void host(uint8_t family, uint8_t number, uint8_t out[static 16])
{
	static const uint8_t v4[4] = { 10, 0, 0 }, v6[16] = { 0x20, 1, 0xd, 0xb8 };

	memset(out, 0, 16);
	memcpy(out, family == 4 ? v4 : v6, family == 4 ? sizeof(v4) : sizeof(v6));
	out[family == 4 ? 3 : 15] = number;
}

static uint32_t write_quote(const struct quote *quote, uint8_t *at)
{
	uint8_t source[16], destination[16];
	uint32_t header = quote->family == 4 ? 20 : 40;
	uint8_t *upper = at + header;

	host(quote->family, 1, source);
	host(quote->family, 2, destination);
	memset(at, 0, header + 8);
	if (quote->family == 4) {
		at[0] = 0x45;
		at[2] = 5; // a packet of 1,280 bytes and more
		at[7] = (uint8_t)quote->fragment;
		at[8] = 1;
		at[9] = quote->protocol;
		memcpy(at + 12, source, 4);
		memcpy(at + 16, destination, 4);
	} else {
		at[0] = 0x60;
		at[4] = 5;
		at[6] = quote->protocol;
		at[7] = 1;
		memcpy(at + 8, source, 16);
		memcpy(at + 24, destination, 16);
	}
	upper[0] = (uint8_t)(quote->first >> 8);
	upper[1] = (uint8_t)quote->first;
	upper[2] = (uint8_t)(quote->second >> 8);
	upper[3] = (uint8_t)quote->second;
	return quote->bytes ? quote->bytes : header + 8;
}

START_TEST(turns_the_quote_round)
{
	const struct quote *quote = &quotes[_i];
	struct gw_flow error = { .family = quote->family ^ (quote->other_family ? 2 : 0) };
	uint8_t made[8 + 48], one[16], two[16];
	struct gw_flow answer;
	uint32_t bytes = 8 + write_quote(quote, made + 8);
	uint8_t *exact = malloc(bytes); // so that a sanitizer sees what lies behind it
	bool read;

	memset(made, 0, 8);
	memcpy(exact, made, bytes);
	host(quote->family, 1, one);
	host(quote->family, 2, two);
	memcpy(error.destination, quote->to_another ? two : one, 16);
	read = gw_icmp_return_flow(&error, exact, bytes, &answer);
	free(exact);
	ck_assert_msg(read == quote->read, "%s", quote->what);
	if (!read)
		return;
	ck_assert_mem_eq(answer.source, two, 16);
	ck_assert_mem_eq(answer.destination, one, 16);
	ck_assert_uint_eq(answer.family, quote->family);
	ck_assert_uint_eq(answer.protocol, quote->protocol);
	ck_assert_msg(answer.ports_known == quote->ports, "%s", quote->what);
	ck_assert_msg(answer.source_port == quote->answer_first &&
			      answer.destination_port == quote->answer_second,
		"%s: %u %u", quote->what, answer.source_port, answer.destination_port);
}
END_TEST

START_TEST(needs_a_quote)
{
	static const uint8_t message[8];
	struct gw_flow error = { .family = 4 }, answer;

	for (uint32_t bytes = 0; bytes <= sizeof(message); bytes++)
		ck_assert(!gw_icmp_return_flow(&error, message, bytes, &answer));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_icmp_return");
	TCase *tcase = tcase_create("return");

	LOOP(tcase, knows_an_error, kinds);
	LOOP(tcase, turns_the_quote_round, quotes);
	tcase_add_test(tcase, needs_a_quote);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
