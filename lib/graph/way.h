// Called by: worker (ip_output, fast_out)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <string.h>

#include <rte_ether.h>

#include "graph/worker.h"

// What is the same for all packets of one next hop.
struct gw_way {
	const struct gw_nexthop *nexthop; // NULL: none yet
	const struct gw_port *port;       // that it leads through; NULL: none
	bool known;                       // a neighbour, with its address
	uint64_t macs[2];                 // 12 bytes of a frame to it
};

static __rte_always_inline void gw_way_begin(
	struct gw_way *way, const struct gw_dataplane *dataplane, const struct gw_nexthop *nexthop)
{
	uint8_t *macs = (uint8_t *)way->macs;

	way->nexthop = nexthop;
	way->known = nexthop->kind == GW_NEXTHOP_FORWARD;
	way->port = way->known || nexthop->kind == GW_NEXTHOP_RESOLVE
			    ? dataplane->ports[nexthop->port]
			    : NULL;
	if (!way->known)
		return;
	memcpy(macs, nexthop->mac, sizeof(nexthop->mac));
	memcpy(macs + sizeof(nexthop->mac), way->port->mac, sizeof(way->port->mac));
	// Relaxed: tells the control core that the entry is in use, nothing else hangs on it. Read
	// first, so that the line stays shared among the workers.
	if (unlikely(!atomic_load_explicit(nexthop->used, memory_order_relaxed)))
		atomic_store_explicit(nexthop->used, 1, memory_order_relaxed);
}

// The header of a frame that goes this way, whose packet is of that family: 14 bytes at ether.
static __rte_always_inline void gw_way_header(
	const struct gw_way *way, uint8_t *ether, uint8_t family)
{
	uint16_t type = family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);

	memcpy(ether, way->macs, 2 * RTE_ETHER_ADDR_LEN);
	memcpy(ether + 2 * RTE_ETHER_ADDR_LEN, &type, sizeof(type));
}
