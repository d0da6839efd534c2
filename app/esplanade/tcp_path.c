// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Which connection the packets of a reqid to a peer take. RFC 9329 section 6.1 has the responder
// send by the connection that the peer used last, and only what was authentic counts: a path is
// bound when a worker tells of the newest authentic packet, never by what anybody may send.

#include "esplanade/tcp.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/clock.h"

#define EXPECTED 1024 // more make chains longer, no more

struct key {
	uint32_t reqid;
	struct gw_addr peer;
};

static uint64_t hash_of(const struct gateway_tcp *tcp, uint32_t reqid, const struct gw_addr *peer)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	key.reqid = reqid;
	key.peer.family = peer->family;
	memcpy(key.peer.bytes, peer->bytes, gw_addr_bytes(peer->family));
	return gw_siphash_128(tcp->secret, &key, sizeof(key)).low;
}

int gateway_tcp_paths_new(struct gateway_tcp *tcp)
{
	return gw_index_init(&tcp->paths_by_key, EXPECTED);
}

static struct tcp_path *find(struct gateway_tcp *tcp, uint32_t reqid, const struct gw_addr *peer)
{
	struct gw_index_link *link = gw_index_first(&tcp->paths_by_key, hash_of(tcp, reqid, peer));

	for (; link; link = gw_index_next(link)) {
		struct tcp_path *path = container_of(link, struct tcp_path, by_key);

		if (path->reqid == reqid && gw_addr_equal(&path->peer, peer))
			return path;
	}
	return NULL;
}

static struct tcp_path *get(struct gateway_tcp *tcp, uint32_t reqid, const struct gw_addr *peer)
{
	struct tcp_path *path = find(tcp, reqid, peer);

	if (path)
		return path;
	path = calloc(1, sizeof(*path));
	if (!path)
		return NULL;
	path->reqid = reqid;
	path->peer = *peer;
	gw_index_insert(&tcp->paths_by_key, &path->by_key, hash_of(tcp, reqid, peer));
	TAILQ_INSERT_TAIL(&tcp->paths, path, link);
	return path;
}

static void unbind(struct tcp_path *path)
{
	struct tcp_connection *connection = path->bound;

	path->bound = NULL;
	if (connection && --connection->bound == 0)
		connection->suspect_ns = gw_clock_ns();
}

static void drop_path(struct gateway_tcp *tcp, struct tcp_path *path)
{
	unbind(path);
	gw_index_remove(&tcp->paths_by_key, &path->by_key);
	TAILQ_REMOVE(&tcp->paths, path, link);
	free(path);
}

void gateway_tcp_paths_free(struct gateway_tcp *tcp)
{
	struct tcp_path *path;

	while ((path = TAILQ_FIRST(&tcp->paths)))
		drop_path(tcp, path);
	gw_index_fini(&tcp->paths_by_key);
}

struct tcp_connection *gateway_tcp_path_connection(
	struct gateway_tcp *tcp, uint32_t reqid, const struct gw_addr *peer)
{
	const struct tcp_path *path = find(tcp, reqid, peer);
	struct tcp_connection *connection;

	if (!path)
		return NULL;
	connection = path->bound;
	if (!connection && path->originator)
		connection = path->originator->connection;
	return connection && connection->open ? connection : NULL;
}

void gateway_tcp_path_bind(
	struct gateway_tcp *tcp, const struct gw_sa *sa, struct tcp_connection *connection)
{
	struct tcp_path *path = get(tcp, sa->reqid, &sa->spec.source);

	if (!path || path->bound == connection)
		return;
	unbind(path);
	path->bound = connection;
	connection->bound++;
}

void gateway_tcp_path_unbind(struct gateway_tcp *tcp, struct tcp_connection *connection)
{
	struct tcp_path *path;

	if (connection->bound == 0)
		return;
	TAILQ_FOREACH (path, &tcp->paths, link)
		if (path->bound == connection)
			unbind(path);
	tcp->stale = true;
}

// An inbound SA whose path is bound to nothing tells of its next authentic packet, whatever
// connection that comes by.
static void want_inbound(struct gateway_tcp *tcp, struct gw_sa *sa)
{
	struct tcp_path *path = find(tcp, sa->reqid, &sa->spec.source);

	if (path)
		path->wanted = true;
	// Relaxed: as in the worker, the word is all there is.
	if (!path || !path->bound)
		atomic_store_explicit(&sa->mapping, 0, memory_order_relaxed);
}

void gateway_tcp_path_want(struct gateway *gateway, struct gw_sa *sa)
{
	const struct gw_sa_spec *spec = &sa->spec;
	struct tcp_path *path;

	if (sa->direction == GW_DIRECTION_IN) {
		want_inbound(gateway->tcp, sa);
		return;
	}
	path = get(gateway->tcp, sa->reqid, &spec->destination);
	if (!path)
		return;
	path->wanted = true;
	if (!spec->encapsulation.connect)
		return;
	path->originator = gateway_tcp_originator_get(
		gateway, &spec->source, &spec->destination, spec->encapsulation.destination_port);
	if (path->originator)
		path->originator->wanted = true;
}

static int want(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	if (sa->in_tcp)
		gateway_tcp_path_want(ctx, sa);
	return 0;
}

void gateway_tcp_paths_sweep(struct gateway *gateway)
{
	struct tcp_originator *originator, *next_originator;
	struct gateway_tcp *tcp = gateway->tcp;
	struct tcp_path *path, *next_path;

	TAILQ_FOREACH (path, &tcp->paths, link) {
		path->wanted = false;
		path->originator = NULL;
	}
	TAILQ_FOREACH (originator, &tcp->originators, link)
		originator->wanted = false;
	tcp->stale = false;
	gw_sa_each(gateway->ipsec, want, gateway);
	for (path = TAILQ_FIRST(&tcp->paths); path; path = next_path) {
		next_path = TAILQ_NEXT(path, link);
		if (!path->wanted)
			drop_path(tcp, path);
	}
	for (originator = TAILQ_FIRST(&tcp->originators); originator;
		originator = next_originator) {
		next_originator = TAILQ_NEXT(originator, link);
		if (!originator->wanted)
			gateway_tcp_originator_free(gateway, originator);
	}
}
