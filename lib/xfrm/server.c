// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/server.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "api/socket.h"
#include "base/log.h"
#include "base/secret.h"

#define ACCEPTS_AT_ONCE  16
#define REQUESTS_AT_ONCE 64
#define PACKETS_AT_ONCE  32
#define INPUT_BYTES      65536
#define MESSAGE_BYTES    8192        // none of ours is longer
#define OUTPUT_HIGH      (64 * 1024) // bytes that wait before a dump pauses
#define OUTPUT_LIMIT     (1 << 20)   // and before events are lost
#define MOST_GROUPS      31

struct packet {
	STAILQ_ENTRY(packet) next;
	size_t size;
	uint8_t bytes[];
};

struct gw_xfrm_client {
	TAILQ_ENTRY(gw_xfrm_client) next;
	struct gw_xfrm_server *server;
	int fd;
	struct event *readable, *writable;
	STAILQ_HEAD(, packet) output;
	size_t waiting; // bytes of output
	struct gw_xfrm_dump *dump;
	struct nlmsghdr request; // being served
	struct gw_xfrm_peer peer;
	uint32_t port;
	uint32_t groups; // bit n: group n
	bool greeted;
	bool ext_ack;
	bool overrun; // events were lost since the client last heard of that
	bool over;    // ends when nobody on the stack holds it
};

struct gw_xfrm_server {
	struct gw_xfrm_server_options options; // path and group are copies
	struct gw_api_socket socket;
	struct event *acceptable;
	TAILQ_HEAD(, gw_xfrm_client) clients;
	unsigned int count;
	uint8_t *input; // one for all; holds keys: wiped after each use
};

// A message that was sent, wiped and empty again, for the next one: each new one would be fresh
// pages. Every message has the same room.
static struct nl_msg *spare;

static void tell_controller(const struct gw_xfrm_client *client, bool here)
{
	const struct gw_xfrm_server_options *options = &client->server->options;

	if (options->controller)
		options->controller(options->ctx, &client->peer, here);
}

static void client_free(struct gw_xfrm_client *client)
{
	struct packet *packet;

	TAILQ_REMOVE(&client->server->clients, client, next);
	client->server->count--;
	while ((packet = STAILQ_FIRST(&client->output))) {
		STAILQ_REMOVE_HEAD(&client->output, next);
		gw_wipe(packet->bytes, packet->size);
		free(packet);
	}
	if (client->dump)
		client->dump->free(client->dump);
	if (client->readable)
		event_free(client->readable);
	if (client->writable)
		event_free(client->writable);
	close(client->fd);
	if (client->peer.controls)
		tell_controller(client, false);
	free(client);
}

static void pop(struct gw_xfrm_client *client)
{
	struct packet *packet = STAILQ_FIRST(&client->output);

	STAILQ_REMOVE_HEAD(&client->output, next);
	client->waiting -= packet->size;
	gw_wipe(packet->bytes, packet->size);
	free(packet);
}

// As many packets with one system call as there are, up to a few. How many; -1 with errno set.
static int send_some(struct gw_xfrm_client *client)
{
	struct mmsghdr messages[PACKETS_AT_ONCE] = {};
	struct iovec vectors[PACKETS_AT_ONCE];
	struct packet *packet;
	unsigned int count = 0;

	STAILQ_FOREACH (packet, &client->output, next) {
		if (count == PACKETS_AT_ONCE)
			break;
		vectors[count] = (struct iovec){ packet->bytes, packet->size };
		messages[count].msg_hdr.msg_iov = &vectors[count];
		messages[count].msg_hdr.msg_iovlen = 1;
		count++;
	}
	return sendmmsg(client->fd, messages, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Sends what it can; false: the client is gone.
static bool flush(struct gw_xfrm_client *client)
{
	while (!STAILQ_EMPTY(&client->output)) {
		int sent = send_some(client);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		while (sent-- > 0)
			pop(client);
	}
	return true;
}

static void queue(struct gw_xfrm_client *client, const void *data, size_t size)
{
	struct packet *packet = malloc(sizeof(*packet) + size);

	if (!packet) {
		client->over = true;
		return;
	}
	packet->size = size;
	memcpy(packet->bytes, data, size);
	STAILQ_INSERT_TAIL(&client->output, packet, next);
	client->waiting += size;
}

static void continue_dump(struct gw_xfrm_client *client)
{
	while (client->dump && client->waiting < OUTPUT_HIGH && !client->over) {
		struct nl_msg *done;

		if (client->dump->next(client->dump, client))
			continue;
		client->dump->free(client->dump);
		client->dump = NULL;
		done = gw_xfrm_reply_new(client, NLMSG_DONE, &(int){ 0 }, sizeof(int), NLM_F_MULTI);
		if (done)
			gw_xfrm_reply_send(client, done);
	}
}

// Writes what waits, goes on with a dump, and asks for the events that are of use now.
static void pump(struct gw_xfrm_client *client)
{
	do {
		if (!flush(client))
			client->over = true;
		continue_dump(client);
	} while (!client->over && STAILQ_EMPTY(&client->output) && client->dump);
	if (!client->over && !flush(client))
		client->over = true;
	if (client->over) {
		// From the event loop alone: whoever is on the stack may still hold the client.
		event_del(client->readable);
		event_active(client->writable, EV_WRITE, 0);
		return;
	}
	if (STAILQ_EMPTY(&client->output))
		event_del(client->writable);
	else
		event_add(client->writable, NULL);
	if (client->dump || client->waiting > OUTPUT_LIMIT)
		event_del(client->readable);
	else
		event_add(client->readable, NULL);
}

const struct gw_xfrm_peer *gw_xfrm_client_peer(const struct gw_xfrm_client *client)
{
	return &client->peer;
}

struct nl_msg *gw_xfrm_reply_new(
	struct gw_xfrm_client *client, uint16_t type, const void *body, size_t size, uint16_t flags)
{
	struct nl_msg *message = gw_xfrm_event_new(type, body, size);

	if (!message) {
		client->over = true;
		return NULL;
	}
	nlmsg_hdr(message)->nlmsg_seq = client->request.nlmsg_seq;
	nlmsg_hdr(message)->nlmsg_pid = client->port;
	nlmsg_hdr(message)->nlmsg_flags = flags;
	return message;
}

static void message_free(struct nl_msg *message)
{
	struct nlmsghdr *header = nlmsg_hdr(message);

	gw_wipe(header, header->nlmsg_len);
	if (spare) {
		nlmsg_free(message);
		return;
	}
	header->nlmsg_len = NLMSG_HDRLEN;
	spare = message;
}

void gw_xfrm_reply_send(struct gw_xfrm_client *client, struct nl_msg *message)
{
	queue(client, nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len);
	message_free(message);
}

void gw_xfrm_dump_start(struct gw_xfrm_client *client, struct gw_xfrm_dump *dump)
{
	client->dump = dump;
}

struct nl_msg *gw_xfrm_event_new(uint16_t type, const void *body, size_t size)
{
	struct nl_msg *message = spare ? spare : nlmsg_alloc_size(MESSAGE_BYTES);
	struct nlmsghdr *header;

	spare = NULL;
	if (!message)
		return NULL;
	header = nlmsg_put(message, 0, 0, type, (int)size, 0);
	if (!header) {
		nlmsg_free(message);
		return NULL;
	}
	// libnl puts its own in place of a number that is 0.
	header->nlmsg_pid = header->nlmsg_seq = 0;
	if (size)
		memcpy(nlmsg_data(header), body, size);
	return message;
}

bool gw_xfrm_listened(const struct gw_xfrm_server *server, unsigned int group)
{
	const struct gw_xfrm_client *client;

	if (!server)
		return false;
	TAILQ_FOREACH (client, &server->clients, next)
		if (client->groups >> group & 1 && !client->over)
			return true;
	return false;
}

// The kernel's socket says ENOBUFS where one has no room; here a message of that error says it.
static void tell_overrun(struct gw_xfrm_client *client)
{
	struct nlmsgerr error = { .error = -ENOBUFS };
	struct nl_msg *message = gw_xfrm_event_new(NLMSG_OVERRUN, &error, sizeof(error));

	if (message)
		gw_xfrm_reply_send(client, message);
}

void gw_xfrm_event_send(struct gw_xfrm_server *server, unsigned int group, struct nl_msg *message)
{
	struct gw_xfrm_client *client;

	TAILQ_FOREACH (client, &server->clients, next) {
		if (!(client->groups >> group & 1) || client->over)
			continue;
		if (client->waiting > OUTPUT_LIMIT) {
			client->overrun = true;
			continue;
		}
		if (client->overrun)
			tell_overrun(client);
		client->overrun = false;
		queue(client, nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len);
		pump(client);
	}
	message_free(message);
}

// An acknowledgement, or an error: with its text where the client takes that. Most of what is sent
// is this without a text, for which a message of libnl would be large and slow.
static void acknowledge(
	struct gw_xfrm_client *client, const struct nlmsghdr *request, const struct gw_error *err)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
	} plain = { .header = { .nlmsg_len = sizeof(plain),
			    .nlmsg_type = NLMSG_ERROR,
			    .nlmsg_flags = NLM_F_CAPPED,
			    .nlmsg_seq = request->nlmsg_seq,
			    .nlmsg_pid = client->port },
		.body = { .error = -err->code, .msg = *request } };
	struct nl_msg *message;

	if (!client->ext_ack || !err->code || !err->text[0]) {
		queue(client, &plain, sizeof(plain));
		return;
	}
	message = gw_xfrm_reply_new(client, NLMSG_ERROR, &plain.body, sizeof(plain.body),
		NLM_F_CAPPED | NLM_F_ACK_TLVS);
	if (!message)
		return;
	nla_put_string(message, NLMSGERR_ATTR_MSG, err->text);
	gw_xfrm_reply_send(client, message);
}

static void hello(struct gw_xfrm_client *client, const struct nlmsghdr *header)
{
	const struct gw_xfrm_hello *hello = NLMSG_DATA(header);

	if (header->nlmsg_len < NLMSG_LENGTH(offsetof(struct gw_xfrm_hello, program)) ||
		hello->protocol != GW_XFRM_PROTOCOL) {
		gw_log_warning("a client of the XFRM socket speaks another protocol than %d: its "
			       "preload library is of another version",
			GW_XFRM_PROTOCOL);
		client->over = true;
		return;
	}
	client->port = hello->port;
	client->greeted = true;
	if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(*hello)))
		memcpy(client->peer.program, hello->program, sizeof(hello->program));
	for (char *c = client->peer.program; *c; c++)
		if (!isgraph((unsigned char)*c))
			*c = '?'; // it goes into logs
}

// Those who want to know of packets without SAs are those who negotiate them.
static void join(struct gw_xfrm_client *client, uint32_t group)
{
	client->groups |= 1u << group;
	if (group != XFRMNLGRP_ACQUIRE || client->peer.controls)
		return;
	client->peer.controls = true;
	tell_controller(client, true);
}

static void control(struct gw_xfrm_client *client, const struct nlmsghdr *header)
{
	uint32_t value;

	if (header->nlmsg_type == GW_XFRM_HELLO) {
		hello(client, header);
		return;
	}
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(value)))
		return;
	memcpy(&value, NLMSG_DATA(header), sizeof(value));
	if (header->nlmsg_type == GW_XFRM_EXT_ACK)
		client->ext_ack = value;
	else if (value > 0 && value <= MOST_GROUPS && header->nlmsg_type == GW_XFRM_JOIN)
		join(client, value);
	else if (value > 0 && value <= MOST_GROUPS && header->nlmsg_type == GW_XFRM_LEAVE)
		client->groups &= ~(1u << value);
}

static void serve(struct gw_xfrm_client *client, const void *data, size_t size)
{
	const struct gw_xfrm_server_options *options = &client->server->options;
	const struct nlmsghdr *header = data;
	struct gw_xfrm_request request;
	struct gw_error err = {};
	int rc;

	if (header->nlmsg_type < NLMSG_MIN_TYPE) {
		control(client, header);
		return;
	}
	if (!client->greeted || !(header->nlmsg_flags & NLM_F_REQUEST))
		return; // as the kernel does
	client->request = *header;
	rc = gw_xfrm_request_parse(data, size, &request, &err);
	if (!rc)
		rc = options->serve(options->ctx, client, &request, &err);
	if (rc && !err.code)
		err.code = -rc;
	if (rc || (header->nlmsg_flags & NLM_F_ACK && !client->dump))
		acknowledge(client, header, &err);
}

// Each message is brought to the beginning, where its structures are aligned as the compiler
// expects.
static void serve_all(struct gw_xfrm_client *client, uint8_t *data, size_t size)
{
	while (size >= sizeof(struct nlmsghdr) && !client->over) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)data;
		size_t whole = NLMSG_ALIGN((size_t)header->nlmsg_len);

		if (header->nlmsg_len < sizeof(*header) || header->nlmsg_len > size)
			return; // as the kernel does
		serve(client, data, header->nlmsg_len);
		if (whole >= size)
			return;
		size -= whole;
		memmove(data, data + whole, size);
	}
}

static void on_readable(evutil_socket_t fd, short, void *ctx)
{
	struct gw_xfrm_client *client = ctx;
	struct gw_xfrm_server *server = client->server;

	for (int i = 0; i < REQUESTS_AT_ONCE && !client->over && !client->dump; i++) {
		ssize_t size = recv(fd, server->input, INPUT_BYTES, MSG_DONTWAIT | MSG_TRUNC);

		if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			break;
		if (size <= 0 || size > INPUT_BYTES) {
			client->over = true;
			break;
		}
		serve_all(client, server->input, (size_t)size);
		gw_wipe(server->input, (size_t)size);
		if (client->waiting > OUTPUT_HIGH && !flush(client))
			client->over = true;
		if (client->waiting > OUTPUT_LIMIT)
			break;
	}
	pump(client);
}

static void on_writable(evutil_socket_t, short, void *ctx)
{
	struct gw_xfrm_client *client = ctx;

	if (!client->over)
		pump(client);
	else
		client_free(client);
}

static void welcome(struct gw_xfrm_server *server, int fd)
{
	struct gw_xfrm_client *client;
	struct ucred credentials;

	if (server->count >= server->options.max_clients ||
		!gw_api_peer_allowed(fd, server->socket.group)) {
		close(fd);
		return;
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->server = server;
	client->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials,
		    &(socklen_t){ sizeof(credentials) }) == 0)
		client->peer.process = (uint32_t)credentials.pid;
	STAILQ_INIT(&client->output);
	TAILQ_INSERT_TAIL(&server->clients, client, next);
	server->count++;
	client->readable =
		event_new(server->options.events, fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable =
		event_new(server->options.events, fd, EV_WRITE | EV_PERSIST, on_writable, client);
	if (!client->readable || !client->writable || event_add(client->readable, NULL) != 0)
		client_free(client);
}

static void on_acceptable(evutil_socket_t listener, short, void *ctx)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		welcome(ctx, fd);
	}
}

struct gw_xfrm_server *gw_xfrm_server_new(
	const struct gw_xfrm_server_options *options, struct gw_error *err)
{
	struct gw_xfrm_server *server = calloc(1, sizeof(*server));

	if (!server) {
		gw_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&server->clients);
	server->options = *options;
	server->options.path = strdup(options->path);
	server->options.group = strdup(options->group);
	server->input = malloc(INPUT_BYTES);
	server->socket.fd = -1;
	if (!server->options.path || !server->options.group || !server->input)
		gw_error_set(err, ENOMEM, "out of memory");
	else if (gw_api_socket_open(
			 &server->socket, SOCK_SEQPACKET, options->path, options->group, err) == 0)
		server->acceptable = event_new(options->events, server->socket.fd,
			EV_READ | EV_PERSIST, on_acceptable, server);
	if (!server->acceptable || event_add(server->acceptable, NULL) != 0) {
		gw_xfrm_server_free(server);
		gw_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return server;
}

void gw_xfrm_server_free(struct gw_xfrm_server *server)
{
	struct gw_xfrm_client *client;

	if (!server)
		return;
	while ((client = TAILQ_FIRST(&server->clients)))
		client_free(client);
	if (server->acceptable)
		event_free(server->acceptable);
	if (server->socket.fd >= 0)
		gw_api_socket_close(&server->socket, server->options.path);
	free((char *)(uintptr_t)server->options.path);
	free((char *)(uintptr_t)server->options.group);
	free(server->input);
	free(server);
	nlmsg_free(spare);
	spare = NULL;
}
