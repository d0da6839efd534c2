// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/slab.h"

#include <rte_common.h>
#include <rte_malloc.h>

static void *take(size_t bytes, size_t alignment)
{
	return rte_zmalloc("slab", bytes, alignment ? alignment : RTE_CACHE_LINE_SIZE);
}

struct gw_slab_pool gw_slab_shared = {
	.grain = RTE_CACHE_LINE_SIZE,
	.classes = GW_SLAB_MOST_CLASSES,
	.chunk_bytes = 256u << 10,
	.most_spares = 4,
	.take = take,
	.give = rte_free,
};
