// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Port addresses of the route database: local to workers, LOCAL in the FIB, the source of ICMP
// errors, and if static with their prefix connected.

#include "route/db.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "route/db_tables.h"

static const char *const origin_words[] = { "static", "kernel" };

// Tells the workers the addresses of a port, in the order of their addition.
static void publish_sources(struct gw_route_db *db, uint16_t port)
{
	struct gw_addr addrs[GW_DB_MAX_ADDRESSES];
	struct gw_db_address *address;
	unsigned int count = 0;

	TAILQ_FOREACH (address, &db->addresses, order)
		if (address->active && address->port == port && count < RTE_DIM(addrs))
			addrs[count++] = address->prefix.addr;
	gw_local_set_source(db->local, port, addrs, count);
}

static void publish(struct gw_route_db *db, struct gw_db_address *address)
{
	gw_db_destination_publish(db, address->host);
	publish_sources(db, address->port);
	if (db->options.routes_changed)
		db->options.routes_changed(db->options.ctx);
}

static void address_free(struct gw_route_db *db, struct gw_db_address *address)
{
	if (address->connected)
		gw_db_route_free(db, address->connected);
	gw_db_destination_put(db, address->host);
	free(address);
}

static void add_commit(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_address *address = item;

	address->active = true;
	gw_local_add(db->local, &address->prefix.addr);
	gw_local_unreserve(db->local);
	address->host->local++;
	if (address->connected)
		gw_db_route_activate(db, address->connected);
	publish(db, address);
}

static void add_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_address *address = item;

	gw_local_unreserve(db->local);
	TAILQ_REMOVE(&db->addresses, address, order);
	db->address_count--;
	address_free(db, address);
}

static void delete_commit(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_address *address = item;

	address->active = false;
	address->host->local--;
	if (address->connected)
		gw_db_route_deactivate(db, address->connected);
	publish(db, address);
	gw_local_remove(db->local, &address->prefix.addr);
	TAILQ_REMOVE(&db->addresses, address, order);
	address_free(db, address);
}

static void delete_abort(void *owner, void *item)
{
	struct gw_route_db *db = owner;
	struct gw_db_address *address = item;

	address->staged = true;
	db->address_count++;
}

static struct gw_db_address *find(struct gw_route_db *db, uint16_t port,
	const struct gw_prefix *prefix, enum gw_route_origin origin)
{
	struct gw_db_address *address;

	TAILQ_FOREACH (address, &db->addresses, order)
		if (address->staged && address->port == port && address->origin == origin &&
			address->prefix.length == prefix->length &&
			gw_addr_equal(&address->prefix.addr, &prefix->addr))
			return address;
	return NULL;
}

static int refuse(struct gw_error *err, int code, const struct gw_route_db *db, uint16_t port,
	const struct gw_prefix *prefix, enum gw_route_origin origin, const char *what)
{
	char text[GW_ADDR_STRLEN + 4];

	return gw_error_set(err, code, "port %s has %s %s address %s",
		db->options.port_name(db->options.ctx, port), what, origin_words[origin],
		gw_prefix_format(prefix, text));
}

static int connect_prefix(
	struct gw_route_db *db, struct gw_db_address *address, struct gw_error *err)
{
	const struct gw_db_route values = {
		.kind = GW_ROUTE_UNICAST,
		.origin = GW_ROUTE_STATIC,
		.port = address->port,
		.connected = true,
		.staged = true,
	};
	struct gw_prefix prefix = gw_db_prefix_mask(&address->prefix);

	if (address->origin != GW_ROUTE_STATIC ||
		prefix.length == 8 * gw_addr_bytes(prefix.addr.family))
		return 0;
	return gw_db_route_new(db, &values, &prefix, NULL, &address->connected, err);
}

static int address_new(struct gw_route_db *db, const struct gw_db_address *values,
	struct gw_db_address **result, struct gw_error *err)
{
	struct gw_prefix host = values->prefix;
	struct gw_db_address *address = malloc(sizeof(*address));
	int rc;

	if (!address)
		return gw_error_set(err, ENOMEM, "no memory for an address");
	*address = *values;
	host.length = (uint8_t)(8 * gw_addr_bytes(host.addr.family));
	rc = gw_db_destination_get(db, &host, &address->host, err);
	if (rc)
		goto free_address;
	rc = connect_prefix(db, address, err);
	if (rc)
		goto put_host;
	*result = address;
	return 0;

put_host:
	gw_db_destination_put(db, address->host);
free_address:
	free(address);
	return rc;
}

int gw_port_address_add(struct gw_route_db *db, struct gw_txn *txn, uint16_t port,
	const struct gw_prefix *prefix, enum gw_route_origin origin, struct gw_error *err)
{
	const struct gw_db_address values = {
		.prefix = *prefix,
		.origin = origin,
		.port = port,
		.staged = true,
	};
	struct gw_txn_step step = { add_commit, add_abort, db, NULL };
	struct gw_db_address *address = NULL;
	int rc;

	if (port >= GW_MAX_LINKS)
		return gw_error_set(err, ENODEV, "there is no port %u", port);
	if (find(db, port, prefix, origin))
		return refuse(err, EEXIST, db, port, prefix, origin, "already the");
	if (db->address_count >= GW_DB_MAX_ADDRESSES)
		return gw_error_set(err, ENOSPC,
			"the ports have %u addresses already, which is all "
			"there is room for",
			db->address_count);
	rc = address_new(db, &values, &address, err);
	if (rc)
		return rc;
	if (gw_local_reserve(db->local) != 0)
		goto no_memory;
	step.item = address;
	if (gw_txn_add(txn, &step) == 0) {
		TAILQ_INSERT_TAIL(&db->addresses, address, order);
		db->address_count++;
		return 0;
	}
	gw_local_unreserve(db->local);
no_memory:
	address_free(db, address);
	return gw_error_set(err, ENOMEM, "no memory for an address");
}

int gw_port_address_delete(struct gw_route_db *db, struct gw_txn *txn, uint16_t port,
	const struct gw_prefix *prefix, enum gw_route_origin origin, struct gw_error *err)
{
	struct gw_txn_step step = { delete_commit, delete_abort, db, NULL };
	struct gw_db_address *address = find(db, port, prefix, origin);

	if (!address)
		return refuse(err, ENOENT, db, port, prefix, origin, "no");
	step.item = address;
	if (gw_txn_add(txn, &step) != 0)
		return gw_error_set(err, ENOMEM, "no memory to delete an address");
	address->staged = false;
	db->address_count--;
	return 0;
}

int gw_port_address_each(struct gw_route_db *db,
	int (*visit)(void *ctx, uint16_t port, const struct gw_prefix *address,
		enum gw_route_origin origin),
	void *ctx)
{
	struct gw_db_address *address;

	TAILQ_FOREACH (address, &db->addresses, order) {
		int rc = address->active
				 ? visit(ctx, address->port, &address->prefix, address->origin)
				 : 0;

		if (rc)
			return rc;
	}
	return 0;
}
