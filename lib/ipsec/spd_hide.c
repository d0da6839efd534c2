// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What a packet may hide from the SPD (RFC 4301 section 7): whether one of the policies that
// spd_lookers.c has listed would match what is hidden.

#include <netinet/in.h>
#include <string.h>

#include "ipsec/spd.h"
#include "ipsec/spd_table.h"

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP ||
	       protocol == IPPROTO_ICMPV6 || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_UDPLITE;
}

unsigned int gw_flow_hides(const struct gw_flow *flow, bool protocol_named_by_fragment)
{
	if (flow->protocol == GW_PROTOCOL_OPAQUE || protocol_named_by_fragment)
		return GW_SPD_HIDES_PROTOCOL | GW_SPD_HIDES_PORTS;
	return !flow->ports_known && has_ports(flow->protocol) ? GW_SPD_HIDES_PORTS : 0;
}

static bool may_match(
	const struct gw_selector *selector, const struct gw_flow *flow, unsigned int hidden)
{
	struct gw_selector shown = *selector;

	if (!(gw_spd_looked_at(selector) & hidden))
		return false; // it has been asked already
	if (hidden & GW_SPD_HIDES_PROTOCOL)
		shown.protocol = GW_PROTOCOL_ANY;
	if (hidden & GW_SPD_HIDES_PORTS)
		shown.source_port = shown.destination_port =
			(struct gw_port_range){ 0, UINT16_MAX };
	return gw_selector_matches(&shown, flow);
}

bool gw_spd_may_hide(const struct gw_spd *spd, const struct gw_flow *flow, unsigned int hidden,
	const struct gw_policy *policy)
{
	// Acquire: pairs with the release by which the control core puts the list in place.
	const struct gw_spd_lookers *lookers = atomic_load_explicit(
		&spd->lookers[flow->family == 4 ? GW_SPD_IPV4 : GW_SPD_IPV6], memory_order_acquire);
	uint64_t found = gw_spd_rank(policy);
	uint32_t i;

	if (!hidden || gw_selector_means_opaque(&policy->selector))
		return false;
	if (!lookers)
		return true;
	for (i = 0; i < lookers->count && lookers->items[i].rank < found; i++)
		if (lookers->items[i].interface == flow->interface &&
			may_match(&lookers->items[i].selector, flow, hidden))
			return true;
	return i == GW_SPD_LISTED && lookers->more;
}

// Relaxed: counted before the generation was raised that the look-up has acquired.
bool gw_spd_knows_opaque(const struct gw_spd *spd, const struct gw_flow *flow)
{
	return atomic_load_explicit(&spd->by_opaque[flow->family == 4 ? GW_SPD_IPV4 : GW_SPD_IPV6],
		memory_order_relaxed);
}
