// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Tunnel interfaces over the control socket. Linux makes and deletes them at once, so that these
// methods stand alone.

#include "esplanade/interface.h"
#include "esplanade/methods.h"

json_t *gateway_interface_add_call(struct gw_rpc_call *call, json_t *params)
{
	struct gw_interface_spec spec;

	if (gw_interface_spec_read(params, &spec, call->err) != 0 ||
		gateway_interface_add(call->ctx, &spec, GW_ORIGIN_CONTROL, call->err) != 0)
		return NULL;
	return gateway_result("added", 1);
}

static const struct gw_field id_fields[] = {
	{ .name = "name",
		.read = gateway_read_port,
		.offset = offsetof(struct gw_interface_spec, name),
		.required = true,
		.help = "The interface's name." },
};

json_t *gateway_interface_delete_call(struct gw_rpc_call *call, json_t *params)
{
	struct gw_interface_spec spec = {};

	if (gw_fields_read(params, NULL, id_fields, RTE_DIM(id_fields), &spec, call->err) != 0 ||
		gateway_interface_delete(call->ctx, spec.name, call->err) != 0)
		return NULL;
	return gateway_result("deleted", 1);
}

static json_t *describe(const struct gateway *gateway, const struct gateway_interface *interface)
{
	json_t *object = gw_interface_spec_write(&interface->spec);

	gateway_put(object, "up",
		json_boolean(gw_interface_is_up(&gateway->interface_states, interface->number)));
	gateway_put_count(object, "mtu", interface->mtu);
	gateway_put_count(object, "to_host", interface->to_host);
	gateway_put_count(object, "from_host", interface->from_host);
	gateway_put(object, "origin", json_string(gw_origin_words[interface->origin]));
	return object;
}

json_t *gateway_interface_list_call(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		if (gateway->interfaces[i])
			json_array_append_new(list, describe(gateway, gateway->interfaces[i]));
	return gateway_list("interfaces", list);
}
