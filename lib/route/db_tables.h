// Called by: control core, from route/db*.c alone
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "route/db.h"
#include "stats/counters.h"

// What the route database is made of.
//
// A record (route, neighbour entry, address) has two states: staged, what it will be if every
// change staged so far commits, which later changes of the same transaction are checked against;
// and active, what the workers see. Destinations and hops are shared by records and counted.
// Whoever holds a destination has its prefix prepared in the FIB, and whoever holds a hop has its
// slot, so publishing cannot fail.

// A prefix that something is known about.
struct gw_db_destination {
	LIST_ENTRY(gw_db_destination) next;
	struct gw_prefix prefix;
	unsigned int references;
	unsigned int local;                   // active addresses of ours that are this prefix
	TAILQ_HEAD(, gw_db_route) candidates; // the one that counts is the first active one
	uint32_t slot;                        // published in the FIB; 0: none
};

// A neighbour that has an entry or is some route's gateway.
struct gw_db_hop {
	LIST_ENTRY(gw_db_hop) next;
	TAILQ_ENTRY(gw_db_hop) order;
	struct gw_addr addr;
	uint16_t port;
	unsigned int references; // its entries, and the routes through it
	uint32_t slot;
	bool stale; // the kernel has not heard of it for a while
	struct {
		bool staged;
		bool active;
		uint8_t mac[6];
	} entries[2]; // by enum gw_route_origin
};

struct gw_db_route {
	TAILQ_ENTRY(gw_db_route) order;
	TAILQ_ENTRY(gw_db_route) candidate;
	struct gw_db_destination *destination;
	struct gw_db_hop *gateway; // NULL: on link, or a blackhole
	enum gw_route_kind kind;
	enum gw_route_origin origin;
	uint32_t metric;
	uint16_t port;
	bool connected; // made by an address, not shown
	bool staged;
	bool active;
};

struct gw_db_address {
	TAILQ_ENTRY(gw_db_address) order;
	struct gw_prefix prefix; // host bits kept
	struct gw_db_destination *host;
	struct gw_db_route *connected; // NULL: none
	enum gw_route_origin origin;
	uint16_t port;
	bool staged;
	bool active;
};

LIST_HEAD(gw_db_destinations, gw_db_destination);
LIST_HEAD(gw_db_hops, gw_db_hop);

struct gw_route_db {
	struct gw_route_db_options options;
	struct gw_fib *fib;
	struct gw_local *local;
	struct gw_db_destinations *destinations; // a hash table
	struct gw_db_hops *hops;                 // a hash table
	uint32_t destination_mask;
	uint32_t hop_mask;
	TAILQ_HEAD(, gw_db_hop) hop_order;
	TAILQ_HEAD(, gw_db_route) routes; // without the connected ones
	TAILQ_HEAD(, gw_db_address) addresses;
	uint32_t route_count; // staged ones, likewise below
	uint32_t neighbour_count;
	uint32_t address_count;
	uint32_t on_link[GW_MAX_LINKS]; // slots of the next hops that resolve on a port; 0: not yet
	uint32_t local_slot;
	uint32_t blackhole_slot;
	uint32_t seed;
};

#define GW_DB_MAX_ADDRESSES                                                                        \
	(1024 + 2 * GW_MAX_LINKS) // each link has a link-local one, and one more

// db_destination.c. NULL: there is none.
struct gw_db_destination *gw_db_destination_find(
	struct gw_route_db *db, const struct gw_prefix *prefix);
// 0, or a negative errno with err filled.
int gw_db_destination_get(struct gw_route_db *db, const struct gw_prefix *prefix,
	struct gw_db_destination **destination, struct gw_error *err);
void gw_db_destination_put(struct gw_route_db *db, struct gw_db_destination *destination);
// Makes the FIB say what the active records of destination amount to.
void gw_db_destination_publish(struct gw_route_db *db, struct gw_db_destination *destination);
// The same prefix with its host bits zero.
struct gw_prefix gw_db_prefix_mask(const struct gw_prefix *prefix);

// db_neighbour.c
int gw_db_hop_get(struct gw_route_db *db, uint16_t port, const struct gw_addr *addr,
	struct gw_db_hop **hop, struct gw_error *err);
void gw_db_hop_put(struct gw_route_db *db, struct gw_db_hop *hop);

// db_route.c: a record among its destination's candidates, not active; made active, and back.
int gw_db_route_new(struct gw_route_db *db, const struct gw_db_route *values,
	const struct gw_prefix *prefix, const struct gw_addr *gateway, struct gw_db_route **route,
	struct gw_error *err);
void gw_db_route_activate(struct gw_route_db *db, struct gw_db_route *route);
void gw_db_route_deactivate(struct gw_route_db *db, struct gw_db_route *route);
void gw_db_route_free(struct gw_route_db *db, struct gw_db_route *route);

// db.c: the index of the port of that name; -ENODEV with err filled when there is none.
int gw_db_port(struct gw_route_db *db, const char *name, uint16_t *port, struct gw_error *err);
