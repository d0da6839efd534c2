// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "linux/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <rte_common.h>

#include "linux/inet.h"

// Reading pauses above it; the longest record fits twice.
#define READ_BYTES (2u * (UINT16_MAX + 1u))
// What the headers of IPv6 and TCP leave of the MTU that every IPv6 path has.
#define SEGMENT_BYTES   (1280 - 40 - 20)
#define KEEPALIVE_COUNT 3

struct gw_stream {
	struct bufferevent *socket;
	const struct gw_stream_handler *handler;
	void *ctx;
	size_t write_bytes;
	bool open;
	bool over;
	bool wants_prefix; // the other side opened it, and has not said so yet
};

// Best effort: a connection without them works. A peer that acknowledges nothing for dead_seconds
// is gone, whether data waits (RFC 5482) or keepalives are all there is.
static void tune(int fd, const struct gw_stream_options *wanted)
{
	int dead_seconds = (int)wanted->dead_seconds;
	const struct {
		int level, name, value;
	} options[] = {
		// Records are written together already, and what waits for more is late.
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 * dead_seconds },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, (int)wanted->keepalive_seconds },
		{ IPPROTO_TCP, TCP_KEEPINTVL, RTE_MAX(1, dead_seconds / KEEPALIVE_COUNT) },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof(options[i].value));
}

void gw_stream_limit_segments(int fd)
{
	int bytes = SEGMENT_BYTES;

	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof(bytes));
}

static void end(struct gw_stream *stream, const char *why)
{
	if (stream->over)
		return;
	stream->over = true;
	stream->open = false;
	bufferevent_disable(stream->socket, EV_READ | EV_WRITE);
	bufferevent_setcb(stream->socket, NULL, NULL, NULL, NULL);
	stream->handler->ended(stream->ctx, why);
}

// Whether records may follow. Ends the stream at the first byte that cannot be the prefix's.
static bool take_prefix(struct gw_stream *stream, struct evbuffer *input)
{
	uint8_t prefix[GW_TCP_PREFIX_BYTES];
	ev_ssize_t size = evbuffer_copyout(input, prefix, sizeof(prefix));

	if (size < 0 || !gw_tcp_prefix_fits(prefix, (size_t)size)) {
		end(stream, "it does not begin with the prefix IKETCP");
		return false;
	}
	if (size < (ev_ssize_t)sizeof(prefix))
		return false;
	evbuffer_drain(input, sizeof(prefix));
	stream->wants_prefix = false;
	return true;
}

// The next record, if it is whole. The bytes it needs are known before it is made contiguous.
static bool take_record(struct gw_stream *stream, struct evbuffer *input)
{
	uint8_t length[GW_TCP_LENGTH_BYTES];
	ev_ssize_t size = evbuffer_copyout(input, length, sizeof(length));
	enum gw_tcp_record kind;
	const uint8_t *data;
	size_t bytes;

	if (size < (ev_ssize_t)sizeof(length))
		return false;
	kind = gw_tcp_record_read(length, sizeof(length), &bytes);
	if (kind == GW_TCP_MORE) {
		if (evbuffer_get_length(input) < bytes)
			return false;
		data = evbuffer_pullup(input, (ev_ssize_t)bytes);
		if (!data) {
			end(stream, "there is no memory for a record");
			return false;
		}
		kind = gw_tcp_record_read(data, bytes, &bytes);
	} else {
		data = length;
	}
	if (kind == GW_TCP_BAD) {
		end(stream, "the length of a record is 0 or 1");
		return false;
	}
	stream->handler->record(
		stream->ctx, kind, data + GW_TCP_LENGTH_BYTES, bytes - GW_TCP_LENGTH_BYTES);
	evbuffer_drain(input, bytes);
	return true;
}

static void on_readable(struct bufferevent *socket, void *ctx)
{
	struct evbuffer *input = bufferevent_get_input(socket);
	struct gw_stream *stream = ctx;

	if (stream->wants_prefix && !take_prefix(stream, input))
		return;
	while (take_record(stream, input))
		;
}

static void on_event(struct bufferevent *, short what, void *ctx)
{
	struct gw_stream *stream = ctx;

	if (what & BEV_EVENT_CONNECTED) {
		stream->open = true;
		if (bufferevent_write(stream->socket, GW_TCP_PREFIX, GW_TCP_PREFIX_BYTES) != 0)
			end(stream, "out of memory");
		else
			stream->handler->opened(stream->ctx);
	} else if (what & BEV_EVENT_EOF) {
		end(stream, "the peer closed it");
	} else if (what & BEV_EVENT_ERROR) {
		end(stream, strerror(EVUTIL_SOCKET_ERROR()));
	}
}

static struct gw_stream *stream_new(const struct gw_stream_options *options, int fd)
{
	struct gw_stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->socket = bufferevent_socket_new(options->events, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream || !stream->socket) {
		close(fd);
		free(stream);
		return NULL;
	}
	tune(fd, options);
	stream->handler = options->handler;
	stream->ctx = options->ctx;
	stream->write_bytes = options->write_bytes;
	bufferevent_setcb(stream->socket, on_readable, NULL, on_event, stream);
	bufferevent_setwatermark(stream->socket, EV_READ, 0, READ_BYTES);
	return stream;
}

struct gw_stream *gw_stream_accept(const struct gw_stream_options *options, int fd)
{
	struct gw_stream *stream = stream_new(options, fd);

	if (!stream)
		return NULL;
	stream->open = stream->wants_prefix = true;
	if (bufferevent_enable(stream->socket, EV_READ | EV_WRITE) != 0) {
		gw_stream_free(stream);
		return NULL;
	}
	return stream;
}

static int connect_from(const struct gw_addr *local, const struct gw_addr *remote, uint16_t port,
	struct gw_error *err)
{
	struct sockaddr_storage from, to;
	socklen_t from_bytes = gw_inet_make(local, 0, &from);
	socklen_t to_bytes = gw_inet_make(remote, port, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), problem;

	if (fd < 0)
		return gw_error_set(err, errno, "no socket: %s", strerror(errno));
	gw_stream_limit_segments(fd);
	if (bind(fd, (struct sockaddr *)&from, from_bytes) == 0 &&
		(connect(fd, (struct sockaddr *)&to, to_bytes) == 0 || errno == EINPROGRESS))
		return fd;
	problem = errno;
	close(fd);
	return gw_error_set(err, problem, "%s", strerror(problem));
}

struct gw_stream *gw_stream_connect(const struct gw_stream_options *options,
	const struct gw_addr *local, const struct gw_addr *remote, uint16_t port,
	struct gw_error *err)
{
	int fd = connect_from(local, remote, port, err);
	struct gw_stream *stream;

	if (fd < 0)
		return NULL;
	stream = stream_new(options, fd);
	// Without an address it waits for the connection under way.
	if (stream && (bufferevent_enable(stream->socket, EV_READ | EV_WRITE) != 0 ||
			      bufferevent_socket_connect(stream->socket, NULL, 0) != 0)) {
		gw_stream_free(stream);
		stream = NULL;
	}
	if (!stream)
		gw_error_set(err, ENOMEM, "out of memory");
	return stream;
}

int gw_stream_send(struct gw_stream *stream, const uint8_t *payload, size_t size)
{
	struct evbuffer *output = bufferevent_get_output(stream->socket);
	uint8_t length[GW_TCP_LENGTH_BYTES];

	if (!stream->open)
		return -ENOTCONN;
	if (!gw_tcp_length_write(length, size))
		return -EMSGSIZE;
	if (evbuffer_get_length(output) + sizeof(length) + size > stream->write_bytes)
		return -ENOBUFS;
	// Room first: half a record would break the stream.
	if (evbuffer_expand(output, sizeof(length) + size) != 0 ||
		evbuffer_add(output, length, sizeof(length)) != 0)
		return -ENOMEM;
	return evbuffer_add(output, payload, size) == 0 ? 0 : -ENOMEM;
}

size_t gw_stream_waiting(const struct gw_stream *stream)
{
	return evbuffer_get_length(bufferevent_get_output(stream->socket));
}

void gw_stream_free(struct gw_stream *stream)
{
	if (!stream)
		return;
	bufferevent_free(stream->socket);
	free(stream);
}
