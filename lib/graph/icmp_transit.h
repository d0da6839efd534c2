// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_mbuf.h>

#include "graph/packet.h"
#include "graph/worker.h"
#include "net/icmp_return.h"

// ICMP errors in transit through tunnels (RFC 4301 section 6.2).

static inline bool gw_packet_is_icmp_error(const struct gw_packet *packet)
{
	return (packet->flow.protocol == IPPROTO_ICMP || packet->flow.protocol == IPPROTO_ICMPV6) &&
	       gw_icmp_is_error(&packet->flow);
}

// What the inbound SPD and the SA's own selectors said about the header of an error that came out
// of a tunnel was matches. The result is GW_DROP_COUNT for an error that may go on.
enum gw_drop gw_icmp_transit_in(const struct gw_worker *worker, const struct rte_mbuf *mbuf,
	const struct gw_packet *packet, const struct gw_policy *policy, bool matches);

// Whether the outbound SPD lets no such error pass by its own header: by no policy, or by one that
// discards without meaning ICMP.
bool gw_icmp_transit_is_stranded(const struct gw_packet *packet, const struct gw_policy *policy);

// The SA that carries the answers to the packet that such an error is about; NULL: there is none.
struct gw_sa *gw_icmp_transit_out(
	struct gw_worker *worker, const struct rte_mbuf *mbuf, const struct gw_packet *packet);
