// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Routes of the route database.

#include "route/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/db_tables.h"

static const char *const origin_words[] = { "static", "kernel" };

// The next hop that resolves whatever is on link at port, or an interface's; made for the port's
// first route.
static int on_link_get(struct gw_route_db *db, uint16_t port, struct gw_error *err)
{
	const struct gw_nexthop nexthop = {
		.kind = gw_interface_of_link(port) ? GW_NEXTHOP_INTERFACE : GW_NEXTHOP_RESOLVE,
		.port = port,
	};
	int slot;

	if (db->on_link[port])
		return 0;
	slot = gw_fib_nexthop_allocate(db->fib);
	if (slot < 0)
		return gw_error_set(err, ENOSPC, "no next hop is free; raise limits.neighbours");
	gw_fib_nexthop_set(db->fib, (uint32_t)slot, &nexthop);
	db->on_link[port] = (uint32_t)slot;
	return 0;
}

static bool goes_before(const struct gw_db_route *a, const struct gw_db_route *b)
{
	return a->origin != b->origin ? a->origin < b->origin : a->metric < b->metric;
}

static void insert_candidate(struct gw_db_route *route)
{
	struct gw_db_destination *destination = route->destination;
	struct gw_db_route *other;

	TAILQ_FOREACH (other, &destination->candidates, candidate)
		if (goes_before(route, other))
			break;
	if (other)
		TAILQ_INSERT_BEFORE(other, route, candidate);
	else
		TAILQ_INSERT_TAIL(&destination->candidates, route, candidate);
}

int gw_db_route_new(struct gw_route_db *db, const struct gw_db_route *values,
	const struct gw_prefix *prefix, const struct gw_addr *gateway, struct gw_db_route **result,
	struct gw_error *err)
{
	struct gw_db_route *route = malloc(sizeof(*route));
	int rc;

	if (!route)
		return gw_error_set(err, ENOMEM, "no memory for a route");
	*route = *values;
	rc = gw_db_destination_get(db, prefix, &route->destination, err);
	if (rc)
		goto free_route;
	if (route->kind == GW_ROUTE_UNICAST)
		rc = gateway && gateway->family
			     ? gw_db_hop_get(db, route->port, gateway, &route->gateway, err)
			     : on_link_get(db, route->port, err);
	if (rc)
		goto put_destination;
	insert_candidate(route);
	*result = route;
	return 0;

put_destination:
	gw_db_destination_put(db, route->destination);
free_route:
	free(route);
	return rc;
}

void gw_db_route_free(struct gw_route_db *db, struct gw_db_route *route)
{
	TAILQ_REMOVE(&route->destination->candidates, route, candidate);
	if (route->gateway)
		gw_db_hop_put(db, route->gateway);
	gw_db_destination_put(db, route->destination);
	free(route);
}

void gw_db_route_activate(struct gw_route_db *db, struct gw_db_route *route)
{
	route->active = true;
	gw_db_destination_publish(db, route->destination);
}

void gw_db_route_deactivate(struct gw_route_db *db, struct gw_db_route *route)
{
	route->active = false;
	gw_db_destination_publish(db, route->destination);
}

static void changed(struct gw_route_db *db)
{
	if (db->options.routes_changed)
		db->options.routes_changed(db->options.ctx);
}

static void add_commit(void *owner, void *item)
{
	gw_db_route_activate(owner, item);
	changed(owner);
}

static void add_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_route *route = item;

	db->route_count--;
	TAILQ_REMOVE(&db->routes, route, order);
	gw_db_route_free(db, route);
}

static void delete_commit(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_route *route = item;

	TAILQ_REMOVE(&db->routes, route, order);
	gw_db_route_deactivate(db, route);
	gw_db_route_free(db, route);
	changed(db);
}

static void delete_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_route *route = item;

	route->staged = true;
	db->route_count++;
}

static bool same_way(const struct gw_db_route *route, const struct gw_route_spec *spec, int port)
{
	static const struct gw_addr nothing;
	const struct gw_addr *gateway = route->gateway ? &route->gateway->addr : &nothing;

	return route->kind == spec->kind && gw_addr_equal(gateway, &spec->gateway) &&
	       (route->kind == GW_ROUTE_BLACKHOLE || route->port == port);
}

// What a deletion that leaves out the gateway or the port means.
static bool any_way(const struct gw_db_route *route, const struct gw_route_spec *spec, int port)
{
	return route->kind == spec->kind && (!spec->port[0] || route->port == port) &&
	       (!spec->gateway.family ||
		       (route->gateway && gw_addr_equal(&route->gateway->addr, &spec->gateway)));
}

typedef bool way_match(const struct gw_db_route *route, const struct gw_route_spec *spec, int port);

// The staged record with the key's origin and metric, and the way that match wants, if any.
static struct gw_db_route *find(const struct gw_db_destination *destination,
	const struct gw_db_route *key, const struct gw_route_spec *spec, way_match *match)
{
	struct gw_db_route *route;

	TAILQ_FOREACH (route, &destination->candidates, candidate)
		if (route->staged && !route->connected && route->origin == key->origin &&
			route->metric == key->metric && (!match || match(route, spec, key->port)))
			return route;
	return NULL;
}

// What spec, origin and metric say, as a record.
static int key_of(struct gw_route_db *db, const struct gw_route_spec *spec,
	enum gw_route_origin origin, uint32_t metric, struct gw_db_route *key, struct gw_error *err)
{
	*key = (struct gw_db_route){
		.kind = spec->kind,
		.origin = origin,
		.metric = metric,
		.staged = true,
	};
	if (!spec->port[0])
		return 0;
	return gw_db_port(db, spec->port, &key->port, err);
}

static int refuse(struct gw_error *err, int code, const struct gw_route_spec *spec,
	const struct gw_db_route *key, const char *what)
{
	struct gw_prefix destination = gw_db_prefix_mask(&spec->destination);
	char text[GW_ADDR_STRLEN + 4];

	return gw_error_set(err, code, "%s %s route to %s with metric %u", what,
		origin_words[key->origin], gw_prefix_format(&destination, text), key->metric);
}

int gw_route_add(struct gw_route_db *db, struct gw_txn *txn, const struct gw_route_spec *spec,
	enum gw_route_origin origin, uint32_t metric, struct gw_error *err)
{
	struct gw_txn_step step = { add_commit, add_abort, db, NULL };
	struct gw_prefix prefix = gw_db_prefix_mask(&spec->destination);
	struct gw_db_destination *destination = gw_db_destination_find(db, &prefix);
	struct gw_db_route key, *route;
	int rc = key_of(db, spec, origin, metric, &key, err);

	if (rc)
		return rc;
	if (spec->kind == GW_ROUTE_UNICAST && !spec->port[0])
		return gw_error_set(err, EINVAL, "a unicast route needs the port it leaves by");
	// Kernel routes that differ in their way alone stand side by side: they are the ways of one
	// multipath route. Static ones may not.
	if (destination &&
		find(destination, &key, spec, origin == GW_ROUTE_STATIC ? NULL : same_way))
		return refuse(err, EEXIST, spec, &key, "there is already a");
	if (db->route_count >= db->options.max_routes)
		return gw_error_set(err, ENOSPC, "there are %u routes already; raise limits.routes",
			db->route_count);
	rc = gw_db_route_new(db, &key, &prefix, &spec->gateway, &route, err);
	if (rc)
		return rc;
	step.item = route;
	if (gw_txn_add(txn, &step) != 0) {
		gw_db_route_free(db, route);
		return gw_error_set(err, ENOMEM, "no memory for a route");
	}
	TAILQ_INSERT_TAIL(&db->routes, route, order);
	db->route_count++;
	return 0;
}

static int stage_delete(
	struct gw_route_db *db, struct gw_txn *txn, struct gw_db_route *route, struct gw_error *err)
{
	const struct gw_txn_step step = { delete_commit, delete_abort, db, route };

	if (gw_txn_add(txn, &step) != 0)
		return gw_error_set(err, ENOMEM, "no memory to delete a route");
	route->staged = false;
	db->route_count--;
	return 0;
}

int gw_route_delete(struct gw_route_db *db, struct gw_txn *txn, const struct gw_route_spec *spec,
	enum gw_route_origin origin, uint32_t metric, struct gw_error *err)
{
	struct gw_prefix prefix = gw_db_prefix_mask(&spec->destination);
	struct gw_db_destination *destination = gw_db_destination_find(db, &prefix);
	struct gw_db_route key, *route = NULL;
	int rc = key_of(db, spec, origin, metric, &key, err);

	if (rc)
		return rc;
	if (destination)
		route = find(destination, &key, spec, same_way);
	if (destination && !route && origin == GW_ROUTE_STATIC)
		route = find(destination, &key, spec, any_way);
	if (!route)
		return refuse(err, ENOENT, spec, &key, "there is no such");
	return stage_delete(db, txn, route, err);
}

int gw_route_delete_all(struct gw_route_db *db, struct gw_txn *txn,
	const struct gw_prefix *destination, enum gw_route_origin origin, uint32_t metric,
	struct gw_error *err)
{
	const struct gw_db_route key = { .origin = origin, .metric = metric };
	struct gw_prefix prefix = gw_db_prefix_mask(destination);
	struct gw_db_destination *found = gw_db_destination_find(db, &prefix);
	struct gw_db_route *route;
	int deleted = 0;

	while (found && (route = find(found, &key, NULL, NULL))) {
		int rc = stage_delete(db, txn, route, err);

		if (rc)
			return rc;
		deleted++;
	}
	return deleted;
}

int gw_route_each(struct gw_route_db *db,
	int (*visit)(void *ctx, const struct gw_route_spec *spec, enum gw_route_origin origin,
		uint32_t metric),
	void *ctx)
{
	struct gw_db_route *route;

	TAILQ_FOREACH (route, &db->routes, order) {
		struct gw_route_spec spec = {
			.destination = route->destination->prefix,
			.kind = route->kind,
		};
		int rc;

		if (!route->active)
			continue;
		if (route->gateway)
			spec.gateway = route->gateway->addr;
		if (route->kind == GW_ROUTE_UNICAST)
			snprintf(spec.port, sizeof(spec.port), "%s",
				db->options.port_name(db->options.ctx, route->port));
		rc = visit(ctx, &spec, route->origin, route->metric);
		if (rc)
			return rc;
	}
	return 0;
}
