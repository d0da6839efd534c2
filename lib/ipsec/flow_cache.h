// Called by: worker remembers; control core makes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_hash_crc.h>

#include "ipsec/spd.h"
#include "net/ip.h"

// One line for each decision. A line answers only for the generation it was decided in, so a change
// of the SPD forgets all of them at once and none needs to be found. "No policy" is a decision like
// any other. Only the worker that owns the cache touches it.

struct gw_flow_line {
	struct gw_flow flow;
	uint64_t generation;            // 0: empty, because the SPD begins with 1
	const struct gw_policy *policy; // not to be followed unless the generation is the SPD's
} __rte_cache_aligned;
_Static_assert(sizeof(struct gw_flow_line) == 64, "one cache line a look-up");

struct gw_flow_cache {
	uint32_t mask; // lines - 1
	struct gw_flow_line lines[];
};

static inline struct gw_flow_line *gw_flow_cache_line(
	struct gw_flow_cache *cache, const struct gw_flow *flow)
{
	uint64_t words[GW_FLOW_WORDS];
	uint32_t hash = 0;

	// Of an IPv4 address there is nothing in the second word.
	memcpy(words, flow, sizeof(words));
	hash = rte_hash_crc_8byte(words[0], hash);
	hash = rte_hash_crc_8byte(words[2], hash);
	if (unlikely(flow->family != 4)) {
		hash = rte_hash_crc_8byte(words[1], hash);
		hash = rte_hash_crc_8byte(words[3], hash);
	}
	hash = rte_hash_crc_8byte(words[4], hash);
	return &cache->lines[hash & cache->mask];
}

static inline bool gw_flow_line_answers(
	const struct gw_flow_line *line, const struct gw_flow *flow, uint64_t generation)
{
	return line->generation == generation && gw_flow_equal(&line->flow, flow);
}
