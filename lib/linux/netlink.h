// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/error.h"
#include "net/addr.h"
#include "route/db.h"

struct event_base;

// Mirrors the kernel's addresses, routes (main table) and neighbours on the ports' TAP interfaces
// into the route database: one dump, then the multicast groups; a new dump when the socket overran,
// after which what the kernel no longer has is removed.
struct gw_netlink;

struct gw_netlink_port {
	uint8_t index; // the gateway's
	int ifindex;   // the kernel's
};

struct gw_netlink_options {
	struct event_base *events;
	struct gw_route_db *routes;
	const struct gw_netlink_port *ports; // copied
	unsigned int port_count;
};

// The mirror is complete when it returns. NULL with err filled.
struct gw_netlink *gw_netlink_new(const struct gw_netlink_options *options, struct gw_error *err);
void gw_netlink_free(struct gw_netlink *netlink);

// Asks the kernel to resolve addr on that port, or to confirm an entry that traffic uses (NTF_USE).
int gw_netlink_resolve(struct gw_netlink *netlink, uint8_t port, const struct gw_addr *addr);

// Call it every few seconds: confirms entries that the kernel thinks stale and the workers use.
void gw_netlink_confirm(struct gw_netlink *netlink);

uint64_t gw_netlink_overruns(const struct gw_netlink *netlink);
// For tests: behaves as if the socket had overrun.
void gw_netlink_resync(struct gw_netlink *netlink);
