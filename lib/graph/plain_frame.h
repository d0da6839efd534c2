// Called by: worker (eth_input, fast_out, fast_in)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_ether.h>

#include "graph/packet.h"
#include "graph/port.h"
#include "route/local.h"

// What nearly every frame is: a sound plain IPv4 packet for us in one buffer.

// Offloads that nothing is to be asked about: no VLAN tag was taken off, and the TCP or UDP
// checksum is neither bad nor left out, whose two bits are these.
#define GW_RARE_OFFLOADS (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_L4_CKSUM_BAD)

static inline bool gw_frame_checksum_is_known(const struct rte_mbuf *mbuf)
{
	return (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
}

// Reads the frame into packet->ip. False: whatever it is, it is no such packet.
static __rte_always_inline bool gw_plain_frame_read(
	const struct rte_mbuf *mbuf, struct gw_packet *packet, const struct gw_port *port)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
	const uint8_t *ip = (const uint8_t *)(ether + 1);
	uint32_t size = rte_pktmbuf_data_len(mbuf) - (uint32_t)sizeof(*ether);

	return rte_pktmbuf_data_len(mbuf) >= sizeof(*ether) + GW_IPV4_MIN_BYTES &&
	       mbuf->nb_segs == 1 && !(mbuf->ol_flags & GW_RARE_OFFLOADS) &&
	       memcmp(&ether->dst_addr, port->mac, sizeof(port->mac)) == 0 &&
	       ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && gw_ipv4_is_plain(ip) &&
	       gw_ipv4_parse_plain(
		       ip, size, size, !gw_frame_checksum_is_known(mbuf), &packet->ip) == GW_IP_OK;
}

// What the port stripped or vouched for concerned the frame alone.
static __rte_always_inline void gw_frame_forget_offloads(struct rte_mbuf *mbuf)
{
	mbuf->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
}
