// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spd.h"

#include <string.h>

static bool address_matches(
	const struct gw_range *range, uint8_t family, const uint8_t address[static 16])
{
	struct gw_addr addr = { .family = family };

	memcpy(addr.bytes, address, gw_addr_bytes(family));
	return gw_range_contains(range, &addr);
}

// RFC 4301 section 4.4.1.1: what is OPAQUE is matched by OPAQUE and ANY alone.
static bool port_matches(const struct gw_port_range *range, uint16_t port, bool known)
{
	if (!known)
		return gw_port_range_takes_opaque(range);
	return range->first <= port && port <= range->last;
}

bool gw_selector_matches(const struct gw_selector *selector, const struct gw_flow *flow)
{
	return address_matches(&selector->source, flow->family, flow->source) &&
	       address_matches(&selector->destination, flow->family, flow->destination) &&
	       (selector->protocol == GW_PROTOCOL_ANY || selector->protocol == flow->protocol) &&
	       port_matches(&selector->source_port, flow->source_port, flow->ports_known) &&
	       port_matches(&selector->destination_port, flow->destination_port, flow->ports_known);
}
