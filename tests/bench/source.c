// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A source of packets, and a meter, inside any DPDK program that links DPDK's shared libraries: it
// is preloaded (LD_PRELOAD) and stands before three functions of ethdev. A port named in
// BENCH_PORT, by number, whose device receives nothing (net_null with no-rx=1), then receives what
// the file BENCH_FRAMES holds, for ever and as fast as it is asked: copies in fresh buffers, as
// net_pcap's infinite_rx does.
//
// The packets are ever new. A flow's number is XORed into addresses or the SPI, a sequence number
// into the ESP header; what that does to the ICV of AES-GCM is linear in the bits changed, so that
// tables made beforehand (tests/bench/frames.py) repair it by a few XORs. No replay window meets a
// number twice.

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "meter.h"

#define MAGIC     0x31484342u
#define QUEUES    METER_QUEUES
#define PORTS     8u
#define TEMPLATES 16u
#define BURST     256u

// What is XORed into one byte of a frame. SEQUENCE and FLOW are numbers in network order; CHECKSUM
// is what a flow's number does to the checksum of the IPv4 header that bears it.
enum { SEQUENCE, FLOW, CHECKSUM };

// The file: a header, the order of templates (one byte for each turn), the templates. Written by
// frames.py.
struct variable {
	uint32_t offset;
	uint32_t what;
	uint32_t shift;
	uint32_t icv; // whether table counts
	uint8_t table[256][16];
};

struct template
{
	uint32_t bytes;
	uint32_t icv_offset;
	uint32_t checksum; // of the IPv4 header with flow 0
	uint32_t variables;
	uint8_t frame[2048];
	struct variable variable[16];
};

struct file {
	uint32_t magic;
	uint32_t templates;
	uint32_t turns;
	uint32_t flows;  // a power of two
	uint32_t one_sa; // whose numbers all flows share; 0: each flow has an SA of its own
	uint8_t turn[60];
	struct template template[];
};

// Of one receive queue; its thread alone changes it.
struct stream {
	struct meter meter;
	uint64_t place; // among the flows
	uint64_t round; // through all flows
	uint64_t turn;
	struct rte_mempool *pool;
} __rte_cache_aligned;

static const struct file *file;
static struct meter_queue *meters;
static struct stream streams[QUEUES];
static struct rte_mempool *pools[PORTS][QUEUES];
static uint16_t queue_counts[PORTS];

static uint16_t checksum_change(uint32_t checksum, uint32_t flow)
{
	uint32_t sum = (~checksum & 0xffffu) + (flow >> 16) + (flow & 0xffffu);

	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)(~sum ^ checksum);
}

static void vary(const struct template *template, uint8_t *frame, uint32_t flow, uint32_t sequence)
{
	uint32_t values[] = { sequence, flow,
		flow ? checksum_change(template->checksum, flow) : 0 };
	__m128i *place = (__m128i *)(void *)(frame + template->icv_offset),
		icv = _mm_loadu_si128(place);

	for (uint32_t i = 0; i < template->variables; i++) {
		const struct variable *variable = &template->variable[i];
		uint8_t value = (uint8_t)(values[variable->what] >> variable->shift);

		frame[variable->offset] ^= value;
		if (variable->icv && value)
			icv = _mm_xor_si128(icv,
				_mm_load_si128(
					(const __m128i *)(const void *)variable->table[value]));
	}
	if (template->icv_offset)
		_mm_storeu_si128(place, icv);
}

static void make(struct stream *stream, struct rte_mbuf *mbuf)
{
	const struct template *template = &file->template[file->turn[stream->turn]];
	// Flows take turns in an order that no prefetcher guesses.
	uint32_t flow = (uint32_t)stream->place * UINT32_C(0x9e3779b1) & (file->flows - 1);
	uint64_t sequence =
		file->one_sa ? stream->round * file->flows + stream->place : stream->round;
	uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);

	memcpy(frame, template->frame, template->bytes);
	mbuf->data_len = (uint16_t) template->bytes;
	mbuf->pkt_len = template->bytes;
	vary(template, frame, flow, (uint32_t)sequence);
	if (++stream->turn == file->turns)
		stream->turn = 0;
}

static uint16_t receive(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count,
	uint16_t most, void *argument)
{
	struct stream *stream = argument;
	uint16_t wanted = RTE_MIN((uint16_t)(most - count), (uint16_t)BURST);
	struct meter_queue *counts = &meters[queue];
	uint64_t bytes = 0;

	if (!stream->meter.queue)
		meter_open(&stream->meter, counts);
	meter_poll(&stream->meter);
	if (rte_pktmbuf_alloc_bulk(stream->pool, packets + count, wanted) != 0)
		return count;
	for (uint16_t i = 0; i < wanted; i++) {
		struct rte_mbuf *mbuf = packets[count + i];

		mbuf->port = port;
		make(stream, mbuf);
		bytes += mbuf->pkt_len;
		stream->place += queue_counts[port];
		if (stream->place >= file->flows) {
			// With one flow each queue has numbers of its own.
			stream->round += stream->place / file->flows;
			stream->place %= file->flows;
		}
	}
	counts->packets += wanted;
	counts->bytes += bytes;
	return count + wanted;
}

static uint16_t count_sent(uint16_t, uint16_t queue, struct rte_mbuf **, uint16_t count, void *)
{
	meters[queue].sent += count;
	return count;
}

static int fail(const char *what)
{
	fprintf(stderr, "bench source: %s\n", what);
	return -1;
}

static const struct file *map_frames(const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat stat;
	void *data;

	if (fd < 0 || fstat(fd, &stat) != 0)
		return NULL;
	data = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	return data == MAP_FAILED || *(const uint32_t *)data != MAGIC ? NULL : data;
}

static int attach(uint16_t port)
{
	const char *path = getenv("BENCH_METER"), *source = getenv("BENCH_PORT");

	if (!meters && !(meters = meter_map(path ? path : "")))
		return fail("BENCH_METER names no meter file");
	for (uint16_t queue = 0; queue < QUEUES; queue++)
		if (queue < queue_counts[port] &&
			!rte_eth_add_tx_callback(port, queue, count_sent, NULL))
			return fail("no transmit callback");
	if (!source || atoi(source) != port)
		return 0;
	file = map_frames(getenv("BENCH_FRAMES"));
	if (!file)
		return fail("BENCH_FRAMES names no file of frames");
	for (uint16_t queue = 0; queue < queue_counts[port]; queue++) {
		struct stream *stream = &streams[queue];

		stream->pool = pools[port][queue];
		stream->round = 1;
		stream->place = queue % file->flows;
		stream->round += queue / file->flows;
		// Before the program's own callbacks, which look at what was received.
		if (!rte_eth_add_first_rx_callback(port, queue, receive, stream))
			return fail("no receive callback");
	}
	return 0;
}

int rte_eth_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t descriptors, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	int (*next)(uint16_t, uint16_t, uint16_t, unsigned int, const struct rte_eth_rxconf *,
		struct rte_mempool *) = dlsym(RTLD_NEXT, "rte_eth_rx_queue_setup");

	if (port < PORTS && queue < QUEUES) {
		pools[port][queue] = pool;
		queue_counts[port] = RTE_MAX(queue_counts[port], (uint16_t)(queue + 1));
	}
	return next(port, queue, descriptors, socket, conf, pool);
}

int rte_eth_dev_start(uint16_t port)
{
	int (*next)(uint16_t) = dlsym(RTLD_NEXT, "rte_eth_dev_start");
	int rc = next(port);

	return rc == 0 && port < PORTS && getenv("BENCH_METER") ? attach(port) : rc;
}
