// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

// Static routes and neighbours; those of the kernel are changed with ip(8), and listed here.

static const char *const origin_words[] = { "static", "kernel" };

json_t *gateway_route_add(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_route_spec spec;

	if (gw_route_spec_read(params, &spec, call->err) != 0 ||
		gw_route_add(gateway->routes, call->txn, &spec, GW_ROUTE_STATIC, 0, call->err) != 0)
		return NULL;
	return gateway_result("added", 1);
}

json_t *gateway_route_delete(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_route_spec spec;

	if (gw_route_spec_read(params, &spec, call->err) != 0 ||
		gw_route_delete(gateway->routes, call->txn, &spec, GW_ROUTE_STATIC, 0, call->err) !=
			0)
		return NULL;
	return gateway_result("deleted", 1);
}

static int list_route(
	void *list, const struct gw_route_spec *spec, enum gw_route_origin origin, uint32_t metric)
{
	json_t *object = gw_route_spec_write(spec);

	gateway_put(object, "origin", json_string(origin_words[origin]));
	gateway_put_count(object, "metric", metric);
	json_array_append_new(list, object);
	return 0;
}

json_t *gateway_route_list(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	gw_route_each(gateway->routes, list_route, list);
	return gateway_list("routes", list);
}

json_t *gateway_neighbour_add(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_neighbour_spec spec;

	if (gw_neighbour_spec_read(params, &spec, call->err) != 0 ||
		gw_neighbour_add(gateway->routes, call->txn, &spec, GW_ROUTE_STATIC, call->err) !=
			0)
		return NULL;
	return gateway_result("added", 1);
}

// What identifies a neighbour: its MAC address is not asked for.
static const struct gw_field neighbour_id_fields[] = {
	{ .name = "port",
		.read = gateway_read_port,
		.offset = offsetof(struct gw_neighbour_spec, port),
		.required = true,
		.help = "The port it is behind." },
	{ .name = "address",
		.read = gw_read_addr,
		.offset = offsetof(struct gw_neighbour_spec, address),
		.required = true,
		.help = "Its IP address." },
};

json_t *gateway_neighbour_delete(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_neighbour_spec spec = {};

	if (gw_fields_read(params, NULL, neighbour_id_fields, RTE_DIM(neighbour_id_fields), &spec,
		    call->err) != 0 ||
		gw_neighbour_delete(
			gateway->routes, call->txn, &spec, GW_ROUTE_STATIC, call->err) != 0)
		return NULL;
	return gateway_result("deleted", 1);
}

static int list_neighbour(
	void *list, const struct gw_neighbour_spec *spec, enum gw_route_origin origin)
{
	json_t *object = gw_neighbour_spec_write(spec);

	gateway_put(object, "origin", json_string(origin_words[origin]));
	json_array_append_new(list, object);
	return 0;
}

json_t *gateway_neighbour_list(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	gw_neighbour_each(gateway->routes, list_neighbour, list);
	return gateway_list("neighbours", list);
}
