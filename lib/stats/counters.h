// Called by: worker writes its own, control core reads all
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_common.h>

#include "stats/drop.h"

#define GW_MAX_WORKERS 64
#define GW_MAX_PORTS   32
// Tunnel interfaces, and other if_ids that SAs and policies have. Together with the ports they are
// links, which 16 bits number; a flow has one less (net/ip.h).
#define GW_MAX_INTERFACES 4096
#define GW_MAX_LINKS      (GW_MAX_PORTS + GW_MAX_INTERFACES)

struct gw_port_counters {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t punted;    // frames handed to the port's TAP
	uint64_t from_host; // frames that came out of it
};

// One worker's counters: plain words that only this worker writes (worker: wo, control: ro), each
// aligned and so never torn when read.
struct gw_counters {
	uint64_t drops[GW_DROP_COUNT];
	struct gw_port_counters ports[GW_MAX_PORTS];
	uint64_t polls;      // walks over the graph
	uint64_t idle_polls; // of these, walks that met no packet
	uint64_t sleeps;
	uint64_t dealt;  // inbound ESP packets of this worker that others worked on
	uint64_t helped; // others' that this worker worked on
} __rte_cache_aligned;

static inline void gw_count_drop(struct gw_counters *counters, enum gw_drop reason)
{
	counters->drops[reason]++;
}
