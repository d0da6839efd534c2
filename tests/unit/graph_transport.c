// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Transport mode (RFC 4303 section 3.1.1) through the whole graph: traffic in transit whose
// addresses are the SA's, and the box's own, bare and in UDP.

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_graph_worker.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "base/clock.h"
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

#define OUT_SPI 4097
#define IN_SPI  4098
#define MAX     1600

static const struct family {
	const char *host, *gateway, *peer;
	size_t ip_bytes;
	size_t next_at, ttl_at;
} families[] = {
	{ "192.168.1.2", "10.9.0.1", "10.9.0.2", 20, 9, 8 },
	{ "2001:db8:1::2", "2001:db8:9::1", "2001:db8:9::2", 40, 6, 7 },
};

static void add_sa(const char *direction, int spi, const char *source, const char *destination,
	const char *key_byte, const char *more)
{
	char key[41] = "", json[512];

	for (int i = 0; i < 20; i++)
		strcat(key, key_byte);
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"mode\":\"transport\",\"spi\":%d,\"source\":\"%s\","
		"\"destination\":\"%s\",\"reqid\":1,"
		"\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":\"%s\"}%s}",
		direction, spi, source, destination, key, more);
	box_sa(box, json);
}

static void add_policy(const char *direction, const char *source, const char *destination)
{
	char json[300];

	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"%s\",\"destination\":\"%s\"}}",
		direction, source, destination);
	box_policy(box, json);
}

// SAs and policies between one of ours, the host or the gateway, and the peer.
static void protect(const char *ours, const char *theirs, const char *more)
{
	add_sa("out", OUT_SPI, ours, theirs, "00", more);
	add_sa("in", IN_SPI, theirs, ours, "01", more);
	add_policy("out", ours, theirs);
	add_policy("in", theirs, ours);
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

static size_t read_16(const uint8_t *at)
{
	return (size_t)(at[0] << 8 | at[1]);
}

static void write_16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// Length and checksum of an IPv4 header of header_bytes, or the length of an IPv6 one, made right.
static void fix(struct box_frame *frame, size_t header_bytes)
{
	uint8_t *ip = box_ip(frame);
	uint16_t checksum;

	if (ip[0] >> 4 == 6) {
		write_16(ip + 4, frame->size - RTE_ETHER_HDR_LEN - 40);
		return;
	}
	ip[0] = (uint8_t)(0x40 | header_bytes / 4);
	write_16(ip + 2, frame->size - RTE_ETHER_HDR_LEN);
	write_16(ip + 10, 0);
	checksum = gw_checksum_finish(gw_checksum_add(0, ip, (uint32_t)header_bytes));
	memcpy(ip + 10, &checksum, sizeof(checksum));
}

// Opens the ESP packet that left, whose ESP stands behind before bytes of headers: what was inside
// has to be this.
static void expect_inside(
	struct box_frame *out, size_t before, const uint8_t *data, size_t size, uint8_t next_header)
{
	const uint8_t *inside;
	uint8_t next;
	int bytes;

	ck_assert(box_ip_is_right(out));
	bytes = box_open(&peer, box_ip(out) + before, out->size - RTE_ETHER_HDR_LEN - before,
		&inside, &next);
	ck_assert_int_eq(bytes, (int)size);
	ck_assert_mem_eq(inside, data, size);
	ck_assert_uint_eq(next, next_header);
}

static void fill(uint8_t *payload, size_t size)
{
	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)(i * 7);
}

START_TEST(outbound_keeps_the_header)
{
	const struct family *family = &families[_i];
	uint8_t payload[100];
	struct box_frame frame, out;

	fill(payload, sizeof(payload));
	protect(family->host, family->peer, "");
	for (size_t size = 0; size < sizeof(payload); size++) {
		frame = box_packet(BOX_LAN, family->host, family->peer, 200, payload, size);
		push(BOX_LAN, &frame);
		ck_assert_uint_ne(pull(BOX_WAN, &out), 0);
		ck_assert_uint_eq(box_ip(&out)[family->next_at], IPPROTO_ESP);
		ck_assert_uint_eq(box_ip(&out)[family->ttl_at], 63);
		ck_assert_mem_eq(box_ip(&out) + family->ip_bytes - (_i ? 32 : 8),
			box_ip(&frame) + family->ip_bytes - (_i ? 32 : 8), _i ? 32 : 8);
		expect_inside(&out, family->ip_bytes, payload, size, 200);
	}
}
END_TEST

START_TEST(ipv4_options_stay_outside)
{
	const struct family *family = &families[0];
	uint8_t payload[8 + 12] = { 1, 1, 1, 1, 1, 1, 1, 0, 'h', 'e', 'l', 'l', 'o' };
	struct box_frame frame, out;

	protect(family->host, family->peer, "");
	frame = box_packet(BOX_LAN, family->host, family->peer, 200, payload, sizeof(payload));
	fix(&frame, 28);
	push(BOX_LAN, &frame);
	ck_assert_uint_ne(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_ip(&out)[0], 0x47);
	ck_assert_mem_eq(box_ip(&out) + 20, payload, 8);
	expect_inside(&out, 28, payload + 8, 12, 200);
}
END_TEST

// Chains of extension headers of 8 bytes each, the first named by the IPv6 header; how many of them
// stand before ESP.
static const struct {
	const uint8_t kinds[5];
	unsigned int count, before;
} chains[] = {
	{ { 0 }, 1, 1 },
	{ { 60 }, 1, 0 },
	{ { 43 }, 1, 1 },
	{ { 0, 60 }, 2, 1 },
	{ { 0, 43 }, 2, 2 },
	{ { 60, 43 }, 2, 2 },
	{ { 0, 60, 43, 60 }, 4, 3 },
	{ { 43, 60 }, 2, 1 },
};

static size_t write_chain(uint8_t *payload, const uint8_t *kinds, unsigned int count, uint8_t last)
{
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *header = payload + 8 * (size_t)i;

		memset(header, 0, 8);
		header[0] = i + 1 < count ? kinds[i + 1] : last;
		if (kinds[i] == 43)
			header[2] = 2; // mobility; no segments left
		else
			header[2] = 1, header[3] = 4; // PadN
	}
	return 8 * (size_t)count;
}

// RFC 4303 section 3.1.1, figure "after applying ESP" for IPv6.
START_TEST(ipv6_chains)
{
	const struct family *family = &families[1];
	unsigned int count = chains[_i].count, before = chains[_i].before;
	uint8_t payload[8 * 5 + 20] = {};
	size_t size = write_chain(payload, chains[_i].kinds, count, 200);
	struct box_frame frame, out;
	const uint8_t *last;

	fill(payload + size, 20);
	size += 20;
	protect(family->host, family->peer, "");
	frame = box_packet(BOX_LAN, family->host, family->peer, chains[_i].kinds[0], payload, size);
	push(BOX_LAN, &frame);
	ck_assert_uint_ne(pull(BOX_WAN, &out), 0);
	last = before ? box_ip(&out) + 40 + 8 * (before - 1) : box_ip(&out) + 6;
	ck_assert_uint_eq(*last, IPPROTO_ESP);
	for (unsigned int i = 0; i + 1 < before; i++)
		ck_assert_uint_eq(box_ip(&out)[40 + 8 * i], chains[_i].kinds[i + 1]);
	expect_inside(&out, 40 + 8 * before, payload + 8 * before, size - 8 * before,
		before < count ? chains[_i].kinds[before] : 200);
}
END_TEST

START_TEST(other_addresses_are_not_protected)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out;

	add_sa("out", OUT_SPI, family->host, family->peer, "00", "");
	add_policy("out", _i ? "::/0" : "0.0.0.0/0", _i ? "::/0" : "0.0.0.0/0");
	frame = box_packet(BOX_LAN, _i ? "2001:db8:1::3" : "192.168.1.3", family->peer, 200, "", 0);
	push(BOX_LAN, &frame);
	frame = box_packet(BOX_LAN, family->host, _i ? "2001:db8:9::3" : "10.9.0.3", 200, "", 0);
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_TRANSPORT_ADDRESS), 2);
}
END_TEST

START_TEST(fragments_are_not_protected)
{
	const struct family *family = &families[_i];
	// The first, the last, and of IPv6 one that is whole.
	static const uint8_t fields[3][2] = { { 0, 1 }, { 0, 64 }, { 0, 0 } };
	uint8_t payload[8 + 16] = { 200 };
	struct box_frame frame, out;
	unsigned int count = _i ? 3 : 2;

	protect(family->host, family->peer, "");
	for (unsigned int i = 0; i < count; i++) {
		memcpy(payload + 2, fields[i], 2);
		frame = box_packet(BOX_LAN, family->host, family->peer, _i ? 44 : 200, payload,
			sizeof(payload));
		if (_i == 0) {
			box_ip(&frame)[6] = i ? 0 : 0x20;
			box_ip(&frame)[7] = i ? 8 : 0;
			fix(&frame, 20);
		}
		push(BOX_LAN, &frame);
	}
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_eq(box_drops(box, GW_DROP_ESP_TRANSPORT_FRAGMENT), count);
}
END_TEST

// 1500 less IP, ESP 8, IV 8, ICV 16, aligned, less 2, is the payload; with the IP header 1466
// bytes.
START_TEST(mtu)
{
	const struct family *family = &families[_i];
	size_t largest = 1466;
	uint8_t payload[1500] = {};
	struct box_frame frame, out;

	protect(family->host, family->peer, "");
	frame = box_packet(
		BOX_LAN, family->host, family->peer, 200, payload, largest - family->ip_bytes);
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(pull(BOX_WAN, &out), RTE_ETHER_HDR_LEN + 1500);
	frame = box_packet(
		BOX_LAN, family->host, family->peer, 200, payload, largest + 1 - family->ip_bytes);
	if (_i == 0) {
		box_ip(&frame)[6] = 0x40;
		fix(&frame, 20);
	}
	push(BOX_LAN, &frame);
	ck_assert_uint_eq(pull(BOX_WAN, &out), 0);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_uint_eq(read_16(box_ip(&out) + family->ip_bytes + 6), largest);
}
END_TEST

// Without DF the ESP packet is cut, not the packet before (RFC 4303 section 3.3.4); so are IPv6
// packets of up to 1280 bytes on the narrowest path.
START_TEST(the_esp_packet_is_cut)
{
	const struct family *family = &families[_i];
	uint8_t payload[1500] = {}, whole[MAX], chain[8];
	struct box_frame frame, out;
	size_t got = 0, header = _i ? 48 : 20;
	size_t size = _i ? 1240 : 1480;

	fill(payload, sizeof(payload));
	write_chain(chain, (const uint8_t[]){ 0 }, 1, 200);
	if (_i) {
		memcpy(payload, chain, sizeof(chain));
		box->dataplane.ports[BOX_WAN]->mtu = 1280;
	}
	protect(family->host, family->peer, "");
	frame = box_packet(BOX_LAN, family->host, family->peer, _i ? 0 : 200, payload, size);
	push(BOX_LAN, &frame);
	for (unsigned int pieces = 0; pull(BOX_WAN, &out); pieces++) {
		uint8_t *ip = box_ip(&out);
		size_t before = _i ? header + 8 : header;
		size_t bytes = out.size - RTE_ETHER_HDR_LEN - before;

		ck_assert(box_ip_is_right(&out));
		ck_assert_uint_eq(ip[family->next_at], _i ? 0 : IPPROTO_ESP);
		if (_i) {
			ck_assert_uint_eq(ip[40], 44);
			ck_assert_uint_eq(ip[48], IPPROTO_ESP);
			ck_assert_uint_eq(read_16(ip + 50) & 0xfff8, got);
		} else {
			ck_assert_uint_eq((read_16(ip + 6) & 0x1fff) * 8, got);
		}
		memcpy(whole + got, ip + before, bytes);
		got += bytes;
		ck_assert_uint_lt(pieces, 2);
	}
	frame = box_packet(BOX_WAN, family->host, family->peer, IPPROTO_ESP, whole, got);
	expect_inside(&frame, family->ip_bytes, payload + (_i ? 8 : 0), size - (_i ? 8 : 0), 200);
}
END_TEST

// ESP as the peer sends it: size bytes of payload in it, before of them extension headers in front.
static struct box_frame from_peer(const char *source, const char *destination, uint32_t sequence,
	const uint8_t *payload, size_t size, uint8_t next_header)
{
	uint8_t esp[MAX];
	size_t bytes = box_seal(&peer, IN_SPI, sequence, payload, size, next_header, esp);

	return box_packet(BOX_WAN, source, destination, IPPROTO_ESP, esp, bytes);
}

START_TEST(inbound_is_as_it_was)
{
	const struct family *family = &families[_i];
	struct box_frame frame, out, expected;
	uint8_t payload[100];

	fill(payload, sizeof(payload));
	protect(family->host, family->peer, "");
	for (size_t size = 0; size < sizeof(payload); size++) {
		frame = from_peer(
			family->peer, family->host, (uint32_t)size + 1, payload, size, 200);
		push(BOX_WAN, &frame);
		expected = box_packet(BOX_LAN, family->peer, family->host, 200, payload, size);
		box_ip(&expected)[family->ttl_at]--;
		fix(&expected, 20);
		ck_assert_uint_eq(pull(BOX_LAN, &out), expected.size);
		ck_assert_mem_eq(
			box_ip(&out), box_ip(&expected), expected.size - RTE_ETHER_HDR_LEN);
	}
}
END_TEST

// What the peer may put before ESP and in it comes out as one chain.
START_TEST(inbound_chains)
{
	const struct family *family = &families[1];
	unsigned int count = chains[_i].count, before = chains[_i].before;
	uint8_t payload[8 * 5 + 20] = {}, packet[MAX];
	size_t size = write_chain(payload, chains[_i].kinds, count, 200) + 20, bytes;
	struct box_frame frame, out, expected;

	protect(family->host, family->peer, "");
	bytes = box_seal(&peer, IN_SPI, 1, payload + 8 * before, size - 8 * before,
		before < count ? chains[_i].kinds[before] : 200, packet + 8 * before);
	memcpy(packet, payload, 8 * before);
	if (before)
		packet[8 * (before - 1)] = IPPROTO_ESP;
	frame = box_packet(BOX_WAN, family->peer, family->host,
		before ? chains[_i].kinds[0] : IPPROTO_ESP, packet, 8 * before + bytes);
	push(BOX_WAN, &frame);
	expected =
		box_packet(BOX_LAN, family->peer, family->host, chains[_i].kinds[0], payload, size);
	box_ip(&expected)[7]--;
	ck_assert_uint_eq(pull(BOX_LAN, &out), expected.size);
	ck_assert_mem_eq(box_ip(&out), box_ip(&expected), expected.size - RTE_ETHER_HDR_LEN);
}
END_TEST

START_TEST(inbound_refusals)
{
	const struct family *family = &families[_i];
	uint8_t payload[40] = { 200 };
	struct box_frame frame, out;
	struct {
		const char *source;
		uint8_t next_header;
		enum gw_drop reason;
	} cases[] = {
		{ family->peer, 59, GW_DROP_ESP_DUMMY },
		{ _i ? "2001:db8:9::3" : "10.9.0.3", 200, GW_DROP_ESP_TRANSPORT_ADDRESS },
		{ family->peer, 44, _i ? GW_DROP_ESP_NEXT_HEADER : GW_DROP_COUNT },
		{ family->peer, 0, _i ? GW_DROP_ESP_NEXT_HEADER : GW_DROP_COUNT },
	};

	protect(family->host, family->peer, "");
	for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
		frame = from_peer(cases[i].source, family->host, i + 1, payload, sizeof(payload),
			cases[i].next_header);
		push(BOX_WAN, &frame);
		// An IPv4 protocol number like any other.
		if (cases[i].reason == GW_DROP_COUNT) {
			ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
			continue;
		}
		ck_assert_uint_eq(pull(BOX_LAN, &out), 0);
		ck_assert_uint_ge(box_drops(box, cases[i].reason), 1);
	}
}
END_TEST

// A tunnel's packet is only a payload here: it is judged as IP in IP, not as what it holds.
START_TEST(a_packet_inside_is_a_payload)
{
	struct box_frame inner = box_packet(BOX_WAN, "192.168.2.2", "192.168.1.2", 200, "x", 1);
	struct box_frame frame, out;

	protect("192.168.1.2", "10.9.0.2", "");
	frame = from_peer(
		"10.9.0.2", "192.168.1.2", 1, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4);
	push(BOX_WAN, &frame);
	ck_assert_uint_eq(pull(BOX_LAN, &out), inner.size + 20);
	ck_assert_uint_eq(box_ip(&out)[9], 4);
	ck_assert_mem_eq(box_ip(&out) + 20, box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN);
}
END_TEST

// A frame that the host sends through the TAP of the unprotected port.
static void from_host(const struct box_frame *frame)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	struct gw_packet *packet = gw_packet_init(mbuf, BOX_WAN, GW_SIDE_UNPROTECTED);

	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->size), frame->data, frame->size);
	packet->marks = GW_MARK_FROM_HOST;
	ck_assert_int_eq(rte_ring_enqueue(box->worker->from_control, mbuf), 0);
	box_walk(box);
}

// The host's TTL stays; the next hop is routing's, whatever MAC address the host wrote.
START_TEST(of_the_host)
{
	const struct family *family = &families[_i / 2];
	bool udp = _i % 2;
	size_t before = family->ip_bytes + (udp ? 8 : 0);
	struct box_frame frame, out;

	protect(family->gateway, family->peer, udp ? ",\"encapsulation\":{}" : "");
	frame = box_packet(BOX_WAN, family->gateway, family->peer, 200, "hello", 5);
	memset(frame.data, 2, 6);
	from_host(&frame);
	ck_assert_uint_ne(pull(BOX_WAN, &out), 0);
	ck_assert_mem_eq(out.data, box_neighbours[BOX_WAN], 6);
	ck_assert_uint_eq(box_ip(&out)[family->ttl_at], 64);
	ck_assert_uint_eq(box_ip(&out)[family->next_at], udp ? IPPROTO_UDP : IPPROTO_ESP);
	if (udp) {
		ck_assert_uint_eq(read_16(box_ip(&out) + before - 8), 4500);
		ck_assert_uint_eq(read_16(box_ip(&out) + before - 4),
			out.size - RTE_ETHER_HDR_LEN - family->ip_bytes);
	}
	expect_inside(&out, before, (const uint8_t *)"hello", 5, 200);
}
END_TEST

// What the host gets when this comes in.
static size_t to_host(const struct box_frame *frame, struct box_frame *out)
{
	void *packet;

	box->dataplane.ports[BOX_WAN]->tap = true;
	ck_assert(box_push(box, BOX_WAN, frame->data, frame->size));
	box->worker->now_ns = gw_clock_ns(); // or the bucket for punted packets stays empty
	rte_graph_walk(box->worker->graph);
	out->size = 0;
	if (rte_ring_dequeue(box->worker->punts, &packet) == 0) {
		out->size = rte_pktmbuf_pkt_len((struct rte_mbuf *)packet);
		memcpy(out->data, rte_pktmbuf_mtod((struct rte_mbuf *)packet, void *), out->size);
		rte_pktmbuf_free(packet);
	}
	return out->size;
}

// RFC 3948 section 3.1.2: the checksum was made with addresses that a NAT has changed since.
static const struct {
	uint8_t protocol;
	size_t size, checksum_at;
} layers[] = {
	{ IPPROTO_UDP, 8 + 5, 6 },
	{ IPPROTO_TCP, 20 + 5, 16 },
	{ IPPROTO_ICMPV6, 8 + 5, 2 },
	{ IPPROTO_UDP, 7, 6 },
	{ IPPROTO_TCP, 19, 16 },
	{ IPPROTO_ICMPV6, 3, 2 },
};

static bool checksum_is_right(struct box_frame *frame)
{
	const uint8_t *ip = box_ip(frame);

	return frame->data[RTE_ETHER_HDR_LEN] >> 4 == 4
		       ? rte_ipv4_udptcp_cksum_verify((const struct rte_ipv4_hdr *)ip, ip + 20) == 0
		       : rte_ipv6_udptcp_cksum_verify((const struct rte_ipv6_hdr *)ip, ip + 40) ==
				 0;
}

START_TEST(checksums_after_a_nat)
{
	const struct family *family = &families[_i % 2];
	uint8_t protocol = layers[_i / 2].protocol, payload[40], data[MAX] = {};
	size_t size = layers[_i / 2].size, at = layers[_i / 2].checksum_at, bytes;
	bool whole = _i / 2 < 3;
	struct box_frame frame, out;

	fill(payload, sizeof(payload));
	if (protocol == IPPROTO_UDP)
		write_16(payload + 4, size);
	if (protocol == IPPROTO_TCP)
		payload[12] = 5 << 4;
	if (protocol == IPPROTO_ICMPV6)
		payload[0] = 128; // no error, which would have to quote a packet of the SA's
	write_16(payload + at, 0x5a5a);
	protect(family->gateway, family->peer, ",\"encapsulation\":{}");
	write_16(data, 1234);
	write_16(data + 2, 4500);
	bytes = 8 + box_seal(&peer, IN_SPI, 1, payload, size, protocol, data + 8);
	write_16(data + 4, bytes);
	frame = box_packet(BOX_WAN, _i % 2 ? "2001:db8:9::77" : "10.9.0.77", family->gateway,
		IPPROTO_UDP, data, bytes);
	add_policy("in", _i % 2 ? "2001:db8:9::77" : "10.9.0.77", family->gateway);
	ck_assert_uint_eq(to_host(&frame, &out), RTE_ETHER_HDR_LEN + family->ip_bytes + size);
	ck_assert(box_ip_is_right(&out));
	ck_assert_uint_eq(box_ip(&out)[family->next_at], protocol);
	ck_assert_uint_eq(box_ip(&out)[family->ttl_at], 64);
	if (!whole || (protocol == IPPROTO_ICMPV6 && _i % 2 == 0)) {
		// No checksum of that layer is there.
		ck_assert_mem_eq(box_ip(&out) + family->ip_bytes, payload, size);
		return;
	}
	if (protocol == IPPROTO_UDP && _i % 2 == 0)
		ck_assert_uint_eq(read_16(box_ip(&out) + family->ip_bytes + at), 0);
	else
		ck_assert(checksum_is_right(&out));
	write_16(box_ip(&out) + family->ip_bytes + at, 0x5a5a);
	ck_assert_mem_eq(box_ip(&out) + family->ip_bytes, payload, size);
}
END_TEST

// Without UDP there was no NAT: a wrong checksum is the receiver's to see.
START_TEST(bare_esp_leaves_checksums_alone)
{
	uint8_t payload[13] = { 0, 1, 0, 2, 0, 13, 0x5a, 0x5a };
	struct box_frame frame, out;

	protect("192.168.1.2", "10.9.0.2", "");
	frame = from_peer("10.9.0.2", "192.168.1.2", 1, payload, sizeof(payload), IPPROTO_UDP);
	push(BOX_WAN, &frame);
	ck_assert_uint_ne(pull(BOX_LAN, &out), 0);
	ck_assert_mem_eq(box_ip(&out) + 20, payload, sizeof(payload));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_transport");
	TCase *tcase = tcase_create("box");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, outbound_keeps_the_header, 0, 2);
	tcase_add_test(tcase, ipv4_options_stay_outside);
	tcase_add_loop_test(tcase, ipv6_chains, 0, RTE_DIM(chains));
	tcase_add_loop_test(tcase, other_addresses_are_not_protected, 0, 2);
	tcase_add_loop_test(tcase, fragments_are_not_protected, 0, 2);
	tcase_add_loop_test(tcase, mtu, 0, 2);
	tcase_add_loop_test(tcase, the_esp_packet_is_cut, 0, 2);
	tcase_add_loop_test(tcase, inbound_is_as_it_was, 0, 2);
	tcase_add_loop_test(tcase, inbound_chains, 0, RTE_DIM(chains));
	tcase_add_loop_test(tcase, inbound_refusals, 0, 2);
	tcase_add_test(tcase, a_packet_inside_is_a_payload);
	tcase_add_loop_test(tcase, of_the_host, 0, 4);
	tcase_add_loop_test(tcase, checksums_after_a_nat, 0, 2 * RTE_DIM(layers));
	tcase_add_test(tcase, bare_esp_leaves_checksums_alone);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
