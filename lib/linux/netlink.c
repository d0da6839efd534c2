// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Two netlink sockets. One has joined the multicast groups and tells the event loop of changes; it
// joins before the first dump, so no change falls between. The other one asks, and is answered
// before the call returns.
//
// When the first one overruns (ENOBUFS), changes were lost: a dump follows a moment later. It also
// follows changes after which the kernel removes IPv4 routes without a word: an interface that goes
// down, an address that is deleted. The moment gathers a storm of such changes into one dump.

#include "linux/netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "base/log.h"
#include "linux/mirror.h"

#define RECEIVE_BYTES  (8 << 20)
#define MESSAGE_BYTES  (64 << 10)
#define DUMP_DELAY_MS  50
#define DATAGRAMS_EACH 128 // handled in one go, before the loop looks at other things

static const int groups[] = { RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };

static void dump_later(struct gw_netlink *netlink)
{
	const struct timeval delay = { .tv_usec = DUMP_DELAY_MS * 1000 };

	if (!evtimer_pending(netlink->dump_timer, NULL))
		evtimer_add(netlink->dump_timer, &delay);
}

static void on_dump(evutil_socket_t, short, void *ctx)
{
	struct gw_netlink *netlink = ctx;
	struct gw_error err = {};

	if (gw_mirror_dump(netlink, &err) == 0)
		return;
	gw_mirror_fail(netlink, err.text);
	dump_later(netlink);
}

static bool replaces(const struct nlmsghdr *header)
{
	return header->nlmsg_type == RTM_NEWROUTE && (header->nlmsg_flags & NLM_F_REPLACE);
}

// A changed route takes the place of those with its destination and metric. Of several single ones
// that stood side by side (`ip route append`) the kernel has replaced the first; a dump finds the
// others again.
static void stage_replaced(struct gw_netlink *netlink, struct gw_txn *txn,
	const struct gw_mirror_item *items, unsigned int count)
{
	struct gw_error err = {};
	int deleted = gw_route_delete_all(netlink->routes, txn, &items->route.destination,
		GW_ROUTE_KERNEL, items->metric, &err);

	if (deleted < 0)
		gw_mirror_fail(netlink, err.text);
	if (deleted > 1 && count == 1)
		dump_later(netlink);
}

// Deletions are staged first, for they make room, and committed last, so that a route whose way
// changes is never without one.
static int apply(struct gw_netlink *netlink, const struct nlmsghdr *header,
	const struct gw_mirror_item *items, unsigned int count)
{
	struct gw_txn *old = gw_txn_new(), *fresh = gw_txn_new();

	if (!old || !fresh) {
		if (old)
			gw_txn_abort(old);
		if (fresh)
			gw_txn_abort(fresh);
		return -ENOMEM;
	}
	if (replaces(header))
		stage_replaced(netlink, old, items, count);
	for (unsigned int i = 0; i < count; i++)
		gw_mirror_stage(netlink, fresh, &items[i]);
	gw_txn_commit(fresh);
	gw_txn_commit(old);
	return 0;
}

static bool loses_routes_silently(const struct gw_mirror_item *item)
{
	return item->kind == GW_MIRROR_LINK || (item->kind == GW_MIRROR_ADDRESS && !item->present);
}

static int on_message(struct nl_msg *message, void *ctx)
{
	struct gw_netlink *netlink = ctx;
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct gw_mirror_item items[GW_MIRROR_ITEMS];
	unsigned int count = gw_mirror_parse(&netlink->ports, header, items);

	if (count == 0)
		return NL_OK;
	if (apply(netlink, header, items, count) != 0) {
		dump_later(netlink);
		return NL_OK;
	}
	for (unsigned int i = 0; i < count; i++)
		gw_mirror_finish(netlink, &items[i]);
	if (count > 1)
		gw_mirror_say_multipath(netlink, &items[0].route);
	if (loses_routes_silently(&items[0]))
		dump_later(netlink);
	return NL_OK;
}

static void overrun(struct gw_netlink *netlink)
{
	netlink->overruns++;
	dump_later(netlink);
}

static void on_readable(evutil_socket_t, short, void *ctx)
{
	struct gw_netlink *netlink = ctx;

	for (unsigned int i = 0; i < DATAGRAMS_EACH; i++) {
		int rc = nl_recvmsgs_default(netlink->groups);

		if (rc == -NLE_AGAIN)
			return;
		if (rc == -NLE_NOMEM) { // libnl's word for ENOBUFS
			overrun(netlink);
		} else if (rc < 0) {
			gw_mirror_fail(netlink, nl_geterror(rc));
			dump_later(netlink);
			return;
		}
	}
}

static int on_answer(struct sockaddr_nl *, struct nlmsgerr *error, void *ctx)
{
	struct gw_netlink *netlink = ctx;

	netlink->answer = error->error;
	return NL_STOP;
}

int gw_netlink_resolve(struct gw_netlink *netlink, uint16_t port, const struct gw_addr *addr)
{
	struct ndmsg header = {
		.ndm_family = addr->family == 4 ? AF_INET : AF_INET6,
		.ndm_flags = NTF_USE,
	};
	struct nl_msg *message;
	int rc = -ENOMEM;

	for (unsigned int i = 0; i < netlink->ports.count; i++)
		if (netlink->ports.ports[i].index == port)
			header.ndm_ifindex = netlink->ports.ports[i].ifindex;
	if (!header.ndm_ifindex)
		return -ENODEV;
	message = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_CREATE);
	if (!message)
		return -ENOMEM;
	if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
		nla_put(message, NDA_DST, (int)gw_addr_bytes(addr->family), addr->bytes) < 0)
		goto free_message;
	netlink->answer = 0;
	rc = -EIO;
	if (nl_send_auto(netlink->query, message) < 0)
		goto free_message;
	// The error code of the answer is in netlink->answer; libnl's own is less exact.
	if (nl_wait_for_ack(netlink->query) < 0 && !netlink->answer)
		goto free_message;
	rc = netlink->answer;
free_message:
	nlmsg_free(message);
	return rc;
}

static int ask(void *ctx, uint16_t port, const struct gw_addr *addr)
{
	return gw_netlink_resolve(ctx, port, addr);
}

void gw_netlink_confirm(struct gw_netlink *netlink)
{
	gw_neighbour_ask_stale(netlink->routes, ask, netlink);
}

static struct nl_sock *socket_new(struct gw_error *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int rc = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!rc)
		rc = nl_socket_set_msg_buf_size(sock, MESSAGE_BYTES);
	if (!rc)
		return sock;
	gw_error_set(err, EIO, "cannot talk to the kernel by netlink: %s", nl_geterror(rc));
	nl_socket_free(sock);
	return NULL;
}

// Beyond the limit for ordinary users (net.core.rmem_max) with CAP_NET_ADMIN, else up to it.
static void set_receive_bytes(struct nl_sock *sock, unsigned int bytes)
{
	int value = bytes ? (int)bytes : RECEIVE_BYTES;
	int fd = nl_socket_get_fd(sock);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
}

static int groups_join(
	struct gw_netlink *netlink, const struct gw_netlink_options *options, struct gw_error *err)
{
	int rc = 0;

	netlink->groups = socket_new(err);
	if (!netlink->groups)
		return -EIO;
	set_receive_bytes(netlink->groups, options->receive_bytes);
	nl_socket_disable_seq_check(netlink->groups);
	nl_socket_modify_cb(netlink->groups, NL_CB_VALID, NL_CB_CUSTOM, on_message, netlink);
	for (size_t i = 0; !rc && i < sizeof(groups) / sizeof(groups[0]); i++)
		rc = nl_socket_add_membership(netlink->groups, groups[i]);
	if (!rc)
		rc = nl_socket_set_nonblocking(netlink->groups);
	if (rc)
		return gw_error_set(
			err, EIO, "cannot follow the kernel's tables: %s", nl_geterror(rc));
	netlink->readable = event_new(options->events, nl_socket_get_fd(netlink->groups),
		EV_READ | EV_PERSIST, on_readable, netlink);
	netlink->dump_timer = evtimer_new(options->events, on_dump, netlink);
	if (!netlink->readable || !netlink->dump_timer || event_add(netlink->readable, NULL) != 0)
		return gw_error_set(err, ENOMEM, "the event loop does not take netlink's socket");
	return 0;
}

static int port_take(
	struct gw_netlink *netlink, const struct gw_netlink_port *port, struct gw_error *err)
{
	struct gw_mirror_ports *ports = &netlink->ports;
	unsigned int i = ports->count;

	if (i >= GW_MAX_LINKS)
		return gw_error_set(
			err, EINVAL, "there are %u interfaces to mirror, which is all", i);
	ports->ports[i].index = port->index;
	ports->ports[i].ifindex = port->ifindex;
	ports->ports[i].up = true;
	snprintf(ports->ports[i].name, GW_PORT_NAME_SIZE, "%s",
		gw_route_db_port_name(netlink->routes, port->index));
	ports->count++;
	return 0;
}

static int ports_take(
	struct gw_netlink *netlink, const struct gw_netlink_options *options, struct gw_error *err)
{
	for (unsigned int i = 0; i < options->port_count; i++) {
		int rc = port_take(netlink, &options->ports[i], err);

		if (rc)
			return rc;
	}
	return 0;
}

int gw_netlink_port_add(
	struct gw_netlink *netlink, const struct gw_netlink_port *port, struct gw_error *err)
{
	int rc = port_take(netlink, port, err);

	// What is there already comes with a dump a moment later, one for many that are added.
	if (!rc)
		dump_later(netlink);
	return rc;
}

int gw_netlink_port_remove(struct gw_netlink *netlink, uint16_t index, struct gw_error *err)
{
	struct gw_mirror_ports *ports = &netlink->ports;

	for (unsigned int i = 0; i < ports->count; i++) {
		if (ports->ports[i].index != index)
			continue;
		ports->ports[i] = ports->ports[--ports->count];
		break;
	}
	// What is no longer seen there is swept out.
	return gw_mirror_dump(netlink, err);
}

struct gw_netlink *gw_netlink_new(const struct gw_netlink_options *options, struct gw_error *err)
{
	struct gw_netlink *netlink = calloc(1, sizeof(*netlink));

	if (!netlink) {
		gw_error_set(err, ENOMEM, "no memory");
		return NULL;
	}
	netlink->routes = options->routes;
	netlink->admin = options->admin;
	netlink->ctx = options->ctx;
	if (ports_take(netlink, options, err) != 0)
		goto fail;
	netlink->query = socket_new(err);
	if (!netlink->query || groups_join(netlink, options, err) != 0)
		goto fail;
	nl_socket_modify_err_cb(netlink->query, NL_CB_CUSTOM, on_answer, netlink);
	if (gw_mirror_dump(netlink, err) == 0)
		return netlink;
fail:
	gw_netlink_free(netlink);
	return NULL;
}

void gw_netlink_free(struct gw_netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->readable)
		event_free(netlink->readable);
	if (netlink->dump_timer)
		event_free(netlink->dump_timer);
	nl_socket_free(netlink->groups);
	nl_socket_free(netlink->query);
	free(netlink);
}

uint64_t gw_netlink_overruns(const struct gw_netlink *netlink)
{
	return netlink->overruns;
}

uint64_t gw_netlink_dumps(const struct gw_netlink *netlink)
{
	return netlink->dumps;
}

uint64_t gw_netlink_failures(const struct gw_netlink *netlink)
{
	return netlink->failures;
}

void gw_netlink_resync(struct gw_netlink *netlink)
{
	overrun(netlink);
}
