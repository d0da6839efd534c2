// Called by: control core (the files of TCP encapsulation)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "esplanade/gateway.h"
#include "ipsec/index.h"
#include "ipsec/siphash.h"
#include "linux/stream.h"

// TCP encapsulation (RFC 9329): what its files share. All of it belongs to the control core.
//
//   connection  a TCP connection with a peer, whoever opened it
//   originator  where the gateway opens connections to, for as long as an outbound SA wants one
//   there path        which connection the packets of a reqid to a peer take: the one by which the
//   peer's
//               last authentic packet of that reqid came, or else the originator's
//
// A connection that no path is bound to has shown nothing authentic, or nothing that still counts,
// and lives on sufferance: a while, and until another one needs its place.

#define TCP_MAX_LISTENERS (2 * GW_MAX_TCP_PORTS) // both families

struct tcp_originator;
struct tcp_relay;

struct tcp_connection {
	TAILQ_ENTRY(tcp_connection) link;
	struct gateway *gateway;
	struct gw_stream *stream;
	struct tcp_relay *relay;           // to the IKE daemon; NULL: no IKE message came yet
	struct tcp_originator *originator; // NULL: the peer opened it
	uint64_t id;                       // never 0, never given again
	struct gw_addr local, remote;
	uint16_t local_port, remote_port;
	uint8_t port; // of the gateway, where the peer is
	bool open;
	uint32_t bound; // paths
	uint64_t opened_ns;
	uint64_t suspect_ns; // since when no path is bound and no IKE answer was sent
	uint64_t sound_ns;   // when a record last named an SA, or an IKE answer was sent
	uint32_t strange;    // records since then that name none

	uint64_t esp_in, esp_out, ike_in, ike_out, bytes_in, bytes_out, dropped;
};

struct tcp_originator {
	TAILQ_ENTRY(tcp_originator) link;
	struct gw_addr local, remote;
	uint16_t port;
	struct tcp_connection *connection; // NULL: waits for the next attempt
	uint64_t attempt_ns;               // when the next one is, or the last one was
	uint32_t back_off_seconds;
	bool wanted;      // by an SA, as of the sweep under way
	char problem[64]; // why there is no connection
};

struct tcp_path {
	TAILQ_ENTRY(tcp_path) link;
	struct gw_index_link by_key;
	uint32_t reqid;
	struct gw_addr peer;
	struct tcp_connection *bound;
	struct tcp_originator *originator;
	bool wanted;
};

TAILQ_HEAD(tcp_connections, tcp_connection);
TAILQ_HEAD(tcp_originators, tcp_originator);
TAILQ_HEAD(tcp_paths, tcp_path);

struct evconnlistener;

struct gateway_tcp {
	struct evconnlistener *listeners[TCP_MAX_LISTENERS];
	unsigned int listener_count;
	struct tcp_connections connections;
	uint32_t connection_count, accepted_count; // now; those that peers opened
	uint64_t last_id;
	struct tcp_originators originators;
	struct tcp_paths paths;
	struct gw_index paths_by_key;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
	bool stale; // SAs or connections have gone: sweep
	uint64_t swept_ns;
	uint64_t accepted, refused, evicted, expired; // since the start
};

// --- tcp.c
// A new connection in the list, without a stream; NULL: no memory.
struct tcp_connection *gateway_tcp_connection_new(struct gateway *gateway);
struct gw_stream_options gateway_tcp_stream_options(struct tcp_connection *connection);
// Ends it and everything that refers to it. Not from within its record handler.
void gateway_tcp_connection_close(struct tcp_connection *connection, const char *why);
struct tcp_connection *gateway_tcp_connection_find(struct gateway_tcp *tcp, uint64_t id);
void gateway_tcp_connection_drop(struct tcp_connection *connection, enum gw_drop reason);

// --- tcp_originator.c
// The one for these, made if need be; NULL: no memory.
struct tcp_originator *gateway_tcp_originator_get(struct gateway *gateway,
	const struct gw_addr *local, const struct gw_addr *remote, uint16_t port);
void gateway_tcp_originator_free(struct gateway *gateway, struct tcp_originator *originator);
void gateway_tcp_originator_opened(struct tcp_originator *originator);
void gateway_tcp_originator_lost(struct tcp_originator *originator, const char *why);
void gateway_tcp_originators_tick(struct gateway *gateway, uint64_t now_ns);

// --- tcp_path.c
int gateway_tcp_paths_new(struct gateway_tcp *tcp);
void gateway_tcp_paths_free(struct gateway_tcp *tcp);
// NULL: none, or none that is open.
struct tcp_connection *gateway_tcp_path_connection(
	struct gateway_tcp *tcp, uint32_t reqid, const struct gw_addr *peer);
void gateway_tcp_path_bind(
	struct gateway_tcp *tcp, const struct gw_sa *sa, struct tcp_connection *connection);
void gateway_tcp_path_unbind(struct gateway_tcp *tcp, struct tcp_connection *connection);
// Whatever an SA wants is there.
void gateway_tcp_path_want(struct gateway *gateway, struct gw_sa *sa);
// Whatever no SA wants goes.
void gateway_tcp_paths_sweep(struct gateway *gateway);

// --- tcp_packet.c
// ESP from a connection, on its way to a worker.
void gateway_tcp_packet_in(struct tcp_connection *connection, const uint8_t *esp, size_t size);

// --- tcp_relay.c
void gateway_tcp_relay_in(struct tcp_connection *connection, const uint8_t *message, size_t size);
void gateway_tcp_relay_free(struct tcp_relay *relay);
// UDP port under which the IKE daemon knows the connection; 0: it does not.
uint16_t gateway_tcp_relay_port(const struct tcp_relay *relay);
