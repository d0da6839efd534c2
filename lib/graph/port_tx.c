// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Sends frames on their ports. The last gate of the gateway: an unprotected port sends nothing but
// what a node that seals or a bypass rule has marked, whatever way it came here.
//
// A port with fewer transmit queues than workers has each queue served by one worker; the others
// pass it their frames.

#include "graph/deal.h"
#include "graph/node.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

enum { EDGE_DROP };

static void drop_frames(struct rte_graph *graph, struct rte_node *node, struct rte_mbuf **frames,
	unsigned int count, enum gw_drop reason)
{
	for (unsigned int i = 0; i < count; i++)
		gw_packet(frames[i])->drop = (uint8_t)reason;
	if (count)
		rte_node_enqueue(graph, node, EDGE_DROP, (void **)frames, (uint16_t)count);
}

static void send_own(struct rte_graph *graph, struct rte_node *node, const struct gw_port *port,
	struct rte_mbuf **frames, unsigned int count)
{
	struct gw_worker *worker = gw_node_worker(node);
	struct gw_port_counters *counters = &worker->counters.ports[port->index];
	uint64_t lengths[GW_VECTOR + 1];
	unsigned int sent = 0;

	// The port owns a frame once it is sent: lengths are summed up before.
	lengths[0] = 0;
	for (unsigned int i = 0; i < count; i++)
		lengths[i + 1] = lengths[i] + rte_pktmbuf_pkt_len(frames[i]);
	while (sent < count) {
		uint16_t taken = rte_eth_tx_burst(port->device, (uint16_t)worker->index,
			frames + sent, (uint16_t)(count - sent));

		if (taken == 0)
			break;
		sent += taken;
	}
	counters->tx_packets += sent;
	counters->tx_bytes += lengths[sent];
	drop_frames(graph, node, frames + sent, count - sent, GW_DROP_TX_FULL);
}

static void send_frames(struct rte_graph *graph, struct rte_node *node, const struct gw_port *port,
	struct rte_mbuf **frames, unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct rte_ring *owner;
	unsigned int taken;

	// Relaxed: a link that goes down loses a few frames anyway.
	if (unlikely(!atomic_load_explicit(&port->link_up, memory_order_relaxed))) {
		drop_frames(graph, node, frames, count, GW_DROP_TX_LINK_DOWN);
		return;
	}
	if (likely(worker->index < port->tx_queues)) {
		send_own(graph, node, port, frames, count);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		gw_packet(frames[i])->marks |= GW_MARK_FRAME;
		gw_packet(frames[i])->sa = NULL; // it may be gone when the owner sends
	}
	owner = worker->dataplane->workers[worker->index % port->tx_queues]->from_workers;
	taken = rte_ring_mp_enqueue_burst(owner, (void **)frames, count, NULL);
	drop_frames(graph, node, frames + taken, count - taken, GW_DROP_WORKER_QUEUE_FULL);
}

static bool may_leave(const struct gw_port *port, const struct gw_packet *packet)
{
	return port->side == GW_SIDE_PROTECTED || (packet->marks & GW_MARK_AUTHORISED);
}

static uint16_t port_tx(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	const struct gw_dataplane *dataplane = worker->dataplane;
	unsigned int left = count;

	if (unlikely(worker->batch))
		left = gw_deal_keep(worker, packets, count);
	// Runs of frames for one port leave together.
	for (unsigned int first = 0, end; first < left; first = end) {
		uint8_t index = gw_packet(packets[first])->out_port;
		const struct gw_port *port = dataplane->ports[index];

		for (end = first; end < left && end - first < GW_VECTOR; end++) {
			const struct gw_packet *packet = gw_packet(packets[end]);

			if (packet->out_port != index || unlikely(!may_leave(port, packet)))
				break;
		}
		if (likely(end > first)) {
			send_frames(graph, node, port, (struct rte_mbuf **)packets + first,
				end - first);
		} else { // it may not leave
			drop_frames(graph, node, (struct rte_mbuf **)packets + first, 1,
				GW_DROP_TX_NOT_AUTHORISED);
			end++;
		}
	}
	return count;
}

const struct gw_node gw_node_port_tx = {
	.name = "port_tx",
	.process = port_tx,
	.edges = {
		[EDGE_DROP] = "drop",
	},
};
