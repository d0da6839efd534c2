// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/addr.h"
#include "net/tcp_record.h"

struct event_base;

// A TCP connection of Linux that carries records of RFC 9329 (net/tcp_record.h). What peer and
// network do to it ends in one call of ended; nothing here waits, and what waits to be written is
// bounded.

struct gw_stream;

struct gw_stream_handler {
	// The connection is there. Not called for an accepted one.
	void (*opened)(void *ctx);
	// A record that is whole: anything but GW_TCP_MORE and GW_TCP_BAD. It must not free the
	// stream.
	void (*record)(void *ctx, enum gw_tcp_record kind, const uint8_t *payload, size_t size);
	// The stream is over; why is for people. It has to be freed, here or later, and calls
	// nothing any more.
	void (*ended)(void *ctx, const char *why);
};

struct gw_stream_options {
	struct event_base *events;
	const struct gw_stream_handler *handler;
	void *ctx;
	size_t write_bytes;             // that may wait
	unsigned int keepalive_seconds; // of silence before TCP asks
	unsigned int dead_seconds;      // without an answer until the peer is gone
};

// For a socket that will listen: connections accepted by it have segments that fit into any path.
// The kernel's own discovery would need ICMP that policies may well keep from it.
void gw_stream_limit_segments(int fd);

// Takes fd, a connected socket that does not block, and closes it even on failure: NULL, no memory.
struct gw_stream *gw_stream_accept(const struct gw_stream_options *options, int fd);

// The originator's side (RFC 9329 section 6.1): NULL with err filled where it fails at once.
struct gw_stream *gw_stream_connect(const struct gw_stream_options *options,
	const struct gw_addr *local, const struct gw_addr *remote, uint16_t port,
	struct gw_error *err);

// Sends one record, whole or not at all: -EMSGSIZE where it fits into none, -ENOTCONN while there
// is no connection, -ENOBUFS when too much waits, -ENOMEM.
int gw_stream_send(struct gw_stream *stream, const uint8_t *payload, size_t size);

size_t gw_stream_waiting(const struct gw_stream *stream); // bytes to be written

// Closes it without a call of ended. What waits is lost.
void gw_stream_free(struct gw_stream *stream);
