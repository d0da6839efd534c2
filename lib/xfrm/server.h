// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "xfrm/request.h"
#include "xfrm/wire.h"

// Netlink's side of the XFRM protocol on a Unix socket of type SOCK_SEQPACKET: a packet there is a
// datagram of netlink, with one message or several.

struct event_base;
struct nl_msg;

struct gw_xfrm_server;
struct gw_xfrm_client;

// The process at the other end.
struct gw_xfrm_peer {
	char program[17]; // its name; "": it has not told
	uint32_t process; // 0: of another PID namespace
	bool controls;    // it listens to acquires, as IKE daemons do
};
const struct gw_xfrm_peer *gw_xfrm_client_peer(const struct gw_xfrm_client *client);

// A list that may be longer than what a client takes at once: next is called whenever there is room
// and writes one message; false: there are none left. free is called at the end, come what may.
struct gw_xfrm_dump {
	bool (*next)(struct gw_xfrm_dump *dump, struct gw_xfrm_client *client);
	void (*free)(struct gw_xfrm_dump *dump);
};

struct gw_xfrm_server_options {
	struct event_base *events;
	const char *path;
	const char *group; // whose members may connect; "": root alone
	unsigned int max_clients;
	// Serves a request: 0, which is acknowledged when the client wants that, or a negative
	// errno with err filled.
	int (*serve)(void *ctx, struct gw_xfrm_client *client,
		const struct gw_xfrm_request *request, struct gw_error *err);
	// Told when a client begins to control, and when such a one has gone; may be NULL.
	void (*controller)(void *ctx, const struct gw_xfrm_peer *peer, bool here);
	void *ctx;
};

// NULL with err filled. path and group are copied.
struct gw_xfrm_server *gw_xfrm_server_new(
	const struct gw_xfrm_server_options *options, struct gw_error *err);
void gw_xfrm_server_free(struct gw_xfrm_server *server); // NULL is allowed

// Within serve or a dump: a reply to the request being served, which begins with size bytes of
// body. NULL: no memory. flags beside what replies have anyway.
struct nl_msg *gw_xfrm_reply_new(struct gw_xfrm_client *client, uint16_t type, const void *body,
	size_t size, uint16_t flags);
// Takes message.
void gw_xfrm_reply_send(struct gw_xfrm_client *client, struct nl_msg *message);
// Takes dump, which replies to the request; the client's next request waits for its end.
void gw_xfrm_dump_start(struct gw_xfrm_client *client, struct gw_xfrm_dump *dump);

// Whether anybody listens to the group (XFRMNLGRP_*).
bool gw_xfrm_listened(const struct gw_xfrm_server *server, unsigned int group);
struct nl_msg *gw_xfrm_event_new(uint16_t type, const void *body, size_t size);
// To all who listen to the group. Takes message.
void gw_xfrm_event_send(struct gw_xfrm_server *server, unsigned int group, struct nl_msg *message);
