// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/rpc.h"
#include "base/error.h"

struct event_base;

// The control socket: a Unix stream socket, one JSON-RPC message a line. Made with mode 0660 before
// it listens (umask), the group as configured; peer credentials are checked (root, the daemon's own
// user, or the group). Queues are bounded: a client that does not read loses its connection, and
// nothing else.
struct gw_api_server;

struct gw_api_server_options {
	struct event_base *events;
	const char *path; // its directory is made if missing, mode 0755; a socket nobody listens on
			  // is replaced
	const char *group; // "" : root's
	const struct gw_rpc_method *methods;
	size_t method_count;
	void *ctx;
	// 0: 256. One more client is told so and closed, unless another has never sent a request:
	// then the longest silent one gives way, so that idle connections lock nobody out.
	unsigned int max_clients;
	unsigned int write_timeout_ms; // 0: ten seconds without progress end a connection
};

// options is copied, but for what methods, ctx and events point at. NULL with err filled:
// EADDRINUSE when another daemon listens on path.
struct gw_api_server *gw_api_server_new(
	const struct gw_api_server_options *options, struct gw_error *err);
void gw_api_server_free(struct gw_api_server *server); // removes the socket

// Events. kinds is a mask over the caller's own numbering of event kinds; client is
// gw_rpc_call.client.
void gw_api_subscribe(void *client, uint32_t kinds);
uint32_t gw_api_subscriptions(const void *client);
// True when somebody listens: lets the caller skip building params.
bool gw_api_wanted(const struct gw_api_server *server, uint32_t kind);
// Sends {"method":"event","params":params} to every client subscribed to kind; takes no reference.
void gw_api_publish(struct gw_api_server *server, uint32_t kind, json_t *params);
