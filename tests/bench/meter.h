// Called by: the thread that is measured
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// How a thread measures itself: in windows of a few milliseconds it writes what it has done and its
// CPU time into a file that it shares with tests/bench/meter.py. Between two windows a fixed loop
// of independent additions shows whether the core was undisturbed; its time belongs to no window.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define METER_QUEUES    16u
#define METER_SAMPLES   16384u
#define METER_WINDOW_NS 5000000u
#define METER_LOOPS     6000u
#define METER_TRIES     3u

struct meter_sample {
	uint64_t begin_tsc, end_tsc;
	uint64_t cpu_ns;
	uint64_t packets;
	uint64_t bytes;
	uint64_t before_tsc, after_tsc; // what the loop took
	uint64_t end_ns;                // CLOCK_MONOTONIC
	uint64_t longest_tsc;           // between two polls
};

struct meter_queue {
	uint64_t samples; // written, ever
	uint64_t thread;
	uint64_t packets; // taken in
	uint64_t bytes;
	uint64_t sent; // by this thread, on all ports
	uint64_t spare[3];
	struct meter_sample sample[METER_SAMPLES];
};

// One window under way; private to the thread.
struct meter {
	struct meter_queue *queue;
	uint64_t begin_tsc, begin_ns, begin_packets, begin_bytes, loop_tsc;
	uint64_t last_tsc, longest_tsc;
	uint64_t window_tsc;
};

static inline uint64_t meter_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The least of a few tries, because a tick may hit one.
static inline uint64_t meter_loop(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int try = 0; try < METER_TRIES; try++) {
		uint64_t begin = __rdtsc(), a = 0, b = 0, c = 0, d = 0, spent;

		for (unsigned int i = 0; i < METER_LOOPS; i++)
			__asm__ volatile("add $1, %0\n\tadd $1, %1\n\tadd $1, %2\n\tadd $1, %3"
					 : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
		spent = __rdtsc() - begin;
		if (spent < least)
			least = spent;
	}
	return least;
}

static inline void meter_begin(struct meter *meter)
{
	meter->begin_packets = meter->queue->packets;
	meter->begin_bytes = meter->queue->bytes;
	meter->longest_tsc = 0;
	meter->begin_tsc = meter->last_tsc = __rdtsc();
	meter->begin_ns = meter_clock(CLOCK_THREAD_CPUTIME_ID);
}

static inline void meter_end(struct meter *meter)
{
	struct meter_queue *queue = meter->queue;
	struct meter_sample *sample = &queue->sample[queue->samples % METER_SAMPLES];

	sample->cpu_ns = meter_clock(CLOCK_THREAD_CPUTIME_ID) - meter->begin_ns;
	sample->begin_tsc = meter->begin_tsc;
	sample->end_tsc = __rdtsc();
	sample->packets = queue->packets - meter->begin_packets;
	sample->bytes = queue->bytes - meter->begin_bytes;
	sample->before_tsc = meter->loop_tsc;
	sample->after_tsc = meter->loop_tsc = meter_loop();
	sample->longest_tsc = meter->longest_tsc;
	sample->end_ns = meter_clock(CLOCK_MONOTONIC);
	__atomic_store_n(&queue->samples, queue->samples + 1, __ATOMIC_RELEASE);
}

static inline void meter_open(struct meter *meter, struct meter_queue *queue)
{
	uint64_t tsc = __rdtsc(), ns = meter_clock(CLOCK_MONOTONIC);

	while (meter_clock(CLOCK_MONOTONIC) - ns < 1000000u)
		;
	meter->window_tsc = (__rdtsc() - tsc) * (METER_WINDOW_NS / 1000000u);
	meter->queue = queue;
	queue->thread = (uint64_t)syscall(SYS_gettid);
	meter->loop_tsc = meter_loop();
	meter_begin(meter);
}

// After packets have been added to the queue's counters.
static inline void meter_poll(struct meter *meter)
{
	uint64_t now = __rdtsc();

	if (now - meter->last_tsc > meter->longest_tsc)
		meter->longest_tsc = now - meter->last_tsc;
	meter->last_tsc = now;
	if (now - meter->begin_tsc < meter->window_tsc)
		return;
	meter_end(meter);
	meter_begin(meter);
}

// The shared file, made by tests/bench/meter.py with the right size; NULL when it cannot be mapped.
static inline struct meter_queue *meter_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *queues;

	if (fd < 0)
		return NULL;
	queues = mmap(NULL, METER_QUEUES * sizeof(struct meter_queue), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	return queues == MAP_FAILED ? NULL : queues;
}
