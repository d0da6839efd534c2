// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The way in. eth_input takes frames from ports: those for us that hold IP go on without their
// Ethernet header, the rest is for the host. ip_input takes packets that were put together here.
//
// Both check the IP header (RFC 1812 section 5.2.2, RFC 8200) and send the packet to the half of
// the gateway it belongs to: from the protected side to the outbound SPD, from the unprotected side
// to the SAD or the inbound SPD. What is for the box itself goes to the host, from the unprotected
// side only if the inbound SPD lets it.

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_prefetch.h>

#include "graph/buffer.h"
#include "graph/nat_t.h"
#include "graph/plain_frame.h"
#include "net/icmp_quote.h"
#include "net/l4_checksum.h"

enum {
	EDGE_SPD_OUT,
	EDGE_SAD_LOOKUP,
	EDGE_ICMP_INPUT,
	EDGE_SPD_IN,
	EDGE_REASSEMBLY,
	EDGE_PUNT,
	EDGE_DROP,
	EDGE_IP // none: the IP header comes next
};

// Policies look at less of an upper-layer header, and no extension header is shorter.
#define HEADER_REACH 8

// Asks for headers some packets ahead; mbufs and meta data are there, written a moment ago. The
// nodes behind find all of a vector in the nearest cache.
static __rte_always_inline void prefetch(void **packets, unsigned int i, unsigned int count)
{
	if (i + 4 < count)
		rte_prefetch0(rte_pktmbuf_mtod((struct rte_mbuf *)packets[i + 4], void *));
}

static enum gw_drop drop_reason(enum gw_ip_error error)
{
	switch (error) {
	case GW_IP_TRUNCATED:
		return GW_DROP_IP_TRUNCATED;
	case GW_IP_BAD_VERSION:
		return GW_DROP_IP_VERSION;
	case GW_IP_BAD_CHECKSUM:
		return GW_DROP_IP_CHECKSUM;
	case GW_IP_BAD_ADDRESS:
		return GW_DROP_IP_ADDRESS;
	default:
		return GW_DROP_IP_HEADER;
	}
}

// Multicast, broadcast and link-local destinations concern this link alone.
static inline bool is_link_scope(const struct gw_flow *flow)
{
	const uint8_t *d = flow->destination;

	if (flow->family == 4)
		return unlikely(!gw_ipv4_is_ordinary[d[0]]) &&
		       ((d[0] & 0xf0) == 0xe0 || (d[0] & d[1] & d[2] & d[3]) == 0xff ||
			       (d[0] == 169 && d[1] == 254));
	return d[0] == 0xff || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80);
}

static bool is_fragment(const struct gw_packet *packet)
{
	return packet->more_fragments || packet->fragment_offset;
}

static bool is_nat_t(const struct gw_packet *packet)
{
	return packet->flow.protocol == IPPROTO_UDP && packet->flow.ports_known &&
	       packet->flow.destination_port == GW_NAT_T_PORT;
}

static uint8_t from_nat_t(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local)
{
	bool ours = gw_local_contains(local, packet->flow.family, packet->flow.destination);

	switch (ours ? gw_nat_t_for_us(mbuf, packet) : gw_nat_t_for_host_behind(mbuf, packet)) {
	case GW_NAT_T_ESP:
		return EDGE_SAD_LOOKUP;
	case GW_NAT_T_OTHER:
		return EDGE_SPD_IN;
	default:
		return EDGE_DROP;
	}
}

// plain: as gw_ipv4_is_plain has it.
static __rte_always_inline uint8_t from_protected(
	struct gw_packet *packet, const struct gw_local *local, bool plain)
{
	if ((!plain && is_link_scope(&packet->flow)) ||
		gw_local_contains(local, plain ? 4 : packet->flow.family, packet->flow.destination))
		return EDGE_PUNT;
	return EDGE_SPD_OUT;
}

static __rte_always_inline uint8_t from_unprotected(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local, bool plain)
{
	if (!plain && unlikely(is_fragment(packet)))
		return gw_local_contains(local, packet->flow.family, packet->flow.destination)
			       ? EDGE_REASSEMBLY
			       : EDGE_SPD_IN;
	if (packet->flow.protocol == IPPROTO_ESP || packet->flow.protocol == IPPROTO_AH)
		return EDGE_SAD_LOOKUP;
	if (is_nat_t(packet))
		return from_nat_t(mbuf, packet, local);
	if (unlikely(gw_icmp_is_too_big(&packet->flow)) &&
		gw_local_contains(local, packet->flow.family, packet->flow.destination))
		return EDGE_ICMP_INPUT;
	return EDGE_SPD_IN;
}

// The half of the gateway that a sound packet is for.
static __rte_always_inline uint8_t which_half(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local, bool plain)
{
	if (unlikely(
		    gw_local_contains(local, plain ? 4 : packet->flow.family, packet->flow.source)))
		return gw_to_drop(packet, GW_DROP_IP_ADDRESS, EDGE_DROP);
	return packet->side == GW_SIDE_PROTECTED ? from_protected(packet, local, plain)
						 : from_unprotected(mbuf, packet, local, plain);
}

static __rte_always_inline enum gw_ip_error parse(const struct rte_mbuf *mbuf, struct gw_ip *ip)
{
	return gw_ip_parse(rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_data_len(mbuf),
		rte_pktmbuf_pkt_len(mbuf), !gw_frame_checksum_is_known(mbuf), ip);
}

// The sender left TCP's or UDP's checksum to a network card, and the port says that none did it.
static bool has_checksum_left(const struct rte_mbuf *mbuf)
{
	return (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

// Headers that lie over several buffers: policies are to see as much of them as in one.
static bool is_split(const struct rte_mbuf *mbuf, enum gw_ip_error error, const struct gw_ip *ip)
{
	if (mbuf->nb_segs == 1)
		return false;
	return error != GW_IP_OK || ip->header_bytes + HEADER_REACH > rte_pktmbuf_data_len(mbuf);
}

static uint8_t classify(struct rte_mbuf *mbuf, struct gw_packet *packet,
	const struct gw_local *local, enum gw_ip_error error, uint8_t family)
{
	gw_frame_forget_offloads(mbuf);
	if (unlikely(error != GW_IP_OK))
		return gw_to_drop(packet, drop_reason(error), EDGE_DROP);
	if (unlikely(packet->flow.family != family))
		return gw_to_drop(packet, GW_DROP_IP_VERSION, EDGE_DROP);
	// Ethernet padding is no part of the packet.
	if (unlikely(rte_pktmbuf_pkt_len(mbuf) > packet->ip_bytes) &&
		gw_buffer_trim(mbuf, packet->ip_bytes) < 0)
		return gw_to_drop(packet, GW_DROP_IP_TRUNCATED, EDGE_DROP);
	return which_half(mbuf, packet, local, false);
}

// What is rare: the packet becomes one buffer of our own with all of its checksums. False: there is
// no buffer.
static __rte_noinline bool complete(const struct gw_worker *worker, void **place)
{
	bool checksum_left = has_checksum_left(*place);
	struct rte_mbuf *mbuf = gw_buffer_own(worker, *place, 0, 0);
	struct gw_ip *ip;

	if (!mbuf) {
		gw_packet(*place)->drop = GW_DROP_NO_BUFFER;
		return false;
	}
	*place = mbuf;
	ip = &gw_packet(mbuf)->ip;
	if (checksum_left && parse(mbuf, ip) == GW_IP_OK)
		gw_l4_checksum_complete(rte_pktmbuf_mtod(mbuf, uint8_t *), ip);
	return true;
}

// The packet at place, which may become a copy of its own.
static uint8_t input(const struct gw_worker *worker, void **place)
{
	struct rte_mbuf *mbuf = *place;
	struct gw_packet *packet = gw_packet(mbuf);
	uint8_t family = packet->flow.family; // by the frame's type; the packet has its own opinion
	enum gw_ip_error error = parse(mbuf, &packet->ip);

	if (unlikely(has_checksum_left(mbuf) || is_split(mbuf, error, &packet->ip))) {
		if (!complete(worker, place))
			return EDGE_DROP;
		mbuf = *place;
		packet = gw_packet(mbuf);
		error = parse(mbuf, &packet->ip);
	}
	return classify(mbuf, packet, worker->dataplane->local, error, family);
}

// A frame: EDGE_IP when it holds an IP packet, whose Ethernet header is then gone.
static uint8_t open_frame(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_port *port)
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
		return EDGE_IP;
	case RTE_BE16(RTE_ETHER_TYPE_VLAN):
	case RTE_BE16(RTE_ETHER_TYPE_QINQ):
		return gw_to_drop(packet, GW_DROP_ETH_VLAN, EDGE_DROP);
	default:
		return EDGE_PUNT;
	}
}

// Takes in what gw_plain_frame_read has found sound: neither Ethernet header nor padding are left.
static __rte_always_inline bool take_plain(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_port *port)
{
	if (!gw_plain_frame_read(mbuf, packet, port))
		return false;
	gw_frame_forget_offloads(mbuf);
	mbuf->data_off += (uint16_t)sizeof(struct rte_ether_hdr);
	mbuf->data_len = (uint16_t)packet->ip_bytes;
	mbuf->pkt_len = packet->ip_bytes;
	return true;
}

// Any other.
static __rte_noinline uint8_t other_frame(
	const struct gw_worker *worker, void **place, const struct gw_port *port)
{
	uint8_t next = open_frame(*place, gw_packet(*place), port);

	return next == EDGE_IP ? input(worker, place) : next;
}

static void frames(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	const struct gw_dataplane *dataplane = worker->dataplane;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		const struct gw_port *port = dataplane->ports[packet->port];

		prefetch(packets, i, count);
		nexts[i] = likely(take_plain(packets[i], packet, port))
				   ? which_half(packets[i], packet, dataplane->local, true)
				   : other_frame(worker, &packets[i], port);
	}
}

static void whole(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);

	for (unsigned int i = 0; i < count; i++) {
		prefetch(packets, i, count);
		nexts[i] = input(worker, &packets[i]);
	}
}

static uint16_t eth_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, frames);
}

static uint16_t ip_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, whole);
}

#define EDGES                                                                                      \
	{                                                                                          \
		[EDGE_SPD_OUT] = "spd_out", [EDGE_SAD_LOOKUP] = "sad_lookup",                      \
		[EDGE_ICMP_INPUT] = "icmp_input", [EDGE_SPD_IN] = "spd_in",                        \
		[EDGE_REASSEMBLY] = "reassembly", [EDGE_PUNT] = "punt", [EDGE_DROP] = "drop",      \
	}

const struct gw_node gw_node_eth_input = {
	.name = "eth_input",
	.process = eth_input,
	.edges = EDGES,
};

const struct gw_node gw_node_ip_input = {
	.name = "ip_input",
	.process = ip_input,
	.edges = EDGES,
};
