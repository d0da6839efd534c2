// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Source node: takes what the control core hands over: frames that the host sent through a port's
// TAP, packets that waited for a neighbour which is now known, packets that waited for an SA, and
// ESP that came in TCP.
//
// A frame of the host leaves by its TAP's port. On the protected side it goes straight out. On the
// unprotected side ARP does, and IP passes the outbound SPD like any other packet; nothing else
// leaves there.

#include "graph/node.h"

#include <rte_ether.h>
#include <rte_ring.h>

enum { EDGE_SPD_OUT, EDGE_DUMMY, EDGE_SAD_LOOKUP, EDGE_IP_OUTPUT, EDGE_PORT_TX, EDGE_DROP };

static uint8_t host_ip(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint8_t family = packet->flow.family; // by the frame's type; 0: it has none
	enum gw_ip_error error = gw_ip_parse(rte_pktmbuf_mtod(mbuf, void *),
		rte_pktmbuf_data_len(mbuf), rte_pktmbuf_pkt_len(mbuf), true, &packet->ip);

	if (error != GW_IP_OK || (family && packet->flow.family != family))
		return gw_to_drop(packet, GW_DROP_HOST_FRAME, EDGE_DROP);
	if (rte_pktmbuf_pkt_len(mbuf) > packet->ip_bytes)
		rte_pktmbuf_trim(mbuf, (uint16_t)(rte_pktmbuf_pkt_len(mbuf) - packet->ip_bytes));
	return EDGE_SPD_OUT;
}

// What the host sends into a tunnel interface: an IP packet, which the interface's SPD decides
// about.
static uint8_t host_packet(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint16_t interface = packet->flow.interface;
	uint8_t edge = host_ip(mbuf, packet);

	packet->flow.interface = interface;
	return edge;
}

static uint8_t host_frame(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);

	packet->out_port = packet->port;
	if (rte_pktmbuf_data_len(mbuf) < sizeof(*ether))
		return gw_to_drop(packet, GW_DROP_HOST_FRAME, EDGE_DROP);
	if (packet->side == GW_SIDE_PROTECTED)
		return EDGE_PORT_TX;
	switch (ether->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		packet->marks |= GW_MARK_AUTHORISED;
		return EDGE_PORT_TX;
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		packet->flow.family = ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) ? 4 : 6;
		// It stays in front of the data: a bypass rule sends the frame as the host made it.
		rte_pktmbuf_adj(mbuf, RTE_ETHER_HDR_LEN);
		return host_ip(mbuf, packet);
	default:
		return gw_to_drop(packet, GW_DROP_HOST_FRAME, EDGE_DROP);
	}
}

static uint16_t host_rx(struct rte_graph *graph, struct rte_node *node, void **, uint16_t)
{
	struct gw_worker *worker = gw_node_worker(node);
	void *packets[64];
	uint8_t nexts[64];
	unsigned int count;

	count = rte_ring_sc_dequeue_burst(worker->from_control, packets, RTE_DIM(packets), NULL);
	if (count == 0)
		return 0;
	worker->received += count;
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if (packet->marks & GW_MARK_DUMMY) {
			nexts[i] = EDGE_DUMMY;
		} else if (packet->marks & GW_MARK_WAITS_SA) {
			// Policies may have changed since: it is judged as if it came only now.
			packet->marks &= ~(GW_MARK_WAITS_SA | GW_MARK_SPD_OUT);
			nexts[i] = EDGE_SPD_OUT;
		} else if (packet->marks & GW_MARK_IN_TCP) {
			nexts[i] = EDGE_SAD_LOOKUP;
		} else if (unlikely(packet->flow.interface) &&
			   (packet->marks & GW_MARK_FROM_HOST)) {
			nexts[i] = host_packet(packets[i], packet);
		} else if (packet->marks & GW_MARK_FROM_HOST) {
			worker->counters.ports[packet->port].from_host++;
			nexts[i] = host_frame(packets[i], packet);
		} else {
			nexts[i] = EDGE_IP_OUTPUT;
		}
	}
	for (unsigned int i = 0; i < count; i++)
		rte_node_enqueue_x1(graph, node, nexts[i], packets[i]);
	return (uint16_t)count;
}

const struct gw_node gw_node_host_rx = {
	.name = "host_rx",
	.process = host_rx,
	.source = true,
	.edges = {
		[EDGE_SPD_OUT] = "spd_out",
		[EDGE_DUMMY] = "dummy",
		[EDGE_SAD_LOOKUP] = "sad_lookup",
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_DROP] = "drop",
	},
};
