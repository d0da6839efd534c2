// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Workers read and write entries without a lock. An entry is three words, of which the first is the
// datagram's hash, exclusive or the two others: words of different writings do not add up to a hash
// that anybody asks for, so an entry that is half written is as good as none. At worst two workers
// that meet in one place lose what one of them wrote, and with it later fragments of one packet.

#include "net/first_fragment.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WAYS   4
#define SHARES 16 // sources: each has one of as many parts

struct entry {
	_Atomic uint64_t check; // worker: rw (relaxed), and so the others
	_Atomic uint64_t shown;
	_Atomic uint64_t until_ns;
	uint64_t reserved;
};

struct set {
	struct entry entries[WAYS];
};

struct gw_first_fragments {
	uint64_t lifetime_ns;
	uint32_t share_mask; // sets in a share - 1
	struct set *sets;
};

// What an entry held at one moment, or what nobody wrote: the check tells.
struct content {
	uint64_t check;
	uint64_t shown;
	uint64_t until_ns;
};

struct gw_first_fragments *gw_first_fragments_new(uint32_t entries, uint64_t lifetime_ns)
{
	struct gw_first_fragments *table = calloc(1, sizeof(*table));
	size_t sets = entries / WAYS;

	if (!table)
		return NULL;
	table->lifetime_ns = lifetime_ns;
	table->share_mask = (uint32_t)(sets / SHARES) - 1;
	table->sets = aligned_alloc(sizeof(struct set), sets * sizeof(struct set));
	if (!table->sets) {
		free(table);
		return NULL;
	}
	for (size_t i = 0; i < sets; i++)
		table->sets[i] = (struct set){};
	return table;
}

void gw_first_fragments_free(struct gw_first_fragments *table)
{
	if (!table)
		return;
	free(table->sets);
	free(table);
}

static struct set *set_of(
	const struct gw_first_fragments *table, const struct gw_first_fragment_key *key)
{
	uint32_t share = key->source % SHARES, place = key->datagram & table->share_mask;

	return &table->sets[share * (table->share_mask + 1) + place];
}

static struct content read_entry(const struct entry *entry)
{
	return (struct content){
		.check = atomic_load_explicit(&entry->check, memory_order_relaxed),
		.shown = atomic_load_explicit(&entry->shown, memory_order_relaxed),
		.until_ns = atomic_load_explicit(&entry->until_ns, memory_order_relaxed),
	};
}

static bool is_of(const struct content *content, const struct gw_first_fragment_key *key)
{
	return (content->check ^ content->shown ^ content->until_ns) == key->datagram;
}

static uint64_t pack(const struct gw_first_fragment *fragment)
{
	return fragment->source_port | (uint64_t)fragment->destination_port << 16 |
	       (uint64_t)fragment->protocol << 32 | (uint64_t)fragment->bytes << 40 |
	       (uint64_t)fragment->ports_known << 56;
}

static void unpack(uint64_t shown, struct gw_first_fragment *fragment)
{
	*fragment = (struct gw_first_fragment){
		.source_port = (uint16_t)shown,
		.destination_port = (uint16_t)(shown >> 16),
		.protocol = (uint8_t)(shown >> 32),
		.bytes = (uint16_t)(shown >> 40),
		.ports_known = shown >> 56 & 1,
	};
}

void gw_first_fragment_learn(struct gw_first_fragments *table,
	const struct gw_first_fragment_key *key, const struct gw_first_fragment *fragment,
	uint64_t now_ns)
{
	uint64_t shown = pack(fragment), until_ns = now_ns + table->lifetime_ns;
	struct set *set = set_of(table, key);
	struct entry *place = &set->entries[0];
	uint64_t oldest_ns = UINT64_MAX;

	for (unsigned int i = 0; i < WAYS; i++) {
		struct content content = read_entry(&set->entries[i]);

		if (is_of(&content, key)) {
			place = &set->entries[i];
			break;
		}
		if (content.until_ns < oldest_ns) {
			oldest_ns = content.until_ns;
			place = &set->entries[i];
		}
	}
	atomic_store_explicit(
		&place->check, key->datagram ^ shown ^ until_ns, memory_order_relaxed);
	atomic_store_explicit(&place->shown, shown, memory_order_relaxed);
	atomic_store_explicit(&place->until_ns, until_ns, memory_order_relaxed);
}

bool gw_first_fragment_find(const struct gw_first_fragments *table,
	const struct gw_first_fragment_key *key, uint64_t now_ns,
	struct gw_first_fragment *fragment)
{
	const struct set *set = set_of(table, key);

	for (unsigned int i = 0; i < WAYS; i++) {
		struct content content = read_entry(&set->entries[i]);

		if (is_of(&content, key) && now_ns < content.until_ns) {
			unpack(content.shown, fragment);
			return true;
		}
	}
	return false;
}
