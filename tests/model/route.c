// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Random transactions of routes, neighbours and addresses against a model that looks at all of them
// for each answer; some transactions are aborted. Meanwhile another thread looks up under RCU: it
// must always find whole, unchanged next hops, and for prefixes whose routes never change always
// the same ones, though the tables they share with others come and go.

#include "route/db.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "run.h"

#define PORTS  3
#define ROUNDS 12000
#define MAX    96 // records of each kind

struct model_route {
	struct gw_route_spec spec;
	enum gw_route_origin origin;
	uint32_t metric;
	uint64_t order; // of its addition
};

struct model_neighbour {
	struct gw_neighbour_spec spec;
	enum gw_route_origin origin;
};

struct model_address {
	struct gw_prefix prefix;
	enum gw_route_origin origin;
	uint16_t port;
};

struct model {
	struct model_route routes[MAX];
	struct model_neighbour neighbours[MAX];
	struct model_address addresses[MAX];
	unsigned int route_count, neighbour_count, address_count;
};

// What a lookup has to give.
struct answer {
	uint8_t kind;
	uint16_t port;
	uint8_t mac[6];
	struct gw_addr address;
};

static uint64_t random_state;
static uint64_t additions;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % bound);
}

static int port_index(void *, const char *name)
{
	return name[0] == 'p' && name[1] >= '0' && name[1] < '0' + PORTS ? name[1] - '0' : -1;
}

static const char *port_name(void *, uint16_t port)
{
	static const char *const names[] = { "p0", "p1", "p2" };

	return names[port];
}

// Few values a byte, so that prefixes nest and meet.
static struct gw_addr random_addr(uint8_t family)
{
	static const uint8_t bytes[] = { 0, 1, 127, 128, 255 };
	struct gw_addr addr = { .family = family };
	unsigned int size = gw_addr_bytes(family);

	for (unsigned int i = 0; i < size; i++)
		addr.bytes[i] =
			family == 6 && i > 2 && i < 14 ? 0 : bytes[random_below(sizeof(bytes))];
	addr.bytes[0] = family == 4 ? 10 : 0x20;
	if (family == 6 && random_below(8) == 0) {
		addr.bytes[0] = 0xfe;
		addr.bytes[1] = 0x80;
	}
	return addr;
}

static struct gw_addr random_near(uint8_t family)
{
	struct gw_addr addr = random_addr(family);

	if (family == 6)
		memset(addr.bytes + 1, 0, 13);
	else
		memset(addr.bytes + 1, 0, 2);
	return addr;
}

static struct gw_prefix mask(struct gw_addr addr, uint8_t length)
{
	struct gw_prefix prefix = { .addr = addr, .length = length };

	for (unsigned int bit = length; bit < 128; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

static bool covers(const struct gw_prefix *prefix, const struct gw_addr *addr)
{
	struct gw_prefix other;

	if (prefix->addr.family != addr->family)
		return false;
	other = mask(*addr, prefix->length);
	return memcmp(other.addr.bytes, prefix->addr.bytes, sizeof(other.addr.bytes)) == 0;
}

static bool link_local(const struct gw_prefix *prefix)
{
	return prefix->addr.family == 6 && prefix->length >= 10 && prefix->addr.bytes[0] == 0xfe &&
	       (prefix->addr.bytes[1] & 0xc0) == 0x80;
}

static bool better(const struct model_route *a, const struct model_route *b)
{
	if (!b)
		return true;
	if (a->spec.destination.length != b->spec.destination.length)
		return a->spec.destination.length > b->spec.destination.length;
	if (a->origin != b->origin)
		return a->origin == GW_ROUTE_STATIC;
	return a->metric != b->metric ? a->metric < b->metric : a->order < b->order;
}

static void answer_through(const struct model *model, uint16_t port, const struct gw_addr *addr,
	bool on_link, struct answer *answer)
{
	const struct model_neighbour *found = NULL;
	bool hop = !on_link;

	for (unsigned int i = 0; i < model->neighbour_count; i++) {
		const struct model_neighbour *entry = &model->neighbours[i];

		if (port_index(NULL, entry->spec.port) == port &&
			gw_addr_equal(&entry->spec.address, addr) &&
			(!found || entry->origin == GW_ROUTE_STATIC))
			found = entry;
	}
	// A gateway of some route is known as a neighbour to be resolved.
	for (unsigned int i = 0; i < model->route_count; i++)
		if (port_index(NULL, model->routes[i].spec.port) == port &&
			gw_addr_equal(&model->routes[i].spec.gateway, addr))
			hop = true;
	answer->port = port;
	answer->kind = found ? GW_NEXTHOP_FORWARD : GW_NEXTHOP_RESOLVE;
	if (found)
		memcpy(answer->mac, found->spec.mac, 6);
	if (found || hop)
		answer->address = *addr;
}

static struct answer model_lookup(const struct model *model, const struct gw_addr *addr)
{
	const struct model_route *best = NULL;
	struct model_route connected[MAX];
	struct answer answer = { .kind = GW_NEXTHOP_NONE };

	for (unsigned int i = 0; i < model->address_count; i++) {
		const struct model_address *entry = &model->addresses[i];

		if (gw_addr_equal(&entry->prefix.addr, addr))
			return (struct answer){ .kind = GW_NEXTHOP_LOCAL };
		connected[i] = (struct model_route){
			.spec.destination = mask(entry->prefix.addr, entry->prefix.length),
			.origin = GW_ROUTE_STATIC,
			.order = additions + i, // see random_metric: no static route has metric 0
		};
		snprintf(connected[i].spec.port, sizeof(connected[i].spec.port), "%s",
			port_name(NULL, entry->port));
		if (entry->origin == GW_ROUTE_STATIC &&
			entry->prefix.length < 8 * gw_addr_bytes(addr->family) &&
			covers(&connected[i].spec.destination, addr) &&
			!link_local(&connected[i].spec.destination) && better(&connected[i], best))
			best = &connected[i];
	}
	for (unsigned int i = 0; i < model->route_count; i++)
		if (covers(&model->routes[i].spec.destination, addr) &&
			!link_local(&model->routes[i].spec.destination) &&
			better(&model->routes[i], best))
			best = &model->routes[i];
	if (!best)
		return answer;
	if (best->spec.kind == GW_ROUTE_BLACKHOLE)
		return (struct answer){ .kind = GW_NEXTHOP_BLACKHOLE };
	if (best->spec.gateway.family)
		answer_through(model, (uint8_t)port_index(NULL, best->spec.port),
			&best->spec.gateway, false, &answer);
	else
		answer_through(
			model, (uint8_t)port_index(NULL, best->spec.port), addr, true, &answer);
	return answer;
}

struct bench {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_route_db *db;
	struct model model;
	_Atomic bool stop;      // main: wo, reader: ro
	_Atomic uint64_t wrong; // reader: wo
	_Atomic uint64_t looks; // reader: wo
};

// --- changes, to both

static int change_route(struct bench *bench, struct model *model, struct gw_txn *txn)
{
	uint8_t family = random_below(2) ? 4 : 6;
	struct model_route route = {
		.origin = random_below(2) ? GW_ROUTE_STATIC : GW_ROUTE_KERNEL,
		.metric = 1 + random_below(2),
		.order = additions,
	};
	unsigned int at;
	int rc;

	if (model->route_count && random_below(100) < 20 + model->route_count) {
		at = random_below(model->route_count);
		route = model->routes[at];
		rc = gw_route_delete(bench->db, txn, &route.spec, route.origin, route.metric, NULL);
		ck_assert_int_eq(rc, 0);
		memmove(&model->routes[at], &model->routes[at + 1],
			(--model->route_count - at) * sizeof(route));
		return 0;
	}
	if (model->route_count == MAX)
		return 0;
	route.spec.destination =
		mask(random_addr(family), (uint8_t)random_below(8 * gw_addr_bytes(family) + 1));
	route.spec.kind = random_below(8) ? GW_ROUTE_UNICAST : GW_ROUTE_BLACKHOLE;
	if (route.spec.kind == GW_ROUTE_UNICAST) {
		snprintf(route.spec.port, sizeof(route.spec.port), "p%u", random_below(PORTS));
		if (random_below(2))
			route.spec.gateway = random_near(family);
	}
	rc = gw_route_add(bench->db, txn, &route.spec, route.origin, route.metric, NULL);
	for (at = 0; at < model->route_count; at++) {
		const struct model_route *other = &model->routes[at];

		if (other->origin == route.origin && other->metric == route.metric &&
			memcmp(&other->spec.destination, &route.spec.destination,
				sizeof(other->spec.destination)) == 0 &&
			(route.origin == GW_ROUTE_STATIC ||
				memcmp(&other->spec, &route.spec, sizeof(route.spec)) == 0)) {
			ck_assert_int_eq(rc, -EEXIST);
			return 0;
		}
	}
	ck_assert_int_eq(rc, 0);
	additions++;
	model->routes[model->route_count++] = route;
	return 0;
}

static void random_mac(uint8_t mac[6], uint16_t port)
{
	// The last byte repeats the others' sum, so that the reader recognises a torn one.
	memcpy(mac,
		(uint8_t[]){
			2, port, (uint8_t)random_below(256), (uint8_t)random_below(256), 0, 0 },
		6);
	mac[5] = (uint8_t)(mac[0] + mac[1] + mac[2] + mac[3]);
}

static void change_neighbour(struct bench *bench, struct model *model, struct gw_txn *txn)
{
	uint16_t port = (uint8_t)random_below(PORTS);
	struct model_neighbour entry = {
		.origin = random_below(2) ? GW_ROUTE_STATIC : GW_ROUTE_KERNEL,
	};
	unsigned int at;

	if (model->neighbour_count && random_below(100) < 20 + model->neighbour_count) {
		at = random_below(model->neighbour_count);
		entry = model->neighbours[at];
		ck_assert_int_eq(
			gw_neighbour_delete(bench->db, txn, &entry.spec, entry.origin, NULL), 0);
		memmove(&model->neighbours[at], &model->neighbours[at + 1],
			(--model->neighbour_count - at) * sizeof(entry));
		return;
	}
	if (model->neighbour_count == MAX)
		return;
	entry.spec.address = random_near(random_below(2) ? 4 : 6);
	snprintf(entry.spec.port, sizeof(entry.spec.port), "p%u", port);
	random_mac(entry.spec.mac, port);
	ck_assert_int_eq(gw_neighbour_add(bench->db, txn, &entry.spec, entry.origin, NULL), 0);
	for (at = 0; at < model->neighbour_count; at++)
		if (model->neighbours[at].origin == entry.origin &&
			strcmp(model->neighbours[at].spec.port, entry.spec.port) == 0 &&
			gw_addr_equal(&model->neighbours[at].spec.address, &entry.spec.address))
			break;
	model->neighbours[at] = entry;
	if (at == model->neighbour_count)
		model->neighbour_count++;
}

static void change_address(struct bench *bench, struct model *model, struct gw_txn *txn)
{
	uint8_t family = random_below(2) ? 4 : 6;
	struct model_address address = {
		.port = (uint8_t)random_below(PORTS),
		.origin = random_below(2) ? GW_ROUTE_STATIC : GW_ROUTE_KERNEL,
	};
	unsigned int at;
	int rc;

	if (model->address_count && random_below(100) < 50 + model->address_count) {
		at = random_below(model->address_count);
		address = model->addresses[at];
		rc = gw_port_address_delete(
			bench->db, txn, address.port, &address.prefix, address.origin, NULL);
		ck_assert_int_eq(rc, 0);
		memmove(&model->addresses[at], &model->addresses[at + 1],
			(--model->address_count - at) * sizeof(address));
		return;
	}
	address.prefix.addr = random_addr(family);
	address.prefix.length = (uint8_t)random_below(8 * gw_addr_bytes(family) + 1);
	// Two connected prefixes alike on two ports: the model need not know which came first.
	for (at = 0; at < model->address_count; at++) {
		struct gw_prefix other =
			mask(model->addresses[at].prefix.addr, model->addresses[at].prefix.length);

		if (other.length == address.prefix.length && covers(&other, &address.prefix.addr))
			return;
	}
	rc = gw_port_address_add(
		bench->db, txn, address.port, &address.prefix, address.origin, NULL);
	ck_assert_int_eq(rc, 0);
	model->addresses[model->address_count++] = address;
}

static void transaction(struct bench *bench)
{
	static struct model next;
	struct gw_txn *txn = gw_txn_new();
	unsigned int changes = 1 + random_below(6);

	next = bench->model;
	for (unsigned int i = 0; i < changes; i++) {
		switch (random_below(5)) {
		case 0:
			change_address(bench, &next, txn);
			break;
		case 1:
		case 2:
			change_neighbour(bench, &next, txn);
			break;
		default:
			change_route(bench, &next, txn);
		}
	}
	if (random_below(4) == 0) {
		gw_txn_abort(txn);
		return;
	}
	gw_txn_commit(txn);
	bench->model = next;
}

// --- comparison

static void compare(struct bench *bench, const struct gw_addr *addr)
{
	struct answer expected = model_lookup(&bench->model, addr);
	const struct gw_nexthop *found = NULL;
	const uint8_t *bytes = addr->bytes;
	char text[GW_ADDR_STRLEN];

	gw_fib_lookup(gw_route_db_fib(bench->db), addr->family, &bytes, 1, &found);
	ck_assert_msg(found->kind == expected.kind && found->port == expected.port &&
			      memcmp(found->mac, expected.mac, 6) == 0 &&
			      memcmp(found->address.bytes, expected.address.bytes, 16) == 0,
		"%s: kind %u port %u, not kind %u port %u", gw_addr_format(addr, text), found->kind,
		found->port, expected.kind, expected.port);
	ck_assert_int_eq(gw_local_contains(gw_route_db_local(bench->db), addr->family, bytes),
		expected.kind == GW_NEXTHOP_LOCAL);
}

static void compare_some(struct bench *bench)
{
	const struct model *model = &bench->model;

	for (unsigned int i = 0; i < 12; i++) {
		uint8_t family = i % 2 ? 4 : 6;
		struct gw_addr addr = i % 4 < 2 ? random_addr(family) : random_near(family);

		compare(bench, &addr);
	}
	if (model->address_count)
		compare(bench, &model->addresses[random_below(model->address_count)].prefix.addr);
	if (model->neighbour_count)
		compare(bench,
			&model->neighbours[random_below(model->neighbour_count)].spec.address);
	if (model->route_count) {
		struct gw_prefix edge =
			model->routes[random_below(model->route_count)].spec.destination;

		compare(bench, &edge.addr); // first, then last
		for (unsigned int bit = edge.length; bit < 8 * gw_addr_bytes(edge.addr.family);
			bit++)
			edge.addr.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		compare(bench, &edge.addr);
	}
}

// --- the reader

// Routes that stay: outside of the random ones' way, but in tables that they share.
static const struct {
	const char *destination;
	const char *inside[2];
	uint16_t port;
} stable[] = {
	{ "172.16.0.0/12", { "172.16.255.6", "172.31.0.6" }, 0 },
	{ "172.16.0.64/26", { "172.16.0.64", "172.16.0.127" }, 1 },
	{ "2001:db8::/32", { "2001:db8::6", "2001:db8:0:1::6" }, 2 },
	{ "2001:db8:0:2::4/127", { "2001:db8:0:2::4", "2001:db8:0:2::5" }, 1 },
};

// Routes beside them that come and go all the time.
static const char *const unrest[] = { "172.16.0.5/32", "172.16.255.0/30", "172.31.0.0/30",
	"172.16.0.128/25", "2001:db8::5/128", "2001:db8:0:1::8/125", "2001:db8:0:2::/126",
	"2001:db8:0:2::6/128" };

static bool whole(const struct gw_nexthop *nexthop)
{
	const uint8_t *mac = nexthop->mac;

	if (nexthop->kind == GW_NEXTHOP_FORWARD)
		return nexthop->port < PORTS && nexthop->used && mac[0] == 2 &&
		       mac[1] == nexthop->port &&
		       mac[5] == (uint8_t)(mac[0] + mac[1] + mac[2] + mac[3]);
	return nexthop->kind <= GW_NEXTHOP_BLACKHOLE && nexthop->port < PORTS;
}

static void look(struct bench *bench, uint8_t family, const uint8_t (*bytes)[16], int expected_port)
{
	const struct gw_nexthop *found[64];
	struct gw_nexthop copies[64];
	const uint8_t *addresses[64];
	uint64_t wrong = 0;

	for (unsigned int i = 0; i < RTE_DIM(addresses); i++)
		addresses[i] = bytes[i];
	gw_fib_lookup(gw_route_db_fib(bench->db), family, addresses, RTE_DIM(addresses), found);
	for (unsigned int i = 0; i < RTE_DIM(found); i++) {
		copies[i] = *found[i];
		wrong += !whole(found[i]);
		wrong += expected_port >= 0 &&
			 (found[i]->kind != GW_NEXTHOP_RESOLVE || found[i]->port != expected_port);
	}
	// Nothing found changes before the next quiescent state.
	for (unsigned int i = 0; i < RTE_DIM(found); i++)
		wrong += memcmp(&copies[i], found[i], sizeof(copies[i])) != 0;
	for (uint16_t port = 0; port < PORTS; port++) {
		struct gw_addr source = { .family = family };

		gw_local_source(gw_route_db_local(bench->db), port, family, &source);
		wrong += source.family != family;
		gw_local_contains(gw_route_db_local(bench->db), family, addresses[port]);
	}
	atomic_fetch_add(&bench->wrong, wrong);
	atomic_fetch_add(&bench->looks, RTE_DIM(found));
	rte_rcu_qsbr_quiescent(bench->qsbr, 0);
}

static void *reader(void *argument)
{
	static const uint8_t values[] = { 0, 1, 127, 128, 255 };
	struct bench *bench = argument;
	uint8_t bytes[64][16] = {};
	uint32_t seed = 1;

	rte_rcu_qsbr_thread_register(bench->qsbr, 0);
	rte_rcu_qsbr_thread_online(bench->qsbr, 0);
	while (!atomic_load(&bench->stop)) {
		for (unsigned int s = 0; s < RTE_DIM(stable); s++) {
			struct gw_addr inside[2];

			gw_addr_parse(stable[s].inside[0], &inside[0]);
			gw_addr_parse(stable[s].inside[1], &inside[1]);
			for (unsigned int i = 0; i < RTE_DIM(bytes); i++)
				memcpy(bytes[i], inside[i % 2].bytes, 16);
			look(bench, inside[0].family, bytes, stable[s].port);
		}
		for (unsigned int family = 4; family <= 6; family += 2) {
			memset(bytes, 0, sizeof(bytes));
			for (unsigned int i = 0; i < RTE_DIM(bytes); i++) {
				bytes[i][0] = family == 4 ? 10 : 0x20;
				for (unsigned int j = 1; j < 4; j++) {
					seed = seed * 1664525 + 1013904223;
					bytes[i][family == 4 ? j : 12 + j] =
						values[(seed >> 16) % sizeof(values)];
				}
			}
			look(bench, (uint8_t)family, bytes, -1);
		}
	}
	rte_rcu_qsbr_thread_offline(bench->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(bench->qsbr, 0);
	return NULL;
}

// --- the test

static void one_route(struct bench *bench, const char *destination, uint16_t port, bool add)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_route_spec spec = {};

	ck_assert(gw_prefix_parse(destination, true, &spec.destination));
	snprintf(spec.port, sizeof(spec.port), "p%u", port);
	ck_assert_int_eq(add ? gw_route_add(bench->db, txn, &spec, GW_ROUTE_STATIC, 0, NULL)
			     : gw_route_delete(bench->db, txn, &spec, GW_ROUTE_STATIC, 0, NULL),
		0);
	gw_txn_commit(txn);
}

static void bench_start(struct bench *bench)
{
	struct gw_route_db_options options = {
		.max_routes = 4 * MAX,
		.max_neighbours = 2 * MAX,
		.port_index = port_index,
		.port_name = port_name,
	};
	size_t size = RTE_ALIGN_CEIL(rte_rcu_qsbr_get_memsize(1), (size_t)RTE_CACHE_LINE_SIZE);

	memset(bench, 0, sizeof(*bench));
	bench->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	ck_assert_int_eq(rte_rcu_qsbr_init(bench->qsbr, 1), 0);
	bench->reclaim = options.reclaim = gw_reclaim_new(bench->qsbr);
	bench->db = gw_route_db_new(&options, NULL);
	ck_assert_ptr_nonnull(bench->db);
	for (unsigned int i = 0; i < RTE_DIM(stable); i++)
		one_route(bench, stable[i].destination, stable[i].port, true);
}

static void bench_stop(struct bench *bench)
{
	gw_route_db_free(bench->db);
	gw_reclaim_free(bench->reclaim);
	free(bench->qsbr);
}

// Random routes of length 0 and such would lie about the stable prefixes; these are longer.
START_TEST(random_changes)
{
	static struct bench bench;
	pthread_t thread;

	random_state = 88172645463325252u + (uint64_t)_i;
	additions = 0;
	bench_start(&bench);
	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &bench), 0);
	while (atomic_load(&bench.looks) == 0)
		sched_yield();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		const char *restless = unrest[round % RTE_DIM(unrest)];

		transaction(&bench);
		compare_some(&bench);
		one_route(&bench, restless, (uint8_t)(round % PORTS), true);
		one_route(&bench, restless, (uint8_t)(round % PORTS), false);
		gw_reclaim_poll(bench.reclaim);
	}
	atomic_store(&bench.stop, true);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(atomic_load(&bench.wrong), 0);
	bench_stop(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 0);
	tcase_add_loop_test(tcase, random_changes, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
