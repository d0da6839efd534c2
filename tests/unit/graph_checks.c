// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What stands between the wire and the network behind the gateway, one check at a time and through
// the whole graph: each packet is right in all but one thing. Mutants of these checks must not
// survive here. conformance: A3, A4, A5, A7, A8, A9, C1, D2, D6, D13, F3, F4, G5, G7, L1, L4

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "ipsec/lifetime.h"
#include "net/first_fragment.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define IN_SPI    4098
#define ENDED_IN  5002
#define ENDED_OUT 5001
#define OTHER_IN  5003

#define INNER_BYTES 24u
#define DELIVERED   GW_DROP_COUNT

static struct box *box;
static struct box_peer peer;

static void setup(void)
{
	box = box_new();
	box_tunnel(box);
	peer = box_peer_new();
}

static void teardown(void)
{
	box_peer_free(&peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static void inner_packet(const char *source, const char *destination, uint8_t *ip)
{
	struct box_frame frame = box_packet(BOX_LAN, source, destination, 99, "mark", 4);

	memcpy(ip, box_ip(&frame), INNER_BYTES);
}

static struct box_frame outer(const uint8_t *esp, size_t bytes)
{
	return box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
}

static struct box_frame sealed_by(const struct box_peer *sender, uint32_t spi, uint32_t sequence,
	const char *source, const char *destination)
{
	uint8_t inner[INNER_BYTES], esp[128];

	inner_packet(source, destination, inner);
	return outer(esp, box_seal(sender, spi, sequence, inner, sizeof(inner), 4, esp));
}

static struct box_frame good(uint32_t spi, uint32_t sequence)
{
	return sealed_by(&peer, spi, sequence, "192.168.2.2", "192.168.1.2");
}

static void push(unsigned int port, const struct box_frame *frame)
{
	ck_assert(box_push(box, port, frame->data, frame->size));
}

static unsigned int pulled(unsigned int port)
{
	uint8_t frame[2048];
	unsigned int count = 0;

	while (box_pull(box, port, frame, sizeof(frame)))
		count++;
	return count;
}

// Frames that wait come out at the network behind, or each is dropped for the reason.
static void comes_to(unsigned int frames, enum gw_drop reason, const char *what)
{
	uint64_t before = reason == DELIVERED ? 0 : box_drops(box, reason);
	unsigned int passed;

	box_walk(box);
	passed = pulled(BOX_LAN);
	ck_assert_msg(passed == (reason == DELIVERED ? frames : 0), "%s: %u of %u come through",
		what, passed, frames);
	if (reason != DELIVERED)
		ck_assert_msg(box_drops(box, reason) == before + frames,
			"%s: %lu dropped for the reason", what,
			(unsigned long)(box_drops(box, reason) - before));
}

// --- RFC 4303 section 2.4 to 2.6

START_TEST(what_is_in_the_trailer)
{
	static const struct {
		const char *what;
		uint8_t inner_bytes, padding[6], padding_bytes, says, next_header;
		enum gw_drop reason;
	} rows[] = {
		{ "as it should be", 24, { 1, 2 }, 2, 2, 4, DELIVERED },
		{ "more than needed", 24, { 1, 2, 3, 4, 5, 6 }, 6, 6, 4, DELIVERED },
		{ "zeros", 24, { 0, 0 }, 2, 2, 4, GW_DROP_ESP_PADDING },
		{ "the first byte", 24, { 2, 2 }, 2, 2, 4, GW_DROP_ESP_PADDING },
		{ "the last byte", 24, { 1, 2, 3, 4, 5, 7 }, 6, 6, 4, GW_DROP_ESP_PADDING },
		{ "longer than all there is", 24, { 1, 2 }, 2, 27, 4, GW_DROP_ESP_PADDING },
		{ "255 bytes", 24, { 1, 2 }, 2, 255, 4, GW_DROP_ESP_PADDING },
		{ "nothing else", 0, { 1, 2, 3, 4, 5, 6 }, 6, 6, 4, GW_DROP_ESP_INNER },
		{ "around TCP", 24, { 1, 2 }, 2, 2, 6, GW_DROP_ESP_NEXT_HEADER },
		{ "around ESP", 24, { 1, 2 }, 2, 2, 50, GW_DROP_ESP_NEXT_HEADER },
		{ "around IPv6 that is IPv4", 24, { 1, 2 }, 2, 2, 41, GW_DROP_ESP_INNER },
		{ "around nothing", 24, { 1, 2 }, 2, 2, 59, GW_DROP_ESP_DUMMY },
	};
	uint32_t sequence = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t text[64], esp[128];
		size_t size = rows[i].inner_bytes;
		struct box_frame frame;

		inner_packet("192.168.2.2", "192.168.1.2", text);
		memcpy(text + size, rows[i].padding, rows[i].padding_bytes);
		size += rows[i].padding_bytes;
		text[size++] = rows[i].says;
		text[size++] = rows[i].next_header;
		frame = outer(esp, box_seal_text(&peer, IN_SPI, ++sequence, text, size, esp));
		push(BOX_WAN, &frame);
		comes_to(1, rows[i].reason, rows[i].what);
		push(BOX_WAN, &frame); // its number is used, whatever was inside
		comes_to(1, GW_DROP_ESP_REPLAY, rows[i].what);
	}
}
END_TEST

// --- RFC 4303 section 3.4.3

// A forged packet is told by each byte of its ICV, takes nobody's number and moves no window.
START_TEST(a_forged_packet_leaves_no_trace)
{
	struct box_frame first = good(IN_SPI, 1), forged;

	push(BOX_WAN, &first);
	comes_to(1, DELIVERED, "the first packet");
	for (unsigned int i = 1; i <= 16; i++) {
		forged = good(IN_SPI, 2);
		forged.data[forged.size - i] ^= (uint8_t)(1u << i % 8);
		push(BOX_WAN, &forged);
	}
	comes_to(16, GW_DROP_ESP_INTEGRITY, "a wrong byte of the ICV");
	forged = good(IN_SPI, 1000000);
	forged.data[forged.size - 1] ^= 1;
	push(BOX_WAN, &forged);
	comes_to(1, GW_DROP_ESP_INTEGRITY, "forged, far ahead");
	first = good(IN_SPI, 2);
	push(BOX_WAN, &first);
	comes_to(1, DELIVERED, "the packet that was forged");
}
END_TEST

// In one vector both copies pass the look before the cryptography.
START_TEST(of_two_copies_one_passes)
{
	struct box_frame frames[3] = { good(IN_SPI, 5), good(IN_SPI, 6), good(IN_SPI, 4) };

	for (unsigned int i = 0; i < 6; i++)
		push(BOX_WAN, &frames[i % 3]);
	box_walk(box);
	ck_assert_uint_eq(pulled(BOX_LAN), 3);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_REPLAY), 3);
}
END_TEST

// --- RFC 4301 section 4.4.2.1

static void add_sa(bool out, const char *more)
{
	char json[512], key[41] = "";

	for (int i = 0; i < 20; i++)
		strcat(key, out ? "08" : "01");
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"spi\":%d,\"source\":\"10.9.0.%d\",\"destination\":"
		"\"10.9.0.%d\",\"reqid\":1,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		"\"%s\"},%s}",
		out ? "out" : "in", out ? ENDED_OUT : ENDED_IN, out ? 1 : 2, out ? 2 : 1, key,
		more);
	box_sa(box, json);
}

// What was counted is looked at before the next vector.
START_TEST(an_inbound_sa_ends)
{
	static const char *const limits[] = { "\"lifetime\":{\"hard_packets\":3}",
		"\"lifetime\":{\"hard_bytes\":72}" };
	struct box_frame frame;

	add_sa(false, limits[_i]);
	for (uint32_t sequence = 1; sequence <= 3; sequence++) {
		frame = good(ENDED_IN, sequence);
		push(BOX_WAN, &frame);
		comes_to(1, DELIVERED, "before the limit");
	}
	frame = good(ENDED_IN, 4);
	push(BOX_WAN, &frame);
	comes_to(1, GW_DROP_SA_EXPIRED, "after the limit");
}
END_TEST

static void push_out(unsigned int count)
{
	struct box_frame frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, "mark", 4);

	for (unsigned int i = 0; i < count; i++)
		push(BOX_LAN, &frame);
	box_walk(box);
}

// Frames that left, each sealed by the SA and with the number after the one before.
static unsigned int sealed_out(const struct box_peer *receiver, uint32_t sequence)
{
	uint8_t frame[2048], *esp = frame + RTE_ETHER_HDR_LEN + 20, next_header;
	unsigned int count = 0;
	const uint8_t *data;
	size_t bytes;

	while ((bytes = box_pull(box, BOX_WAN, frame, sizeof(frame)))) {
		rte_be32_t words[2];

		ck_assert_uint_eq(frame[RTE_ETHER_HDR_LEN + 9], 50);
		memcpy(words, esp, sizeof(words));
		ck_assert_uint_eq(rte_be_to_cpu_32(words[0]), ENDED_OUT);
		ck_assert_uint_eq(rte_be_to_cpu_32(words[1]), ++sequence);
		ck_assert_int_eq(box_open(receiver, esp, bytes - RTE_ETHER_HDR_LEN - 20, &data,
					 &next_header),
			INNER_BYTES);
		count++;
	}
	return count;
}

// To the last packet and no further, in the middle of a vector; nothing leaves in clear instead.
START_TEST(an_outbound_sa_ends)
{
	static const struct {
		const char *more;
		uint32_t sequence;
		enum gw_drop reason;
	} rows[] = {
		{ "\"lifetime\":{\"hard_packets\":4}", 0, GW_DROP_SA_EXPIRED },
		{ "\"lifetime\":{\"hard_bytes\":96}", 0, GW_DROP_SA_EXPIRED },
		{ "\"lifetime\":{\"hard_bytes\":119}", 0, GW_DROP_SA_EXPIRED },
		{ "\"sequence\":4294967291", 4294967291, GW_DROP_ESP_SEQUENCE_END },
	};
	struct box_peer receiver = box_peer_with(1, 8);

	add_sa(true, rows[_i].more);
	push_out(10);
	ck_assert_uint_eq(sealed_out(&receiver, rows[_i].sequence), 4);
	ck_assert_uint_eq(box_drops(box, rows[_i].reason), 6);
	push_out(1);
	ck_assert_uint_eq(pulled(BOX_WAN), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_SA), 1);
	box_peer_free(&receiver);
}
END_TEST

// By time, which the control core or another worker has seen pass.
START_TEST(an_sa_that_has_ended_is_none)
{
	struct gw_sa_id id = {
		.direction = GW_DIRECTION_OUT, .protocol = GW_PROTOCOL_ESP, .spi = ENDED_OUT
	};

	ck_assert(gw_addr_parse("10.9.0.2", &id.destination));
	add_sa(true, "\"lifetime\":{\"hard_seconds\":1000}");
	push_out(1);
	ck_assert_uint_eq(pulled(BOX_WAN), 1);
	gw_lifetime_end(gw_sa_find(box->ipsec, &id), GW_EXPIRY_SECONDS);
	push_out(1);
	ck_assert_uint_eq(pulled(BOX_WAN), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_SA), 1);
}
END_TEST

// --- docs/decisions/005-key-limits.md

static unsigned int requests(enum gw_expiry_cause cause)
{
	struct gw_event event;
	unsigned int count = 0;

	while (rte_ring_sc_dequeue_elem(box->worker->events, &event, sizeof(event)) == 0)
		count += event.kind == GW_EVENT_SA && event.bits == GW_SA_EVENT_SOFT &&
			 event.cause == cause && event.spi == IN_SPI;
	return count;
}

// So many tries at forging that one might succeed ask for a new SA, once, and end nothing.
START_TEST(forgeries_ask_for_another_key)
{
	struct gw_sa_id id = {
		.direction = GW_DIRECTION_IN, .protocol = GW_PROTOCOL_ESP, .spi = IN_SPI
	};
	struct box_frame frame;
	struct gw_sa *sa;

	ck_assert(gw_addr_parse("10.9.0.1", &id.destination));
	sa = gw_sa_find(box->ipsec, &id);
	ck_assert_uint_eq(sa->limit.failures, UINT64_C(1) << 36);
	sa->limit.failures = 5;
	for (uint32_t i = 1; i <= 8; i++) {
		frame = good(IN_SPI, i);
		frame.data[frame.size - 1] ^= 1;
		push(BOX_WAN, &frame);
		comes_to(1, GW_DROP_ESP_INTEGRITY, "forged");
		ck_assert_uint_eq(requests(GW_EXPIRY_FAILURES), i == 6);
	}
	frame = good(IN_SPI, 9);
	push(BOX_WAN, &frame);
	comes_to(1, DELIVERED, "after all these");
}
END_TEST

// --- RFC 4301 section 5.2

static void add_policy(
	bool out, unsigned int priority, const char *action, const char *far, const char *more)
{
	char json[512];

	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"priority\":%u,\"action\":\"%s\",\"selector\":{\"source\":"
		"\"%s\",\"destination\":\"%s\"%s",
		out ? "out" : "in", priority, action, out ? "192.168.1.0/24" : far,
		out ? far : "192.168.1.0/24", more);
	box_policy(box, json);
}

START_TEST(each_sa_carries_its_own_packets)
{
	static const struct {
		const char *what, *source;
		bool by_other;
		enum gw_drop reason;
	} rows[] = {
		{ "its own", "192.168.2.2", false, DELIVERED },
		{ "the other's own", "192.168.5.2", true, DELIVERED },
		{ "the other's", "192.168.5.2", false, GW_DROP_SPD_IN_WRONG_SA },
		{ "of the first by the other", "192.168.2.2", true, GW_DROP_SPD_IN_WRONG_SA },
		{ "what is bypassed", "192.168.6.2", false, GW_DROP_SPD_IN_WRONG_SA },
		{ "what is discarded", "192.168.7.2", false, GW_DROP_SPD_IN_WRONG_SA },
		{ "nobody's", "192.168.8.2", false, GW_DROP_SPD_IN_WRONG_SA },
	};
	struct box_peer other = box_peer_with(7, 6);
	uint32_t sequence = 0;

	box_sa(box, "{\"direction\":\"in\",\"spi\":5003,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":2,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0707070707070707070707070707070707070707\"}}");
	add_policy(false, 100, "protect", "192.168.5.0/24", "},\"reqid\":2}");
	add_policy(false, 100, "bypass", "192.168.6.0/24", "}}");
	add_policy(false, 100, "discard", "192.168.7.0/24", "}}");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct box_frame frame = sealed_by(rows[i].by_other ? &other : &peer,
			rows[i].by_other ? OTHER_IN : IN_SPI, ++sequence, rows[i].source,
			"192.168.1.2");

		push(BOX_WAN, &frame);
		comes_to(1, rows[i].reason, rows[i].what);
	}
	box_peer_free(&other);
}
END_TEST

// --- RFC 4301 section 7

// A later fragment, which shows no ports.
static struct box_frame fragment(unsigned int port, uint8_t protocol)
{
	bool out = port == BOX_LAN;
	struct box_frame frame = box_packet(port, out ? "192.168.1.2" : "10.9.0.2",
		out ? "10.9.0.2" : "192.168.1.2", protocol, "fragment", 8);
	uint8_t *ip = box_ip(&frame);
	uint16_t sum;

	ip[5] = 7;
	ip[7] = 100;
	ip[10] = ip[11] = 0;
	sum = gw_checksum_finish(gw_checksum_add(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof(sum));
	return frame;
}

// Where fragments are refused, clear text that may be of a packet to protect or to discard does not
// pass by a wider policy; that of a protocol that neither is does.
START_TEST(fragments_in_clear_are_what_they_seem)
{
	static const uint8_t protocols[] = { 17, 6 };
	struct gw_first_fragments *usual = box->dataplane.first_fragments;

	box->dataplane.first_fragments = NULL;
	add_policy(true, 50, "protect", "10.9.0.2/32",
		",\"protocol\":\"udp\",\"destination_port\":9},\"reqid\":1}");
	add_policy(true, 100, "bypass", "10.9.0.2/32", "}}");
	add_policy(
		false, 50, "discard", "10.9.0.2/32", ",\"protocol\":\"udp\",\"source_port\":9}}");
	add_policy(false, 100, "bypass", "10.9.0.2/32", "}}");
	for (size_t i = 0; i < COUNT(protocols); i++) {
		struct box_frame in = fragment(BOX_WAN, protocols[i]);
		struct box_frame out = fragment(BOX_LAN, protocols[i]);

		push(BOX_WAN, &in);
		push(BOX_LAN, &out);
		box_walk(box);
		ck_assert_uint_eq(pulled(BOX_LAN), i);
		ck_assert_uint_eq(pulled(BOX_WAN), i);
		ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_FRAGMENT), 1);
		ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_FRAGMENT), 1);
	}
	box->dataplane.first_fragments = usual;
}
END_TEST

static void setup_long_way(void)
{
	setup();
	box->offloads = BOX_LONG_WAY;
}

// By the short ways as far as they go, and by the long ones.
static void add_tests(Suite *suite, const char *name, void (*begin)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, begin, teardown);
	tcase_add_test(tcase, what_is_in_the_trailer);
	tcase_add_test(tcase, a_forged_packet_leaves_no_trace);
	tcase_add_test(tcase, of_two_copies_one_passes);
	tcase_add_loop_test(tcase, an_inbound_sa_ends, 0, 2);
	tcase_add_loop_test(tcase, an_outbound_sa_ends, 0, 4);
	tcase_add_test(tcase, an_sa_that_has_ended_is_none);
	tcase_add_test(tcase, forgeries_ask_for_another_key);
	tcase_add_test(tcase, each_sa_carries_its_own_packets);
	tcase_add_test(tcase, fragments_in_clear_are_what_they_seem);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("graph_checks");

	add_tests(suite, "short", setup);
	add_tests(suite, "long", setup_long_way);
	return gw_test_run(suite, true);
}
