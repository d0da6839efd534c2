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
};

// Of AH.
#define VALUE_BYTES 16

static struct box *box;
static struct gw_crypto_engine *engine;
static struct gw_crypto_key *keys_out[WORLD_LINKS], *keys_in[WORLD_LINKS];
static uint32_t sequence;

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

static void add_sa(unsigned int i, bool out)
{
	const struct world_link *link = &world_links[i];
	char json[640], key[65] = "";
	int bytes = link->ah ? 32 : 20;

	for (int j = 0; j < bytes; j++)
		snprintf(key + 2 * (size_t)j, 3, "%02x", key_byte(i, out));
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"protocol\":\"%s\",\"mode\":\"%s\",\"spi\":%u,"
		"\"source\":\"%s\",\"destination\":\"%s\",\"reqid\":%u,"
		"\"%s\":{\"algorithm\":\"%s\",\"key\":\"%s\"}%s}",
		out ? "out" : "in", link->ah ? "ah" : "esp",
		link->transport ? "transport" : "tunnel", out ? WORLD_OUT_SPI(i) : WORLD_IN_SPI(i),
		out ? link->source : link->destination, out ? link->destination : link->source,
		i + 1, link->ah ? "integrity" : "encryption",
		link->ah ? "hmac-sha2-256-128" : "aes-gcm-16", key,
		link->udp ? ",\"encapsulation\":{}" : "");
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

static struct gw_crypto_key *make_key(bool ah, uint8_t byte)
{
	uint8_t bytes[32];
	struct gw_crypto_key_spec spec = { .encryption_key = bytes, .integrity_key = bytes };
	struct gw_crypto_key *key;

	memset(bytes, byte, sizeof(bytes));
	spec.encryption = ah ? GW_ENCRYPTION_NULL : GW_ENCRYPTION_AES_GCM_16;
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
	engine = gw_crypto_engine_new();
	world_require(engine);
	for (unsigned int i = 0; i < WORLD_LINKS; i++) {
		keys_out[i] = make_key(world_links[i].ah, key_byte(i, true));
		keys_in[i] = make_key(world_links[i].ah, key_byte(i, false));
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
	memcpy(esp + 16, data, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	return 16 + op.payload_bytes + 16;
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
	box_push(box, port, part.data, part.size);
}

void world_push(unsigned int port, const struct world_frame *frame, size_t cut, bool reversed)
{
	size_t header = RTE_ETHER_HDR_LEN +
			world_ip_bytes(frame->data[RTE_ETHER_HDR_LEN] >> 4 == 4 ? 4 : 6);

	cut &= ~(size_t)7;
	// The fragment header needs room too.
	if (cut == 0 || frame->size < header || cut >= frame->size - header ||
		frame->size + 8 > sizeof(frame->data)) {
		box_push(box, port, frame->data, frame->size);
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		bool first = (i == 0) != reversed;

		push_fragment(port, frame, first ? 0 : cut,
			first ? cut : frame->size - header - cut, first);
	}
}

// Whether a packet of the family at ip is one of what the link's policies protect.
static bool is_protected(const struct world_link *link, unsigned int index, const uint8_t *ip)
{
	static const uint8_t host[4] = { 192, 168, 1, 4 };
	const uint8_t v4[2][3] = { { 192, 168, 1 }, { 192, 168, (uint8_t)(2 + index) } };
	const uint8_t v6[2][8] = { { 0x20, 1, 0xd, 0xb8, 0, 1 },
		{ 0x20, 1, 0xd, 0xb8, 0, (uint8_t)(2 + index) } };

	world_require(!link->transport);
	if (ip[0] >> 4 == 6)
		return memcmp(ip + 8, v6[0], 8) == 0 && memcmp(ip + 24, v6[1], 8) == 0;
	// TCP port 80 of one host goes by link 0, wherever it goes.
	return memcmp(ip + 12, v4[0], 3) == 0 &&
	       (memcmp(ip + 16, v4[1], 3) == 0 ||
		       (index == 0 && memcmp(ip + 12, host, 4) == 0 && ip[9] == IPPROTO_TCP));
}

static bool is_sound(const uint8_t *ip, size_t bytes, struct gw_ip *parsed)
{
	return gw_ip_parse(ip, (uint32_t)bytes, (uint32_t)bytes, true, parsed) == GW_IP_OK &&
	       parsed->total_bytes == bytes;
}

static unsigned int link_of(rte_be32_t spi)
{
	unsigned int index = (rte_be_to_cpu_32(spi) - WORLD_OUT_SPI(0)) / 4;

	world_require(index < WORLD_LINKS && spi == rte_cpu_to_be_32(WORLD_OUT_SPI(index)));
	return index;
}

static void check_esp(uint8_t *esp, size_t bytes, bool udp)
{
	const struct gw_esp_header *header = (const struct gw_esp_header *)esp;
	struct gw_crypto_op op = { .esp = esp };
	const struct world_link *link;
	uint8_t next_header;
	unsigned int index;
	struct gw_ip inner;
	int size;

	world_require(bytes >= 8 + 8 + 4 + 16);
	index = link_of(header->spi);
	link = &world_links[index];
	world_require(!link->ah && link->udp == udp);
	op.key = keys_out[index];
	op.payload_bytes = (uint32_t)bytes - 32;
	op.sequence = rte_be_to_cpu_32(header->sequence);
	gw_crypto_open(engine, &op, 1);
	world_require(op.status == GW_CRYPTO_OK);
	size = gw_esp_trailer_read(esp + 16, op.payload_bytes, &next_header);
	world_require(size >= 0);
	if (link->transport)
		return;
	world_require(is_sound(esp + 16, (size_t)size, &inner));
	world_require(next_header == (inner.flow.family == 4 ? 4 : 41));
	world_require(is_protected(link, index, esp + 16));
}

static void check_ah(uint8_t *ip, size_t bytes, size_t at)
{
	uint8_t value[VALUE_BYTES], room[WORLD_FRAME_BYTES + GW_CRYPTO_AUTH_BACK] = {};
	const struct gw_ah_header *ah = (const struct gw_ah_header *)(ip + at);
	struct gw_crypto_auth_op op = { .message = room, .bytes = (uint32_t)bytes, .value = value };
	unsigned int index;
	struct gw_ip inner;
	size_t ah_bytes;

	world_require(at + sizeof(*ah) <= bytes);
	index = link_of(ah->spi);
	world_require(world_links[index].ah);
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
	world_require(is_protected(&world_links[index], index, ip + at + ah_bytes));
}

// The only clear text that may leave.
static bool is_bypassed(const struct gw_ip *ip)
{
	static const uint8_t source[4] = { 192, 168, 1, 4 }, destination[4] = { 10, 9, 0, 2 };

	return ip->flow.family == 4 && memcmp(ip->flow.source, source, 4) == 0 &&
	       memcmp(ip->flow.destination, destination, 4) == 0 &&
	       !(ip->flow.protocol == IPPROTO_TCP && ip->flow.ports_known &&
		       ip->flow.destination_port == 80);
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
	if (parsed.more_fragments || parsed.fragment_offset) {
		world_require(parsed.flow.protocol == IPPROTO_ESP ||
			      parsed.flow.protocol == IPPROTO_AH ||
			      parsed.flow.protocol == IPPROTO_UDP);
		return;
	}
	switch (parsed.flow.protocol) {
	case IPPROTO_ESP:
		check_esp(ip + parsed.header_bytes, bytes - parsed.header_bytes, false);
		return;
	case IPPROTO_AH:
		check_ah(ip, bytes, parsed.header_bytes);
		return;
	default:
		world_require(parsed.flow.protocol == IPPROTO_UDP &&
			      parsed.flow.source_port == 4500 && bytes > parsed.header_bytes + 8u);
		check_esp(ip + parsed.header_bytes + 8, bytes - parsed.header_bytes - 8, true);
	}
}

void world_finish(void)
{
	uint8_t frame[WORLD_FRAME_BYTES];
	struct gw_ip parsed;
	size_t bytes;

	box_walk(box);
	while ((bytes = box_pull(box, BOX_WAN, frame, sizeof(frame))))
		check_unprotected(frame, bytes);
	while ((bytes = box_pull(box, BOX_LAN, frame, sizeof(frame))))
		world_require(
			bytes > RTE_ETHER_HDR_LEN && bytes <= sizeof(frame) &&
			is_sound(frame + RTE_ETHER_HDR_LEN, bytes - RTE_ETHER_HDR_LEN, &parsed));
	rte_ring_reset(box->worker->events);
	box_forget_fragments(box);
	world_require(rte_mempool_avail_count(box->dataplane.buffers) == box->free_buffers);
}
