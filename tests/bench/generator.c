// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A trial of RFC 2544: sends UDP packets at a given rate into one port and counts what comes back
// on another, for so many seconds. Packets bear the time of their sending, so that those that come
// back in clear tell their latency. Prints one line of JSON.
//
// usage: bench_generator EAL-ARGUMENT... -- MAC-OF-THE-GATEWAY SOURCE DESTINATION IP-BYTES
// PACKETS-A-SECOND SECONDS

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#define BURST       32u
#define SAMPLES     (1u << 20)
#define DRAIN_MS    500u
#define LINK_MS     10000u
#define LEARN_MS    2500u // until what is at the other end has seen the links
#define FLOWS       256u  // source ports, so that receive queues share the load
#define STAMP_MAGIC UINT64_C(0x455350424e434821)
#define STAMP_AT    (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

struct stamp {
	uint64_t magic;
	uint64_t tsc;
};

struct trial {
	uint8_t frame[2048];
	uint16_t bytes;
	uint64_t rate; // packets a second
	double seconds;
	struct rte_mempool *pool;
	uint64_t sent, received, stamped;
	uint64_t samples, every; // of every so many packets the latency is kept
	uint64_t *latency_tsc;
};

static int fail(const char *what)
{
	fprintf(stderr, "bench_generator: %s\n", what);
	return -1;
}

static int port_start(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {};
	struct rte_eth_link link = {};

	if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL) != 0 ||
		rte_eth_dev_start(port) != 0)
		return fail("a port does not start");
	rte_eth_promiscuous_enable(port);
	for (unsigned int i = 0; i < LINK_MS / 10; i++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status)
			return 0;
		rte_delay_ms(10);
	}
	return fail("a port has no link");
}

static int make_frame(struct trial *trial, char **argv)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)trial->frame;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	int ip_bytes = atoi(argv[3]);

	if (ip_bytes < 44 || ip_bytes > 1500)
		return fail("packets have 44 to 1500 bytes");
	if (rte_ether_unformat_addr(argv[0], &ether->dst_addr) != 0 ||
		inet_pton(AF_INET, argv[1], &ip->src_addr) != 1 ||
		inet_pton(AF_INET, argv[2], &ip->dst_addr) != 1)
		return fail("a MAC address and two IPv4 addresses are wanted");
	rte_eth_macaddr_get(0, &ether->src_addr);
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)ip_bytes);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = RTE_BE16(1024);
	udp->dst_port = RTE_BE16(2000);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)((size_t)ip_bytes - sizeof(*ip)));
	trial->bytes = (uint16_t)(RTE_ETHER_HDR_LEN + ip_bytes);
	return 0;
}

static void send_due(struct trial *trial, uint64_t due)
{
	struct rte_mbuf *packets[BURST];
	unsigned int count = (unsigned int)RTE_MIN(due - trial->sent, (uint64_t)BURST), taken;
	struct stamp stamp = { STAMP_MAGIC, 0 };

	if (count == 0 || rte_pktmbuf_alloc_bulk(trial->pool, packets, count) != 0)
		return;
	stamp.tsc = rte_rdtsc();
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *frame = (uint8_t *)rte_pktmbuf_append(packets[i], trial->bytes);
		uint16_t source_port =
			rte_cpu_to_be_16((uint16_t)(1024 + (trial->sent + i) % FLOWS));

		memcpy(frame, trial->frame, trial->bytes);
		memcpy(frame + STAMP_AT - sizeof(struct rte_udp_hdr), &source_port,
			sizeof(source_port));
		memcpy(frame + STAMP_AT, &stamp, sizeof(stamp));
	}
	taken = rte_eth_tx_burst(0, 0, packets, (uint16_t)count);
	trial->sent += taken;
	if (taken < count)
		rte_pktmbuf_free_bulk(packets + taken, count - taken);
}

static void take_in(struct trial *trial)
{
	struct rte_mbuf *packets[BURST];
	unsigned int count = rte_eth_rx_burst(1, 0, packets, BURST);
	uint64_t now = rte_rdtsc();

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(packets[i], const uint8_t *);
		struct stamp stamp = {};

		// What is not IPv4 is the gateway's own: neighbours, link-local noise.
		if (rte_pktmbuf_data_len(packets[i]) < STAMP_AT + sizeof(stamp) || frame[12] != 8 ||
			frame[13] != 0)
			continue;
		trial->received++;
		memcpy(&stamp, frame + STAMP_AT, sizeof(stamp));
		if (stamp.magic == STAMP_MAGIC && trial->stamped++ % trial->every == 0 &&
			trial->samples < SAMPLES)
			trial->latency_tsc[trial->samples++] = now - stamp.tsc;
	}
	rte_pktmbuf_free_bulk(packets, count);
}

static void run(struct trial *trial)
{
	uint64_t hz = rte_get_tsc_hz(), start, length = (uint64_t)(trial->seconds * (double)hz),
		 passed;
	struct rte_mbuf *old[BURST];

	for (uint16_t count; (count = rte_eth_rx_burst(1, 0, old, BURST)) > 0;)
		rte_pktmbuf_free_bulk(old, count);
	start = rte_rdtsc();
	while ((passed = rte_rdtsc() - start) < length) {
		uint64_t due = (uint64_t)((double)passed * (double)trial->rate / (double)hz);

		if (due > trial->sent)
			send_due(trial, due);
		take_in(trial);
	}
	for (start = rte_rdtsc(); rte_rdtsc() - start < hz * DRAIN_MS / 1000;)
		take_in(trial);
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print(struct trial *trial)
{
	static const double parts[] = { 0.5, 0.9, 0.99, 0.999, 1 };
	static const char *const names[] = { "p50", "p90", "p99", "p99.9", "max" };
	double us = 1e6 / (double)rte_get_tsc_hz();

	qsort(trial->latency_tsc, trial->samples, sizeof(uint64_t), ascending);
	printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"seconds\": %.3f, \"latency_us\": {",
		trial->sent, trial->received, trial->seconds);
	for (unsigned int i = 0; trial->samples && i < RTE_DIM(parts); i++)
		printf("%s\"%s\": %.1f", i ? ", " : "", names[i],
			(double)trial->latency_tsc[(
				uint64_t)((double)(trial->samples - 1) * parts[i])] *
				us);
	printf("}}\n");
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	struct trial trial = {};

	if (used < 0 || argc - used != 7)
		return fail("see the head of tests/bench/generator.c") ? EXIT_FAILURE
								       : EXIT_SUCCESS;
	argv += used + 1;
	if (rte_eth_dev_count_avail() != 2)
		return fail("there have to be two ports, by the arguments of EAL") ? EXIT_FAILURE
										   : EXIT_SUCCESS;
	trial.pool = rte_pktmbuf_pool_create(
		"generator", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	trial.latency_tsc = calloc(SAMPLES, sizeof(uint64_t));
	if (!trial.pool || !trial.latency_tsc || port_start(0, trial.pool) != 0 ||
		port_start(1, trial.pool) != 0 || make_frame(&trial, argv) != 0)
		return EXIT_FAILURE;
	trial.rate = strtoull(argv[4], NULL, 10);
	trial.seconds = strtod(argv[5], NULL);
	trial.every =
		RTE_MAX(UINT64_C(1), (uint64_t)((double)trial.rate * trial.seconds) / SAMPLES);
	rte_delay_ms(LEARN_MS);
	run(&trial);
	print(&trial);
	rte_eth_dev_stop(0);
	rte_eth_dev_stop(1);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
