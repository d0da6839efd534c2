// Called by: both (each field says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_common.h>

#include "ipsec/spd.h"

// What the files of the SPD share. How a change goes through it is told in spd.c, how a look-up
// goes in spd_lookup.c.

struct rte_hash;

#define GW_SPD_FLOW_WORDS (sizeof(struct gw_flow) / sizeof(uint64_t))
#define GW_SPD_NEVER      UINT64_MAX // a generation that never comes

// What is hashed: a flow behind the mask of a shape, and which shape that is.
struct gw_spd_key {
	uint64_t flow[GW_SPD_FLOW_WORDS];
	uint64_t shape;
};
static_assert(sizeof(struct gw_spd_key) == 48, "one cache line with rte_hash's own 8 bytes");

// A policy under one key. The table holds the first entry of each key; the others follow in order
// of precedence.
struct gw_spd_entry {
	// --- line 0: what a look-up reads
	_Atomic(struct gw_spd_entry *) next; // control: wo (release), worker: ro (acquire)
	const struct gw_policy *policy;      // control: wo before linking, worker: ro
	uint64_t rank;                       // likewise
	uint64_t born; // first generation it belongs to. control: wo before linking, worker: ro
	_Atomic uint64_t died; // first one it does not belong to any more. control: wo, worker: ro
	struct gw_port_range source_port;      // control: wo before linking, worker: ro
	struct gw_port_range destination_port; // likewise

	// --- line 1: control: rw, worker: never
	struct gw_spd_key key __rte_cache_aligned;
	struct gw_spd_shape *shape;
	uint32_t place; // in the shape's heap
} __rte_cache_aligned;
static_assert(offsetof(struct gw_spd_entry, destination_port) < 64, "line 0: what a look-up reads");
static_assert(offsetof(struct gw_spd_entry, key) == 64, "line 1: the control core's");

// All entries of one policy, in one piece of memory. control: rw
struct gw_spd_claim {
	struct gw_spd *spd; // NULL: it is gone
	LIST_ENTRY(gw_spd_claim) all;
	STAILQ_ENTRY(gw_spd_claim) withdrawn;
	uint32_t looker_place; // in the heap of those that look, where it does
	bool waiting;          // given to reclaim
	uint8_t family;        // GW_SPD_IPV4 or GW_SPD_IPV6
	bool looks;            // a PROTECT or DISCARD policy that looks at ports or the protocol
	bool by_opaque;        // any policy that asks for OPAQUE
	uint16_t interface;    // of the policy, as rank and selector; that itself may be gone
	uint64_t rank;
	struct gw_selector selector;
	uint32_t count;
	struct gw_spd_entry entries[];
};

// A shape as workers see it.
struct gw_spd_view {
	uint64_t mask[GW_SPD_FLOW_WORDS];
	uint64_t shape;
	uint64_t best; // no entry of the shape that a worker may see ranks before this
} __rte_cache_aligned;

// The shapes of a family, by best. Immutable.
struct gw_spd_views {
	uint32_t count;
	struct gw_spd_view views[];
};

enum { GW_SPD_IPV4, GW_SPD_IPV6, GW_SPD_FAMILIES };

struct gw_spd_shapes {
	struct gw_spd_shape **items; // those that have entries; in no order
	uint32_t count;
	uint32_t room;
	bool changed; // since the views were made
};

// The policies that look, all of them: no claim ranks before the one at (its looker_place - 1) / 2.
// control: rw
struct gw_spd_looker_heap {
	struct gw_spd_claim **claims;
	uint32_t count;
	uint32_t room;
};

// The first of them as workers see them, in order of rank. Immutable.
#define GW_SPD_LISTED 64
struct gw_spd_looker {
	uint64_t rank;
	uint16_t interface;
	struct gw_selector selector;
};
struct gw_spd_lookers {
	uint32_t count;
	bool more; // than the list takes
	struct gw_spd_looker items[GW_SPD_LISTED];
};

struct gw_spd {
	// --- line 0
	struct rte_hash *table; // control: wo before publication, worker: ro
	_Atomic(const struct gw_spd_views *)
		views[GW_SPD_FAMILIES]; // control: wo (release), worker: ro (acquire)
	_Atomic uint64_t generation;    // control: wo (release), worker: ro (acquire)
	// PROTECT and DISCARD policies that look at ports or a protocol, never too few for a
	// generation that a worker asks; NULL: not known. control: wo (release), worker: ro
	// (acquire)
	_Atomic(const struct gw_spd_lookers *) lookers[GW_SPD_FAMILIES];
	// How many policies ask for OPAQUE, likewise. control: wo, worker: ro
	_Atomic uint32_t by_opaque[GW_SPD_FAMILIES];

	// --- line 1: control: rw, worker: never
	struct gw_spd_shapes shapes[GW_SPD_FAMILIES] __rte_cache_aligned;
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	LIST_HEAD(, gw_spd_claim) claims;
	STAILQ_HEAD(, gw_spd_claim) withdrawn; // by a change that is not yet published
	uint32_t entries;                      // in the table
	uint32_t capacity;                     // for entries
	struct gw_spd_looker_heap looking[GW_SPD_FAMILIES];
	bool lookers_changed[GW_SPD_FAMILIES]; // those that the list holds, since it was published
	bool open;                             // between gw_spd_begin and gw_spd_commit
};

// spd_lookers.c. Adding: 0, or -ENOMEM and nothing changed. The third publishes the lookers of this
// moment where they have changed; without memory, that they are not known.
int gw_spd_looker_add(struct gw_spd *spd, struct gw_spd_claim *claim);
void gw_spd_looker_drop(struct gw_spd *spd, struct gw_spd_claim *claim);
void gw_spd_lookers_refresh(struct gw_spd *spd);

// Which of the fields that a packet may hide the selector looks at: GW_SPD_HIDES_… Ports that are
// OPAQUE are seen to be hidden.
static inline unsigned int gw_spd_looked_at(const struct gw_selector *selector)
{
	bool ports = !gw_port_range_takes_opaque(&selector->source_port) ||
		     !gw_port_range_takes_opaque(&selector->destination_port);

	return (ports ? GW_SPD_HIDES_PORTS : 0) |
	       (selector->protocol != GW_PROTOCOL_ANY ? GW_SPD_HIDES_PROTOCOL : 0);
}

// Smaller is better.
static inline uint64_t gw_spd_rank(const struct gw_policy *policy)
{
	return (uint64_t)policy->priority << 32 | policy->order;
}
