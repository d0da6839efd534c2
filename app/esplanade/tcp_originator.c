// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Connections that the gateway opens (RFC 9329 section 6.1: the TCP originator): one for all SAs
// with the same addresses and port, opened again, ever more slowly, for as long as one of them
// exists.

#include "esplanade/tcp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "base/clock.h"
#include "base/log.h"

#define NS_PER_SECOND    UINT64_C(1000000000)
#define LONGEST_BACK_OFF 60u // seconds

static void attempt(struct gateway *gateway, struct tcp_originator *originator)
{
	struct tcp_connection *connection = gateway_tcp_connection_new(gateway);
	struct gw_stream_options options;
	struct gw_error err = {};

	originator->attempt_ns = gw_clock_ns();
	if (!connection)
		return;
	connection->originator = originator;
	connection->local = originator->local;
	connection->remote = originator->remote;
	connection->remote_port = originator->port;
	originator->connection = connection;
	options = gateway_tcp_stream_options(connection);
	connection->stream = gw_stream_connect(
		&options, &originator->local, &originator->remote, originator->port, &err);
	if (!connection->stream)
		gateway_tcp_connection_close(connection, err.text);
}

struct tcp_originator *gateway_tcp_originator_get(struct gateway *gateway,
	const struct gw_addr *local, const struct gw_addr *remote, uint16_t port)
{
	struct gateway_tcp *tcp = gateway->tcp;
	struct tcp_originator *originator;

	TAILQ_FOREACH (originator, &tcp->originators, link)
		if (originator->port == port && gw_addr_equal(&originator->local, local) &&
			gw_addr_equal(&originator->remote, remote))
			return originator;
	originator = calloc(1, sizeof(*originator));
	if (!originator)
		return NULL;
	originator->local = *local;
	originator->remote = *remote;
	originator->port = port;
	TAILQ_INSERT_TAIL(&tcp->originators, originator, link);
	attempt(gateway, originator);
	return originator;
}

void gateway_tcp_originator_free(struct gateway *gateway, struct tcp_originator *originator)
{
	struct tcp_path *path;

	if (originator->connection)
		gateway_tcp_connection_close(originator->connection, "no SA wants it any more");
	TAILQ_FOREACH (path, &gateway->tcp->paths, link)
		if (path->originator == originator)
			path->originator = NULL;
	TAILQ_REMOVE(&gateway->tcp->originators, originator, link);
	free(originator);
}

void gateway_tcp_originator_opened(struct tcp_originator *originator)
{
	char remote[GW_ADDR_STRLEN];

	originator->problem[0] = '\0';
	gw_log_notice("TCP connection %" PRIu64 " with %s port %u is open",
		originator->connection->id, gw_addr_format(&originator->remote, remote),
		originator->port);
}

// After one that carried authentic packets, or lasted, waiting begins anew: its peer was only
// restarted. Some randomness keeps many gateways from coming back all at once.
void gateway_tcp_originator_lost(struct tcp_originator *originator, const char *why)
{
	const struct tcp_connection *connection = originator->connection;
	uint64_t now_ns = gw_clock_ns(), wait_ns;

	if (connection->bound || (connection->open && now_ns - connection->opened_ns >
							      LONGEST_BACK_OFF * NS_PER_SECOND))
		originator->back_off_seconds = 0;
	originator->back_off_seconds =
		originator->back_off_seconds
			? RTE_MIN(2 * originator->back_off_seconds, LONGEST_BACK_OFF)
			: 1;
	wait_ns = originator->back_off_seconds * NS_PER_SECOND;
	originator->attempt_ns = now_ns + wait_ns + rte_rand_max(wait_ns / 4);
	originator->connection = NULL;
	snprintf(originator->problem, sizeof(originator->problem), "%s", why);
}

void gateway_tcp_originators_tick(struct gateway *gateway, uint64_t now_ns)
{
	struct tcp_originator *originator;

	TAILQ_FOREACH (originator, &gateway->tcp->originators, link)
		if (!originator->connection && now_ns >= originator->attempt_ns)
			attempt(gateway, originator);
}
