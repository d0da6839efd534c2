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
// whose key holds the shape and the masked fields. What a key leads to is a list of policies in
// order of precedence; port ranges that are not one port are checked there. Shapes are visited in
// the order of the best policy each holds, and the search ends when no later shape can hold a
// better one. So a look-up costs what the number of shapes makes it, not that of policies; only
// policies that differ in nothing but port ranges and priority are walked one after the other.
//
// Every look-up sees the SPD as it was at one moment, between two changes: a policy with all its
// entries or without any.

struct gw_spd;
struct rte_rcu_qsbr;

// Words between the counters of two workers: a cache line.
#define GW_POLICY_COUNTER_STRIDE 8

// A policy at run time. Made and freed by the control core, read by workers.
struct gw_policy {
	// What every packet reads comes first. control: wo before publication, worker: ro
	struct gw_reqid *carrier; // outbound PROTECT: where the SA is found; else NULL
	uint64_t *packets;        // [worker * stride]: worker: wo, control: ro
	uint32_t reqid;
	uint8_t action;     // enum gw_action
	uint8_t populate;   // bits of enum gw_populate
	uint16_t interface; // whose packets it decides about (ipsec/interface.h); 0: of none
	struct gw_selector selector;
	uint32_t priority;
	uint32_t order; // serial number of its insertion: the earlier wins among equal priorities
	void *owner;    // control core's record

	struct gw_spd_claim *claim; // the SPD's own. control: rw, worker: never
};

// Control core. size: how many policies may exist at once, where two entries each are enough on
// average; name is that of a DPDK table and unique. reclaim goes on existing after gw_spd_free.
struct gw_spd *gw_spd_new(const char *name, uint32_t size, struct rte_rcu_qsbr *qsbr,
	struct gw_reclaim *reclaim, struct gw_error *err);
// After the workers have stopped. Policies are the caller's.
void gw_spd_free(struct gw_spd *spd);

// The most entries that one policy may have.
#define GW_SPD_MAX_COST 4096u

// Control core: the number of entries the selector needs, -E2BIG with err filled when that would be
// more than GW_SPD_MAX_COST (the error says how to write it otherwise). Call it when staging. An
// address, a prefix, ANY and every port range cost one; an address range costs one for each prefix
// it splits into (at most 62 of IPv4, 254 of IPv6), and with two ranges each prefix of one meets
// each of the other.
int gw_spd_cost(const struct gw_selector *selector, struct gw_error *err);

// Control core: how many entries there is room for. While the costs of all policies add up to no
// more, gw_spd_insert does not return -ENOSPC; where it has to, it waits for the workers to let go
// of what was removed.
uint32_t gw_spd_capacity(const struct gw_spd *spd);

// Control core: publishes policy, visible to the next packet. Returns 0 or -ENOMEM, -ENOSPC, or
// -E2BIG where gw_spd_cost does: then nothing changed and no worker has seen policy.
int gw_spd_insert(struct gw_spd *spd, struct gw_policy *policy);
// Phase one of removal; the caller reclaims the policy (between gw_spd_begin and gw_spd_commit:
// after the latter). A policy that is not in the SPD is left alone.
void gw_spd_remove(struct gw_spd *spd, struct gw_policy *policy);

// Control core: changes between the two are all seen together, by the next packet after the second.
// While what was removed still counts as taking room, the costs of old and new policies add up.
void gw_spd_begin(struct gw_spd *spd);
void gw_spd_commit(struct gw_spd *spd);

// A worker's memory of decisions, direct-mapped; entries die with the generation of the SPD they
// came from.
struct gw_flow_cache;
struct gw_flow_cache *gw_flow_cache_new(uint32_t entries); // a power of two; control core
void gw_flow_cache_free(struct gw_flow_cache *cache);

// Worker, between quiescent states: policies[i] is the policy that decides flows[i], or NULL: none
// matches, discard. cache may be NULL.
void gw_spd_lookup(const struct gw_spd *spd, struct gw_flow_cache *cache,
	const struct gw_flow *const *flows, unsigned int count, const struct gw_policy **policies);

// Worker, after a look-up that found policy for a packet which hides something (RFC 4301 section 7:
// ports are in the first fragment alone, and of IPv6 the protocol may be too): whether a PROTECT or
// DISCARD policy of more precedence looks at that and matches the rest. Where very many do it may
// say so though none matches, never the reverse.
// A policy that asks for OPAQUE itself is meant.
enum { GW_SPD_HIDES_PORTS = 1, GW_SPD_HIDES_PROTOCOL = 2 };
bool gw_spd_may_hide(const struct gw_spd *spd, const struct gw_flow *flow, unsigned int hidden,
	const struct gw_policy *policy);

// Which fields a packet of this flow hides. protocol_named_by_fragment: its protocol is what a
// later fragment of IPv6 names, which is not what its packet holds (RFC 8200 section 4.5).
unsigned int gw_flow_hides(const struct gw_flow *flow, bool protocol_named_by_fragment);

// Worker: whether there is a policy of flow's family that asks for OPAQUE.
bool gw_spd_knows_opaque(const struct gw_spd *spd, const struct gw_flow *flow);

// Whether the selector is for packets that hide something: not by the way, as ANY is.
static inline bool gw_selector_means_opaque(const struct gw_selector *selector)
{
	return selector->protocol == GW_PROTOCOL_OPAQUE ||
	       gw_port_range_opaque(&selector->source_port) ||
	       gw_port_range_opaque(&selector->destination_port);
}

// The definition of a match, for the model and for lists: obvious and slow.
bool gw_selector_matches(const struct gw_selector *selector, const struct gw_flow *flow);
