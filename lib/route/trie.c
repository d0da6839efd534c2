// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A multibit trie: the root is indexed by the first 16 bits of the address, every table below by
// the next 8. A cell holds either a number or the address of the table below, and always both
// fields of its answer in one word: numbers are pushed down into the leaves, so that a reader never
// has to go back up. An IPv4 lookup takes at most three loads, an IPv6 one at most fifteen, and no
// more than the longest route that shares its beginning needs.
//
// Change. Only the control core writes. Every cell changes by one atomic store, so a reader sees
// the route before or after the change. Beside each cell, out of the readers' way, stands the
// length of the route whose number it holds: a new route overwrites cells of shorter ones, a
// removed one gives its cells back to the longest route that covers it. A new table is filled with
// what its cell answered before, then linked (store-release; the reader's load-acquire is the
// partner).
//
// Removal of a table, in two phases. Phase one: it holds no route of its own any more (users is 0),
// so all its cells are alike; the cell above takes that number. Phase two, after a grace period: no
// reader that had found the table is still in it, and it is freed.

#include "route/trie.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_jhash.h>

#define ROOT_BITS  16
#define TABLE_BITS 8
#define LEAF       1u // lowest bit of a cell: a number, shifted left by one; else a table's address

struct table {
	// control core only
	struct table *parent; // NULL: the root
	uint32_t index;       // of the cell in parent that leads here
	uint32_t users;       // routes that end in this table, and tables below it
	unsigned int start;   // bits of the address above this table
	unsigned int bits;    // that index it
	uint8_t *lengths;     // of the route each cell's number is from, plus one; 0: no route

	// control: wo, worker: ro
	_Atomic uintptr_t cells[] __rte_cache_aligned;
};

// One prefix that is prepared or set.
struct route {
	LIST_ENTRY(route) next;
	struct gw_prefix prefix;
	struct table *table; // it ends here, and counts among its users
	uint32_t value;
	unsigned int references;
	bool present;
};

LIST_HEAD(bucket, route);

struct gw_trie {
	struct table *root;
	// control core only
	struct gw_reclaim *reclaim;
	struct bucket *buckets;
	uint32_t mask;
	uint32_t max_routes;
	uint32_t route_count;
	uint32_t present[129]; // routes of each length
	uint64_t bytes;
	uint8_t family;
};

static uintptr_t leaf_of(uint32_t value)
{
	return (uintptr_t)value << 1 | LEAF;
}

static struct table *table_of(uintptr_t cell)
{
	return (struct table *)cell;
}

static size_t table_bytes(unsigned int bits)
{
	size_t cells = (size_t)1 << bits;

	return RTE_ALIGN_CEIL(sizeof(struct table) + cells * sizeof(uintptr_t) + cells,
		(size_t)RTE_CACHE_LINE_SIZE);
}

static struct table *table_new(
	unsigned int start, unsigned int bits, uintptr_t leaf, uint8_t length)
{
	struct table *table = aligned_alloc(RTE_CACHE_LINE_SIZE, table_bytes(bits));
	size_t cells = (size_t)1 << bits;

	if (!table)
		return NULL;
	*table = (struct table){ .start = start, .bits = bits };
	table->lengths = (uint8_t *)&table->cells[cells];
	for (size_t i = 0; i < cells; i++)
		atomic_init(&table->cells[i], leaf);
	memset(table->lengths, length, cells);
	return table;
}

// Which cell of table the address falls into; for a prefix that ends in table, its first cell.
static uint32_t index_in(const struct table *table, const uint8_t *bytes)
{
	if (table->start == 0)
		return (uint32_t)bytes[0] << 8 | bytes[1];
	return bytes[table->start / 8];
}

// The control core alone writes, so it may read relaxed.
static uintptr_t cell_at(const struct table *table, uint32_t index)
{
	return atomic_load_explicit(&table->cells[index], memory_order_relaxed);
}

// Phase one of a table's removal, and of those above that it leaves empty.
static void collapse(struct gw_trie *trie, struct table *table)
{
	while (table->parent && table->users == 0) {
		struct table *parent = table->parent;

		parent->lengths[table->index] = table->lengths[0];
		atomic_store_explicit(
			&parent->cells[table->index], cell_at(table, 0), memory_order_release);
		parent->users--;
		trie->bytes -= table_bytes(table->bits);
		gw_reclaim_later(trie->reclaim, free, table);
		table = parent;
	}
}

// The table that prefix ends in, made with all above it where missing. NULL: no memory.
static struct table *descend(struct gw_trie *trie, const struct gw_prefix *prefix)
{
	struct table *table = trie->root;

	while (prefix->length > table->start + table->bits) {
		uint32_t index = index_in(table, prefix->addr.bytes);
		uintptr_t cell = cell_at(table, index);
		struct table *below;

		if (!(cell & LEAF)) {
			table = table_of(cell);
			continue;
		}
		below = table_new(
			table->start + table->bits, TABLE_BITS, cell, table->lengths[index]);
		if (!below) {
			collapse(trie, table);
			return NULL;
		}
		below->parent = table;
		below->index = index;
		table->users++;
		trie->bytes += table_bytes(TABLE_BITS);
		// Release: the cells of the new table before the way to it.
		atomic_store_explicit(&table->cells[index], (uintptr_t)below, memory_order_release);
		table = below;
	}
	return table;
}

// Writes leaf into count cells and all below them that hold the number of a route whose length
// (plus one) lies within [low, high].
static void paint(struct table *table, uint32_t first, uint32_t count, uint8_t low, uint8_t high,
	uintptr_t leaf, uint8_t length)
{
	for (uint32_t i = first; i < first + count; i++) {
		uintptr_t cell = cell_at(table, i);

		if (!(cell & LEAF)) {
			paint(table_of(cell), 0, 1u << TABLE_BITS, low, high, leaf, length);
		} else if (table->lengths[i] >= low && table->lengths[i] <= high) {
			table->lengths[i] = length;
			// Release: what the number stands for before the number.
			atomic_store_explicit(&table->cells[i], leaf, memory_order_release);
		}
	}
}

static uint32_t cells_of(const struct table *table, const struct gw_prefix *prefix)
{
	return 1u << (table->start + table->bits - prefix->length);
}

static struct bucket *bucket_of(const struct gw_trie *trie, const struct gw_prefix *prefix)
{
	uint32_t hash = rte_jhash(prefix->addr.bytes, gw_addr_bytes(trie->family), prefix->length);

	return &trie->buckets[hash & trie->mask];
}

static struct route *find(const struct gw_trie *trie, const struct gw_prefix *prefix)
{
	struct route *route;

	LIST_FOREACH (route, bucket_of(trie, prefix), next)
		if (route->prefix.length == prefix->length &&
			gw_addr_equal(&route->prefix.addr, &prefix->addr))
			return route;
	return NULL;
}

// The longest shorter route that covers prefix, or NULL.
static const struct route *find_cover(const struct gw_trie *trie, const struct gw_prefix *prefix)
{
	struct gw_prefix shorter = *prefix;

	while (shorter.length > 0) {
		const struct route *route;

		shorter.length--;
		shorter.addr.bytes[shorter.length / 8] &= (uint8_t) ~(0x80 >> shorter.length % 8);
		if (trie->present[shorter.length] == 0)
			continue;
		route = find(trie, &shorter);
		if (route && route->present)
			return route;
	}
	return NULL;
}

static void route_drop(struct gw_trie *trie, struct route *route)
{
	if (route->present || route->references)
		return;
	route->table->users--;
	collapse(trie, route->table);
	LIST_REMOVE(route, next);
	free(route);
	trie->route_count--;
}

static int route_get(struct gw_trie *trie, const struct gw_prefix *prefix, struct route **result)
{
	struct route *route = find(trie, prefix);

	*result = route;
	if (route)
		return 0;
	if (trie->route_count == trie->max_routes)
		return -ENOSPC;
	route = calloc(1, sizeof(*route));
	if (!route)
		return -ENOMEM;
	route->prefix = *prefix;
	route->table = descend(trie, prefix);
	if (!route->table) {
		free(route);
		return -ENOMEM;
	}
	route->table->users++;
	LIST_INSERT_HEAD(bucket_of(trie, prefix), route, next);
	trie->route_count++;
	*result = route;
	return 0;
}

int gw_trie_prepare(struct gw_trie *trie, const struct gw_prefix *prefix)
{
	struct route *route;
	int rc = route_get(trie, prefix, &route);

	if (rc == 0)
		route->references++;
	return rc;
}

void gw_trie_unprepare(struct gw_trie *trie, const struct gw_prefix *prefix)
{
	struct route *route = find(trie, prefix);

	if (!route || route->references == 0)
		return;
	route->references--;
	route_drop(trie, route);
}

int gw_trie_set(struct gw_trie *trie, const struct gw_prefix *prefix, uint32_t value)
{
	uint8_t length = (uint8_t)(prefix->length + 1);
	struct route *route;
	int rc = route_get(trie, prefix, &route);

	if (rc)
		return rc;
	if (!route->present)
		trie->present[prefix->length]++;
	route->present = true;
	route->value = value;
	paint(route->table, index_in(route->table, prefix->addr.bytes),
		cells_of(route->table, prefix), 0, length, leaf_of(value), length);
	return 0;
}

int gw_trie_clear(struct gw_trie *trie, const struct gw_prefix *prefix)
{
	uint8_t length = (uint8_t)(prefix->length + 1);
	struct route *route = find(trie, prefix);
	const struct route *cover;

	if (!route || !route->present)
		return -ENOENT;
	route->present = false;
	trie->present[prefix->length]--;
	cover = find_cover(trie, prefix);
	paint(route->table, index_in(route->table, prefix->addr.bytes),
		cells_of(route->table, prefix), length, length, leaf_of(cover ? cover->value : 0),
		cover ? (uint8_t)(cover->prefix.length + 1) : 0);
	route_drop(trie, route);
	return 0;
}

void gw_trie_lookup(const struct gw_trie *trie, const uint8_t *const *addresses, unsigned int count,
	uint32_t *values)
{
	const struct table *root = trie->root;

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *at = addresses[i];
		// Acquire: partner of the store that linked the table.
		uintptr_t cell = atomic_load_explicit(
			&root->cells[(uint32_t)at[0] << 8 | at[1]], memory_order_acquire);

		// Ends in time: only leaves stand in tables that the last byte indexes.
		for (at += 2; !(cell & LEAF); at++)
			cell = atomic_load_explicit(
				&table_of(cell)->cells[*at], memory_order_acquire);
		values[i] = (uint32_t)(cell >> 1);
	}
}

uint64_t gw_trie_bytes(const struct gw_trie *trie)
{
	return trie->bytes;
}

struct gw_trie *gw_trie_new(uint8_t family, uint32_t max_routes, struct gw_reclaim *reclaim)
{
	struct gw_trie *trie = calloc(1, sizeof(*trie));
	uint32_t buckets = rte_align32pow2(RTE_MIN(RTE_MAX(max_routes, 64u), 1u << 22));

	if (!trie)
		return NULL;
	trie->family = family;
	trie->max_routes = max_routes;
	trie->reclaim = reclaim;
	trie->mask = buckets - 1;
	trie->buckets = calloc(buckets, sizeof(*trie->buckets));
	trie->root = table_new(0, ROOT_BITS, leaf_of(0), 0);
	trie->bytes = table_bytes(ROOT_BITS);
	if (!trie->buckets || !trie->root) {
		gw_trie_free(trie);
		return NULL;
	}
	return trie;
}

static void table_free(struct table *table)
{
	for (uint32_t i = 0; i < 1u << table->bits; i++)
		if (!(cell_at(table, i) & LEAF))
			table_free(table_of(cell_at(table, i)));
	free(table);
}

void gw_trie_free(struct gw_trie *trie)
{
	if (!trie)
		return;
	for (uint32_t i = 0; trie->buckets && i <= trie->mask; i++) {
		struct route *route;

		while ((route = LIST_FIRST(&trie->buckets[i]))) {
			LIST_REMOVE(route, next);
			free(route);
		}
	}
	if (trie->root)
		table_free(trie->root);
	free(trie->buckets);
	free(trie);
}
