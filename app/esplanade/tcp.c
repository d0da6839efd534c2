// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// TCP encapsulation (RFC 9329): listeners and connections, and what they are allowed to take up.
//
// Life of a connection: accepted, or opened by an originator (tcp_originator.c) → records go to the
// workers (tcp_packet.c) or the IKE daemon (tcp_relay.c) → a worker tells of the first authentic
// packet of an SA on it, which binds a path (tcp_path.c) → it ends by its peer, by the network, or
// because nothing authentic comes on it.

#include "esplanade/tcp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/listener.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/events.h"
#include "esplanade/parts.h"
#include "linux/inet.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define BACKLOG       128
#define CONNECT_NS    (10 * NS_PER_SECOND)
#define SWEEP_NS      (NS_PER_SECOND / 20)
// Records in a row that name no SA, and how long none has, until the stream counts as corrupt.
#define STRANGE_RECORDS 8
#define STRANGE_NS      (5 * NS_PER_SECOND)
#define OTHER_FILES     256u // beside connections, each with its socket to the IKE daemon

struct tcp_connection *gateway_tcp_connection_new(struct gateway *gateway)
{
	struct tcp_connection *connection = calloc(1, sizeof(*connection));
	struct gateway_tcp *tcp = gateway->tcp;

	if (!connection)
		return NULL;
	connection->gateway = gateway;
	connection->id = ++tcp->last_id;
	connection->opened_ns = connection->suspect_ns = connection->sound_ns = gw_clock_ns();
	TAILQ_INSERT_TAIL(&tcp->connections, connection, link);
	tcp->connection_count++;
	return connection;
}

struct tcp_connection *gateway_tcp_connection_find(struct gateway_tcp *tcp, uint64_t id)
{
	struct tcp_connection *connection;

	TAILQ_FOREACH (connection, &tcp->connections, link)
		if (connection->id == id)
			return connection;
	return NULL;
}

void gateway_tcp_connection_drop(struct tcp_connection *connection, enum gw_drop reason)
{
	connection->dropped++;
	gw_count_drop(&connection->gateway->counters, reason);
}

void gateway_tcp_connection_close(struct tcp_connection *connection, const char *why)
{
	struct gateway_tcp *tcp = connection->gateway->tcp;
	char remote[GW_ADDR_STRLEN];

	gw_log(connection->bound || connection->originator ? GW_LOG_NOTICE : GW_LOG_DEBUG,
		"TCP connection %" PRIu64 " with %s port %u has ended: %s", connection->id,
		gw_addr_format(&connection->remote, remote), connection->remote_port, why);
	TAILQ_REMOVE(&tcp->connections, connection, link);
	tcp->connection_count--;
	if (connection->originator)
		gateway_tcp_originator_lost(connection->originator, why);
	else
		tcp->accepted_count--;
	gateway_tcp_path_unbind(tcp, connection);
	gateway_tcp_relay_free(connection->relay);
	gw_stream_free(connection->stream);
	free(connection);
}

// --- what comes of a stream

// Whether a record names an inbound SA. Where somebody has put bytes into the stream, or left some
// out, no record begins any more where one should, and what stands there is anything.
static void look_whether_sound(
	struct tcp_connection *connection, const uint8_t *payload, size_t size)
{
	struct gw_sa_id id = { .direction = GW_DIRECTION_IN,
		.protocol = GW_PROTOCOL_ESP,
		.destination = connection->local };

	if (size >= sizeof(id.spi))
		id.spi = (uint32_t)payload[0] << 24 | (uint32_t)payload[1] << 16 |
			 (uint32_t)payload[2] << 8 | payload[3];
	if (gw_sa_find(connection->gateway->ipsec, &id)) {
		connection->sound_ns = gw_clock_ns();
		connection->strange = 0;
	} else {
		connection->strange++;
	}
}

static void on_record(void *ctx, enum gw_tcp_record kind, const uint8_t *payload, size_t size)
{
	struct tcp_connection *connection = ctx;

	connection->bytes_in += size + GW_TCP_LENGTH_BYTES;
	switch (kind) {
	case GW_TCP_ESP:
		connection->esp_in++;
		look_whether_sound(connection, payload, size);
		gateway_tcp_packet_in(connection, payload, size);
		break;
	case GW_TCP_IKE:
		connection->ike_in++;
		gateway_tcp_relay_in(connection, payload, size);
		break;
	case GW_TCP_KEEPALIVE:
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_KEEPALIVE);
		break;
	default:
		connection->strange++;
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_RECORD);
	}
}

static void on_opened(void *ctx)
{
	struct tcp_connection *connection = ctx;

	connection->open = true;
	connection->opened_ns = gw_clock_ns();
	gateway_tcp_originator_opened(connection->originator);
}

static void on_ended(void *ctx, const char *why)
{
	gateway_tcp_connection_close(ctx, why);
}

struct gw_stream_options gateway_tcp_stream_options(struct tcp_connection *connection)
{
	static const struct gw_stream_handler handler = {
		.opened = on_opened,
		.record = on_record,
		.ended = on_ended,
	};
	const struct gw_config *config = connection->gateway->config;

	return (struct gw_stream_options){
		.events = connection->gateway->events,
		.handler = &handler,
		.ctx = connection,
		.write_bytes = config->tcp_write_bytes,
		.keepalive_seconds = config->tcp_keepalive_seconds,
		.dead_seconds = config->tcp_dead_seconds,
	};
}

// The port that packets to the peer leave by is where its packets count as having come in.
static uint8_t port_of(const struct gateway *gateway, const struct gw_addr *peer)
{
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	const uint8_t *address = peer->bytes;
	const struct gw_nexthop *nexthop;

	gw_fib_lookup(dataplane->fib, peer->family, &address, 1, &nexthop);
	if (nexthop->kind == GW_NEXTHOP_FORWARD || nexthop->kind == GW_NEXTHOP_RESOLVE)
		return nexthop->port;
	for (unsigned int i = 0; i < dataplane->port_count; i++)
		if (dataplane->ports[i]->side == GW_SIDE_UNPROTECTED)
			return (uint8_t)i;
	return 0;
}

static void name(struct tcp_connection *connection, const struct sockaddr_storage *local,
	const struct sockaddr_storage *remote)
{
	gw_inet_read(local, &connection->local, &connection->local_port);
	gw_inet_read(remote, &connection->remote, &connection->remote_port);
	connection->port = port_of(connection->gateway, &connection->remote);
}

// --- accepting

// The oldest that has shown nothing authentic and may make way; of one address, and how many of it
// there are, where remote is not NULL.
static struct tcp_connection *oldest_suspect(
	struct gateway_tcp *tcp, const struct gw_addr *remote, uint32_t *count)
{
	struct tcp_connection *connection, *oldest = NULL;

	*count = 0;
	TAILQ_FOREACH (connection, &tcp->connections, link) {
		if (connection->bound || connection->originator ||
			(remote && !gw_addr_equal(&connection->remote, remote)))
			continue;
		++*count;
		if (!oldest || connection->suspect_ns < oldest->suspect_ns)
			oldest = connection;
	}
	return oldest;
}

// Whether there is room for one more from remote, which is made where that costs nobody known.
static bool make_room(struct gateway *gateway, const struct gw_addr *remote)
{
	struct gateway_tcp *tcp = gateway->tcp;
	struct tcp_connection *oldest;
	uint32_t count;

	oldest_suspect(tcp, remote, &count);
	if (count >= gateway->config->tcp_per_source)
		return false;
	if (tcp->accepted_count < gateway->config->tcp_connections)
		return true;
	oldest = oldest_suspect(tcp, NULL, &count);
	if (!oldest)
		return false;
	tcp->evicted++;
	gateway_tcp_connection_close(oldest, "another one needed its place");
	return true;
}

static void on_accept(
	struct evconnlistener *, evutil_socket_t fd, struct sockaddr *from, int, void *ctx)
{
	struct gateway *gateway = ctx;
	struct gateway_tcp *tcp = gateway->tcp;
	struct sockaddr_storage local, remote = {};
	socklen_t bytes = sizeof(local);
	struct tcp_connection *connection = NULL;
	struct gw_stream_options options;
	struct gw_addr here, there;
	uint16_t port;

	memcpy(&remote, from,
		from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					    : sizeof(struct sockaddr_in));
	gw_inet_read(&remote, &there, &port);
	if (getsockname(fd, (struct sockaddr *)&local, &bytes) != 0)
		here.family = 0;
	else
		gw_inet_read(&local, &here, &port);
	// Other addresses of the host, its loopback among them, are no gateway's.
	if (here.family && gw_local_contains(gateway->dataplane.local, here.family, here.bytes) &&
		make_room(gateway, &there))
		connection = gateway_tcp_connection_new(gateway);
	if (!connection) {
		tcp->refused++;
		close(fd);
		return;
	}
	name(connection, &local, &remote);
	options = gateway_tcp_stream_options(connection);
	tcp->accepted_count++;
	connection->stream = gw_stream_accept(&options, fd);
	if (!connection->stream) {
		gateway_tcp_connection_close(connection, "out of memory");
		return;
	}
	connection->open = true;
	tcp->accepted++;
}

// Out of file descriptors: the next tick tries again, instead of the loop at once and for ever.
static void on_accept_error(struct evconnlistener *listener, void *)
{
	gw_log_warning("no TCP connection is accepted for a moment: %s", strerror(errno));
	evconnlistener_disable(listener);
}

static int listen_on(struct gateway *gateway, uint8_t family, uint16_t port, struct gw_error *err)
{
	struct gw_addr any = { .family = family };
	struct gateway_tcp *tcp = gateway->tcp;
	struct evconnlistener *listener;
	struct sockaddr_storage address;
	socklen_t bytes = gw_inet_make(&any, port, &address);

	listener = evconnlistener_new_bind(gateway->events, on_accept, gateway,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
			(family == 6 ? LEV_OPT_BIND_IPV6ONLY : 0),
		BACKLOG, (struct sockaddr *)&address, (int)bytes);
	if (!listener && family == 6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return 0; // a host without IPv6
	if (!listener)
		return gw_error_set(err, errno ? errno : EINVAL,
			"tcp_encapsulation.listen: port %u: %s", port, strerror(errno));
	gw_stream_limit_segments(evconnlistener_get_fd(listener));
	evconnlistener_set_error_cb(listener, on_accept_error);
	tcp->listeners[tcp->listener_count++] = listener;
	return 0;
}

// --- life

// Each connection may have two sockets. What the system refuses to give shows when they run out.
static void raise_file_limit(const struct gw_config *config)
{
	rlim_t wanted = OTHER_FILES + 2 * (rlim_t)config->tcp_connections;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = RTE_MIN(wanted, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

int gateway_tcp_new(struct gateway *gateway, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	struct gateway_tcp *tcp = calloc(1, sizeof(*tcp));
	int rc = 0;

	if (!tcp)
		return gw_error_set(err, ENOMEM, "no memory");
	gateway->tcp = tcp;
	TAILQ_INIT(&tcp->connections);
	TAILQ_INIT(&tcp->originators);
	TAILQ_INIT(&tcp->paths);
	if (getrandom(tcp->secret, sizeof(tcp->secret), 0) != sizeof(tcp->secret))
		return gw_error_set(err, EIO, "no random numbers");
	if (gateway_tcp_paths_new(tcp) != 0)
		return gw_error_set(err, ENOMEM, "no memory");
	raise_file_limit(config);
	for (uint32_t i = 0; !rc && i < config->tcp_listen_count; i++) {
		rc = listen_on(gateway, 4, config->tcp_listen[i], err);
		if (!rc)
			rc = listen_on(gateway, 6, config->tcp_listen[i], err);
	}
	// SAs of the configuration are there already.
	tcp->stale = true;
	return rc;
}

void gateway_tcp_free(struct gateway *gateway)
{
	struct gateway_tcp *tcp = gateway->tcp;
	struct tcp_connection *connection;
	struct tcp_originator *originator;

	if (!tcp)
		return;
	for (unsigned int i = 0; i < tcp->listener_count; i++)
		evconnlistener_free(tcp->listeners[i]);
	while ((originator = TAILQ_FIRST(&tcp->originators)))
		gateway_tcp_originator_free(gateway, originator);
	while ((connection = TAILQ_FIRST(&tcp->connections)))
		gateway_tcp_connection_close(connection, "the gateway stops");
	gateway_tcp_paths_free(tcp);
	free(tcp);
	gateway->tcp = NULL;
}

void gateway_tcp_changed(struct gateway *gateway, struct gw_sa *sa, bool gone)
{
	if (!gateway->tcp || !sa->in_tcp)
		return;
	if (!gone)
		gateway_tcp_path_want(gateway, sa);
	gateway->tcp->stale = true;
}

void gateway_tcp_authentic(struct gateway *gateway, struct gw_sa *sa, uint64_t stream)
{
	struct tcp_connection *connection = gateway_tcp_connection_find(gateway->tcp, stream);
	struct gateway_place old = { sa->peer, sa->peer_port }, fresh;

	if (!sa->in_tcp)
		return;
	if (!connection) {
		gateway->tcp->stale = true; // the sweep lets the SA tell again
		return;
	}
	gateway_tcp_path_bind(gateway->tcp, sa, connection);
	fresh = (struct gateway_place){ connection->remote, connection->remote_port };
	if (gw_addr_equal(&fresh.address, &old.address) && fresh.port == old.port)
		return;
	gateway_event_mapping(gateway, sa, &old, &fresh, false);
	sa->peer = fresh.address;
	sa->peer_port = fresh.port;
}

void gateway_tcp_poll(struct gateway *gateway, uint64_t now_ns)
{
	struct gateway_tcp *tcp = gateway->tcp;

	// A sweep looks at every SA: not for each of many changes.
	if (!tcp->stale || now_ns - tcp->swept_ns < SWEEP_NS)
		return;
	tcp->swept_ns = now_ns;
	gateway_tcp_paths_sweep(gateway);
}

// RFC 9329 section 6.1: not for a single unknown SPI, which may be one of an SA that has just gone
// or is about to come, but for too many of them.
static bool is_corrupt(const struct tcp_connection *connection, uint64_t now_ns)
{
	return connection->strange >= STRANGE_RECORDS && now_ns > connection->sound_ns &&
	       now_ns - connection->sound_ns > STRANGE_NS;
}

static const char *why_end(const struct tcp_connection *connection, uint64_t now_ns)
{
	const struct gw_config *config = connection->gateway->config;

	if (!connection->open)
		return now_ns - connection->opened_ns > CONNECT_NS ? "the peer did not answer"
								   : NULL;
	if (is_corrupt(connection, now_ns))
		return "its records are of no SA any more";
	if (connection->bound || connection->originator ||
		now_ns - connection->suspect_ns <=
			config->tcp_unauthenticated_seconds * NS_PER_SECOND)
		return NULL;
	return "nothing authentic came on it";
}

void gateway_tcp_tick(struct gateway *gateway)
{
	struct gateway_tcp *tcp = gateway->tcp;
	struct tcp_connection *connection, *next;
	uint64_t now_ns = gw_clock_ns();

	for (connection = TAILQ_FIRST(&tcp->connections); connection; connection = next) {
		const char *why = why_end(connection, now_ns);

		next = TAILQ_NEXT(connection, link);
		if (!why)
			continue;
		tcp->expired++;
		gateway_tcp_connection_close(connection, why);
	}
	gateway_tcp_originators_tick(gateway, now_ns);
	for (unsigned int i = 0; i < tcp->listener_count; i++)
		evconnlistener_enable(tcp->listeners[i]);
}
