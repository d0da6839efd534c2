// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The whole graph in one thread: what goes in at one port comes out at the other, sealed or opened,
// and nothing else does.

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "box.h"
#include "crypto/engine.h"
#include "graph/packet.h"
#include "ipsec/esp.h"
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

// A frame with an IPv4 packet of bytes in all, from the last octets given, for 192.168.n.m.
struct frame {
	uint8_t data[2048];
	size_t size;
};

static struct rte_ipv4_hdr *ip_of(struct frame *frame)
{
	return (struct rte_ipv4_hdr *)(frame->data + RTE_ETHER_HDR_LEN);
}

static struct frame make(
	unsigned int port, uint32_t source, uint32_t destination, uint8_t protocol, uint16_t bytes)
{
	struct frame frame = { .size = (size_t)RTE_ETHER_HDR_LEN + bytes };
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame.data;
	struct rte_ipv4_hdr *ip = ip_of(&frame);

	memcpy(&ether->dst_addr, box_macs[port], 6);
	memcpy(&ether->src_addr, box_neighbours[port], 6);
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(bytes);
	ip->time_to_live = 64;
	ip->next_proto_id = protocol;
	ip->src_addr = rte_cpu_to_be_32(source);
	ip->dst_addr = rte_cpu_to_be_32(destination);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return frame;
}

#define HOST    RTE_IPV4(192, 168, 1, 2)
#define REMOTE  RTE_IPV4(192, 168, 2, 2)
#define GATEWAY RTE_IPV4(10, 9, 0, 1)
#define PEER    RTE_IPV4(10, 9, 0, 2)

static void push(unsigned int port, const struct frame *frame)
{
	ck_assert(box_push(box, port, frame->data, frame->size));
}

static size_t pull(unsigned int port, struct frame *frame)
{
	frame->size = box_pull(box, port, frame->data, sizeof(frame->data));
	return frame->size;
}

// Turns what the gateway sealed on its way out into what the peer would send: same plaintext,
// inbound key and SPI.
static struct frame from_peer(struct gw_crypto_engine *engine, const struct gw_crypto_key *key,
	uint64_t sequence, const struct frame *inner)
{
	uint16_t inner_bytes = (uint16_t)(inner->size - RTE_ETHER_HDR_LEN);
	uint32_t padding = gw_esp_padding(inner_bytes, gw_crypto_align_bytes(key));
	uint32_t payload = inner_bytes + padding + GW_ESP_TRAILER_BYTES;
	struct frame frame =
		make(BOX_WAN, PEER, GATEWAY, IPPROTO_ESP, (uint16_t)(20 + 8 + 8 + payload + 16));
	uint8_t *esp = frame.data + RTE_ETHER_HDR_LEN + 20;
	struct gw_crypto_op op = {
		.key = key, .esp = esp, .payload_bytes = payload, .sequence = sequence
	};

	((struct gw_esp_header *)esp)->spi = RTE_BE32(4098);
	((struct gw_esp_header *)esp)->sequence = rte_cpu_to_be_32((uint32_t)sequence);
	memcpy(esp + 16, inner->data + RTE_ETHER_HDR_LEN, inner_bytes);
	gw_esp_trailer_write(esp + 16 + inner_bytes, padding, GW_ESP_NEXT_IPV4);
	gw_crypto_seal(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_OK);
	return frame;
}

static struct gw_crypto_key *peer_key(void)
{
	uint8_t bytes[20];
	struct gw_crypto_key_spec spec = { .encryption = GW_ENCRYPTION_AES_GCM_16,
		.encryption_key = bytes,
		.encryption_key_bytes = sizeof(bytes) };
	struct gw_error err = {};
	struct gw_crypto_key *key;

	memset(bytes, 1, sizeof(bytes));
	key = gw_crypto_key_new(&spec, &err);
	ck_assert_msg(key, "%s", err.text);
	return key;
}

START_TEST(outbound_is_sealed)
{
	struct frame frame = make(BOX_LAN, HOST, REMOTE, IPPROTO_UDP, 100);
	struct rte_ipv4_hdr *outer;

	box_tunnel(box);
	push(BOX_LAN, &frame);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_WAN, &frame), 14 + 20 + 8 + 8 + 100 + 2 + 2 + 16);
	outer = ip_of(&frame);
	ck_assert_uint_eq(outer->next_proto_id, IPPROTO_ESP);
	ck_assert_uint_eq(rte_be_to_cpu_32(outer->src_addr), GATEWAY);
	ck_assert_uint_eq(rte_be_to_cpu_32(outer->dst_addr), PEER);
	ck_assert_uint_eq(outer->time_to_live, 64);
	ck_assert_uint_eq(rte_ipv4_cksum(outer), 0);
	ck_assert_mem_eq(frame.data, box_neighbours[BOX_WAN], 6);
	ck_assert_uint_eq(pull(BOX_WAN, &frame), 0);
}
END_TEST

START_TEST(inbound_is_opened_once)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = peer_key();
	struct frame inner = make(BOX_WAN, REMOTE, HOST, IPPROTO_UDP, 60);
	struct frame sealed = from_peer(engine, key, 1, &inner), out;

	box_tunnel(box);
	push(BOX_WAN, &sealed);
	push(BOX_WAN, &sealed);
	sealed.data[sealed.size - 1] ^= 1;
	sealed.data[RTE_ETHER_HDR_LEN + 20 + 7] = 2;
	push(BOX_WAN, &sealed);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_LAN, &out), inner.size);
	ck_assert_uint_eq(ip_of(&out)->time_to_live, 63);
	ck_assert_uint_eq(rte_ipv4_cksum(ip_of(&out)), 0);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_REPLAY), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_INTEGRITY), 1);
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

// RFC 4301 section 5.2, steps 3 and 4.
START_TEST(inbound_checks)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = peer_key();
	struct frame clear = make(BOX_WAN, REMOTE, HOST, IPPROTO_UDP, 60);
	struct frame outside = make(BOX_WAN, RTE_IPV4(172, 16, 0, 1), HOST, IPPROTO_UDP, 60);
	struct frame sealed = from_peer(engine, key, 1, &outside), out;

	box_tunnel(box);
	push(BOX_WAN, &clear);
	push(BOX_WAN, &outside);
	push(BOX_WAN, &sealed);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_CLEAR), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_NO_POLICY), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_IN_WRONG_SA), 1);
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

// Nothing of the protected side leaves without a policy, nor by a policy without an SA.
START_TEST(fails_closed)
{
	struct frame frame = make(BOX_LAN, HOST, REMOTE, IPPROTO_UDP, 100), out;

	push(BOX_LAN, &frame);
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":200,\"action\":\"protect\",\"reqid\":9,"
		"\"selector\":{\"source\":\"0.0.0.0/0\",\"destination\":\"192.168.3.0/24\"}}");
	box_walk(box);
	frame = make(BOX_LAN, HOST, RTE_IPV4(192, 168, 3, 1), IPPROTO_UDP, 100);
	push(BOX_LAN, &frame);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_POLICY), 1);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_SA), 1);
}
END_TEST

// The last gate: a frame that reaches port_tx of an unprotected port without the mark is dropped,
// whoever sent it there.
START_TEST(last_gate)
{
	struct frame frame = make(BOX_WAN, HOST, REMOTE, IPPROTO_UDP, 100), out;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	struct gw_packet *packet = gw_packet_init(mbuf, BOX_LAN, GW_SIDE_PROTECTED);

	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.size), frame.data, frame.size);
	packet->marks = GW_MARK_FRAME;
	packet->out_port = BOX_WAN;
	ck_assert_int_eq(rte_ring_enqueue(box->worker->from_workers, mbuf), 0);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_TX_NOT_AUTHORISED), 1);
}
END_TEST

START_TEST(bypass_passes)
{
	struct frame frame = make(BOX_LAN, HOST, PEER, IPPROTO_UDP, 100), out;

	box_policy(box,
		"{\"direction\":\"out\",\"priority\":200,\"action\":\"bypass\","
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"10.9.0.0/24\"}}");
	push(BOX_LAN, &frame);
	box_walk(box);
	ck_assert_uint_eq(pull(BOX_WAN, &out), frame.size);
	ck_assert_uint_eq(ip_of(&out)->time_to_live, 63);
}
END_TEST

// Too long for the tunnel: with DF the sender is told the exact MTU, without it the packet is cut
// before encryption.
START_TEST(tunnel_mtu)
{
	struct frame frame = make(BOX_LAN, HOST, REMOTE, IPPROTO_UDP, 1480), out;
	const uint8_t *icmp = out.data + RTE_ETHER_HDR_LEN + 20;
	unsigned int pieces = 0;

	box_tunnel(box);
	ip_of(&frame)->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip_of(&frame)->hdr_checksum = 0;
	ip_of(&frame)->hdr_checksum = rte_ipv4_cksum(ip_of(&frame));
	push(BOX_LAN, &frame);
	box_walk(box);
	ck_assert_uint_ge(pull(BOX_LAN, &out), 14 + 20 + 8 + 28);
	ck_assert_uint_eq(ip_of(&out)->next_proto_id, IPPROTO_ICMP);
	ck_assert_uint_eq(icmp[0], 3);
	ck_assert_uint_eq(icmp[1], 4);
	// 1500 less outer header 20, ESP 8, IV 8, ICV 16: 1448, which is aligned; less the
	// trailer's 2.
	ck_assert_uint_eq(icmp[6] << 8 | icmp[7], 1446);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);

	frame = make(BOX_LAN, HOST, REMOTE, IPPROTO_UDP, 1480);
	push(BOX_LAN, &frame);
	box_walk(box);
	while (pull(BOX_WAN, &out)) {
		ck_assert_uint_eq(ip_of(&out)->next_proto_id, IPPROTO_ESP);
		ck_assert_uint_le(out.size, 1514);
		pieces++;
	}
	ck_assert_uint_eq(pieces, 2);
}
END_TEST

START_TEST(ttl_ends)
{
	struct frame frame = make(BOX_LAN, HOST, REMOTE, IPPROTO_UDP, 100), out;

	box_tunnel(box);
	ip_of(&frame)->time_to_live = 1;
	ip_of(&frame)->hdr_checksum = 0;
	ip_of(&frame)->hdr_checksum = rte_ipv4_cksum(ip_of(&frame));
	push(BOX_LAN, &frame);
	box_walk(box);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(out.data[RTE_ETHER_HDR_LEN + 20], 11);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_IP_TTL), 1);
}
END_TEST

// Vectors that mix SAs and kinds come out in their order, numbered without a gap.
START_TEST(mixed_vector_keeps_order)
{
	struct frame frame, out;
	uint32_t last[2] = {};

	box_tunnel(box);
	box_sa(box, "{\"direction\":\"out\",\"spi\":4099,\"source\":\"10.9.0.1\",\"destination\":"
		    "\"10.9.0.2\",\"reqid\":2,"
		    "\"encryption\":{\"algorithm\":\"aes-cbc\",\"key\":"
		    "\"00000000000000000000000000000000\"},"
		    "\"integrity\":{\"algorithm\":\"hmac-sha1-96\",\"key\":"
		    "\"0000000000000000000000000000000000000000\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":50,\"action\":\"protect\",\"reqid\":2,"
		"\"selector\":{\"source\":\"0.0.0.0/0\",\"destination\":\"192.168.4.0/24\"}}");
	for (uint16_t i = 0; i < 200; i++) {
		uint32_t to = i % 3 == 0   ? RTE_IPV4(192, 168, 4, 1)
			      : i % 7 == 0 ? RTE_IPV4(192, 168, 9, 1)
					   : REMOTE;

		frame = make(BOX_LAN, HOST, to, IPPROTO_UDP, (uint16_t)(40 + i));
		push(BOX_LAN, &frame);
	}
	box_walk(box);
	while (pull(BOX_WAN, &out)) {
		const struct gw_esp_header *esp =
			(const struct gw_esp_header *)(out.data + RTE_ETHER_HDR_LEN + 20);
		unsigned int which = esp->spi == RTE_BE32(4099);

		ck_assert(which || esp->spi == RTE_BE32(4097));
		ck_assert_uint_eq(rte_be_to_cpu_32(esp->sequence), ++last[which]);
	}
	ck_assert_uint_eq(last[1], 67);
	ck_assert_uint_eq(last[0] + box_drops(box, GW_DROP_SPD_OUT_NO_POLICY), 133);
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
	tcase_add_test(tcase, outbound_is_sealed);
	tcase_add_test(tcase, inbound_is_opened_once);
	tcase_add_test(tcase, inbound_checks);
	tcase_add_test(tcase, fails_closed);
	tcase_add_test(tcase, last_gate);
	tcase_add_test(tcase, bypass_passes);
	tcase_add_test(tcase, tunnel_mtu);
	tcase_add_test(tcase, ttl_ends);
	tcase_add_test(tcase, mixed_vector_keeps_order);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("graph");

	add_tests(suite, "short", setup);
	add_tests(suite, "long", setup_long_way);
	return gw_test_run(suite, true);
}
