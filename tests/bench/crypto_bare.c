// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The least that ESP's cryptography costs with IPsec-MB: one algorithm, direction and list of
// packet sizes, by the call and the code path that is the fastest on this CPU, for ever, metered
// like the gateways that it is compared with.
//
// usage: bench_crypto_bare METER seal|open CIPHER KEY-BITS BYTES... where CIPHER is one of gcm,
// chacha20, cbc-sha1, cbc-sha256 and BYTES the payloads, with their trailers, which take turns
// vector by vector

#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "crypto_ways.h"
#include "meter.h"

#define TRIAL_NS 3000000u
#define MOST     16

struct job {
	struct rig *rig;
	const struct way *way;
};

static const struct algorithm *find_algorithm(const char *cipher, unsigned int key_bytes)
{
	static const struct {
		const char *name;
		IMB_HASH_ALG hash;
	} names[] = {
		{ "gcm", IMB_AUTH_AES_GMAC },
		{ "chacha20", IMB_AUTH_CHACHA20_POLY1305 },
		{ "cbc-sha1", IMB_AUTH_HMAC_SHA_1 },
		{ "cbc-sha256", IMB_AUTH_HMAC_SHA_256 },
	};

	for (size_t n = 0; n < RTE_DIM(names); n++)
		for (size_t i = 0; i < algorithm_count; i++)
			if (strcmp(names[n].name, cipher) == 0 &&
				algorithms[i].hash == names[n].hash &&
				algorithms[i].key_bytes == key_bytes)
				return &algorithms[i];
	return NULL;
}

// CPU time of one vector, the least of a few milliseconds.
static uint64_t trial(const struct job *job)
{
	uint64_t begin = meter_clock(CLOCK_THREAD_CPUTIME_ID), before = begin, now,
		 least = UINT64_MAX;

	do {
		job->way->run(job->rig);
		now = meter_clock(CLOCK_THREAD_CPUTIME_ID);
		least = RTE_MIN(least, now - before);
		before = now;
	} while (now - begin < TRIAL_NS);
	return least;
}

// The fastest way for packets of one size.
static struct job choose(struct rig *rigs[MANAGERS], const struct algorithm *algorithm, bool seal,
	unsigned int payload_bytes)
{
	uint64_t least = UINT64_MAX;
	struct job best = {};

	for (unsigned int m = 0; m < MANAGERS; m++) {
		if (!rigs[m])
			continue;
		rig_expand(rigs[m], algorithm);
		rigs[m]->seal = seal;
		rigs[m]->payload_bytes = RTE_ALIGN_CEIL(payload_bytes, algorithm->block_bytes);
		for (unsigned int w = 0; w < WAYS; w++) {
			struct job job = { rigs[m], &ways[w] };
			uint64_t spent;

			if (!ways[w].has(rigs[m]))
				continue;
			spent = trial(&job);
			if (spent < least) {
				least = spent;
				best = job;
			}
		}
	}
	for (unsigned int m = 0; m < MANAGERS; m++)
		if (best.rig && best.rig == rigs[m])
			fprintf(stderr, "%u bytes: %s, %s\n", payload_bytes, managers[m].name,
				best.way->name);
	return best;
}

static int usage(void)
{
	fputs("usage: bench_crypto_bare METER seal|open CIPHER KEY-BITS BYTES...\n", stderr);
	return EXIT_FAILURE;
}

static void run(
	struct job *jobs, const unsigned int *bytes, unsigned int count, struct meter_queue *queue)
{
	struct meter meter;

	meter_open(&meter, queue);
	for (unsigned int i = 0;; i = (i + 1) % count) {
		struct rig *rig = jobs[i].rig;

		rig->payload_bytes = RTE_ALIGN_CEIL(bytes[i], rig->algorithm->block_bytes);
		jobs[i].way->run(rig);
		queue->packets += VECTOR;
		queue->bytes += VECTOR * bytes[i];
		queue->sent += VECTOR;
		meter_poll(&meter);
	}
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 5 ? (unsigned int)argc - 5 : 0, bytes[MOST];
	uint8_t *packets = aligned_alloc(64, VECTOR * (BUFFER_BYTES + 64));
	const struct algorithm *algorithm;
	struct rig *rigs[MANAGERS];
	struct meter_queue *queues;
	struct job jobs[MOST];

	if (!packets || count == 0 || count > MOST)
		return usage();
	queues = meter_map(argv[1]);
	algorithm = find_algorithm(argv[3], (unsigned int)atoi(argv[4]) / 8);
	if (!queues || !algorithm)
		return usage();
	memset(packets, 1, VECTOR * (BUFFER_BYTES + 64));
	for (unsigned int m = 0; m < MANAGERS; m++)
		rigs[m] = rig_new(&managers[m], packets);
	for (unsigned int i = 0; i < count; i++) {
		bytes[i] = (unsigned int)atoi(argv[5 + i]);
		if (bytes[i] == 0 || bytes[i] > BUFFER_BYTES - 64)
			return usage();
		jobs[i] = choose(rigs, algorithm, strcmp(argv[2], "seal") == 0, bytes[i]);
		if (!jobs[i].way)
			return usage();
	}
	run(jobs, bytes, count, queues);
	return EXIT_SUCCESS;
}
