// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Source node: takes packets from the worker's receive queues and from other workers.
//
// Where a port cannot spread its packets over as many queues as there are workers, the worker that
// polls it deals them out: flows by a hash of their addresses and ports, ESP by SPI, so that the
// order within a flow stays.

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "graph/deal.h"
#include "graph/reassembly.h"

enum { EDGE_FAST_OUT, EDGE_FAST_IN, EDGE_PORT_TX, EDGE_SAD_LOOKUP, EDGE_DROP };

// Frames taken from one queue in one walk, at most: what nodes touch of so many packets stays in
// the nearest cache, and the cost of a walk is small beside theirs.
#define BURST 64

#define PREFETCH_AHEAD 4

static uint32_t hash_v4(const uint8_t *ip, uint32_t size)
{
	uint32_t hash = rte_hash_crc(ip + 12, 8, ip[9]);
	uint32_t header_bytes = (ip[0] & 15u) * 4;
	bool fragment = (ip[6] & 0x3f) || ip[7];

	if (fragment || header_bytes + 4 > size)
		return hash;
	// Ports, or the SPI of ESP.
	if (ip[9] == IPPROTO_TCP || ip[9] == IPPROTO_UDP || ip[9] == IPPROTO_ESP)
		hash = rte_hash_crc(ip + header_bytes, 4, hash);
	return hash;
}

static uint32_t hash_v6(const uint8_t *ip, uint32_t size)
{
	uint32_t hash = rte_hash_crc(ip + 8, 32, ip[6]);

	if (size >= 44 && (ip[6] == IPPROTO_TCP || ip[6] == IPPROTO_UDP || ip[6] == IPPROTO_ESP))
		hash = rte_hash_crc(ip + 40, 4, hash);
	return hash;
}

// A number that is the same for all packets of a flow; 0 for what is not IP, so that one worker
// sees it in order.
static uint32_t frame_hash(const struct rte_mbuf *mbuf)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
	const uint8_t *ip = (const uint8_t *)(ether + 1);
	uint32_t size = rte_pktmbuf_data_len(mbuf);

	if (size >= sizeof(*ether) + 20 && ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return hash_v4(ip, size - sizeof(*ether));
	if (size >= sizeof(*ether) + 40 && ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return hash_v6(ip, size - sizeof(*ether));
	return 0;
}

// Gives packets of other workers away; what stays moves to the front. Returns how many stay.
static unsigned int deal_out(struct rte_graph *graph, struct rte_node *node,
	struct gw_worker *worker, struct rte_mbuf **packets, unsigned int count)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = packets[i];
		unsigned int target = frame_hash(mbuf) % dataplane->worker_count;

		if (target == worker->index) {
			packets[kept++] = mbuf;
		} else if (rte_ring_enqueue(dataplane->workers[target]->from_workers, mbuf) != 0) {
			gw_packet(mbuf)->drop = GW_DROP_WORKER_QUEUE_FULL;
			rte_node_enqueue_x1(graph, node, EDGE_DROP, mbuf);
		}
	}
	return kept;
}

// A queue gave all it was asked for: there may be more than the worker can do.
static void note_full(struct gw_worker *worker, unsigned int count, unsigned int burst)
{
	if (unlikely(count == burst) && worker->deal)
		worker->deal->full = true;
}

static rte_edge_t edge_of(uint8_t side)
{
	return side == GW_SIDE_PROTECTED ? EDGE_FAST_OUT : EDGE_FAST_IN;
}

static void receive_from_port(struct rte_graph *graph, struct rte_node *node,
	struct gw_worker *worker, const struct gw_rx_queue *queue, unsigned int burst)
{
	const struct gw_port *port = worker->dataplane->ports[queue->port];
	struct gw_port_counters *counters = &worker->counters.ports[queue->port];
	struct rte_mbuf *packets[BURST];
	unsigned int count;
	uint64_t bytes = 0;

	count = rte_eth_rx_burst(port->device, queue->queue, packets, (uint16_t)burst);
	if (count == 0)
		return;
	note_full(worker, count, burst);
	for (unsigned int i = 0; i < count; i++) {
		if (i + PREFETCH_AHEAD < count)
			gw_packet_prefetch_for_write(packets[i + PREFETCH_AHEAD]);
		gw_packet_init(packets[i], queue->port, port->side);
		bytes += rte_pktmbuf_pkt_len(packets[i]);
	}
	counters->rx_packets += count;
	counters->rx_bytes += bytes;
	worker->received += count;
	if (port->software_rss)
		count = deal_out(graph, node, worker, packets, count);
	if (count)
		rte_node_enqueue(
			graph, node, edge_of(port->side), (void **)packets, (uint16_t)count);
}

// Packets dealt to this worker, and finished frames for a queue that only this worker may send on.
static void receive_from_workers(struct rte_graph *graph, struct rte_node *node,
	struct gw_worker *worker, unsigned int burst)
{
	void *packets[BURST];
	unsigned int count;

	count = rte_ring_sc_dequeue_burst(worker->from_workers, packets, burst, NULL);
	note_full(worker, count, burst);
	worker->received += count;
	for (unsigned int i = 0; i < count; i++) {
		const struct gw_packet *packet = gw_packet(packets[i]);

		rte_node_enqueue_x1(graph, node,
			packet->marks & GW_MARK_FRAME ? EDGE_PORT_TX : edge_of(packet->side),
			packets[i]);
	}
}

static uint16_t port_rx(struct rte_graph *graph, struct rte_node *node, void **, uint16_t)
{
	struct gw_worker *worker = gw_node_worker(node);
	const struct gw_deal_edges edges = { EDGE_PORT_TX, EDGE_SAD_LOOKUP };
	unsigned int before = worker->received, waiting, burst = BURST;

	if (worker->deal)
		burst = gw_deal_begin(graph, node, worker, edges, BURST);
	waiting = worker->received;
	if (!atomic_load_explicit(&worker->quiet, memory_order_relaxed))
		for (unsigned int i = 0; i < worker->rx_queue_count; i++)
			receive_from_port(graph, node, worker, &worker->rx_queues[i], burst);
	receive_from_workers(graph, node, worker, burst);
	if (worker->deal)
		gw_deal_received(graph, node, worker, edges, worker->received - waiting);
	gw_reassembly_tick(graph, node, EDGE_DROP, worker);
	return (uint16_t)(worker->received - before);
}

const struct gw_node gw_node_port_rx = {
	.name = "port_rx",
	.process = port_rx,
	.source = true,
	.edges = {
		[EDGE_FAST_OUT] = "fast_out",
		[EDGE_FAST_IN] = "fast_in",
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_SAD_LOOKUP] = "sad_lookup",
		[EDGE_DROP] = "drop",
	},
};
