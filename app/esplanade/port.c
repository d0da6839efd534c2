// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The devices behind the ports. What a virtual device cannot do (MTU, MAC address, multicast) is a
// warning when the gateway can live with it, and an error when it cannot.

#include "esplanade/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "base/log.h"
#include "esplanade/events.h"

// Fields that RSS should look at: ESP's SPI, so that the SAs of one peer spread, and the 5-tuple.
#define RSS_WANTED (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_ESP)

int gateway_port_index(void *ctx, const char *name)
{
	const struct gateway *gateway = ctx;

	for (unsigned int i = 0; i < gateway->dataplane.port_count; i++)
		if (strcmp(gateway->dataplane.ports[i]->spec.name, name) == 0)
			return (int)i;
	return -1;
}

const char *gateway_port_name(void *ctx, uint16_t port)
{
	const struct gateway *gateway = ctx;

	return port < gateway->dataplane.port_count ? gateway->dataplane.ports[port]->spec.name
						    : "?";
}

static int find_device(struct gw_port *port, struct gw_error *err)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(port->spec.device, ","),
		port->spec.device);
	if (rte_eth_dev_get_port_by_name(name, &id) == 0) {
		port->device = id;
		return 0;
	}
	// A PCI address may be written without its domain.
	RTE_ETH_FOREACH_DEV (id) {
		struct rte_eth_dev_info info;

		if (rte_eth_dev_info_get(id, &info) == 0 &&
			strstr(rte_dev_name(info.device), name)) {
			port->device = id;
			return 0;
		}
	}
	return gw_error_set(err, ENODEV,
		"port %s: DPDK has no device %s: check its name, and for a PCI device that it is "
		"bound to vfio-pci "
		"(scripts/bind)",
		port->spec.name, name);
}

// How many receive queues, and who spreads packets over them.
static int choose_queues(struct gw_port *port, const struct rte_eth_dev_info *info,
	unsigned int workers, struct rte_eth_conf *conf, struct gw_error *err)
{
	const struct gw_port_spec *spec = &port->spec;
	uint64_t fields = RSS_WANTED & info->flow_type_rss_offloads;
	unsigned int wanted = spec->rx_queues ? spec->rx_queues : workers;

	if (spec->rss == GW_RSS_SOFTWARE || spec->rss == GW_RSS_OFF)
		wanted = spec->rx_queues ? spec->rx_queues : 1;
	if (spec->rx_queues > info->max_rx_queues)
		return gw_error_set(err, EINVAL,
			"port %s: rx_queues is %u, the device has at most %u", spec->name,
			spec->rx_queues, info->max_rx_queues);
	port->rx_queues = (uint16_t)RTE_MIN(wanted, (unsigned int)info->max_rx_queues);
	port->tx_queues = (uint16_t)RTE_MIN(workers, (unsigned int)info->max_tx_queues);
	if (spec->rss == GW_RSS_HARDWARE && (port->rx_queues < workers || !fields))
		return gw_error_set(err, ENOTSUP,
			"port %s: rss is \"hardware\", but the device offers %u queues%s for %u "
			"workers: set rss to "
			"\"auto\" or \"software\"",
			spec->name, info->max_rx_queues, fields ? "" : " without RSS", workers);
	if (port->rx_queues > 1 && fields) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = fields;
		if (!(fields & RTE_ETH_RSS_ESP))
			gw_log_notice("port %s: the device's RSS does not look at ESP's SPI: all "
				      "ESP of one peer "
				      "meets one worker",
				spec->name);
	}
	port->software_rss = workers > 1 && spec->rss != GW_RSS_OFF &&
			     spec->rss != GW_RSS_HARDWARE &&
			     (port->rx_queues < workers || spec->rss == GW_RSS_SOFTWARE);
	if (port->software_rss)
		gw_log_notice("port %s: %u receive queue(s) for %u workers: the receiving worker "
			      "spreads packets "
			      "in software",
			spec->name, port->rx_queues, workers);
	return 0;
}

static bool is_virtual(const struct gw_port *port)
{
	return strncmp(port->spec.device, "net_", 4) == 0 ||
	       strncmp(port->spec.device, "eth_", 4) == 0 ||
	       strncmp(port->spec.device, "virtio_user", 11) == 0;
}

static int choose_mtu(struct gw_port *port, const struct rte_eth_dev_info *info,
	const struct gw_config *config, struct rte_eth_conf *conf, struct gw_error *err)
{
	uint32_t frame = port->mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	uint32_t most = info->max_mtu;

	if (info->max_rx_pktlen &&
		most > info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN)
		most = info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN;
	conf->rxmode.mtu = RTE_MIN((uint32_t)port->mtu, most);
	if (port->mtu > most) {
		if (!is_virtual(port))
			return gw_error_set(err, EINVAL,
				"port %s: mtu is %u, the device takes at most %u", port->spec.name,
				port->mtu, most);
		gw_log_warning("port %s: mtu is %u, the device says it takes at most %u: longer "
			       "frames pass only "
			       "if its own arguments allow them",
			port->spec.name, port->mtu, most);
	}
	if (frame + RTE_PKTMBUF_HEADROOM > config->buffer_bytes) {
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
		conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	return 0;
}

static int setup_queues(struct gw_port *port, struct rte_mempool *buffers, struct gw_error *err)
{
	uint16_t rx = port->spec.rx_descriptors, tx = port->spec.tx_descriptors;
	int socket = rte_eth_dev_socket_id(port->device);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->device, &rx, &tx);

	if (rc)
		return gw_error_set(err, -rc,
			"port %s: the device refuses %u and %u descriptors: %s", port->spec.name,
			rx, tx, rte_strerror(-rc));
	for (uint16_t q = 0; q < port->rx_queues; q++) {
		rc = rte_eth_rx_queue_setup(
			port->device, q, rx, (unsigned int)socket, NULL, buffers);
		if (rc)
			return gw_error_set(err, -rc,
				"port %s: receive queue %u: %s (is memory.buffer_bytes large "
				"enough for the "
				"device's frames?)",
				port->spec.name, q, rte_strerror(-rc));
	}
	for (uint16_t q = 0; q < port->tx_queues; q++) {
		rc = rte_eth_tx_queue_setup(port->device, q, tx, (unsigned int)socket, NULL);
		if (rc)
			return gw_error_set(err, -rc, "port %s: transmit queue %u: %s",
				port->spec.name, q, rte_strerror(-rc));
	}
	return 0;
}

// MAC address, MTU, multicast: many virtual devices cannot, and most can be lived with.
static int set_addresses(struct gw_port *port, struct gw_error *err)
{
	struct rte_ether_addr mac;
	int rc;

	if (port->spec.has_mac) {
		memcpy(&mac, port->spec.mac, sizeof(mac));
		rc = rte_eth_dev_default_mac_addr_set(port->device, &mac);
		if (rc) {
			gw_log_notice("port %s: the device keeps its MAC address (%s); frames bear "
				      "the configured "
				      "one",
				port->spec.name, rte_strerror(-rc));
			rte_eth_promiscuous_enable(port->device);
		}
	} else {
		rc = rte_eth_macaddr_get(port->device, &mac);
		if (rc)
			return gw_error_set(err, -rc, "port %s: no MAC address: %s",
				port->spec.name, rte_strerror(-rc));
	}
	memcpy(port->mac, &mac, sizeof(mac));
	rc = rte_eth_dev_set_mtu(port->device, port->mtu);
	if (rc)
		gw_log_debug("port %s: the device keeps its MTU: %s", port->spec.name,
			rte_strerror(-rc));
	rc = rte_eth_allmulticast_enable(port->device);
	if (rc)
		gw_log_debug(
			"port %s: no all-multicast mode: %s", port->spec.name, rte_strerror(-rc));
	return 0;
}

static int port_start(struct gateway *gateway, struct gw_port *port, struct gw_error *err)
{
	struct rte_eth_conf conf = {};
	struct rte_eth_dev_info info;
	int rc;

	rc = find_device(port, err);
	if (rc)
		return rc;
	rc = rte_eth_dev_info_get(port->device, &info);
	if (rc)
		return gw_error_set(err, -rc, "port %s: %s", port->spec.name, rte_strerror(-rc));
	rc = choose_queues(port, &info, gateway->config->worker_count, &conf, err);
	if (!rc)
		rc = choose_mtu(port, &info, gateway->config, &conf, err);
	if (rc)
		return rc;
	rc = rte_eth_dev_configure(port->device, port->rx_queues, port->tx_queues, &conf);
	if (rc)
		return gw_error_set(err, -rc,
			"port %s: the device refuses %u receive and %u transmit queues: %s",
			port->spec.name, port->rx_queues, port->tx_queues, rte_strerror(-rc));
	rc = setup_queues(port, gateway->dataplane.buffers, err);
	if (rc)
		return rc;
	rc = set_addresses(port, err);
	if (rc)
		return rc;
	rc = rte_eth_dev_start(port->device);
	if (rc)
		return gw_error_set(
			err, -rc, "port %s does not start: %s", port->spec.name, rte_strerror(-rc));
	gw_log_info("port %s: %s, %s side, MTU %u, %u rx and %u tx queues", port->spec.name,
		port->spec.device, gw_side_words[port->side], port->mtu, port->rx_queues,
		port->tx_queues);
	return 0;
}

int gateway_ports_new(struct gateway *gateway, struct gw_error *err)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;

	for (unsigned int i = 0; i < gateway->config->port_count; i++) {
		const struct gw_port_spec *spec = &gateway->config->ports[i];
		struct gw_port *port = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*port));
		int rc;

		if (!port)
			return gw_error_set(err, ENOMEM, "no memory for port %s", spec->name);
		memset(port, 0, sizeof(*port));
		port->index = (uint8_t)i;
		port->device = UINT16_MAX;
		port->side = (uint8_t)spec->side;
		port->mtu = spec->mtu;
		port->tap = spec->tap;
		port->spec = *spec;
		dataplane->ports[i] = port;
		dataplane->port_count = i + 1;
		rc = port_start(gateway, port, err);
		if (rc)
			return rc;
	}
	gateway_ports_poll_links(gateway);
	return 0;
}

void gateway_ports_free(struct gateway *gateway)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;

	for (unsigned int i = 0; i < dataplane->port_count; i++) {
		struct gw_port *port = dataplane->ports[i];

		if (port->device != UINT16_MAX) {
			rte_eth_dev_stop(port->device);
			rte_eth_dev_close(port->device);
		}
		free(port);
		dataplane->ports[i] = NULL;
	}
	dataplane->port_count = 0;
}

void gateway_ports_poll_links(struct gateway *gateway)
{
	for (unsigned int i = 0; i < gateway->dataplane.port_count; i++) {
		struct gw_port *port = gateway->dataplane.ports[i];
		struct rte_eth_link link = {};
		bool up, before;

		if (rte_eth_link_get_nowait(port->device, &link) != 0)
			continue;
		up = link.link_status == RTE_ETH_LINK_UP && !port->admin_down;
		// Relaxed: workers only stop wasting frames.
		before = atomic_exchange_explicit(&port->link_up, up, memory_order_relaxed);
		if (up == before)
			continue;
		gw_log_notice("port %s: link %s", port->spec.name, up ? "up" : "down");
		if (gateway->taps[i])
			gw_tap_carrier(gateway->taps[i], up);
		gateway_event_port(gateway, port, up);
	}
}
