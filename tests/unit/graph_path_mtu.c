// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ICMP errors about our own ESP packets through the whole graph, and what a path that was found
// narrow does to packets. conformance: I5

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "graph/packet.h"
#include "ipsec/path_mtu.h"
#include "net/checksum.h"
#include "run.h"

static struct box *box;

static void setup(void)
{
	box = box_new();
}

static void teardown(void)
{
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static const struct family {
	const char *gateway, *peer, *router;
	uint8_t icmp;
	uint8_t type, code;
} families[] = {
	{ "10.9.0.1", "10.9.0.2", "203.0.113.9", IPPROTO_ICMP, 3, 4 },
	{ "2001:db8:9::1", "2001:db8:9::2", "2001:db8:77::9", IPPROTO_ICMPV6, 2, 0 },
};

static void add_tunnel(const struct family *family)
{
	char json[400];

	snprintf(json, sizeof(json),
		"{\"direction\":\"out\",\"spi\":4097,\"source\":\"%s\",\"destination\":\"%s\","
		"\"reqid\":1,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		"\"0000000000000000000000000000000000000000\"}}",
		family->gateway, family->peer);
	box_sa(box, json);
	box_policy(box,
		"{\"direction\":\"out\",\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.2.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"2001:db8:1::/64\",\"destination\":\"2001:db8:2::/"
		"64\"}}");
}

static struct gw_sa *sa_of(const struct family *family)
{
	struct gw_sa_id id = { GW_DIRECTION_OUT, GW_PROTOCOL_ESP, 4097, {} };

	ck_assert(gw_addr_parse(family->peer, &id.destination));
	return gw_sa_find(box->ipsec, &id);
}

static void put_16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void close_checksum(struct box_frame *frame, const struct family *family)
{
	uint8_t *ip = box_ip(frame), *icmp = ip + box_ip_bytes(frame);
	uint32_t bytes = (uint32_t)(frame->size - RTE_ETHER_HDR_LEN - box_ip_bytes(frame));
	uint32_t sum = 0;
	uint16_t checksum;

	if (family->icmp == IPPROTO_ICMPV6) {
		uint8_t rest[8] = { [7] = IPPROTO_ICMPV6 };

		put_16(rest + 2, bytes);
		sum = gw_checksum_add(gw_checksum_add(0, ip + 8, 32), rest, 8);
	}
	memset(icmp + 2, 0, 2);
	checksum = gw_checksum_finish(gw_checksum_add(sum, icmp, bytes));
	memcpy(icmp + 2, &checksum, 2);
}

// An ICMP error of a router about a packet from source to the peer, for the gateway.
static struct box_frame too_big(
	const struct family *family, const char *source, uint8_t protocol, uint16_t mtu)
{
	uint8_t about[1000] = { 0, 0, 0x10, 0x01, 0, 0, 0, 9 }, message[8 + 40 + 8] = {};
	struct box_frame quoted =
		box_packet(BOX_WAN, source, family->peer, protocol, about, sizeof(about));
	size_t bytes = box_ip_bytes(&quoted) + 8;
	struct box_frame frame;

	message[0] = family->type;
	message[1] = family->code;
	put_16(message + 6, mtu);
	memcpy(message + 8, box_ip(&quoted), bytes);
	if (family->icmp == IPPROTO_ICMP) // of the whole, 1490 bytes
		put_16(message + 10, 1490);
	else
		put_16(message + 12, 1450);
	frame = box_packet(
		BOX_WAN, family->router, family->gateway, family->icmp, message, 8 + bytes);
	close_checksum(&frame, family);
	return frame;
}

static void push(unsigned int port, const struct box_frame *frame)
{
	ck_assert(box_push(box, port, frame->data, frame->size));
	box_walk(box);
}

static bool next_event(struct gw_event *event)
{
	return rte_ring_dequeue_elem(box->worker->events, event, sizeof(*event)) == 0;
}

START_TEST(an_error_about_our_packet_is_told)
{
	const struct family *family = &families[_i];
	struct box_frame frame = too_big(family, family->gateway, IPPROTO_ESP, 1400);
	struct gw_event event;
	struct gw_addr peer;

	push(BOX_WAN, &frame);
	ck_assert(next_event(&event));
	ck_assert_uint_eq(event.kind, GW_EVENT_PATH_MTU);
	ck_assert_uint_eq(event.spi, 4097);
	ck_assert_uint_eq(event.sequence, 9);
	ck_assert_uint_eq(event.mtu, 1400);
	ck_assert_uint_eq(event.flow.protocol, IPPROTO_ESP);
	ck_assert(gw_addr_parse(family->peer, &peer) && gw_addr_equal(&peer, &event.destination));
	ck_assert_uint_eq(box_drops(box, GW_DROP_ICMP_PATH_MTU), 1);
}
END_TEST

// These go the way of any clear text: the SPD has no policy for them.
START_TEST(other_icmp_is_for_the_policies)
{
	const struct family *family = &families[_i];
	struct box_frame frames[] = {
		too_big(family, family->router, IPPROTO_ESP, 1400), // not from us
		too_big(family, family->gateway, IPPROTO_TCP, 1400),
		too_big(family, family->gateway, IPPROTO_ESP, 1491), // nothing new
		too_big(family, family->gateway, IPPROTO_ESP, 1400), // a checksum that is wrong
		too_big(family, family->gateway, IPPROTO_ESP, 1400), // of another kind
	};
	struct gw_event event;

	frames[3].data[frames[3].size - 1] ^= 1;
	box_ip(&frames[4])[box_ip_bytes(&frames[4])] = 1;
	close_checksum(&frames[4], family);
	for (size_t i = 0; i < RTE_DIM(frames); i++) {
		push(BOX_WAN, &frames[i]);
		ck_assert_msg(!next_event(&event), "frame %zu", i);
		ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_NO_POLICY), i + 1);
	}
}
END_TEST

START_TEST(nothing_is_told_where_it_is_switched_off)
{
	struct box_frame frame = too_big(&families[0], families[0].gateway, IPPROTO_ESP, 1400);
	struct gw_event event;

	box->dataplane.learn_path_mtu = false;
	push(BOX_WAN, &frame);
	ck_assert(!next_event(&event));
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_NO_POLICY), 1);
}
END_TEST

#define FLOOD 5000 // far more than in the moment that it takes may be told

// conformance: M9
START_TEST(a_flood_is_cut_short)
{
	struct box_frame frame = too_big(&families[0], families[0].gateway, IPPROTO_ESP, 1400);
	struct gw_event event;
	uint64_t told = 0;

	// The control core keeps up: it is not for lack of room that so few are told.
	for (int i = 1; i <= FLOOD; i++) {
		ck_assert(box_push(box, BOX_WAN, frame.data, frame.size));
		if (i % 100)
			continue;
		box_walk(box);
		while (next_event(&event))
			told++;
	}
	ck_assert_uint_ge(told, 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ICMP_PATH_MTU), told);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ICMP_PATH_MTU_RATE), FLOOD - told);
	ck_assert_uint_gt(box_drops(box, GW_DROP_ICMP_PATH_MTU_RATE), 0);
}
END_TEST

// The path takes 1300 bytes: 1446 no longer fit, and the sender is told what does.
START_TEST(a_narrow_path_is_told_on)
{
	const struct family *family = &families[_i];
	const struct gw_path_mtu_rules rules = { .floor_v4 = 576, .age_seconds = 600 };
	uint16_t largest = _i == 0 ? 1246 : 1226; // GCM in 1300 bytes
	uint8_t payload[1300] = {};
	struct box_frame frame, got;
	const uint8_t *icmp;

	add_tunnel(family);
	ck_assert(gw_path_mtu_learn(sa_of(family), 1300, &rules, 1));
	for (uint16_t size = largest; size <= largest + 1; size++) {
		frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, payload, size - 20u);
		box_ip(&frame)[6] = 0x40;
		gw_ipv4_checksum_follow(box_ip(&frame), 6, 0);
		push(BOX_LAN, &frame);
	}
	got.size = box_pull(box, BOX_WAN, got.data, sizeof(got.data));
	ck_assert_uint_le(got.size, RTE_ETHER_HDR_LEN + 1300);
	ck_assert_uint_gt(got.size, RTE_ETHER_HDR_LEN + 1296);
	ck_assert_uint_eq(box_pull(box, BOX_WAN, got.data, sizeof(got.data)), 0);
	got.size = box_pull(box, BOX_LAN, got.data, sizeof(got.data));
	ck_assert_uint_gt(got.size, RTE_ETHER_HDR_LEN + 28);
	icmp = box_ip(&got) + 20;
	ck_assert_uint_eq(icmp[0], 3);
	ck_assert_uint_eq(icmp[1], 4);
	ck_assert_uint_eq((uint16_t)(icmp[6] << 8 | icmp[7]), largest);
}
END_TEST

// 1280 bytes of IPv6 always pass: the ESP packet is cut for the path, though the port takes more.
// conformance: I3
START_TEST(esp_is_cut_for_the_path)
{
	const struct family *family = &families[_i];
	const struct gw_path_mtu_rules rules = { .floor_v4 = 576, .age_seconds = 600 };
	uint8_t payload[1240] = {};
	struct box_frame frame =
		box_packet(BOX_LAN, "2001:db8:1::2", "2001:db8:2::2", 99, payload, sizeof(payload));
	size_t pieces = 0, bytes;

	add_tunnel(family);
	ck_assert(gw_path_mtu_learn(sa_of(family), 1290, &rules, 1));
	push(BOX_LAN, &frame);
	while ((bytes = box_pull(box, BOX_WAN, frame.data, sizeof(frame.data)))) {
		ck_assert_uint_le(bytes, RTE_ETHER_HDR_LEN + 1290);
		pieces++;
	}
	ck_assert_uint_eq(pieces, 2);
}
END_TEST

// --- ICMP errors of our own

#define FEW 1 // a second

static void die_on_the_way(struct box_frame *frame)
{
	uint8_t *ip = box_ip(frame);
	uint16_t before;

	memcpy(&before, ip + 8, sizeof(before));
	ip[8] = 1;
	gw_ipv4_checksum_follow(ip, 8, before);
}

static unsigned int count(unsigned int port)
{
	uint8_t frame[2048];
	unsigned int frames = 0;

	while (box_pull(box, port, frame, sizeof(frame)))
		frames++;
	return frames;
}

// Packets that end here, of hosts of ours and out of a tunnel, whose senders are told through it.
// conformance: I6
START_TEST(our_own_errors_are_cut_short)
{
	struct box_peer peer = box_peer_new();
	const char *ours = "192.168.1.2", *theirs = "192.168.2.2";
	unsigned int told;

	box_tunnel(box);
	box->dataplane.icmp_pps = FEW;
	for (uint32_t i = 1; i <= 200; i++) {
		struct box_frame frame = _i ? box_packet(BOX_WAN, theirs, ours, 99, "hello", 5)
					    : box_packet(BOX_LAN, ours, theirs, 99, "hello", 5);
		uint8_t esp[256];

		die_on_the_way(&frame);
		if (_i) {
			size_t bytes = box_seal(&peer, 4098, i, box_ip(&frame),
				frame.size - RTE_ETHER_HDR_LEN, 4, esp);

			frame = box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
		}
		push(_i ? BOX_WAN : BOX_LAN, &frame);
	}
	told = count(_i ? BOX_WAN : BOX_LAN);
	ck_assert_uint_ge(told, 1);
	ck_assert_uint_le(told, 100);
	ck_assert_uint_eq(box_drops(box, GW_DROP_IP_TTL), told);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ICMP_RATE), 200 - told);
	ck_assert_uint_eq(count(_i ? BOX_LAN : BOX_WAN), 0);
	box_peer_free(&peer);
}
END_TEST

// RFC 1122 section 3.2.2: no error about an error.
START_TEST(errors_are_not_answered)
{
	struct box_frame frame;
	uint8_t error[36] = { 3, 1 };
	struct box_frame about =
		box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, "hello678", 8);

	box_tunnel(box);
	memcpy(error + 8, box_ip(&about), 28);
	frame = box_packet(
		BOX_LAN, "192.168.1.2", "192.168.2.2", IPPROTO_ICMP, error, sizeof(error));
	close_checksum(&frame, &families[0]);
	die_on_the_way(&frame);
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(box_drops(box, GW_DROP_IP_TTL), 1);
	ck_assert_uint_eq(count(BOX_LAN), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_path_mtu");
	TCase *tcase = tcase_create("box");
	int both = RTE_DIM(families);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, an_error_about_our_packet_is_told, 0, both);
	tcase_add_loop_test(tcase, other_icmp_is_for_the_policies, 0, both);
	tcase_add_test(tcase, nothing_is_told_where_it_is_switched_off);
	tcase_add_test(tcase, a_flood_is_cut_short);
	tcase_add_loop_test(tcase, a_narrow_path_is_told_on, 0, both);
	tcase_add_loop_test(tcase, esp_is_cut_for_the_path, 0, both);
	tcase_add_loop_test(tcase, our_own_errors_are_cut_short, 0, 2);
	tcase_add_test(tcase, errors_are_not_answered);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
