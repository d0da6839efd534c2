// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets in buffers of every shape through both directions of a tunnel: in many segments, cut
// within trailer and ICV, without room before or behind, shared with somebody else, indirect,
// external. What others hold is never decrypted or encrypted in place. conformance: I7

#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "box_esp.h"
#include "crypto/auth.h"
#include "graph/packet.h"
#include "ipsec/ah.h"
#include "ipsec/esp.h"
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

enum owner { OURS, SHARED, INDIRECT, EXTERNAL };

static const struct shape {
	const char *what;
	uint16_t first; // bytes of the first segment; 0: it holds all
	uint16_t each;  // of the others; 0: one holds the rest
	uint16_t last;  // not 0: bytes of the last
	bool no_headroom, no_tailroom;
	enum owner owner;
} shapes[] = {
	{ .what = "whole" },
	{ .what = "no headroom", .no_headroom = true },
	{ .what = "no tailroom", .no_tailroom = true },
	{ .what = "two segments", .first = 100 },
	{ .what = "the Ethernet header alone", .first = 14 },
	{ .what = "the IP header cut", .first = 24, .each = 5 },
	{ .what = "the IP header alone", .first = 34 },
	{ .what = "the headers alone, then the rest", .first = 54 },
	{ .what = "segments of one byte", .first = 600, .each = 1 },
	{ .what = "segments of seven bytes", .first = 62, .each = 7 },
	{ .what = "the last byte alone", .last = 1 },
	{ .what = "half of the ICV apart", .last = 8 },
	{ .what = "the ICV apart", .last = 16 },
	{ .what = "ICV and next header apart", .last = 17 },
	{ .what = "ICV and trailer apart", .last = 18 },
	{ .what = "chained without tailroom", .first = 100, .no_tailroom = true },
	{ .what = "shared", .owner = SHARED },
	{ .what = "shared in segments", .first = 100, .each = 200, .owner = SHARED },
	{ .what = "indirect", .owner = INDIRECT },
	{ .what = "indirect in segments", .first = 100, .each = 300, .owner = INDIRECT },
	{ .what = "external", .owner = EXTERNAL },
};

#define HEADERS (RTE_ETHER_HDR_LEN + 20)

static uint8_t outside[4096];
static unsigned int outside_freed;

static void free_outside(void *, void *)
{
	outside_freed++;
}

static struct rte_mbuf *external(const uint8_t *data, uint16_t bytes)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	uint16_t room = sizeof(outside);
	struct rte_mbuf_ext_shared_info *info =
		rte_pktmbuf_ext_shinfo_init_helper(outside, &room, free_outside, NULL);

	ck_assert(mbuf && info);
	rte_pktmbuf_attach_extbuf(mbuf, outside, RTE_BAD_IOVA, room, info);
	rte_pktmbuf_reset_headroom(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, bytes), data, bytes);
	return mbuf;
}

static struct rte_mbuf *segment(const struct shape *shape, const uint8_t *data, uint16_t bytes)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);

	ck_assert(mbuf);
	if (shape->no_headroom)
		mbuf->data_off = 0;
	if (shape->no_tailroom)
		mbuf->data_off = (uint16_t)(mbuf->buf_len - bytes);
	memcpy(rte_pktmbuf_append(mbuf, bytes), data, bytes);
	return mbuf;
}

static struct rte_mbuf *chain(const struct shape *shape, const uint8_t *data, size_t size)
{
	size_t first = shape->first ? shape->first : size, at;
	struct rte_mbuf *head;

	if (shape->owner == EXTERNAL)
		return external(data, (uint16_t)size);
	if (shape->last)
		first = size - shape->last;
	head = segment(shape, data, (uint16_t)RTE_MIN(first, size));
	for (at = first; at < size;) {
		size_t bytes = shape->each ? RTE_MIN(shape->each, size - at) : size - at;

		ck_assert_int_eq(
			rte_pktmbuf_chain(head, segment(shape, data + at, (uint16_t)bytes)), 0);
		at += bytes;
	}
	return head;
}

// Sends the frame through in this shape; whoever else holds its bytes finds the payload as it was.
// Ethernet header and TTL are rewritten in place by all routers, and are no secret.
static void push(const struct shape *shape, unsigned int port, const uint8_t *data, size_t size)
{
	struct rte_mbuf *sent = chain(shape, data, size), *parts[1200];
	unsigned int count = 0;
	size_t at = 0;

	outside_freed = 0;
	if (shape->owner == SHARED || shape->owner == INDIRECT)
		for (struct rte_mbuf *part = sent; part; part = part->next)
			parts[count++] = part;
	if (shape->owner == SHARED)
		for (unsigned int i = 0; i < count; i++)
			rte_mbuf_refcnt_update(parts[i], 1);
	else if (shape->owner == INDIRECT)
		sent = rte_pktmbuf_clone(parts[0], box->dataplane.buffers);
	ck_assert(sent && rte_ring_enqueue(box->in[port], sent) == 0);
	box_walk(box);
	if (shape->owner == EXTERNAL) {
		const uint8_t *now = outside + RTE_PKTMBUF_HEADROOM;

		ck_assert_uint_eq(outside_freed, 1);
		ck_assert(memcmp(now + HEADERS, data + HEADERS, size - HEADERS) == 0);
	}
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *now = (const uint8_t *)parts[i]->buf_addr + RTE_PKTMBUF_HEADROOM;
		size_t bytes = shape->first == 0 ? size : i == 0 ? shape->first : shape->each;
		size_t skip = i == 0 ? HEADERS : 0;

		bytes = RTE_MIN(bytes, size - at);
		ck_assert_msg(memcmp(now + skip, data + at + skip, bytes - skip) == 0,
			"%s: part %u", shape->what, i);
		at += bytes;
		parts[i]->next = NULL;
		parts[i]->nb_segs = 1;
		rte_pktmbuf_free_seg(parts[i]);
	}
}

static void fill(uint8_t *payload, size_t size)
{
	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
}

START_TEST(outbound)
{
	const struct shape *shape = &shapes[_i];
	uint8_t payload[1000], esp[2048], got[2048], next_header;
	struct box_frame frame;
	const uint8_t *inner;
	size_t bytes;

	fill(payload, sizeof(payload));
	frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, payload, sizeof(payload));
	push(shape, BOX_LAN, frame.data, frame.size);
	bytes = box_pull(box, BOX_WAN, got, sizeof(got));
	ck_assert_msg(bytes > RTE_ETHER_HDR_LEN + 20, "%s", shape->what);
	bytes -= RTE_ETHER_HDR_LEN + 20;
	memcpy(esp, got + RTE_ETHER_HDR_LEN + 20, bytes);
	ck_assert_msg(box_open(&peer, esp, bytes, &inner, &next_header) == 1020, "%s", shape->what);
	ck_assert_msg(memcmp(inner + 20, payload, sizeof(payload)) == 0, "%s", shape->what);
}
END_TEST

START_TEST(inbound)
{
	const struct shape *shape = &shapes[_i];
	uint8_t payload[1000], esp[2048], got[2048];
	struct box_frame inner, outer;
	size_t bytes;

	fill(payload, sizeof(payload));
	inner = box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, payload, sizeof(payload));
	bytes = box_seal(&peer, 4098, 1, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);
	outer = box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
	push(shape, BOX_WAN, outer.data, outer.size);
	bytes = box_pull(box, BOX_LAN, got, sizeof(got));
	ck_assert_msg(bytes == RTE_ETHER_HDR_LEN + 1020, "%s: %zu bytes", shape->what, bytes);
	ck_assert_msg(memcmp(got + RTE_ETHER_HDR_LEN + 20, payload, sizeof(payload)) == 0, "%s",
		shape->what);
}
END_TEST

// AH covers every byte of a packet, and writes into it to do so. conformance: I7
#define AH_BYTES (GW_AH_HEADER_BYTES + 16)

static struct gw_crypto_key *ah_key(const char *direction, uint8_t byte)
{
	uint8_t bytes[32];
	struct gw_crypto_key_spec spec = { .encryption = GW_ENCRYPTION_NULL,
		.integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		.integrity_key = bytes,
		.integrity_key_bytes = sizeof(bytes) };
	bool out = strcmp(direction, "out") == 0;
	char json[640], text[65] = "";
	struct gw_crypto_key *key;

	memset(bytes, byte, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", byte);
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"protocol\":\"ah\",\"spi\":%d,\"source\":\"%s\","
		"\"destination\":\"%s\",\"reqid\":2,"
		"\"integrity\":{\"algorithm\":\"hmac-sha2-256-128\",\"key\":\"%s\"}}",
		direction, out ? 4105 : 4106, out ? "10.9.0.1" : "10.9.0.2",
		out ? "10.9.0.2" : "10.9.0.1", text);
	box_sa(box, json);
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"priority\":50,\"action\":\"protect\",\"reqid\":2,"
		"\"selector\":{\"source\":\"%s\",\"destination\":\"%s\"}}",
		direction, out ? "192.168.1.0/24" : "192.168.2.0/24",
		out ? "192.168.2.0/24" : "192.168.1.0/24");
	box_policy(box, json);
	key = gw_crypto_key_new(&spec, NULL);
	ck_assert(key);
	return key;
}

// Seals or, with the value that came, opens the AH of a tunnel at ip.
static enum gw_crypto_status ah_icv(
	const struct gw_crypto_key *key, uint8_t *ip, size_t size, bool seal)
{
	uint8_t message[2048 + GW_CRYPTO_AUTH_BACK] = {}, value[16];
	struct gw_crypto_auth_op op = { .key = key,
		.message = message,
		.value = seal ? message + 20 + GW_AH_HEADER_BYTES : value,
		.bytes = (uint32_t)size,
		.sequence = 1 };
	uint8_t *place = ip + 20 + GW_AH_HEADER_BYTES;

	memcpy(value, place, sizeof(value));
	memset(place, 0, sizeof(value));
	memcpy(message, ip, size);
	ck_assert(gw_ah_cover(message, 20));
	if (seal)
		gw_crypto_auth_seal(peer.engine, &op, 1);
	else
		gw_crypto_auth_open(peer.engine, &op, 1);
	memcpy(place, op.value, sizeof(value));
	return op.status;
}

START_TEST(outbound_ah)
{
	const struct shape *shape = &shapes[_i];
	struct gw_crypto_key *key = ah_key("out", 5);
	uint8_t payload[1000], got[2048];
	struct box_frame frame;
	size_t bytes;

	fill(payload, sizeof(payload));
	frame = box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, payload, sizeof(payload));
	push(shape, BOX_LAN, frame.data, frame.size);
	bytes = box_pull(box, BOX_WAN, got, sizeof(got));
	ck_assert_msg(bytes == HEADERS + AH_BYTES + 1020, "%s", shape->what);
	ck_assert_msg(ah_icv(key, got + RTE_ETHER_HDR_LEN, bytes - RTE_ETHER_HDR_LEN, false) ==
			      GW_CRYPTO_OK,
		"%s", shape->what);
	ck_assert_msg(memcmp(got + HEADERS + AH_BYTES + 20, payload, sizeof(payload)) == 0, "%s",
		shape->what);
	gw_crypto_key_free(key);
}
END_TEST

START_TEST(inbound_ah)
{
	const struct shape *shape = &shapes[_i];
	struct gw_crypto_key *key = ah_key("in", 6);
	uint8_t payload[1000], ah[2048], got[2048];
	struct box_frame inner, outer;
	size_t bytes;

	fill(payload, sizeof(payload));
	inner = box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, payload, sizeof(payload));
	gw_ah_write(ah, GW_ESP_NEXT_IPV4, AH_BYTES, RTE_BE32(4106), 1);
	memcpy(ah + AH_BYTES, box_ip(&inner), 1020);
	outer = box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 51, ah, AH_BYTES + 1020);
	ck_assert_int_eq(ah_icv(key, box_ip(&outer), 20 + AH_BYTES + 1020, true), GW_CRYPTO_OK);
	push(shape, BOX_WAN, outer.data, outer.size);
	bytes = box_pull(box, BOX_LAN, got, sizeof(got));
	ck_assert_msg(bytes == RTE_ETHER_HDR_LEN + 1020, "%s: %zu bytes", shape->what, bytes);
	ck_assert_msg(memcmp(got + RTE_ETHER_HDR_LEN + 20, payload, sizeof(payload)) == 0, "%s",
		shape->what);
	gw_crypto_key_free(key);
}
END_TEST

// A policy that looks at ports finds them wherever the buffers are cut. conformance: G2, I7
START_TEST(policies_see_all_headers)
{
	// Destination options around UDP; both to port 7.
	static const uint8_t udp[] = { 0, 1, 0, 7, 0, 12, 0, 0, 'e', 'c', 'h', 'o' },
			     behind[] = { 17, 0, 1, 4, 0, 0, 0, 0, 0, 1, 0, 7, 0, 12, 0, 0, 'e',
				     'c', 'h', 'o' };
	struct box_frame frames[2] = {
		box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 17, udp, sizeof(udp)),
		box_packet(BOX_LAN, "2001:db8:1::2", "2001:db8:2::2", 60, behind, sizeof(behind)),
	};
	const struct box_frame *frame = &frames[_i];
	uint8_t got[2048];

	box_policy(box,
		_i ? "{\"direction\":\"out\",\"priority\":50,\"action\":\"discard\",\"selector\":{"
		     "\"source\":\"::/0\",\"destination\":\"::/0\",\"protocol\":\"udp\","
		     "\"destination_port\":7}}"
		   : "{\"direction\":\"out\",\"priority\":50,\"action\":\"discard\",\"selector\":{"
		     "\"source\":\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\",\"protocol\":"
		     "\"udp\",\"destination_port\":7}}");
	for (uint16_t first = RTE_ETHER_HDR_LEN; first < frame->size; first++) {
		push(&(struct shape){ .what = "cut", .first = first }, BOX_LAN, frame->data,
			frame->size);
		ck_assert_msg(box_pull(box, BOX_WAN, got, sizeof(got)) == 0,
			"not seen behind %u bytes", first);
	}
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_DISCARD), frame->size - RTE_ETHER_HDR_LEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_mbufs");
	TCase *tcase = tcase_create("shapes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, outbound, 0, RTE_DIM(shapes));
	tcase_add_loop_test(tcase, inbound, 0, RTE_DIM(shapes));
	tcase_add_loop_test(tcase, outbound_ah, 0, RTE_DIM(shapes));
	tcase_add_loop_test(tcase, inbound_ah, 0, RTE_DIM(shapes));
	tcase_add_loop_test(tcase, policies_see_all_headers, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
