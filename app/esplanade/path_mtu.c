// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The MTU of the path to a peer, as far as the gateway itself knows it: that of the port the ESP
// packets leave by.

#include "esplanade/parts.h"

static uint16_t path_mtu(struct gateway *gateway, const struct gw_addr *peer)
{
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	const uint8_t *address = peer->bytes;
	const struct gw_nexthop *nexthop;
	uint16_t least = UINT16_MAX;

	gw_fib_lookup(dataplane->fib, peer->family, &address, 1, &nexthop);
	if (nexthop->kind == GW_NEXTHOP_FORWARD || nexthop->kind == GW_NEXTHOP_RESOLVE)
		return dataplane->ports[nexthop->port]->mtu;
	// No route yet: no port would take more than the least of them.
	for (unsigned int i = 0; i < dataplane->port_count; i++)
		if (dataplane->ports[i]->side == GW_SIDE_UNPROTECTED)
			least = RTE_MIN(least, dataplane->ports[i]->mtu);
	return least == UINT16_MAX ? 1500 : least;
}

void gateway_path_mtu_set(struct gateway *gateway, struct gw_sa *sa)
{
	// Relaxed: a packet that meets the old value is cut or refused as it would have been a
	// moment ago.
	if (sa->direction == GW_DIRECTION_OUT)
		atomic_store_explicit(&sa->path_mtu, path_mtu(gateway, &sa->spec.destination),
			memory_order_relaxed);
}

static int refresh(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	gateway_path_mtu_set(ctx, sa);
	return 0;
}

void gateway_path_mtu_refresh(void *ctx)
{
	struct gateway *gateway = ctx;

	gateway->path_mtu_stale = false;
	gw_sa_each(gateway->ipsec, refresh, gateway);
}
