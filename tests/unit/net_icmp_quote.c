// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What an ICMP error quotes of an IPsec packet. conformance: I5

#include "net/icmp_quote.h"

#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

#define SPI      0x01020304u
#define SEQUENCE 0xa1a2a3a4u

// A message about a packet of total bytes, of which quoted are there.
static const struct message {
	const char *what;
	uint8_t family;
	uint8_t protocol;
	uint16_t total, quoted; // quoted 0: up to 8 bytes of the upper layer
	uint32_t told;
	uint16_t source_port, destination_port;
	uint16_t fragment; // IPv4: flags and offset; IPv6: not 0 puts a fragment header there
	bool zero_spi, options, wrong_checksum, other_family, ttl_spent;
	uint16_t mtu; // what is to be read; 0: nothing
} messages[] = {
	{ .what = "ESP, 8 bytes quoted", 4, 50, 1500, .told = 1400, .mtu = 1400 },
	{ .what = "ESP, much quoted", 4, 50, 1500, 548, .told = 1400, .mtu = 1400 },
	{ .what = "ESP, 7 bytes quoted", 4, 50, 1500, 27, .told = 1400 },
	{ .what = "ESP behind options", 4, 50, 1500, .told = 1400, .options = true, .mtu = 1400 },
	{ .what = "TTL run down", 4, 50, 1500, .told = 1400, .ttl_spent = true, .mtu = 1400 },
	{ .what = "nothing quoted", 4, 50, 1500, 1, .told = 1400 },
	{ .what = "a header without the rest", 4, 50, 1500, 20, .told = 1400 },
	{ .what = "SPI 0", 4, 50, 1500, .told = 1400, .zero_spi = true },
	{ .what = "a first fragment", 4, 50, 1500, .told = 1400, .fragment = 0x2000, .mtu = 1400 },
	{ .what = "a later fragment", 4, 50, 1500, .told = 1400, .fragment = 0x0010 },
	{ .what = "no shorter than the packet", 4, 50, 1500, .told = 1500 },
	{ .what = "no MTU told: RFC 1191's table", 4, 50, 1500, .told = 0, .mtu = 1492 },
	{ .what = "no MTU told, on a plateau", 4, 50, 1492, .told = 0, .mtu = 1006 },
	{ .what = "less than IPv4 allows", 4, 50, 1006, .told = 67, .mtu = 508 },
	{ .what = "as little as IPv4 allows", 4, 50, 1006, .told = 68, .mtu = 68 },
	{ .what = "wrong checksum", 4, 50, 1500, .told = 1400, .wrong_checksum = true },
	{ .what = "a quote of the other family", 4, 50, 1500, .told = 1400, .other_family = true },
	{ .what = "AH, 12 bytes quoted", 4, 51, 1500, 32, .told = 1400, .mtu = 1400 },
	{ .what = "AH, 11 bytes quoted", 4, 51, 1500, 31, .told = 1400 },
	{ .what = "UDP from 4500, 16 bytes quoted",
		4,
		17,
		1500,
		36,
		1400,
		4500,
		61000,
		.mtu = 1400 },
	{ .what = "UDP from 4500, 15 bytes quoted", 4, 17, 1500, 35, 1400, 4500, 61000 },
	{ .what = "UDP to 4500", 4, 17, 1500, 36, 1400, 61000, 4500, .mtu = 1400 },
	{ .what = "other UDP", 4, 17, 1500, 36, 1400, 53, 61000 },
	{ .what = "IKE", 4, 17, 1500, 36, 1400, 4500, 4500, .zero_spi = true },
	{ .what = "TCP", 4, 6, 1500, 40, .told = 1400 },
	{ .what = "IPv6: ESP", 6, 50, 1500, .told = 1400, .mtu = 1400 },
	{ .what = "IPv6: ESP, 7 bytes quoted", 6, 50, 1500, 47, .told = 1400 },
	{ .what = "IPv6: in a fragment", 6, 50, 1500, .told = 1400, .fragment = 1, .mtu = 1400 },
	{ .what = "IPv6: AH", 6, 51, 1500, 60, .told = 1280, .mtu = 1280 },
	{ .what = "IPv6: UDP", 6, 17, 1500, 60, 1400, 4500, 4500, .mtu = 1400 },
	{ .what = "IPv6: below 1280", 6, 50, 1500, .told = 1279 },
	{ .what = "IPv6: absurdly long", 6, 50, 1500, .told = 0x10000 + 1400 },
	{ .what = "IPv6: wrong checksum", 6, 50, 1500, .told = 1400, .wrong_checksum = true },
};

static void put_16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_32(uint8_t *at, uint32_t value)
{
	put_16(at, value >> 16);
	put_16(at + 2, value);
}

static uint32_t header_v4(uint8_t *at, uint8_t protocol, uint32_t total, uint32_t header)
{
	memset(at, 0, header);
	at[0] = (uint8_t)(0x40 | header / 4);
	put_16(at + 2, total);
	at[8] = 64;
	at[9] = protocol;
	memcpy(at + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
	return header;
}

static uint32_t header_v6(uint8_t *at, uint8_t next, uint32_t total)
{
	memset(at, 0, 40);
	at[0] = 0x60;
	put_16(at + 4, total - 40);
	at[6] = next;
	at[7] = 64;
	for (int i = 0; i < 2; i++) {
		memcpy(at + 8 + 16 * i, "\x20\x01\x0d\xb8", 4);
		at[23 + 16 * i] = (uint8_t)(1 + i);
	}
	return 40;
}

static uint32_t quoted_header(const struct message *m, uint8_t *at)
{
	uint32_t bytes;

	if ((m->family == 4) != m->other_family) {
		bytes = header_v4(at, m->protocol, m->total, m->options ? 32 : 20);
		memset(at + 20, 1, bytes - 20); // no operation
		put_16(at + 6, m->fragment);
		if (m->ttl_spent)
			at[8] = 0;
		return bytes;
	}
	bytes = header_v6(at, m->fragment ? 44 : m->protocol, m->total);
	if (m->fragment) {
		memset(at + 40, 0, 8);
		at[40] = m->protocol;
		bytes += 8;
	}
	return bytes;
}

// What stands behind the quoted header.
static void quoted_data(const struct message *m, uint8_t *at)
{
	if (m->protocol == 17) {
		put_16(at, m->source_port);
		put_16(at + 2, m->destination_port);
		at += 8;
	} else if (m->protocol == 51) {
		at[0] = 4;
		at[1] = 4;
		at += 4;
	}
	put_32(at, m->zero_spi ? 0 : SPI);
	put_32(at + 4, SEQUENCE);
}

// The whole error; returns its bytes, *header those before ICMP.
static uint32_t build(const struct message *m, uint8_t *packet, uint32_t *header)
{
	uint8_t quote[600] = {};
	uint32_t quoted = quoted_header(m, quote), bytes, sum = 0;
	uint8_t *icmp;

	quoted_data(m, quote + quoted);
	quoted = m->quoted ? m->quoted : quoted + 8;
	bytes = 8 + quoted;
	*header = m->family == 4 ? header_v4(packet, 1, 20 + bytes, 20)
				 : header_v6(packet, 58, 40 + bytes);
	icmp = packet + *header;
	memset(icmp, 0, 8);
	icmp[0] = m->family == 4 ? 3 : 2;
	icmp[1] = m->family == 4 ? 4 : 0;
	put_32(icmp + 4, m->told);
	memcpy(icmp + 8, quote, quoted);
	if (m->family == 6) {
		uint8_t rest[8] = {};

		put_32(rest, bytes);
		rest[7] = 58;
		sum = gw_checksum_add(gw_checksum_add(0, packet + 8, 32), rest, 8);
	}
	sum = gw_checksum_finish(gw_checksum_add(sum, icmp, bytes)) ^ (m->wrong_checksum ? 8 : 0);
	memcpy(icmp + 2, &(uint16_t){ (uint16_t)sum }, 2);
	return *header + bytes;
}

START_TEST(quotes_are_read)
{
	const struct message *m = &messages[_i];
	uint8_t packet[800], *exact;
	struct gw_icmp_quote quote;
	uint32_t header, bytes = build(m, packet, &header);
	bool read;

	// Memory that ends where the packet does, for the sanitizer to see.
	exact = malloc(bytes);
	memcpy(exact, packet, bytes);
	read = gw_icmp_quote_read(exact, header, bytes, &quote);
	free(exact);
	ck_assert_msg(read == (m->mtu != 0), "%s", m->what);
	if (!read)
		return;
	ck_assert_msg(quote.mtu == m->mtu, "%s: %u", m->what, quote.mtu);
	ck_assert_uint_eq(quote.spi, SPI);
	ck_assert_uint_eq(quote.sequence, SEQUENCE);
	ck_assert_uint_eq(quote.flow.family, m->family);
	ck_assert_uint_eq(quote.flow.protocol, m->protocol);
	ck_assert_uint_eq(quote.flow.source_port, m->source_port);
	ck_assert_uint_eq(quote.flow.destination_port, m->destination_port);
	ck_assert_uint_eq(quote.flow.source[m->family == 4 ? 3 : 15], 1);
	ck_assert_uint_eq(quote.flow.destination[m->family == 4 ? 3 : 15], 2);
}
END_TEST

START_TEST(no_length_is_read_beyond)
{
	const struct message *m = &messages[_i];
	uint8_t packet[800];
	uint32_t header, bytes = build(m, packet, &header);

	for (uint32_t size = header; size < bytes; size++) {
		uint8_t *exact = malloc(size);
		struct gw_icmp_quote quote;

		memcpy(exact, packet, size);
		gw_icmp_quote_read(exact, header, size, &quote);
		free(exact);
	}
}
END_TEST

static const struct kind {
	struct gw_flow flow;
	bool too_big;
} kinds[] = {
	{ { .family = 4, .protocol = 1, .ports_known = 1, .source_port = 3, .destination_port = 4 },
		true },
	{ { .family = 4, .protocol = 1, .ports_known = 0, .source_port = 3, .destination_port = 4 },
		false },
	{ { .family = 4, .protocol = 1, .ports_known = 1, .source_port = 3, .destination_port = 1 },
		false },
	{ { .family = 4,
		  .protocol = 1,
		  .ports_known = 1,
		  .source_port = 11,
		  .destination_port = 4 },
		false },
	{ { .family = 4, .protocol = 58, .ports_known = 1, .source_port = 2 }, false },
	{ { .family = 4,
		  .protocol = 17,
		  .ports_known = 1,
		  .source_port = 3,
		  .destination_port = 4 },
		false },
	{ { .family = 6, .protocol = 58, .ports_known = 1, .source_port = 2 }, true },
	{ { .family = 6, .protocol = 58, .ports_known = 1, .source_port = 1 }, false },
	{ { .family = 6, .protocol = 1, .ports_known = 1, .source_port = 3, .destination_port = 4 },
		false },
};

START_TEST(types_and_codes)
{
	ck_assert(gw_icmp_is_too_big(&kinds[_i].flow) == kinds[_i].too_big);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_icmp_quote");
	TCase *tcase = tcase_create("quotes");

	LOOP(tcase, quotes_are_read, messages);
	LOOP(tcase, no_length_is_read_beyond, messages);
	LOOP(tcase, types_and_codes, kinds);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
