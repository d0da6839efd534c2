// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/addr.h"
#include "route/db.h"

struct event_base;

// Mirrors the kernel's addresses, routes (main table) and neighbours on the ports' TAP interfaces
// into the route database: first the multicast groups, then one dump; a new dump when the socket
// overran, after which what the kernel no longer has is removed. What goes wrong after the start is
// logged and counted, and a later dump makes up for it.
//
// Of the kernel's routes, those that leave by other interfaces, have a TOS, a source prefix or an
// encapsulation are left out. Blackhole, unreachable and prohibit routes all drop. Of the ways of a
// multipath route the first is used.
struct gw_netlink;

struct gw_netlink_port {
	uint16_t index; // the gateway's: a link (route/fib.h)
	int ifindex;    // the kernel's
};

struct gw_netlink_options {
	struct event_base *events;
	struct gw_route_db *routes;
	const struct gw_netlink_port *ports; // copied
	unsigned int port_count;
	unsigned int receive_bytes; // socket buffer; 0: 8 MB
	// The administrator set a TAP up or down (`ip link set wan down`), or deleted it. May be
	// NULL. TAPs are up at first.
	void (*admin)(void *ctx, uint16_t port, bool up);
	void *ctx;
};

// The mirror is complete when it returns. NULL with err filled.
struct gw_netlink *gw_netlink_new(const struct gw_netlink_options *options, struct gw_error *err);
void gw_netlink_free(struct gw_netlink *netlink); // NULL is allowed

// Mirrors one more, from a moment later; or one less, and forgets what the kernel had there. 0, or
// a negative errno with err filled: then some of it may be missing until a later dump.
int gw_netlink_port_add(
	struct gw_netlink *netlink, const struct gw_netlink_port *port, struct gw_error *err);
int gw_netlink_port_remove(struct gw_netlink *netlink, uint16_t index, struct gw_error *err);

// Asks the kernel to resolve addr on that port, or to confirm an entry that traffic uses (NTF_USE).
// 0 or a negative errno.
int gw_netlink_resolve(struct gw_netlink *netlink, uint16_t port, const struct gw_addr *addr);

// Call it every few seconds: confirms entries that the kernel thinks stale and the workers use.
void gw_netlink_confirm(struct gw_netlink *netlink);

uint64_t gw_netlink_overruns(const struct gw_netlink *netlink);
uint64_t gw_netlink_dumps(const struct gw_netlink *netlink);    // complete ones, the first included
uint64_t gw_netlink_failures(const struct gw_netlink *netlink); // changes that were not mirrored
// For tests: behaves as if the socket had overrun. The dump follows from the event loop.
void gw_netlink_resync(struct gw_netlink *netlink);
