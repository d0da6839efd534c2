// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What a packet may hide from the SPD (RFC 4301 section 7).
//
// The policies that look at ports or a protocol stand in a list by precedence, with their selectors
// in it, so that nothing has to outlive anything. A list is in place before the generation that
// brings a policy, and without a policy only after the grace period of its removal: whatever
// generation a worker asks, none is missing. The list holds the first of them; where there are
// more, those behind count as matching.

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec/spd.h"
#include "ipsec/spd_table.h"

#define LISTED 64

struct looker {
	uint64_t rank;
	uint8_t interface;
	struct gw_selector selector;
};

struct gw_spd_lookers {
	uint32_t count;
	bool more;
	struct looker items[LISTED];
};

// Into the list by rank, if it is among the first.
static void enter(struct gw_spd_lookers *lookers, const struct gw_spd_claim *claim)
{
	uint32_t place = lookers->count;

	while (place > 0 && claim->rank < lookers->items[place - 1].rank)
		place--;
	lookers->more |= lookers->count == LISTED;
	if (place == LISTED)
		return;
	if (lookers->count < LISTED)
		lookers->count++;
	memmove(&lookers->items[place + 1], &lookers->items[place],
		(lookers->count - 1 - place) * sizeof(lookers->items[0]));
	lookers->items[place] = (struct looker){ claim->rank, claim->interface, claim->selector };
}

static struct gw_spd_lookers *lookers_make(const struct gw_spd *spd, unsigned int family)
{
	struct gw_spd_lookers *lookers = calloc(1, sizeof(*lookers));
	const struct gw_spd_claim *claim;

	if (!lookers || spd->looking[family] == 0)
		return lookers;
	LIST_FOREACH (claim, &spd->claims, all)
		if (claim->looks && claim->family == family)
			enter(lookers, claim);
	return lookers;
}

void gw_spd_lookers_refresh(struct gw_spd *spd)
{
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++) {
		struct gw_spd_lookers *fresh, *old;

		if (!spd->lookers_changed[family])
			continue;
		fresh = lookers_make(spd, family);
		spd->lookers_changed[family] = !fresh;
		old = (struct gw_spd_lookers *)atomic_load_explicit(
			&spd->lookers[family], memory_order_relaxed);
		// Release: pairs with the worker's acquire in gw_spd_may_hide.
		atomic_store_explicit(&spd->lookers[family], fresh, memory_order_release);
		if (old)
			gw_reclaim_later(spd->reclaim, free, old);
	}
}

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
	return i == LISTED && lookers->more;
}

// Relaxed: counted before the generation was raised that the look-up has acquired.
bool gw_spd_knows_opaque(const struct gw_spd *spd, const struct gw_flow *flow)
{
	return atomic_load_explicit(&spd->by_opaque[flow->family == 4 ? GW_SPD_IPV4 : GW_SPD_IPV6],
		memory_order_relaxed);
}
