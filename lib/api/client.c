// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/message.h"
#include "api/rpc.h"
#include "base/clock.h"
#include "base/secret.h"

// One connection, one request at a time. Events may arrive between a request and its reply: they
// wait in `events` until somebody asks for them.
struct gw_api_client {
	int fd;
	json_int_t next_id;
	json_t *events;  // array of params, oldest first
	char *input;     // bytes received and not yet taken
	size_t used;     // of input
	size_t searched; // the first bytes of input that are known to hold no line end
	size_t room;
};

static int connect_to(const char *path, struct gw_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return gw_error_set(err, ENAMETOOLONG,
			"the socket's path has %zu bytes, at most %zu are possible", strlen(path),
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return gw_error_set(err, errno, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		gw_error_set(err, errno,
			"no daemon listens on %s: start esplanade, or name its socket", path);
	else if (errno == EACCES)
		gw_error_set(err, errno,
			"%s may not be used by this user: be root, or a member of the group in "
			"control.group",
			path);
	else
		gw_error_set(err, errno, "cannot connect to %s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

struct gw_api_client *gw_api_client_new(const char *path, struct gw_error *err)
{
	struct gw_api_client *client = calloc(1, sizeof(*client));

	if (!client || !(client->events = json_array())) {
		gw_error_set(err, ENOMEM, "out of memory");
		free(client);
		return NULL;
	}
	client->next_id = 1;
	client->fd = connect_to(path, err);
	if (client->fd < 0) {
		gw_api_client_free(client);
		return NULL;
	}
	return client;
}

void gw_api_client_free(struct gw_api_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	json_decref(client->events);
	free(client->input);
	free(client);
}

// Sends text and a line end. A daemon that refuses the connection writes a line and closes: what it
// wrote says more than EPIPE, so that is left to the reader.
static int send_line(
	struct gw_api_client *client, const char *text, size_t size, struct gw_error *err)
{
	static const char end = '\n';

	for (size_t done = 0; done <= size;) {
		const char *from = done < size ? text + done : &end;
		size_t left = done < size ? size - done : 1;
		ssize_t sent = send(client->fd, from, left, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (sent < 0)
			return gw_error_set(err, errno, "cannot send: %s", strerror(errno));
		done += (size_t)sent;
	}
	return 0;
}

// Requests may hold keys: the text is wiped once it is sent.
static int send_request(struct gw_api_client *client, json_t *request, struct gw_error *err)
{
	char *text = gw_rpc_text(request);
	size_t size;
	int rc;

	if (!text)
		return gw_error_set(err, EINVAL, "the request cannot be written as JSON");
	size = strlen(text);
	if (size > GW_RPC_MAX_MESSAGE)
		rc = gw_error_set(err, EMSGSIZE,
			"the request has %zu bytes, at most %u are possible: send it in parts",
			size, GW_RPC_MAX_MESSAGE);
	else
		rc = send_line(client, text, size, err);
	gw_wipe(text, size);
	free(text);
	return rc;
}

// How long a caller is willing to wait.
#define FOR_EVER       UINT64_C(0) // for a reply: signals do not matter
#define UNTIL_A_SIGNAL UINT64_MAX  // for an event: a signal ends the wait

static int remaining_ms(uint64_t deadline_ns)
{
	uint64_t now = gw_clock_ns();

	if (deadline_ns == FOR_EVER || deadline_ns == UNTIL_A_SIGNAL)
		return -1;
	return deadline_ns > now ? (int)((deadline_ns - now + 999999) / 1000000) : 0;
}

static int wait_for_input(struct gw_api_client *client, uint64_t deadline_ns, struct gw_error *err)
{
	for (;;) {
		struct pollfd watch = { .fd = client->fd, .events = POLLIN };
		int ready = poll(&watch, 1, remaining_ms(deadline_ns));

		if (ready > 0)
			return 0;
		if (ready == 0)
			return gw_error_set(err, ETIMEDOUT, "nothing came in time");
		if (errno != EINTR || deadline_ns != FOR_EVER)
			return gw_error_set(err, errno, "cannot wait: %s", strerror(errno));
	}
}

static int receive_more(struct gw_api_client *client, struct gw_error *err)
{
	ssize_t got;

	if (client->used == client->room) {
		size_t room = client->room ? 2 * client->room : 4096;
		char *input = realloc(client->input, room);

		if (!input)
			return gw_error_set(err, ENOMEM, "out of memory");
		client->input = input;
		client->room = room;
	}
	do {
		got = recv(
			client->fd, client->input + client->used, client->room - client->used, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return gw_error_set(err, errno, "cannot receive: %s", strerror(errno));
	if (got == 0)
		return gw_error_set(err, ECONNRESET, "the daemon closed the connection");
	client->used += (size_t)got;
	return 0;
}

// Takes the next message off the connection.
static json_t *receive(struct gw_api_client *client, uint64_t deadline_ns, struct gw_error *err)
{
	json_error_t problem;
	json_t *message;
	char *end;
	size_t size;

	while (!(end = client->used > client->searched
			       ? memchr(client->input + client->searched, '\n',
					 client->used - client->searched)
			       : NULL)) {
		client->searched = client->used;
		if (wait_for_input(client, deadline_ns, err) < 0 || receive_more(client, err) < 0)
			return NULL;
	}
	size = (size_t)(end - client->input);
	message = json_loadb(client->input, size, JSON_REJECT_DUPLICATES, &problem);
	client->used -= size + 1;
	client->searched = 0;
	memmove(client->input, end + 1, client->used);
	if (!message)
		gw_error_set(err, EPROTO, "the daemon answered something that is not JSON: %s",
			problem.text);
	return message;
}

// An event, or NULL when message is something else.
static json_t *event_params(json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));

	return method && strcmp(method, "event") == 0 ? json_object_get(message, "params") : NULL;
}

// The next message that is no event; events are put aside.
static json_t *receive_reply(struct gw_api_client *client, struct gw_error *err)
{
	for (;;) {
		json_t *message = receive(client, FOR_EVER, err);
		json_t *params = event_params(message);

		if (!params)
			return message;
		json_array_append(client->events, params);
		json_decref(message);
	}
}

static void error_from(json_t *object, struct gw_error *err)
{
	json_int_t code = json_integer_value(json_object_get(object, "code"));
	const char *text = json_string_value(json_object_get(object, "message"));
	json_t *data = json_object_get(object, "data");

	gw_error_at(err, code > 0 && code < 4096 ? (int)code : EINVAL, NULL,
		json_string_value(json_object_get(data, "where")), "%s",
		text ? text : "the daemon answered an error without a message");
}

static json_t *request_new(struct gw_api_client *client, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", method ? method : "");

	if (request && params)
		json_object_set(request, "params", params);
	if (request)
		json_object_set_new(request, "id", json_integer(client->next_id++));
	return request;
}

json_t *gw_api_client_call(
	struct gw_api_client *client, const char *method, json_t *params, struct gw_error *err)
{
	json_t *request = request_new(client, method, params);
	json_t *reply = NULL, *result = NULL, *error;

	if (!request)
		gw_error_set(err, ENOMEM, "out of memory");
	else if (send_request(client, request, err) == 0)
		reply = receive_reply(client, err);
	json_decref(request);
	if (!reply)
		return NULL;
	if ((error = json_object_get(reply, "error")))
		error_from(error, err);
	else if (!(result = json_incref(json_object_get(reply, "result"))))
		gw_error_set(err, EPROTO, "the daemon's reply has neither result nor error");
	json_decref(reply);
	return result;
}

// Puts replies, which come in any order, in the order of the calls they answer: ids count up from
// first_id.
static json_t *sort_replies(
	json_t *replies, json_int_t first_id, size_t count, struct gw_error *err)
{
	json_t *sorted = json_array(), *reply;
	size_t i;

	for (size_t slot = 0; slot < count; slot++)
		json_array_append_new(sorted, json_null());
	json_array_foreach (replies, i, reply) {
		json_int_t id = json_integer_value(json_object_get(reply, "id"));

		if (id >= first_id && (size_t)(id - first_id) < count)
			json_array_set(sorted, (size_t)(id - first_id), reply);
	}
	json_array_foreach (sorted, i, reply) {
		if (!json_is_null(reply))
			continue;
		gw_error_set(err, EPROTO, "the daemon did not answer call %zu of the batch", i);
		json_decref(sorted);
		return NULL;
	}
	return sorted;
}

json_t *gw_api_client_batch(struct gw_api_client *client, json_t *calls, struct gw_error *err)
{
	json_int_t first_id = client->next_id;
	json_t *batch = json_array(), *reply = NULL, *result = NULL, *call;
	size_t i;

	json_array_foreach (calls, i, call)
		json_array_append_new(batch,
			request_new(client, json_string_value(json_object_get(call, "method")),
				json_object_get(call, "params")));
	if (json_array_size(batch) == 0 || json_array_size(batch) != json_array_size(calls))
		gw_error_set(err, EINVAL, "a batch is a list of at least one call");
	else if (send_request(client, batch, err) == 0)
		reply = receive_reply(client, err);
	json_decref(batch);
	if (json_is_array(reply))
		result = sort_replies(reply, first_id, json_array_size(calls), err);
	else if (reply)
		error_from(json_object_get(reply, "error"), err);
	json_decref(reply);
	return result;
}

json_t *gw_api_client_event(struct gw_api_client *client, int timeout_ms, struct gw_error *err)
{
	uint64_t deadline_ns =
		timeout_ms < 0 ? UNTIL_A_SIGNAL : gw_clock_ns() + (uint64_t)timeout_ms * 1000000u;

	if (json_array_size(client->events) > 0) {
		json_t *params = json_incref(json_array_get(client->events, 0));

		json_array_remove(client->events, 0);
		return params;
	}
	for (;;) {
		json_t *message = receive(client, deadline_ns, err);
		json_t *params;

		if (!message)
			return NULL;
		params = json_incref(event_params(message));
		json_decref(message);
		if (params)
			return params;
	}
}
