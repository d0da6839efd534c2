// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include "base/clock.h"
#include "esplanade/tcp.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static json_t *end_object(const struct gw_addr *addr, uint16_t port)
{
	char text[GW_ADDR_STRLEN];

	return json_pack("{s:s, s:i}", "address", gw_addr_format(addr, text), "port", port);
}

// The reqids whose packets take the connection.
static json_t *reqid_list(const struct gateway_tcp *tcp, const struct tcp_connection *connection)
{
	const struct tcp_path *path;
	json_t *list = json_array();

	TAILQ_FOREACH (path, &tcp->paths, link)
		if (path->bound == connection ||
			(!path->bound && path->originator &&
				path->originator == connection->originator))
			json_array_append_new(list, json_integer(path->reqid));
	return list;
}

static json_t *connection_object(
	const struct gateway_tcp *tcp, const struct tcp_connection *connection, uint64_t now_ns)
{
	uint16_t ike_port = gateway_tcp_relay_port(connection->relay);
	json_t *object = json_object();

	gateway_put_count(object, "id", connection->id);
	gateway_put(
		object, "role", json_string(connection->originator ? "originator" : "responder"));
	gateway_put(object, "state", json_string(connection->open ? "open" : "connecting"));
	gateway_put(object, "local", end_object(&connection->local, connection->local_port));
	gateway_put(object, "remote", end_object(&connection->remote, connection->remote_port));
	gateway_put(object, "authentic", json_boolean(connection->bound));
	gateway_put(object, "reqids", reqid_list(tcp, connection));
	gateway_put_count(object, "seconds", (now_ns - connection->opened_ns) / NS_PER_SECOND);
	gateway_put(object, "ike_relay",
		ike_port ? end_object(&connection->local, ike_port) : json_null());
	gateway_put_count(object, "esp_in", connection->esp_in);
	gateway_put_count(object, "esp_out", connection->esp_out);
	gateway_put_count(object, "ike_in", connection->ike_in);
	gateway_put_count(object, "ike_out", connection->ike_out);
	gateway_put_count(object, "bytes_in", connection->bytes_in);
	gateway_put_count(object, "bytes_out", connection->bytes_out);
	gateway_put_count(object, "waiting_bytes", gw_stream_waiting(connection->stream));
	gateway_put_count(object, "dropped", connection->dropped);
	return object;
}

// Of an originator without a connection.
static json_t *waiting_object(const struct tcp_originator *originator, uint64_t now_ns)
{
	json_t *object = json_object();
	uint64_t left = originator->attempt_ns > now_ns ? originator->attempt_ns - now_ns : 0;

	gateway_put(object, "role", json_string("originator"));
	gateway_put(object, "state", json_string("waiting"));
	gateway_put(object, "local", end_object(&originator->local, 0));
	gateway_put(object, "remote", end_object(&originator->remote, originator->port));
	gateway_put(object, "problem", json_string(originator->problem));
	gateway_put_count(object, "retry_seconds", (left + NS_PER_SECOND - 1) / NS_PER_SECOND);
	return object;
}

json_t *gateway_tcp_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	const struct gateway_tcp *tcp = gateway->tcp;
	const struct tcp_connection *connection;
	const struct tcp_originator *originator;
	uint64_t now_ns = gw_clock_ns();
	json_t *list, *result;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	TAILQ_FOREACH (connection, &tcp->connections, link)
		json_array_append_new(list, connection_object(tcp, connection, now_ns));
	TAILQ_FOREACH (originator, &tcp->originators, link)
		if (!originator->connection)
			json_array_append_new(list, waiting_object(originator, now_ns));
	result = gateway_list("connections", list);
	gateway_put_count(result, "accepted", tcp->accepted);
	gateway_put_count(result, "refused", tcp->refused);
	gateway_put_count(result, "evicted", tcp->evicted);
	gateway_put_count(result, "expired", tcp->expired);
	return result;
}
