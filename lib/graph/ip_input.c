// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Checks the IP header (RFC 1812 section 5.2.2, RFC 8200) and sends the packet to the half of the
// gateway it belongs to: from the protected side to the outbound SPD, from the unprotected side to
// the SAD or the inbound SPD. What is for the box itself goes to the host, from the unprotected
// side only if the inbound SPD lets it.

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_byteorder.h>

#include "graph/buffer.h"

enum { EDGE_SPD_OUT, EDGE_SAD_LOOKUP, EDGE_SPD_IN, EDGE_PUNT, EDGE_DROP };

#define PORT_NAT_T 4500 // RFC 3948

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
static bool is_link_scope(const struct gw_flow *flow)
{
	const uint8_t *d = flow->destination;

	if (flow->family == 4)
		return (d[0] & 0xf0) == 0xe0 || (d[0] & d[1] & d[2] & d[3]) == 0xff ||
		       (d[0] == 169 && d[1] == 254);
	return d[0] == 0xff || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80);
}

// On port 4500 four zero bytes mark IKE; anything else is ESP in UDP (RFC 3948 section 2.2).
static bool is_udp_encapsulated(const struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	static const uint8_t marker[4];
	uint32_t payload = packet->header_bytes + 8u;

	if (packet->flow.protocol != IPPROTO_UDP || !packet->flow.ports_known ||
		packet->flow.destination_port != PORT_NAT_T)
		return false;
	return payload + sizeof(marker) > rte_pktmbuf_data_len(mbuf) ||
	       payload + sizeof(marker) > packet->ip_bytes ||
	       memcmp(rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, payload), marker,
		       sizeof(marker)) != 0;
}

static uint8_t from_protected(struct gw_packet *packet, const struct gw_local *local)
{
	if (is_link_scope(&packet->flow) ||
		gw_local_contains(local, packet->flow.family, packet->flow.destination))
		return EDGE_PUNT;
	return EDGE_SPD_OUT;
}

static uint8_t from_unprotected(
	const struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local)
{
	bool fragment = packet->more_fragments || packet->fragment_offset;

	if (packet->flow.protocol == IPPROTO_ESP) {
		if (!fragment)
			return EDGE_SAD_LOOKUP;
		if (gw_local_contains(local, packet->flow.family, packet->flow.destination))
			return gw_to_drop(packet, GW_DROP_IP_FRAGMENT_TO_US, EDGE_DROP);
	}
	if (is_udp_encapsulated(mbuf, packet) &&
		gw_local_contains(local, packet->flow.family, packet->flow.destination))
		return gw_to_drop(packet, GW_DROP_UDP_ENCAPSULATED, EDGE_DROP);
	return EDGE_SPD_IN;
}

static uint8_t classify(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local)
{
	bool checksum_known =
		(mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	uint8_t family = packet->flow.family;
	enum gw_ip_error error;
	struct gw_ip ip;

	error = gw_ip_parse(rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_data_len(mbuf),
		rte_pktmbuf_pkt_len(mbuf), !checksum_known, &ip);
	mbuf->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	if (unlikely(error != GW_IP_OK))
		return gw_to_drop(packet, drop_reason(error), EDGE_DROP);
	if (unlikely(ip.flow.family != family))
		return gw_to_drop(packet, GW_DROP_IP_VERSION, EDGE_DROP);
	if (unlikely(gw_local_contains(local, family, ip.flow.source)))
		return gw_to_drop(packet, GW_DROP_IP_ADDRESS, EDGE_DROP);
	// Ethernet padding is no part of the packet.
	if (unlikely(rte_pktmbuf_pkt_len(mbuf) > ip.total_bytes) &&
		gw_buffer_trim(mbuf, ip.total_bytes) < 0)
		return gw_to_drop(packet, GW_DROP_IP_TRUNCATED, EDGE_DROP);
	gw_packet_set_ip(packet, &ip);
	return packet->side == GW_SIDE_PROTECTED ? from_protected(packet, local)
						 : from_unprotected(mbuf, packet, local);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_local *local = gw_node_worker(node)->dataplane->local;

	for (unsigned int i = 0; i < count; i++) {
		gw_node_prefetch(packets, i, count);
		nexts[i] = classify(packets[i], gw_packet(packets[i]), local);
	}
}

static uint16_t ip_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_ip_input = {
	.name = "ip_input",
	.process = ip_input,
	.edges = {
		[EDGE_SPD_OUT] = "spd_out",
		[EDGE_SAD_LOOKUP] = "sad_lookup",
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_PUNT] = "punt",
		[EDGE_DROP] = "drop",
	},
};
