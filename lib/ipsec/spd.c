// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// How the control core changes the SPD.
//
// A policy is put into the table as entries, one for each pair of prefixes that its address ranges
// split into; together they are its claim. An entry carries the generations it belongs to: a worker
// reads the SPD's generation once and sees only entries that belong to it. So however many entries,
// keys and shapes a change touches, it happens at one moment: when the generation is raised.
//
//   insert   1. make the claim, its entries born in the next generation: no worker sees them yet
//            2. link them behind their keys, count them in their shapes
//            3. put new views in place where a shape's best has changed
//            4. raise the generation
//   remove   1. let the entries die with the next generation
//            2. raise the generation
//            3. after a grace period no worker is left that asks an earlier generation: unlink the
//               entries, and give up shapes that are empty and bests that were theirs
//            4. after another one no worker is left that stands on an unlinked entry: free them
//
// Two things hold at every moment: what a worker's generation needs is linked and no view is worse
// than it. Steps that take something away therefore come after the grace period, and steps that add
// something before the generation.
//
// Order: the generation is stored with release and loaded with acquire, and so are an entry's next,
// the table's pointers (rte_hash does that) and the pointer to the views.

#include "ipsec/spd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_rcu_qsbr.h>

#include "ipsec/spd_shape.h"
#include "ipsec/spd_table.h"

// Of an IPv6 range; an IPv4 one splits into fewer.
#define MAX_PREFIXES 254

#define MANY_LOOKERS 1024

struct split {
	struct gw_prefix sources[MAX_PREFIXES];
	struct gw_prefix destinations[MAX_PREFIXES];
	unsigned int source_count;
	unsigned int destination_count;
};

static unsigned int split_selector(const struct gw_selector *selector, struct split *split)
{
	split->source_count = gw_range_to_prefixes(&selector->source, split->sources, MAX_PREFIXES);
	split->destination_count =
		gw_range_to_prefixes(&selector->destination, split->destinations, MAX_PREFIXES);
	return split->source_count * split->destination_count;
}

int gw_spd_cost(const struct gw_selector *selector, struct gw_error *err)
{
	struct split split;
	unsigned int cost = split_selector(selector, &split);

	if (cost > GW_SPD_MAX_COST)
		return gw_error_set(err, E2BIG,
			"source and destination split into %u and %u prefixes, which makes %u "
			"pairs, "
			"more than %u: begin and end the ranges at round addresses, or give a "
			"policy "
			"for each prefix of one of them",
			split.source_count, split.destination_count, cost, GW_SPD_MAX_COST);
	return (int)cost;
}

static struct rte_hash *table_new(const char *name, uint32_t capacity, struct rte_rcu_qsbr *qsbr)
{
	// The entries of the table that wait for their own grace period come on top; rte_hash
	// fetches them back when it needs them.
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = capacity,
		.key_len = sizeof(struct gw_spd_key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct rte_hash_rcu_config rcu = { .v = qsbr, .mode = RTE_HASH_QSBR_MODE_DQ };
	struct rte_hash *table = rte_hash_create(&parameters);

	if (table && rte_hash_rcu_qsbr_add(table, &rcu) != 0) {
		rte_hash_free(table);
		table = NULL;
	}
	return table;
}

// Puts views of the shapes of this moment in place where they have changed. -ENOMEM leaves the old
// ones, which are no worse than what is linked unless entries were added.
static int refresh_views(struct gw_spd *spd)
{
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++) {
		struct gw_spd_views *old, *views;

		if (!spd->shapes[family].changed)
			continue;
		views = gw_spd_views_make(&spd->shapes[family]);
		if (!views)
			return -ENOMEM;
		old = (struct gw_spd_views *)atomic_load_explicit(
			&spd->views[family], memory_order_relaxed);
		// Release: pairs with the worker's acquire when it begins a search.
		atomic_store_explicit(&spd->views[family], views, memory_order_release);
		spd->shapes[family].changed = false;
		if (old)
			gw_reclaim_later(spd->reclaim, free, old);
	}
	return 0;
}

struct gw_spd *gw_spd_new(const char *name, uint32_t size, struct rte_rcu_qsbr *qsbr,
	struct gw_reclaim *reclaim, struct gw_error *err)
{
	uint64_t capacity = 2 * (uint64_t)size + GW_SPD_MAX_COST;
	struct gw_spd *spd = NULL;

	if (capacity <= RTE_HASH_ENTRIES_MAX)
		spd = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*spd));
	if (!spd)
		goto no_room;
	*spd = (struct gw_spd){
		.qsbr = qsbr, .reclaim = reclaim, .generation = 1, .capacity = (uint32_t)capacity
	};
	LIST_INIT(&spd->claims);
	STAILQ_INIT(&spd->withdrawn);
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++)
		spd->shapes[family].changed = spd->lookers_changed[family] = true;
	gw_spd_lookers_refresh(spd);
	spd->table = table_new(name, spd->capacity, qsbr);
	if (!spd->table || refresh_views(spd) != 0)
		goto no_room;
	return spd;

no_room:
	gw_error_set(err, ENOMEM,
		"no memory for %u policies: raise memory.size_mb or lower limits.policies", size);
	gw_spd_free(spd);
	return NULL;
}

void gw_spd_free(struct gw_spd *spd)
{
	struct gw_spd_claim *claim;

	if (!spd)
		return;
	while ((claim = LIST_FIRST(&spd->claims))) {
		LIST_REMOVE(claim, all);
		if (claim->waiting)
			claim->spd = NULL;
		else
			free(claim);
	}
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++) {
		gw_spd_shapes_fini(&spd->shapes[family]);
		free((void *)atomic_load_explicit(&spd->views[family], memory_order_relaxed));
		free((void *)atomic_load_explicit(&spd->lookers[family], memory_order_relaxed));
		free(spd->looking[family].claims);
	}
	// The table lets go of its memory only when none of it waits for the workers, who have
	// stopped.
	rte_rcu_qsbr_synchronize(spd->qsbr, RTE_QSBR_THRID_INVALID);
	rte_hash_free(spd->table);
	free(spd);
}

static struct gw_spd_entry *first_behind(const struct gw_spd *spd, const struct gw_spd_key *key)
{
	void *first = NULL;

	rte_hash_lookup_data(spd->table, key, &first);
	return first;
}

static struct gw_spd_entry *next_of(const struct gw_spd_entry *entry)
{
	// Relaxed: only this thread writes it.
	return atomic_load_explicit(&entry->next, memory_order_relaxed);
}

static void set_next(struct gw_spd_entry *entry, struct gw_spd_entry *next)
{
	// Release: pairs with the worker's acquire when it goes on from entry.
	atomic_store_explicit(&entry->next, next, memory_order_release);
}

// Makes entry the first behind its key. When the key is in the table already this needs no room.
static int set_first(struct gw_spd *spd, struct gw_spd_entry *entry)
{
	int rc = rte_hash_add_key_data(spd->table, &entry->key, entry);

	if (rc == -ENOSPC) {
		// What was removed lately still waits for the workers.
		rte_rcu_qsbr_synchronize(spd->qsbr, RTE_QSBR_THRID_INVALID);
		rc = rte_hash_add_key_data(spd->table, &entry->key, entry);
	}
	return rc;
}

static int link_entry(struct gw_spd *spd, struct gw_spd_entry *entry)
{
	struct gw_spd_entry *before = NULL, *after = first_behind(spd, &entry->key);

	for (; after && after->rank < entry->rank; after = next_of(after))
		before = after;
	set_next(entry, after);
	if (!before)
		return set_first(spd, entry);
	set_next(before, entry);
	return 0;
}

static void unlink_entry(struct gw_spd *spd, struct gw_spd_entry *entry)
{
	struct gw_spd_entry *before = first_behind(spd, &entry->key), *after = next_of(entry);

	if (before != entry) {
		while (next_of(before) != entry)
			before = next_of(before);
		set_next(before, after);
	} else if (after) {
		set_first(spd, after);
	} else {
		rte_hash_del_key(spd->table, &entry->key);
	}
}

// Relaxed: a worker that asks a generation with the claim has acquired it after this, and the
// removal comes after the grace period.
static void count_opaque(struct gw_spd *spd, const struct gw_spd_claim *claim, uint32_t by)
{
	if (claim->by_opaque)
		atomic_fetch_add_explicit(&spd->by_opaque[claim->family], by, memory_order_relaxed);
}

// Steps 3 and 4 of a removal.
static void unlink_claim(void *object)
{
	struct gw_spd_claim *claim = object;
	struct gw_spd *spd = claim->spd;

	if (!spd) {
		free(claim);
		return;
	}
	for (uint32_t i = 0; i < claim->count; i++) {
		struct gw_spd_entry *entry = &claim->entries[i];

		unlink_entry(spd, entry);
		gw_spd_shape_drop(&spd->shapes[claim->family], entry);
	}
	spd->entries -= claim->count;
	count_opaque(spd, claim, UINT32_MAX); // one less
	if (claim->looks)
		gw_spd_looker_drop(spd, claim);
	// Without memory the old views stay: their bests are too good, which only costs time.
	refresh_views(spd);
	LIST_REMOVE(claim, all);
	// Of very many that go one after the other, the next change takes account.
	if (claim->looks && spd->looking[claim->family].count < MANY_LOOKERS)
		gw_spd_lookers_refresh(spd);
	gw_reclaim_later(spd->reclaim, free, claim);
}

static uint64_t next_generation(const struct gw_spd *spd)
{
	// Relaxed: only this thread writes it.
	return atomic_load_explicit(&spd->generation, memory_order_relaxed) + 1;
}

// Ends a change: workers see it from here on.
static void publish(struct gw_spd *spd)
{
	struct gw_spd_claim *claim;

	if (spd->open)
		return;
	gw_spd_lookers_refresh(spd);
	// Release: pairs with the worker's acquire when it begins a look-up.
	atomic_store_explicit(&spd->generation, next_generation(spd), memory_order_release);
	while ((claim = STAILQ_FIRST(&spd->withdrawn))) {
		STAILQ_REMOVE_HEAD(&spd->withdrawn, withdrawn);
		claim->waiting = true;
		gw_reclaim_later(spd->reclaim, unlink_claim, claim);
	}
}

// Relaxed: the generation that follows is stored with release, and no worker asks for it before.
static void end_life(struct gw_spd_claim *claim, uint64_t died)
{
	for (uint32_t i = 0; i < claim->count; i++)
		atomic_store_explicit(&claim->entries[i].died, died, memory_order_relaxed);
}

static bool make_room(struct gw_spd *spd, unsigned int cost)
{
	if (spd->entries + cost > spd->capacity) {
		rte_rcu_qsbr_synchronize(spd->qsbr, RTE_QSBR_THRID_INVALID);
		gw_reclaim_poll(spd->reclaim);
	}
	return spd->entries + cost <= spd->capacity;
}

static struct gw_spd_claim *claim_new(
	struct gw_spd *spd, const struct gw_policy *policy, unsigned int cost)
{
	size_t bytes = sizeof(struct gw_spd_claim) + cost * sizeof(struct gw_spd_entry);
	struct gw_spd_claim *claim = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);

	if (!claim)
		return NULL;
	memset(claim, 0, bytes);
	claim->spd = spd;
	claim->family = policy->selector.source.first.family == 4 ? GW_SPD_IPV4 : GW_SPD_IPV6;
	claim->looks =
		policy->action != GW_ACTION_BYPASS && gw_spd_looked_at(&policy->selector) != 0;
	claim->by_opaque = gw_selector_means_opaque(&policy->selector);
	claim->rank = gw_spd_rank(policy);
	claim->selector = policy->selector;
	claim->interface = policy->interface;
	if (claim->looks && gw_spd_looker_add(spd, claim) != 0) {
		free(claim);
		return NULL;
	}
	count_opaque(spd, claim, 1);
	LIST_INSERT_HEAD(&spd->claims, claim, all);
	return claim;
}

// Adds the next entry to claim: 0, or a negative errno and it has not been added.
static int add_entry(struct gw_spd *spd, struct gw_spd_claim *claim, const struct gw_policy *policy,
	const struct gw_prefix *source, const struct gw_prefix *destination)
{
	struct gw_spd_entry *entry = &claim->entries[claim->count];
	struct gw_spd_shapes *shapes = &spd->shapes[claim->family];
	uint64_t mask[GW_SPD_FLOW_WORDS];
	int rc;

	entry->policy = policy;
	entry->rank = gw_spd_rank(policy);
	entry->source_port = policy->selector.source_port;
	entry->destination_port = policy->selector.destination_port;
	entry->born = next_generation(spd);
	atomic_init(&entry->died, GW_SPD_NEVER);
	gw_spd_key_make(policy, source, destination, &entry->key, mask);
	rc = gw_spd_shape_add(shapes, mask, entry);
	if (rc != 0)
		return rc;
	rc = link_entry(spd, entry);
	if (rc != 0) {
		gw_spd_shape_drop(shapes, entry);
		return rc;
	}
	claim->count++;
	spd->entries++;
	return 0;
}

static int add_entries(struct gw_spd *spd, struct gw_spd_claim *claim,
	const struct gw_policy *policy, const struct split *split)
{
	for (unsigned int s = 0; s < split->source_count; s++) {
		for (unsigned int d = 0; d < split->destination_count; d++) {
			int rc = add_entry(
				spd, claim, policy, &split->sources[s], &split->destinations[d]);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

int gw_spd_insert(struct gw_spd *spd, struct gw_policy *policy)
{
	struct gw_spd_claim *claim;
	struct split split;
	unsigned int cost = split_selector(&policy->selector, &split);
	int rc;

	if (cost > GW_SPD_MAX_COST)
		return -E2BIG;
	if (!make_room(spd, cost))
		return -ENOSPC;
	claim = claim_new(spd, policy, cost);
	if (!claim)
		return -ENOMEM;
	rc = add_entries(spd, claim, policy, &split);
	if (rc == 0)
		rc = refresh_views(spd);
	if (rc != 0)
		goto undo;
	policy->claim = claim;
	publish(spd);
	return 0;

undo:
	// Workers may stand on the entries, but none has seen the policy or ever will.
	end_life(claim, next_generation(spd));
	claim->waiting = true;
	gw_reclaim_later(spd->reclaim, unlink_claim, claim);
	return rc;
}

void gw_spd_remove(struct gw_spd *spd, struct gw_policy *policy)
{
	struct gw_spd_claim *claim = policy->claim;

	if (!claim)
		return;
	policy->claim = NULL;
	end_life(claim, next_generation(spd));
	STAILQ_INSERT_TAIL(&spd->withdrawn, claim, withdrawn);
	publish(spd);
}

void gw_spd_begin(struct gw_spd *spd)
{
	spd->open = true;
}

void gw_spd_commit(struct gw_spd *spd)
{
	spd->open = false;
	publish(spd);
}

uint32_t gw_spd_capacity(const struct gw_spd *spd)
{
	return spd->capacity;
}
