// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP in UDP (RFC 3948) through the whole graph, in both outer families.

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "graph/packet.h"
#include "run.h"

static struct box *box;
static struct box_peer peer;

static void setup(void)
{
	box = box_new();
	peer = box_peer_new();
}

static void teardown(void)
{
	box_peer_free(&peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

#define HOST    "192.168.1.2"
#define REMOTE  "192.168.2.2"
#define UDP     8
#define OUT_SPI 4097
#define IN_SPI  4098

static const struct family {
	const char *gateway, *peer, *moved;
	size_t ip_bytes;
} families[] = {
	{ "10.9.0.1", "10.9.0.2", "203.0.113.9", 20 },
	{ "2001:db8:9::1", "2001:db8:9::2", "2001:db8:77::9", 40 },
};

static void add_sa(const struct family *family, bool out, const char *more)
{
	char json[512];

	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"spi\":%d,\"source\":\"%s\",\"destination\":\"%s\","
		"\"reqid\":1,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":\"%s\"}%s}",
		out ? "out" : "in", out ? OUT_SPI : IN_SPI, out ? family->gateway : family->peer,
		out ? family->peer : family->gateway,
		out ? "0000000000000000000000000000000000000000"
		    : "0101010101010101010101010101010101010101",
		more);
	box_sa(box, json);
}

static void add_policies(void)
{
	box_policy(box,
		"{\"direction\":\"out\",\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.2.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"in\",\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.2.0/24\",\"destination\":\"192.168.1.0/24\"}}");
}

// Both ends, in UDP.
static void add_tunnel(const struct family *family)
{
	add_sa(family, true, ",\"encapsulation\":{\"destination_port\":61000}");
	add_sa(family, false, ",\"encapsulation\":{\"source_port\":61000}");
	add_policies();
}

static void push(unsigned int port, const struct box_frame *frame)
{
	ck_assert(box_push(box, port, frame->data, frame->size));
	box_walk(box);
}

static size_t pull(unsigned int port, struct box_frame *frame)
{
	frame->size = box_pull(box, port, frame->data, sizeof(frame->data));
	return frame->size;
}

static void write_16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t read_16(const uint8_t *at)
{
	return (size_t)(at[0] << 8 | at[1]);
}

// A UDP packet for the gateway's port 4500. length: of the UDP header; 0: the right one.
static struct box_frame udp_packet(const struct family *family, const char *source, uint16_t port,
	const void *payload, size_t size, size_t length)
{
	uint8_t udp[2000] = {};

	write_16(udp, port);
	write_16(udp + 2, 4500);
	write_16(udp + 4, length ? length : UDP + size);
	memcpy(udp + UDP, payload, size);
	return box_packet(BOX_WAN, source, family->gateway, IPPROTO_UDP, udp, UDP + size);
}

static size_t sealed(uint32_t sequence, uint8_t *esp)
{
	struct box_frame inner = box_packet(BOX_WAN, REMOTE, HOST, 200, "hello, world", 12);

	return box_seal(
		&peer, IN_SPI, sequence, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);
}

static struct box_frame in_udp(
	const struct family *family, const char *source, uint16_t port, uint32_t sequence)
{
	uint8_t esp[200];
	size_t size = sealed(sequence, esp);

	return udp_packet(family, source, port, esp, size, 0);
}

// Over IPv4 there is none (RFC 3948 section 2.1), over IPv6 there has to be (RFC 8200 section 8.1).
static bool udp_checksum_is_right(struct box_frame *frame, const struct family *family)
{
	const uint8_t *ip = box_ip(frame), *udp = ip + family->ip_bytes;
	uint32_t sum;

	if (family->ip_bytes == 20)
		return read_16(udp + 6) == 0;
	sum = gw_checksum_add(0, ip + 8, 32) + rte_cpu_to_be_16(read_16(udp + 4)) +
	      RTE_BE16(IPPROTO_UDP);
	return read_16(udp + 6) != 0 &&
	       gw_checksum_finish(gw_checksum_add(sum, udp, read_16(udp + 4))) == 0;
}

START_TEST(outbound_has_a_udp_header)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;
	const uint8_t *data, *udp;
	uint8_t payload[100] = { 1, 2, 3 }, next_header;

	add_tunnel(family);
	for (size_t size = 0; size < sizeof(payload); size++) {
		frame = box_packet(BOX_LAN, HOST, REMOTE, 200, payload, size);
		push(BOX_LAN, &frame);
		ck_assert_uint_gt(pull(BOX_WAN, &out), RTE_ETHER_HDR_LEN + family->ip_bytes + UDP);
		ck_assert(box_ip_is_right(&out));
		ck_assert_uint_eq(box_ip(&out)[_i ? 6 : 9], IPPROTO_UDP);
		udp = box_ip(&out) + family->ip_bytes;
		ck_assert_uint_eq(read_16(udp), 4500);
		ck_assert_uint_eq(read_16(udp + 2), 61000);
		ck_assert_uint_eq(
			read_16(udp + 4), out.size - RTE_ETHER_HDR_LEN - family->ip_bytes);
		ck_assert(udp_checksum_is_right(&out, family));
		ck_assert_int_eq(box_open(&peer, box_ip(&out) + family->ip_bytes + UDP,
					 read_16(udp + 4) - UDP, &data, &next_header),
			20 + (int)size);
		ck_assert_uint_eq(next_header, 4);
		ck_assert_mem_eq(data + 20, payload, size);
	}
}
END_TEST

// The largest inner packet fills the path's MTU as far as ESP's alignment lets it; one byte more
// does not pass.
START_TEST(udp_counts_in_the_mtu)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;
	uint8_t payload[1500] = {};
	// 1500 less IP, UDP 8, ESP 8, IV 8, ICV 16: 1440 or 1420; less the trailer's 2.
	size_t largest = _i ? 1418 : 1438;

	add_tunnel(family);
	frame = box_packet(BOX_LAN, HOST, REMOTE, 200, payload, largest - 20);
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(pull(BOX_WAN, &out), RTE_ETHER_HDR_LEN + 1500);
	frame = box_packet(BOX_LAN, HOST, REMOTE, 200, payload, largest - 20 + 1);
	box_ip(&frame)[6] = 0x40; // don't fragment: the sender is told
	box_ip(&frame)[10] ^= 0x40;
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_IP_CHECKSUM), 0);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(read_16(box_ip(&out) + 20 + 6), largest);
}
END_TEST

START_TEST(inbound_is_opened)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;

	add_tunnel(family);
	frame = in_udp(family, family->peer, 61000, 1);
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(pull(BOX_LAN, &out), RTE_ETHER_HDR_LEN + 20 + 12);
	ck_assert_mem_eq(box_ip(&out) + 20, "hello, world", 12);
	// A UDP checksum, right or wrong, is not looked at.
	frame = in_udp(family, family->peer, 61000, 2);
	write_16(box_ip(&frame) + family->ip_bytes + 6, 0x1234);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);
}
END_TEST

// Each payload that is not ESP, and what becomes of it.
static const struct {
	const char *payload;
	size_t size;
	size_t length;
	enum gw_drop reason;
} others[] = {
	{ "\xff", 1, 0, GW_DROP_UDP_KEEPALIVE },
	{ "\xfe", 1, 0, GW_DROP_ESP_RUNT },
	{ "", 0, 0, GW_DROP_ESP_RUNT },
	{ "\xff\xff", 2, 0, GW_DROP_ESP_RUNT },
	{ "\0\0\0", 3, 0, GW_DROP_ESP_RUNT },
	{ "\0\0\x10\x02", 4, 0, GW_DROP_ESP_RUNT },
	{ "\0\0\x10\x02\0\0\0", 7, 0, GW_DROP_ESP_RUNT },
	{ "\0\0\x10\x02\0\0\0\1", 8, 0, GW_DROP_ESP_RUNT },
	{ "\0\0\0\1\0\0\0\1", 8, 0, GW_DROP_ESP_SPI_RESERVED },
	{ "\0\0\x77\x77\0\0\0\1", 8, 0, GW_DROP_SA_UNKNOWN },
	{ "\0\0\0\0 IKE", 8, 0, GW_DROP_SPD_IN_NO_POLICY },
	{ "\0\0\0\0", 4, 0, GW_DROP_SPD_IN_NO_POLICY },
	{ "\xff", 1, 8, GW_DROP_UDP_LENGTH },
	{ "\xff", 1, 10, GW_DROP_UDP_LENGTH },
	{ "\xff", 1, 7, GW_DROP_UDP_LENGTH },
	{ "\xff", 1, 65535, GW_DROP_UDP_LENGTH },
};

START_TEST(what_is_not_esp)
{
	for (size_t i = 0; i < RTE_DIM(families); i++) {
		struct box_frame frame = udp_packet(&families[i], families[i].peer, 61000,
			others[_i].payload, others[_i].size, others[_i].length);
		struct box_frame out;

		add_tunnel(&families[i]);
		push(BOX_WAN, &frame);
		ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
		ck_assert_uint_eq(box_drops(box, others[_i].reason), 1);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(udp_header_cut_short)
{
	for (size_t size = 4; size < UDP; size++) {
		struct box_frame frame = udp_packet(&families[0], "10.9.0.2", 61000, "", 0, 0);

		frame.size -= UDP - size;
		write_16(box_ip(&frame) + 2, 20 + size);
		write_16(box_ip(&frame) + 10, 0);
		write_16(box_ip(&frame) + 10, rte_be_to_cpu_16(gw_checksum_finish(
						      gw_checksum_add(0, box_ip(&frame), 20))));
		push(BOX_WAN, &frame);
	}
	ck_assert_uint_eq(box_drops(box, GW_DROP_UDP_LENGTH), 4);
}
END_TEST

START_TEST(zero_length_of_udp)
{
	struct box_frame frame = in_udp(&families[_i], families[_i].peer, 61000, 1);

	add_tunnel(&families[_i]);
	write_16(box_ip(&frame) + families[_i].ip_bytes + 4, 0);
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(box_drops(box, GW_DROP_UDP_LENGTH), 1);
}
END_TEST

// An SA takes one form and no other, and the drop is counted for it.
START_TEST(forms_do_not_mix)
{
	const struct family *family = &families[_i];
	struct gw_sa_id id = { GW_DIRECTION_IN, GW_PROTOCOL_ESP, IN_SPI, {} };
	struct gw_sa_totals totals;
	struct box_frame frame, out;
	uint8_t esp[200];
	size_t size = sealed(1, esp);

	add_policies();
	add_sa(family, false, ",\"encapsulation\":{}");
	frame = box_packet(BOX_WAN, family->peer, family->gateway, IPPROTO_ESP, esp, size);
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_ENCAPSULATION), 1);
	ck_assert(gw_addr_parse(family->gateway, &id.destination));
	gw_sa_total(gw_sa_find(box->ipsec, &id), 1, &totals);
	ck_assert_uint_eq(totals.drops[GW_SA_DROP_ESP_ENCAPSULATION], 1);
	teardown();
	setup();
	add_policies();
	add_sa(family, false, "");
	frame = udp_packet(family, family->peer, 4500, esp, size, 0);
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_ENCAPSULATION), 1);
}
END_TEST

// UDP from or to another port, or not for the gateway, is no ESP.
START_TEST(other_ports)
{
	const struct family *family = &families[_i];
	struct box_frame frame = in_udp(family, family->peer, 61000, 1), out;

	add_tunnel(family);
	write_16(box_ip(&frame) + family->ip_bytes + 2, 4501);
	push(BOX_WAN, &frame);
	frame = in_udp(family, family->peer, 61000, 1);
	box_ip(&frame)[_i ? 39 : 19] = 99; // somebody else's address
	if (_i == 0) {
		write_16(box_ip(&frame) + 10, 0);
		write_16(box_ip(&frame) + 10, rte_be_to_cpu_16(gw_checksum_finish(
						      gw_checksum_add(0, box_ip(&frame), 20))));
	}
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_NO_POLICY), 2);
}
END_TEST

// Whether one mapping event is there, and that it says this.
static void expect_mapping(const struct family *family, const char *address, uint16_t port)
{
	struct gw_event event;
	struct gw_addr gateway, from;

	ck_assert(gw_addr_parse(family->gateway, &gateway));
	ck_assert(gw_addr_parse(address, &from));
	ck_assert_int_eq(rte_ring_sc_dequeue_elem(box->worker->events, &event, sizeof(event)), 0);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);
	ck_assert_uint_eq(event.kind, GW_EVENT_MAPPING);
	ck_assert_uint_eq(event.spi, IN_SPI);
	ck_assert_uint_eq(event.direction, GW_DIRECTION_IN);
	ck_assert(gw_addr_equal(&event.destination, &gateway));
	ck_assert_uint_eq(event.flow.family, from.family);
	ck_assert_mem_eq(event.flow.source, from.bytes, sizeof(from.bytes));
	ck_assert_uint_eq(event.flow.source_port, port);
}

// RFC 3948 appendix A and RFC 7296 section 2.23: only authentic packets tell where the peer is.
START_TEST(a_moved_peer_is_told_once)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;
	uint32_t sequence = 1;

	add_tunnel(family);
	frame = in_udp(family, family->moved, 1234, sequence);
	frame.data[frame.size - 1] ^= 1; // a forger
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_INTEGRITY), 1);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);

	frame = in_udp(family, family->peer, 61001, sequence++);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	expect_mapping(family, family->peer, 61001);
	frame = in_udp(family, family->peer, 61001, sequence++);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);

	frame = in_udp(family, family->moved, 61001, sequence + 5);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	expect_mapping(family, family->moved, 61001);
	// One of the old place comes late: delivered, and not believed.
	frame = in_udp(family, family->peer, 61001, sequence);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);
	// Back again, by a replay: no; by a new packet: yes.
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_REPLAY), 1);
	ck_assert_uint_eq(rte_ring_count(box->worker->events), 0);
	frame = in_udp(family, family->peer, 61001, sequence + 6);
	push(BOX_WAN, &frame);
	expect_mapping(family, family->peer, 61001);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
}
END_TEST

// What we send goes where the SA says, wherever the peer's packets come from.
START_TEST(a_moved_peer_is_not_followed)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;

	add_tunnel(family);
	frame = in_udp(family, family->moved, 1234, 1);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	frame = box_packet(BOX_LAN, HOST, REMOTE, 200, "", 0);
	push(BOX_LAN, &frame);
	ck_assert_uint_ne(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(read_16(box_ip(&out) + family->ip_bytes + 2), 61000);
	ck_assert_uint_eq(box_ip(&out)[family->ip_bytes - 1], 2);
}
END_TEST

// With no room to tell, the change is told by a later packet.
START_TEST(a_full_event_ring_loses_no_change)
{
	const struct family *family = &families[0];
	struct gw_event event = {};
	struct box_frame frame, out;

	add_tunnel(family);
	while (rte_ring_sp_enqueue_elem(box->worker->events, &event, sizeof(event)) == 0)
		;
	frame = in_udp(family, family->moved, 1234, 1);
	push(BOX_WAN, &frame);
	while (rte_ring_sc_dequeue_elem(box->worker->events, &event, sizeof(event)) == 0)
		ck_assert_uint_ne(event.kind, GW_EVENT_MAPPING);
	frame = in_udp(family, family->moved, 1234, 2);
	push(BOX_WAN, &frame);
	expect_mapping(family, family->moved, 1234);
	while (pull(BOX_LAN, &out))
		;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_udp");
	TCase *tcase = tcase_create("box");
	int both = RTE_DIM(families);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, outbound_has_a_udp_header, 0, both);
	tcase_add_loop_test(tcase, udp_counts_in_the_mtu, 0, both);
	tcase_add_loop_test(tcase, inbound_is_opened, 0, both);
	tcase_add_loop_test(tcase, what_is_not_esp, 0, RTE_DIM(others));
	tcase_add_test(tcase, udp_header_cut_short);
	tcase_add_loop_test(tcase, zero_length_of_udp, 0, both);
	tcase_add_loop_test(tcase, forms_do_not_mix, 0, both);
	tcase_add_loop_test(tcase, other_ports, 0, both);
	tcase_add_loop_test(tcase, a_moved_peer_is_told_once, 0, both);
	tcase_add_loop_test(tcase, a_moved_peer_is_not_followed, 0, both);
	tcase_add_test(tcase, a_full_event_ring_loses_no_change);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
