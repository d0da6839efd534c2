// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Measures SPD look-ups as a worker makes them, in vectors of 256 flows, and changes as the control
// core makes them. "Cold" flows come in an order and number that no cache holds; "warm" ones are
// decided by the flow cache. Cycles of the time stamp counter, the best of rounds, because the
// machine may be busy with other things.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <rte_rcu_qsbr.h>

#include "ipsec/spd.h"

#define VECTOR     256u
#define COLD_FLOWS (1u << 20)
#define WARM_FLOWS 4096u
#define ROUNDS     7u

struct bench {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_spd *spd;
	struct gw_policy *policies;
	uint32_t policy_count;
	struct gw_flow *flows;
};

static struct gw_addr nth_address(uint32_t n)
{
	struct gw_addr addr = { .family = 4,
		.bytes = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };

	return addr;
}

// Like a concentrator's: a peer's address or prefix each, of as many lengths as there are shapes.
static void make_policy(struct gw_policy *policy, uint32_t n, unsigned int shapes)
{
	uint32_t hosts = n % shapes < 8 ? UINT32_C(1) << (n % shapes) : 1;

	*policy = (struct gw_policy){ .priority = 100 + n % shapes, .order = n };
	policy->selector.source.first = nth_address(n / hosts * hosts);
	policy->selector.source.last = nth_address(n / hosts * hosts + hosts - 1);
	policy->selector.destination.first.family = 4;
	policy->selector.destination.last.family = 4;
	memset(policy->selector.destination.last.bytes, 0xff, 4);
	policy->selector.source_port = (struct gw_port_range){ 0, UINT16_MAX };
	policy->selector.destination_port = (struct gw_port_range){ 0, UINT16_MAX };
}

static void open_bench(struct bench *bench, uint32_t policies, unsigned int shapes)
{
	uint64_t begin;

	bench->policy_count = policies;
	bench->policies = calloc(policies, sizeof(*bench->policies));
	bench->spd = gw_spd_new("bench", policies, bench->qsbr, bench->reclaim, NULL);
	if (!bench->policies || !bench->spd)
		rte_exit(EXIT_FAILURE, "no memory\n");
	for (uint32_t i = 0; i < policies; i++)
		make_policy(&bench->policies[i], i, shapes);
	begin = rte_rdtsc();
	for (uint32_t i = 0; i < policies; i++)
		if (gw_spd_insert(bench->spd, &bench->policies[i]) != 0)
			rte_exit(EXIT_FAILURE, "no room for policy %u\n", i);
	printf("%7u policies of %u shapes: insert %.0f", policies, shapes,
		(double)(rte_rdtsc() - begin) / policies);
	for (uint32_t i = 0; i < COLD_FLOWS; i++) {
		struct gw_flow *flow = &bench->flows[i];

		*flow = (struct gw_flow){ .family = 4, .protocol = 17, .ports_known = 1 };
		memcpy(flow->source, nth_address((uint32_t)rte_rand_max(policies)).bytes, 4);
		flow->destination[0] = 192;
		flow->source_port = (uint16_t)rte_rand();
		flow->destination_port = (uint16_t)i;
	}
}

static void close_bench(struct bench *bench)
{
	uint64_t begin = rte_rdtsc();

	for (uint32_t i = 0; i < bench->policy_count; i++) {
		gw_spd_remove(bench->spd, &bench->policies[i]);
		gw_reclaim_poll(bench->reclaim);
	}
	printf(", delete %.0f cycles\n", (double)(rte_rdtsc() - begin) / bench->policy_count);
	gw_spd_free(bench->spd);
	gw_reclaim_poll(bench->reclaim);
	free(bench->policies);
}

// Cycles for each of the first count flows.
static double look_up(const struct bench *bench, struct gw_flow_cache *cache, uint32_t count)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t begin = rte_rdtsc();

		for (uint32_t first = 0; first < count; first += VECTOR) {
			const struct gw_policy *policies[VECTOR];
			const struct gw_flow *flows[VECTOR];

			for (unsigned int i = 0; i < VECTOR; i++)
				flows[i] = &bench->flows[first + i];
			gw_spd_lookup(bench->spd, cache, flows, VECTOR, policies);
			if (!policies[0])
				rte_exit(EXIT_FAILURE, "a flow meets no policy\n");
		}
		best = RTE_MIN(best, rte_rdtsc() - begin);
	}
	return (double)best / count;
}

static void measure(struct bench *bench, uint32_t policies, unsigned int shapes)
{
	struct gw_flow_cache *cache = gw_flow_cache_new(65536);
	double cold, missed, warm, all;

	open_bench(bench, policies, shapes);
	cold = look_up(bench, NULL, COLD_FLOWS);
	missed = look_up(bench, cache, COLD_FLOWS);
	warm = look_up(bench, cache, WARM_FLOWS);
	all = look_up(bench, NULL, WARM_FLOWS);
	printf("; look up %.0f cold, %.0f through a cache too small, %.0f in the cache, "
	       "%.0f the same without",
		cold, missed, warm, all);
	close_bench(bench);
	gw_flow_cache_free(cache);
}

int main(void)
{
	char program[] = "bench", huge[] = "--no-huge", shared[] = "--no-shconf",
	     pci[] = "--no-pci", telemetry[] = "--no-telemetry", memory[] = "-m", size[] = "512",
	     list[] = "-l", core[] = "0";
	char *arguments[] = { program, huge, shared, pci, telemetry, memory, size, list, core,
		NULL };
	struct bench bench = {};

	if (rte_eal_init(RTE_DIM(arguments) - 1, arguments) < 0)
		return EXIT_FAILURE;
	bench.qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));
	rte_rcu_qsbr_init(bench.qsbr, 1);
	bench.reclaim = gw_reclaim_new(bench.qsbr);
	bench.flows = calloc(COLD_FLOWS, sizeof(*bench.flows));
	measure(&bench, 1, 1);
	measure(&bench, 100000, 1);
	measure(&bench, 100000, 8);
	free(bench.flows);
	gw_reclaim_free(bench.reclaim);
	free(bench.qsbr);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
