// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "vici/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"

#define LENGTH_BYTES  4
#define MOST_BYTES    (512 * 1024) // of a packet, which is strongSwan's own limit
#define FIRST_ROOM    4096
#define READS_AT_ONCE 16

struct gw_vici_client {
	struct gw_vici_client_options options; // path is a copy
	struct event *readable;                // while there is a connection
	struct event *retry;
	int fd; // -1: no connection
	uint8_t *input;
	size_t size, room;
	bool complained;
};

static const char *const events[] = { "list-sa", "child-updown", "child-rekey" };

static void on_readable(evutil_socket_t fd, short what, void *ctx);

static void hang_up(struct gw_vici_client *client)
{
	if (client->readable)
		event_free(client->readable);
	client->readable = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	free(client->input);
	client->input = NULL;
	client->size = client->room = 0;
}

static void retry_later(struct gw_vici_client *client)
{
	struct timeval wait = { .tv_sec = client->options.retry_ms / 1000,
		.tv_usec = client->options.retry_ms % 1000 * 1000 };

	hang_up(client);
	event_add(client->retry, &wait);
}

static size_t put_packet(uint8_t *buffer, enum gw_vici_packet packet, const char *name)
{
	size_t name_bytes = strlen(name), size = 2 + name_bytes;

	memset(buffer, 0, LENGTH_BYTES);
	buffer[3] = (uint8_t)size;
	buffer[4] = (uint8_t)packet;
	buffer[5] = (uint8_t)name_bytes;
	memcpy(buffer + 6, name, name_bytes);
	return LENGTH_BYTES + size;
}

// The few bytes of our requests always have room in a fresh socket.
static bool ask(int fd)
{
	uint8_t buffer[256];
	size_t size = 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		size += put_packet(buffer + size, GW_VICI_EVENT_REGISTER, events[i]);
	size += put_packet(buffer + size, GW_VICI_REQUEST, "list-sas");
	return send(fd, buffer, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void on_retry(evutil_socket_t, short, void *ctx)
{
	struct gw_vici_client *client = ctx;

	client->fd = dial(client->options.path);
	if (client->fd >= 0 && ask(client->fd))
		client->readable = event_new(client->options.events, client->fd,
			EV_READ | EV_PERSIST, on_readable, client);
	if (!client->readable || event_add(client->readable, NULL) != 0)
		retry_later(client);
}

// One packet behind its length. False: it is none.
static bool take_packet(struct gw_vici_client *client, const uint8_t *packet, size_t size)
{
	const uint8_t *body = packet + 1;
	struct gw_vici_text name;
	size_t body_bytes = size - 1;

	if (size == 0 || packet[0] > GW_VICI_EVENT)
		return false;
	if (packet[0] != GW_VICI_EVENT)
		return true; // what our requests are answered says nothing more
	if (!gw_vici_read_name(&body, &body_bytes, &name))
		return false;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (gw_vici_text_is(&name, events[i]))
			return gw_vici_children(body, body_bytes, client->options.child,
				       client->options.ctx) == 0;
	return true;
}

static size_t length_at(const uint8_t *at)
{
	return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

// All packets that are whole. False: the other end does not speak the protocol.
static bool take_packets(struct gw_vici_client *client)
{
	size_t done = 0;

	while (client->size - done >= LENGTH_BYTES) {
		size_t length = length_at(client->input + done);

		if (length > MOST_BYTES)
			return false;
		if (client->size - done - LENGTH_BYTES < length)
			break;
		if (!take_packet(client, client->input + done + LENGTH_BYTES, length))
			return false;
		done += LENGTH_BYTES + length;
	}
	client->size -= done;
	memmove(client->input, client->input + done, client->size);
	return true;
}

static bool make_room(struct gw_vici_client *client)
{
	size_t room = client->room ? 2 * client->room : FIRST_ROOM;
	uint8_t *input;

	if (client->size < client->room)
		return true;
	input = realloc(client->input, room);
	if (!input)
		return false;
	client->input = input;
	client->room = room;
	return true;
}

static void on_readable(evutil_socket_t fd, short, void *ctx)
{
	struct gw_vici_client *client = ctx;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t size = make_room(client) ? recv(fd, client->input + client->size,
							   client->room - client->size, 0)
						 : 0;

		if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (size <= 0) {
			retry_later(client);
			return;
		}
		client->size += (size_t)size;
		if (take_packets(client))
			continue;
		if (!client->complained)
			gw_log_warning("what listens at %s does not speak VICI: SAs have no names",
				client->options.path);
		client->complained = true;
		retry_later(client);
		return;
	}
}

struct gw_vici_client *gw_vici_client_new(
	const struct gw_vici_client_options *options, struct gw_error *err)
{
	struct gw_vici_client *client = calloc(1, sizeof(*client));

	if (!client) {
		gw_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	client->fd = -1;
	client->options = *options;
	client->options.path = strdup(options->path);
	client->retry = evtimer_new(options->events, on_retry, client);
	if (!client->options.path || !client->retry ||
		event_add(client->retry, &(struct timeval){ 0 }) != 0) {
		gw_vici_client_free(client);
		gw_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return client;
}

void gw_vici_client_free(struct gw_vici_client *client)
{
	if (!client)
		return;
	hang_up(client);
	if (client->retry)
		event_free(client->retry);
	free((char *)(uintptr_t)client->options.path);
	free(client);
}
