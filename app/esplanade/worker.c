// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The worker cores: each walks its graph for ever. A walk that meets nothing counts as idle; after
// many of these the worker pauses, then sleeps, as the configuration allows. While it sleeps it is
// offline for RCU, so that removals go on.

#include "esplanade/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>

#include <rte_errno.h>
#include <rte_graph_worker.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_random.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "base/log.h"
#include "graph/deal.h"
#include "graph/nodes.h"

#define PUNT_RING   1024
#define HOLD_RING   1024
#define STREAM_RING 1024
#define EVENT_RING  256
#define INPUT_RING  1024
#define WORKER_RING 4096

// Fragments that one worker holds.
#define REASSEMBLY_LEAST 128u
#define REASSEMBLY_MOST  8192u

// Idle walks before the worker pauses, and before it sleeps.
#define PAUSE_AFTER  64
#define SLEEP_AFTER  512
#define SLEEP_MIN_NS 20000u
#define SLEEP_MAX_NS 200000u

static struct rte_ring *ring_new(const char *kind, unsigned int worker, unsigned int size,
	unsigned int flags, struct gw_error *err)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s%u", kind, worker);
	ring = rte_ring_create(name, size, SOCKET_ID_ANY, flags);
	if (!ring)
		gw_error_set(err, ENOMEM, "no memory for queue %s: raise memory.size_mb", name);
	return ring;
}

static int rings_new(struct gw_worker *worker, struct gw_error *err)
{
	char name[RTE_RING_NAMESIZE];
	unsigned int single = RING_F_SP_ENQ | RING_F_SC_DEQ;

	worker->punts = ring_new("punts", worker->index, PUNT_RING, single, err);
	worker->holds = ring_new("holds", worker->index, HOLD_RING, single, err);
	worker->streams = ring_new("streams", worker->index, STREAM_RING, single, err);
	worker->from_control = ring_new("from_control", worker->index, INPUT_RING, single, err);
	worker->from_workers =
		ring_new("from_workers", worker->index, WORKER_RING, RING_F_SC_DEQ, err);
	snprintf(name, sizeof(name), "events%u", worker->index);
	worker->events = rte_ring_create_elem(
		name, sizeof(struct gw_event), EVENT_RING, SOCKET_ID_ANY, single);
	if (!worker->punts || !worker->holds || !worker->streams || !worker->from_control ||
		!worker->from_workers || !worker->events)
		return gw_error_set(err, ENOMEM,
			"no memory for the queues of worker %u: raise memory.size_mb",
			worker->index);
	return 0;
}

static int worker_new(struct gateway *gateway, unsigned int index, struct gw_error *err)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;
	struct gw_worker *worker = rte_zmalloc("worker", sizeof(*worker), RTE_CACHE_LINE_SIZE);

	if (!worker)
		return gw_error_set(
			err, ENOMEM, "no memory for worker %u: raise memory.size_mb", index);
	dataplane->workers[index] = worker;
	dataplane->worker_count = index + 1;
	worker->dataplane = dataplane;
	worker->index = index;
	worker->lcore = index + 1;
	worker->cpu = gateway->config->worker_cpus[index];
	worker->fragment_id = (uint32_t)rte_rand() / GW_MAX_WORKERS * GW_MAX_WORKERS + index;
	worker->crypto = gw_crypto_engine_new();
	worker->flows_out = gw_flow_cache_new(dataplane->flow_cache);
	worker->flows_in = gw_flow_cache_new(dataplane->flow_cache);
	worker->carriers_out = gw_carrier_cache_new();
	worker->reassembly = gw_reassembly_new(&dataplane->reassembly);
	if (!worker->crypto || !worker->flows_out || !worker->carriers_out || !worker->flows_in ||
		!worker->reassembly)
		return gw_error_set(err, ENOMEM,
			"no memory for worker %u, or a CPU without AES instructions", index);
	if (gateway->config->worker_count > 1 && gateway->config->spread != GW_SPREAD_NEVER) {
		worker->deal = gw_deal_new(gateway->config->spread == GW_SPREAD_ALWAYS);
		if (!worker->deal)
			return gw_error_set(err, ENOMEM, "no memory for worker %u", index);
	}
	return rings_new(worker, err);
}

// Deals the receive queues of all ports out among the workers, one after the other.
static int share_queues(struct gw_dataplane *dataplane, struct gw_error *err)
{
	unsigned int next = 0;

	for (unsigned int p = 0; p < dataplane->port_count; p++) {
		for (uint16_t q = 0; q < dataplane->ports[p]->rx_queues; q++, next++) {
			struct gw_worker *worker =
				dataplane->workers[next % dataplane->worker_count];

			if (worker->rx_queue_count == GW_MAX_RX_QUEUES)
				return gw_error_set(err, EINVAL,
					"more than %d receive queues for one worker: lower "
					"rx_queues of the ports",
					GW_MAX_RX_QUEUES);
			worker->rx_queues[worker->rx_queue_count++] =
				(struct gw_rx_queue){ .port = (uint8_t)p, .queue = q };
		}
	}
	return 0;
}

int gateway_workers_new(struct gateway *gateway, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	struct gw_dataplane *dataplane = &gateway->dataplane;
	int rc = gw_nodes_register(err);

	dataplane->icmp_pps = config->icmp_pps;
	dataplane->hold_for_sa = config->sa_queue > 0;
	dataplane->acquire_ns = config->acquire_seconds * UINT64_C(1000000000);
	// The limit is the port's: each worker keeps its share of it.
	dataplane->punt_pps = RTE_MAX(1u, config->punt_pps / config->worker_count);
	dataplane->flow_cache = config->flow_cache;
	dataplane->learn_path_mtu = config->path_mtu_learn;
	dataplane->check_icmp_quotes = config->check_icmp_quotes;
	dataplane->idle = (uint8_t)config->idle;
	// Fragments may hold an eighth of the buffers.
	dataplane->reassembly = (struct gw_reassembly_options){
		.pieces = RTE_MAX(REASSEMBLY_LEAST,
			RTE_MIN(REASSEMBLY_MOST, config->buffers / 8 / config->worker_count)),
		.max_bytes = config->reassembly_bytes,
		.timeout_ns = config->reassembly_seconds * UINT64_C(1000000000),
	};
	if (config->fragments == GW_FRAGMENTS_STATEFUL) {
		dataplane->first_fragments = gw_first_fragments_new(
			config->fragment_flows, config->fragment_seconds * UINT64_C(1000000000));
		if (!dataplane->first_fragments)
			return gw_error_set(err, ENOMEM,
				"no memory for first fragments: lower limits.fragment_flows");
	}
	if (getrandom(dataplane->fragment_secret, sizeof(dataplane->fragment_secret), 0) !=
		sizeof(dataplane->fragment_secret))
		return gw_error_set(err, EIO, "no random numbers");
	for (unsigned int i = 0; !rc && i < config->worker_count; i++)
		rc = worker_new(gateway, i, err);
	for (unsigned int i = 0; !rc && i < dataplane->worker_count; i++)
		rc = gw_graph_new(dataplane->workers[i], err);
	return rc ? rc : share_queues(dataplane, err);
}

static void sleep_ns(const struct gw_dataplane *dataplane, unsigned int thread, uint64_t ns)
{
	struct timespec time = { .tv_nsec = (long)ns };

	rte_rcu_qsbr_thread_offline(dataplane->qsbr, thread);
	nanosleep(&time, NULL);
	rte_rcu_qsbr_thread_online(dataplane->qsbr, thread);
}

// A worker without work steps down: first it only pauses, then it sleeps ever longer up to a limit.
static void step_down(struct gw_worker *worker, uint64_t idle)
{
	const struct gw_dataplane *dataplane = worker->dataplane;

	if (dataplane->idle == GW_IDLE_POLL || idle < PAUSE_AFTER)
		return;
	if (dataplane->idle == GW_IDLE_PAUSE || idle < SLEEP_AFTER) {
		for (int i = 0; i < 32; i++)
			rte_pause();
		return;
	}
	worker->counters.sleeps++;
	sleep_ns(dataplane, worker->index,
		RTE_MIN(SLEEP_MIN_NS * (1 + (idle - SLEEP_AFTER) / 16), (uint64_t)SLEEP_MAX_NS));
}

static int worker_main(void *argument)
{
	struct gw_worker *worker = argument;
	struct rte_rcu_qsbr *qsbr = worker->dataplane->qsbr;
	uint64_t idle = 0;

	prctl(PR_SET_TIMERSLACK, 1000);
	rte_rcu_qsbr_thread_online(qsbr, worker->index);
	// Acquire: pairs with the release in gateway_workers_stop.
	while (!atomic_load_explicit(&worker->stop, memory_order_acquire)) {
		worker->now_ns = gw_clock_ns();
		worker->received = 0;
		rte_graph_walk(worker->graph);
		gw_deal_end(worker);
		// Between walks the worker holds no pointer to anything that can be removed.
		rte_rcu_qsbr_quiescent(qsbr, worker->index);
		worker->counters.polls++;
		if (worker->received) {
			idle = 0;
			continue;
		}
		worker->counters.idle_polls++;
		step_down(worker, ++idle);
	}
	rte_rcu_qsbr_thread_offline(qsbr, worker->index);
	return 0;
}

int gateway_workers_start(struct gateway *gateway, struct gw_error *err)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;

	for (unsigned int i = 0; i < dataplane->worker_count; i++) {
		struct gw_worker *worker = dataplane->workers[i];

		rte_rcu_qsbr_thread_register(dataplane->qsbr, i);
		if (rte_eal_remote_launch(worker_main, worker, worker->lcore) != 0)
			return gw_error_set(
				err, EBUSY, "worker %u does not start on CPU %u", i, worker->cpu);
		gw_log_info("worker %u runs on CPU %u with %u receive queue(s)", i, worker->cpu,
			worker->rx_queue_count);
	}
	return 0;
}

// All queues between threads are empty.
static bool is_drained(const struct gw_dataplane *dataplane)
{
	for (unsigned int i = 0; i < dataplane->worker_count; i++) {
		const struct gw_worker *worker = dataplane->workers[i];

		if (!rte_ring_empty(worker->from_control) ||
			!rte_ring_empty(worker->from_workers) || !gw_deal_is_drained(worker))
			return false;
	}
	return true;
}

void gateway_workers_stop(struct gateway *gateway)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;
	uint64_t deadline = gw_clock_ns() + 2000000000u;

	for (unsigned int i = 0; i < dataplane->worker_count; i++)
		atomic_store_explicit(&dataplane->workers[i]->quiet, true, memory_order_relaxed);
	// A packet may pass from worker to worker: every one has walked twice after the queues were
	// empty.
	for (int rounds = 0; rounds < 2 && gw_clock_ns() < deadline;) {
		rte_rcu_qsbr_synchronize(dataplane->qsbr, RTE_QSBR_THRID_INVALID);
		rounds = is_drained(dataplane) ? rounds + 1 : 0;
	}
	// Release: pairs with the acquire in worker_main.
	for (unsigned int i = 0; i < dataplane->worker_count; i++)
		atomic_store_explicit(&dataplane->workers[i]->stop, true, memory_order_release);
	rte_eal_mp_wait_lcore();
	for (unsigned int i = 0; i < dataplane->worker_count; i++)
		rte_rcu_qsbr_thread_unregister(dataplane->qsbr, i);
}

static void ring_free(struct gateway *gateway, struct rte_ring *ring)
{
	void *packet;

	while (ring && rte_ring_dequeue(ring, &packet) == 0) {
		gw_count_drop(&gateway->counters, GW_DROP_SHUTDOWN);
		rte_pktmbuf_free(packet);
	}
	rte_ring_free(ring);
}

static void packet_free(void *ctx, void *packet)
{
	struct gateway *gateway = ctx;

	gw_count_drop(&gateway->counters, GW_DROP_SHUTDOWN);
	rte_pktmbuf_free(packet);
}

static void fragment_free(void *ctx, void *packet, enum gw_reassembly_verdict)
{
	packet_free(ctx, packet);
}

void gateway_workers_free(struct gateway *gateway)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;

	gw_first_fragments_free(dataplane->first_fragments);
	dataplane->first_fragments = NULL;
	for (unsigned int i = 0; i < dataplane->worker_count; i++) {
		struct gw_worker *worker = dataplane->workers[i];

		gw_graph_free(worker);
		ring_free(gateway, worker->punts);
		ring_free(gateway, worker->holds);
		ring_free(gateway, worker->streams);
		ring_free(gateway, worker->from_control);
		ring_free(gateway, worker->from_workers);
		rte_ring_free(worker->events);
		gw_deal_free(worker->deal, packet_free, gateway);
		gw_reassembly_free(worker->reassembly, fragment_free, gateway);
		gw_carrier_cache_free(worker->carriers_out);
		gw_flow_cache_free(worker->flows_out);
		gw_flow_cache_free(worker->flows_in);
		gw_crypto_engine_free(worker->crypto);
		rte_free(worker);
		dataplane->workers[i] = NULL;
	}
	dataplane->worker_count = 0;
}
