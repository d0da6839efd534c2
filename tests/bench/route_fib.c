// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The forwarding table beside DPDK's rte_fib (DIR24_8) and rte_fib6 (TRIE), both with next hops of
// two bytes:
//
// 1. Cycles per lookup in vectors of 256, and time per added route, for tables of several sizes.
//    Ours includes fetching the next hop. The thread's CPU time is what counts.
// 2. Wrong answers for addresses whose routes never change, while a host route beside them is added
//    and deleted.
// 3. Whether a table still takes a host route after one with the next hop of its cover has come and
//    gone.

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_rcu_qsbr.h>

#include "route/fib.h"

#define QUERIES  65536u
#define VECTOR   256u
#define SLOTS    256u
#define ROUNDS   9u
#define TBL8S    32767u // all that next hops of two bytes allow
#define CHANGES  1000000u
#define NEW_NAME (snprintf(name, sizeof(name), "bench%u", names++), name)

static char name[32];
static unsigned int names;

static uint32_t random_word(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static double cpu_cycles(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return ((double)now.tv_sec + (double)now.tv_nsec / 1e9) * (double)rte_get_tsc_hz();
}

static struct rte_fib *fib4_new(uint32_t tbl8s)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = 200000,
		.dir24_8 = { RTE_FIB_DIR24_8_2B, tbl8s },
	};

	return rte_fib_create(NEW_NAME, SOCKET_ID_ANY, &conf);
}

static struct rte_fib6 *fib6_new(void)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.max_routes = 200000,
		.trie = { RTE_FIB6_TRIE_2B, TBL8S },
	};

	return rte_fib6_create(NEW_NAME, SOCKET_ID_ANY, &conf);
}

static struct gw_fib *own_new(struct gw_reclaim *reclaim)
{
	struct gw_fib *fib = gw_fib_new(200000, SLOTS, reclaim, NULL);

	for (unsigned int i = 0; fib && i < SLOTS; i++) {
		const struct gw_nexthop nexthop = { .kind = GW_NEXTHOP_FORWARD };

		gw_fib_nexthop_set(fib, (uint32_t)gw_fib_nexthop_allocate(fib), &nexthop);
	}
	return fib;
}

// Lengths as tables have them: mostly /24, some shorter, some longer; /48, /32 and /64.
static struct gw_prefix random_prefix(uint8_t family)
{
	struct gw_prefix prefix = { .addr.family = family };
	uint32_t words[4] = { random_word(), random_word(), random_word(), random_word() };
	unsigned int dice = random_word() % 10;

	memcpy(prefix.addr.bytes, words, gw_addr_bytes(family));
	if (family == 4) {
		prefix.length = (uint8_t)(dice < 7   ? 24
					  : dice < 9 ? 16 + random_word() % 8
						     : 25 + random_word() % 8);
	} else {
		prefix.addr.bytes[0] = 0x20;
		prefix.length = dice < 6 ? 48 : dice < 9 ? 32 : 64;
	}
	for (unsigned int bit = prefix.length; bit < 128; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

static uint32_t host_order(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return rte_be_to_cpu_32(word);
}

static uint8_t queries[QUERIES][16];
static uint32_t queries4[QUERIES];
static volatile uint64_t sink;

static double look_own(const struct gw_fib *fib, uint8_t family)
{
	double start = cpu_cycles();

	for (unsigned int i = 0; i < QUERIES; i += VECTOR) {
		const struct gw_nexthop *found[VECTOR];
		const uint8_t *addresses[VECTOR];

		for (unsigned int j = 0; j < VECTOR; j++)
			addresses[j] = queries[i + j];
		gw_fib_lookup(fib, family, addresses, VECTOR, found);
		sink += found[i % VECTOR]->index;
	}
	return (cpu_cycles() - start) / QUERIES;
}

static double look_dpdk(struct rte_fib *fib4, struct rte_fib6 *fib6)
{
	double start = cpu_cycles();

	for (unsigned int i = 0; i < QUERIES; i += VECTOR) {
		uint64_t found[VECTOR];

		if (fib4)
			rte_fib_lookup_bulk(fib4, &queries4[i], found, VECTOR);
		else
			rte_fib6_lookup_bulk(fib6, &queries[i], found, VECTOR);
		sink += found[i % VECTOR];
	}
	return (cpu_cycles() - start) / QUERIES;
}

static int compare(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

static void measure(uint8_t family, unsigned int count, struct gw_reclaim *reclaim)
{
	struct rte_fib *fib4 = family == 4 ? fib4_new(TBL8S) : NULL;
	struct rte_fib6 *fib6 = family == 6 ? fib6_new() : NULL;
	struct gw_fib *own = own_new(reclaim);
	struct gw_prefix *prefixes = calloc(count, sizeof(*prefixes));
	double theirs[ROUNDS], ours[ROUNDS], start, add_theirs, add_ours;
	unsigned int refused = 0;

	if ((!fib4 && !fib6) || !own || !prefixes)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < count; i++)
		prefixes[i] = random_prefix(family);
	start = cpu_cycles();
	for (unsigned int i = 0; i < count; i++)
		refused += (fib4 ? rte_fib_add(fib4, host_order(prefixes[i].addr.bytes),
					   prefixes[i].length, 1 + i % SLOTS)
				 : rte_fib6_add(fib6, prefixes[i].addr.bytes, prefixes[i].length,
					   1 + i % SLOTS)) != 0;
	add_theirs = (cpu_cycles() - start) / count;
	start = cpu_cycles();
	for (unsigned int i = 0; i < count; i++)
		if (gw_fib_route_set(own, &prefixes[i], 1 + i % SLOTS) != 0)
			exit(EXIT_FAILURE);
	add_ours = (cpu_cycles() - start) / count;
	for (unsigned int i = 0; i < QUERIES; i++) {
		memcpy(queries[i], prefixes[random_word() % count].addr.bytes, 16);
		queries4[i] = host_order(queries[i]);
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		theirs[i] = look_dpdk(fib4, fib6);
		ours[i] = look_own(own, family);
	}
	qsort(theirs, ROUNDS, sizeof(double), compare);
	qsort(ours, ROUNDS, sizeof(double), compare);
	printf("| IPv%u | %u | %.0f | %.0f | %.0f | %.0f | %u |\n", family, count,
		theirs[ROUNDS / 2], ours[ROUNDS / 2], add_theirs, add_ours, refused);
	gw_fib_free(own);
	rte_fib_free(fib4);
	rte_fib6_free(fib6);
	free(prefixes);
}

// --- under change

static struct {
	struct rte_fib *fib4;
	struct rte_fib6 *fib6;
	struct gw_fib *own;
	struct rte_rcu_qsbr *qsbr;
	_Atomic bool stop;
	uint64_t looked, wrong[4]; // DPDK's IPv4, IPv6, ours IPv4, IPv6
} change;

static void *reader(void *)
{
	static uint8_t bytes4[64][16], bytes6[64][16];
	const uint8_t *addresses4[64], *addresses6[64];
	const struct gw_nexthop *own[64];
	uint64_t found[64];
	uint32_t words[64];

	for (unsigned int i = 0; i < 64; i++) {
		memcpy(bytes4[i], (uint8_t[]){ 10, 0, i & 1, 6 }, 4);
		memcpy(bytes6[i], (uint8_t[]){ 0x20, 1, 0, 0, 0, i & 1 }, 6);
		bytes6[i][15] = 6;
		words[i] = host_order(bytes4[i]);
		addresses4[i] = bytes4[i];
		addresses6[i] = bytes6[i];
	}
	rte_rcu_qsbr_thread_register(change.qsbr, 0);
	rte_rcu_qsbr_thread_online(change.qsbr, 0);
	while (!atomic_load(&change.stop)) {
		rte_fib_lookup_bulk(change.fib4, words, found, 64);
		for (unsigned int i = 0; i < 64; i++)
			change.wrong[0] += found[i] != 7;
		rte_fib6_lookup_bulk(change.fib6, bytes6, found, 64);
		for (unsigned int i = 0; i < 64; i++)
			change.wrong[1] += found[i] != 7;
		gw_fib_lookup(change.own, 4, addresses4, 64, own);
		for (unsigned int i = 0; i < 64; i++)
			change.wrong[2] += own[i]->index != 7;
		gw_fib_lookup(change.own, 6, addresses6, 64, own);
		for (unsigned int i = 0; i < 64; i++)
			change.wrong[3] += own[i]->index != 7;
		change.looked += 64;
		rte_rcu_qsbr_quiescent(change.qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(change.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(change.qsbr, 0);
	return NULL;
}

static void under_change(struct rte_rcu_qsbr *qsbr, struct gw_reclaim *reclaim)
{
	struct gw_prefix cover4 = { { 4, { 10 } }, 8 }, cover6 = { { 6, { 0x20, 1 } }, 16 };
	struct gw_prefix host4 = { { 4, { 10, 0, 0, 5 } }, 32 };
	struct gw_prefix host6 = { { 6, { 0x20, 1 } }, 128 };
	pthread_t thread;

	change.qsbr = qsbr;
	change.fib4 = fib4_new(TBL8S);
	change.fib6 = fib6_new();
	change.own = own_new(reclaim);
	host6.addr.bytes[15] = 5;
	rte_fib_add(change.fib4, host_order(cover4.addr.bytes), 8, 7);
	rte_fib6_add(change.fib6, cover6.addr.bytes, 16, 7);
	gw_fib_route_set(change.own, &cover4, 7);
	gw_fib_route_set(change.own, &cover6, 7);
	if (pthread_create(&thread, NULL, reader, NULL) != 0)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < CHANGES; i++) {
		host4.addr.bytes[2] = i & 1;
		host6.addr.bytes[5] = i & 1;
		rte_fib_add(change.fib4, host_order(host4.addr.bytes), 32, 9);
		rte_fib_delete(change.fib4, host_order(host4.addr.bytes), 32);
		rte_fib6_add(change.fib6, host6.addr.bytes, 128, 9);
		rte_fib6_delete(change.fib6, host6.addr.bytes, 128);
		gw_fib_route_set(change.own, &host4, 9);
		gw_fib_route_clear(change.own, &host4);
		gw_fib_route_set(change.own, &host6, 9);
		gw_fib_route_clear(change.own, &host6);
		gw_reclaim_poll(reclaim);
	}
	atomic_store(&change.stop, true);
	pthread_join(thread, NULL);
	printf("\n%u changes, %lu lookups in each table; wrong answers: rte_fib %lu, rte_fib6 %lu, "
	       "ours %lu and %lu\n",
		CHANGES, change.looked, change.wrong[0], change.wrong[1], change.wrong[2],
		change.wrong[3]);
	gw_fib_free(change.own);
	rte_fib_free(change.fib4);
	rte_fib6_free(change.fib6);
}

static void same_nexthop(void)
{
	struct rte_fib *fib = fib4_new(64);
	uint32_t host = UINT32_C(0x0a000101), other = UINT32_C(0x0a000201);
	int added, deleted;

	rte_fib_add(fib, UINT32_C(0x0a000000), 8, 7);
	added = rte_fib_add(fib, host, 32, 7);
	deleted = rte_fib_delete(fib, host, 32);
	printf("rte_fib: a host route with its cover's next hop: add %d, delete %d; another host "
	       "route then: %d\n",
		added, deleted, rte_fib_add(fib, other, 32, 8));
	rte_fib_free(fib);
}

int main(void)
{
	char line[] = "bench --no-huge --no-shconf --no-pci --no-telemetry -m 1024 -l 0 "
		      "--log-level lib.*:error";
	char *arguments[16], *save = NULL;
	int argument_count = 0;
	static const unsigned int counts[] = { 10, 100, 1000, 10000, 100000 };
	struct rte_rcu_qsbr *qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, 4096);
	struct gw_reclaim *reclaim;

	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		arguments[argument_count++] = word;
	if (rte_eal_init(argument_count, arguments) < 0 || !qsbr || rte_rcu_qsbr_init(qsbr, 1) != 0)
		return EXIT_FAILURE;
	reclaim = gw_reclaim_new(qsbr);
	printf("| family | routes | DPDK: cycles a lookup | ours | DPDK: cycles an addition | ours "
	       "| refused by DPDK |\n|---|---|---|---|---|---|---|\n");
	for (uint8_t family = 4; family <= 6; family += 2)
		for (unsigned int i = 0; i < RTE_DIM(counts); i++)
			measure(family, counts[i], reclaim);
	under_change(qsbr, reclaim);
	same_nexthop();
	gw_reclaim_free(reclaim);
	free(qsbr);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
