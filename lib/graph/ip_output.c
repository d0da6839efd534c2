// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Routes what the SPD or ESP let through: longest prefix match, then the checks of the port it
// leads to, then the Ethernet header for the neighbour.
//
// A packet that is about to leave an unprotected port, or that has no route, and that the outbound
// SPD has not seen goes there first: so traffic between two tunnels, and the gateway's own ICMP
// errors, are protected like any other.

#include "graph/node.h"

#include <rte_ether.h>
#include <rte_ip.h>

#include "graph/way.h"

enum {
	EDGE_PORT_TX,
	EDGE_SPD_OUT,
	EDGE_IP_FRAGMENT,
	EDGE_ICMP_ERROR,
	EDGE_NEIGHBOUR_HOLD,
	EDGE_PUNT,
	EDGE_DROP
};

static __rte_noinline uint8_t too_long(struct gw_packet *packet, uint16_t mtu)
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

// There is headroom: an Ethernet header was taken off, or the packet was built with room for one.
static inline uint8_t frame(
	const struct gw_way *way, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint8_t *ether = (uint8_t *)rte_pktmbuf_prepend(mbuf, RTE_ETHER_HDR_LEN);

	if (unlikely(!ether))
		return gw_to_drop(packet, GW_DROP_NO_BUFFER, EDGE_DROP);
	gw_way_header(way, ether, packet->flow.family);
	return EDGE_PORT_TX;
}

static __rte_always_inline uint8_t through_port(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_way *way)
{
	uint16_t mtu = path_mtu(packet, way->port);

	if (way->port->side == GW_SIDE_UNPROTECTED &&
		unlikely(!(packet->marks & GW_MARK_AUTHORISED))) {
		if (packet->marks & GW_MARK_SPD_OUT)
			return gw_to_drop(packet, GW_DROP_TX_NOT_AUTHORISED, EDGE_DROP);
		return EDGE_SPD_OUT;
	}
	packet->out_port = way->nexthop->port;
	if (unlikely(packet->ip_bytes > mtu))
		return too_long(packet, mtu);
	if (likely(way->known))
		return frame(way, mbuf, packet);
	packet->nexthop = way->nexthop;
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

static __rte_noinline uint8_t nowhere(struct gw_packet *packet, const struct gw_nexthop *nexthop)
{
	switch (nexthop->kind) {
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

// A vector's look-ups. Neighbours with one destination share theirs, as the ESP packets of a tunnel
// do: those of one family stand together, and of says which is whose.
struct lookups {
	const uint8_t *addresses[2][GW_VECTOR];
	const struct gw_nexthop *nexthops[2 * GW_VECTOR];
	unsigned int count[2];
	uint16_t of[GW_VECTOR]; // packet i's, in nexthops
};

static inline const uint8_t *destination(struct rte_mbuf *mbuf, bool v6)
{
	return rte_pktmbuf_mtod_offset(mbuf, const uint8_t *,
		v6 ? offsetof(struct rte_ipv6_hdr, dst_addr)
		   : offsetof(struct rte_ipv4_hdr, dst_addr));
}

static inline bool is_same(const uint8_t *a, const uint8_t *b, bool v6)
{
	return v6 ? memcmp(a, b, 16) == 0 : memcmp(a, b, 4) == 0;
}

static void gather(struct lookups *lookups, void **packets, unsigned int count)
{
	lookups->count[0] = 0;
	lookups->count[1] = 0;
	for (unsigned int i = 0; i < count; i++) {
		bool v6 = gw_packet(packets[i])->flow.family == 6;
		const uint8_t *address = destination(packets[i], v6);
		unsigned int used = lookups->count[v6];

		if (used == 0 || !is_same(address, lookups->addresses[v6][used - 1], v6)) {
			lookups->addresses[v6][used++] = address;
			lookups->count[v6] = used;
		}
		lookups->of[i] = (uint16_t)(v6 * GW_VECTOR + used - 1);
	}
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_dataplane *dataplane = gw_node_worker(node)->dataplane;
	struct lookups lookups;
	struct gw_way way = {};

	gather(&lookups, packets, count);
	if (lookups.count[0])
		gw_fib_lookup(dataplane->fib, 4, lookups.addresses[0], lookups.count[0],
			lookups.nexthops);
	if (lookups.count[1])
		gw_fib_lookup(dataplane->fib, 6, lookups.addresses[1], lookups.count[1],
			lookups.nexthops + GW_VECTOR);
	for (unsigned int i = 0; i < count; i++) {
		const struct gw_nexthop *nexthop = lookups.nexthops[lookups.of[i]];
		struct gw_packet *packet = gw_packet(packets[i]);

		if (nexthop != way.nexthop)
			gw_way_begin(&way, dataplane, nexthop);
		nexts[i] = likely(way.port) ? through_port(packets[i], packet, &way)
					    : nowhere(packet, nexthop);
	}
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
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_SPD_OUT] = "spd_out",
		[EDGE_IP_FRAGMENT] = "ip_fragment",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_NEIGHBOUR_HOLD] = "neighbour_hold",
		[EDGE_PUNT] = "punt",
		[EDGE_DROP] = "drop",
	},
};
