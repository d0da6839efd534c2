// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A hash table of chains. Entries are immutable but for next; the control core links one at the
// head of its chain (store-release, partner of the readers' load-acquire) and unlinks it in two
// phases: out of the chain, then freed after a grace period. The hash has a random seed, because
// whoever sits on the link chooses the addresses in it.

#include "route/onlink.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_jhash.h>
#include <rte_random.h>

struct entry {
	struct entry *_Atomic next; // control: wo, worker: ro
	uint32_t slot;
	uint16_t port;
	struct gw_addr addr;
};

struct gw_onlink {
	struct entry *_Atomic *buckets; // control: wo, worker: ro
	uint32_t mask;
	uint32_t seed;
	struct gw_reclaim *reclaim; // control core only
};

static struct entry *_Atomic *bucket_of(
	const struct gw_onlink *onlink, uint16_t port, uint8_t family, const uint8_t *bytes)
{
	uint32_t hash = rte_jhash(bytes, gw_addr_bytes(family), onlink->seed + port);

	return &onlink->buckets[hash & onlink->mask];
}

static int matches(const struct entry *entry, uint16_t port, uint8_t family, const uint8_t *bytes)
{
	return entry->port == port && entry->addr.family == family &&
	       memcmp(entry->addr.bytes, bytes, gw_addr_bytes(family)) == 0;
}

uint32_t gw_onlink_find(
	const struct gw_onlink *onlink, uint16_t port, uint8_t family, const uint8_t *bytes)
{
	const struct entry *entry =
		atomic_load_explicit(bucket_of(onlink, port, family, bytes), memory_order_acquire);

	while (entry && !matches(entry, port, family, bytes))
		entry = atomic_load_explicit(&entry->next, memory_order_acquire);
	return entry ? entry->slot : 0;
}

int gw_onlink_add(
	struct gw_onlink *onlink, uint16_t port, const struct gw_addr *addr, uint32_t slot)
{
	struct entry *_Atomic *bucket = bucket_of(onlink, port, addr->family, addr->bytes);
	struct entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->slot = slot;
	entry->port = port;
	entry->addr = *addr;
	atomic_init(&entry->next, atomic_load_explicit(bucket, memory_order_relaxed));
	// Release: the entry before the way to it.
	atomic_store_explicit(bucket, entry, memory_order_release);
	return 0;
}

void gw_onlink_remove(struct gw_onlink *onlink, uint16_t port, const struct gw_addr *addr)
{
	struct entry *_Atomic *link = bucket_of(onlink, port, addr->family, addr->bytes);
	struct entry *entry;

	// Relaxed: only the control core, which this is, writes.
	while ((entry = atomic_load_explicit(link, memory_order_relaxed))) {
		if (matches(entry, port, addr->family, addr->bytes)) {
			atomic_store_explicit(link,
				atomic_load_explicit(&entry->next, memory_order_relaxed),
				memory_order_release);
			gw_reclaim_later(onlink->reclaim, free, entry);
			return;
		}
		link = &entry->next;
	}
}

struct gw_onlink *gw_onlink_new(uint32_t max_neighbours, struct gw_reclaim *reclaim)
{
	struct gw_onlink *onlink = calloc(1, sizeof(*onlink));
	uint32_t buckets = rte_align32pow2(RTE_MIN(RTE_MAX(max_neighbours, 64u), 1u << 22));

	if (!onlink)
		return NULL;
	onlink->mask = buckets - 1;
	onlink->seed = (uint32_t)rte_rand();
	onlink->reclaim = reclaim;
	onlink->buckets = calloc(buckets, sizeof(*onlink->buckets));
	if (!onlink->buckets) {
		free(onlink);
		return NULL;
	}
	return onlink;
}

void gw_onlink_free(struct gw_onlink *onlink)
{
	if (!onlink)
		return;
	for (uint32_t i = 0; i <= onlink->mask; i++) {
		struct entry *entry =
			atomic_load_explicit(&onlink->buckets[i], memory_order_relaxed);

		while (entry) {
			struct entry *next =
				atomic_load_explicit(&entry->next, memory_order_relaxed);

			free(entry);
			entry = next;
		}
	}
	free(onlink->buckets);
	free(onlink);
}
