// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Measures every code that can compute an algorithm as the program does at start, over and over,
// and prints the medians in cycles of the time stamp counter per packet, and in relation to the
// fastest.

#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_eal.h>

#include "crypto/measure.h"

#define ROUNDS 15u

static uint32_t samples[GW_CRYPTO_MOST_FAMILIES][GW_CRYPTO_MOST_CANDIDATES][GW_CRYPTO_DIRECTIONS]
		       [GW_CRYPTO_SIZES][ROUNDS];

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int measure(unsigned int round)
{
	const struct gw_crypto_family *families;
	struct gw_error err = {};
	unsigned int count;

	if (gw_crypto_measure(GW_CRYPTO_PIN_NONE, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	families = gw_crypto_measured(&count);
	for (unsigned int f = 0; f < count; f++)
		for (unsigned int c = 0; c < families[f].count; c++)
			for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
				for (int s = 0; s < GW_CRYPTO_SIZES; s++)
					samples[f][c][d][s][round] =
						families[f].candidates[c].cycles[d][s];
	return 0;
}

static uint32_t median(unsigned int family, unsigned int candidate, int direction, int size)
{
	uint32_t *all = samples[family][candidate][direction][size];

	qsort(all, ROUNDS, sizeof(*all), ascending);
	return all[ROUNDS / 2];
}

static void print(const struct gw_crypto_family *family, unsigned int f, int direction)
{
	uint32_t least[GW_CRYPTO_SIZES] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	char name[64];

	printf("\n### %s%s%s, %s\n\n| code | 64 | 512 | 1424 bytes |\n|---|---|---|---|\n",
		gw_encryptions[family->encryption].name, family->integrity ? ", " : "",
		family->integrity ? gw_integrities[family->integrity].name : "",
		direction == GW_CRYPTO_SEAL ? "seal" : "open");
	for (unsigned int c = 0; c < family->count; c++)
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			least[s] = RTE_MIN(least[s], median(f, c, direction, s));
	for (unsigned int c = 0; c < family->count; c++) {
		printf("| %s |",
			gw_crypto_choice_name(&family->candidates[c].choice, name, sizeof(name)));
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			printf(" %u (%.2f) |", median(f, c, direction, s),
				(double)median(f, c, direction, s) / least[s]);
		printf("\n");
	}
}

int main(void)
{
	char program[] = "bench", huge[] = "--no-huge", conf[] = "--no-shconf", pci[] = "--no-pci",
	     telemetry[] = "--no-telemetry", m[] = "-m", mb[] = "128", l[] = "-l", cpu[] = "0";
	char *arguments[] = { program, huge, conf, pci, telemetry, m, mb, l, cpu, NULL };
	const struct gw_crypto_family *families;
	unsigned int count;

	if (rte_eal_init(RTE_DIM(arguments) - 1, arguments) < 0)
		return EXIT_FAILURE;
	for (unsigned int round = 0; round < ROUNDS; round++)
		if (measure(round) < 0)
			return EXIT_FAILURE;
	families = gw_crypto_measured(&count);
	for (unsigned int f = 0; f < count; f++) {
		print(&families[f], f, GW_CRYPTO_SEAL);
		print(&families[f], f, GW_CRYPTO_OPEN);
	}
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
