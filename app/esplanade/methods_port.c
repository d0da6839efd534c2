// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <rte_ethdev.h>

static json_t *link_object(const struct gw_port *port)
{
	json_t *object = json_object();
	struct rte_eth_link link = {};

	if (rte_eth_link_get_nowait(port->device, &link) != 0)
		link.link_speed = RTE_ETH_SPEED_NUM_UNKNOWN;
	// What the workers go by, which may be a second behind the device.
	gateway_put(object, "up",
		json_boolean(atomic_load_explicit(&port->link_up, memory_order_relaxed)));
	gateway_put(object, "speed_mbps",
		link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? json_null()
							     : json_integer(link.link_speed));
	gateway_put(
		object, "full_duplex", json_boolean(link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX));
	return object;
}

// What the device has counted since it started.
static json_t *device_counters(const struct gw_port *port)
{
	struct rte_eth_stats stats;
	json_t *object;

	if (rte_eth_stats_get(port->device, &stats) != 0)
		return json_null();
	object = json_object();
	gateway_put_count(object, "rx_packets", stats.ipackets);
	gateway_put_count(object, "rx_bytes", stats.ibytes);
	gateway_put_count(object, "rx_missed", stats.imissed);
	gateway_put_count(object, "rx_errors", stats.ierrors);
	gateway_put_count(object, "rx_no_buffer", stats.rx_nombuf);
	gateway_put_count(object, "tx_packets", stats.opackets);
	gateway_put_count(object, "tx_bytes", stats.obytes);
	gateway_put_count(object, "tx_errors", stats.oerrors);
	return object;
}

static void add_port_counters(struct gw_port_counters *sum, const struct gw_port_counters *more)
{
	sum->rx_packets += more->rx_packets;
	sum->rx_bytes += more->rx_bytes;
	sum->tx_packets += more->tx_packets;
	sum->tx_bytes += more->tx_bytes;
	sum->punted += more->punted;
	sum->from_host += more->from_host;
}

// What the workers and the control core have counted.
static void put_counters(json_t *object, const struct gateway *gateway, unsigned int index)
{
	struct gw_port_counters sum = gateway->counters.ports[index];

	for (unsigned int i = 0; i < gateway->dataplane.worker_count; i++)
		add_port_counters(&sum, &gateway->dataplane.workers[i]->counters.ports[index]);
	gateway_put_count(object, "rx_packets", sum.rx_packets);
	gateway_put_count(object, "rx_bytes", sum.rx_bytes);
	gateway_put_count(object, "tx_packets", sum.tx_packets);
	gateway_put_count(object, "tx_bytes", sum.tx_bytes);
	gateway_put_count(object, "punted", sum.punted);
	gateway_put_count(object, "from_host", sum.from_host);
}

struct addresses {
	uint16_t port;
	json_t *list;
};

static int list_address(
	void *ctx, uint16_t port, const struct gw_prefix *address, enum gw_route_origin)
{
	struct addresses *addresses = ctx;
	char text[GW_ADDR_STRLEN + 4];

	if (port == addresses->port)
		json_array_append_new(
			addresses->list, json_string(gw_prefix_format(address, text)));
	return 0;
}

static json_t *port_object(const struct gateway *gateway, const struct gw_port *port)
{
	struct addresses addresses = { .port = port->index, .list = json_array() };
	json_t *object = json_object();
	char mac[18];

	gw_port_address_each(gateway->routes, list_address, &addresses);
	gateway_put(object, "name", json_string(port->spec.name));
	gateway_put(object, "device", json_string(port->spec.device));
	gateway_put(object, "side", json_string(gw_side_words[port->side]));
	gateway_put(object, "mac", json_string(gw_mac_format(port->mac, mac)));
	gateway_put_count(object, "mtu", port->mtu);
	gateway_put(object, "tap", json_boolean(port->tap));
	gateway_put(object, "addresses", addresses.list);
	gateway_put(object, "link", link_object(port));
	gateway_put_count(object, "rx_queues", port->rx_queues);
	gateway_put_count(object, "tx_queues", port->tx_queues);
	gateway_put(object, "software_rss", json_boolean(port->software_rss));
	put_counters(object, gateway, port->index);
	gateway_put(object, "device_counters", device_counters(port));
	return object;
}

json_t *gateway_port_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	json_t *list;

	if (!gateway_no_params(call, params))
		return NULL;
	list = json_array();
	for (unsigned int i = 0; i < gateway->dataplane.port_count; i++)
		json_array_append_new(list, port_object(gateway, gateway->dataplane.ports[i]));
	return gateway_list("ports", list);
}
