// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Neighbours of the route database. A hop stands for a neighbour that has an entry or is a gateway;
// its next hop says FORWARD while an entry is active, the static one first, and RESOLVE otherwise.

#include "route/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>

#include "route/db_tables.h"

static const char *const origin_words[] = { "static", "kernel" };

static struct gw_db_hops *bucket_of(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr)
{
	uint32_t hash = rte_jhash(addr->bytes, gw_addr_bytes(addr->family), db->seed + port);

	return &db->hops[hash & db->hop_mask];
}

static struct gw_db_hop *find(struct gw_route_db *db, uint16_t port, const struct gw_addr *addr)
{
	struct gw_db_hop *hop;

	LIST_FOREACH (hop, bucket_of(db, port, addr), next)
		if (hop->port == port && gw_addr_equal(&hop->addr, addr))
			return hop;
	return NULL;
}

// The MAC address that counts, or NULL.
static const uint8_t *mac_of(const struct gw_db_hop *hop)
{
	for (int origin = GW_ROUTE_STATIC; origin <= GW_ROUTE_KERNEL; origin++)
		if (hop->entries[origin].active)
			return hop->entries[origin].mac;
	return NULL;
}

static void publish(struct gw_route_db *db, const struct gw_db_hop *hop)
{
	const struct gw_nexthop *old = gw_fib_nexthop_get(db->fib, hop->slot);
	const uint8_t *mac = mac_of(hop);
	struct gw_nexthop nexthop = {
		.kind = mac ? GW_NEXTHOP_FORWARD : GW_NEXTHOP_RESOLVE,
		.port = hop->port,
		.address = hop->addr,
	};

	if (gw_interface_of_link(hop->port))
		nexthop.kind = GW_NEXTHOP_INTERFACE;
	else if (mac)
		memcpy(nexthop.mac, mac, sizeof(nexthop.mac));
	if (old->kind != nexthop.kind || memcmp(old->mac, nexthop.mac, sizeof(nexthop.mac)) != 0)
		gw_fib_nexthop_set(db->fib, hop->slot, &nexthop);
}

static struct gw_db_hop *hop_new(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr, struct gw_error *err)
{
	struct gw_db_hop *hop = calloc(1, sizeof(*hop));
	int slot;

	if (!hop)
		goto no_memory;
	slot = gw_fib_nexthop_allocate(db->fib);
	if (slot < 0) {
		gw_error_set(err, ENOSPC, "no next hop is free; raise limits.neighbours");
		free(hop);
		return NULL;
	}
	hop->addr = *addr;
	hop->port = port;
	hop->slot = (uint32_t)slot;
	publish(db, hop);
	if (gw_fib_neighbour_add(db->fib, port, addr, hop->slot) == 0)
		return hop;
	gw_fib_nexthop_release(db->fib, hop->slot);
	free(hop);
no_memory:
	gw_error_set(err, ENOMEM, "no memory for a neighbour");
	return NULL;
}

int gw_db_hop_get(struct gw_route_db *db, uint16_t port, const struct gw_addr *addr,
	struct gw_db_hop **result, struct gw_error *err)
{
	struct gw_error local = {};
	struct gw_db_hop *hop = find(db, port, addr);

	if (!err)
		err = &local;
	if (!hop) {
		hop = hop_new(db, port, addr, err);
		if (!hop)
			return -err->code;
		LIST_INSERT_HEAD(bucket_of(db, port, addr), hop, next);
		TAILQ_INSERT_TAIL(&db->hop_order, hop, order);
	}
	hop->references++;
	*result = hop;
	return 0;
}

void gw_db_hop_put(struct gw_route_db *db, struct gw_db_hop *hop)
{
	if (--hop->references > 0)
		return;
	gw_fib_neighbour_remove(db->fib, hop->port, &hop->addr);
	gw_fib_nexthop_release(db->fib, hop->slot);
	LIST_REMOVE(hop, next);
	TAILQ_REMOVE(&db->hop_order, hop, order);
	free(hop);
}

// One staged change of an entry.
struct change {
	struct gw_db_hop *hop; // an addition holds a reference
	enum gw_route_origin origin;
	bool was_staged; // before this change
	uint8_t mac[6];  // an addition's
};

static void add_commit(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct change *change = item;
	struct gw_db_hop *hop = change->hop;
	bool replaced = hop->entries[change->origin].active;

	hop->entries[change->origin].active = true;
	memcpy(hop->entries[change->origin].mac, change->mac, sizeof(change->mac));
	publish(db, hop);
	if (db->options.neighbour_known)
		db->options.neighbour_known(db->options.ctx, hop->port, &hop->addr);
	if (replaced) // which has a reference already
		gw_db_hop_put(db, hop);
	free(change);
}

static void add_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct change *change = item;

	change->hop->entries[change->origin].staged = change->was_staged;
	if (!change->was_staged)
		db->neighbour_count--;
	gw_db_hop_put(db, change->hop);
	free(change);
}

static void delete_commit(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct change *change = item;

	change->hop->entries[change->origin].active = false;
	publish(db, change->hop);
	gw_db_hop_put(db, change->hop);
	free(change);
}

static void delete_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct change *change = item;

	change->hop->entries[change->origin].staged = true;
	db->neighbour_count++;
	free(change);
}

static int stage(struct gw_txn *txn, const struct gw_txn_step *step, const struct change *values,
	struct gw_error *err)
{
	struct gw_txn_step filled = *step;
	struct change *change = malloc(sizeof(*change));

	filled.item = change;
	if (!change || gw_txn_add(txn, &filled) != 0) {
		free(change);
		return gw_error_set(err, ENOMEM, "no memory for a neighbour");
	}
	*change = *values;
	return 0;
}

// A frame to a group address would reach more than the neighbour: the kernel has such entries for
// broadcast addresses, and they are not to be forwarded to (RFC 2644).
static bool is_unicast(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)) != 0;
}

int gw_neighbour_add(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_neighbour_spec *spec, enum gw_route_origin origin, struct gw_error *err)
{
	const struct gw_txn_step step = { add_commit, add_abort, db, NULL };
	struct change change = { .origin = origin };
	char text[18];
	uint16_t port;
	int rc = gw_db_port(db, spec->port, &port, err);

	if (rc)
		return rc;
	if (!is_unicast(spec->mac))
		return gw_error_set(err, EINVAL,
			"%s is not the MAC address of one station; the lowest bit of its first "
			"byte has to be zero",
			gw_mac_format(spec->mac, text));
	rc = gw_db_hop_get(db, port, &spec->address, &change.hop, err);
	if (rc)
		return rc;
	change.was_staged = change.hop->entries[origin].staged;
	memcpy(change.mac, spec->mac, sizeof(change.mac));
	if (!change.was_staged && db->neighbour_count >= db->options.max_neighbours) {
		rc = gw_error_set(err, ENOSPC,
			"there are %u neighbours already; raise limits.neighbours",
			db->neighbour_count);
		goto put;
	}
	rc = stage(txn, &step, &change, err);
	if (rc)
		goto put;
	if (!change.was_staged)
		db->neighbour_count++;
	change.hop->entries[origin].staged = true;
	return 0;

put:
	gw_db_hop_put(db, change.hop);
	return rc;
}

int gw_neighbour_delete(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_neighbour_spec *spec, enum gw_route_origin origin, struct gw_error *err)
{
	const struct gw_txn_step step = { delete_commit, delete_abort, db, NULL };
	struct change change = { .origin = origin };
	char text[GW_ADDR_STRLEN];
	uint16_t port;
	int rc = gw_db_port(db, spec->port, &port, err);

	if (rc)
		return rc;
	change.hop = find(db, port, &spec->address);
	if (!change.hop || !change.hop->entries[origin].staged)
		return gw_error_set(err, ENOENT, "there is no %s neighbour %s on port %s",
			origin_words[origin], gw_addr_format(&spec->address, text), spec->port);
	rc = stage(txn, &step, &change, err);
	if (rc)
		return rc;
	change.hop->entries[origin].staged = false;
	db->neighbour_count--;
	return 0;
}

int gw_neighbour_each(struct gw_route_db *db,
	int (*visit)(void *ctx, const struct gw_neighbour_spec *spec, enum gw_route_origin origin),
	void *ctx)
{
	struct gw_db_hop *hop;

	TAILQ_FOREACH (hop, &db->hop_order, order) {
		for (int origin = GW_ROUTE_STATIC; origin <= GW_ROUTE_KERNEL; origin++) {
			struct gw_neighbour_spec spec = { .address = hop->addr };
			int rc;

			if (!hop->entries[origin].active)
				continue;
			snprintf(spec.port, sizeof(spec.port), "%s",
				db->options.port_name(db->options.ctx, hop->port));
			memcpy(spec.mac, hop->entries[origin].mac, sizeof(spec.mac));
			rc = visit(ctx, &spec, (enum gw_route_origin)origin);
			if (rc)
				return rc;
		}
	}
	return 0;
}

bool gw_neighbour_find(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr, uint8_t mac[6])
{
	const struct gw_db_hop *hop = find(db, port, addr);
	const uint8_t *known = hop ? mac_of(hop) : NULL;

	if (known)
		memcpy(mac, known, 6);
	return known;
}

void gw_neighbour_set_stale(
	struct gw_route_db *db, uint16_t port, const struct gw_addr *addr, bool stale)
{
	struct gw_db_hop *hop = find(db, port, addr);

	if (!hop)
		return;
	if (stale && !hop->stale)
		gw_fib_nexthop_was_used(db->fib, hop->slot);
	hop->stale = stale;
}

void gw_neighbour_ask_stale(struct gw_route_db *db,
	int (*ask)(void *ctx, uint16_t port, const struct gw_addr *addr), void *ctx)
{
	struct gw_db_hop *hop;

	TAILQ_FOREACH (hop, &db->hop_order, order)
		if (hop->stale && gw_fib_nexthop_was_used(db->fib, hop->slot) &&
			ask(ctx, hop->port, &hop->addr) == 0)
			hop->stale = false;
}

bool gw_neighbour_was_used(struct gw_route_db *db, const struct gw_neighbour_spec *spec)
{
	const struct gw_db_hop *hop;
	uint16_t port;

	if (gw_db_port(db, spec->port, &port, NULL) != 0)
		return false;
	hop = find(db, port, &spec->address);
	return hop && gw_fib_nexthop_was_used(db->fib, hop->slot);
}
