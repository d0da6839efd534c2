// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/nat_t.h"

#include <string.h>

// RFC 3948 sections 2.2 and 2.3.
#define IKE_MARKER_BYTES 4
#define KEEPALIVE        0xff

static enum gw_nat_t refuse(struct gw_packet *packet, enum gw_drop reason)
{
	packet->drop = (uint8_t)reason;
	return GW_NAT_T_REFUSED;
}

enum gw_nat_t gw_nat_t_for_host_behind(const struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	if (rte_pktmbuf_data_len(mbuf) < packet->header_bytes + GW_NAT_T_ESP_BYTES ||
		!gw_nat_t_is_esp(
			rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, packet->header_bytes),
			packet->ip_bytes - packet->header_bytes))
		return GW_NAT_T_OTHER;
	packet->marks |= GW_MARK_IN_UDP;
	packet->header_bytes += sizeof(struct rte_udp_hdr);
	return GW_NAT_T_ESP;
}

enum gw_nat_t gw_nat_t_for_us(const struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint32_t bytes = packet->ip_bytes - packet->header_bytes;
	uint8_t buffer[sizeof(struct rte_udp_hdr) + IKE_MARKER_BYTES];
	const uint8_t *data;

	if (bytes < sizeof(struct rte_udp_hdr))
		return refuse(packet, GW_DROP_UDP_LENGTH);
	data = rte_pktmbuf_read(
		mbuf, packet->header_bytes, RTE_MIN(bytes, (uint32_t)sizeof(buffer)), buffer);
	if (!data)
		return refuse(packet, GW_DROP_IP_TRUNCATED);
	if (rte_be_to_cpu_16(((const struct rte_udp_hdr *)data)->dgram_len) != bytes)
		return refuse(packet, GW_DROP_UDP_LENGTH);
	data += sizeof(struct rte_udp_hdr);
	bytes -= (uint32_t)sizeof(struct rte_udp_hdr);
	if (bytes == 1 && data[0] == KEEPALIVE)
		return refuse(packet, GW_DROP_UDP_KEEPALIVE);
	if (bytes < IKE_MARKER_BYTES)
		return refuse(packet, GW_DROP_ESP_RUNT);
	if (memcmp(data, "\0\0\0\0", IKE_MARKER_BYTES) == 0)
		return GW_NAT_T_OTHER;
	packet->marks |= GW_MARK_IN_UDP;
	packet->header_bytes += sizeof(struct rte_udp_hdr);
	return GW_NAT_T_ESP;
}
