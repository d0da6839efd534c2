// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "base/error.h"
#include "base/reclaim.h"
#include "net/addr.h"
#include "stats/counters.h"

// Where a packet goes next. Immutable once published: a change publishes a new one in its place.
enum gw_nexthop_kind {
	GW_NEXTHOP_NONE,    // no route
	GW_NEXTHOP_FORWARD, // the neighbour's MAC address is known
	GW_NEXTHOP_RESOLVE, // it is not: hold the packet; address is the gateway or the neighbour,
			    // or unset: the packet's destination
	GW_NEXTHOP_LOCAL,   // an address of the gateway itself
	GW_NEXTHOP_BLACKHOLE,
	GW_NEXTHOP_INTERFACE, // a tunnel interface, whatever neighbour is named
};

// Ports and tunnel interfaces together are links; those of interfaces follow those of ports. An
// interface's number counts from 1 (ipsec/interface.h).
_Static_assert(GW_MAX_LINKS <= UINT16_MAX, "a number of 16 bits");

static inline uint16_t gw_link_of_interface(uint16_t number)
{
	return (uint16_t)(GW_MAX_PORTS - 1 + number);
}

static inline uint16_t gw_interface_of_link(uint16_t link)
{
	return link < GW_MAX_PORTS ? 0 : (uint16_t)(link - GW_MAX_PORTS + 1);
}

struct gw_nexthop {
	uint8_t kind;           // enum gw_nexthop_kind
	uint16_t port;          // index of the gateway's port, or link of its interface
	uint8_t mac[6];         // of the neighbour: FORWARD only
	struct gw_addr address; // of the neighbour
	uint32_t index;         // its slot
	_Atomic uint8_t
		*used; // worker: sets to 1 when it forwards; control: clears. Not NULL for FORWARD
	struct gw_fib *fib; // control: whose pool it returns to
} __rte_cache_aligned;

// The forwarding table of both families: longest prefix match to a next hop (route/trie.h), and
// behind it the neighbours on link. A route that leads on link (RESOLVE without an address) asks
// for the packet's destination among the neighbours of its port, and for them alone: a neighbour
// entry never overrules a route, whoever made the kernel learn it.
//
// Memory: half a megabyte for each family, 2.4 kB for every table below the root (a route longer
// than 16 bits needs one for each further 8 bits that no other route shares with it), 128 bytes
// for each next hop, 48 for each neighbour. Nothing of it lies in DPDK's memory.
struct gw_fib;

// Control core. max_routes counts each family.
struct gw_fib *gw_fib_new(uint32_t max_routes, uint32_t max_nexthops, struct gw_reclaim *reclaim,
	struct gw_error *err);
// After the workers have stopped; before reclaim is freed.
void gw_fib_free(struct gw_fib *fib);

// Control core: next hop slots. Slot 0 is NONE and never handed out. set publishes a copy of
// nexthop in its slot and cannot fail; it fills in index, and used unless the caller gave one.
int gw_fib_nexthop_allocate(struct gw_fib *fib); // slot, or -ENOSPC
void gw_fib_nexthop_set(struct gw_fib *fib, uint32_t slot, const struct gw_nexthop *nexthop);
void gw_fib_nexthop_release(struct gw_fib *fib, uint32_t slot); // no route leads to it any more
const struct gw_nexthop *gw_fib_nexthop_get(const struct gw_fib *fib, uint32_t slot);
// Whether a worker forwarded to it since the last call; clears the mark.
bool gw_fib_nexthop_was_used(struct gw_fib *fib, uint32_t slot);

// Control core. prepare makes room for a prefix, so that set and clear of it cannot fail until
// unprepare; it changes no answer. Counted: as many unprepare as prepare. -ENOSPC: max_routes.
int gw_fib_route_prepare(struct gw_fib *fib, const struct gw_prefix *prefix);
void gw_fib_route_unprepare(struct gw_fib *fib, const struct gw_prefix *prefix);
int gw_fib_route_set(struct gw_fib *fib, const struct gw_prefix *prefix, uint32_t slot);
int gw_fib_route_clear(struct gw_fib *fib, const struct gw_prefix *prefix);

// Control core. From now on packets that a route leads on link to that neighbour find slot.
int gw_fib_neighbour_add(
	struct gw_fib *fib, uint16_t port, const struct gw_addr *addr, uint32_t slot); // or -ENOMEM
void gw_fib_neighbour_remove(struct gw_fib *fib, uint16_t port, const struct gw_addr *addr);

// Worker, between quiescent states: never writes NULL (kind NONE instead). count is at most 256.
// addresses point at 4 or 16 bytes in network order.
void gw_fib_lookup(const struct gw_fib *fib, uint8_t family, const uint8_t *const *addresses,
	unsigned int count, const struct gw_nexthop **nexthops);
