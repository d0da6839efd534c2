// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Tunnel interfaces through the whole graph: the route selects the SPD (RFC 4301 section 5.1 step
// 1), and nothing that was to go into an interface leaves by another way. conformance: G12

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_graph_worker.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "box_esp.h"
#include "graph/packet.h"
#include "run.h"

#define IF_ID    42
#define OUT_SPI  0x2001
#define IN_SPI   0x2002
#define SEALED   (RTE_ETHER_HDR_LEN + 20)
#define KEY_OUT  "0000000000000000000000000000000000000000"
#define KEY_IN   "0101010101010101010101010101010101010101"
#define KEY_THEN "0202020202020202020202020202020202020202"

static struct box *box;
static const uint8_t payload[64];

static void setup(void)
{
	box = box_new();
}

static void teardown(void)
{
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static void add_sa(const char *direction, uint32_t spi, uint32_t if_id, const char *key)
{
	bool out = strcmp(direction, "out") == 0;
	char json[400];

	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"spi\":%u,\"source\":\"10.9.0.%d\",\"destination\":"
		"\"10.9.0.%d\",\"reqid\":5,\"if_id\":%u,\"encryption\":{\"algorithm\":"
		"\"aes-gcm-16\",\"key\":\"%s\"}}",
		direction, spi, out ? 1 : 2, out ? 2 : 1, if_id, key);
	box_sa(box, json);
}

static void add_policy(const char *direction, const char *action, uint32_t if_id)
{
	char json[300], rest[40] = "";

	if (strcmp(action, "protect") == 0)
		snprintf(rest, sizeof(rest), "\"reqid\":5,");
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"action\":\"%s\",%s\"if_id\":%u,\"selector\":{\"source\":"
		"\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\"}}",
		direction, action, rest, if_id);
	box_policy(box, json);
}

static void add_tunnel(void)
{
	add_sa("out", OUT_SPI, IF_ID, KEY_OUT);
	add_sa("in", IN_SPI, IF_ID, KEY_IN);
	add_policy("out", "protect", IF_ID);
	add_policy("in", "protect", IF_ID);
}

static void send_from_lan(const char *destination)
{
	struct box_frame frame = box_packet(
		BOX_LAN, "192.168.1.2", destination, IPPROTO_UDP, payload, sizeof(payload));

	ck_assert(box_push(box, BOX_LAN, frame.data, frame.size));
	box_walk(box);
}

// The SPI of the ESP packet that left by wan; 0: nothing left, 1: something else did.
static uint32_t spi_sent(void)
{
	uint8_t frame[2048];
	size_t size = box_pull(box, BOX_WAN, frame, sizeof(frame));
	rte_be32_t spi;

	if (size == 0)
		return 0;
	if (frame[RTE_ETHER_HDR_LEN + 9] != IPPROTO_ESP)
		return 1;
	memcpy(&spi, frame + SEALED, sizeof(spi));
	return rte_be_to_cpu_32(spi);
}

// What the peer seals for us.
static void push_from_peer(uint32_t sequence, const char *destination)
{
	struct box_peer peer = box_peer_new();
	struct box_frame inner = box_packet(
		BOX_WAN, "192.168.2.2", destination, IPPROTO_UDP, payload, sizeof(payload));
	uint8_t esp[400];
	size_t size = box_seal(&peer, IN_SPI, sequence, inner.data + RTE_ETHER_HDR_LEN,
		inner.size - RTE_ETHER_HDR_LEN, 4, esp);
	struct box_frame outer =
		box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", IPPROTO_ESP, esp, size);

	ck_assert(box_push(box, BOX_WAN, outer.data, outer.size));
	box_peer_free(&peer);
}

static void send_from_peer(uint32_t sequence, const char *destination)
{
	push_from_peer(sequence, destination);
	box_walk(box);
}

// Walks until something is there for the host: box_walk gives that up.
static struct rte_mbuf *for_host(void)
{
	void *mbuf = NULL;

	box->worker->now_ns = gw_clock_ns(); // or the bucket for punted packets stays empty
	for (unsigned int i = 0; i < 8 && rte_ring_dequeue(box->worker->punts, &mbuf) != 0; i++)
		rte_graph_walk(box->worker->graph);
	ck_assert_ptr_nonnull(mbuf);
	ck_assert(gw_packet_is_for_interface(gw_packet(mbuf)));
	ck_assert_uint_eq(gw_packet(mbuf)->flow.interface, box->interface);
	return mbuf;
}

static size_t received_on_lan(void)
{
	uint8_t frame[2048];

	return box_pull(box, BOX_LAN, frame, sizeof(frame));
}

START_TEST(the_route_selects_the_spd)
{
	add_tunnel();
	add_sa("out", 0x3001, 0, KEY_THEN);
	add_policy("out", "protect", 0);
	box_interface(box, IF_ID);
	box_route(box, "192.168.2.0/24", NULL, "esp0");
	box_route(box, "192.168.3.0/24", "10.255.0.2", "esp0");
	send_from_lan("192.168.2.5");
	ck_assert_uint_eq(spi_sent(), OUT_SPI);
	send_from_lan("192.168.3.5");
	ck_assert_uint_eq(spi_sent(), OUT_SPI);
	send_from_lan("192.168.4.5");
	ck_assert_uint_eq(spi_sent(), 0x3001);
	ck_assert_uint_eq(spi_sent(), 0);
}
END_TEST

// RFC 4301 section 4.4.1: the SPD that is selected ends in discard as any other.
START_TEST(a_route_into_an_interface_never_leads_out_in_clear)
{
	add_policy("out", "bypass", 0);
	add_sa("out", 0x3001, 0, KEY_THEN); // the same reqid, and not the interface's
	box_interface(box, IF_ID);
	box_route(box, "192.168.2.0/24", NULL, "esp0");
	send_from_lan("192.168.2.5");
	ck_assert_uint_eq(box_drops(box, GW_DROP_INTERFACE_NO_POLICY), 1);
	add_policy("out", "protect", IF_ID);
	send_from_lan("192.168.2.5");
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_SA), 1);
	ck_assert_uint_eq(spi_sent(), 0);
	ck_assert_uint_eq(received_on_lan(), 0);
}
END_TEST

START_TEST(an_esp_packet_is_not_led_into_an_interface)
{
	add_tunnel();
	box_interface(box, IF_ID);
	box_route(box, "192.168.2.0/24", NULL, "esp0");
	box_route(box, "10.9.0.2/32", NULL, "esp0");
	send_from_lan("192.168.2.5");
	ck_assert_uint_eq(spi_sent(), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_INTERFACE_LOOP), 1);
}
END_TEST

// RFC 4301 section 5.2 step 4: the policy must be one of the SA's own SPD.
START_TEST(inbound_the_sa_selects_the_spd)
{
	add_sa("in", IN_SPI, IF_ID, KEY_IN);
	add_policy("in", "protect", 0);
	box_interface(box, IF_ID);
	send_from_peer(1, "192.168.1.2");
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_WRONG_SA), 1);
	ck_assert_uint_eq(received_on_lan(), 0);
	add_policy("in", "protect", IF_ID);
	send_from_peer(2, "192.168.1.2");
	ck_assert_uint_ne(received_on_lan(), 0);
}
END_TEST

START_TEST(an_interface_that_is_down_lets_nothing_out)
{
	add_tunnel();
	box_interface(box, IF_ID);
	atomic_store(&box->interfaces.up[box->interface], false);
	send_from_peer(1, "192.168.1.2");
	send_from_peer(2, "10.9.0.1");
	ck_assert_uint_eq(box_drops(box, GW_DROP_INTERFACE_DOWN), 2);
	ck_assert_uint_eq(received_on_lan(), 0);
}
END_TEST

// Also multicast, by which routing daemons speak.
START_TEST(the_host_gets_packets_of_its_own_as_they_are)
{
	static const char *const destinations[] = { "10.9.0.1", "224.0.0.5" };

	add_tunnel();
	box_interface(box, IF_ID);
	for (uint32_t i = 0; i < RTE_DIM(destinations); i++) {
		struct rte_mbuf *mbuf;

		push_from_peer(i + 1, destinations[i]);
		mbuf = for_host();
		ck_assert_uint_eq(*rte_pktmbuf_mtod(mbuf, const uint8_t *), 0x45);
		ck_assert_uint_eq(rte_pktmbuf_pkt_len(mbuf), 20 + sizeof(payload));
		rte_pktmbuf_free(mbuf);
	}
}
END_TEST

static void send_from_host(const void *data, size_t size)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	struct gw_packet *packet = gw_packet_init(mbuf, 0, GW_SIDE_PROTECTED);

	packet->marks = GW_MARK_FROM_HOST;
	packet->flow.interface = box->interface;
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)size), data, size);
	ck_assert_int_eq(rte_ring_enqueue(box->worker->from_control, mbuf), 0);
}

// No route is asked: the host has done that.
START_TEST(what_the_host_sends_into_it_is_protected)
{
	static const uint8_t garbage[30] = { 0x45 };
	struct box_frame frame = box_packet(
		BOX_LAN, "10.9.0.1", "10.255.0.2", IPPROTO_UDP, payload, sizeof(payload));

	add_tunnel();
	add_policy("out", "bypass", 0);
	box_interface(box, IF_ID);
	send_from_host(frame.data + RTE_ETHER_HDR_LEN, frame.size - RTE_ETHER_HDR_LEN);
	box_walk(box);
	ck_assert_uint_eq(spi_sent(), OUT_SPI);
	send_from_host(garbage, sizeof(garbage));
	send_from_host(garbage, 1);
	box_walk(box);
	ck_assert_uint_eq(spi_sent(), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_HOST_FRAME), 2);
}
END_TEST

START_TEST(the_host_hears_where_it_sent_what_was_too_long)
{
	static const uint8_t much[1480];
	struct box_frame frame =
		box_packet(BOX_LAN, "10.9.0.1", "10.255.0.2", IPPROTO_UDP, much, sizeof(much));
	uint8_t *ip = frame.data + RTE_ETHER_HDR_LEN;
	struct rte_mbuf *mbuf;

	// Don't fragment, and the checksum follows.
	ip[6] = 0x40;
	ip[10] = (uint8_t)(ip[10] - 0x40);
	add_tunnel();
	box_interface(box, IF_ID);
	send_from_host(ip, frame.size - RTE_ETHER_HDR_LEN);
	mbuf = for_host();
	ck_assert_uint_eq(spi_sent(), 0);
	ck_assert_uint_eq(rte_pktmbuf_mtod(mbuf, const uint8_t *)[20], 3);
	ck_assert_uint_eq(rte_pktmbuf_mtod(mbuf, const uint8_t *)[21], 4);
	rte_pktmbuf_free(mbuf);
}
END_TEST

START_TEST(numbers_come_back_last)
{
	struct gw_interface_table *table = gw_ipsec_db_interfaces(box->ipsec);
	struct gw_error err = {};
	uint16_t first, number;

	ck_assert_int_eq(gw_interface_get(table, 1000, &first, &err), 0);
	ck_assert_int_eq(gw_interface_get(table, 1000, &number, &err), 0);
	ck_assert_uint_eq(number, first);
	gw_interface_put(table, first);
	ck_assert(gw_interface_find(table, 1000, &number));
	gw_interface_put(table, first);
	ck_assert(!gw_interface_find(table, 1000, &number));
	for (uint32_t i = 1; i < GW_MAX_INTERFACES; i++) {
		ck_assert_int_eq(gw_interface_get(table, 1000 + i, &number, &err), 0);
		ck_assert_uint_ne(number, first);
	}
	ck_assert_int_eq(gw_interface_get(table, 9000, &number, &err), 0);
	ck_assert_uint_eq(number, first);
	ck_assert_int_eq(gw_interface_get(table, 9001, &number, &err), -ENOSPC);
	for (uint32_t i = 1; i < GW_MAX_INTERFACES; i++) {
		ck_assert(gw_interface_find(table, 1000 + i, &number));
		gw_interface_put(table, number);
		ck_assert(!gw_interface_find(table, 1000 + i, &number));
	}
	ck_assert(gw_interface_find(table, 9000, &number));
	ck_assert_uint_eq(number, first);
	ck_assert_int_eq(gw_interface_get(table, 0, &number, &err), 0);
	ck_assert_uint_eq(number, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_interface");
	TCase *tcase = tcase_create("interface");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_route_selects_the_spd);
	tcase_add_test(tcase, a_route_into_an_interface_never_leads_out_in_clear);
	tcase_add_test(tcase, an_esp_packet_is_not_led_into_an_interface);
	tcase_add_test(tcase, inbound_the_sa_selects_the_spd);
	tcase_add_test(tcase, an_interface_that_is_down_lets_nothing_out);
	tcase_add_test(tcase, the_host_gets_packets_of_its_own_as_they_are);
	tcase_add_test(tcase, what_the_host_sends_into_it_is_protected);
	tcase_add_test(tcase, the_host_hears_where_it_sent_what_was_too_long);
	tcase_add_test(tcase, numbers_come_back_last);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
