// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Measures the ways in which IPsec-MB computes ESP's cryptography: each of its calls, under each
// code path ("manager") that this CPU can run. All ways take turns in every round, each is charged
// the thread's CPU time, and the table shows medians in cycles of the time stamp counter per
// packet. The packets of a vector lie in buffers of their own, as received ones do, and one key
// serves all of them.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "crypto_ways.h"

#define ROUNDS    15u
#define SAMPLE_NS 60000u // of CPU time in one sample, so that reading the clock does not show

static const unsigned int sizes[] = { 64, 128, 256, 512, 1024, 1420 };

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static double tsc_per_ns(void)
{
	struct timespec a, b;
	uint64_t start = rte_rdtsc();

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &b);
	while ((b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec < 50000000L);
	return (rte_rdtsc() - start) /
	       ((b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec));
}

// CPU time of one packet, in nanoseconds.
static double sample(struct rig *rig, const struct way *way)
{
	double start = cpu_ns(), used;
	unsigned int vectors = 0;

	do {
		way->run(rig);
		vectors++;
		used = cpu_ns() - start;
	} while (used < SAMPLE_NS);
	return used / vectors / VECTOR;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct rig *rigs[MANAGERS], const struct algorithm *algorithm, bool seal,
	double result[MANAGERS][WAYS][RTE_DIM(sizes)], double cycles_per_ns)
{
	for (unsigned int s = 0; s < RTE_DIM(sizes); s++) {
		double samples[MANAGERS][WAYS][ROUNDS];

		for (unsigned int round = 0; round < ROUNDS; round++) {
			for (unsigned int m = 0; m < MANAGERS; m++) {
				if (!rigs[m])
					continue;
				rig_expand(rigs[m], algorithm);
				rigs[m]->seal = seal;
				rigs[m]->payload_bytes =
					RTE_ALIGN_CEIL(sizes[s], algorithm->block_bytes);
				for (unsigned int w = 0; w < WAYS; w++)
					if (ways[w].has(rigs[m]))
						samples[m][w][round] = sample(rigs[m], &ways[w]);
			}
		}
		for (unsigned int m = 0; m < MANAGERS; m++) {
			for (unsigned int w = 0; w < WAYS; w++) {
				if (!rigs[m] || !ways[w].has(rigs[m]))
					continue;
				qsort(samples[m][w], ROUNDS, sizeof(double), ascending);
				result[m][w][s] = samples[m][w][ROUNDS / 2] * cycles_per_ns;
			}
		}
	}
}

static void print(struct rig *rigs[MANAGERS], const struct algorithm *algorithm, bool seal,
	double result[MANAGERS][WAYS][RTE_DIM(sizes)])
{
	printf("\n### %s, %s\n\n| manager | call |", algorithm->name, seal ? "seal" : "open");
	for (unsigned int s = 0; s < RTE_DIM(sizes); s++)
		printf(" %u |", sizes[s]);
	printf("\n|---|---|");
	for (unsigned int s = 0; s < RTE_DIM(sizes); s++)
		printf("---|");
	printf("\n");
	for (unsigned int m = 0; m < MANAGERS; m++) {
		for (unsigned int w = 0; w < WAYS; w++) {
			if (!rigs[m] || !ways[w].has(rigs[m]))
				continue;
			printf("| %s | %s |", managers[m].name, ways[w].name);
			for (unsigned int s = 0; s < RTE_DIM(sizes); s++)
				printf(" %.0f |", result[m][w][s]);
			printf("\n");
		}
	}
	fflush(stdout);
}

int main(void)
{
	static double result[MANAGERS][WAYS][RTE_DIM(sizes)];
	struct rig *rigs[MANAGERS];
	size_t bytes = VECTOR * (BUFFER_BYTES + 64);
	uint8_t *packets = aligned_alloc(64, bytes);
	double cycles_per_ns = tsc_per_ns();
	IMB_MGR *chosen = alloc_mb_mgr(0);
	IMB_ARCH arch;

	if (!packets || !chosen)
		return EXIT_FAILURE;
	memset(packets, 1, bytes);
	init_mb_mgr_auto(chosen, &arch);
	printf("IPsec-MB %s, automatic choice: %s, time stamp counter %.3f GHz\n",
		imb_get_version_str(), managers[arch - IMB_ARCH_SSE].name, cycles_per_ns);
	printf("Cycles per packet, by payload bytes; vectors of %u packets, bursts of %u jobs\n",
		VECTOR, BURST);
	free_mb_mgr(chosen);
	for (unsigned int m = 0; m < MANAGERS; m++)
		rigs[m] = rig_new(&managers[m], packets);
	for (unsigned int a = 0; a < algorithm_count; a++) {
		for (int seal = 1; seal >= 0; seal--) {
			measure(rigs, &algorithms[a], seal, result, cycles_per_ns);
			print(rigs, &algorithms[a], seal, result);
		}
	}
	for (unsigned int m = 0; m < MANAGERS; m++) {
		rig_free(rigs[m]);
	}
	free(packets);
	return EXIT_SUCCESS;
}
