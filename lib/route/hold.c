// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A hash table of queues. A queue is made with its first packet and goes with its last: when the
// neighbour has answered, or has not for too long. It does not grow old by the packets that come
// later, so a busy sender cannot keep a dead neighbour's queue alive.

#include "route/hold.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_jhash.h>
#include <rte_random.h>

struct queue {
	LIST_ENTRY(queue) next;
	struct gw_addr addr;
	uint16_t port;
	uint64_t since_ns; // its first packet came
	uint32_t count;
	struct rte_mbuf *packets[];
};

LIST_HEAD(bucket, queue);

struct gw_hold {
	struct bucket *buckets;
	uint32_t mask;
	uint32_t seed;
	uint32_t packets_each;
	uint32_t queue_max;
	uint32_t queue_count;
};

static struct bucket *bucket_of(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr)
{
	uint32_t hash = rte_jhash(addr->bytes, gw_addr_bytes(addr->family), hold->seed + port);

	return &hold->buckets[hash & hold->mask];
}

static struct queue *find(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr)
{
	struct queue *queue;

	LIST_FOREACH (queue, bucket_of(hold, port, addr), next)
		if (queue->port == port && gw_addr_equal(&queue->addr, addr))
			return queue;
	return NULL;
}

enum gw_hold_result gw_hold_add(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr,
	struct rte_mbuf *packet, uint64_t now_ns)
{
	struct queue *queue = find(hold, port, addr);

	if (queue) {
		if (queue->count == hold->packets_each)
			return GW_HOLD_FULL;
		queue->packets[queue->count++] = packet;
		return GW_HOLD_QUEUED;
	}
	if (hold->queue_count == hold->queue_max)
		return GW_HOLD_FULL;
	queue = malloc(sizeof(*queue) + hold->packets_each * sizeof(queue->packets[0]));
	if (!queue)
		return GW_HOLD_FULL;
	queue->addr = *addr;
	queue->port = port;
	queue->since_ns = now_ns;
	queue->count = 1;
	queue->packets[0] = packet;
	LIST_INSERT_HEAD(bucket_of(hold, port, addr), queue, next);
	hold->queue_count++;
	return GW_HOLD_FIRST;
}

// Takes the queue out before it hands on its packets, so that give may add some for the same
// neighbour.
static unsigned int finish(struct gw_hold *hold, struct queue *queue,
	void (*give)(void *ctx, struct rte_mbuf *packet), void *ctx)
{
	unsigned int count = queue->count;

	LIST_REMOVE(queue, next);
	hold->queue_count--;
	for (unsigned int i = 0; i < count; i++)
		give(ctx, queue->packets[i]);
	free(queue);
	return count;
}

unsigned int gw_hold_release(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr,
	void (*give)(void *ctx, struct rte_mbuf *packet), void *ctx)
{
	struct queue *queue = find(hold, port, addr);

	return queue ? finish(hold, queue, give, ctx) : 0;
}

void gw_hold_release_ready(struct gw_hold *hold,
	bool (*ready)(void *ctx, const struct rte_mbuf *packet),
	void (*give)(void *ctx, struct rte_mbuf *packet), void *ctx)
{
	for (uint32_t i = 0; hold->queue_count && i <= hold->mask; i++) {
		struct queue *queue = LIST_FIRST(&hold->buckets[i]);

		while (queue) {
			struct queue *next = LIST_NEXT(queue, next);

			if (ready(ctx, queue->packets[0]))
				finish(hold, queue, give, ctx);
			queue = next;
		}
	}
}

unsigned int gw_hold_expire(struct gw_hold *hold, uint64_t now_ns, uint64_t timeout_ns,
	void (*give)(void *ctx, struct rte_mbuf *packet),
	void (*again)(void *ctx, uint16_t port, const struct gw_addr *addr), void *ctx)
{
	unsigned int waiting = 0;

	if (hold->queue_count == 0)
		return 0;
	for (uint32_t i = 0; i <= hold->mask; i++) {
		struct queue *queue = LIST_FIRST(&hold->buckets[i]);

		while (queue) {
			struct queue *next = LIST_NEXT(queue, next);

			if (now_ns - queue->since_ns > timeout_ns) {
				finish(hold, queue, give, ctx);
			} else {
				waiting += queue->count;
				again(ctx, queue->port, &queue->addr);
			}
			queue = next;
		}
	}
	return waiting;
}

struct gw_hold *gw_hold_new(uint32_t packets_each, uint32_t neighbours)
{
	struct gw_hold *hold = calloc(1, sizeof(*hold));
	uint32_t buckets = rte_align32pow2(RTE_MIN(RTE_MAX(neighbours, 64u), 1u << 16));

	if (!hold)
		return NULL;
	hold->mask = buckets - 1;
	hold->seed = (uint32_t)rte_rand();
	hold->packets_each = RTE_MAX(packets_each, 1u);
	hold->queue_max = neighbours;
	hold->buckets = calloc(buckets, sizeof(*hold->buckets));
	if (!hold->buckets) {
		free(hold);
		return NULL;
	}
	return hold;
}

void gw_hold_free(struct gw_hold *hold, void (*drop)(void *ctx, struct rte_mbuf *packet), void *ctx)
{
	if (!hold)
		return;
	for (uint32_t i = 0; i <= hold->mask; i++)
		while (!LIST_EMPTY(&hold->buckets[i]))
			finish(hold, LIST_FIRST(&hold->buckets[i]), drop, ctx);
	free(hold->buckets);
	free(hold);
}
