// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Puts what the kernel says into the route database. What is there already, or gone already, is no
// failure: events repeat what a dump has shown.

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "linux/mirror.h"

// Said once for each dump: a flood of routes beyond the limit is one problem, not a million.
void gw_mirror_fail(struct gw_netlink *netlink, const char *what)
{
	netlink->failures++;
	if (!netlink->told_failure)
		gw_log_warning("the kernel's tables are not mirrored in full: %s", what);
	netlink->told_failure = true;
}

void gw_mirror_say_multipath(struct gw_netlink *netlink, const struct gw_route_spec *route)
{
	char text[GW_ADDR_STRLEN + 4];

	if (!netlink->told_multipath)
		gw_log_notice("the kernel's route to %s has several ways; of such routes the first "
			      "way is used",
			gw_prefix_format(&route->destination, text));
	netlink->told_multipath = true;
}

static int stage_neighbour(struct gw_netlink *netlink, struct gw_txn *txn,
	const struct gw_mirror_item *item, struct gw_error *err)
{
	return item->present ? gw_neighbour_add(
				       netlink->routes, txn, &item->neighbour, GW_ROUTE_KERNEL, err)
			     : gw_neighbour_delete(netlink->routes, txn, &item->neighbour,
				       GW_ROUTE_KERNEL, err);
}

static int stage_address(struct gw_netlink *netlink, struct gw_txn *txn,
	const struct gw_mirror_item *item, struct gw_error *err)
{
	return item->present ? gw_port_address_add(netlink->routes, txn, item->port, &item->address,
				       GW_ROUTE_KERNEL, err)
			     : gw_port_address_delete(netlink->routes, txn, item->port,
				       &item->address, GW_ROUTE_KERNEL, err);
}

static int stage_route(struct gw_netlink *netlink, struct gw_txn *txn,
	const struct gw_mirror_item *item, struct gw_error *err)
{
	return item->present ? gw_route_add(netlink->routes, txn, &item->route, GW_ROUTE_KERNEL,
				       item->metric, err)
			     : gw_route_delete(netlink->routes, txn, &item->route, GW_ROUTE_KERNEL,
				       item->metric, err);
}

void gw_mirror_stage(
	struct gw_netlink *netlink, struct gw_txn *txn, const struct gw_mirror_item *item)
{
	struct gw_error err = {};
	int rc;

	switch (item->kind) {
	case GW_MIRROR_ADDRESS:
		rc = stage_address(netlink, txn, item, &err);
		break;
	case GW_MIRROR_ROUTE:
		rc = stage_route(netlink, txn, item, &err);
		break;
	case GW_MIRROR_NEIGHBOUR:
		rc = stage_neighbour(netlink, txn, item, &err);
		break;
	default:
		return;
	}
	if (rc && rc != -EEXIST && rc != -ENOENT)
		gw_mirror_fail(netlink, err.text);
}

static void link_changed(struct gw_netlink *netlink, const struct gw_mirror_item *item)
{
	for (unsigned int i = 0; i < netlink->ports.count; i++) {
		if (netlink->ports.ports[i].index != item->port ||
			netlink->ports.ports[i].up == item->present)
			continue;
		netlink->ports.ports[i].up = item->present;
		gw_log_notice("%s: the host's interface is %s", netlink->ports.ports[i].name,
			item->gone      ? "deleted; restart to have it again"
			: item->present ? "up"
					: "down");
		if (netlink->admin)
			netlink->admin(netlink->ctx, item->port, item->present);
	}
}

void gw_mirror_finish(struct gw_netlink *netlink, const struct gw_mirror_item *item)
{
	if (item->kind == GW_MIRROR_LINK)
		link_changed(netlink, item);
	else if (item->kind == GW_MIRROR_NEIGHBOUR && item->present)
		gw_neighbour_set_stale(
			netlink->routes, item->port, &item->neighbour.address, item->stale);
}

static int compare_routes(const struct gw_mirror_item *a, const struct gw_mirror_item *b)
{
	const struct gw_route_spec *x = &a->route, *y = &b->route;
	int order = gw_addr_compare(&x->destination.addr, &y->destination.addr);

	if (!order)
		order = (int)x->destination.length - (int)y->destination.length;
	if (!order && a->metric != b->metric)
		order = a->metric < b->metric ? -1 : 1;
	if (!order)
		order = (int)x->kind - (int)y->kind;
	if (!order)
		order = gw_addr_compare(&x->gateway, &y->gateway);
	return order ? order : strcmp(x->port, y->port);
}

int gw_mirror_compare(const struct gw_mirror_item *a, const struct gw_mirror_item *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (order)
		return order;
	if (a->kind == GW_MIRROR_ROUTE)
		return compare_routes(a, b);
	if (a->port != b->port)
		return (int)a->port - (int)b->port;
	if (a->kind == GW_MIRROR_NEIGHBOUR)
		return gw_addr_compare(&a->neighbour.address, &b->neighbour.address);
	order = gw_addr_compare(&a->address.addr, &b->address.addr);
	return order ? order : (int)a->address.length - (int)b->address.length;
}
