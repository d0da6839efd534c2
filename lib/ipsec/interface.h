// Called by: both (each says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/ip.h"
#include "stats/counters.h"

// Tunnel interfaces. Each has an SPD of its own, as RFC 4301 section 4.4.1 allows: the policies
// with its if_id, which find SAs with the same if_id alone. The route of a packet selects the SPD
// (section 5.1 step 1), inbound the SA does.
//
// An if_id has 32 bits, and a packet's selectors have 15 to spare: every if_id in use has a number,
// from 1 on, and 0 stands for traffic of no interface. Whatever is keyed by selectors
// (tables, caches, memories of fragments) so tells interfaces apart at no cost.

_Static_assert(GW_MAX_INTERFACES <= GW_FLOW_INTERFACES, "a flow holds the number");

// The if_ids in use. Control core only.
#define GW_INTERFACE_BUCKET_BITS 12
struct gw_interface_table {
	uint32_t if_ids[GW_MAX_INTERFACES + 1];
	uint32_t references[GW_MAX_INTERFACES + 1];
	// Numbers in use by the hash of their if_id; 0 ends a chain.
	uint16_t buckets[1 << GW_INTERFACE_BUCKET_BITS];
	uint16_t next[GW_MAX_INTERFACES + 1];
	uint16_t last; // number given out
};

// Takes a reference: 0 with the number, which is 0 for if_id 0, or -ENOSPC with err filled. A
// number that nobody refers to any more is the last to be used again, so that nothing on its way
// meets another's policies.
int gw_interface_get(
	struct gw_interface_table *table, uint32_t if_id, uint16_t *number, struct gw_error *err);
void gw_interface_put(struct gw_interface_table *table, uint16_t number);
// The number without a reference. False: nobody refers to that if_id.
bool gw_interface_find(const struct gw_interface_table *table, uint32_t if_id, uint16_t *number);

// What workers know of the interfaces that there are.
struct gw_interfaces {
	_Atomic uint32_t count;                 // control: wo, worker: ro
	_Atomic bool up[GW_MAX_INTERFACES + 1]; // by number. control: wo, worker: ro
};

// Worker. Relaxed: an interface that comes or goes does so between two packets, whichever.
static inline bool gw_interfaces_any(const struct gw_interfaces *interfaces)
{
	return atomic_load_explicit(&interfaces->count, memory_order_relaxed) != 0;
}

static inline bool gw_interface_is_up(const struct gw_interfaces *interfaces, uint16_t number)
{
	return atomic_load_explicit(&interfaces->up[number], memory_order_relaxed);
}
