// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/connection.h"
#include "api/socket.h"
#include "base/log.h"

#define ACCEPTS_AT_ONCE 64
#define DEFAULT_CLIENTS 256u
#define ACCEPT_PAUSE_MS 100

// The listening socket and the connections it gave birth to, oldest first.
struct gw_api_server {
	struct gw_api_server_options options; // path and group are copies
	struct gw_api_socket socket;
	struct event *acceptable;
	struct event *pause; // accepting again after file descriptors ran out
	struct gw_api_connections connections;
};

static void send_refusal(int fd, const struct gw_error *err)
{
	char *text = gw_api_refusal(err);

	if (text) {
		struct iovec pieces[] = { { text, strlen(text) }, { (char[]){ '\n' }, 1 } };
		struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };

		(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(text);
	close(fd);
}

static void on_ended(void *owner, struct gw_api_connection *connection)
{
	struct gw_api_server *server = owner;

	TAILQ_REMOVE(&server->connections, connection, next);
	gw_api_connection_free(connection);
}

// Clients that are being served, and the longest connected of those that never asked for anything.
static unsigned int count_live(
	const struct gw_api_server *server, struct gw_api_connection **silent)
{
	struct gw_api_connection *connection;
	unsigned int live = 0;

	*silent = NULL;
	TAILQ_FOREACH (connection, &server->connections, next) {
		if (connection->over || connection->closing)
			continue;
		live++;
		if (!connection->spoken && !*silent)
			*silent = connection;
	}
	return live;
}

static void welcome(struct gw_api_server *server, int fd)
{
	struct gw_api_connection *connection, *silent;
	struct gw_error err = {};

	if (!gw_api_peer_allowed(fd, server->socket.group)) {
		gw_error_set(&err, EACCES,
			"this user may not use the control socket: be root, or a member of the "
			"group in control.group");
		send_refusal(fd, &err);
		return;
	}
	if (count_live(server, &silent) >= server->options.max_clients) {
		gw_error_set(&err, EUSERS, "%u clients are connected already: close one of them",
			server->options.max_clients);
		if (!silent) {
			send_refusal(fd, &err);
			return;
		}
		gw_api_connection_refuse(silent, &err);
	}
	connection = gw_api_connection_new(&server->options, fd, on_ended, server);
	if (connection)
		TAILQ_INSERT_TAIL(&server->connections, connection, next);
}

// Out of file descriptors the socket stays readable: looking away for a moment keeps the loop from
// spinning.
static void pause_accepting(struct gw_api_server *server, int problem)
{
	struct timeval later = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };

	gw_log_warning("control socket: cannot accept a connection: %s", strerror(problem));
	event_del(server->acceptable);
	event_add(server->pause, &later);
}

static void on_acceptable(evutil_socket_t fd, short, void *arg)
{
	struct gw_api_server *server = arg;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client >= 0) {
			welcome(server, client);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			pause_accepting(server, errno);
			return;
		}
	}
}

static void on_pause_over(evutil_socket_t, short, void *arg)
{
	struct gw_api_server *server = arg;

	event_add(server->acceptable, NULL);
}

struct gw_api_server *gw_api_server_new(
	const struct gw_api_server_options *options, struct gw_error *err)
{
	struct gw_api_server *server = calloc(1, sizeof(*server));

	if (!server) {
		gw_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	server->socket.fd = -1;
	TAILQ_INIT(&server->connections);
	server->options = *options;
	server->options.path = strdup(options->path);
	server->options.group = strdup(options->group ? options->group : "");
	if (options->max_clients == 0)
		server->options.max_clients = DEFAULT_CLIENTS;
	if (!server->options.path || !server->options.group) {
		gw_error_set(err, ENOMEM, "out of memory");
		goto fail;
	}
	if (gw_api_socket_open(&server->socket, SOCK_STREAM, server->options.path,
		    server->options.group, err) < 0)
		goto fail;
	server->acceptable = event_new(
		options->events, server->socket.fd, EV_READ | EV_PERSIST, on_acceptable, server);
	server->pause = evtimer_new(options->events, on_pause_over, server);
	if (!server->acceptable || !server->pause || event_add(server->acceptable, NULL) < 0) {
		gw_error_set(err, ENOMEM, "out of memory");
		goto fail;
	}
	return server;
fail:
	gw_api_server_free(server);
	return NULL;
}

void gw_api_server_free(struct gw_api_server *server)
{
	struct gw_api_connection *connection;

	if (!server)
		return;
	while ((connection = TAILQ_FIRST(&server->connections)))
		on_ended(server, connection);
	if (server->acceptable)
		event_free(server->acceptable);
	if (server->pause)
		event_free(server->pause);
	if (server->options.path)
		gw_api_socket_close(&server->socket, server->options.path);
	free((char *)server->options.path);
	free((char *)server->options.group);
	free(server);
}

void gw_api_subscribe(void *client, uint32_t kinds)
{
	struct gw_api_connection *connection = client;

	if (connection)
		connection->kinds = kinds;
}

uint32_t gw_api_subscriptions(const void *client)
{
	const struct gw_api_connection *connection = client;

	return connection ? connection->kinds : 0;
}

bool gw_api_wanted(const struct gw_api_server *server, uint32_t kind)
{
	const struct gw_api_connection *connection;

	if (!server)
		return false;
	TAILQ_FOREACH (connection, &server->connections, next)
		if ((connection->kinds & kind) && !connection->over && !connection->closing)
			return true;
	return false;
}

void gw_api_publish(struct gw_api_server *server, uint32_t kind, json_t *params)
{
	struct gw_api_connection *connection;
	char *text;

	if (!gw_api_wanted(server, kind))
		return;
	text = gw_rpc_notification("event", params);
	if (!text) {
		gw_log_error("control socket: an event was lost: out of memory");
		return;
	}
	TAILQ_FOREACH (connection, &server->connections, next)
		if ((connection->kinds & kind) && !connection->closing)
			gw_api_connection_send(connection, strdup(text));
	free(text);
}
