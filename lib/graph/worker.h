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
#include "ipsec/carrier.h"
#include "ipsec/interface.h"
#include "ipsec/sad.h"
#include "ipsec/siphash.h"
#include "ipsec/spd.h"
#include "net/first_fragment.h"
#include "net/reassembly.h"
#include "route/fib.h"
#include "route/local.h"
#include "stats/counters.h"

struct gw_deal;
struct gw_worker;
struct rte_mempool;
struct rte_rcu_qsbr;
struct rte_ring;

// Packets that one node handles in one go, at most.
#define GW_VECTOR 256

#define GW_MAX_RX_QUEUES 64

// What all workers read and none changes: made before they start.
struct gw_dataplane {
	struct gw_port *ports[GW_MAX_PORTS];
	unsigned int port_count;
	struct gw_worker *workers[GW_MAX_WORKERS];
	unsigned int worker_count;
	const struct gw_sad *sad;
	const struct gw_spd *spd_out;
	const struct gw_spd *spd_in;
	const struct gw_fib *fib;
	const struct gw_local *local;
	const struct gw_interfaces *interfaces; // control: rw
	// Every packet that comes in; each thread has its cache.
	struct rte_mempool *buffers;
	// One contiguous buffer holds any packet; the same as buffers where those are enough.
	struct rte_mempool *linear;
	struct rte_rcu_qsbr *qsbr;
	uint32_t icmp_pps;   // ICMP errors a second, each worker
	uint32_t punt_pps;   // packets for the host a second, from each port, each worker
	uint32_t flow_cache; // entries
	uint64_t acquire_ns; // how long an SA that was asked for is not asked for again
	bool hold_for_sa;    // packets without an SA wait for one instead of being dropped
	struct gw_reassembly_options reassembly; // of each worker
	// What first fragments showed of packets in transit; NULL: later ones are not told. All
	// workers change it.
	struct gw_first_fragments *first_fragments;
	// Chooses the worker and the place for a fragment, so that no sender can.
	uint8_t fragment_secret[GW_SIPHASH_SECRET_BYTES];
	uint8_t idle;           // enum gw_idle
	bool learn_path_mtu;    // from ICMP errors
	bool check_icmp_quotes; // of errors out of tunnels that policies let pass
};

// What a worker tells the control core about; carries no pointer that could die on the way.
enum gw_event_kind {
	GW_EVENT_ACQUIRE,
	GW_EVENT_SA,
	GW_EVENT_MAPPING,
	GW_EVENT_STREAM,
	GW_EVENT_PATH_MTU,
};

struct gw_event {
	uint32_t kind; // enum gw_event_kind
	uint32_t reqid;
	struct gw_selector wanted; // ACQUIRE: what the SA should carry
	// ACQUIRE: the packet that wanted an SA; MAPPING: source and source_port are the peer's new
	// ones; PATH_MTU: the packet of ours that the ICMP error quotes.
	struct gw_flow flow;
	uint64_t stream;            // STREAM: the connection that an authentic packet came by
	uint32_t spi;               // SA, MAPPING, STREAM, PATH_MTU: host order
	uint32_t bits;              // SA: one of enum gw_sa_event
	uint32_t sequence;          // PATH_MTU: the quoted one
	uint16_t mtu;               // PATH_MTU: the one told
	struct gw_addr destination; // SA, MAPPING, STREAM, PATH_MTU
	uint8_t direction;          // SA, MAPPING, STREAM, PATH_MTU
	uint8_t cause;              // SA: enum gw_expiry_cause
	uint8_t protocol;           // SA, MAPPING, STREAM
};
_Static_assert(sizeof(struct gw_event) % 4 == 0, "an element of rte_ring");

struct gw_rx_queue {
	uint8_t port; // index in the data plane
	uint16_t queue;
};

// A token bucket in units of 2^-20 packets.
struct gw_bucket {
	uint64_t tokens;
	uint64_t refilled_ns;
};

// For which SA an acquire event was raised, and until when it is not raised again.
struct gw_acquire_mark {
	uint64_t what;
	uint64_t until_ns;
};
#define GW_ACQUIRE_MARKS 256

// One worker: its graph, its engine, its queues. Only its own thread touches it while it runs,
// except where a field says otherwise.
struct gw_worker {
	const struct gw_dataplane *dataplane;
	struct rte_graph *graph;
	struct gw_crypto_engine *crypto;
	struct gw_flow_cache *flows_out;
	struct gw_flow_cache *flows_in;
	struct gw_carrier_cache *carriers_out;
	struct gw_reassembly *reassembly; // fragments for the gateway itself
	unsigned int index;               // position among the workers; also its RCU thread number
	unsigned int lcore;
	uint16_t cpu;

	struct gw_rx_queue rx_queues[GW_MAX_RX_QUEUES];
	unsigned int rx_queue_count;

	struct rte_ring *punts;   // worker: produces frames for the host, control: consumes
	struct rte_ring *holds;   // worker: produces packets without a neighbour, control: consumes
	struct rte_ring *streams; // worker: produces ESP packets that go in TCP, control: consumes
	struct rte_ring *events;  // worker: produces struct gw_event, control: consumes
	struct rte_ring *from_control; // control: produces frames of the host and released packets
	struct rte_ring *from_workers; // other workers: produce (software RSS, frames to send)

	// Other workers: rw, in part; NULL where workers do not work on each other's packets.
	struct gw_deal *deal;
	bool dealing;   // inbound ESP packets become batches that any worker may work on
	uint32_t batch; // whose frames are kept for another worker in this walk; 0: none's

	uint64_t now_ns; // of this walk
	struct gw_bucket icmp_bucket;
	struct gw_bucket acquire_bucket;
	struct gw_acquire_mark acquire_marks[GW_ACQUIRE_MARKS];
	struct gw_bucket told_bucket; // of ICMP errors about our own packets
	struct gw_bucket punt_buckets[GW_MAX_PORTS];
	uint32_t fragment_id;  // IPv6 fragment header's identification
	unsigned int received; // packets of this walk; source nodes add, the loop reads and clears

	_Atomic bool stop;  // control: wo, worker: ro
	_Atomic bool quiet; // control: wo, worker: ro; take nothing in from ports

	struct gw_counters counters; // worker: wo, control: ro
} __rte_cache_aligned;

// Takes one packet from a bucket filled at rate packets a second, which holds a tenth of a second's
// worth and at least 16 packets.
static inline bool gw_bucket_take(struct gw_bucket *bucket, uint64_t now_ns, uint32_t rate)
{
	uint64_t room = RTE_MAX((uint64_t)rate / 10, UINT64_C(16)) << 20;
	uint64_t elapsed_us = RTE_MIN((now_ns - bucket->refilled_ns) / 1000, UINT64_C(1000000));

	if (elapsed_us >= 100) {
		bucket->tokens =
			RTE_MIN(room, bucket->tokens + (elapsed_us * rate << 20) / 1000000);
		bucket->refilled_ns = now_ns;
	}
	if (bucket->tokens < 1u << 20)
		return false;
	bucket->tokens -= 1u << 20;
	return true;
}
