// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The route database as a whole: made, freed, asked for what it publishes to. Its records are
// changed in db_route.c, db_neighbour.c and db_address.c; db_destination.c decides which of the
// records about one prefix counts.

#include "route/db.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_random.h>

#include "route/db_tables.h"

int gw_db_port(struct gw_route_db *db, const char *name, uint16_t *port, struct gw_error *err)
{
	int index = db->options.port_index(db->options.ctx, name);

	if (index < 0 || index >= GW_MAX_LINKS)
		return gw_error_set(err, ENODEV,
			"there is no port \"%s\"; use the name of a configured port", name);
	*port = (uint16_t)index;
	return 0;
}

static int fixed_slot(struct gw_route_db *db, enum gw_nexthop_kind kind, uint32_t *slot)
{
	const struct gw_nexthop nexthop = { .kind = (uint8_t)kind };
	int allocated = gw_fib_nexthop_allocate(db->fib);

	if (allocated < 0)
		return allocated;
	*slot = (uint32_t)allocated;
	gw_fib_nexthop_set(db->fib, *slot, &nexthop);
	return 0;
}

// Slots: each neighbour, each gateway without an entry, and those of ports and kinds.
static uint32_t max_nexthops(const struct gw_route_db_options *options)
{
	return 2 * options->max_neighbours + 1024 + GW_MAX_LINKS;
}

static int tables_new(struct gw_route_db *db, struct gw_error *err)
{
	const struct gw_route_db_options *options = &db->options;
	uint32_t buckets = RTE_MIN(options->max_routes, 1u << 22) + GW_DB_MAX_ADDRESSES;

	db->destination_mask = rte_align32pow2(buckets) - 1;
	db->hop_mask = rte_align32pow2(RTE_MIN(options->max_neighbours, 1u << 20) + 64) - 1;
	db->destinations = calloc(db->destination_mask + 1, sizeof(*db->destinations));
	db->hops = calloc(db->hop_mask + 1, sizeof(*db->hops));
	db->local = gw_local_new(options->reclaim);
	if (!db->destinations || !db->hops || !db->local)
		return gw_error_set(
			err, ENOMEM, "no memory for a table of %u routes", options->max_routes);
	// Twice, because a replacement is there before the replaced goes.
	db->fib = gw_fib_new(2 * (options->max_routes + 2 * GW_DB_MAX_ADDRESSES),
		max_nexthops(options), options->reclaim, err);
	if (!db->fib)
		return -ENOMEM;
	if (fixed_slot(db, GW_NEXTHOP_LOCAL, &db->local_slot) != 0 ||
		fixed_slot(db, GW_NEXTHOP_BLACKHOLE, &db->blackhole_slot) != 0)
		return gw_error_set(err, ENOSPC, "no next hop is free");
	return 0;
}

struct gw_route_db *gw_route_db_new(const struct gw_route_db_options *options, struct gw_error *err)
{
	struct gw_route_db *db = calloc(1, sizeof(*db));

	if (!db) {
		gw_error_set(err, ENOMEM, "no memory");
		return NULL;
	}
	db->options = *options;
	db->seed = (uint32_t)rte_rand();
	TAILQ_INIT(&db->hop_order);
	TAILQ_INIT(&db->routes);
	TAILQ_INIT(&db->addresses);
	if (tables_new(db, err) != 0) {
		gw_route_db_free(db);
		return NULL;
	}
	return db;
}

// Frees the records without publishing: no worker is left to look.
static void records_free(struct gw_route_db *db)
{
	while (!TAILQ_EMPTY(&db->routes)) {
		struct gw_db_route *route = TAILQ_FIRST(&db->routes);

		TAILQ_REMOVE(&db->routes, route, order);
		free(route);
	}
	while (!TAILQ_EMPTY(&db->addresses)) {
		struct gw_db_address *address = TAILQ_FIRST(&db->addresses);

		TAILQ_REMOVE(&db->addresses, address, order);
		free(address->connected);
		free(address);
	}
	while (!TAILQ_EMPTY(&db->hop_order)) {
		struct gw_db_hop *hop = TAILQ_FIRST(&db->hop_order);

		TAILQ_REMOVE(&db->hop_order, hop, order);
		free(hop);
	}
	for (uint32_t i = 0; db->destinations && i <= db->destination_mask; i++) {
		while (!LIST_EMPTY(&db->destinations[i])) {
			struct gw_db_destination *destination = LIST_FIRST(&db->destinations[i]);

			LIST_REMOVE(destination, next);
			free(destination);
		}
	}
}

void gw_route_db_free(struct gw_route_db *db)
{
	if (!db)
		return;
	records_free(db);
	gw_fib_free(db->fib);
	gw_local_free(db->local);
	free(db->destinations);
	free(db->hops);
	free(db);
}

const struct gw_fib *gw_route_db_fib(struct gw_route_db *db)
{
	return db->fib;
}

const struct gw_local *gw_route_db_local(struct gw_route_db *db)
{
	return db->local;
}

const char *gw_route_db_port_name(const struct gw_route_db *db, uint16_t port)
{
	return db->options.port_name(db->options.ctx, port);
}
