// Called by: both (each field says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "spec/port.h"
#include "stats/counters.h"

// A port of the gateway as the nodes see it. Ports are made at start and stay until the end.
struct gw_port {
	// control: wo before the workers start, worker: ro
	uint16_t device; // DPDK's port number
	uint8_t index;   // ours: position in the configuration
	uint8_t side;    // enum gw_side
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t rx_queues;
	uint16_t tx_queues; // one for each worker, or fewer: then shared ones are locked by their
			    // owner worker alone
	bool software_rss;  // the receiving worker deals packets out to the others
	bool tap;           // the host has a shadow interface

	_Atomic bool link_up; // control: wo, worker: ro

	// control core only
	bool admin_down; // the administrator set the TAP down
	struct gw_port_spec spec __rte_cache_aligned;
};
