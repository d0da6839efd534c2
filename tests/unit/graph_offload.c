// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What ports say about checksums: only a right IPv4 header is believed, and only for the packet it
// was said of; what a sender left to its network card is done before the packet is protected.
// conformance: M5

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "run.h"

static struct box *box;
static struct box_peer peer;

static void setup(void)
{
	box = box_new();
	peer = box_peer_new();
	box_tunnel(box);
}

static void teardown(void)
{
	box_peer_free(&peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static void push(unsigned int port, const struct box_frame *frame, uint64_t flags, bool shared)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);

	ck_assert(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->size), frame->data, frame->size);
	mbuf->ol_flags |= flags;
	rte_mbuf_refcnt_update(mbuf, shared);
	ck_assert_int_eq(rte_ring_enqueue(box->in[port], mbuf), 0);
	box_walk(box);
	if (!shared)
		return;
	// Ethernet header, TTL and its checksum are routers' to write.
	ck_assert(memcmp((uint8_t *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM + RTE_ETHER_HDR_LEN + 20,
			  frame->data + RTE_ETHER_HDR_LEN + 20,
			  frame->size - RTE_ETHER_HDR_LEN - 20) == 0);
	rte_pktmbuf_free(mbuf);
}

// The inner packet as it left in ESP; its bytes, or 0.
static int pull_inner(struct box_frame *frame, const uint8_t **inner)
{
	uint8_t next_header;

	frame->size = box_pull(box, BOX_WAN, frame->data, sizeof(frame->data));
	if (frame->size == 0)
		return 0;
	return box_open(&peer, frame->data + RTE_ETHER_HDR_LEN + 20,
		frame->size - RTE_ETHER_HDR_LEN - 20, inner, &next_header);
}

static const struct header {
	const char *what;
	uint64_t flags;
	bool wrong, passes;
} headers[] = {
	{ "unknown, right", RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN, false, true },
	{ "unknown, wrong", RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN, true, false },
	{ "bad, wrong", RTE_MBUF_F_RX_IP_CKSUM_BAD, true, false },
	{ "bad, right", RTE_MBUF_F_RX_IP_CKSUM_BAD, false, true },
	{ "none, wrong", RTE_MBUF_F_RX_IP_CKSUM_NONE, true, false },
	{ "good, right", RTE_MBUF_F_RX_IP_CKSUM_GOOD, false, true },
};

START_TEST(ip_header)
{
	const struct header *row = &headers[_i];
	struct box_frame frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, "hello", 5);
	const uint8_t *inner;

	box_ip(&frame)[10] ^= row->wrong;
	push(BOX_LAN, &frame, row->flags, false);
	ck_assert_msg((pull_inner(&frame, &inner) == 25) == row->passes, "%s", row->what);
	ck_assert_uint_eq(box_drops(box, GW_DROP_IP_CHECKSUM), row->passes ? 0 : 1);
}
END_TEST

// The port vouched for the outer header: the inner one is verified all the same, and what leaves
// bears no flag of what came in.
START_TEST(flags_end_with_the_packet)
{
	bool wrong = _i;
	struct box_frame inner = box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, "hello", 5);
	struct box_frame outer;
	uint8_t esp[256];
	void *sent;
	size_t bytes;

	box_ip(&inner)[10] ^= wrong;
	bytes = box_seal(&peer, 4098, 1, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);
	outer = box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
	push(BOX_WAN, &outer, RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD, false);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_INNER), wrong);
	if (wrong)
		return;
	ck_assert_int_eq(rte_ring_dequeue(box->out[BOX_LAN], &sent), 0);
	ck_assert_uint_eq(((struct rte_mbuf *)sent)->ol_flags &
				  (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK),
		0);
	rte_pktmbuf_free(sent);
}
END_TEST

static const struct layer {
	uint8_t protocol;
	size_t bytes, at;
	bool made; // the checksum is the gateway's to make
} layers[] = {
	{ IPPROTO_TCP, 20 + 7, 16, true },
	{ IPPROTO_UDP, 8 + 7, 6, true },
	{ IPPROTO_TCP, 17, 16, false },
	{ IPPROTO_UDP, 7, 6, false },
	{ IPPROTO_ICMP, 8 + 7, 2, false },
};

static struct box_frame unfinished(const struct layer *layer, bool v6)
{
	uint8_t payload[64] = { 0, 1, 0, 2 };

	payload[layer->bytes - 1] = 0x77;
	if (layer->protocol == IPPROTO_TCP)
		payload[12] = 5 << 4;
	else if (layer->protocol == IPPROTO_UDP)
		payload[5] = (uint8_t)layer->bytes;
	payload[layer->at] = 0x5a; // the sum of the pseudo header would be here
	return box_packet(BOX_LAN, v6 ? "2001:db8:1::2" : "192.168.1.2",
		v6 ? "2001:db8:2::2" : "192.168.2.2", layer->protocol, payload, layer->bytes);
}

START_TEST(left_to_the_card)
{
	const struct layer *layer = &layers[_i / 4];
	bool v6 = _i & 1, shared = _i & 2;
	size_t header = v6 ? 40 : 20;
	struct box_frame frame = unfinished(layer, v6), out;
	const uint8_t *inner;

	push(BOX_LAN, &frame, RTE_MBUF_F_RX_L4_CKSUM_NONE, shared);
	ck_assert_int_eq(pull_inner(&out, &inner), (int)(header + layer->bytes));
	if (!layer->made)
		ck_assert_mem_eq(inner + header, box_ip(&frame) + header, layer->bytes);
	else if (v6)
		ck_assert_int_eq(
			rte_ipv6_udptcp_cksum_verify((const void *)inner, inner + header), 0);
	else
		ck_assert_int_eq(
			rte_ipv4_udptcp_cksum_verify((const void *)inner, inner + header), 0);
}
END_TEST

// Nobody said that it was left: a wrong checksum is its receiver's to see, as on any router.
START_TEST(a_wrong_one_stays)
{
	struct box_frame frame = unfinished(&layers[0], false), out;
	const uint8_t *inner;

	push(BOX_LAN, &frame, _i ? RTE_MBUF_F_RX_L4_CKSUM_BAD : 0, false);
	ck_assert_int_eq(pull_inner(&out, &inner), 20 + 27);
	ck_assert_mem_eq(inner + 20, box_ip(&frame) + 20, 27);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_offload");
	TCase *tcase = tcase_create("box");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, ip_header, 0, RTE_DIM(headers));
	tcase_add_loop_test(tcase, flags_end_with_the_packet, 0, 2);
	tcase_add_loop_test(tcase, left_to_the_card, 0, 4 * RTE_DIM(layers));
	tcase_add_loop_test(tcase, a_wrong_one_stays, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
