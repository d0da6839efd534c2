// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A stream of TCP encapsulation from a hostile peer, in pieces: the first byte is the size of them,
// the rest the stream. What comes out is what a slow reader of the whole finds, whatever the
// pieces.

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "linux/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct seen {
	unsigned int kinds[GW_TCP_BAD + 1];
	uint64_t hash;
	bool ended;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add(struct seen *seen, enum gw_tcp_record kind, const uint8_t *payload, size_t size)
{
	seen->kinds[kind]++;
	seen->hash = seen->hash * 31 + size;
	for (size_t i = 0; i < size; i++)
		seen->hash = seen->hash * 31 + payload[i];
}

static void on_record(void *ctx, enum gw_tcp_record kind, const uint8_t *payload, size_t size)
{
	require(kind != GW_TCP_MORE && kind != GW_TCP_BAD);
	add(ctx, kind, payload, size);
}

static void on_ended(void *ctx, const char *)
{
	struct seen *seen = ctx;

	require(!seen->ended);
	seen->ended = true;
}

static enum gw_tcp_record kind_of(const uint8_t *payload, size_t size)
{
	if (size == 1)
		return payload[0] == 0xff ? GW_TCP_KEEPALIVE : GW_TCP_RUNT;
	if (size < 4)
		return GW_TCP_RUNT;
	if (payload[0] | payload[1] | payload[2] | payload[3])
		return GW_TCP_ESP;
	return size > 4 ? GW_TCP_IKE : GW_TCP_RUNT;
}

static void read_slowly(const uint8_t *data, size_t length, struct seen *seen)
{
	size_t prefix = length < 6 ? length : 6;

	seen->ended = memcmp(data, "IKETCP", prefix) != 0;
	for (size_t at = 6; !seen->ended && at + 2 <= length;) {
		size_t record = (size_t)data[at] * 256 + data[at + 1];

		if (record < 2) {
			seen->ended = true;
		} else if (at + record > length) {
			break;
		} else {
			add(seen, kind_of(data + at + 2, record - 2), data + at + 2, record - 2);
			at += record;
		}
	}
}

static void feed(
	int fd, struct event_base *events, const uint8_t *data, size_t length, size_t piece)
{
	for (size_t at = 0; at < length; at += piece) {
		size_t size = length - at < piece ? length - at : piece;

		if (send(fd, data + at, size, MSG_NOSIGNAL) != (ssize_t)size)
			return; // the stream is over
		event_base_loop(events, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 8; i++)
		event_base_loop(events, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct gw_stream_handler handler = { NULL, on_record, on_ended };
	static struct event_base *events;
	struct seen seen = {}, wanted = {};
	struct gw_stream_options options = {
		.handler = &handler,
		.ctx = &seen,
		.write_bytes = 1000,
		.keepalive_seconds = 1,
		.dead_seconds = 30,
	};
	struct gw_stream *stream;
	size_t piece;
	int pair[2];

	if (length < 1 || length > 20000)
		return 0;
	if (!events)
		events = event_base_new();
	options.events = events;
	// Few pieces: each is a turn of the event loop.
	piece = 1 + data[0] + (length - 1) / 64;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	stream = gw_stream_accept(&options, pair[0]);
	require(stream != NULL);
	feed(pair[1], events, data + 1, length - 1, piece);
	read_slowly(data + 1, length - 1, &wanted);
	require(memcmp(seen.kinds, wanted.kinds, sizeof(seen.kinds)) == 0);
	require(seen.hash == wanted.hash && seen.ended == wanted.ended);
	gw_stream_free(stream);
	close(pair[1]);
	// Frees what the stream left to the loop.
	event_base_loop(events, EVLOOP_NONBLOCK);
	return 0;
}
