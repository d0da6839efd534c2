// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Which SPD a packet is for hangs on its route alone, and that is asked anew each time the packet
// comes to the outbound SPD: so it need not be carried along, and a packet that has waited for its
// SA is for where its route leads now.

#include "graph/spd_select.h"

#include "graph/packet.h"

// Those of one family, which are looked up together.
static void select_family(
	const struct gw_dataplane *dataplane, void **packets, unsigned int count, uint8_t family)
{
	struct gw_flow *flows[GW_VECTOR];
	const uint8_t *addresses[GW_VECTOR];
	const struct gw_nexthop *nexthops[GW_VECTOR];
	unsigned int matching = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if (packet->flow.family != family || (packet->marks & GW_MARK_FROM_HOST))
			continue;
		flows[matching] = &packet->flow;
		addresses[matching++] = packet->flow.destination;
	}
	if (matching == 0)
		return;
	gw_fib_lookup(dataplane->fib, family, addresses, matching, nexthops);
	for (unsigned int i = 0; i < matching; i++)
		flows[i]->interface = nexthops[i]->kind == GW_NEXTHOP_INTERFACE
					      ? gw_interface_of_link(nexthops[i]->port)
					      : 0;
}

void gw_spd_select(const struct gw_dataplane *dataplane, void **packets, unsigned int count)
{
	select_family(dataplane, packets, count, 4);
	select_family(dataplane, packets, count, 6);
}
