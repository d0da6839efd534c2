// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_graph_worker.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "graph/nodes.h"
#include "graph/packet.h"

const uint8_t box_macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
const uint8_t box_neighbours[2][6] = { { 2, 0, 0, 0, 1, 2 }, { 2, 0, 0, 0, 9, 2 } };

static const char *const port_names[2] = { "lan", "wan" };

#define BUFFERS   2047
#define DATA_ROOM 2304
#define RING_SIZE 512

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "box: %s failed\n", what);
	abort();
}

static int port_index(void *ctx, const char *name)
{
	const struct box *box = ctx;

	if (strcmp(name, "esp0") == 0)
		return box->interface ? gw_link_of_interface(box->interface) : -1;
	return strcmp(name, "lan") == 0 ? BOX_LAN : strcmp(name, "wan") == 0 ? BOX_WAN : -1;
}

static const char *port_name(void *, uint16_t port)
{
	return port < 2 ? port_names[port] : "esp0";
}

static struct rte_ring *ring(const char *kind, unsigned int index)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *made;

	snprintf(name, sizeof(name), "box_%s%u", kind, index);
	made = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, 0);
	must(made, name);
	return made;
}

static void make_port(struct box *box, unsigned int index)
{
	struct gw_port *port = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*port));
	struct rte_eth_conf conf = {};
	int id;

	must(port, "memory");
	memset(port, 0, sizeof(*port));
	box->in[index] = ring("in", index);
	box->out[index] = ring("out", index);
	id = rte_eth_from_rings(port_names[index], &box->in[index], 1, &box->out[index], 1, 0);
	must(id >= 0, rte_strerror(rte_errno));
	port->device = (uint16_t)id;
	port->index = (uint8_t)index;
	port->side = index == BOX_LAN ? GW_SIDE_PROTECTED : GW_SIDE_UNPROTECTED;
	port->mtu = 1500;
	port->rx_queues = port->tx_queues = 1;
	port->link_up = true;
	memcpy(port->mac, box_macs[index], 6);
	snprintf(port->spec.name, sizeof(port->spec.name), "%s", port_names[index]);
	must(rte_eth_dev_configure(port->device, 1, 1, &conf) == 0, "configure");
	must(rte_eth_rx_queue_setup(port->device, 0, 0, 0, NULL, box->dataplane.buffers) == 0,
		"rx queue");
	must(rte_eth_tx_queue_setup(port->device, 0, 0, 0, NULL) == 0, "tx queue");
	must(rte_eth_dev_start(port->device) == 0, "start");
	box->dataplane.ports[index] = port;
	box->dataplane.port_count = index + 1;
}

static void make_worker(struct box *box)
{
	// Not in DPDK's memory as the gateway's workers are: LeakSanitizer does not look there, and
	// would take for lost what only the worker points to.
	struct gw_worker *worker = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*worker));
	static bool registered;
	struct gw_error err = {};

	must(worker, "memory");
	memset(worker, 0, sizeof(*worker));
	box->worker = worker;
	box->dataplane.workers[0] = worker;
	box->dataplane.worker_count = 1;
	worker->dataplane = &box->dataplane;
	worker->crypto = gw_crypto_engine_new();
	worker->flows_out = gw_flow_cache_new(1024);
	worker->flows_in = gw_flow_cache_new(1024);
	worker->carriers_out = gw_carrier_cache_new();
	worker->reassembly = gw_reassembly_new(&box->dataplane.reassembly);
	must(worker->crypto && worker->carriers_out && worker->flows_out && worker->flows_in &&
			worker->reassembly,
		"engine and tables");
	worker->punts = ring("punts", 0);
	worker->holds = ring("holds", 0);
	worker->streams = ring("streams", 0);
	worker->from_control = ring("from_control", 0);
	worker->from_workers = ring("from_workers", 0);
	worker->events =
		rte_ring_create_elem("box_events", sizeof(struct gw_event), 256, SOCKET_ID_ANY, 0);
	must(worker->events, "events");
	must(registered || gw_nodes_register(&err) == 0, err.text);
	registered = true;
	must(gw_graph_new(worker, &err) == 0, err.text);
	for (uint8_t p = 0; p < 2; p++)
		worker->rx_queues[worker->rx_queue_count++] = (struct gw_rx_queue){ .port = p };
}

static struct gw_txn *begin(void)
{
	struct gw_txn *txn = gw_txn_new();

	must(txn, "memory");
	return txn;
}

static void add_address(struct box *box, uint16_t port, const char *text)
{
	struct gw_prefix prefix;
	struct gw_txn *txn = begin();
	struct gw_error err = {};

	must(gw_prefix_parse(text, false, &prefix), text);
	must(gw_port_address_add(box->routes, txn, port, &prefix, GW_ROUTE_STATIC, &err) == 0,
		err.text);
	gw_txn_commit(txn);
}

static void add_neighbour(struct box *box, unsigned int port, const char *text)
{
	struct gw_neighbour_spec spec = {};
	struct gw_txn *txn = begin();
	struct gw_error err = {};

	snprintf(spec.port, sizeof(spec.port), "%s", port_names[port]);
	must(gw_addr_parse(text, &spec.address), text);
	memcpy(spec.mac, box_neighbours[port], 6);
	must(gw_neighbour_add(box->routes, txn, &spec, GW_ROUTE_STATIC, &err) == 0, err.text);
	gw_txn_commit(txn);
}

static void make_databases(struct box *box)
{
	size_t size = RTE_ALIGN_CEIL(rte_rcu_qsbr_get_memsize(1), (size_t)RTE_CACHE_LINE_SIZE);
	struct gw_route_db_options routes = { .max_routes = 64,
		.max_neighbours = 64,
		.port_index = port_index,
		.port_name = port_name,
		.ctx = box };
	struct gw_ipsec_db_options ipsec = { .max_sas = 256, .max_policies = 256, .workers = 1 };
	struct gw_error err = {};

	box->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	must(box->qsbr && rte_rcu_qsbr_init(box->qsbr, 1) == 0, "RCU");
	rte_rcu_qsbr_thread_register(box->qsbr, 0);
	box->reclaim = gw_reclaim_new(box->qsbr);
	routes.reclaim = ipsec.reclaim = box->reclaim;
	ipsec.qsbr = box->qsbr;
	box->routes = gw_route_db_new(&routes, &err);
	must(box->routes, err.text);
	box->ipsec = gw_ipsec_db_new(&ipsec, &err);
	must(box->ipsec, err.text);
	box->dataplane.qsbr = box->qsbr;
	box->dataplane.sad = gw_ipsec_db_sad(box->ipsec);
	box->dataplane.spd_out = gw_ipsec_db_spd(box->ipsec, GW_DIRECTION_OUT);
	box->dataplane.spd_in = gw_ipsec_db_spd(box->ipsec, GW_DIRECTION_IN);
	box->dataplane.fib = gw_route_db_fib(box->routes);
	box->dataplane.local = gw_route_db_local(box->routes);
	box->dataplane.interfaces = &box->interfaces;
	add_address(box, BOX_LAN, "192.168.1.1/24");
	add_address(box, BOX_LAN, "2001:db8:1::1/64");
	add_address(box, BOX_WAN, "10.9.0.1/24");
	add_address(box, BOX_WAN, "2001:db8:9::1/64");
	add_neighbour(box, BOX_LAN, "192.168.1.2");
	add_neighbour(box, BOX_LAN, "2001:db8:1::2");
	add_neighbour(box, BOX_WAN, "10.9.0.2");
	add_neighbour(box, BOX_WAN, "2001:db8:9::2");
}

struct box *box_new(void)
{
	struct box *box = calloc(1, sizeof(*box));

	must(box, "memory");
	must(gw_crypto_self_test() == 0, "crypto self-test");
	// Without a cache, so that the pool itself tells how many buffers are out.
	box->dataplane.buffers = rte_pktmbuf_pool_create(
		"box_buffers", BUFFERS, 0, GW_PACKET_PRIVATE_BYTES, DATA_ROOM, SOCKET_ID_ANY);
	must(box->dataplane.buffers, "buffers");
	box->dataplane.linear = box->dataplane.buffers;
	box->dataplane.icmp_pps = 1000000;
	box->dataplane.punt_pps = 1000000;
	box->dataplane.acquire_ns = UINT64_C(10000000000);
	box->dataplane.first_fragments = gw_first_fragments_new(1024, UINT64_C(5000000000));
	must(box->dataplane.first_fragments != NULL, "no memory for first fragments");
	box->dataplane.reassembly = (struct gw_reassembly_options){
		.pieces = 256, .max_bytes = 2000, .timeout_ns = 15000000000u
	};
	box->dataplane.learn_path_mtu = true;
	box->dataplane.check_icmp_quotes = true;
	make_databases(box);
	make_port(box, BOX_LAN);
	make_port(box, BOX_WAN);
	make_worker(box);
	box->free_buffers = rte_mempool_avail_count(box->dataplane.buffers);
	return box;
}

static void empty(struct rte_ring *ring_of_packets)
{
	void *packet;

	while (rte_ring_dequeue(ring_of_packets, &packet) == 0)
		rte_pktmbuf_free(packet);
}

// The virtual device has to go too, or its name stays taken.
static void remove_port(const struct gw_port *port)
{
	struct rte_eth_dev_info info;

	must(rte_eth_dev_info_get(port->device, &info) == 0, "device information");
	rte_eth_dev_stop(port->device);
	must(rte_dev_remove(info.device) == 0, "removal of the device");
}

static void free_fragment(void *, void *packet, enum gw_reassembly_verdict)
{
	rte_pktmbuf_free(packet);
}

void box_forget_fragments(struct box *box)
{
	gw_reassembly_expire(box->worker->reassembly, UINT64_MAX, free_fragment, NULL);
}

bool box_free(struct box *box)
{
	struct gw_worker *worker = box->worker;
	bool complete;

	box_walk(box);
	gw_reassembly_free(worker->reassembly, free_fragment, NULL);
	gw_first_fragments_free(box->dataplane.first_fragments);
	gw_carrier_cache_free(worker->carriers_out);
	for (unsigned int i = 0; i < 2; i++) {
		empty(box->in[i]);
		empty(box->out[i]);
	}
	complete = rte_mempool_avail_count(box->dataplane.buffers) == box->free_buffers;
	rte_rcu_qsbr_thread_unregister(box->qsbr, 0);
	gw_ipsec_db_free(box->ipsec);
	gw_route_db_free(box->routes);
	gw_reclaim_free(box->reclaim);
	gw_graph_free(worker);
	rte_ring_free(worker->punts);
	rte_ring_free(worker->holds);
	rte_ring_free(worker->streams);
	rte_ring_free(worker->from_control);
	rte_ring_free(worker->from_workers);
	rte_ring_free(worker->events);
	gw_flow_cache_free(worker->flows_out);
	gw_flow_cache_free(worker->flows_in);
	gw_crypto_engine_free(worker->crypto);
	free(worker);
	for (unsigned int i = 0; i < 2; i++) {
		remove_port(box->dataplane.ports[i]);
		rte_ring_free(box->in[i]);
		rte_ring_free(box->out[i]);
		free(box->dataplane.ports[i]);
	}
	rte_mempool_free(box->dataplane.buffers);
	free(box->qsbr);
	free(box);
	return complete;
}

void box_sa(struct box *box, const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	struct gw_txn *txn = begin();
	struct gw_error err = {};
	struct gw_sa_spec spec;

	must(object && gw_sa_spec_read(object, &spec, &err) == 0, err.text);
	must(gw_sa_add(box->ipsec, txn, &spec, GW_ORIGIN_CONTROL, &err) == 0, err.text);
	gw_txn_commit(txn);
	gw_sa_spec_wipe(&spec);
	json_decref(object);
}

void box_policy(struct box *box, const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	struct gw_txn *txn = begin();
	struct gw_error err = {};
	struct gw_policy_spec spec;

	must(object && gw_policy_spec_read(object, &spec, &err) == 0, err.text);
	must(gw_policy_add(box->ipsec, txn, &spec, GW_ORIGIN_CONTROL, &err) == 0, err.text);
	gw_txn_commit(txn);
	json_decref(object);
}

void box_interface(struct box *box, uint32_t if_id)
{
	struct gw_error err = {};

	must(gw_interface_get(gw_ipsec_db_interfaces(box->ipsec), if_id, &box->interface, &err) ==
			0,
		err.text);
	atomic_store(&box->interfaces.up[box->interface], true);
	atomic_store(&box->interfaces.count, 1);
}

void box_route(struct box *box, const char *destination, const char *gateway, const char *port)
{
	struct gw_route_spec spec = {};
	struct gw_txn *txn = begin();
	struct gw_error err = {};

	must(gw_prefix_parse(destination, true, &spec.destination), destination);
	must(!gateway || gw_addr_parse(gateway, &spec.gateway), "the gateway's address");
	snprintf(spec.port, sizeof(spec.port), "%s", port);
	must(gw_route_add(box->routes, txn, &spec, GW_ROUTE_STATIC, 0, &err) == 0, err.text);
	gw_txn_commit(txn);
}

void box_tunnel(struct box *box)
{
	box_sa(box, "{\"direction\":\"out\",\"spi\":4097,\"source\":\"10.9.0.1\",\"destination\":"
		    "\"10.9.0.2\",\"reqid\":1,"
		    "\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0000000000000000000000000000000000000000\"}}");
	box_sa(box, "{\"direction\":\"in\",\"spi\":4098,\"source\":\"10.9.0.2\",\"destination\":"
		    "\"10.9.0.1\",\"reqid\":1,"
		    "\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		    "\"0101010101010101010101010101010101010101\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":100,\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.1.0/24\",\"destination\":\"192.168.2.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"in\",\"priority\":100,\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"192.168.2.0/24\",\"destination\":\"192.168.1.0/24\"}}");
	box_policy(box,
		"{\"direction\":\"out\",\"priority\":100,\"action\":\"protect\",\"reqid\":1,"
		"\"selector\":{\"source\":\"2001:db8:1::/64\",\"destination\":\"2001:db8:2::/"
		"64\"}}");
	box_policy(box, "{\"direction\":\"in\",\"priority\":100,\"action\":\"protect\",\"reqid\":1,"
			"\"selector\":{\"source\":\"2001:db8:2::/"
			"64\",\"destination\":\"2001:db8:1::/64\"}}");
}

bool box_push(struct box *box, unsigned int port, const void *frame, size_t size)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);
	char *room;

	must(mbuf, "a packet buffer");
	room = size <= UINT16_MAX ? rte_pktmbuf_append(mbuf, (uint16_t)size) : NULL;
	if (!room || rte_ring_enqueue(box->in[port], mbuf) != 0) {
		rte_pktmbuf_free(mbuf);
		return false;
	}
	memcpy(room, frame, size);
	mbuf->ol_flags |= box->offloads;
	return true;
}

void box_walk(struct box *box)
{
	struct gw_worker *worker = box->worker;

	do {
		worker->now_ns = gw_clock_ns();
		worker->received = 0;
		rte_graph_walk(worker->graph);
		rte_rcu_qsbr_quiescent(box->qsbr, 0);
	} while (worker->received);
	gw_reclaim_poll(box->reclaim);
	empty(worker->punts);
	empty(worker->holds);
}

size_t box_pull(struct box *box, unsigned int port, uint8_t *frame, size_t size)
{
	void *packet;
	size_t bytes;

	if (rte_ring_dequeue(box->out[port], &packet) != 0)
		return 0;
	bytes = rte_pktmbuf_pkt_len((struct rte_mbuf *)packet);
	if (size > bytes)
		size = bytes;
	memcpy(frame, rte_pktmbuf_mtod((struct rte_mbuf *)packet, void *), size);
	rte_pktmbuf_free(packet);
	return bytes;
}

uint64_t box_drops(const struct box *box, enum gw_drop reason)
{
	return box->worker->counters.drops[reason];
}
