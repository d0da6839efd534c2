// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Inbound vectors in which what holds for a packet does not hold for the next: the nodes ask about
// packets that are alike once, and must see where one is not. The packets inside are UDP over IPv4,
// as most are, so that they take the short ways. Outbound, the short way and the general one have
// to write the same bytes.

#include <netinet/in.h>
#include <string.h>

#include "box_esp.h"
#include "net/checksum.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SPI       0x1002
#define OTHER_SPI 5003
#define OUT_SPI   0x1001

#define INNER_BYTES 32u

static struct box *box;
static struct box_peer peer, other;

static void setup(void)
{
	box = box_new();
	box_tunnel(box);
	box_sa(box, "{\"direction\":\"in\",\"spi\":5003,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":2,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0707070707070707070707070707070707070707\"}}");
	box_policy(box,
		"{\"direction\":\"in\",\"priority\":100,\"action\":\"protect\",\"selector\":"
		"{\"source\":\"192.168.5.0/24\",\"destination\":\"192.168.1.0/24\"},"
		"\"reqid\":2}");
	peer = box_peer_new();
	other = box_peer_with(7, 6);
}

static void teardown(void)
{
	box_peer_free(&peer);
	box_peer_free(&other);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

// A UDP packet of INNER_BYTES to the host.
static void inner_packet(const char *source, uint8_t *ip)
{
	static const uint8_t udp[12] = { 0x10, 0, 0x20, 0, 0, sizeof(udp), 0, 0, 'r', 'u', 'n',
		's' };
	struct box_frame frame =
		box_packet(BOX_LAN, source, "192.168.1.2", IPPROTO_UDP, udp, sizeof(udp));

	memcpy(ip, box_ip(&frame), INNER_BYTES);
}

static struct box_frame outer(const uint8_t *esp, size_t bytes)
{
	return box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", IPPROTO_ESP, esp, bytes);
}

static void push(const struct box_frame *frame)
{
	ck_assert(box_push(box, BOX_WAN, frame->data, frame->size));
}

static void push_sealed(bool by_other, uint32_t sequence, const uint8_t *inner)
{
	uint8_t esp[128];
	size_t bytes = box_seal(by_other ? &other : &peer, by_other ? OTHER_SPI : SPI, sequence,
		inner, INNER_BYTES, 4, esp);
	struct box_frame frame = outer(esp, bytes);

	push(&frame);
}

static void push_from(bool by_other, uint32_t sequence, const char *source)
{
	uint8_t inner[INNER_BYTES];

	inner_packet(source, inner);
	push_sealed(by_other, sequence, inner);
}

static unsigned int delivered(void)
{
	uint8_t frame[2048];
	unsigned int count = 0;

	box_walk(box);
	while (box_pull(box, BOX_LAN, frame, sizeof(frame)))
		count++;
	return count;
}

static struct gw_sa_totals totals_of(uint32_t spi)
{
	struct gw_sa_id id = { GW_DIRECTION_IN, GW_PROTOCOL_ESP, spi, {} };
	struct gw_sa_totals totals;

	ck_assert(gw_addr_parse("10.9.0.1", &id.destination));
	gw_sa_total(gw_sa_find(box->ipsec, &id), 1, &totals);
	return totals;
}

START_TEST(each_sa_has_a_window_of_its_own)
{
	push_from(false, 7, "192.168.2.2");
	ck_assert_uint_eq(delivered(), 1);
	// The first SA has seen 7, the other has not.
	push_from(false, 100, "192.168.2.2");
	push_from(true, 7, "192.168.5.2");
	push_from(false, 101, "192.168.2.2");
	push_from(true, 8, "192.168.5.2");
	ck_assert_uint_eq(delivered(), 4);
	// Each has seen its own, and nothing of the other's.
	push_from(true, 7, "192.168.5.2");
	push_from(true, 8, "192.168.5.2");
	push_from(false, 101, "192.168.2.2");
	ck_assert_uint_eq(delivered(), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_REPLAY), 3);
	push_from(true, 100, "192.168.5.2");
	push_from(false, 8, "192.168.2.2");
	push_from(true, 101, "192.168.5.2");
	ck_assert_uint_eq(delivered(), 3);
}
END_TEST

// RFC 4303 section 3.4.3: the numbers of a vector lie far from each other, and go back.
START_TEST(numbers_of_a_vector_may_go_back)
{
	static const uint32_t late[] = { 131, 40, 132, 99, 3 };

	push_from(false, 130, "192.168.2.2");
	ck_assert_uint_eq(delivered(), 1);
	for (size_t i = 0; i < COUNT(late); i++)
		push_from(false, late[i], "192.168.2.2");
	ck_assert_uint_eq(delivered(), COUNT(late));
	for (size_t i = 0; i < COUNT(late); i++)
		push_from(false, late[i], "192.168.2.2");
	push_from(false, 41, "192.168.2.2");
	ck_assert_uint_eq(delivered(), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_REPLAY), COUNT(late));
}
END_TEST

START_TEST(each_sa_counts_its_own_packets)
{
	for (uint32_t i = 1; i <= 30; i++)
		push_from(i % 3 == 0, i, i % 3 == 0 ? "192.168.5.2" : "192.168.2.2");
	ck_assert_uint_eq(delivered(), 30);
	ck_assert_uint_eq(totals_of(SPI).packets, 20);
	ck_assert_uint_eq(totals_of(SPI).bytes, 20 * INNER_BYTES);
	ck_assert_uint_eq(totals_of(OTHER_SPI).packets, 10);
	ck_assert_uint_eq(totals_of(OTHER_SPI).bytes, 10 * INNER_BYTES);
}
END_TEST

// RFC 4301 section 5.2 step 4, packets of one policy by two SAs and of two policies by one.
START_TEST(a_policy_takes_the_packets_of_its_sa)
{
	push_from(false, 1, "192.168.2.2");
	push_from(true, 1, "192.168.2.2"); // the other has no business there
	push_from(false, 2, "192.168.2.2");
	push_from(false, 3, "192.168.5.2"); // nor this one here
	push_from(true, 2, "192.168.5.2");
	push_from(true, 3, "192.168.8.2"); // nobody's
	ck_assert_uint_eq(delivered(), 3);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_WRONG_SA), 3);
	push_from(false, 4, "192.168.5.2"); // as the first of a vector
	ck_assert_uint_eq(delivered(), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_WRONG_SA), 4);
}
END_TEST

// RFC 1812 section 5.2.2: the inner header's checksum is its sender's, whom the ICV does not judge.
START_TEST(the_inner_checksum_has_to_hold)
{
	uint8_t inner[INNER_BYTES];

	inner_packet("192.168.2.2", inner);
	push_sealed(false, 1, inner);
	inner[10] ^= 1;
	push_sealed(false, 2, inner);
	ck_assert_uint_eq(delivered(), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_INNER), 1);
}
END_TEST

static void set_tos(uint8_t *ip, uint8_t tos)
{
	uint16_t sum;

	ip[1] = tos;
	ip[10] = ip[11] = 0;
	sum = gw_checksum_finish(gw_checksum_add(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof(sum));
}

// RFC 6040 section 4.2: neighbours in a vector of which each has another pair of marks.
START_TEST(the_ecn_field_is_combined_packet_by_packet)
{
	static const struct {
		uint8_t inner, outer;
		int comes_out; // with; -1: it is dropped
	} rows[] = {
		{ 0, 0, 0 },
		{ 2, 3, 3 },
		{ 2, 2, 2 },
		{ 0, 3, -1 },
		{ 0, 2, 0 },
		{ 3, 0, 3 },
	};
	uint8_t frame[2048];

	for (uint32_t i = 0; i < COUNT(rows); i++) {
		uint8_t inner[INNER_BYTES], esp[128];
		struct box_frame packet;

		inner_packet("192.168.2.2", inner);
		set_tos(inner, rows[i].inner);
		packet = outer(esp, box_seal(&peer, SPI, i + 1, inner, INNER_BYTES, 4, esp));
		set_tos(box_ip(&packet), rows[i].outer);
		push(&packet);
	}
	box_walk(box);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].comes_out >= 0) {
			ck_assert_uint_gt(box_pull(box, BOX_LAN, frame, sizeof(frame)), 14);
			ck_assert_int_eq(frame[15], rows[i].comes_out);
		}
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_ECN), 1);
}
END_TEST

// --- outbound

// What the gateway made of a packet, without what goes with its number.
struct sealed {
	uint8_t outer[20];
	uint8_t text[256]; // with padding and trailer
	size_t text_bytes;
};

// general: by the way of packets that are not like most.
static void seal(const struct box_frame *frame, bool general, struct sealed *sealed)
{
	struct gw_sa_id id = { GW_DIRECTION_OUT, GW_PROTOCOL_ESP, OUT_SPI, {} };
	struct box_frame out = {};
	const uint8_t *data;
	uint8_t next_header;
	struct gw_sa *sa;

	ck_assert(gw_addr_parse("10.9.0.2", &id.destination));
	sa = gw_sa_find(box->ipsec, &id);
	sa->limits = (uint8_t)(general ? sa->limits | GW_LIMIT_USE : sa->limits & ~GW_LIMIT_USE);
	ck_assert(box_push(box, BOX_LAN, frame->data, frame->size));
	box_walk(box);
	out.size = box_pull(box, BOX_WAN, out.data, sizeof(out.data));
	ck_assert_uint_gt(out.size, 14 + 20 + 32);
	ck_assert(box_ip_is_right(&out));
	memcpy(sealed->outer, box_ip(&out), sizeof(sealed->outer));
	memset(sealed->outer + 4, 0, 2);
	memset(sealed->outer + 10, 0, 2);
	sealed->text_bytes = out.size - 14 - 20 - 32;
	ck_assert_uint_le(sealed->text_bytes, sizeof(sealed->text));
	ck_assert_int_gt(
		box_open(&peer, box_ip(&out) + 20, out.size - 14 - 20, &data, &next_header), 0);
	memcpy(sealed->text, data, sealed->text_bytes);
}

static void seal_both_ways(const struct box_frame *frame)
{
	struct sealed general, alike;

	seal(frame, true, &general);
	seal(frame, false, &alike);
	ck_assert_mem_eq(general.outer, alike.outer, sizeof(general.outer));
	ck_assert_uint_eq(general.text_bytes, alike.text_bytes);
	ck_assert_mem_eq(general.text, alike.text, alike.text_bytes);
}

START_TEST(both_ways_of_sealing_write_the_same)
{
	static const uint8_t marks[] = { 0, 1, 2, 3, 0xb8 };
	uint8_t udp[64] = { 0x10, 0, 0x20 };

	for (uint8_t bytes = 8; bytes < sizeof(udp); bytes++) {
		struct box_frame frame;

		udp[5] = bytes;
		frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", IPPROTO_UDP, udp, bytes);
		box_ip(&frame)[6] = bytes % 3 ? 0x40 : 0; // "don't fragment"
		set_tos(box_ip(&frame), marks[bytes % COUNT(marks)]);
		seal_both_ways(&frame);
		frame = box_packet(
			BOX_LAN, "2001:db8:1::2", "2001:db8:2::2", IPPROTO_UDP, udp, bytes);
		seal_both_ways(&frame);
	}
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
	tcase_add_test(tcase, each_sa_has_a_window_of_its_own);
	tcase_add_test(tcase, numbers_of_a_vector_may_go_back);
	tcase_add_test(tcase, each_sa_counts_its_own_packets);
	tcase_add_test(tcase, a_policy_takes_the_packets_of_its_sa);
	tcase_add_test(tcase, the_inner_checksum_has_to_hold);
	tcase_add_test(tcase, the_ecn_field_is_combined_packet_by_packet);
	tcase_add_test(tcase, both_ways_of_sealing_write_the_same);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("graph_runs");

	add_tests(suite, "short", setup);
	add_tests(suite, "long", setup_long_way);
	return gw_test_run(suite, true);
}
