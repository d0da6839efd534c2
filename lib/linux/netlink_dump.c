// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Makes the database equal to the kernel's tables.
//
// 1. Mark: dump links, addresses, routes and neighbours into one list. A dump that the kernel says
//    was interrupted by a change (NLM_F_DUMP_INTR) is taken again. The list keeps the kernel's
//    order, because of the ways of a multipath route the first counts; a second one, of pointers,
//    is sorted for the sweep.
// 2. Sweep: stage the deletion of the database's kernel records that the list has not, then the
//    addition of what it has; what is there already is refused as such.
// 3. Commit the additions before the deletions, so that a route whose way changed is never without
//    one.
//
// Events that were queued before or during the dump are applied after it. Each says what the kernel
// held at its time, and the last one about a thing agrees with the dump or is newer.

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/mirror.h"

#define ATTEMPTS 8

struct list {
	struct gw_netlink *netlink;
	struct gw_mirror_item *items;
	const struct gw_mirror_item **sorted;
	size_t count;
	size_t room;
	bool no_memory;
};

static int take(struct nl_msg *message, void *argument)
{
	struct list *list = argument;
	unsigned int count;

	if (list->room - list->count < GW_MIRROR_ITEMS) {
		size_t room = 2 * list->room + 4 * GW_MIRROR_ITEMS;
		struct gw_mirror_item *items = reallocarray(list->items, room, sizeof(*items));

		if (!items) {
			list->no_memory = true;
			return NL_STOP;
		}
		list->items = items;
		list->room = room;
	}
	count = gw_mirror_parse(
		&list->netlink->ports, nlmsg_hdr(message), &list->items[list->count]);
	if (count > 1)
		gw_mirror_say_multipath(list->netlink, &list->items[list->count].route);
	list->count += count;
	return NL_OK;
}

// One table. The header is that of the kind of message, with the family alone.
static int dump_table(struct gw_netlink *netlink, struct list *list, int type, int family,
	struct nl_cb *callbacks)
{
	struct rtmsg header = { .rtm_family = (unsigned char)family }; // the longest that is needed
	size_t before = list->count;
	size_t size = type == RTM_GETLINK    ? sizeof(struct ifinfomsg)
		      : type == RTM_GETADDR  ? sizeof(struct ifaddrmsg)
		      : type == RTM_GETROUTE ? sizeof(struct rtmsg)
					     : sizeof(struct ndmsg);
	uint8_t padded[32] = {};
	int rc = 0;

	memcpy(padded, &header, sizeof(header));
	for (unsigned int attempt = 0; attempt < ATTEMPTS; attempt++) {
		list->count = before;
		rc = nl_send_simple(netlink->query, type, NLM_F_DUMP, padded, size);
		if (rc >= 0)
			rc = nl_recvmsgs(netlink->query, callbacks);
		if (rc != -NLE_DUMP_INTR)
			break;
	}
	return list->no_memory ? -NLE_NOMEM : rc;
}

static int dump_all(struct gw_netlink *netlink, struct list *list, struct gw_error *err)
{
	static const struct {
		int type;
		int family;
		const char *name;
	} tables[] = {
		{ RTM_GETLINK, AF_UNSPEC, "interfaces" },
		{ RTM_GETADDR, AF_INET, "IPv4 addresses" },
		{ RTM_GETADDR, AF_INET6, "IPv6 addresses" },
		{ RTM_GETROUTE, AF_INET, "IPv4 routes" },
		{ RTM_GETROUTE, AF_INET6, "IPv6 routes" },
		{ RTM_GETNEIGH, AF_INET, "IPv4 neighbours" },
		{ RTM_GETNEIGH, AF_INET6, "IPv6 neighbours" },
	};
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int rc = 0;

	if (!callbacks)
		return gw_error_set(err, ENOMEM, "no memory for the kernel's tables");
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, take, list);
	for (size_t i = 0; !rc && i < sizeof(tables) / sizeof(tables[0]); i++) {
		int code = dump_table(netlink, list, tables[i].type, tables[i].family, callbacks);

		// A kernel without IPv6 has none of its tables.
		if (code < 0 && !(tables[i].family == AF_INET6 && code == -NLE_OPNOTSUPP))
			rc = gw_error_set(err, EIO, "cannot read the kernel's %s: %s",
				tables[i].name, nl_geterror(code));
	}
	nl_cb_put(callbacks);
	return rc;
}

static int compare_pointers(const void *a, const void *b)
{
	return gw_mirror_compare(
		*(const struct gw_mirror_item *const *)a, *(const struct gw_mirror_item *const *)b);
}

static int sort(struct list *list)
{
	list->sorted = calloc(list->count + 1, sizeof(*list->sorted));
	if (!list->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		list->sorted[i] = &list->items[i];
	qsort(list->sorted, list->count, sizeof(*list->sorted), compare_pointers);
	return 0;
}

// What the sweep carries along.
struct sweep {
	struct gw_netlink *netlink;
	const struct list *list;
	struct gw_txn *old; // deletions
};

static void sweep_item(const struct sweep *sweep, struct gw_mirror_item *item)
{
	const struct gw_mirror_item *key = item, *const * found;

	found = bsearch(
		&key, sweep->list->sorted, sweep->list->count, sizeof(key), compare_pointers);
	if (found && (*found)->present)
		return;
	item->present = false;
	gw_mirror_stage(sweep->netlink, sweep->old, item);
}

static int sweep_route(
	void *ctx, const struct gw_route_spec *spec, enum gw_route_origin origin, uint32_t metric)
{
	struct gw_mirror_item item = {
		.kind = GW_MIRROR_ROUTE,
		.metric = metric,
		.route = *spec,
	};

	if (origin == GW_ROUTE_KERNEL)
		sweep_item(ctx, &item);
	return 0;
}

static int sweep_address(
	void *ctx, uint16_t port, const struct gw_prefix *address, enum gw_route_origin origin)
{
	struct gw_mirror_item item = {
		.kind = GW_MIRROR_ADDRESS,
		.port = port,
		.address = *address,
	};

	if (origin == GW_ROUTE_KERNEL)
		sweep_item(ctx, &item);
	return 0;
}

static int sweep_neighbour(
	void *ctx, const struct gw_neighbour_spec *spec, enum gw_route_origin origin)
{
	const struct sweep *sweep = ctx;
	const struct gw_mirror_ports *ports = &sweep->netlink->ports;
	struct gw_mirror_item item = { .kind = GW_MIRROR_NEIGHBOUR, .neighbour = *spec };

	for (unsigned int i = 0; i < ports->count; i++)
		if (strcmp(ports->ports[i].name, spec->port) == 0)
			item.port = ports->ports[i].index;
	if (origin == GW_ROUTE_KERNEL)
		sweep_item(sweep, &item);
	return 0;
}

static int sweep_all(struct gw_netlink *netlink, const struct list *list)
{
	struct sweep sweep = { .netlink = netlink, .list = list, .old = gw_txn_new() };
	struct gw_txn *fresh = gw_txn_new();

	if (!sweep.old || !fresh) {
		if (sweep.old)
			gw_txn_abort(sweep.old);
		if (fresh)
			gw_txn_abort(fresh);
		return -ENOMEM;
	}
	netlink->told_failure = false;
	gw_route_each(netlink->routes, sweep_route, &sweep);
	gw_port_address_each(netlink->routes, sweep_address, &sweep);
	gw_neighbour_each(netlink->routes, sweep_neighbour, &sweep);
	// A neighbour in the list that is not usable has been swept.
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].present)
			gw_mirror_stage(netlink, fresh, &list->items[i]);
	gw_txn_commit(fresh);
	gw_txn_commit(sweep.old);
	for (size_t i = 0; i < list->count; i++)
		gw_mirror_finish(netlink, &list->items[i]);
	return 0;
}

int gw_mirror_dump(struct gw_netlink *netlink, struct gw_error *err)
{
	struct list list = { .netlink = netlink };
	int rc = dump_all(netlink, &list, err);

	if (!rc) {
		rc = sort(&list);
		if (!rc)
			rc = sweep_all(netlink, &list);
		if (rc)
			gw_error_set(err, -rc, "no memory to mirror the kernel's tables");
	}
	free(list.sorted);
	free(list.items);
	if (!rc)
		netlink->dumps++;
	return rc;
}
