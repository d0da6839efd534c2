// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The short ways, fast_out and fast_in, against the long ones: vectors in which plain packets
// stand beside every kind that is not plain are walked twice, by gateways that are alike but for
// the way. What leaves has to be the same, byte for byte, and so have all counters; and the packets
// of a flow have to leave in their order.

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ring_elem.h>

#include "box_esp.h"
#include "graph/node.h"
#include "graph/nodes.h"
#include "net/checksum.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { VECTORS = 60, MOST = 100, FLOWS = 13, SAS = 5 };

struct record {
	unsigned int port;
	size_t bytes;
	uint8_t data[1700];
};

enum { OUT_SAS = 3, TOTALS = SAS + OUT_SAS };

// A gateway and what is to be the same by either way. One is there at a time.
struct world {
	struct box *box;
	struct box_peer peers[SAS];
	struct record *records;
	unsigned int counts[VECTORS]; // of a vector's records
	uint64_t drops[VECTORS][GW_DROP_COUNT];
	bool moved[VECTORS]; // a peer was told to have moved
	struct gw_sa_totals totals[TOTALS];
	uint64_t policies;
	uint64_t long_way; // packets that eth_input saw
};

static uint64_t seed;

static unsigned int draw(unsigned int below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 33) % below;
}

static bool once_in(unsigned int times)
{
	return draw(times) == 0;
}

// --- worlds

static const uint32_t spis_in[SAS] = { 4098, 5003, 5005, 5007, 5009 };

static void world_make(struct world *world, uint64_t offloads)
{
	struct box *box = box_new();

	world->box = box;
	box->offloads = offloads;
	world->peers[0] = box_peer_new();
	world->peers[1] = box_peer_with(7, 6);
	world->peers[2] = box_peer_with(9, 8);
	world->peers[3] = box_peer_with(11, 10);
	world->peers[4] = box_peer_with(13, 12);
	box_tunnel(box);
	// Another peer, behind it: other headers.
	box_sa(box, "{\"direction\":\"out\",\"spi\":5002,\"source\":\"10.9.0.1\",\"destination\":"
		    "\"10.9.0.2\",\"reqid\":2,\"df\":\"clear\",\"dscp\":46,\"mss_clamp\":1000,"
		    "\"ecn\":\"no\",\"encapsulation\":{},"
		    "\"encryption\":{\"algorithm\":"
		    "\"aes-gcm-16\",\"key\":\"0606060606060606060606060606060606060606\"}}");
	box_sa(box, "{\"direction\":\"in\",\"spi\":5003,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":2,\"mss_clamp\":1000,\"replay_window\":1024,"
		    "\"encryption\":{\"algorithm\":"
		    "\"aes-gcm-16\",\"key\":\"0707070707070707070707070707070707070707\"}}");
	// One that copies the outer DSCP, another that has few packets left.
	box_sa(box,
		"{\"direction\":\"in\",\"spi\":5005,\"source\":\"10.9.0.2\",\"destination\":"
		"\"10.9.0.1\",\"reqid\":3,\"inner_dscp\":\"copy\",\"encryption\":{\"algorithm\":"
		"\"aes-gcm-16\",\"key\":\"0909090909090909090909090909090909090909\"}}");
	box_sa(box,
		"{\"direction\":\"out\",\"spi\":5004,\"source\":\"10.9.0.1\",\"destination\":"
		"\"10.9.0.2\",\"reqid\":3,\"lifetime\":{\"hard_packets\":12,\"hard_bytes\":2500},"
		"\"encryption\":{\"algorithm\":"
		"\"aes-gcm-16\",\"key\":\"0808080808080808080808080808080808080808\"}}");
	// Two in UDP, from one port.
	box_sa(box, "{\"direction\":\"in\",\"spi\":5007,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":4,\"encapsulation\":{},\"encryption\":{\"algorithm\":"
		    "\"aes-gcm-16\",\"key\":\"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b\"}}");
	box_sa(box, "{\"direction\":\"in\",\"spi\":5009,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":4,\"encapsulation\":{},\"encryption\":{\"algorithm\":"
		    "\"aes-gcm-16\",\"key\":\"0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d\"}}");
	// One whose peer's neighbour is not known.
	box_sa(box, "{\"direction\":\"out\",\"spi\":5006,\"source\":\"10.9.0.1\",\"destination\":"
		    "\"10.9.0.77\",\"reqid\":4,\"encryption\":{\"algorithm\":"
		    "\"aes-gcm-16\",\"key\":\"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"}}");
	for (unsigned int i = 2; i <= 5; i++) {
		char json[256];

		snprintf(json, sizeof(json),
			"{\"direction\":\"out\",\"priority\":100,\"action\":\"protect\",\"reqid\":%"
			"u,"
			"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":"
			"\"192.168.%u.0/24\"}}",
			i, i + 1);
		box_policy(box, json);
		snprintf(json, sizeof(json),
			"{\"direction\":\"in\",\"priority\":100,\"action\":\"protect\",\"reqid\":%"
			"u,"
			"\"selector\":{\"source\":\"192.168.%u.0/24\",\"destination\":"
			"\"192.168.1.0/24\"}}",
			i, i + 1);
		box_policy(box, json);
	}
	box_policy(box, "{\"direction\":\"out\",\"priority\":50,\"action\":\"bypass\",\"selector\":"
			"{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.7.0/24\"}}");
	box_policy(box, "{\"direction\":\"in\",\"priority\":50,\"action\":\"bypass\",\"selector\":"
			"{\"source\":\"192.168.7.0/24\",\"destination\":\"192.168.1.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":50,\"action\":\"discard\",\"selector\":"
		"{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.8.0/24\"}}");
	// A port decides, and only of UDP; what is for the box or for the network outside could be
	// protected.
	box_policy(box, "{\"direction\":\"out\",\"priority\":10,\"action\":\"protect\",\"reqid\":2,"
			"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":"
			"\"192.168.2.0/24\",\"protocol\":\"udp\",\"source_port\":4098}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":200,\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":"
		"\"192.168.1.0/24\"}}");
	box_policy(box, "{\"direction\":\"in\",\"priority\":200,\"action\":\"protect\",\"reqid\":1,"
			"\"selector\":{\"source\":\"192.168.2.0/24\",\"destination\":"
			"\"192.168.7.0/24\"}}");
	box_route(box, "192.168.7.0/24", "10.9.0.2", "wan");
}

static void world_free(struct world *world)
{
	for (unsigned int i = 0; i < SAS; i++)
		box_peer_free(&world->peers[i]);
	ck_assert_msg(box_free(world->box), "packet buffers were lost");
}

// --- what leaves

static const struct box_peer *peer_of(const struct world *world, uint32_t spi)
{
	return spi == 4097 ? &world->peers[0] : spi == 5002 ? &world->peers[1] : &world->peers[2];
}

// Without what hangs on the order in which packets of different flows were sealed.
static void normalise(const struct world *world, struct record *record)
{
	uint8_t *ip = record->data + RTE_ETHER_HDR_LEN, *esp;
	bool udp = ip[9] == IPPROTO_UDP && ip[20] == 4500 >> 8 && ip[21] == (4500 & 0xff);
	const uint8_t *data;
	uint8_t next_header;
	uint32_t spi;
	int bytes;

	if (record->port == BOX_WAN && ip[0] == 0x45 && (ip[9] == IPPROTO_ESP || udp) &&
		!(ip[6] & 0x3f) && !ip[7]) {
		ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(0, ip, 20)), 0);
		esp = ip + 20 + (udp ? 8 : 0);
		memcpy(&spi, esp, 4);
		bytes = box_open(peer_of(world, rte_be_to_cpu_32(spi)), esp,
			record->bytes - (size_t)(esp - record->data), &data, &next_header);
		ck_assert_int_ge(bytes, 0);
		memset(esp + 4, 0, 12); // number and IV
		memset(record->data + record->bytes - 16, 0, 16);
		memset(ip + 4, 0, 2);
		memset(ip + 10, 0, 2);
	} else if (ip[0] == 0x45 && memcmp(ip + 12, "\xc0\xa8\x01\x01", 4) == 0) {
		memset(ip + 4, 0, 2); // an ICMP error of the box
		memset(ip + 10, 0, 2);
	}
}

// The flow and number that a packet of a test bears as its IPv4 ID, or 0. What was cut comes later.
static unsigned int mark_of(const struct record *record)
{
	const uint8_t *ip = record->data + RTE_ETHER_HDR_LEN;

	if (record->port == BOX_WAN && ip[9] == IPPROTO_ESP)
		ip += 20 + 16;
	else if (record->port == BOX_WAN && ip[9] == IPPROTO_UDP && ip[20] == 0x11 &&
		 ip[21] == 0x94)
		ip += 28 + 16;
	return ip[0] >> 4 == 4 && !(ip[6] & 0x3f) && !ip[7] ? (unsigned int)(ip[4] << 8 | ip[5])
							    : 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct record));
}

static void show(const struct record *record)
{
	fprintf(stderr, "port %u:", record->port);
	for (size_t i = 0; i < record->bytes; i++)
		fprintf(stderr, " %02x", record->data[i]);
	fprintf(stderr, "\n");
}

static void check_order(const struct record *records, unsigned int count)
{
	unsigned int last[2][16] = {};

	for (unsigned int i = 0; i < count; i++) {
		unsigned int mark = mark_of(&records[i]), flow = mark >> 12, port = records[i].port;

		if (mark == 0)
			continue;
		if (mark < last[port][flow])
			for (unsigned int j = 0; j < count; j++)
				if (mark_of(&records[j]) >> 12 == flow)
					show(&records[j]);
		ck_assert_msg(mark >= last[port][flow], "flow %u: %u behind %u", flow, mark & 0xfff,
			last[port][flow] & 0xfff);
		last[port][flow] = mark;
	}
}

// What vector number has brought, at records.
static void collect(struct world *world, unsigned int number, struct record *records)
{
	unsigned int count = 0;
	struct gw_event event;

	for (unsigned int port = 0; port < 2; port++)
		for (;; count++) {
			struct record *record = &records[count];

			ck_assert_uint_lt(count, MOST);
			memset(record, 0, sizeof(*record));
			record->bytes =
				box_pull(world->box, port, record->data, sizeof(record->data));
			if (record->bytes == 0)
				break;
			ck_assert_uint_le(record->bytes, sizeof(record->data));
			record->port = port;
			normalise(world, record);
		}
	check_order(records, count);
	qsort(records, count, sizeof(*records), compare);
	world->counts[number] = count;
	while (rte_ring_sc_dequeue_elem(world->box->worker->events, &event, sizeof(event)) == 0)
		world->moved[number] |= event.kind == GW_EVENT_MAPPING;
	for (int i = 0; i < GW_DROP_COUNT; i++)
		world->drops[number][i] = box_drops(world->box, i);
}

static void compare_vector(const struct world *fast, const struct world *slow, unsigned int number)
{
	const struct record *left = &fast->records[number * MOST];
	const struct record *right = &slow->records[number * MOST];
	unsigned int lefts = fast->counts[number], rights = slow->counts[number];

	for (unsigned int i = 0; i < lefts || i < rights; i++) {
		if (i < lefts && i < rights && compare(&left[i], &right[i]) == 0)
			continue;
		if (i < lefts)
			show(&left[i]);
		if (i < rights)
			show(&right[i]);
		ck_abort_msg("vector %u: %u packets by the short way, %u by the long one, number "
			     "%u differs",
			number, lefts, rights, i);
	}
	ck_assert_msg(
		fast->moved[number] == slow->moved[number], "vector %u: a peer that moved", number);
	for (int i = 0; i < GW_DROP_COUNT; i++)
		ck_assert_msg(fast->drops[number][i] == slow->drops[number][i],
			"vector %u: %s: %lu by the short way, %lu by the long one", number,
			gw_drop_table[i].name, fast->drops[number][i], slow->drops[number][i]);
}

static void read_totals(struct world *world)
{
	static const uint32_t spis_out[OUT_SAS] = { 4097, 5002, 5004 };

	for (unsigned int i = 0; i < TOTALS; i++) {
		struct gw_sa_id id = { i < SAS ? GW_DIRECTION_IN : GW_DIRECTION_OUT,
			GW_PROTOCOL_ESP, i < SAS ? spis_in[i] : spis_out[i - SAS], {} };

		ck_assert(gw_addr_parse(i < SAS ? "10.9.0.1" : "10.9.0.2", &id.destination));
		gw_sa_total(gw_sa_find(world->box->ipsec, &id), 1, &world->totals[i]);
		world->totals[i].last_used_ns = 0;
	}
}

static int add_packets(void *ctx, const struct gw_policy_record *record)
{
	struct world *world = ctx;
	// Which of them has counted matters: each has a weight of its own.
	uint64_t weight = record->spec.priority + record->spec.direction * 1000u +
			  record->spec.reqid * 10000u;

	world->policies += weight * gw_policy_packets(world->box->ipsec, record->policy);
	return 0;
}

// --- what comes

static void finish_header(uint8_t *ip)
{
	uint16_t sum;

	memset(ip + 10, 0, 2);
	sum = gw_checksum_finish(gw_checksum_add(0, ip, (ip[0] & 15u) * 4));
	memcpy(ip + 10, &sum, 2);
}

// Of each flow so many packets were made.
static unsigned int made[FLOWS];

// A packet of a flow between the host and far, in either direction, for a port.
static struct box_frame plain(unsigned int port, unsigned int flow, bool in)
{
	// The first four are most of what there is; the last has the third one's ports.
	static const unsigned int nets[FLOWS] = { 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 2, 2, 2 };
	static const uint8_t protocols[FLOWS] = { IPPROTO_UDP, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP,
		IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_TCP };
	uint8_t payload[1600] = { 0x10, (uint8_t)(flow == 12 ? 2 : flow), 0x20, 1 };
	size_t bytes = once_in(40) ? draw(4) : once_in(4) ? 20 + draw(1500) : 20 + draw(60);
	struct box_frame frame;
	char far[32];
	uint8_t *ip;

	snprintf(far, sizeof(far), "192.168.%u.2", nets[flow]);
	if (protocols[flow] == IPPROTO_TCP) {
		payload[12] = 0x60;
		payload[13] = once_in(16) ? 0x02 : 0x10; // SYN
		memcpy(payload + 20, "\x02\x04\x05\xb4", 4);
		bytes += 4;
	}
	if (protocols[flow] == IPPROTO_ICMP)
		payload[0] = once_in(3) ? 3 : 8;
	frame = box_packet(port, in ? far : "192.168.1.2", in ? "192.168.1.2" : far,
		protocols[flow], payload, bytes);
	ip = box_ip(&frame);
	ip[1] = once_in(4) ? (uint8_t)draw(256) : 0;
	ip[6] = once_in(2) ? 0x40 : 0;
	ip[4] = (uint8_t)((flow + 1) << 4 | (made[flow] >> 8 & 15));
	ip[5] = (uint8_t)made[flow]++;
	finish_header(ip);
	return frame;
}

static unsigned int draw_flow(void)
{
	return once_in(3) ? draw(FLOWS) : once_in(3) ? (once_in(2) ? 5 : FLOWS - 1) : draw(4);
}

// What makes a packet one that is not plain, or not sound.
static void spoil_packet(struct box_frame *frame)
{
	uint8_t *ip = box_ip(frame);
	unsigned int what = draw(15);

	if (what > 6)
		memset(ip + 4, 0, 2); // of the flow no more
	switch (what) {
	case 0:
		ip[8] = (uint8_t)draw(3);
		break;
	case 1:
		ip[6] |= 0x20; // more fragments
		break;
	case 2:
		ip[7] = (uint8_t)(1 + draw(100)); // a later one
		break;
	case 3: // options
		memmove(ip + 24, ip + 20, frame->size - RTE_ETHER_HDR_LEN - 20);
		memset(ip + 20, 1, 4);
		frame->size += 4;
		ip[0] = 0x46;
		ip[2] = (uint8_t)((frame->size - RTE_ETHER_HDR_LEN) >> 8);
		ip[3] = (uint8_t)(frame->size - RTE_ETHER_HDR_LEN);
		break;
	case 4:
		ip[10] ^= 1;
		return;
	case 5:
		ip[3] = (uint8_t)(ip[3] + draw(256));
		break;
	case 6:
		ip[2] = 0;
		ip[3] = (uint8_t)draw(40);
		break;
	case 7:
		memcpy(ip + 16, "\xe0\x00\x00\x05", 4);
		break;
	case 8:
		memcpy(ip + 12, once_in(2) ? "\x00\x00\x00\x00" : "\xc0\xa8\x01\x01", 4);
		break;
	case 13:
		memcpy(ip + 16, "\xc0\xa8\x07\x02", 4);
		break;
	case 9:
		memcpy(ip + 16, once_in(2) ? "\xc0\xa8\x01\x01" : "\x0a\x09\x00\x01", 4);
		break;
	case 10:
		ip[0] = (uint8_t)draw(256);
		break;
	case 11:
		ip[9] = (uint8_t)draw(256);
		break;
	case 12:
		ip[12 + draw(8)] ^= (uint8_t)(1 << draw(8));
		break;
	default:
		ip[20 + draw(4)] ^= (uint8_t)(1 << draw(8));
		break;
	}
	if ((ip[0] & 15) >= 5 && (ip[0] & 15) * 4u <= frame->size - RTE_ETHER_HDR_LEN)
		finish_header(ip);
}

static void spoil_frame(struct box_frame *frame)
{
	switch (draw(6)) {
	case 0:
		frame->data[draw(6)] ^= 2; // not for us
		break;
	case 1:
		frame->data[12 + draw(2)] ^= (uint8_t)(1 << draw(8)); // no IPv4
		break;
	case 2:
		memset(frame->data, 0xff, 6);
		break;
	case 3:
		frame->size -= draw((unsigned int)frame->size - 1);
		break;
	case 4:
		frame->size = RTE_ETHER_HDR_LEN + draw(30);
		break;
	default:
		memset(frame->data, 0, frame->size < 60 ? frame->size : 60);
		break;
	}
}

static void pad_frame(struct box_frame *frame)
{
	size_t bytes = draw(30);

	memset(frame->data + frame->size, 0xee, bytes);
	frame->size += bytes;
}

// How much rarer in this vector is what makes packets take the long way, and others with them.
static unsigned int calm;

static struct box_frame outbound(void)
{
	struct box_frame frame = plain(BOX_LAN, draw_flow(), false);

	if (once_in(40))
		frame = box_packet(BOX_LAN, "2001:db8:1::2", "2001:db8:2::2", IPPROTO_UDP,
			"\x10\x01\x20\x01six.", 8);
	else if (once_in(6 * calm))
		spoil_packet(&frame);
	if (once_in(20 * calm))
		spoil_frame(&frame);
	else if (once_in(4))
		pad_frame(&frame);
	return frame;
}

// Numbers of each inbound SA that were given, of which the highest.
static bool given[SAS][1 << 16];
static uint32_t highest[SAS];

// Mostly the next one, never one twice: who is first of two packets with one number hangs on their
// ways.
static uint32_t draw_number(unsigned int sa)
{
	uint32_t late = highest[sa] - draw(100);

	if (once_in(200))
		return 0;
	if (once_in(5) && late < highest[sa] && !given[sa][late]) {
		given[sa][late] = true;
		return late;
	}
	highest[sa] += once_in(6) ? 1 + draw(20) : once_in(20) ? 1 + draw(100) : 1;
	ck_assert_uint_lt(highest[sa], COUNT(given[sa]));
	given[sa][highest[sa]] = true;
	return highest[sa];
}

static struct box_frame in_esp(const struct world *world)
{
	unsigned int flow = draw_flow(), sa = flow == 3     ? 1
					      : flow == 4   ? 2
					      : flow == 5   ? 3 + draw(2)
					      : once_in(30) ? draw(SAS)
							    : 0;
	struct box_frame inner = plain(BOX_LAN, flow, true), frame;
	uint8_t text[1700] = {}, esp[1800], next = 4, protocol = IPPROTO_ESP;
	bool elsewhere = once_in(20);
	size_t bytes, padding;

	if (elsewhere) { // what comes from there need not keep step with others
		memset(box_ip(&inner) + 4, 0, 2);
		finish_header(box_ip(&inner));
	}
	if (once_in(40)) {
		inner = box_packet(BOX_LAN, "2001:db8:2::2", "2001:db8:1::2", IPPROTO_UDP,
			"\x10\x01\x20\x01six.", 8);
		next = 41;
	} else if (once_in(6 * calm)) {
		spoil_packet(&inner);
	}
	if (once_in(40))
		next = (uint8_t)(once_in(2) ? 59 : draw(256));
	bytes = inner.size - RTE_ETHER_HDR_LEN;
	memcpy(text, box_ip(&inner), bytes);
	padding = -(bytes + 2) & 3;
	if (once_in(30))
		padding += 4 * draw(5);
	for (size_t i = 0; i < padding; i++)
		text[bytes + i] = (uint8_t)(i + 1);
	text[bytes + padding] = (uint8_t)padding;
	text[bytes + padding + 1] = next;
	bytes += padding + 2;
	if (once_in(40))
		text[bytes - 1 - draw(6)] ^= 1;
	bytes = box_seal_text(&world->peers[sa], spis_in[sa], draw_number(sa), text, bytes, esp);
	if (once_in(30 * calm))
		esp[draw((unsigned int)bytes)] ^= 1;
	if (once_in(40 * calm))
		bytes -= draw((unsigned int)bytes);
	if (once_in(30 * calm) ? sa < 3 : sa >= 3) {
		uint16_t port = once_in(10 * calm) ? 4501 : 4500;
		uint8_t udp[8] = { (uint8_t)(port >> 8), (uint8_t)port, 4500 >> 8, 4500 & 0xff,
			(uint8_t)((bytes + 8) >> 8), (uint8_t)(bytes + 8) };

		if (once_in(20 * calm))
			udp[draw(6)] ^= 1;
		if (once_in(20 * calm))
			memset(esp, 0, 4); // IKE
		memmove(esp + 8, esp, bytes);
		memcpy(esp, udp, 8);
		bytes += 8;
		protocol = IPPROTO_UDP;
	}
	frame = box_packet(
		BOX_WAN, elsewhere ? "10.9.0.3" : "10.9.0.2", "10.9.0.1", protocol, esp, bytes);
	if (once_in(8)) {
		box_ip(&frame)[1] = (uint8_t)draw(256);
		finish_header(box_ip(&frame));
	}
	return frame;
}

static struct box_frame copy; // of a frame before

static struct box_frame inbound(const struct world *world)
{
	struct box_frame frame;

	if (copy.size && once_in(20))
		return copy;
	frame = in_esp(world);
	if (once_in(20 * calm))
		frame = plain(BOX_WAN, draw_flow(), true);
	if (once_in(16 * calm)) {
		uint32_t source;

		// What comes from elsewhere need not keep step with others.
		memcpy(&source, box_ip(&frame) + 12, 4);
		spoil_packet(&frame);
		if (memcmp(&source, box_ip(&frame) + 12, 4) != 0 &&
			memcmp("\xc0\xa8\x01\x01", box_ip(&frame) + 12, 4) != 0)
			box_ip(&frame)[10] ^= 1;
	}
	if (once_in(20 * calm))
		spoil_frame(&frame);
	else if (once_in(4))
		pad_frame(&frame);
	if (once_in(10))
		copy = frame;
	return frame;
}

// --- both

static void walk(struct world *world, unsigned int number)
{
	unsigned int count = once_in(4) ? 1 + draw(MOST / 2) : 1 + draw(20), way = draw(3);

	calm = once_in(3) ? 1 : once_in(2) ? 5 : 30;
	for (unsigned int i = 0; i < count; i++) {
		bool in = way == 2 ? once_in(2) : way;
		struct box_frame frame = in ? inbound(world) : outbound();

		ck_assert(box_push(world->box, in ? BOX_WAN : BOX_LAN, frame.data, frame.size));
	}
	box_walk(world->box);
	collect(world, number, &world->records[number * MOST]);
}

extern const struct gw_node gw_node_eth_input;

static void live(struct world *world, uint64_t offloads, uint64_t start)
{
	struct gw_node_totals node;

	memset(world, 0, sizeof(*world));
	world->records = calloc((size_t)VECTORS * MOST, sizeof(struct record));
	ck_assert(world->records);
	memset(made, 0, sizeof(made));
	memset(given, 0, sizeof(given));
	memset(highest, 0, sizeof(highest));
	memset(&copy, 0, sizeof(copy));
	seed = start;
	world_make(world, offloads);
	for (unsigned int i = 0; i < VECTORS; i++)
		walk(world, i);
	read_totals(world);
	gw_node_total(&world->box->dataplane, &gw_node_eth_input, &node);
	world->long_way = node.packets;
	gw_policy_each(world->box->ipsec, add_packets, world);
	world_free(world);
}

START_TEST(both_ways_do_the_same)
{
	static struct world fast, slow;
	const uint64_t start = (uint64_t)(_i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	live(&fast, 0, start);
	live(&slow, BOX_LONG_WAY, start);
	for (unsigned int i = 0; i < VECTORS; i++)
		compare_vector(&fast, &slow, i);
	ck_assert_mem_eq(fast.totals, slow.totals, sizeof(fast.totals));
	ck_assert_uint_eq(fast.policies, slow.policies);
	// There were two ways.
	ck_assert_uint_lt(fast.long_way, slow.long_way * 5 / 6);
	free(fast.records);
	free(slow.records);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_fast");
	TCase *tcase = tcase_create("box");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, both_ways_do_the_same, 0, 40);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
