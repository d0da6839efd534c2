// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Static routes, static neighbours and addresses of ports, old against new. What runs does not say
// whether a static entry came from the configuration: those that the old one named did.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "esplanade/reload.h"

// Each kind as an array of elements of one size, which are compared whole or by their id.
struct kind {
	size_t size;
	int (*compare)(const void *a, const void *b);  // whole
	int (*identity)(const void *a, const void *b); // what may exist but once
	int (*add)(struct reload *reload, const void *element);
	int (*delete)(struct reload *reload, const void *element);
	const char *name; // in the configuration
};

struct list {
	char *elements;
	size_t count, room;
	size_t size;
};

static int push(struct list *list, const void *element)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		char *elements = reallocarray(list->elements, room, list->size);

		if (!elements)
			return -ENOMEM;
		list->elements = elements;
		list->room = room;
	}
	memcpy(list->elements + list->count++ * list->size, element, list->size);
	return 0;
}

static bool contains(
	const struct list *list, const void *element, int (*compare)(const void *a, const void *b))
{
	return list->count > 0 &&
	       bsearch(element, list->elements, list->count, list->size, compare) != NULL;
}

// old and fresh are as the configurations have them, running is ours to sort. compare refines
// identity, so that one order serves both.
static int stage(struct reload *reload, const struct kind *kind, const struct list *old,
	struct list *fresh, struct list *running)
{
	const char *element;
	int rc = 0;

	if (running->count)
		qsort(running->elements, running->count, running->size, kind->compare);
	if (fresh->count)
		qsort(fresh->elements, fresh->count, fresh->size, kind->compare);
	for (size_t i = 0; !rc && i < old->count; i++) {
		element = old->elements + i * old->size;
		if (contains(fresh, element, kind->identity) ||
			!contains(running, element, kind->compare))
			continue;
		rc = kind->delete (reload, element);
		reload->deleted++;
	}
	for (size_t i = 0; !rc && i < fresh->count; i++) {
		element = fresh->elements + i * fresh->size;
		if (contains(running, element, kind->compare)) {
			reload->unchanged++;
			continue;
		}
		rc = kind->add(reload, element);
		if (contains(running, element, kind->identity))
			reload->replaced++;
		else
			reload->added++;
	}
	if (rc && !reload->err->where[0])
		gw_error_within(reload->err, kind->name, -1);
	return rc;
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_prefixes(const struct gw_prefix *a, const struct gw_prefix *b)
{
	int order = gw_addr_compare(&a->addr, &b->addr);

	return order ? order : compare_numbers(a->length, b->length);
}

static int compare_routes(const void *a, const void *b)
{
	const struct gw_route_spec *x = a, *y = b;
	int order = compare_prefixes(&x->destination, &y->destination);

	if (!order)
		order = compare_numbers(x->kind, y->kind);
	if (!order)
		order = gw_addr_compare(&x->gateway, &y->gateway);
	return order ? order : strcmp(x->port, y->port);
}

static int add_route(struct reload *reload, const void *element)
{
	return gw_route_add(
		reload->gateway->routes, reload->txn, element, GW_ROUTE_STATIC, 0, reload->err);
}

static int delete_route(struct reload *reload, const void *element)
{
	return gw_route_delete(
		reload->gateway->routes, reload->txn, element, GW_ROUTE_STATIC, 0, reload->err);
}

// A route through another gateway is another route.
static const struct kind route_kind = { sizeof(struct gw_route_spec), compare_routes,
	compare_routes, add_route, delete_route, "routes" };

static int identify_neighbour(const void *a, const void *b)
{
	const struct gw_neighbour_spec *x = a, *y = b;
	int order = strcmp(x->port, y->port);

	return order ? order : gw_addr_compare(&x->address, &y->address);
}

static int compare_neighbours(const void *a, const void *b)
{
	const struct gw_neighbour_spec *x = a, *y = b;
	int order = identify_neighbour(a, b);

	return order ? order : memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int add_neighbour(struct reload *reload, const void *element)
{
	return gw_neighbour_add(
		reload->gateway->routes, reload->txn, element, GW_ROUTE_STATIC, reload->err);
}

static int delete_neighbour(struct reload *reload, const void *element)
{
	return gw_neighbour_delete(
		reload->gateway->routes, reload->txn, element, GW_ROUTE_STATIC, reload->err);
}

static const struct kind neighbour_kind = { sizeof(struct gw_neighbour_spec), compare_neighbours,
	identify_neighbour, add_neighbour, delete_neighbour, "neighbours" };

struct port_address {
	uint16_t port;
	struct gw_prefix address;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct port_address *x = a, *y = b;
	int order = compare_numbers(x->port, y->port);

	return order ? order : compare_prefixes(&x->address, &y->address);
}

static int add_address(struct reload *reload, const void *element)
{
	const struct port_address *address = element;

	return gw_port_address_add(reload->gateway->routes, reload->txn, address->port,
		&address->address, GW_ROUTE_STATIC, reload->err);
}

static int delete_address(struct reload *reload, const void *element)
{
	const struct port_address *address = element;

	return gw_port_address_delete(reload->gateway->routes, reload->txn, address->port,
		&address->address, GW_ROUTE_STATIC, reload->err);
}

static const struct kind address_kind = { sizeof(struct port_address), compare_addresses,
	compare_addresses, add_address, delete_address, "ports" };

static int take_route(
	void *list, const struct gw_route_spec *spec, enum gw_route_origin origin, uint32_t)
{
	return origin == GW_ROUTE_STATIC ? push(list, spec) : 0;
}

static int take_neighbour(
	void *list, const struct gw_neighbour_spec *spec, enum gw_route_origin origin)
{
	return origin == GW_ROUTE_STATIC ? push(list, spec) : 0;
}

static int take_address(
	void *list, uint16_t port, const struct gw_prefix *prefix, enum gw_route_origin origin)
{
	struct port_address address = { .port = port, .address = *prefix };

	return origin == GW_ROUTE_STATIC ? push(list, &address) : 0;
}

static int take_config(struct list *list, const struct gw_config *config, const struct kind *kind)
{
	int rc = 0;

	if (kind == &route_kind)
		for (unsigned int i = 0; !rc && i < config->route_count; i++)
			rc = push(list, &config->routes[i]);
	else if (kind == &neighbour_kind)
		for (unsigned int i = 0; !rc && i < config->neighbour_count; i++)
			rc = push(list, &config->neighbours[i]);
	else
		for (unsigned int p = 0; !rc && p < config->port_count; p++)
			for (unsigned int i = 0; !rc && i < config->ports[p].address_count; i++)
				rc = take_address(list, (uint8_t)p, &config->ports[p].addresses[i],
					GW_ROUTE_STATIC);
	return rc;
}

static int take_running(struct list *list, struct gw_route_db *db, const struct kind *kind)
{
	if (kind == &route_kind)
		return gw_route_each(db, take_route, list);
	if (kind == &neighbour_kind)
		return gw_neighbour_each(db, take_neighbour, list);
	return gw_port_address_each(db, take_address, list);
}

static int reload_kind(struct reload *reload, const struct kind *kind)
{
	struct list old = { .size = kind->size }, fresh = old, running = old;
	int rc = take_config(&old, reload->old, kind);

	if (!rc)
		rc = take_config(&fresh, reload->fresh, kind);
	if (!rc)
		rc = take_running(&running, reload->gateway->routes, kind);
	if (rc)
		gw_error_set(reload->err, -rc, "out of memory");
	else
		rc = stage(reload, kind, &old, &fresh, &running);
	free(old.elements);
	free(fresh.elements);
	free(running.elements);
	return rc;
}

int gateway_reload_routes(struct reload *reload)
{
	int rc = reload_kind(reload, &address_kind);

	if (!rc)
		rc = reload_kind(reload, &route_kind);
	return rc ? rc : reload_kind(reload, &neighbour_kind);
}
