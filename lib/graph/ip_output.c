// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Routes what the SPD or ESP let through: longest prefix match, then the checks of the port it
// leads to.
//
// A packet that is about to leave an unprotected port, or that has no route, and that the outbound
// SPD has not seen goes there first: so traffic between two tunnels, and the gateway's own ICMP
// errors, are protected like any other.

#include "graph/node.h"

#include <rte_ip.h>

enum {
	EDGE_ETH_OUTPUT,
	EDGE_SPD_OUT,
	EDGE_IP_FRAGMENT,
	EDGE_ICMP_ERROR,
	EDGE_NEIGHBOUR_HOLD,
	EDGE_PUNT,
	EDGE_DROP
};

static uint8_t too_long(struct gw_packet *packet, uint16_t mtu)
{
	bool own = packet->marks & GW_MARK_SEALED;

	packet->mtu = mtu;
	if (packet->flow.family == 4 ? !packet->dont_fragment : own)
		return EDGE_IP_FRAGMENT;
	if (own)
		return gw_to_drop(packet, GW_DROP_PACKET_TOO_BIG, EDGE_DROP);
	return gw_to_icmp(packet, GW_ICMP_TOO_BIG, mtu, GW_DROP_PACKET_TOO_BIG, EDGE_ICMP_ERROR);
}

static uint8_t no_route(struct gw_packet *packet)
{
	if (!(packet->marks & GW_MARK_SPD_OUT))
		return EDGE_SPD_OUT;
	if (packet->marks & GW_MARK_SEALED)
		return gw_to_drop(packet, GW_DROP_NO_ROUTE, EDGE_DROP);
	return gw_to_icmp(packet, GW_ICMP_NO_ROUTE, 0, GW_DROP_NO_ROUTE, EDGE_ICMP_ERROR);
}

// An ESP packet of ours is cut where the path beyond the port is known to be narrower, as only its
// source may cut IPv6; what forbids fragments goes as it is and may be told about again.
static uint16_t path_mtu(const struct gw_packet *packet, const struct gw_port *port)
{
	uint16_t mtu;

	if (!(packet->marks & GW_MARK_SEALED) || !packet->sa || packet->dont_fragment)
		return port->mtu;
	mtu = atomic_load_explicit(&packet->sa->path_mtu, memory_order_relaxed);
	return RTE_MIN(mtu, port->mtu);
}

static uint8_t through_port(const struct gw_dataplane *dataplane, struct gw_packet *packet,
	const struct gw_nexthop *nexthop)
{
	const struct gw_port *port = dataplane->ports[nexthop->port];
	uint16_t mtu;

	if (port->side == GW_SIDE_UNPROTECTED && !(packet->marks & GW_MARK_AUTHORISED)) {
		if (packet->marks & GW_MARK_SPD_OUT)
			return gw_to_drop(packet, GW_DROP_TX_NOT_AUTHORISED, EDGE_DROP);
		return EDGE_SPD_OUT;
	}
	packet->out_port = nexthop->port;
	mtu = path_mtu(packet, port);
	if (unlikely(packet->ip_bytes > mtu))
		return too_long(packet, mtu);
	packet->nexthop = nexthop;
	if (likely(nexthop->kind == GW_NEXTHOP_FORWARD))
		return EDGE_ETH_OUTPUT;
	return EDGE_NEIGHBOUR_HOLD;
}

// The outbound SPD finds the interface by the route once more (spd_select.h). What has been there
// has its decision: it is an ESP packet whose peer seems to be behind a tunnel, or its route has
// changed since.
static uint8_t into_interface(struct gw_packet *packet)
{
	if (packet->marks & GW_MARK_SPD_OUT)
		return gw_to_drop(packet, GW_DROP_INTERFACE_LOOP, EDGE_DROP);
	return EDGE_SPD_OUT;
}

static uint8_t route(const struct gw_dataplane *dataplane, struct gw_packet *packet,
	const struct gw_nexthop *nexthop)
{
	switch (nexthop->kind) {
	case GW_NEXTHOP_FORWARD:
	case GW_NEXTHOP_RESOLVE:
		return through_port(dataplane, packet, nexthop);
	case GW_NEXTHOP_LOCAL:
		return EDGE_PUNT;
	case GW_NEXTHOP_BLACKHOLE:
		return gw_to_drop(packet, GW_DROP_ROUTE_BLACKHOLE, EDGE_DROP);
	case GW_NEXTHOP_INTERFACE:
		return into_interface(packet);
	default:
		return no_route(packet);
	}
}

static const uint8_t *destination(struct rte_mbuf *mbuf, uint8_t family)
{
	return rte_pktmbuf_mtod_offset(mbuf, const uint8_t *,
		family == 4 ? offsetof(struct rte_ipv4_hdr, dst_addr)
			    : offsetof(struct rte_ipv6_hdr, dst_addr));
}

// Looks up the packets of one family together and puts their next hops where the packets are.
static void lookup_family(const struct gw_fib *fib, void **packets, uint8_t family,
	unsigned int count, const struct gw_nexthop **nexthops)
{
	const uint8_t *addresses[GW_VECTOR];
	const struct gw_nexthop *found[GW_VECTOR];
	uint16_t position[GW_VECTOR];
	unsigned int matching = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (gw_packet(packets[i])->flow.family != family)
			continue;
		addresses[matching] = destination(packets[i], family);
		position[matching++] = (uint16_t)i;
	}
	if (matching == 0)
		return;
	gw_fib_lookup(fib, family, addresses, matching, found);
	for (unsigned int i = 0; i < matching; i++)
		nexthops[position[i]] = found[i];
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_dataplane *dataplane = gw_node_worker(node)->dataplane;
	const struct gw_nexthop *nexthops[GW_VECTOR];

	lookup_family(dataplane->fib, packets, 4, count, nexthops);
	lookup_family(dataplane->fib, packets, 6, count, nexthops);
	for (unsigned int i = 0; i < count; i++)
		nexts[i] = route(dataplane, gw_packet(packets[i]), nexthops[i]);
}

static uint16_t ip_output(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_ip_output = {
	.name = "ip_output",
	.process = ip_output,
	.edges = {
		[EDGE_ETH_OUTPUT] = "eth_output",
		[EDGE_SPD_OUT] = "spd_out",
		[EDGE_IP_FRAGMENT] = "ip_fragment",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_NEIGHBOUR_HOLD] = "neighbour_hold",
		[EDGE_PUNT] = "punt",
		[EDGE_DROP] = "drop",
	},
};
