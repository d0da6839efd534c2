// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What runs short or goes away under traffic: packet buffers, room in a transmit queue, the link,
// the port. Each packet is sent or counted, none leaks, and traffic goes on afterwards.
// conformance: M6

#include <string.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "run.h"

#define FAR_MORE 4096 // than there are buffers

static struct box *box;
static struct box_peer peer;
static uint32_t sequence;

static void setup(void)
{
	box = box_new();
	peer = box_peer_new();
	sequence = 0;
	box_tunnel(box);
}

static void teardown(void)
{
	box_peer_free(&peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static struct box_frame outbound(size_t size)
{
	uint8_t payload[1480] = {};

	return box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, payload, size);
}

static struct box_frame inbound(void)
{
	struct box_frame inner = box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, "hello", 5);
	uint8_t esp[256];
	size_t bytes = box_seal(
		&peer, 4098, ++sequence, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);

	return box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
}

static void push(unsigned int port, const struct box_frame *frame)
{
	ck_assert(box_push(box, port, frame->data, frame->size));
}

static unsigned int pull_all(unsigned int port)
{
	uint8_t frame[2048];
	unsigned int count = 0;

	while (box_pull(box, port, frame, sizeof(frame)))
		count++;
	return count;
}

// As if nothing had been.
static void expect_traffic(void)
{
	struct box_frame out = outbound(100), in = inbound();

	ck_assert_uint_eq(pull_all(BOX_LAN) + pull_all(BOX_WAN), 0);
	push(BOX_LAN, &out);
	push(BOX_WAN, &in);
	box_walk(box);
	ck_assert_uint_eq(pull_all(BOX_WAN), 1);
	ck_assert_uint_eq(pull_all(BOX_LAN), 1);
}

// --- no buffer is left

static struct rte_mbuf *hoard[FAR_MORE];
static unsigned int hoarded;

static void take_all_buffers(void)
{
	while (hoarded < FAR_MORE && (hoard[hoarded] = rte_pktmbuf_alloc(box->dataplane.buffers)))
		hoarded++;
	ck_assert_uint_lt(hoarded, FAR_MORE);
}

static void give_back(void)
{
	while (hoarded)
		rte_pktmbuf_free(hoard[--hoarded]);
}

// A packet in two buffers has to be copied.
static void push_in_two(unsigned int port, const struct box_frame *frame)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(box->dataplane.buffers),
			*tail = rte_pktmbuf_alloc(box->dataplane.buffers);

	ck_assert(head && tail);
	memcpy(rte_pktmbuf_append(head, 60), frame->data, 60);
	memcpy(rte_pktmbuf_append(tail, (uint16_t)(frame->size - 60)), frame->data + 60,
		frame->size - 60);
	ck_assert_int_eq(rte_pktmbuf_chain(head, tail), 0);
	ck_assert_int_eq(rte_ring_enqueue(box->in[port], head), 0);
}

static struct box_frame with_ttl(struct box_frame frame, uint8_t ttl)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)box_ip(&frame);

	ip->time_to_live = ttl;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return frame;
}

START_TEST(no_buffers)
{
	struct box_frame out = outbound(100), in = inbound(), longest = outbound(1480),
			 dying = with_ttl(outbound(10), 1);
	unsigned int sent;

	push_in_two(BOX_LAN, &out);
	push_in_two(BOX_WAN, &in);
	push(BOX_LAN, &longest); // has to be cut
	push(BOX_LAN, &dying);   // its sender has to be told
	push(BOX_LAN, &out);     // needs nothing
	take_all_buffers();
	box_walk(box);
	ck_assert_uint_eq(box_drops(box, GW_DROP_NO_BUFFER), 2);
	// Whether pieces find room in what was freed in the same walk is chance; nothing is lost.
	sent = pull_all(BOX_WAN);
	ck_assert_uint_ge(sent, 1);
	ck_assert_uint_ge(sent + box_drops(box, GW_DROP_FRAGMENT_FAILED), 2);
	pull_all(BOX_LAN);
	give_back();
	expect_traffic();
}
END_TEST

// The port cannot take in anything either.
START_TEST(no_buffers_for_long)
{
	for (unsigned int i = 0; i < 50; i++) {
		take_all_buffers();
		box_walk(box);
		give_back();
		expect_traffic();
	}
}
END_TEST

// --- the transmit queue is full

static void fill_queue(unsigned int port)
{
	while (rte_ring_free_count(box->out[port])) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);

		ck_assert(mbuf && rte_ring_enqueue(box->out[port], mbuf) == 0);
	}
}

START_TEST(full_queue)
{
	unsigned int port = _i ? BOX_LAN : BOX_WAN;
	uint8_t frame[2048];
	void *one;

	fill_queue(port);
	ck_assert_int_eq(rte_ring_dequeue(box->out[port], &one), 0); // room for one
	rte_pktmbuf_free(one);
	for (unsigned int i = 0; i < 100; i++) {
		struct box_frame packet = _i ? inbound() : outbound(100);

		push(_i ? BOX_WAN : BOX_LAN, &packet);
	}
	box_walk(box);
	ck_assert_uint_eq(box_drops(box, GW_DROP_TX_FULL), 99);
	ck_assert_uint_eq(box->worker->counters.ports[port].tx_packets, 1);
	while (rte_ring_dequeue(box->out[port], &one) == 0)
		rte_pktmbuf_free(one);
	ck_assert_uint_eq(box_pull(box, port, frame, sizeof(frame)), 0);
	expect_traffic();
}
END_TEST

// --- the link, and the port

START_TEST(link_flaps)
{
	struct box_frame out = outbound(100), in = inbound();

	for (unsigned int flap = 1; flap <= 20; flap++) {
		box->dataplane.ports[BOX_WAN]->link_up = false;
		push(BOX_LAN, &out);
		box_walk(box);
		ck_assert_uint_eq(pull_all(BOX_WAN), 0);
		ck_assert_uint_eq(box_drops(box, GW_DROP_TX_LINK_DOWN), flap);
		// Of no concern to the other direction.
		in = inbound();
		push(BOX_WAN, &in);
		box_walk(box);
		ck_assert_uint_eq(pull_all(BOX_LAN), 1);
		box->dataplane.ports[BOX_WAN]->link_up = true;
		expect_traffic();
	}
}
END_TEST

START_TEST(port_restarts)
{
	uint16_t device = box->dataplane.ports[BOX_WAN]->device;

	for (unsigned int i = 0; i < 5; i++) {
		struct box_frame in = inbound(), out = outbound(100);
		unsigned int sent, waited;

		ck_assert_int_eq(rte_eth_dev_stop(device), 0);
		push(BOX_WAN, &in);
		push(BOX_LAN, &out);
		box_walk(box);
		sent = pull_all(BOX_WAN);
		waited = pull_all(BOX_LAN);
		ck_assert_uint_eq(sent + box_drops(box, GW_DROP_TX_FULL), i + 1);
		ck_assert_int_eq(rte_eth_dev_start(device), 0);
		box_walk(box);
		ck_assert_uint_eq(waited + pull_all(BOX_LAN), 1);
		expect_traffic();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_trouble");
	TCase *tcase = tcase_create("box");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, no_buffers);
	tcase_add_test(tcase, no_buffers_for_long);
	tcase_add_loop_test(tcase, full_queue, 0, 2);
	tcase_add_test(tcase, link_flaps);
	tcase_add_test(tcase, port_restarts);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
