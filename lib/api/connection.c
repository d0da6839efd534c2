// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "api/message.h"
#include "api/reply.h"
#include "api/rpc.h"
#include "api/server.h"
#include "base/secret.h"

#define FIRST_ROOM        4096u
#define LARGEST_ROOM      (GW_RPC_MAX_MESSAGE + 1u) // with the line end
#define LINES_AT_ONCE     32u                       // then other clients have their turn
#define PAUSE_BYTES       (1u << 20)  // of waiting output: no further request is handled
#define MOST_OUTPUT_BYTES (16u << 20) // of waiting output, before one more line
#define WRITE_TIMEOUT_MS  10000u

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

struct gw_api_connection *gw_api_connection_new(const struct gw_api_server_options *options, int fd,
	void (*ended)(void *owner, struct gw_api_connection *connection), void *owner)
{
	struct gw_api_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return NULL;
	}
	connection->options = options;
	connection->ended = ended;
	connection->owner = owner;
	connection->fd = fd;
	connection->output = evbuffer_new();
	connection->readable =
		event_new(options->events, fd, EV_READ | EV_PERSIST, on_readable, connection);
	connection->writable =
		event_new(options->events, fd, EV_WRITE | EV_PERSIST, on_writable, connection);
	if (!connection->output || !connection->readable || !connection->writable ||
		event_add(connection->readable, NULL) < 0) {
		gw_api_connection_free(connection);
		return NULL;
	}
	return connection;
}

void gw_api_connection_free(struct gw_api_connection *connection)
{
	if (connection->readable)
		event_free(connection->readable);
	if (connection->writable)
		event_free(connection->writable);
	if (connection->output)
		evbuffer_free(connection->output);
	if (connection->input)
		gw_wipe(connection->input, connection->room);
	free(connection->input);
	close(connection->fd);
	free(connection);
}

void gw_api_connection_end(struct gw_api_connection *connection)
{
	if (connection->over)
		return;
	connection->over = true;
	event_del(connection->readable);
	event_del(connection->writable);
	event_active(connection->readable, EV_TIMEOUT, 0);
}

// --- output

static void free_text(const void *, size_t, void *text)
{
	free(text);
}

// Writes what the kernel takes. False when the connection is broken. Not evbuffer_write, which
// would raise SIGPIPE.
static bool flush(struct gw_api_connection *connection)
{
	while (evbuffer_get_length(connection->output) > 0) {
		struct evbuffer_iovec pieces[16];
		int count = evbuffer_peek(connection->output, -1, NULL, pieces, 16);
		struct msghdr message = { .msg_iov = pieces,
			.msg_iovlen = count < 16 ? (size_t)count : 16 };
		ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		evbuffer_drain(connection->output, (size_t)sent);
	}
	return true;
}

static void wait_to_write(struct gw_api_connection *connection)
{
	unsigned int ms = connection->options->write_timeout_ms;
	struct timeval timeout;

	if (ms == 0)
		ms = WRITE_TIMEOUT_MS;
	timeout.tv_sec = ms / 1000;
	timeout.tv_usec = (ms % 1000) * 1000;
	// The loop's idea of now dates from before the request, which may have taken long.
	event_base_update_cache_time(connection->options->events);
	if (event_add(connection->writable, &timeout) < 0)
		gw_api_connection_end(connection);
}

void gw_api_connection_send(struct gw_api_connection *connection, char *text)
{
	struct evbuffer *output = connection->output;

	if (connection->over) {
		free(text);
		return;
	}
	if (!text || evbuffer_get_length(output) > MOST_OUTPUT_BYTES ||
		evbuffer_add_reference(output, text, strlen(text), free_text, text) < 0) {
		free(text);
		gw_api_connection_end(connection);
		return;
	}
	if (evbuffer_add(output, "\n", 1) < 0) {
		gw_api_connection_end(connection);
		return;
	}
	if (event_pending(connection->writable, EV_WRITE, NULL))
		return;
	if (!flush(connection))
		gw_api_connection_end(connection);
	else if (evbuffer_get_length(output) > 0)
		wait_to_write(connection);
}

char *gw_api_refusal(const struct gw_error *err)
{
	json_t *reply = gw_rpc_reply_error(json_null(), gw_rpc_error_from(err));
	char *text = gw_rpc_text(reply);

	json_decref(reply);
	return text;
}

static void close_when_written(struct gw_api_connection *connection)
{
	connection->closing = true;
	event_del(connection->readable);
	if (evbuffer_get_length(connection->output) == 0)
		gw_api_connection_end(connection);
}

void gw_api_connection_refuse(struct gw_api_connection *connection, const struct gw_error *err)
{
	gw_api_connection_send(connection, gw_api_refusal(err));
	if (!connection->over)
		close_when_written(connection);
}

// --- input

// Makes room behind the bytes received. False when there is no memory, or the line is too long.
static bool make_room(struct gw_api_connection *connection)
{
	size_t held = connection->used - connection->start;
	size_t room = connection->room;
	char *input = connection->input;

	if (connection->used < connection->room)
		return true;
	if (held == room) {
		if (room == LARGEST_ROOM)
			return false;
		room = room ? 2 * room : FIRST_ROOM;
		if (room > LARGEST_ROOM)
			room = LARGEST_ROOM;
		input = malloc(room);
		if (!input)
			return false;
	}
	if (held > 0)
		memmove(input, connection->input + connection->start, held);
	if (input == connection->input) {
		gw_wipe(input + held, connection->used - held);
	} else if (connection->input) {
		gw_wipe(connection->input, connection->room);
		free(connection->input);
	}
	connection->input = input;
	connection->room = room;
	connection->searched -= connection->start;
	connection->used = held;
	connection->start = 0;
	return true;
}

// All input is handled: gives back what a long line took.
static void let_go(struct gw_api_connection *connection)
{
	connection->start = connection->used = connection->searched = 0;
	if (connection->room > FIRST_ROOM) {
		gw_wipe(connection->input, connection->room);
		free(connection->input);
		connection->input = NULL;
		connection->room = 0;
	}
}

// Handles the next complete line. False when there is none.
static bool handle_line(struct gw_api_connection *connection)
{
	const struct gw_api_server_options *options = connection->options;
	char *line = connection->input + connection->start;
	size_t left = connection->used - connection->searched;
	char *end = left ? memchr(connection->input + connection->searched, '\n', left) : NULL;
	char *reply;

	if (!end) {
		connection->searched = connection->used;
		return false;
	}
	connection->start = connection->searched = (size_t)(end + 1 - connection->input);
	connection->spoken = true;
	reply = gw_rpc_handle(options->methods, options->method_count, options->ctx, connection,
		line, (size_t)(end - line));
	if (reply)
		gw_api_connection_send(connection, reply);
	return true;
}

// Handles lines until there are no more, it is another client's turn, or output waits.
static void handle_input(struct gw_api_connection *connection)
{
	bool more = true;

	for (unsigned int lines = 0; more && lines < LINES_AT_ONCE; lines++) {
		if (connection->over)
			return;
		if (evbuffer_get_length(connection->output) > PAUSE_BYTES) {
			event_del(connection->readable);
			return;
		}
		more = handle_line(connection);
	}
	if (connection->over)
		return;
	if (more) {
		event_del(connection->readable);
		event_active(connection->readable, EV_TIMEOUT, 0);
		return;
	}
	if (connection->start == connection->used)
		let_go(connection);
	if (connection->closing)
		close_when_written(connection);
	else if (event_add(connection->readable, NULL) < 0)
		gw_api_connection_end(connection);
}

static void receive(struct gw_api_connection *connection)
{
	static const struct gw_error too_long = { .code = EMSGSIZE,
		.text = "the line is too long: send the request in parts" };
	ssize_t got;

	if (!make_room(connection)) {
		gw_api_connection_refuse(connection, &too_long);
		return;
	}
	got = recv(connection->fd, connection->input + connection->used,
		connection->room - connection->used, MSG_DONTWAIT);
	if (got > 0)
		connection->used += (size_t)got;
	else if (got == 0)
		connection->closing = true; // it may still read the replies to what it sent
	else if (errno != EAGAIN && errno != EINTR)
		gw_api_connection_end(connection);
}

static void on_readable(evutil_socket_t, short what, void *arg)
{
	struct gw_api_connection *connection = arg;

	if (!connection->over && (what & EV_READ) && !connection->closing)
		receive(connection);
	if (!connection->over)
		handle_input(connection);
	else if (what & EV_TIMEOUT)
		connection->ended(connection->owner, connection);
}

static void on_writable(evutil_socket_t, short what, void *arg)
{
	struct gw_api_connection *connection = arg;

	if (connection->over)
		return;
	if ((what & EV_TIMEOUT) || !flush(connection)) {
		gw_api_connection_end(connection);
		return;
	}
	if (evbuffer_get_length(connection->output) == 0)
		event_del(connection->writable);
	if (evbuffer_get_length(connection->output) <= PAUSE_BYTES)
		handle_input(connection);
}
