// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/flow_cache.h"

#include <rte_malloc.h>

// EAL's memory, because hugepages spare the workers TLB misses.
struct gw_flow_cache *gw_flow_cache_new(uint32_t entries)
{
	struct gw_flow_cache *cache = rte_zmalloc("flow_cache",
		sizeof(*cache) + entries * sizeof(struct gw_flow_line), RTE_CACHE_LINE_SIZE);

	if (cache)
		cache->mask = entries - 1;
	return cache;
}

void gw_flow_cache_free(struct gw_flow_cache *cache)
{
	rte_free(cache);
}
