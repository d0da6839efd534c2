// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "world.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "crypto/auth.h"
#include "crypto/engine.h"
#include "graph/packet.h"
#include "ipsec/ah.h"
#include "ipsec/esp.h"
#include "net/checksum.h"
#include "net/ip.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define LEAKS() __lsan_do_recoverable_leak_check()
#endif
#endif
#ifndef LEAKS
#define LEAKS() 0
#endif

#define GATEWAY4 "10.9.0.1"
#define PEER4    "10.9.0.2"
#define GATEWAY6 "2001:db8:9::1"
#define PEER6    "2001:db8:9::2"
#define HOST6    "2001:db8:1::2"

const struct world_link world_links[WORLD_LINKS] = {
	{ .family = 4, .source = GATEWAY4, .destination = PEER4 },
	{ .family = 4, .source = GATEWAY4, .destination = PEER4, .udp = true },
	{ .family = 6, .source = GATEWAY6, .destination = PEER6 },
	{ .family = 6, .source = GATEWAY6, .destination = PEER6, .udp = true },
	{ .family = 4, .source = "192.168.1.2", .destination = PEER4, .transport = true },
	{ .family = 6, .source = HOST6, .destination = PEER6, .transport = true },
	{ .family = 4, .source = GATEWAY4, .destination = PEER4, .transport = true, .udp = true },
	{ .family = 6, .source = GATEWAY6, .destination = PEER6, .transport = true, .udp = true },
	[WORLD_AH_LINK] = { .ah = true, .family = 4, .source = GATEWAY4, .destination = PEER4 },
	{ .ah = true, .family = 6, .source = GATEWAY6, .destination = PEER6 },
	{ .ah = true,
		.family = 4,
		.source = "192.168.1.3",
		.destination = PEER4,
		.transport = true },
	{ .ah = true,
		.family = 6,
		.source = "2001:db8:1::3",
		.destination = PEER6,
		.transport = true },
	[WORLD_IMPLICIT_LINK] = { .implicit = true,
		.family = 4,
		.source = GATEWAY4,
		.destination = PEER4 },
	[WORLD_TCP_LINK] = { .tcp = true, .family = 4, .source = GATEWAY4, .destination = PEER4 },
	[WORLD_NARROW_LINK] = { .narrow = true,
		.family = 6,
		.source = GATEWAY6,
		.destination = PEER6 },
};

// Of AH.
#define VALUE_BYTES 16

static struct box *box;
static struct gw_crypto_engine *engine;
static struct gw_crypto_key *keys_out[WORLD_LINKS], *keys_in[WORLD_LINKS];
static uint32_t sequence;

// Of this input: the link whose inbound SA something was sealed for, how many such packets there
// were, by which ports frames came, and whether dummies may leave.
static int came_by = -1;
static unsigned int sealed;
static bool received[2];
static bool dummies;
// The first fragments that left in clear, by protocol and identification (of IPv4).
static bool shown[256][1 << 16];
static struct {
	uint8_t protocol;
	uint16_t id;
} shown_list[64];
static unsigned int shown_count;

void world_claim(bool holds, const char *claim, int line)
{
	if (holds)
		return;
	fprintf(stderr, "line %d: not so: %s\n", line, claim);
	abort();
}

size_t world_ip_bytes(uint8_t family)
{
	return family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

static uint8_t key_byte(unsigned int link, bool out)
{
	return (uint8_t)(2 * link + (out ? 0 : 1));
}

// The link by whose policies the traffic of link i goes.
static unsigned int policies_of(unsigned int i)
{
	return world_links[i].narrow ? WORLD_HELPED : i;
}

static size_t iv_bytes(unsigned int link)
{
	return world_links[link].implicit ? 0 : 8;
}

static void add_sa(unsigned int i, bool out)
{
	const struct world_link *link = &world_links[i];
	char json[800], key[65] = "", selectors[200] = "";
	int bytes = link->ah ? 32 : 20;

	for (int j = 0; j < bytes; j++)
		snprintf(key + 2 * (size_t)j, 3, "%02x", key_byte(i, out));
	if (link->narrow)
		snprintf(selectors, sizeof(selectors),
			",\"selectors\":[{\"source\":\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\","
			"\"protocol\":\"udp\",\"%s_port\":\"0-%u\"}]",
			out ? "destination" : "source", WORLD_NARROW_PORT - 1);
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"protocol\":\"%s\",\"mode\":\"%s\",\"spi\":%u,"
		"\"source\":\"%s\",\"destination\":\"%s\",\"reqid\":%u,"
		"\"%s\":{\"algorithm\":\"%s\",\"key\":\"%s\"}%s%s}",
		out ? "out" : "in", link->ah ? "ah" : "esp",
		link->transport ? "transport" : "tunnel", out ? WORLD_OUT_SPI(i) : WORLD_IN_SPI(i),
		out ? link->source : link->destination, out ? link->destination : link->source,
		policies_of(i) + 1, link->ah ? "integrity" : "encryption",
		link->ah         ? "hmac-sha2-256-128"
		: link->implicit ? "aes-gcm-16-iiv"
				 : "aes-gcm-16",
		key,
		link->udp   ? ",\"encapsulation\":{}"
		: link->tcp ? ",\"encapsulation\":{\"protocol\":\"tcp\"}"
			    : "",
		selectors);
	box_sa(box, json);
}

static void add_policy(bool out, unsigned int priority, const char *action, unsigned int reqid,
	const char *near, const char *far, const char *more)
{
	char json[640], by[32] = "";

	if (reqid)
		snprintf(by, sizeof(by), "\"reqid\":%u,", reqid);
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"priority\":%u,\"action\":\"%s\",%s"
		"\"selector\":{\"source\":\"%s\",\"destination\":\"%s\"%s}}",
		out ? "out" : "in", priority, action, by, out ? near : far, out ? far : near, more);
	box_policy(box, json);
}

static void add_link(unsigned int i)
{
	const struct world_link *link = &world_links[i];
	char v4[32], v6[32];

	add_sa(i, true);
	add_sa(i, false);
	if (link->narrow)
		return;
	snprintf(v4, sizeof(v4), "192.168.%u.0/24", 2 + i);
	snprintf(v6, sizeof(v6), "2001:db8:%x::/64", 2 + i);
	for (unsigned int out = 0; out < 2; out++) {
		if (link->transport) {
			add_policy(out, 100, "protect", i + 1, link->source, link->destination, "");
			continue;
		}
		add_policy(out, 100, "protect", i + 1, "192.168.1.0/24", v4, "");
		add_policy(out, 100, "protect", i + 1, "2001:db8:1::/64", v6, "");
	}
}

static struct gw_crypto_key *make_key(const struct world_link *link, uint8_t byte)
{
	bool ah = link->ah;
	uint8_t bytes[32];
	struct gw_crypto_key_spec spec = { .encryption_key = bytes, .integrity_key = bytes };
	struct gw_crypto_key *key;

	memset(bytes, byte, sizeof(bytes));
	spec.encryption = ah               ? GW_ENCRYPTION_NULL
			  : link->implicit ? GW_ENCRYPTION_AES_GCM_16_IIV
					   : GW_ENCRYPTION_AES_GCM_16;
	spec.encryption_key_bytes = ah ? 0 : 20;
	spec.integrity = ah ? GW_INTEGRITY_HMAC_SHA2_256_128 : GW_INTEGRITY_NONE;
	spec.integrity_key_bytes = ah ? 32 : 0;
	key = gw_crypto_key_new(&spec, NULL);
	world_require(key);
	return key;
}

struct box *world_new(void)
{
	const char *arguments[] = { "fuzz", "--no-huge", "--no-shconf", "--no-pci",
		"--no-telemetry", "-m", "256", "-l", "0", "--log-level", "lib.*:error", NULL };

	world_require(rte_eal_init(RTE_DIM(arguments) - 1, (char **)(uintptr_t)arguments) >= 0);
	box = box_new();
	for (unsigned int i = 0; i < WORLD_LINKS; i++)
		add_link(i);
	add_policy(true, 50, "protect", 1, "192.168.1.4", PEER4,
		",\"protocol\":\"tcp\",\"destination_port\":80");
	add_policy(true, 100, "bypass", 0, "192.168.1.4", PEER4, "");
	add_policy(false, 100, "bypass", 0, "192.168.1.4", PEER4, "");
	add_policy(true, 100, "discard", 0, "192.168.1.0/24", "203.0.113.0/24", "");
	// Whatever leaks finds its way.
	box_route(box, "0.0.0.0/0", PEER4, "wan");
	box_route(box, "::/0", PEER6, "wan");
	engine = gw_crypto_engine_new();
	world_require(engine);
	for (unsigned int i = 0; i < WORLD_LINKS; i++) {
		keys_out[i] = make_key(&world_links[i], key_byte(i, true));
		keys_in[i] = make_key(&world_links[i], key_byte(i, false));
	}
	world_require(LEAKS() == 0);
	return box;
}

void world_repair(uint8_t *ip, size_t size)
{
	struct rte_ipv4_hdr *v4 = (struct rte_ipv4_hdr *)ip;

	if (ip[0] >> 4 == 6 && size >= sizeof(struct rte_ipv6_hdr)) {
		((struct rte_ipv6_hdr *)ip)->payload_len =
			rte_cpu_to_be_16((uint16_t)(size - sizeof(struct rte_ipv6_hdr)));
	} else if (ip[0] >> 4 == 4 && size >= sizeof(*v4) && rte_ipv4_hdr_len(v4) <= size) {
		v4->total_length = rte_cpu_to_be_16((uint16_t)size);
		v4->hdr_checksum = 0;
		v4->hdr_checksum = gw_checksum_finish(gw_checksum_add(0, ip, rte_ipv4_hdr_len(v4)));
	}
}

void world_front(struct world_frame *frame, unsigned int index, uint8_t protocol, size_t bytes)
{
	const struct world_link *link = &world_links[index];
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame->data;
	uint8_t *ip = (uint8_t *)(ether + 1);
	struct gw_addr source, destination;
	bool v4 = link->family == 4;

	world_require(gw_addr_parse(link->destination, &source) &&
		      gw_addr_parse(link->source, &destination));
	memset(frame->data, 0, RTE_ETHER_HDR_LEN + world_ip_bytes(link->family));
	memcpy(&ether->dst_addr, box_macs[BOX_WAN], 6);
	memcpy(&ether->src_addr, box_neighbours[BOX_WAN], 6);
	ether->ether_type = v4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);
	ip[0] = v4 ? 0x45 : 0x60;
	ip[v4 ? 8 : 7] = 64;
	ip[v4 ? 9 : 6] = protocol;
	memcpy(ip + (v4 ? 12 : 8), source.bytes, v4 ? 4 : 16);
	memcpy(ip + (v4 ? 16 : 24), destination.bytes, v4 ? 4 : 16);
	bytes += world_ip_bytes(link->family);
	world_repair(ip, bytes);
	frame->size = RTE_ETHER_HDR_LEN + bytes;
	world_require(frame->size <= sizeof(frame->data));
}

size_t world_seal(unsigned int link, const uint8_t *data, size_t size, uint8_t *esp)
{
	struct gw_crypto_op op = { .key = keys_in[link], .esp = esp, .sequence = ++sequence };

	op.payload_bytes = (uint32_t)size & ~3u;
	if (op.payload_bytes == 0 || op.payload_bytes > 1800)
		return 0;
	((struct gw_esp_header *)esp)->spi = rte_cpu_to_be_32(WORLD_IN_SPI(link));
	((struct gw_esp_header *)esp)->sequence = rte_cpu_to_be_32(sequence);
	memcpy(esp + 8 + iv_bytes(link), data, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	came_by = (int)link;
	sealed++;
	return 8 + iv_bytes(link) + op.payload_bytes + 16;
}

void world_seal_ah(unsigned int link, uint8_t *ip, size_t size, size_t at)
{
	uint8_t message[WORLD_FRAME_BYTES + GW_CRYPTO_AUTH_BACK] = {};
	struct gw_ah_header *ah = (struct gw_ah_header *)(ip + at);
	struct gw_crypto_auth_op op = { .key = keys_in[link],
		.message = message,
		.bytes = (uint32_t)size,
		.value = message + at + GW_AH_HEADER_BYTES,
		.sequence = ++sequence };

	ah->spi = rte_cpu_to_be_32(WORLD_IN_SPI(link));
	ah->sequence = rte_cpu_to_be_32(sequence);
	memset(ah + 1, 0, VALUE_BYTES);
	memcpy(message, ip, size);
	gw_ah_cover(message, (uint32_t)at); // where it cannot, any ICV is as good
	gw_crypto_auth_seal(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	memcpy(ah + 1, op.value, VALUE_BYTES);
	came_by = (int)link;
	sealed++;
}

void world_forged(void)
{
	came_by = -1;
	sealed = 0;
}

void world_receive(unsigned int port, const uint8_t *frame, size_t size)
{
	received[port] = true;
	box_push(box, port, frame, size);
}

void world_received(unsigned int port)
{
	received[port] = true;
}

static void push_fragment(
	unsigned int port, const struct world_frame *whole, size_t from, size_t bytes, bool more)
{
	struct world_frame part = { .size = 0 };
	uint8_t *ip = part.data + RTE_ETHER_HDR_LEN;
	bool v4 = whole->data[RTE_ETHER_HDR_LEN] >> 4 == 4;
	size_t header = RTE_ETHER_HDR_LEN + world_ip_bytes(v4 ? 4 : 6),
	       fragment_header = v4 ? 0 : 8;
	uint16_t field =
		rte_cpu_to_be_16((uint16_t)(v4 ? from / 8 | (more ? 0x2000 : 0) : from | more));

	memcpy(part.data, whole->data, header);
	memcpy(part.data + header + fragment_header, whole->data + header + from, bytes);
	if (v4) {
		memcpy(ip + 6, &field, 2);
	} else {
		ip[40] = ip[6];
		ip[6] = IPPROTO_FRAGMENT;
		memcpy(ip + 42, &field, 2);
	}
	part.size = header + fragment_header + bytes;
	world_repair(ip, part.size - RTE_ETHER_HDR_LEN);
	world_receive(port, part.data, part.size);
}

void world_push(unsigned int port, const struct world_frame *frame, size_t cut, bool reversed)
{
	size_t header = RTE_ETHER_HDR_LEN +
			world_ip_bytes(frame->data[RTE_ETHER_HDR_LEN] >> 4 == 4 ? 4 : 6);

	cut &= ~(size_t)7;
	// The fragment header needs room too.
	if (cut == 0 || frame->size < header || cut >= frame->size - header ||
		frame->size + 8 > sizeof(frame->data)) {
		world_receive(port, frame->data, frame->size);
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		bool first = (i == 0) != reversed;

		push_fragment(port, frame, first ? 0 : cut,
			first ? cut : frame->size - header - cut, first);
	}
}

static struct rte_mbuf *buffer_of(const uint8_t *data, size_t bytes)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	char *room = mbuf ? rte_pktmbuf_append(mbuf, (uint16_t)bytes) : NULL;

	world_require(room);
	memcpy(room, data, bytes);
	return mbuf;
}

void world_push_record(const struct world_frame *frame)
{
	const uint8_t *ip = frame->data + RTE_ETHER_HDR_LEN;
	uint32_t bytes = (uint32_t)(frame->size - RTE_ETHER_HDR_LEN);
	struct rte_mbuf *mbuf = buffer_of(ip, bytes);
	struct gw_packet *packet = gw_packet_init(mbuf, BOX_WAN, GW_SIDE_UNPROTECTED);
	struct gw_ip parsed;

	// The header is the control core's own.
	world_require(gw_ip_parse(ip, bytes, bytes, false, &parsed) == GW_IP_OK);
	packet->ip = parsed;
	packet->marks = GW_MARK_IN_TCP;
	packet->stream = 1;
	world_require(rte_ring_enqueue(box->worker->from_control, mbuf) == 0);
}

// As the control core's methods_dummy.c makes it.
void world_push_dummy(unsigned int link, size_t bytes)
{
	static const uint8_t random[1400] = { 1, 2, 3 };
	struct rte_mbuf *mbuf = buffer_of(random, RTE_MIN(bytes, sizeof(random)));
	struct gw_packet *packet = gw_packet_init(mbuf, 0, GW_SIDE_PROTECTED);
	struct gw_addr destination;

	world_require(gw_addr_parse(world_links[link].destination, &destination));
	packet->marks = GW_MARK_DUMMY | GW_MARK_OWN | GW_MARK_SPD_OUT;
	packet->sequence = rte_cpu_to_be_32(WORLD_OUT_SPI(link));
	packet->flow.family = destination.family;
	packet->flow.protocol = IPPROTO_NONE;
	memcpy(packet->flow.destination, destination.bytes, gw_addr_bytes(destination.family));
	packet->ip_bytes = rte_pktmbuf_pkt_len(mbuf);
	packet->dont_fragment = 1;
	dummies = true;
	world_require(rte_ring_enqueue(box->worker->from_control, mbuf) == 0);
}

// Whether a packet of the family at ip is one of what the link's policies protect.
static bool is_covered(unsigned int index, uint8_t version, const uint8_t *near, const uint8_t *far,
	uint8_t protocol, bool outbound)
{
	static const uint8_t host[4] = { 192, 168, 1, 4 };
	const uint8_t v4[2][3] = { { 192, 168, 1 }, { 192, 168, (uint8_t)(2 + index) } };
	const uint8_t v6[2][8] = { { 0x20, 1, 0xd, 0xb8, 0, 1 },
		{ 0x20, 1, 0xd, 0xb8, 0, (uint8_t)(2 + index) } };

	if (version == 6)
		return memcmp(near, v6[0], 8) == 0 && memcmp(far, v6[1], 8) == 0;
	// TCP port 80 of one host goes by link 0, wherever it goes; the answers are bypassed.
	return memcmp(near, v4[0], 3) == 0 &&
	       (memcmp(far, v4[1], 3) == 0 ||
		       (outbound && index == 0 && memcmp(near, host, 4) == 0 &&
			       protocol == IPPROTO_TCP));
}

// An ICMP error goes by the traffic of the packet that it quotes (RFC 4301 section 6.2); outbound
// that packet came from the far side.
static bool quotes_protected(unsigned int index, const struct gw_ip *parsed, const uint8_t *ip,
	size_t bytes, bool outbound)
{
	bool v4 = parsed->flow.family == 4;
	uint16_t type = parsed->flow.source_port;
	const uint8_t *quote = ip + parsed->header_bytes + 8, *source, *destination;
	size_t header = world_ip_bytes(parsed->flow.family);

	if (!parsed->flow.ports_known || parsed->fragment_offset ||
		parsed->flow.protocol != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) ||
		(v4 ? type != 3 && type != 4 && type != 11 && type != 12 : type > 127) ||
		bytes < parsed->header_bytes + 8 + header || quote[0] >> 4 != (v4 ? 4 : 6))
		return false;
	source = quote + (v4 ? 12 : 8);
	destination = quote + (v4 ? 16 : 24);
	if (memcmp(source, parsed->flow.destination, v4 ? 4 : 16) != 0)
		return false;
	return is_covered(index, quote[0] >> 4, outbound ? destination : source,
		outbound ? source : destination, quote[v4 ? 9 : 6], outbound);
}

static bool is_protected(unsigned int index, const struct gw_ip *parsed, const uint8_t *ip,
	size_t bytes, bool outbound)
{
	bool v4 = parsed->flow.family == 4;
	const uint8_t *near = ip + (v4 ? outbound ? 12 : 16 : outbound ? 8 : 24);
	const uint8_t *far = ip + (v4 ? outbound ? 16 : 12 : outbound ? 24 : 8);

	world_require(!world_links[index].transport);
	return is_covered(index, ip[0] >> 4, near, far, parsed->flow.protocol, outbound) ||
	       quotes_protected(index, parsed, ip, bytes, outbound);
}

// By which of the two SAs with the same policies a packet goes: only what shows its ports is told.
static bool is_narrow(const struct gw_ip *parsed, bool outbound)
{
	return parsed->flow.family == 4 && parsed->flow.protocol == IPPROTO_UDP &&
	       parsed->flow.ports_known &&
	       (outbound ? parsed->flow.destination_port : parsed->flow.source_port) <
		       WORLD_NARROW_PORT;
}

static bool is_by_right_sa(unsigned int index, const struct gw_ip *parsed, bool outbound)
{
	uint8_t protocol = parsed->flow.protocol;

	if (policies_of(index) != WORLD_HELPED || parsed->fragment_offset ||
		protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return true;
	if (!outbound && index == WORLD_HELPED)
		return true; // it takes all
	return is_narrow(parsed, outbound) == (index == WORLD_NARROW_LINK);
}

static bool is_sound(const uint8_t *ip, size_t bytes, struct gw_ip *parsed)
{
	return gw_ip_parse(ip, (uint32_t)bytes, (uint32_t)bytes, true, parsed) == GW_IP_OK &&
	       parsed->ip_bytes == bytes;
}

static unsigned int link_of(rte_be32_t spi)
{
	unsigned int index = (rte_be_to_cpu_32(spi) - WORLD_OUT_SPI(0)) / 4;

	world_require(index < WORLD_LINKS && spi == rte_cpu_to_be_32(WORLD_OUT_SPI(index)));
	return index;
}

static bool is_text(const uint8_t *address, uint8_t family, const char *text)
{
	struct gw_addr addr;

	world_require(gw_addr_parse(text, &addr));
	return addr.family == family && memcmp(addr.bytes, address, gw_addr_bytes(family)) == 0;
}

// Whatever an SA seals goes between its own addresses.
static bool is_between(const struct world_link *link, const struct gw_flow *flow)
{
	return is_text(flow->source, flow->family, link->source) &&
	       is_text(flow->destination, flow->family, link->destination);
}

enum carrier { BARE, IN_UDP, IN_TCP };

static void check_esp(const struct gw_flow *outer, uint8_t *esp, size_t bytes, enum carrier carrier)
{
	const struct gw_esp_header *header = (const struct gw_esp_header *)esp;
	struct gw_crypto_op op = { .esp = esp };
	const struct world_link *link;
	uint8_t next_header, *payload;
	unsigned int index;
	struct gw_ip inner;
	int size;

	world_require(bytes >= 8 + 8 + 4 + 16 || (bytes >= 8 + 4 + 16 && dummies));
	index = link_of(header->spi);
	link = &world_links[index];
	payload = esp + 8 + iv_bytes(index);
	world_require(is_between(link, outer));
	world_require(!link->ah && link->udp == (carrier == IN_UDP) &&
		      link->tcp == (carrier == IN_TCP) && bytes > 24 + iv_bytes(index));
	op.key = keys_out[index];
	op.payload_bytes = (uint32_t)(bytes - 24 - iv_bytes(index));
	op.sequence = rte_be_to_cpu_32(header->sequence);
	gw_crypto_open(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	size = gw_esp_trailer_read(payload, op.payload_bytes, &next_header);
	world_require(size >= 0);
	if (next_header == IPPROTO_NONE && dummies)
		return;
	if (link->transport)
		return;
	world_require(is_sound(payload, (size_t)size, &inner));
	world_require(next_header == (inner.flow.family == 4 ? 4 : 41));
	world_require(is_protected(policies_of(index), &inner, payload, (size_t)size, true));
	world_require(is_by_right_sa(index, &inner, true));
}

static void check_ah(const struct gw_flow *outer, uint8_t *ip, size_t bytes, size_t at)
{
	uint8_t value[VALUE_BYTES], room[WORLD_FRAME_BYTES + GW_CRYPTO_AUTH_BACK] = {};
	const struct gw_ah_header *ah = (const struct gw_ah_header *)(ip + at);
	struct gw_crypto_auth_op op = { .message = room, .bytes = (uint32_t)bytes, .value = value };
	unsigned int index;
	struct gw_ip inner;
	size_t ah_bytes;

	world_require(at + sizeof(*ah) <= bytes);
	index = link_of(ah->spi);
	world_require(world_links[index].ah && is_between(&world_links[index], outer));
	ah_bytes = gw_ah_bytes(world_links[index].family, VALUE_BYTES);
	world_require(ah->length == GW_AH_LENGTH(ah_bytes) && at + ah_bytes <= bytes);
	op.key = keys_out[index];
	memcpy(room, ip, bytes);
	memcpy(value, ah + 1, VALUE_BYTES);
	memset(room + at + sizeof(*ah), 0, VALUE_BYTES);
	op.sequence = rte_be_to_cpu_32(ah->sequence);
	world_require(gw_ah_cover(room, (uint32_t)at));
	gw_crypto_auth_open(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	if (world_links[index].transport)
		return;
	world_require(is_sound(ip + at + ah_bytes, bytes - at - ah_bytes, &inner));
	world_require(ah->next_header == (inner.flow.family == 4 ? 4 : 41));
	world_require(is_protected(index, &inner, ip + at + ah_bytes, bytes - at - ah_bytes, true));
}

// A first fragment in clear speaks for those that follow it, until the end of the input.
static bool is_spoken_for(const struct gw_ip *ip, bool first)
{
	uint8_t protocol = ip->flow.protocol;
	uint16_t id = (uint16_t)ip->fragment_id;

	if (!first)
		return shown[protocol][id];
	if (!shown[protocol][id] && shown_count < RTE_DIM(shown_list)) {
		shown[protocol][id] = true;
		shown_list[shown_count].protocol = protocol;
		shown_list[shown_count++].id = id;
	}
	return true;
}

static void forget_shown(void)
{
	while (shown_count > 0) {
		shown_count--;
		shown[shown_list[shown_count].protocol][shown_list[shown_count].id] = false;
	}
}

// The only clear text that may leave: what of one flow is not TCP to port 80. Fragments of TCP that
// show no ports need one before them that does.
static bool is_bypassed(const struct gw_ip *ip)
{
	static const uint8_t source[4] = { 192, 168, 1, 4 }, destination[4] = { 10, 9, 0, 2 };

	if (ip->flow.family != 4 || memcmp(ip->flow.source, source, 4) != 0 ||
		memcmp(ip->flow.destination, destination, 4) != 0)
		return false;
	if (ip->flow.protocol != IPPROTO_TCP)
		return true;
	if (!ip->flow.ports_known)
		return ip->fragment_offset && is_spoken_for(ip, false);
	return ip->flow.destination_port != 80 && (!ip->more_fragments || is_spoken_for(ip, true));
}

// What leaves in fragments, each behind the one before.
static struct whole {
	uint8_t data[2 * WORLD_FRAME_BYTES];
	size_t bytes;
	uint32_t id;
	uint8_t source, protocol; // the last byte of an address tells sources apart
	bool open;
} wholes[8];

static struct whole *whole_of(const struct gw_ip *piece)
{
	uint8_t source = piece->flow.source[piece->flow.family == 4 ? 3 : 15];
	struct whole *unused = NULL;

	for (size_t i = 0; i < RTE_DIM(wholes); i++) {
		struct whole *whole = &wholes[i];

		if (!whole->open)
			unused = whole;
		else if (whole->id == piece->fragment_id && whole->source == source &&
			 whole->data[0] >> 4 == piece->flow.family)
			return whole;
	}
	world_require(unused && piece->fragment_offset == 0);
	unused->open = true;
	unused->id = piece->fragment_id;
	unused->source = source;
	unused->bytes = 0;
	return unused;
}

// The headers before the fragment header name what it names.
static size_t drop_fragment_header(uint8_t *ip, size_t bytes)
{
	size_t at = sizeof(struct rte_ipv6_hdr);
	uint8_t *next = &ip[6];

	while (*next != IPPROTO_FRAGMENT) {
		next = &ip[at];
		at += 8 + 8u * ip[at + 1];
	}
	*next = ip[at];
	memmove(ip + at, ip + at + 8, bytes - at - 8);
	return bytes - 8;
}

// Adds a fragment; the whole packet and its bytes with the last one, else NULL.
static uint8_t *put_together(const uint8_t *ip, const struct gw_ip *piece, size_t *bytes)
{
	struct whole *whole = whole_of(piece);
	size_t front = piece->ip_bytes - piece->fragment_bytes;

	if (piece->fragment_offset == 0) {
		memcpy(whole->data, ip, front);
		whole->bytes = front;
	}
	world_require(whole->bytes == front + piece->fragment_offset &&
		      whole->bytes + piece->fragment_bytes <= sizeof(whole->data));
	memcpy(whole->data + whole->bytes, ip + front, piece->fragment_bytes);
	whole->bytes += piece->fragment_bytes;
	if (piece->more_fragments)
		return NULL;
	whole->open = false;
	*bytes = whole->bytes;
	if (piece->flow.family == 6)
		*bytes = drop_fragment_header(whole->data, *bytes);
	else
		whole->data[6] &= 0x40, whole->data[7] = 0;
	world_repair(whole->data, *bytes);
	return whole->data;
}

static void check_unprotected(uint8_t *frame, size_t bytes)
{
	uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	struct gw_ip parsed;

	world_require(bytes > RTE_ETHER_HDR_LEN && bytes <= WORLD_FRAME_BYTES);
	bytes -= RTE_ETHER_HDR_LEN;
	world_require(bytes <= box->dataplane.ports[BOX_WAN]->mtu && is_sound(ip, bytes, &parsed));
	if (is_bypassed(&parsed))
		return;
	if (gw_ip_is_fragment(&parsed)) {
		ip = put_together(ip, &parsed, &bytes);
		if (!ip)
			return;
		world_require(is_sound(ip, bytes, &parsed) && !gw_ip_is_fragment(&parsed));
	}
	switch (parsed.flow.protocol) {
	case IPPROTO_ESP:
		check_esp(
			&parsed.flow, ip + parsed.header_bytes, bytes - parsed.header_bytes, BARE);
		return;
	case IPPROTO_AH:
		check_ah(&parsed.flow, ip, bytes, parsed.header_bytes);
		return;
	default:
		world_require(parsed.flow.protocol == IPPROTO_UDP &&
			      parsed.flow.source_port == 4500 && bytes > parsed.header_bytes + 8u);
		check_esp(&parsed.flow, ip + parsed.header_bytes + 8,
			bytes - parsed.header_bytes - 8, IN_UDP);
	}
}

// What goes in TCP is handed to the control core, whole and in one buffer, behind an IP header.
static void check_records(void)
{
	uint8_t record[WORLD_FRAME_BYTES];
	void *mbuf;

	while (rte_ring_sc_dequeue(box->worker->streams, &mbuf) == 0) {
		size_t bytes = rte_pktmbuf_pkt_len((struct rte_mbuf *)mbuf);
		size_t at = gw_packet(mbuf)->header_bytes;
		struct gw_flow outer = { .family = 4 };

		world_require(bytes <= sizeof(record) && at < bytes &&
			      rte_pktmbuf_data_len((struct rte_mbuf *)mbuf) == bytes);
		memcpy(record, rte_pktmbuf_mtod((struct rte_mbuf *)mbuf, void *), bytes);
		rte_pktmbuf_free(mbuf);
		memcpy(outer.source, record + 12, 4);
		memcpy(outer.destination, record + 16, 4);
		check_esp(&outer, record + at, bytes - at, IN_TCP);
	}
}

// About packets of hosts behind the gateway, or of the host itself with such a source; from the
// other side nothing may look like one.
static bool is_own_error(const struct gw_ip *ip)
{
	static const char *const addresses[] = { "192.168.1.1", "2001:db8:1::1", GATEWAY4,
		GATEWAY6 };
	const struct gw_flow *flow = &ip->flow;
	uint16_t type = flow->source_port;
	bool own = false;

	for (size_t i = 0; i < RTE_DIM(addresses); i++)
		own |= is_text(flow->source, flow->family, addresses[i]);
	if (!own || !flow->ports_known || received[BOX_WAN])
		return false;
	return flow->family == 4 ? flow->protocol == IPPROTO_ICMP && (type == 3 || type == 11)
				 : flow->protocol == IPPROTO_ICMPV6 && type <= 127;
}

// What an SA in tunnel mode carried, or between which addresses one in transport mode does.
static void check_carried(const struct gw_ip *parsed, const uint8_t *ip, size_t bytes)
{
	const struct world_link *link = &world_links[came_by];
	const struct gw_flow *flow = &parsed->flow;

	if (link->transport) {
		world_require(is_text(flow->source, flow->family, link->destination) &&
			      is_text(flow->destination, flow->family, link->source));
		return;
	}
	world_require(is_protected(policies_of((unsigned int)came_by), parsed, ip, bytes, false));
	world_require(is_by_right_sa((unsigned int)came_by, parsed, false));
}

// What reaches the hosts behind: the gateway's own errors; where a packet of an SA came in, what
// this SA carries, and of two copies one; else what came bypassed, and by the protected port what
// these hosts send each other.
static void check_protected(const uint8_t *ip, size_t bytes)
{
	struct gw_ip parsed;
	const struct gw_flow *flow = &parsed.flow;

	world_require(is_sound(ip, bytes, &parsed));
	if (is_own_error(&parsed))
		return;
	if (came_by >= 0) {
		check_carried(&parsed, ip, bytes);
		if (parsed.fragment_offset)
			return;
		world_require(sealed > 0);
		sealed--;
		return;
	}
	if (received[BOX_LAN])
		return;
	world_require(received[BOX_WAN] && is_text(flow->source, flow->family, PEER4) &&
		      is_text(flow->destination, flow->family, "192.168.1.4"));
}

// Inputs know nothing of each other, so that a finding is found again.
static void forget(void)
{
	forget_shown();
	came_by = -1;
	sealed = 0;
	received[BOX_LAN] = received[BOX_WAN] = false;
	dummies = false;
	rte_ring_reset(box->worker->events);
	box_forget_fragments(box);
	gw_first_fragments_free(box->dataplane.first_fragments);
	box->dataplane.first_fragments =
		gw_first_fragments_new(GW_FIRST_FRAGMENTS_LEAST, UINT64_C(5000000000));
	world_require(box->dataplane.first_fragments);
}

void world_finish(void)
{
	uint8_t frame[WORLD_FRAME_BYTES];
	size_t bytes;

	box_walk(box);
	while ((bytes = box_pull(box, BOX_WAN, frame, sizeof(frame))))
		check_unprotected(frame, bytes);
	check_records();
	while ((bytes = box_pull(box, BOX_LAN, frame, sizeof(frame)))) {
		world_require(bytes > RTE_ETHER_HDR_LEN && bytes <= sizeof(frame));
		check_protected(frame + RTE_ETHER_HDR_LEN, bytes - RTE_ETHER_HDR_LEN);
	}
	for (size_t i = 0; i < RTE_DIM(wholes); i++)
		world_require(!wholes[i].open);
	forget();
	world_require(rte_mempool_avail_count(box->dataplane.buffers) == box->free_buffers);
}
