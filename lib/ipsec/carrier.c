// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/carrier.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>

#define LINES 4096u // a power of two

struct line {
	struct gw_flow flow;
	uint64_t serial;  // of the list that was asked; 0: empty
	struct gw_sa *sa; // not to be followed unless that list is in place
	bool populated;
} __rte_cache_aligned;
_Static_assert(sizeof(struct line) == 64, "one cache line a look-up");

struct gw_carrier_cache {
	struct line lines[LINES];
};

struct gw_carrier_cache *gw_carrier_cache_new(void)
{
	return rte_zmalloc("carrier_cache", sizeof(struct gw_carrier_cache), RTE_CACHE_LINE_SIZE);
}

void gw_carrier_cache_free(struct gw_carrier_cache *cache)
{
	rte_free(cache);
}

bool gw_sa_covers(const struct gw_sa *sa, const struct gw_flow *flow)
{
	const struct gw_sa_selectors *selectors = &sa->spec.selectors;

	for (unsigned int i = 0; i < selectors->count; i++)
		if (gw_selector_matches(&selectors->items[i], flow))
			return true;
	return selectors->count == 0;
}

static struct line *line_of(struct gw_carrier_cache *cache, const struct gw_flow *flow)
{
	return &cache->lines[rte_hash_crc(flow, sizeof(*flow), 0) % LINES];
}

struct gw_sa *gw_carrier_search(const struct gw_reqid *reqid, struct gw_carrier_cache *cache,
	const struct gw_flow *flow, bool populated)
{
	// Acquire: pairs with the release by which the control core puts the list in place.
	const struct gw_carriers *carriers =
		atomic_load_explicit(&reqid->carriers, memory_order_acquire);
	struct gw_sa *found = NULL;
	struct line *line;

	// Between the two loads the last SA with selectors may have gone: the newest was put in
	// place before the list was taken away.
	if (!carriers)
		return populated ? NULL
				 : atomic_load_explicit(&reqid->newest, memory_order_acquire);
	line = line_of(cache, flow);
	if (line->serial == carriers->serial && line->populated == populated &&
		memcmp(&line->flow, flow, sizeof(*flow)) == 0)
		return line->sa;
	for (uint32_t i = 0; i < carriers->count && !found; i++)
		if (gw_sa_carries(carriers->sas[i], flow, populated))
			found = carriers->sas[i];
	*line = (struct line){ *flow, carriers->serial, found, populated };
	return found;
}

struct gw_flow gw_flow_populated(const struct gw_flow *flow, uint8_t populate)
{
	struct gw_flow part = { .family = flow->family, .interface = flow->interface };

	if (populate & GW_POPULATE_SOURCE)
		memcpy(part.source, flow->source, sizeof(part.source));
	if (populate & GW_POPULATE_DESTINATION)
		memcpy(part.destination, flow->destination, sizeof(part.destination));
	if (populate & GW_POPULATE_PROTOCOL)
		part.protocol = flow->protocol;
	if (populate & GW_POPULATE_SOURCE_PORT)
		part.source_port = flow->source_port;
	if (populate & GW_POPULATE_DESTINATION_PORT)
		part.destination_port = flow->destination_port;
	if (populate & (GW_POPULATE_SOURCE_PORT | GW_POPULATE_DESTINATION_PORT))
		part.ports_known = flow->ports_known;
	return part;
}

static struct gw_range one_address(uint8_t family, const uint8_t bytes[16])
{
	struct gw_range range = { .first.family = family };

	memcpy(range.first.bytes, bytes, gw_addr_bytes(family));
	range.last = range.first;
	return range;
}

static struct gw_port_range one_port(const struct gw_flow *flow, uint16_t port)
{
	return flow->ports_known ? (struct gw_port_range){ port, port }
				 : (struct gw_port_range){ UINT16_MAX, 0 };
}

struct gw_selector gw_policy_wanted(const struct gw_policy *policy, const struct gw_flow *flow)
{
	struct gw_selector wanted = policy->selector;

	if (policy->populate & GW_POPULATE_SOURCE)
		wanted.source = one_address(flow->family, flow->source);
	if (policy->populate & GW_POPULATE_DESTINATION)
		wanted.destination = one_address(flow->family, flow->destination);
	if (policy->populate & GW_POPULATE_PROTOCOL)
		wanted.protocol = flow->protocol;
	if (policy->populate & GW_POPULATE_SOURCE_PORT)
		wanted.source_port = one_port(flow, flow->source_port);
	if (policy->populate & GW_POPULATE_DESTINATION_PORT)
		wanted.destination_port = one_port(flow, flow->destination_port);
	return wanted;
}
