// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/reclaim.h"
#include "base/txn.h"
#include "route/fib.h"
#include "route/local.h"
#include "spec/port.h"

// The control core's record of addresses, routes and neighbours, static ones and those mirrored
// from the kernel. It publishes to the FIB and the set of local addresses.
//
// A connected prefix leads on link: to the neighbour that has the packet's destination as its
// address if it is known, else to a RESOLVE next hop. A route through a gateway leads to the
// gateway's next hop, FORWARD or RESOLVE as its neighbour entry is. Of several routes for one
// prefix, a static one wins over the kernel's, then the lower metric, then the older one. Our own
// addresses win over all. A route into a tunnel interface leads there, whatever its gateway is:
// there is nobody to resolve. Link-local prefixes (fe80::/10) are recorded but never forwarded to;
// a link-local neighbour serves as a gateway.

struct gw_route_db;

enum gw_route_origin { GW_ROUTE_STATIC, GW_ROUTE_KERNEL };

struct gw_route_db_options {
	uint32_t max_routes;
	uint32_t max_neighbours;
	struct gw_reclaim *reclaim;
	// A link, which is a port or a tunnel interface (route/fib.h), by its name: or -1.
	int (*port_index)(void *ctx, const char *name);
	const char *(*port_name)(void *ctx, uint16_t port);
	// A neighbour's MAC address became known: packets held for it may go. May be NULL.
	void (*neighbour_known)(void *ctx, uint16_t port, const struct gw_addr *addr);
	// A route or port address changed (path MTUs of SAs may have). May be NULL.
	void (*routes_changed)(void *ctx);
	void *ctx;
};

struct gw_route_db *gw_route_db_new(
	const struct gw_route_db_options *options, struct gw_error *err);
void gw_route_db_free(struct gw_route_db *db);
const struct gw_fib *gw_route_db_fib(struct gw_route_db *db);
const struct gw_local *gw_route_db_local(struct gw_route_db *db);
const char *gw_route_db_port_name(const struct gw_route_db *db, uint16_t port);

// Staged in txn as in ipsec/db.h: 0, or a negative errno with err filled and nothing staged
// (-EEXIST, -ENOENT, -ENODEV: no such port, -ENOSPC, -EINVAL). Routes are told apart by
// destination, origin and metric; the kernel's also by gateway and port. A deletion may leave out
// gateway and port.
int gw_route_add(struct gw_route_db *db, struct gw_txn *txn, const struct gw_route_spec *spec,
	enum gw_route_origin origin, uint32_t metric, struct gw_error *err);
int gw_route_delete(struct gw_route_db *db, struct gw_txn *txn, const struct gw_route_spec *spec,
	enum gw_route_origin origin, uint32_t metric, struct gw_error *err);
// Deletes all routes to that destination with that origin and metric. Returns how many, or a
// negative errno with err filled, some then being staged. To change a route's way without a moment
// in which there is none, stage the deletion in one transaction and then the addition in another,
// and commit the addition first.
int gw_route_delete_all(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_prefix *destination, enum gw_route_origin origin, uint32_t metric,
	struct gw_error *err);
// Adding a neighbour that exists with the same origin replaces its MAC address.
int gw_neighbour_add(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_neighbour_spec *spec, enum gw_route_origin origin, struct gw_error *err);
int gw_neighbour_delete(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_neighbour_spec *spec, enum gw_route_origin origin, struct gw_error *err);
// An address of a port, with its prefix length: makes it local, and its prefix connected if it is
// static. The kernel has a route of its own for what it thinks connected, and that one counts.
int gw_port_address_add(struct gw_route_db *db, struct gw_txn *txn, uint16_t port,
	const struct gw_prefix *address, enum gw_route_origin origin, struct gw_error *err);
int gw_port_address_delete(struct gw_route_db *db, struct gw_txn *txn, uint16_t port,
	const struct gw_prefix *address, enum gw_route_origin origin, struct gw_error *err);

// Committed ones; stops when visit returns non-zero and returns that. visit may stage changes.
int gw_route_each(struct gw_route_db *db,
	int (*visit)(void *ctx, const struct gw_route_spec *spec, enum gw_route_origin origin,
		uint32_t metric),
	void *ctx);
int gw_neighbour_each(struct gw_route_db *db,
	int (*visit)(void *ctx, const struct gw_neighbour_spec *spec, enum gw_route_origin origin),
	void *ctx);
int gw_port_address_each(struct gw_route_db *db,
	int (*visit)(void *ctx, uint16_t port, const struct gw_prefix *address,
		enum gw_route_origin origin),
	void *ctx);

// The MAC address that packets to the neighbour would bear now: false while there is none.
bool gw_neighbour_find(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr, uint8_t mac[6]);

// For the mirror: the kernel has not heard of the neighbour for a while, or it has again.
void gw_neighbour_set_stale(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr, bool stale);
// Calls ask for each stale neighbour that traffic went to since it was asked about last, or since
// it became stale. It is not stale any more where ask returns 0.
void gw_neighbour_ask_stale(struct gw_route_db *db,
	int (*ask)(void *ctx, uint16_t port, const struct gw_addr *addr), void *ctx);

// Whether traffic went to the neighbour since the last call; clears the mark.
bool gw_neighbour_was_used(struct gw_route_db *db, const struct gw_neighbour_spec *spec);
