// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_common.h>

#include "base/error.h"
#include "base/reclaim.h"
#include "ipsec/sad.h"
#include "net/ip.h"
#include "spec/policy.h"
#include "stats/counters.h"

// One direction of the SPD (RFC 4301 section 4.4.1) as workers see it: tuple-space search with a
// flow cache in front.
//
// Address ranges are split into prefixes. A shape is a family, two prefix lengths, and whether
// protocol and each port are exact; all policies of all shapes stand in one lock-free hash table
// whose key holds the shape and the masked fields. What a key holds is an immutable array of
// policies in order of precedence; port ranges that are not one port are checked there. Shapes are
// visited in the order of the best policy each holds, and the search ends when no later shape can
// hold a better one.

struct gw_spd;
struct rte_rcu_qsbr;

// Words between the counters of two workers: a cache line.
#define GW_POLICY_COUNTER_STRIDE 8

// A policy at run time. Made and freed by the control core, read by workers.
struct gw_policy {
	// control: wo before publication, worker: ro
	struct gw_selector selector;
	uint32_t priority;
	uint32_t order; // serial number of its insertion: the earlier wins among equal priorities
	uint8_t action; // enum gw_action
	uint32_t reqid;
	struct gw_reqid *carrier; // outbound PROTECT: where the SA is found; else NULL
	uint64_t *packets; // [worker * stride]: worker: wo, control: ro
	void *owner;       // control core's record
};

// Control core. size: how many policies may exist at once.
struct gw_spd *gw_spd_new(const char *name, uint32_t size, struct rte_rcu_qsbr *qsbr,
	struct gw_reclaim *reclaim, struct gw_error *err);
void gw_spd_free(struct gw_spd *spd);

// Control core: the number of hash entries the selector needs, -E2BIG with err filled when it would
// be split into more than 4096 (the error says how to write it otherwise). Call it when staging.
int gw_spd_cost(const struct gw_selector *selector, struct gw_error *err);

// Control core: publishes policy, visible to the next packet. Returns 0 or -ENOMEM, -ENOSPC: then
// nothing changed.
int gw_spd_insert(struct gw_spd *spd, struct gw_policy *policy);
// Phase one of removal; the caller reclaims the policy.
void gw_spd_remove(struct gw_spd *spd, struct gw_policy *policy);

// A worker's memory of decisions, direct-mapped; entries die with the generation of the SPD they
// came from.
struct gw_flow_cache;
struct gw_flow_cache *gw_flow_cache_new(uint32_t entries); // a power of two; control core
void gw_flow_cache_free(struct gw_flow_cache *cache);

// Worker, between quiescent states: policies[i] is the policy that decides flows[i], or NULL: none
// matches, discard. cache may be NULL.
void gw_spd_lookup(const struct gw_spd *spd, struct gw_flow_cache *cache,
	const struct gw_flow *const *flows, unsigned int count, const struct gw_policy **policies);

// The definition of a match, for the model and for lists: obvious and slow.
bool gw_selector_matches(const struct gw_selector *selector, const struct gw_flow *flow);
