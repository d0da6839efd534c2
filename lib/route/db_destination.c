// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What is known about one prefix, and what of it counts: our own address before any route, a static
// route before the kernel's, a lower metric before a higher, the older of two alike.

#include <errno.h>
#include <stdlib.h>

#include <rte_jhash.h>

#include "route/db_tables.h"

static struct gw_db_destinations *bucket_of(struct gw_route_db *db, const struct gw_prefix *prefix)
{
	uint32_t hash = rte_jhash(
		prefix->addr.bytes, gw_addr_bytes(prefix->addr.family), db->seed + prefix->length);

	return &db->destinations[hash & db->destination_mask];
}

struct gw_db_destination *gw_db_destination_find(
	struct gw_route_db *db, const struct gw_prefix *prefix)
{
	struct gw_db_destination *destination;

	LIST_FOREACH (destination, bucket_of(db, prefix), next)
		if (destination->prefix.length == prefix->length &&
			gw_addr_equal(&destination->prefix.addr, &prefix->addr))
			return destination;
	return NULL;
}

struct gw_prefix gw_db_prefix_mask(const struct gw_prefix *prefix)
{
	struct gw_prefix masked = *prefix;
	unsigned int bytes = gw_addr_bytes(prefix->addr.family);

	for (unsigned int i = 0; i < bytes; i++) {
		unsigned int bits = prefix->length > 8 * i ? prefix->length - 8 * i : 0;

		if (bits < 8)
			masked.addr.bytes[i] &= (uint8_t)(0xff00 >> bits);
	}
	return masked;
}

int gw_db_destination_get(struct gw_route_db *db, const struct gw_prefix *prefix,
	struct gw_db_destination **result, struct gw_error *err)
{
	struct gw_db_destination *destination = gw_db_destination_find(db, prefix);
	int rc;

	*result = destination;
	if (destination) {
		destination->references++;
		return 0;
	}
	destination = calloc(1, sizeof(*destination));
	if (!destination)
		return gw_error_set(err, ENOMEM, "no memory for a route");
	rc = gw_fib_route_prepare(db->fib, prefix);
	if (rc) {
		free(destination);
		return gw_error_set(err, -rc, "%s",
			rc == -ENOSPC ? "the forwarding table is full; raise limits.routes"
				      : "no memory for the forwarding table");
	}
	destination->prefix = *prefix;
	destination->references = 1;
	TAILQ_INIT(&destination->candidates);
	LIST_INSERT_HEAD(bucket_of(db, prefix), destination, next);
	*result = destination;
	return 0;
}

void gw_db_destination_put(struct gw_route_db *db, struct gw_db_destination *destination)
{
	if (--destination->references > 0)
		return;
	gw_fib_route_unprepare(db->fib, &destination->prefix);
	LIST_REMOVE(destination, next);
	free(destination);
}

// Packets to link-local addresses are not forwarded (RFC 4291 section 2.5.6), and each port has its
// own fe80::/64.
static bool is_link_local(const struct gw_prefix *prefix)
{
	return prefix->addr.family == 6 && prefix->length >= 10 && prefix->addr.bytes[0] == 0xfe &&
	       (prefix->addr.bytes[1] & 0xc0) == 0x80;
}

// The slot that counts; 0: the prefix has no route of its own.
static uint32_t choose(const struct gw_route_db *db, const struct gw_db_destination *destination)
{
	const struct gw_db_route *route;

	if (destination->local)
		return db->local_slot;
	TAILQ_FOREACH (route, &destination->candidates, candidate)
		if (route->active)
			break;
	if (!route || is_link_local(&destination->prefix))
		return 0;
	if (route->kind == GW_ROUTE_BLACKHOLE)
		return db->blackhole_slot;
	return route->gateway ? route->gateway->slot : db->on_link[route->port];
}

void gw_db_destination_publish(struct gw_route_db *db, struct gw_db_destination *destination)
{
	uint32_t slot = choose(db, destination);

	if (slot == destination->slot)
		return;
	destination->slot = slot;
	if (slot)
		gw_fib_route_set(db->fib, &destination->prefix, slot);
	else
		gw_fib_route_clear(db->fib, &destination->prefix);
}
