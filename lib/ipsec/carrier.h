// Called by: worker looks up; control core makes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>

#include "ipsec/sad.h"
#include "ipsec/spd.h"

// Which SA of a reqid carries a packet: the newest whose selectors match it, where SAs have
// selectors of their own (RFC 4301 section 4.4.2.1), and the newest where none has any.

// The outbound SAs of a reqid at one moment. Never changes; freed a grace period after another took
// its place, and so are the SAs in it.
struct gw_carriers {
	uint64_t serial; // no two have the same
	uint32_t count;
	struct gw_sa *sas[]; // newest first
};

// A worker's memory of answers. They are for one list of SAs alone, so that every change of that is
// seen by the next packet.
struct gw_carrier_cache;
struct gw_carrier_cache *gw_carrier_cache_new(void); // control core
void gw_carrier_cache_free(struct gw_carrier_cache *cache);

// Whether one of the SA's selectors matches; true when it has none.
bool gw_sa_covers(const struct gw_sa *sa, const struct gw_flow *flow);

// The definition, for both threads: populated says that an SA without selectors carries nothing
// (RFC 4301 section 4.4.1.2: the policy wants SAs made for their packets).
static inline bool gw_sa_carries(const struct gw_sa *sa, const struct gw_flow *flow, bool populated)
{
	return sa->selectors ? gw_sa_covers(sa, flow) : !populated;
}

// Where there are carriers, or the policy populates; NULL: none matches.
struct gw_sa *gw_carrier_search(const struct gw_reqid *reqid, struct gw_carrier_cache *cache,
	const struct gw_flow *flow, bool populated);

// Worker, between quiescent states.
static inline struct gw_sa *gw_carrier_find(const struct gw_reqid *reqid,
	struct gw_carrier_cache *cache, const struct gw_flow *flow, bool populated)
{
	// Acquire: pairs with the control core's release when it published the SA.
	struct gw_sa *sa = atomic_load_explicit(&reqid->newest, memory_order_acquire);

	return likely(sa && !populated) ? sa : gw_carrier_search(reqid, cache, flow, populated);
}

// The fields of flow that an SA takes from its packet; the others are zero, but for family and
// interface.
struct gw_flow gw_flow_populated(const struct gw_flow *flow, uint8_t populate);

// The selector that the SA for a packet of policy should have.
struct gw_selector gw_policy_wanted(const struct gw_policy *policy, const struct gw_flow *flow);
