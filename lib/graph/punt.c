// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Hands packets for the host to the control core, which writes them into the TAP of the port they
// came in by. Limited to a rate for each port, so that a flood for the box starves neither it nor
// the transit traffic.

#include "graph/node.h"

#include <rte_ether.h>
#include <rte_ring.h>

enum { EDGE_DROP };

// The host wants an Ethernet frame: the one the packet came in, or a new header for one out of a
// tunnel or made here.
static void restore_frame(
	struct rte_mbuf *mbuf, const struct gw_packet *packet, const struct gw_port *port)
{
	struct rte_ether_hdr *ether;

	if (gw_packet_is_for_interface(packet))
		return; // the host's end of it takes IP packets
	if (packet->flow.family == 0)
		return; // not IP: its header was never taken off
	ether = (struct rte_ether_hdr *)rte_pktmbuf_prepend(mbuf, sizeof(*ether));
	if (!(packet->marks & (GW_MARK_DECRYPTED | GW_MARK_OWN)))
		return;
	memcpy(&ether->dst_addr, port->mac, sizeof(port->mac));
	// A sender that is on no wire: a locally administered address.
	memcpy(&ether->src_addr, "\x02\x00\x00\x00\x00\x00", sizeof(port->mac));
	ether->ether_type = packet->flow.family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4)
						     : RTE_BE16(RTE_ETHER_TYPE_IPV6);
}

static uint16_t punt(struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	const struct gw_dataplane *dataplane = worker->dataplane;

	for (uint16_t i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		const struct gw_port *port = dataplane->ports[packet->port];

		if (!port->tap && !gw_packet_is_for_interface(packet)) {
			packet->drop = GW_DROP_PUNT_NO_TAP;
		} else if (!gw_bucket_take(&worker->punt_buckets[packet->port], worker->now_ns,
				   dataplane->punt_pps)) {
			packet->drop = GW_DROP_PUNT_RATE;
		} else {
			restore_frame(packets[i], packet, port);
			packet->sa = NULL;
			if (rte_ring_sp_enqueue(worker->punts, packets[i]) == 0) {
				worker->counters.ports[packet->port].punted++;
				continue;
			}
			packet->drop = GW_DROP_PUNT_QUEUE_FULL;
		}
		rte_node_enqueue_x1(graph, node, EDGE_DROP, packets[i]);
	}
	return count;
}

const struct gw_node gw_node_punt = {
	.name = "punt",
	.process = punt,
	.edges = {
		[EDGE_DROP] = "drop",
	},
};
