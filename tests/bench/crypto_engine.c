// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Measures the crypto engine as a worker uses it: vectors of 256 packets, with one SA, with many
// SAs in turn, and with all algorithms mixed. Cycles of the time stamp counter per packet, charged
// by the thread's CPU time, medians of rounds in which all cases take turns.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>

#include "crypto/engine.h"
#include "crypto/key.h"
#include "spec/algorithm.h"

#define VECTOR       256u
#define BUFFERS      4096u // as many packets as a gateway has under way; more than a cache holds
#define BUFFER_BYTES 2176u
#define MANY_KEYS    16384u
#define ROUNDS       11u
#define VECTORS      (BUFFERS / VECTOR) // in one sample: each buffer is used once

static const struct algorithm {
	const char *name;
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	uint8_t encryption_key_bytes;
	uint8_t integrity_key_bytes;
} algorithms[] = {
	{ "aes-gcm-16, 128", GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 20, 0 },
	{ "aes-gcm-16, 256", GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 36, 0 },
	{ "chacha20-poly1305", GW_ENCRYPTION_CHACHA20_POLY1305, GW_INTEGRITY_NONE, 36, 0 },
	{ "aes-cbc 128, hmac-sha2-256-128", GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128,
		16, 32 },
	{ "aes-cbc 128, hmac-sha1-96", GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, 16, 20 },
	{ "null, hmac-sha2-256-128", GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA2_256_128, 0, 32 },
};

#define MIXED      RTE_DIM(algorithms) // the row of all of them in turn
#define ROWS       (RTE_DIM(algorithms) + 1)
#define KEY_COUNTS 2

static const uint32_t sizes[] = { 64, 512, 1424 };
static const unsigned int key_counts[KEY_COUNTS] = { 1, MANY_KEYS };

static struct gw_crypto_key *keys[RTE_DIM(algorithms)][MANY_KEYS];
static uint8_t *buffers;
static uint64_t first_packet; // of the sample under way

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

// Vector number v of the sample.
static void fill(struct gw_crypto_op *ops, unsigned int v, unsigned int row, unsigned int key_count,
	uint32_t size)
{
	for (unsigned int i = 0; i < VECTOR; i++) {
		uint64_t packet = first_packet + v * VECTOR + i;
		unsigned int algorithm = row == MIXED ? packet % RTE_DIM(algorithms) : row;

		ops[i].key = keys[algorithm][packet * 7919 % key_count];
		ops[i].esp = buffers + (packet % BUFFERS) * BUFFER_BYTES;
		ops[i].payload_bytes = size;
		ops[i].sequence = 1 + packet;
	}
}

// Cycles of one packet. What is opened was sealed a whole sample before, so that packets and keys
// have left the nearest caches.
static double sample(struct gw_crypto_engine *engine, unsigned int row, unsigned int key_count,
	uint32_t size, bool seal)
{
	struct gw_crypto_op ops[VECTOR];
	double used = 0;

	for (int pass = seal; pass < 2; pass++) {
		used = 0;
		for (unsigned int v = 0; v < VECTORS; v++) {
			double start;

			fill(ops, v, row, key_count, size);
			start = cpu_ns();
			if (seal || pass == 0)
				gw_crypto_seal(engine, ops, VECTOR);
			else
				gw_crypto_open(engine, ops, VECTOR);
			used += cpu_ns() - start;
			for (unsigned int i = 0; i < VECTOR; i++)
				if (ops[i].status != GW_CRYPTO_OK)
					abort();
		}
	}
	first_packet += BUFFERS;
	return used * rte_get_tsc_hz() / 1e9 / VECTORS / VECTOR;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct gw_crypto_engine *engine, bool seal)
{
	static double samples[ROWS][KEY_COUNTS][RTE_DIM(sizes)][ROUNDS];

	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int row = 0; row < ROWS; row++)
			for (unsigned int k = 0; k < KEY_COUNTS; k++)
				for (unsigned int s = 0; s < RTE_DIM(sizes); s++)
					samples[row][k][s][round] =
						sample(engine, row, key_counts[k], sizes[s], seal);
	printf("\n| %s | keys | 64 | 512 | 1424 bytes |\n|---|---|---|---|---|\n",
		seal ? "seal" : "open");
	for (unsigned int row = 0; row < ROWS; row++) {
		for (unsigned int k = 0; k < KEY_COUNTS; k++) {
			printf("| %s | %u |", row == MIXED ? "all in turn" : algorithms[row].name,
				key_counts[k]);
			for (unsigned int s = 0; s < RTE_DIM(sizes); s++) {
				qsort(samples[row][k][s], ROUNDS, sizeof(double), ascending);
				printf(" %.0f |", samples[row][k][s][ROUNDS / 2]);
			}
			printf("\n");
		}
	}
}

static int make_keys(void)
{
	for (unsigned int a = 0; a < RTE_DIM(algorithms); a++) {
		for (unsigned int i = 0; i < MANY_KEYS; i++) {
			uint8_t bytes[GW_MAX_INTEGRITY_KEY] = { a, i & 0xff, i >> 8 };
			struct gw_crypto_key_spec spec = {
				.encryption = algorithms[a].encryption,
				.integrity = algorithms[a].integrity,
				.encryption_key = bytes,
				.encryption_key_bytes = algorithms[a].encryption_key_bytes,
				.integrity_key = bytes,
				.integrity_key_bytes = algorithms[a].integrity_key_bytes,
			};
			struct gw_error err = {};

			keys[a][i] = gw_crypto_key_new(&spec, &err);
			if (!keys[a][i]) {
				fprintf(stderr, "%s\n", err.text);
				return -1;
			}
		}
	}
	return 0;
}

int main(void)
{
	char program[] = "bench", huge[] = "--no-huge", conf[] = "--no-shconf", pci[] = "--no-pci",
	     telemetry[] = "--no-telemetry", m[] = "-m", mb[] = "256", l[] = "-l", cpu[] = "0";
	char *arguments[] = { program, huge, conf, pci, telemetry, m, mb, l, cpu, NULL };
	struct gw_crypto_engine *engine;
	char name[64];

	if (rte_eal_init(RTE_DIM(arguments) - 1, arguments) < 0)
		return EXIT_FAILURE;
	engine = gw_crypto_engine_new();
	buffers = aligned_alloc(64, (size_t)BUFFERS * BUFFER_BYTES);
	if (!engine || !buffers || make_keys() < 0)
		return EXIT_FAILURE;
	memset(buffers, 1, (size_t)BUFFERS * BUFFER_BYTES);
	printf("%s; cycles per packet\n", gw_crypto_engine_name(engine, name, sizeof(name)));
	measure(engine, true);
	measure(engine, false);
	for (unsigned int a = 0; a < RTE_DIM(algorithms); a++)
		for (unsigned int i = 0; i < MANY_KEYS; i++)
			gw_crypto_key_free(keys[a][i]);
	gw_crypto_engine_free(engine);
	free(buffers);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
