// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP in TCP (RFC 9329) through the whole graph, in both outer families; the test takes the control
// core's part.

// conformance: J21, J22, J25

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

static void empty_streams(void)
{
	void *mbuf;

	while (rte_ring_sc_dequeue(box->worker->streams, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
}

static void teardown(void)
{
	empty_streams();
	box_peer_free(&peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

#define HOST    "192.168.1.2"
#define REMOTE  "192.168.2.2"
#define OUT_SPI 4097
#define IN_SPI  4098
#define REQID   7
#define IN_TCP  ",\"encapsulation\":{\"protocol\":\"tcp\"}"

static const struct family {
	const char *gateway, *peer, *elsewhere;
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
		"\"reqid\":%d,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":\"%s\"}%s}",
		out ? "out" : "in", out ? OUT_SPI : IN_SPI, out ? family->gateway : family->peer,
		out ? family->peer : family->gateway, REQID,
		out ? "0000000000000000000000000000000000000000"
		    : "0101010101010101010101010101010101010101",
		more);
	box_sa(box, json);
}

static void add_tunnel(const struct family *family, const char *more)
{
	add_sa(family, true, more);
	add_sa(family, false, more);
	box_policy(box,
		"{\"direction\":\"out\",\"action\":\"protect\",\"reqid\":7,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.2.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"in\",\"action\":\"protect\",\"reqid\":7,"
		"\"selector\":{\"source\":\"192.168.2.0/24\",\"destination\":\"192.168.1.0/24\"}}");
}

static void send_out(size_t size, bool dont_fragment)
{
	uint8_t payload[1500] = { 1, 2, 3 };
	struct box_frame frame = box_packet(BOX_LAN, HOST, REMOTE, 200, payload, size - 20);

	if (dont_fragment) {
		box_ip(&frame)[6] = 0x40;
		box_ip(&frame)[10] ^= 0x40;
	}
	ck_assert(box_push(box, BOX_LAN, frame.data, frame.size));
	box_walk(box);
}

static bool left_on_the_wire(void)
{
	struct box_frame out;

	return box_pull(box, BOX_WAN, out.data, sizeof(out.data)) != 0;
}

// Up to the whole MTU of the path, from which nothing is taken off.
START_TEST(outbound_goes_to_the_control_core)
{
	const struct family *family = &families[_i];
	static const size_t sizes[] = { 20, 21, 100, 1499, 1500 };

	add_tunnel(family, IN_TCP);
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		const struct gw_packet *packet;
		uint8_t next_header;
		const uint8_t *data;
		struct gw_addr want;
		void *mbuf;

		send_out(sizes[i], true);
		ck_assert(!left_on_the_wire());
		ck_assert_int_eq(rte_ring_sc_dequeue(box->worker->streams, &mbuf), 0);
		packet = gw_packet(mbuf);
		ck_assert_ptr_null(packet->sa);
		ck_assert_uint_eq(packet->sequence, REQID);
		ck_assert_uint_eq(packet->header_bytes, family->ip_bytes);
		ck_assert(gw_addr_parse(family->peer, &want));
		ck_assert_uint_eq(packet->flow.family, want.family);
		ck_assert_mem_eq(packet->flow.destination, want.bytes, sizeof(want.bytes));
		ck_assert_int_eq(
			box_open(&peer,
				rte_pktmbuf_mtod_offset(
					(struct rte_mbuf *)mbuf, uint8_t *, family->ip_bytes),
				rte_pktmbuf_data_len((struct rte_mbuf *)mbuf) - family->ip_bytes,
				&data, &next_header),
			(int)sizes[i]);
		rte_pktmbuf_free(mbuf);
	}
}
END_TEST

START_TEST(a_full_queue_drops)
{
	add_tunnel(&families[0], IN_TCP);
	for (unsigned int room = rte_ring_get_capacity(box->worker->streams); room; room--)
		ck_assert_int_eq(rte_ring_sp_enqueue(box->worker->streams,
					 rte_pktmbuf_alloc(box->dataplane.buffers)),
			0);
	send_out(100, false);
	ck_assert(!left_on_the_wire());
	ck_assert_uint_eq(box_drops(box, GW_DROP_TCP_QUEUE_FULL), 1);
}
END_TEST

static struct box_frame sealed(
	const struct family *family, const char *destination, uint32_t sequence)
{
	struct box_frame inner = box_packet(BOX_WAN, REMOTE, HOST, 200, "hello, world", 12);
	uint8_t esp[200];
	size_t size = box_seal(
		&peer, IN_SPI, sequence, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);

	return box_packet(BOX_WAN, family->peer, destination, IPPROTO_ESP, esp, size);
}

// As the control core hands over what came by the connection.
static void record(const struct family *family, struct box_frame *frame, uint64_t stream)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	struct gw_packet *packet = gw_packet_init(mbuf, BOX_WAN, GW_SIDE_UNPROTECTED);
	size_t size = frame->size - RTE_ETHER_HDR_LEN;
	const uint8_t *ip = box_ip(frame);
	struct gw_ip parsed;

	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)size), ip, size);
	ck_assert_int_eq(gw_ip_parse(ip, (uint32_t)size, (uint32_t)size, true, &parsed), GW_IP_OK);
	packet->ip = parsed;
	packet->marks = GW_MARK_IN_TCP;
	packet->stream = stream;
	ck_assert_uint_eq(packet->header_bytes, family->ip_bytes);
	ck_assert_int_eq(rte_ring_sp_enqueue(box->worker->from_control, mbuf), 0);
	box_walk(box);
}

static bool delivered(void)
{
	struct box_frame out;

	out.size = box_pull(box, BOX_LAN, out.data, sizeof(out.data));
	return out.size == RTE_ETHER_HDR_LEN + 20 + 12 &&
	       memcmp(box_ip(&out) + 20, "hello, world", 12) == 0;
}

// The connection that the next event names; 0: there is none.
static uint64_t told(void)
{
	struct gw_event event;

	if (rte_ring_sc_dequeue_elem(box->worker->events, &event, sizeof(event)) != 0)
		return 0;
	ck_assert_uint_eq(event.kind, GW_EVENT_STREAM);
	ck_assert_uint_eq(event.spi, IN_SPI);
	ck_assert_uint_eq(event.direction, GW_DIRECTION_IN);
	return event.stream;
}

START_TEST(the_newest_authentic_packet_tells_its_connection)
{
	const struct family *family = &families[_i];
	static const struct {
		uint64_t stream, tells;
		uint32_t sequence;
		bool forged, dropped;
	} steps[] = {
		{ .stream = 1, .sequence = 10, .tells = 1 },
		{ .stream = 1, .sequence = 11 },
		{ .stream = 2, .sequence = 12, .forged = true, .dropped = true },
		{ .stream = 2, .sequence = 11, .dropped = true }, // replayed
		{ .stream = 2, .sequence = 5 },                   // late
		{ .stream = 2, .sequence = 12, .tells = 2 },
		{ .stream = 1, .sequence = 13, .tells = 1 },
	};

	add_tunnel(family, IN_TCP);
	for (size_t i = 0; i < RTE_DIM(steps); i++) {
		struct box_frame frame = sealed(family, family->gateway, steps[i].sequence);

		if (steps[i].forged)
			frame.data[frame.size - 1] ^= 1;
		record(family, &frame, steps[i].stream);
		ck_assert_msg(delivered() == !steps[i].dropped, "step %zu", i);
		ck_assert_msg(told() == steps[i].tells, "step %zu", i);
	}
}
END_TEST

START_TEST(a_full_event_ring_loses_no_change)
{
	const struct family *family = &families[0];
	struct gw_event event = {};
	struct box_frame frame;

	add_tunnel(family, IN_TCP);
	while (rte_ring_sp_enqueue_elem(box->worker->events, &event, sizeof(event)) == 0)
		;
	frame = sealed(family, family->gateway, 1);
	record(family, &frame, 3);
	ck_assert(delivered());
	while (rte_ring_sc_dequeue_elem(box->worker->events, &event, sizeof(event)) == 0)
		ck_assert_uint_ne(event.kind, GW_EVENT_STREAM);
	frame = sealed(family, family->gateway, 2);
	record(family, &frame, 3);
	ck_assert(delivered());
	ck_assert_uint_eq(told(), 3);
}
END_TEST

START_TEST(forms_do_not_mix)
{
	static const char *const others[] = { "", ",\"encapsulation\":{}" };
	const struct family *family = &families[_i];
	struct box_frame frame;

	for (size_t i = 0; i < RTE_DIM(others); i++) {
		add_tunnel(family, others[i]);
		frame = sealed(family, family->gateway, 1);
		record(family, &frame, 1);
		ck_assert(!delivered());
		ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_ENCAPSULATION), 1);
		teardown();
		setup();
	}
	add_tunnel(family, IN_TCP);
	frame = sealed(family, family->gateway, 1);
	ck_assert(box_push(box, BOX_WAN, frame.data, frame.size));
	box_walk(box);
	ck_assert(!delivered());
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_ENCAPSULATION), 1);
}
END_TEST

// Even where the gateway has lost the address that the connection has, and a policy would let
// ESP in transit pass: what came in TCP was no packet.
START_TEST(an_unknown_spi_is_no_transit_traffic)
{
	const struct family *family = &families[_i];
	struct box_frame frame = sealed(family, family->elsewhere, 1);

	box_policy(box, _i ? "{\"direction\":\"in\",\"action\":\"bypass\",\"selector\":{\"source\":"
			     "\"::/0\","
			     "\"destination\":\"::/0\"}}"
			   : "{\"direction\":\"in\",\"action\":\"bypass\",\"selector\":{\"source\":"
			     "\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\"}}");
	record(family, &frame, 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SA_UNKNOWN), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_tcp");
	TCase *tcase = tcase_create("box");
	int both = RTE_DIM(families);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, outbound_goes_to_the_control_core, 0, both);
	tcase_add_test(tcase, a_full_queue_drops);
	tcase_add_loop_test(tcase, the_newest_authentic_packet_tells_its_connection, 0, both);
	tcase_add_test(tcase, a_full_event_ring_loses_no_change);
	tcase_add_loop_test(tcase, forms_do_not_mix, 0, both);
	tcase_add_loop_test(tcase, an_unknown_spi_is_no_transit_traffic, 0, both);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
