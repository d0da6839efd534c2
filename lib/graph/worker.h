// Called by: both (each field says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_graph.h>

#include "crypto/engine.h"
#include "graph/port.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"
#include "route/fib.h"
#include "route/local.h"
#include "stats/counters.h"

struct rte_mempool;
struct rte_rcu_qsbr;
struct rte_ring;

// What all workers read and none changes: made before they start.
struct gw_dataplane {
	struct gw_port *ports[GW_MAX_PORTS];
	unsigned int port_count;
	unsigned int worker_count;
	const struct gw_sad *sad;
	const struct gw_spd *spd_out;
	const struct gw_spd *spd_in;
	const struct gw_fib *fib;
	const struct gw_local *local;
	struct rte_mempool *buffers; // every packet buffer; each thread has its cache
	struct rte_rcu_qsbr *qsbr;
	uint32_t icmp_pps;   // for each worker
	uint32_t flow_cache; // entries
	uint8_t idle;        // enum gw_idle
};

// What a worker tells the control core; the message's packet, if any, changes owner with it.
enum gw_upcall {
	GW_UPCALL_PUNT,    // a frame for the port's TAP, Ethernet header included
	GW_UPCALL_RESOLVE, // a packet whose neighbour is unknown: hold it; its meta data name port
			   // and address
};

struct gw_rx_queue {
	uint8_t port; // index in the data plane
	uint16_t queue;
};

// One worker: its graph, its engine, its queues. Only its own thread touches it while it runs, but
// for what is said otherwise.
struct gw_worker {
	const struct gw_dataplane *dataplane;
	struct rte_graph *graph;
	struct gw_crypto_engine *crypto;
	struct gw_flow_cache *flows_out;
	struct gw_flow_cache *flows_in;
	unsigned int index; // position among the workers
	unsigned int lcore;

	struct gw_rx_queue rx_queues[GW_MAX_PORTS * 4];
	unsigned int rx_queue_count;
	uint16_t tx_queue[GW_MAX_PORTS]; // which queue of each port this worker sends on

	struct rte_ring *punts; // worker: produces frames for the host, control: consumes
	struct rte_ring
		*holds; // worker: produces packets whose neighbour is unknown, control: consumes
	struct rte_ring *from_control; // control: produces frames from the host and released
				       // packets, worker: consumes
	struct rte_ring *from_workers; // other workers: produce (software RSS), worker: consumes

	uint64_t now_ns;      // of this walk
	uint64_t icmp_tokens; // times 2^20, refilled from now_ns
	uint64_t icmp_refilled_ns;
	unsigned int received; // packets of this walk; port_rx adds, the loop reads and clears

	_Atomic bool stop;  // control: wo, worker: ro
	_Atomic bool quiet; // control: wo: take nothing new in, finish what is under way

	struct gw_counters counters; // worker: wo, control: ro
} __rte_cache_aligned;
