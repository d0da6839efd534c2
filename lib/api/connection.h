// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"

struct event;
struct evbuffer;
struct gw_api_server_options;

// One client of the control socket.
//
// Input is cut into lines; a complete line is handled at once, unless so much output waits that the
// client evidently does not read: then its input waits too, in the kernel. Output that makes no
// progress for a while, or that piles up because of events, ends the connection.
//
// A connection never frees itself: gw_api_connection_end marks it, and `ended` is called from the
// event loop later, when nobody on the stack can still hold it. `ended` frees it.
struct gw_api_connection {
	TAILQ_ENTRY(gw_api_connection) next; // server's
	const struct gw_api_server_options *options;
	void (*ended)(void *owner, struct gw_api_connection *connection);
	void *owner;

	int fd;
	struct event *readable;
	struct event *writable; // pending while output waits
	char *input;            // holds keys: wiped where it is let go
	size_t start;           // of the first byte not yet handled
	size_t used;            // bytes received
	size_t searched;        // bytes up to here hold no line end
	size_t room;
	struct evbuffer *output;

	uint32_t kinds; // of events subscribed to
	bool spoken;    // a request has come
	bool closing;   // no more input is taken; ends when the output is gone
	bool over;      // waits to be freed
};

TAILQ_HEAD(gw_api_connections, gw_api_connection);

// Takes fd, which is non-blocking, even when it fails: NULL, no memory.
struct gw_api_connection *gw_api_connection_new(const struct gw_api_server_options *options, int fd,
	void (*ended)(void *owner, struct gw_api_connection *connection), void *owner);
void gw_api_connection_free(struct gw_api_connection *connection);

// Queues a line; takes text, which free() can free. What cannot be queued ends the connection.
void gw_api_connection_send(struct gw_api_connection *connection, char *text);
// Queues err as a reply to nothing in particular, after which the connection closes.
void gw_api_connection_refuse(struct gw_api_connection *connection, const struct gw_error *err);
void gw_api_connection_end(struct gw_api_connection *connection);

// The line, without its end, that gw_api_connection_refuse sends; to be freed with free().
char *gw_api_refusal(const struct gw_error *err);
