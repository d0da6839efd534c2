// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "api/server.h"
#include "base/reclaim.h"
#include "graph/worker.h"
#include "ipsec/db.h"
#include "ipsec/expiry.h"
#include "ipsec/keepalive.h"
#include "linux/netlink.h"
#include "linux/tap.h"
#include "route/db.h"
#include "route/hold.h"
#include "spec/config.h"

struct event_base;
struct gateway_tcp;
struct gateway_xfrm;

// The whole running gateway: where the modules meet. One of it, made by main.c, owned by the
// control core.
struct gateway {
	struct gw_config *config; // what runs now; reload replaces it
	const char *config_path;
	uint64_t started_ns;

	struct event_base *events;
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;

	struct gw_ipsec_db *ipsec;
	struct gw_expiry *expiry; // SAs whose time is limited
	struct gw_route_db *routes;
	struct gw_hold *hold;
	struct gw_hold *sa_hold; // packets that wait for an SA; NULL: none does
	struct gw_keepalives *keepalives;
	uint64_t keepalives_sent;
	bool path_mtu_stale;       // routes changed: SAs should learn their MTU again
	uint64_t path_mtu_learned; // from ICMP errors
	uint64_t path_mtu_ignored; // that quote no recent packet of an SA, or tell nothing new

	struct gw_dataplane dataplane;
	struct gw_tap *taps[GW_MAX_PORTS]; // NULL: the port has none
	struct gw_netlink *netlink;        // NULL: no port has a TAP
	struct gateway_tcp *tcp;           // connections of TCP encapsulation
	struct gw_api_server *api;
	struct gateway_xfrm *xfrm; // NULL: no socket for IKE daemons

	struct gw_counters counters; // of the control core: what it dropped itself
};

// Kinds of events on the control socket, as bits.
enum gateway_event {
	GATEWAY_EVENT_ACQUIRE = 1 << 0,    // a PROTECT policy met a packet and has no SA
	GATEWAY_EVENT_EXPIRE = 1 << 1,     // an SA should be renewed (soft), or has ended (hard)
	GATEWAY_EVENT_SA = 1 << 2,         // an SA was added, updated or deleted
	GATEWAY_EVENT_POLICY = 1 << 3,     // a policy was added or deleted
	GATEWAY_EVENT_PORT = 1 << 4,       // a port's link went up or down
	GATEWAY_EVENT_MAPPING = 1 << 5,    // the peer of an SA in UDP or TCP has moved
	GATEWAY_EVENT_PATH_MTU = 1 << 6,   // of an outbound SA: lowered by ICMP, or aged out
	GATEWAY_EVENT_CONTROLLER = 1 << 7, // an IKE daemon came, went, or was given up
};

// reload.c: reads the configuration file again and applies what differs in one transaction; what
// needs a restart is refused by name and nothing is applied. The result lists what changed:
// {"added": n, "deleted": n, …}.
json_t *gateway_reload(struct gateway *gateway, struct gw_error *err);

// methods.c: every method of the control socket. Handlers find the gateway in call->ctx.
extern const struct gw_rpc_method gateway_methods[];
extern const size_t gateway_method_count;
