// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A hash table of chains in parts, whose entries are immutable for the workers but for next. The
// control core links an entry at the head of its chain (store-release, partner of the workers'
// load-acquire). It removes one in two phases: out of its chain and of the ports' sources, then
// freed after a grace period.

#include "route/local.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stats/counters.h"

struct gw_local_entry {
	struct gw_local_entry *_Atomic next; // control: wo, worker: ro
	struct gw_addr addr;
	unsigned int count; // control core only: how often it was added
};

#define CHAIN_BITS 4 // of the hash, below those that choose the part

struct gw_local_part {
	struct gw_local_entry *_Atomic heads[1 << CHAIN_BITS]; // control: wo, worker: ro
	unsigned int count;                                    // control core only
};

struct gw_local {
	struct gw_local_parts published; // those of all that hold something
	struct gw_local_part all[1 << GW_LOCAL_PART_BITS];
	const struct gw_local_entry *_Atomic sources[GW_MAX_LINKS][2]; // control: wo, worker: ro

	// control core only
	struct gw_reclaim *reclaim;
	struct gw_local_entry *spares; // linked by next
	unsigned int spare_count;
	unsigned int reserved; // at least as many spares are kept
};

static_assert(offsetof(struct gw_local, published) == 0, "gw_local_contains looks for them there");

static bool matches(const struct gw_local_entry *entry, uint8_t family, const uint8_t *bytes)
{
	return entry->addr.family == family &&
	       memcmp(entry->addr.bytes, bytes, gw_addr_bytes(family)) == 0;
}

static unsigned int chain_of(uint8_t family, const uint8_t *bytes)
{
	return gw_local_hash(family, bytes) >> (64 - GW_LOCAL_PART_BITS - CHAIN_BITS) &
	       ((1u << CHAIN_BITS) - 1);
}

bool gw_local_search(const struct gw_local_part *part, uint8_t family, const uint8_t *bytes)
{
	const struct gw_local_entry *entry =
		atomic_load_explicit(&part->heads[chain_of(family, bytes)], memory_order_acquire);

	while (entry && !matches(entry, family, bytes))
		entry = atomic_load_explicit(&entry->next, memory_order_acquire);
	return entry;
}

bool gw_local_source(
	const struct gw_local *local, uint16_t port, uint8_t family, struct gw_addr *addr)
{
	const struct gw_local_entry *entry;

	if (port >= GW_MAX_LINKS)
		return false;
	entry = atomic_load_explicit(&local->sources[port][family == 6], memory_order_acquire);
	if (entry)
		*addr = entry->addr;
	return entry;
}

// The control core alone writes, so it may read relaxed.
static struct gw_local_entry *next_of(struct gw_local_entry *_Atomic *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

static unsigned int part_of(const struct gw_addr *addr)
{
	return (unsigned int)(gw_local_hash(addr->family, addr->bytes) >>
			      (64 - GW_LOCAL_PART_BITS));
}

// The head of the chain in which addr is, if it is there.
static struct gw_local_entry *_Atomic *head_of(struct gw_local *local, const struct gw_addr *addr)
{
	return &local->all[part_of(addr)].heads[chain_of(addr->family, addr->bytes)];
}

// A part has one more entry, which is linked, or one less: whether workers look into it.
static void count(struct gw_local *local, const struct gw_addr *addr, int more)
{
	unsigned int number = part_of(addr);
	struct gw_local_part *part = &local->all[number];

	part->count += (unsigned int)more;
	// Release: the entry before the way to it.
	atomic_store_explicit(
		&local->published.parts[number], part->count ? part : NULL, memory_order_release);
}

// The link that leads to the entry of addr, or the end of its chain.
static struct gw_local_entry *_Atomic *find(struct gw_local *local, const struct gw_addr *addr)
{
	struct gw_local_entry *_Atomic *link = head_of(local, addr);

	while (next_of(link) && !matches(next_of(link), addr->family, addr->bytes))
		link = &next_of(link)->next;
	return link;
}

static int spare_push(struct gw_local *local)
{
	struct gw_local_entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	atomic_init(&entry->next, local->spares);
	local->spares = entry;
	local->spare_count++;
	return 0;
}

static struct gw_local_entry *spare_pop(struct gw_local *local)
{
	struct gw_local_entry *entry = local->spares;

	local->spares = next_of(&entry->next);
	local->spare_count--;
	return entry;
}

int gw_local_reserve(struct gw_local *local)
{
	while (local->spare_count <= local->reserved)
		if (spare_push(local) != 0)
			return -ENOMEM;
	local->reserved++;
	return 0;
}

void gw_local_unreserve(struct gw_local *local)
{
	local->reserved--;
	while (local->spare_count > local->reserved)
		free(spare_pop(local));
}

int gw_local_add(struct gw_local *local, const struct gw_addr *addr)
{
	struct gw_local_entry *_Atomic *head = head_of(local, addr);
	struct gw_local_entry *entry = next_of(find(local, addr));

	if (entry) {
		entry->count++;
		return 0;
	}
	if (spare_push(local) != 0 && local->spare_count == 0)
		return -ENOMEM;
	entry = spare_pop(local);
	entry->addr = *addr;
	entry->count = 1;
	atomic_init(&entry->next, next_of(head));
	// Release: the entry before the way to it.
	atomic_store_explicit(head, entry, memory_order_release);
	count(local, addr, 1);
	return 0;
}

void gw_local_remove(struct gw_local *local, const struct gw_addr *addr)
{
	struct gw_local_entry *_Atomic *link = find(local, addr);
	struct gw_local_entry *entry = next_of(link);

	if (!entry || --entry->count > 0)
		return;
	atomic_store_explicit(link, next_of(&entry->next), memory_order_release);
	count(local, &entry->addr, -1);
	for (unsigned int port = 0; port < GW_MAX_LINKS; port++)
		for (unsigned int family = 0; family < 2; family++)
			if (atomic_load_explicit(
				    &local->sources[port][family], memory_order_relaxed) == entry)
				atomic_store_explicit(
					&local->sources[port][family], NULL, memory_order_release);
	gw_reclaim_later(local->reclaim, free, entry);
}

static bool is_link_local(const struct gw_addr *addr)
{
	return addr->family == 6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

// The first of the family, a link-local one only if there is no other; NULL: none.
static const struct gw_addr *choose(const struct gw_addr *addrs, unsigned int count, uint8_t family)
{
	const struct gw_addr *chosen = NULL;

	for (unsigned int i = 0; i < count; i++) {
		if (addrs[i].family != family)
			continue;
		if (!is_link_local(&addrs[i]))
			return &addrs[i];
		if (!chosen)
			chosen = &addrs[i];
	}
	return chosen;
}

int gw_local_set_source(
	struct gw_local *local, uint16_t port, const struct gw_addr *addrs, unsigned int count)
{
	const struct gw_local_entry *entries[2] = { NULL, NULL };

	if (port >= GW_MAX_LINKS)
		return -EINVAL;
	for (unsigned int i = 0; i < 2; i++) {
		const struct gw_addr *addr = choose(addrs, count, i ? 6 : 4);

		if (!addr)
			continue;
		entries[i] = next_of(find(local, addr));
		if (!entries[i])
			return -ENOENT;
	}
	for (unsigned int i = 0; i < 2; i++)
		atomic_store_explicit(&local->sources[port][i], entries[i], memory_order_release);
	return 0;
}

struct gw_local *gw_local_new(struct gw_reclaim *reclaim)
{
	struct gw_local *local = calloc(1, sizeof(*local));

	if (local)
		local->reclaim = reclaim;
	return local;
}

static void chain_free(struct gw_local_entry *entry)
{
	while (entry) {
		struct gw_local_entry *next = next_of(&entry->next);

		free(entry);
		entry = next;
	}
}

void gw_local_free(struct gw_local *local)
{
	if (!local)
		return;
	for (unsigned int part = 0; part < 1 << GW_LOCAL_PART_BITS; part++)
		for (unsigned int chain = 0; chain < 1 << CHAIN_BITS; chain++)
			chain_free(next_of(&local->all[part].heads[chain]));
	chain_free(local->spares);
	free(local);
}
