// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Checks the IP header (RFC 1812 section 5.2.2, RFC 8200) and sends the packet to the half of the
// gateway it belongs to: from the protected side to the outbound SPD, from the unprotected side to
// the SAD or the inbound SPD. What is for the box itself goes to the host, from the unprotected
// side only if the inbound SPD lets it.

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_udp.h>

#include "graph/buffer.h"
#include "ipsec/esp.h"
#include "net/icmp_quote.h"
#include "net/l4_checksum.h"

enum {
	EDGE_SPD_OUT,
	EDGE_SAD_LOOKUP,
	EDGE_ICMP_INPUT,
	EDGE_SPD_IN,
	EDGE_REASSEMBLY,
	EDGE_PUNT,
	EDGE_DROP
};

// RFC 3948 sections 2.2 and 2.3.
#define IKE_MARKER_BYTES 4
#define KEEPALIVE        0xff

// Policies look at less of an upper-layer header, and no extension header is shorter.
#define HEADER_REACH 8

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

static bool is_fragment(const struct gw_packet *packet)
{
	return packet->more_fragments || packet->fragment_offset;
}

static bool is_nat_t(const struct gw_packet *packet)
{
	return packet->flow.protocol == IPPROTO_UDP && packet->flow.ports_known &&
	       packet->flow.destination_port == GW_NAT_T_PORT;
}

// UDP for port 4500 of a host behind the gateway: ESP for an SA in transport mode that the gateway
// has for that host, or anything else, among it ESP and IKE of the host's own. Where the SAD knows
// no such SA, the inbound SPD judges it as it came.
static uint8_t for_host_behind(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	struct {
		struct rte_udp_hdr udp;
		struct gw_esp_header esp;
	} const *headers = rte_pktmbuf_mtod_offset(mbuf, const void *, packet->header_bytes);
	uint32_t bytes = packet->ip_bytes - packet->header_bytes;

	if (bytes < sizeof(*headers) ||
		rte_pktmbuf_data_len(mbuf) < packet->header_bytes + sizeof(*headers) ||
		rte_be_to_cpu_16(headers->udp.dgram_len) != bytes || headers->esp.spi == 0)
		return EDGE_SPD_IN;
	packet->marks |= GW_MARK_IN_UDP;
	packet->header_bytes += sizeof(headers->udp);
	return EDGE_SAD_LOOKUP;
}

// UDP for port 4500 of ours (RFC 3948 section 2): a keepalive of one byte 0xff, IKE behind four
// zero bytes, or ESP, which begins with an SPI that is not zero. The checksum is not looked at, as
// section 2.2 leaves it to us: the ICV covers all that ESP has, and IKE goes on to the host's own
// UDP.
static uint8_t from_nat_t(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint32_t bytes = packet->ip_bytes - packet->header_bytes;
	uint8_t buffer[sizeof(struct rte_udp_hdr) + IKE_MARKER_BYTES];
	const uint8_t *data;

	if (bytes < sizeof(struct rte_udp_hdr))
		return gw_to_drop(packet, GW_DROP_UDP_LENGTH, EDGE_DROP);
	data = rte_pktmbuf_read(
		mbuf, packet->header_bytes, RTE_MIN(bytes, (uint32_t)sizeof(buffer)), buffer);
	if (!data)
		return gw_to_drop(packet, GW_DROP_IP_TRUNCATED, EDGE_DROP);
	if (rte_be_to_cpu_16(((const struct rte_udp_hdr *)data)->dgram_len) != bytes)
		return gw_to_drop(packet, GW_DROP_UDP_LENGTH, EDGE_DROP);
	data += sizeof(struct rte_udp_hdr);
	bytes -= (uint32_t)sizeof(struct rte_udp_hdr);
	if (bytes == 1 && data[0] == KEEPALIVE)
		return gw_to_drop(packet, GW_DROP_UDP_KEEPALIVE, EDGE_DROP);
	if (bytes < IKE_MARKER_BYTES)
		return gw_to_drop(packet, GW_DROP_ESP_RUNT, EDGE_DROP);
	if (memcmp(data, "\0\0\0\0", IKE_MARKER_BYTES) == 0)
		return EDGE_SPD_IN;
	packet->marks |= GW_MARK_IN_UDP;
	packet->header_bytes += sizeof(struct rte_udp_hdr);
	return EDGE_SAD_LOOKUP;
}

static uint8_t from_protected(struct gw_packet *packet, const struct gw_local *local)
{
	if (is_link_scope(&packet->flow) ||
		gw_local_contains(local, packet->flow.family, packet->flow.destination))
		return EDGE_PUNT;
	return EDGE_SPD_OUT;
}

static uint8_t from_unprotected(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_local *local)
{
	if (unlikely(is_fragment(packet)))
		return gw_local_contains(local, packet->flow.family, packet->flow.destination)
			       ? EDGE_REASSEMBLY
			       : EDGE_SPD_IN;
	if (packet->flow.protocol == IPPROTO_ESP || packet->flow.protocol == IPPROTO_AH)
		return EDGE_SAD_LOOKUP;
	if (is_nat_t(packet))
		return gw_local_contains(local, packet->flow.family, packet->flow.destination)
			       ? from_nat_t(mbuf, packet)
			       : for_host_behind(mbuf, packet);
	if (unlikely(gw_icmp_is_too_big(&packet->flow)) &&
		gw_local_contains(local, packet->flow.family, packet->flow.destination))
		return EDGE_ICMP_INPUT;
	return EDGE_SPD_IN;
}

static enum gw_ip_error parse(const struct rte_mbuf *mbuf, struct gw_ip *ip)
{
	bool checksum_known =
		(mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;

	return gw_ip_parse(rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_data_len(mbuf),
		rte_pktmbuf_pkt_len(mbuf), !checksum_known, ip);
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
	const struct gw_local *local, enum gw_ip_error error, const struct gw_ip *ip)
{
	uint8_t family = packet->flow.family;

	mbuf->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	if (unlikely(error != GW_IP_OK))
		return gw_to_drop(packet, drop_reason(error), EDGE_DROP);
	if (unlikely(ip->flow.family != family))
		return gw_to_drop(packet, GW_DROP_IP_VERSION, EDGE_DROP);
	if (unlikely(gw_local_contains(local, family, ip->flow.source)))
		return gw_to_drop(packet, GW_DROP_IP_ADDRESS, EDGE_DROP);
	// Ethernet padding is no part of the packet.
	if (unlikely(rte_pktmbuf_pkt_len(mbuf) > ip->total_bytes) &&
		gw_buffer_trim(mbuf, ip->total_bytes) < 0)
		return gw_to_drop(packet, GW_DROP_IP_TRUNCATED, EDGE_DROP);
	gw_packet_set_ip(packet, ip);
	return packet->side == GW_SIDE_PROTECTED ? from_protected(packet, local)
						 : from_unprotected(mbuf, packet, local);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = packets[i];
		enum gw_ip_error error;
		bool checksum_left;
		struct gw_ip ip;

		gw_node_prefetch(packets, i, count);
		error = parse(mbuf, &ip);
		checksum_left = has_checksum_left(mbuf);
		if (unlikely(checksum_left || is_split(mbuf, error, &ip))) {
			mbuf = gw_buffer_own(worker, mbuf, 0, 0);
			if (!mbuf) {
				nexts[i] = gw_to_drop(
					gw_packet(packets[i]), GW_DROP_NO_BUFFER, EDGE_DROP);
				continue;
			}
			packets[i] = mbuf;
			error = parse(mbuf, &ip);
		}
		if (unlikely(checksum_left) && error == GW_IP_OK)
			gw_l4_checksum_complete(rte_pktmbuf_mtod(mbuf, uint8_t *), &ip);
		nexts[i] = classify(mbuf, gw_packet(mbuf), worker->dataplane->local, error, &ip);
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
		[EDGE_ICMP_INPUT] = "icmp_input",
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_REASSEMBLY] = "reassembly",
		[EDGE_PUNT] = "punt",
		[EDGE_DROP] = "drop",
	},
};
