// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "graph/worker.h"
#include "ipsec/spd.h"

// A PROTECT policy has met a packet that no SA carries: tells the control core, once in
// limits.acquire_seconds for a reqid; where SAs are made for their packets, once for each that
// should be. Returns under what the packet may wait for its SA: gw_wait_… tell what is in it.
uint64_t gw_acquire_raise(
	struct gw_worker *worker, const struct gw_policy *policy, const struct gw_flow *flow);

// Packets that wait for one and the same SA have the same.
static inline uint32_t gw_wait_reqid(uint64_t wait)
{
	return (uint32_t)wait;
}

static inline bool gw_wait_populated(uint64_t wait)
{
	return wait >> 63;
}
