// Called by: control core, from linux/netlink*.c alone
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netlink/netlink.h>

#include "linux/netlink.h"
#include "spec/port.h"
#include "stats/counters.h"

struct event;

// One thing that a message says, in the gateway's words.
enum gw_mirror_kind { GW_MIRROR_LINK, GW_MIRROR_ADDRESS, GW_MIRROR_ROUTE, GW_MIRROR_NEIGHBOUR };

struct gw_mirror_item {
	enum gw_mirror_kind kind;
	uint16_t port;
	bool present; // link: up; neighbour: usable; else: it is, and was not deleted
	bool stale;   // neighbour
	bool gone;    // link: deleted
	uint32_t metric;
	struct gw_prefix address;
	struct gw_route_spec route;
	struct gw_neighbour_spec neighbour;
};

struct gw_mirror_ports {
	struct {
		uint16_t index;
		int ifindex;
		bool up;
		char name[GW_PORT_NAME_SIZE];
	} ports[GW_MAX_LINKS];
	unsigned int count;
};

// netlink_parse.c: what message says about the ports, at most GW_MIRROR_ITEMS things (the ways of a
// multipath route). Returns how many; 0 for what does not concern us or is malformed.
#define GW_MIRROR_ITEMS 64
unsigned int gw_mirror_parse(const struct gw_mirror_ports *ports, struct nlmsghdr *message,
	struct gw_mirror_item items[GW_MIRROR_ITEMS]);

struct gw_netlink {
	struct nl_sock *groups; // hears changes; never blocks
	struct nl_sock *query;  // dumps and requests, answered before the call returns
	struct event *readable;
	struct event *dump_timer;
	struct gw_route_db *routes;
	struct gw_mirror_ports ports;
	void (*admin)(void *ctx, uint16_t port, bool up);
	void *ctx;
	uint64_t overruns;
	uint64_t dumps;
	uint64_t failures;
	bool told_failure;   // the log has said it since the last dump
	bool told_multipath; // the log has said it once
	int answer;          // to the last request: 0 or a negative errno
};

// netlink_apply.c: stages one thing. Failures are counted and logged.
void gw_mirror_stage(
	struct gw_netlink *netlink, struct gw_txn *txn, const struct gw_mirror_item *item);
// After the commit: what is no part of a transaction.
void gw_mirror_finish(struct gw_netlink *netlink, const struct gw_mirror_item *item);
void gw_mirror_fail(struct gw_netlink *netlink, const char *what);
void gw_mirror_say_multipath(struct gw_netlink *netlink, const struct gw_route_spec *route);
// An order of things by what they are, without their state.
int gw_mirror_compare(const struct gw_mirror_item *a, const struct gw_mirror_item *b);

// netlink_dump.c: makes the database equal to the kernel's tables. 0, or a negative errno with err
// filled; then some of it may be missing.
int gw_mirror_dump(struct gw_netlink *netlink, struct gw_error *err);
