// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets through the whole graph with real SAs. The first byte chooses the way in:
//   even     a frame as it is, by the port that bit 1 names
//   odd      the rest is an ESP payload (inner packet, padding, trailer) of an inbound SA: it is
//   sealed with the SA's own key, so
//            that mutants reach the parser behind the ICV; bit 2: of the SA in UDP
// Whatever comes in: no memory error, no lost buffer, and nothing but ESP leaves the unprotected
// port.

#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "box.h"
#include "crypto/engine.h"
#include "ipsec/esp.h"

static struct box *box;
static struct gw_crypto_engine *engine;
static struct gw_crypto_key *key;
static uint64_t sequence;

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Beside the box's own tunnel one in UDP, to 192.168.3.0/24.
static void add_udp_tunnel(void)
{
	box_sa(box, "{\"direction\":\"out\",\"spi\":4101,\"source\":\"10.9.0.1\",\"destination\":"
		    "\"10.9.0.2\",\"reqid\":2,\"encapsulation\":{},"
		    "\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0202020202020202020202020202020202020202\"}}");
	box_sa(box, "{\"direction\":\"in\",\"spi\":4102,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":2,\"encapsulation\":{},"
		    "\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0101010101010101010101010101010101010101\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":100,\"action\":\"protect\",\"reqid\":2,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.3.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"in\",\"priority\":100,\"action\":\"protect\",\"reqid\":2,"
		"\"selector\":{\"source\":\"192.168.3.0/24\",\"destination\":\"192.168.1.0/24\"}}");
}

int LLVMFuzzerInitialize(int *, char ***)
{
	const char *arguments[] = { "fuzz", "--no-huge", "--no-shconf", "--no-pci",
		"--no-telemetry", "-m", "256", "-l", "0", "--log-level", "lib.*:error", NULL };
	uint8_t bytes[20];
	struct gw_crypto_key_spec spec = { .encryption = GW_ENCRYPTION_AES_GCM_16,
		.encryption_key = bytes,
		.encryption_key_bytes = sizeof(bytes) };

	require(rte_eal_init(RTE_DIM(arguments) - 1, (char **)(uintptr_t)arguments) >= 0);
	box = box_new();
	box_tunnel(box);
	add_udp_tunnel();
	memset(bytes, 1, sizeof(bytes));
	engine = gw_crypto_engine_new();
	key = gw_crypto_key_new(&spec, NULL);
	require(engine && key);
	return 0;
}

static void push_sealed(bool in_udp, const uint8_t *data, size_t size)
{
	uint32_t payload = (uint32_t)size & ~3u;
	uint32_t bytes = 20 + (in_udp ? 8 : 0) + 16 + payload + 16;
	uint8_t frame[RTE_ETHER_HDR_LEN + 20 + 8 + 16 + 2048 + 16] = {};
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	struct gw_esp_header *esp =
		in_udp ? (struct gw_esp_header *)(udp + 1) : (struct gw_esp_header *)(ip + 1);
	struct gw_crypto_op op = { .key = key,
		.esp = (uint8_t *)esp,
		.payload_bytes = payload,
		.sequence = ++sequence & 0x7fffffff };

	if (payload == 0 || payload > 2000)
		return;
	memcpy(&ether->dst_addr, box_macs[BOX_WAN], 6);
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)bytes);
	ip->time_to_live = 64;
	ip->next_proto_id = in_udp ? IPPROTO_UDP : IPPROTO_ESP;
	ip->src_addr = RTE_BE32(RTE_IPV4(10, 9, 0, 2));
	ip->dst_addr = RTE_BE32(RTE_IPV4(10, 9, 0, 1));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	if (in_udp) {
		// Ports that change now and then: the peer moves.
		udp->src_port = rte_cpu_to_be_16((uint16_t)(4500 + sequence / 64 % 3));
		udp->dst_port = RTE_BE16(4500);
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)(bytes - 20));
	}
	esp->spi = in_udp ? RTE_BE32(4102) : RTE_BE32(4098);
	esp->sequence = rte_cpu_to_be_32((uint32_t)op.sequence);
	memcpy((uint8_t *)esp + 16, data, payload);
	gw_crypto_seal(engine, &op, 1);
	require(op.status == GW_CRYPTO_OK);
	box_push(box, BOX_WAN, frame, RTE_ETHER_HDR_LEN + bytes);
}

// What may leave: ESP, bare or in UDP to the peer's port.
static bool is_esp(const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	return ip->version_ihl == 0x45 &&
	       (ip->next_proto_id == IPPROTO_ESP ||
		       (ip->next_proto_id == IPPROTO_UDP && udp->dst_port == RTE_BE16(4500)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[2048];
	size_t bytes;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		push_sealed(data[0] & 4, data + 1, size - 1);
	else
		box_push(box, data[0] & 2 ? BOX_WAN : BOX_LAN, data + 1, size - 1);
	box_walk(box);
	while ((bytes = box_pull(box, BOX_WAN, frame, sizeof(frame)))) {
		const struct rte_ipv4_hdr *ip =
			(const struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);

		require(bytes > RTE_ETHER_HDR_LEN + sizeof(*ip) + sizeof(struct rte_udp_hdr));
		require(is_esp(ip));
	}
	while (box_pull(box, BOX_LAN, frame, sizeof(frame)))
		;
	rte_ring_reset(box->worker->events);
	box_forget_fragments(box);
	require(rte_mempool_avail_count(box->dataplane.buffers) == box->free_buffers);
	return 0;
}
