// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Sorts frames by destination and type: IP goes on without its Ethernet header, the rest is for the
// host.

#include "graph/node.h"

#include <rte_ether.h>

enum { EDGE_IP_INPUT, EDGE_PUNT, EDGE_DROP };

static uint8_t classify(struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_port *port)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);

	if (unlikely(rte_pktmbuf_data_len(mbuf) < sizeof(*ether)))
		return gw_to_drop(packet, GW_DROP_ETH_RUNT, EDGE_DROP);
	if (unlikely(memcmp(&ether->dst_addr, port->mac, sizeof(port->mac)) != 0 &&
		     !rte_is_multicast_ether_addr(&ether->dst_addr)))
		return gw_to_drop(packet, GW_DROP_ETH_NOT_FOR_US, EDGE_DROP);
	// What the port stripped or vouched for concerned this frame; nothing behind us may rely on
	// it.
	if (unlikely(mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
		return gw_to_drop(packet, GW_DROP_ETH_VLAN, EDGE_DROP);
	switch (ether->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		packet->flow.family = ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) ? 4 : 6;
		rte_pktmbuf_adj(mbuf, sizeof(*ether));
		return EDGE_IP_INPUT;
	case RTE_BE16(RTE_ETHER_TYPE_VLAN):
	case RTE_BE16(RTE_ETHER_TYPE_QINQ):
		return gw_to_drop(packet, GW_DROP_ETH_VLAN, EDGE_DROP);
	default:
		return EDGE_PUNT;
	}
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_dataplane *dataplane = gw_node_worker(node)->dataplane;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		gw_node_prefetch(packets, i, count);
		nexts[i] = classify(packets[i], packet, dataplane->ports[packet->port]);
	}
}

static uint16_t eth_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_eth_input = {
	.name = "eth_input",
	.process = eth_input,
	.edges = {
		[EDGE_IP_INPUT] = "ip_input",
		[EDGE_PUNT] = "punt",
		[EDGE_DROP] = "drop",
	},
};
