// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/ip.h"

#include <stdlib.h>
#include <string.h>

#include "net/addr.h"
#include "net/checksum.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

// One IPv4 packet, and what the parser says of it.
struct v4_case {
	const char *what;
	uint8_t first_byte;               // 0: version 4, without options
	uint16_t total;                   // 0: 20 + payload_bytes
	uint16_t fragment;                // flags and offset
	uint8_t protocol;                 // 0: UDP
	const char *source, *destination; // NULL: 192.0.2.1, 198.51.100.2
	uint16_t payload_bytes;
	uint16_t extra_bytes; // after the packet
	uint16_t checksum_error;
	enum gw_ip_error error;
	bool ports_known;
};

static const struct v4_case v4_cases[] = {
	{ .what = "plain", .payload_bytes = 8, .ports_known = true },
	{ .what = "nothing but a header" },
	{ .what = "three bytes of UDP", .payload_bytes = 3 },
	{ .what = "Ethernet padding", .payload_bytes = 8, .extra_bytes = 24, .ports_known = true },
	{ .what = "longest", .payload_bytes = 65515, .ports_known = true },
	{ .what = "forty bytes of options",
		.first_byte = 0x4f,
		.payload_bytes = 48,
		.ports_known = true },
	{ .what = "no room for the options",
		.first_byte = 0x4f,
		.payload_bytes = 39,
		.error = GW_IP_BAD_HEADER },
	{ .what = "header of 16 bytes",
		.first_byte = 0x44,
		.payload_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "header of 0 bytes",
		.first_byte = 0x40,
		.payload_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "version 0", .first_byte = 0x05, .payload_bytes = 8, .error = GW_IP_BAD_VERSION },
	{ .what = "version 5", .first_byte = 0x55, .payload_bytes = 8, .error = GW_IP_BAD_VERSION },
	{ .what = "version 15",
		.first_byte = 0xff,
		.payload_bytes = 8,
		.error = GW_IP_BAD_VERSION },
	{ .what = "version 6 in too few bytes",
		.first_byte = 0x65,
		.payload_bytes = 8,
		.error = GW_IP_TRUNCATED },
	{ .what = "total length below the header's",
		.total = 19,
		.payload_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "total length beyond the data",
		.total = 29,
		.payload_bytes = 8,
		.error = GW_IP_TRUNCATED },
	{ .what = "total length 65535",
		.total = 65535,
		.payload_bytes = 8,
		.error = GW_IP_TRUNCATED },
	{ .what = "checksum",
		.payload_bytes = 8,
		.checksum_error = 1,
		.error = GW_IP_BAD_CHECKSUM },
	{ .what = "checksum with options",
		.first_byte = 0x46,
		.payload_bytes = 8,
		.checksum_error = 0x100,
		.error = GW_IP_BAD_CHECKSUM },
	{ .what = "DF", .fragment = 0x4000, .payload_bytes = 8, .ports_known = true },
	{ .what = "first fragment", .fragment = 0x2000, .payload_bytes = 8, .ports_known = true },
	{ .what = "later fragment", .fragment = 0x2001, .payload_bytes = 8 },
	{ .what = "last fragment", .fragment = 0x0001, .payload_bytes = 3 },
	{ .what = "fragment of 7 bytes",
		.fragment = 0x2001,
		.payload_bytes = 7,
		.error = GW_IP_BAD_HEADER },
	{ .what = "empty fragment", .fragment = 0x0001, .error = GW_IP_BAD_HEADER },
	{ .what = "fragment that ends at 65535", .fragment = 0x1ffc, .payload_bytes = 11 },
	{ .what = "fragment that ends at 65536",
		.fragment = 0x1ffc,
		.payload_bytes = 12,
		.error = GW_IP_BAD_HEADER },
	{ .what = "TCP", .protocol = 6, .payload_bytes = 20, .ports_known = true },
	{ .what = "SCTP", .protocol = 132, .payload_bytes = 20, .ports_known = true },
	{ .what = "ICMP", .protocol = 1, .payload_bytes = 8, .ports_known = true },
	{ .what = "two bytes of ICMP", .protocol = 1, .payload_bytes = 2, .ports_known = true },
	{ .what = "one byte of ICMP", .protocol = 1, .payload_bytes = 1 },
	{ .what = "ESP", .protocol = 50, .payload_bytes = 40 },
	{ .what = "AH", .protocol = 51, .payload_bytes = 40 },
	{ .what = "GRE", .protocol = 47, .payload_bytes = 40 },
	{ .what = "loopback source", .source = "127.0.0.1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "all of 127", .source = "127.255.0.1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "multicast source", .source = "224.0.0.1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "last multicast source",
		.source = "239.255.255.255",
		.error = GW_IP_BAD_ADDRESS },
	{ .what = "broadcast source", .source = "255.255.255.255", .error = GW_IP_BAD_ADDRESS },
	{ .what = "loopback destination", .destination = "127.0.0.1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "unspecified destination", .destination = "0.0.0.0", .error = GW_IP_BAD_ADDRESS },
	{ .what = "unspecified source", .source = "0.0.0.0", .error = GW_IP_BAD_ADDRESS },
	{ .what = "DHCP",
		.source = "0.0.0.0",
		.destination = "255.255.255.255",
		.payload_bytes = 8,
		.ports_known = true },
	{ .what = "multicast",
		.destination = "224.0.0.5",
		.payload_bytes = 8,
		.ports_known = true },
};

static uint32_t build_v4(const struct v4_case *c, uint8_t *out)
{
	uint32_t header_bytes = c->first_byte ? (c->first_byte & 0xfu) * 4 : 20;
	uint32_t size = 20u + c->payload_bytes;
	uint16_t total = c->total ? c->total : (uint16_t)size;
	struct gw_addr source, destination;
	uint16_t sum;

	ck_assert(gw_addr_parse(c->source ? c->source : "192.0.2.1", &source));
	ck_assert(gw_addr_parse(c->destination ? c->destination : "198.51.100.2", &destination));
	memset(out, 0, size);
	out[0] = c->first_byte ? c->first_byte : 0x45;
	out[1] = 0xb9;
	out[2] = (uint8_t)(total >> 8);
	out[3] = (uint8_t)total;
	out[6] = (uint8_t)(c->fragment >> 8);
	out[7] = (uint8_t)c->fragment;
	out[8] = 61;
	out[9] = c->protocol ? c->protocol : 17;
	memcpy(out + 12, source.bytes, 4);
	memcpy(out + 16, destination.bytes, 4);
	memset(out + 20, 0x12, size - 20);
	for (uint32_t i = 20; i < header_bytes && i < size; i++)
		out[i] = 1; // no operation
	sum = gw_checksum_finish(
		gw_checksum_add(0, out, header_bytes < size ? header_bytes : size));
	sum = (uint16_t)(sum + c->checksum_error);
	memcpy(out + 10, &sum, 2);
	memset(out + size, 0xee, c->extra_bytes);
	return size + c->extra_bytes;
}

static uint8_t packet[66000];

START_TEST(v4_table)
{
	const struct v4_case *c = &v4_cases[_i];
	uint32_t size = build_v4(c, packet);
	struct gw_ip ip;
	enum gw_ip_error error;

	memset(&ip, 0xaa, sizeof(ip));
	error = gw_ip_parse(packet, size, size, true, &ip);
	ck_assert_msg(error == c->error, "%s: %s", c->what, gw_ip_error_name(error));
	if (error != GW_IP_OK)
		return;
	ck_assert_uint_eq(ip.flow.family, 4);
	ck_assert_uint_eq(ip.flow.protocol, c->protocol ? c->protocol : 17);
	ck_assert_msg(ip.flow.ports_known == c->ports_known, "%s", c->what);
	ck_assert_uint_eq(ip.flow.interface, 0);
	ck_assert_mem_eq(ip.flow.source, packet + 12, 4);
	ck_assert_mem_eq(ip.flow.destination, packet + 16, 4);
	for (int i = 4; i < 16; i++)
		ck_assert_uint_eq(ip.flow.source[i] | ip.flow.destination[i], 0);
	ck_assert_uint_eq(ip.flow.source_port, !c->ports_known    ? 0
					       : c->protocol == 1 ? 0x12
								  : 0x1212);
	ck_assert_uint_eq(ip.flow.source_port, ip.flow.destination_port);
	ck_assert_uint_eq(ip.ip_bytes, 20u + c->payload_bytes);
	ck_assert_uint_eq(ip.header_bytes, (packet[0] & 0xf) * 4);
	ck_assert_uint_eq(ip.fragment_offset, (c->fragment & 0x1fff) * 8);
	ck_assert_int_eq(ip.more_fragments, (c->fragment & 0x2000) != 0);
	ck_assert_int_eq(ip.dont_fragment, (c->fragment & 0x4000) != 0);
	ck_assert_uint_eq(ip.ttl, 61);
	ck_assert_uint_eq(ip.tos, 0xb9);
}
END_TEST

START_TEST(v4_checksum_is_left_to_the_port)
{
	struct v4_case c = { .payload_bytes = 8, .checksum_error = 7 };
	uint32_t size = build_v4(&c, packet);
	struct gw_ip ip;

	ck_assert_int_eq(gw_ip_parse(packet, size, size, false, &ip), GW_IP_OK);
}
END_TEST

// Extension headers as text: one letter each (h hop-by-hop, r routing, d destination options,
// f atomic fragment, p first fragment, q later fragment), a digit behind it is its length field.
struct v6_case {
	const char *what;
	const char *chain;
	uint8_t protocol; // 0: UDP
	uint16_t payload_bytes;
	uint16_t missing_bytes; // the payload length promises that many more than there are
	uint16_t cut_bytes;     // the payload length is that much short of what is there
	const char *source, *destination; // NULL: 2001:db8::1, 2001:db8::2
	enum gw_ip_error error;
	bool ports_known;
	uint8_t seen_protocol; // 0: protocol
};

static const struct v6_case v6_cases[] = {
	{ .what = "plain", "", .payload_bytes = 8, .ports_known = true },
	{ .what = "nothing but a header", "", .protocol = 59 },
	{ .what = "UDP without a header", "" },
	{ .what = "three bytes of UDP", "", .payload_bytes = 3 },
	{ .what = "ICMPv6", "", .protocol = 58, .payload_bytes = 8, .ports_known = true },
	{ .what = "TCP", "", .protocol = 6, .payload_bytes = 20, .ports_known = true },
	{ .what = "ESP", "", .protocol = 50, .payload_bytes = 20 },
	{ .what = "AH", "", .protocol = 51, .payload_bytes = 20 },
	{ .what = "no next header", "", .protocol = 59, .payload_bytes = 20 },
	{ .what = "beyond the data",
		"",
		.payload_bytes = 8,
		.missing_bytes = 1,
		.error = GW_IP_TRUNCATED },
	{ .what = "hop-by-hop", "h", .payload_bytes = 8, .ports_known = true },
	{ .what = "all in RFC order", "hdrfd", .payload_bytes = 8, .ports_known = true },
	{ .what = "ESP behind options", "hd", .protocol = 50, .payload_bytes = 20 },
	{ .what = "no next header behind options", "d", .protocol = 59 },
	{ .what = "a long one", "d9", .payload_bytes = 8, .ports_known = true },
	{ .what = "eight", "dddddddd", .payload_bytes = 8, .ports_known = true },
	{ .what = "nine", "ddddddddd", .payload_bytes = 8, .error = GW_IP_BAD_HEADER },
	{ .what = "hop-by-hop not first", "dh", .payload_bytes = 8, .error = GW_IP_BAD_HEADER },
	{ .what = "hop-by-hop twice", "hh", .payload_bytes = 8, .error = GW_IP_BAD_HEADER },
	{ .what = "chain ends beyond the packet", "d", .cut_bytes = 1, .error = GW_IP_BAD_HEADER },
	{ .what = "chain ends at the packet's end", "d" },
	{ .what = "long header beyond the packet",
		"d2",
		.cut_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "payload length 0 before options",
		"h",
		.cut_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "type 0 routing, segments left",
		"0",
		.payload_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "atomic fragment", "f", .payload_bytes = 8, .ports_known = true },
	{ .what = "first fragment", "p", .payload_bytes = 8, .ports_known = true },
	{ .what = "first fragment with options", "hpd", .payload_bytes = 8, .ports_known = true },
	{ .what = "first fragment without its chain",
		"pd",
		.cut_bytes = 8,
		.error = GW_IP_BAD_HEADER },
	{ .what = "first fragment of 7 bytes", "p", .payload_bytes = 7, .error = GW_IP_BAD_HEADER },
	{ .what = "later fragment", "q", .payload_bytes = 7 },
	{ .what = "later fragment of ESP", "q", .protocol = 50, .payload_bytes = 7 },
	{ .what = "later fragment behind options", "qd", .payload_bytes = 8, .seen_protocol = 255 },
	{ .what = "later fragment, empty", "q", .error = GW_IP_BAD_HEADER },
	{ .what = "later fragment, too far", "Q", .payload_bytes = 8, .error = GW_IP_BAD_HEADER },
	{ .what = "later fragment, just in reach", "Q", .payload_bytes = 7 },
	{ .what = "two fragment headers", "ff", .payload_bytes = 8, .error = GW_IP_BAD_HEADER },
	{ .what = "loopback source", "", .source = "::1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "multicast source", "", .source = "ff02::1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "loopback destination", "", .destination = "::1", .error = GW_IP_BAD_ADDRESS },
	{ .what = "unspecified destination", "", .destination = "::", .error = GW_IP_BAD_ADDRESS },
	{ .what = "unspecified source", "", .source = "::", .error = GW_IP_BAD_ADDRESS },
	{ .what = "duplicate address detection",
		"",
		.source = "::",
		.destination = "ff02::1:ff00:1",
		.protocol = 58,
		.payload_bytes = 24,
		.ports_known = true },
	{ .what = "nearly loopback", "", .source = "::2", .payload_bytes = 8, .ports_known = true },
};

static uint8_t chain_type(char letter)
{
	switch (letter) {
	case 'h':
		return 0;
	case 'r':
	case '0':
		return 43;
	case 'd':
		return 60;
	default:
		return 44;
	}
}

// Writes one extension header; returns its bytes. next is where its next header field goes.
static uint32_t build_extension(char letter, uint8_t units, uint8_t *out)
{
	uint32_t bytes = 8u + 8u * units;
	uint16_t field = letter == 'p' ? 1 : letter == 'q' ? 16 : letter == 'Q' ? 65528 : 0;

	memset(out, 0, bytes);
	out[1] = units;
	if (chain_type(letter) == 44) {
		out[2] = (uint8_t)(field >> 8);
		out[3] = (uint8_t)field;
	} else if (chain_type(letter) == 43) {
		out[2] = letter == '0' ? 0 : 4;
		out[3] = 1;
	}
	return bytes;
}

static uint32_t build_v6(const struct v6_case *c, uint8_t *out, uint32_t *header_bytes)
{
	struct gw_addr source, destination;
	uint8_t *next = &out[6];
	uint32_t at = 40, payload;

	ck_assert(gw_addr_parse(c->source ? c->source : "2001:db8::1", &source));
	ck_assert(gw_addr_parse(c->destination ? c->destination : "2001:db8::2", &destination));
	memset(out, 0, 40);
	out[0] = 0x6b;
	out[1] = 0x91;
	out[7] = 61;
	memcpy(out + 8, source.bytes, 16);
	memcpy(out + 24, destination.bytes, 16);
	*header_bytes = 40;
	for (const char *p = c->chain; *p; p++) {
		char letter = *p;
		uint8_t units = p[1] >= '1' && p[1] <= '9' ? (uint8_t)(*++p - '0') : 0;

		*next = chain_type(letter);
		next = &out[at];
		at += build_extension(letter, units, out + at);
		if (*header_bytes < at && (c->seen_protocol == 0 || *header_bytes == 40))
			*header_bytes = at;
	}
	*next = c->protocol ? c->protocol : 17;
	memset(out + at, 0x12, c->payload_bytes);
	at += c->payload_bytes;
	payload = at - 40 + c->missing_bytes - c->cut_bytes;
	out[4] = (uint8_t)(payload >> 8);
	out[5] = (uint8_t)payload;
	return at;
}

START_TEST(v6_table)
{
	const struct v6_case *c = &v6_cases[_i];
	uint8_t protocol = c->seen_protocol ? c->seen_protocol : c->protocol ? c->protocol : 17;
	uint32_t header_bytes;
	uint32_t size = build_v6(c, packet, &header_bytes);
	struct gw_ip ip;
	enum gw_ip_error error;

	memset(&ip, 0xaa, sizeof(ip));
	error = gw_ip_parse(packet, size, size, true, &ip);
	ck_assert_msg(error == c->error, "%s: %s", c->what, gw_ip_error_name(error));
	if (error != GW_IP_OK)
		return;
	ck_assert_uint_eq(ip.flow.family, 6);
	ck_assert_msg(ip.flow.protocol == protocol, "%s: %u", c->what, ip.flow.protocol);
	ck_assert_msg(ip.flow.ports_known == c->ports_known, "%s", c->what);
	ck_assert_mem_eq(ip.flow.source, packet + 8, 32);
	ck_assert_uint_eq(ip.flow.source_port, !c->ports_known  ? 0
					       : protocol == 58 ? 0x12
								: 0x1212);
	ck_assert_uint_eq(ip.ip_bytes, size);
	ck_assert_msg(ip.header_bytes == header_bytes, "%s: %u", c->what, ip.header_bytes);
	ck_assert_int_eq(ip.more_fragments, strchr(c->chain, 'p') != NULL);
	ck_assert_uint_eq(ip.fragment_offset, strchr(c->chain, 'q')   ? 16
					      : strchr(c->chain, 'Q') ? 65528
								      : 0);
	ck_assert(!ip.dont_fragment);
	ck_assert_uint_eq(ip.ttl, 61);
	ck_assert_uint_eq(ip.tos, 0xb9);
}
END_TEST

// Cut at each byte, in memory of exactly that size so that a sanitizer sees a read beyond it.
static void cut_everywhere(uint32_t size, uint32_t fixed_bytes)
{
	struct gw_ip whole, ip;

	ck_assert_int_eq(gw_ip_parse(packet, size, size, true, &whole), GW_IP_OK);
	for (uint32_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		enum gw_ip_error error;

		memcpy(copy, packet, cut);
		// The packet really is that short.
		ck_assert_int_eq(gw_ip_parse(copy, cut, cut, true, &ip), GW_IP_TRUNCATED);
		// It goes on in another segment.
		error = gw_ip_parse(copy, cut, size, true, &ip);
		if (cut < fixed_bytes) {
			ck_assert_int_eq(error, GW_IP_TRUNCATED);
		} else {
			ck_assert_int_eq(error, GW_IP_OK);
			ck_assert_uint_eq(ip.ip_bytes, size);
			ck_assert_uint_eq(ip.flow.protocol,
				cut < whole.header_bytes ? 255 : whole.flow.protocol);
			ck_assert_int_eq(ip.flow.ports_known, cut >= whole.header_bytes + 4u);
			if (ip.flow.ports_known)
				ck_assert_mem_eq(&ip.flow, &whole.flow, sizeof(ip.flow));
		}
		free(copy);
	}
}

// What is plain is parsed by other code: it finds the same.
START_TEST(v4_plain_is_like_any)
{
	for (unsigned int round = 0; round < 200000; round++) {
		struct gw_ip plain, any;
		enum gw_ip_error error;
		uint32_t size = 20 + (unsigned int)rand() % 20, length = size + rand() % 2 * 1400;
		uint16_t checksum;
		uint8_t data[40];

		for (unsigned int i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)rand();
		data[0] = 0x45;
		data[2] = (uint8_t)(length >> 8);
		data[3] = (uint8_t)(length - rand() % 3);
		data[6] &= 0xc0;
		data[7] = 0;
		data[9] = (uint8_t[]){ 6, 17, 1, 50, 132, 0 }[rand() % 6];
		data[10] = data[11] = 0;
		checksum = gw_checksum_finish(gw_checksum_add(0, data, 20));
		memcpy(data + 10, &checksum, sizeof(checksum));
		if (rand() % 4 == 0)
			data[rand() % 20] ^= (uint8_t)(1u << rand() % 8);
		memset(&plain, 0, sizeof(plain));
		memset(&any, 0, sizeof(any));
		error = gw_ip_parse(data, size, length, true, &plain);
		if (data[0] >> 4 != 4)
			continue;
		ck_assert_int_eq(error, gw_ipv4_parse(data, size, length, true, &any));
		if (error == GW_IP_OK)
			ck_assert_mem_eq(&plain, &any, sizeof(any));
	}
}
END_TEST

// Of all checksums one holds; sums that carry are among them.
START_TEST(v4_plain_sum)
{
	for (unsigned int round = 0; round < 12; round++) {
		uint8_t data[20];

		memset(data, round % 4 == 0 ? 0xff : 0, sizeof(data));
		for (unsigned int i = 1; round % 4 > 1 && i < sizeof(data); i++)
			data[i] = (uint8_t)rand();
		data[0] = 0x45;
		data[10] = data[11] = 0;
		for (uint32_t value = 0; value <= 0xffff; value++) {
			uint16_t word = (uint16_t)value;

			memcpy(data + 10, &word, sizeof(word));
			if (gw_ipv4_plain_sum_holds(data) !=
				(gw_checksum_finish(gw_checksum_add(0, data, 20)) == 0))
				ck_abort_msg("round %u, checksum %04x", round, word);
		}
	}
}
END_TEST

START_TEST(v4_cut_at_each_byte)
{
	struct v4_case plain = { .payload_bytes = 12 };
	struct v4_case options = { .first_byte = 0x48, .payload_bytes = 24 };

	cut_everywhere(build_v4(&plain, packet), 20);
	cut_everywhere(build_v4(&options, packet), 32);
}
END_TEST

START_TEST(v6_cut_at_each_byte)
{
	struct v6_case plain = { .chain = "", .payload_bytes = 12 };
	struct v6_case chain = { .chain = "hd2rpd", .payload_bytes = 16 };
	uint32_t header_bytes;

	cut_everywhere(build_v6(&plain, packet, &header_bytes), 40);
	cut_everywhere(build_v6(&chain, packet, &header_bytes), 40);
}
END_TEST

START_TEST(every_version)
{
	struct v4_case c = { .payload_bytes = 60 };
	uint32_t size = build_v4(&c, packet);
	struct gw_ip ip;

	for (unsigned int version = 0; version < 16; version++) {
		enum gw_ip_error error;

		packet[0] = (uint8_t)(version << 4 | 5);
		error = gw_ip_parse(packet, size, size, true, &ip);
		if (version == 4)
			ck_assert_int_eq(error, GW_IP_OK);
		else if (version != 6)
			ck_assert_int_eq(error, GW_IP_BAD_VERSION);
	}
}
END_TEST

// Every total length against one frame of 100 bytes.
START_TEST(v4_every_length)
{
	for (uint32_t total = 0; total <= 65535; total++) {
		struct v4_case c = { .payload_bytes = 80 };
		enum gw_ip_error error;
		struct gw_ip ip;

		build_v4(&c, packet);
		packet[2] = (uint8_t)(total >> 8);
		packet[3] = (uint8_t)total;
		error = gw_ip_parse(packet, 100, 100, false, &ip);
		ck_assert_int_eq(error, total < 20    ? GW_IP_BAD_HEADER
					: total > 100 ? GW_IP_TRUNCATED
						      : GW_IP_OK);
		if (error == GW_IP_OK)
			ck_assert_int_eq(ip.flow.ports_known, total >= 24);
	}
}
END_TEST

START_TEST(v6_every_length)
{
	for (uint32_t payload = 0; payload <= 65535; payload++) {
		struct v6_case c = { .chain = "d", .payload_bytes = 52 };
		enum gw_ip_error error;
		uint32_t header_bytes;
		struct gw_ip ip;

		build_v6(&c, packet, &header_bytes);
		packet[4] = (uint8_t)(payload >> 8);
		packet[5] = (uint8_t)payload;
		error = gw_ip_parse(packet, 100, 100, false, &ip);
		ck_assert_int_eq(error, payload > 60  ? GW_IP_TRUNCATED
					: payload < 8 ? GW_IP_BAD_HEADER
						      : GW_IP_OK);
		if (error == GW_IP_OK)
			ck_assert_int_eq(ip.flow.ports_known, payload >= 12);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_ip");
	TCase *v4 = tcase_create("v4");
	TCase *v6 = tcase_create("v6");

	LOOP(v4, v4_table, v4_cases);
	tcase_add_test(v4, v4_checksum_is_left_to_the_port);
	tcase_add_test(v4, v4_plain_is_like_any);
	tcase_add_test(v4, v4_plain_sum);
	tcase_add_test(v4, v4_cut_at_each_byte);
	tcase_add_test(v4, v4_every_length);
	tcase_add_test(v4, every_version);
	LOOP(v6, v6_table, v6_cases);
	tcase_add_test(v6, v6_cut_at_each_byte);
	tcase_add_test(v6, v6_every_length);
	suite_add_tcase(suite, v4);
	suite_add_tcase(suite, v6);
	return gw_test_run(suite, false);
}
