// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/reqid.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include "base/log.h"
#include "base/slab.h"
#include "ipsec/carrier.h"
#include "ipsec/db_private.h"

int gw_reqid_table_init(struct gw_reqid_table *table, uint32_t expected,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES], struct gw_reclaim *reclaim)
{
	memcpy(table->secret, secret, sizeof(table->secret));
	table->reclaim = reclaim;
	return gw_index_init(&table->index, expected);
}

void gw_reqid_table_fini(struct gw_reqid_table *table)
{
	gw_index_fini(&table->index);
}

static uint64_t hash_of(const struct gw_reqid_table *table, uint32_t id, uint16_t interface)
{
	const uint32_t name[] = { id, interface };

	return gw_siphash_128(table->secret, name, sizeof(name)).low;
}

static struct gw_reqid_entry *find(
	const struct gw_reqid_table *table, uint32_t id, uint16_t interface, uint64_t hash)
{
	struct gw_index_link *link = gw_index_first(&table->index, hash);

	for (; link; link = gw_index_next(link)) {
		struct gw_reqid_entry *entry = container_of(link, struct gw_reqid_entry, link);

		if (entry->reqid.id == id && entry->reqid.interface == interface)
			return entry;
	}
	return NULL;
}

struct gw_reqid_entry *gw_reqid_find(
	const struct gw_reqid_table *table, uint32_t id, uint16_t interface)
{
	return find(table, id, interface, hash_of(table, id, interface));
}

struct gw_reqid_entry *gw_reqid_get(struct gw_reqid_table *table, uint32_t id, uint16_t interface)
{
	uint64_t hash = hash_of(table, id, interface);
	struct gw_reqid_entry *entry = find(table, id, interface, hash);

	if (!entry) {
		entry = gw_slab_take(&gw_slab_shared, sizeof(*entry));
		if (!entry)
			return NULL;
		entry->reqid.id = id;
		entry->reqid.interface = interface;
		entry->reclaim = table->reclaim;
		TAILQ_INIT(&entry->carriers);
		gw_index_insert(&table->index, &entry->link, hash);
	}
	entry->references++;
	return entry;
}

static void entry_free(void *entry)
{
	gw_slab_give(&gw_slab_shared, entry, sizeof(struct gw_reqid_entry));
}

void gw_reqid_put(struct gw_reqid_table *table, struct gw_reqid_entry *entry)
{
	struct gw_carriers *left;

	if (--entry->references)
		return;
	// At the end of the database its SAs are still on the list.
	left = (struct gw_carriers *)atomic_load_explicit(
		&entry->reqid.carriers, memory_order_relaxed);
	if (left)
		gw_reclaim_later(table->reclaim, rte_free, left);
	gw_index_remove(&table->index, &entry->link);
	gw_reclaim_later(table->reclaim, entry_free, entry);
}

// The SAs of this moment, newest first. NULL: none has selectors, or, with *failed, no memory.
static struct gw_carriers *carriers_make(const struct gw_reqid_entry *entry, bool *failed)
{
	static uint64_t serial;
	const struct gw_db_sa *record;
	struct gw_carriers *carriers;
	uint32_t count = 0;

	// Of a reqid that a hundred thousand SAs share, none is looked at for each that comes.
	if (!entry->narrow)
		return NULL;
	TAILQ_FOREACH (record, &entry->carriers, carrier)
		count++;
	carriers = rte_malloc("gw_carriers", sizeof(*carriers) + count * sizeof(carriers->sas[0]),
		RTE_CACHE_LINE_SIZE);
	*failed = !carriers;
	if (!carriers)
		return NULL;
	carriers->serial = ++serial;
	carriers->count = 0;
	TAILQ_FOREACH_REVERSE(record, &entry->carriers, gw_db_carriers, carrier)
	carriers->sas[carriers->count++] = record->sa;
	return carriers;
}

// Release: partner of the acquire in ipsec/carrier.h, so that a worker that sees the SA sees what
// is in it. What is to be found is put in place before what was found until now is taken away.
// Either change is a reason to tell again when an SA is missed, hence the mark of the acquire event
// is taken away; relaxed, because an event too many does no harm.
static void publish(struct gw_reqid_entry *entry)
{
	struct gw_db_sa *last = TAILQ_LAST(&entry->carriers, gw_db_carriers);
	bool failed = false;
	struct gw_carriers *carriers = carriers_make(entry, &failed);
	struct gw_carriers *old = (struct gw_carriers *)atomic_load_explicit(
		&entry->reqid.carriers, memory_order_relaxed);

	if (failed)
		gw_log_error("no memory for the SAs of reqid %u: none of them is found until one "
			     "comes or goes",
			entry->reqid.id);
	if (carriers)
		atomic_store_explicit(&entry->reqid.carriers, carriers, memory_order_release);
	atomic_store_explicit(&entry->reqid.newest, carriers || failed || !last ? NULL : last->sa,
		memory_order_release);
	if (!carriers && old)
		atomic_store_explicit(&entry->reqid.carriers, NULL, memory_order_release);
	if (old)
		gw_reclaim_later(entry->reclaim, rte_free, old);
	atomic_store_explicit(&entry->reqid.acquire_raised, 0, memory_order_relaxed);
}

void gw_reqid_prefer(struct gw_reqid_entry *entry, uint32_t spi)
{
	struct gw_db_sa *record;

	entry->preferred = spi;
	TAILQ_FOREACH (record, &entry->carriers, carrier)
		if (record->sa->spec.spi == spi)
			break;
	if (!record || !TAILQ_NEXT(record, carrier))
		return;
	TAILQ_REMOVE(&entry->carriers, record, carrier);
	TAILQ_INSERT_TAIL(&entry->carriers, record, carrier);
	publish(entry);
}

void gw_reqid_attach(struct gw_reqid_entry *entry, struct gw_db_sa *record)
{
	struct gw_db_sa *last = TAILQ_LAST(&entry->carriers, gw_db_carriers);

	if (last && last->sa->spec.spi == entry->preferred)
		TAILQ_INSERT_BEFORE(last, record, carrier);
	else
		TAILQ_INSERT_TAIL(&entry->carriers, record, carrier);
	record->narrow = record->sa->selectors != 0;
	entry->narrow += record->narrow;
	publish(entry);
}

void gw_reqid_detach(struct gw_reqid_entry *entry, struct gw_db_sa *record)
{
	TAILQ_REMOVE(&entry->carriers, record, carrier);
	entry->narrow -= record->narrow;
	publish(entry);
}
