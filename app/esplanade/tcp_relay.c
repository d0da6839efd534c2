// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IKE messages in TCP (RFC 9329 section 3) go to the host's IKE daemon as it knows them from NAT
// traversal: in UDP to its port 4500, behind the non-ESP marker (RFC 3948 section 2.2). Each
// connection has a UDP socket of its own, on the gateway's address that the peer connected to, so
// that the daemon's answers find back. To the daemon the peer is behind a NAT, at that address and
// the socket's port, which tcp.list tells.

#include "esplanade/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "linux/inet.h"

#define AT_ONCE 16 // answers read in one go

struct tcp_relay {
	struct tcp_connection *connection;
	struct event *readable;
	uint16_t port;
	int fd;
};

static void answer(struct tcp_connection *connection, const uint8_t *message, size_t size)
{
	static const uint8_t marker[GW_TCP_MARKER_BYTES];

	// Keepalives and ESP have no business here (RFC 9329 sections 3 and 6.6).
	if (size <= sizeof(marker) || memcmp(message, marker, sizeof(marker)) != 0)
		return;
	if (gw_stream_send(connection->stream, message, size) != 0) {
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_IKE);
		return;
	}
	connection->ike_out++;
	connection->bytes_out += size + GW_TCP_LENGTH_BYTES;
	// A key exchange under way earns some patience.
	connection->suspect_ns = connection->sound_ns = gw_clock_ns();
	connection->strange = 0;
}

static void on_readable(evutil_socket_t fd, short, void *ctx)
{
	static uint8_t message[UINT16_MAX]; // the control core alone comes here
	struct tcp_relay *relay = ctx;

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		ssize_t size = recv(fd, message, sizeof(message), MSG_DONTWAIT);

		if (size < 0) {
			// Told by ICMP: nobody listens there.
			if (errno == ECONNREFUSED)
				gateway_tcp_connection_drop(relay->connection, GW_DROP_TCP_IKE);
			return;
		}
		answer(relay->connection, message, (size_t)size);
	}
}

// A UDP socket between the gateway's address and the daemon's port there; -1 where there is none.
static int open_socket(const struct gw_addr *addr, uint16_t daemon_port, uint16_t *port)
{
	struct sockaddr_storage here, daemon;
	socklen_t bytes = gw_inet_make(addr, 0, &here);
	int fd = socket(here.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct gw_addr own;

	gw_inet_make(addr, daemon_port, &daemon);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&here, bytes) == 0 &&
		connect(fd, (struct sockaddr *)&daemon, bytes) == 0 &&
		getsockname(fd, (struct sockaddr *)&here, &bytes) == 0) {
		gw_inet_read(&here, &own, port);
		return fd;
	}
	close(fd);
	return -1;
}

static struct tcp_relay *relay_new(struct tcp_connection *connection)
{
	const struct gateway *gateway = connection->gateway;
	struct tcp_relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return NULL;
	relay->connection = connection;
	relay->fd = open_socket(&connection->local, gateway->config->tcp_ike_port, &relay->port);
	if (relay->fd >= 0)
		relay->readable = event_new(
			gateway->events, relay->fd, EV_READ | EV_PERSIST, on_readable, relay);
	if (!relay->readable || event_add(relay->readable, NULL) != 0) {
		gateway_tcp_relay_free(relay);
		return NULL;
	}
	return relay;
}

void gateway_tcp_relay_in(struct tcp_connection *connection, const uint8_t *message, size_t size)
{
	if (!connection->relay && connection->gateway->config->tcp_ike_port)
		connection->relay = relay_new(connection);
	if (!connection->relay ||
		send(connection->relay->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_IKE);
}

void gateway_tcp_relay_free(struct tcp_relay *relay)
{
	if (!relay)
		return;
	if (relay->readable)
		event_free(relay->readable);
	if (relay->fd >= 0)
		close(relay->fd);
	free(relay);
}

uint16_t gateway_tcp_relay_port(const struct tcp_relay *relay)
{
	return relay ? relay->port : 0;
}
