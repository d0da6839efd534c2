// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "net/addr.h"
#include "spec/sa.h"

// Ports, static routes and static neighbours as the configuration and the control socket describe
// them.

#define GW_DEVICE_SIZE        256
#define GW_MAX_PORT_ADDRESSES 16
#define GW_PORT_NAME_SIZE     16 // as a Linux interface name, because the TAP bears it

enum gw_side { GW_SIDE_PROTECTED, GW_SIDE_UNPROTECTED };
enum gw_rss { GW_RSS_AUTO, GW_RSS_HARDWARE, GW_RSS_SOFTWARE, GW_RSS_OFF };

struct gw_port_spec {
	char name[GW_PORT_NAME_SIZE];
	char device[GW_DEVICE_SIZE]; // PCI address ("0000:01:00.0") or DPDK vdev
				     // ("net_tap0,iface=x")
	enum gw_side side;
	uint16_t mtu;       // bytes of IP packet
	uint16_t rx_queues; // 0: one per worker, or as many as the device has
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	enum gw_rss rss;
	bool has_mac;
	uint8_t mac[6]; // set on the device when has_mac
	bool tap;
	struct gw_prefix addresses[GW_MAX_PORT_ADDRESSES]; // host bits kept: "192.0.2.1/24"
	unsigned int address_count;
};

enum gw_route_kind { GW_ROUTE_UNICAST, GW_ROUTE_BLACKHOLE };

struct gw_route_spec {
	struct gw_prefix destination;
	enum gw_route_kind kind;
	struct gw_addr gateway; // family 0: on link
	char port[GW_PORT_NAME_SIZE];
};

struct gw_neighbour_spec {
	char port[GW_PORT_NAME_SIZE];
	struct gw_addr address;
	uint8_t mac[6];
};

int gw_port_spec_read(json_t *object, struct gw_port_spec *spec, struct gw_error *err);
json_t *gw_port_spec_write(const struct gw_port_spec *spec);
int gw_route_spec_read(json_t *object, struct gw_route_spec *spec, struct gw_error *err);
json_t *gw_route_spec_write(const struct gw_route_spec *spec);
int gw_neighbour_spec_read(json_t *object, struct gw_neighbour_spec *spec, struct gw_error *err);
json_t *gw_neighbour_spec_write(const struct gw_neighbour_spec *spec);

extern const char *const gw_side_words[]; // "protected", "unprotected"
