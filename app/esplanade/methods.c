// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <errno.h>

// The methods by their names: the table of contents of the control socket.
const struct gw_rpc_method gateway_methods[] = {
	{ .name = "sa.add",
		.changes = true,
		.handle = gateway_sa_add,
		.help = "Adds a security association." },
	{ .name = "sa.update",
		.changes = true,
		.handle = gateway_sa_update,
		.help = "Gives a security association other addresses or UDP ports; it goes on." },
	{ .name = "sa.delete",
		.changes = true,
		.handle = gateway_sa_delete,
		.help = "Deletes a security association." },
	{ .name = "sa.get",
		.handle = gateway_sa_get,
		.help = "Shows a security association with its state and counters, without its "
			"keys." },
	{ .name = "sa.list",
		.handle = gateway_sa_list,
		.help = "Lists security associations, without their replay bitmaps." },
	{ .name = "sa.flush",
		.changes = true,
		.handle = gateway_sa_flush,
		.help = "Deletes all security associations, or those of a direction or reqid." },
	{ .name = "sa.send_dummy",
		.changes = true,
		.handle = gateway_sa_send_dummy,
		.help = "Sends dummy packets by an outbound SA, which the peer throws away." },
	{ .name = "spi.allocate",
		.handle = gateway_spi_allocate,
		.help = "Sets a free inbound SPI aside for a while." },
	{ .name = "policy.add",
		.changes = true,
		.handle = gateway_policy_add,
		.help = "Adds a policy." },
	{ .name = "policy.delete",
		.changes = true,
		.handle = gateway_policy_delete,
		.help = "Deletes a policy." },
	{ .name = "policy.get",
		.handle = gateway_policy_get,
		.help = "Shows a policy with its counter." },
	{ .name = "policy.list",
		.handle = gateway_policy_list,
		.help = "Lists policies in the order in which they decide." },
	{ .name = "policy.flush",
		.changes = true,
		.handle = gateway_policy_flush,
		.help = "Deletes all policies but the built-in ones." },
	{ .name = "route.add",
		.changes = true,
		.handle = gateway_route_add,
		.help = "Adds a static route." },
	{ .name = "route.delete",
		.changes = true,
		.handle = gateway_route_delete,
		.help = "Deletes a static route." },
	{ .name = "route.list",
		.handle = gateway_route_list,
		.help = "Lists routes, static ones and those of the kernel." },
	{ .name = "neighbour.add",
		.changes = true,
		.handle = gateway_neighbour_add,
		.help = "Adds a static neighbour, or changes its MAC address." },
	{ .name = "neighbour.delete",
		.changes = true,
		.handle = gateway_neighbour_delete,
		.help = "Deletes a static neighbour." },
	{ .name = "neighbour.list",
		.handle = gateway_neighbour_list,
		.help = "Lists neighbours, static ones and those of the kernel." },
	{ .name = "port.list",
		.handle = gateway_port_list,
		.help = "Lists ports with their links and counters." },
	{ .name = "tcp.list",
		.handle = gateway_tcp_list,
		.help = "Lists the connections of TCP encapsulation." },
	{ .name = "worker.list",
		.handle = gateway_worker_list,
		.help = "Lists workers with their queues and counters." },
	{ .name = "node.list",
		.handle = gateway_node_list,
		.help = "Lists the nodes of the graph with packets, vectors and cycles." },
	{ .name = "drop.list",
		.handle = gateway_drop_list,
		.help = "Lists the reasons for dropping packets: how many, what it means, what to "
			"do." },
	{ .name = "event.subscribe",
		.changes = true,
		.handle = gateway_event_subscribe,
		.help = "Sends this connection events from now on." },
	{ .name = "event.unsubscribe",
		.changes = true,
		.handle = gateway_event_unsubscribe,
		.help = "Sends this connection no events any more." },
	{ .name = "config.reload",
		.alone = true,
		.handle = gateway_config_reload,
		.help = "Reads the configuration file again and applies what differs." },
	{ .name = "status.get",
		.handle = gateway_status_get,
		.help = "Shows version, uptime, memory and how much of everything there is." },
	{ .name = "crypto.list",
		.handle = gateway_crypto_list,
		.help = "Lists the algorithms and whether each passed its self-test." },
	{ .name = "crypto.measured",
		.handle = gateway_crypto_measured,
		.help = "Lists what each code that can compute an algorithm costs on this CPU." },
	{ .name = "method.list", .handle = gateway_method_list, .help = "Lists the methods." },
};
const size_t gateway_method_count = RTE_DIM(gateway_methods);

json_t *gateway_method_list(struct gw_rpc_call *call, json_t *params)
{
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	for (size_t i = 0; i < gateway_method_count; i++) {
		const struct gw_rpc_method *method = &gateway_methods[i];

		json_array_append_new(list,
			json_pack("{s:s, s:b, s:b, s:s}", "name", method->name, "changes",
				method->changes, "alone", method->alone, "help", method->help));
	}
	return gateway_list("methods", list);
}

bool gateway_no_params(struct gw_rpc_call *call, json_t *params)
{
	if (json_object_size(params) == 0)
		return true;
	gw_error_at(call->err, EINVAL, params, json_object_iter_key(json_object_iter(params)),
		"this method takes no parameters");
	return false;
}

bool gateway_page_take(struct gateway_page *page)
{
	if (page->offset > 0) {
		page->offset--;
		return false;
	}
	if (page->limit == 0)
		return false;
	page->limit--;
	return true;
}

int gateway_read_port(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return gw_read_text(value, name, target, GW_PORT_NAME_SIZE, err);
}

void gateway_put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

void gateway_put_count(json_t *object, const char *name, uint64_t count)
{
	gateway_put(object, name, json_integer((json_int_t)count));
}

json_t *gateway_list(const char *member, json_t *list)
{
	return json_pack("{s:o}", member, list);
}

json_t *gateway_result(const char *member, uint64_t count)
{
	json_t *result = json_object();

	gateway_put_count(result, member, count);
	return result;
}
