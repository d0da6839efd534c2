// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>

#include "graph/packet.h"
#include "net/tcp_mss.h"

// The SA's mss_clamp on a packet in clear that is whole at the front of an mbuf of our own. Only
// for a SYN it is looked at what the SA wants.
static inline void gw_mss_clamp(struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	uint8_t *tcp = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, packet->header_bytes);
	uint32_t size = packet->ip_bytes - packet->header_bytes;

	if (packet->flow.protocol != IPPROTO_TCP || packet->fragment_offset ||
		packet->header_bytes > packet->ip_bytes || likely(!gw_tcp_is_syn(tcp, size)))
		return;
	if (packet->sa->mss_clamp)
		gw_tcp_mss_clamp(tcp, size, gw_sa_mss(packet->sa, packet->flow.family));
}
