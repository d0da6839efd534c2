// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/policy_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

// The kernel's numbers: three low bits of direction.
#define NUMBER_STEP 8u

int gw_xfrm_policy_book_init(struct gw_xfrm_policy_book *book, uint32_t expected)
{
	memset(book, 0, sizeof(*book));
	TAILQ_INIT(&book->records);
	if (gw_index_init(&book->by_selector, expected) != 0)
		return -ENOMEM;
	if (gw_index_init(&book->by_number, expected) != 0) {
		gw_index_fini(&book->by_selector);
		return -ENOMEM;
	}
	return 0;
}

void gw_xfrm_policy_book_fini(struct gw_xfrm_policy_book *book)
{
	struct gw_xfrm_policy_record *record;

	while ((record = TAILQ_FIRST(&book->records)))
		gw_xfrm_policy_book_remove(book, record);
	gw_index_fini(&book->by_selector);
	gw_index_fini(&book->by_number);
}

// Selectors come from those who may change every policy: no need for a secret.
static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

// Of our own selector, by which twins are found as well.
static uint64_t hash_selector(const struct gw_selector *selector)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = mix(hash, selector->source.first.bytes, sizeof(selector->source.first.bytes));
	hash = mix(
		hash, selector->destination.first.bytes, sizeof(selector->destination.first.bytes));
	hash = mix(hash, &selector->protocol, sizeof(selector->protocol));
	hash = mix(hash, &selector->source_port, sizeof(selector->source_port));
	return mix(hash, &selector->destination_port, sizeof(selector->destination_port));
}

static uint64_t hash_number(uint32_t number)
{
	return mix(0, &number, sizeof(number));
}

static bool same_selector(const struct xfrm_selector *a, const struct xfrm_selector *b)
{
	return memcmp(&a->daddr, &b->daddr, sizeof(a->daddr)) == 0 &&
	       memcmp(&a->saddr, &b->saddr, sizeof(a->saddr)) == 0 && a->dport == b->dport &&
	       a->dport_mask == b->dport_mask && a->sport == b->sport &&
	       a->sport_mask == b->sport_mask && a->family == b->family &&
	       a->prefixlen_d == b->prefixlen_d && a->prefixlen_s == b->prefixlen_s &&
	       a->proto == b->proto && a->ifindex == b->ifindex && a->user == b->user;
}

static bool same_policy(const struct gw_xfrm_policy *a, const struct gw_xfrm_policy *b)
{
	return a->info.dir == b->info.dir && a->if_id == b->if_id && a->mark.v == b->mark.v &&
	       a->mark.m == b->mark.m && same_selector(&a->info.sel, &b->info.sel);
}

static struct gw_xfrm_policy_record *of_selector(struct gw_index_link *link)
{
	return container_of(link, struct gw_xfrm_policy_record, by_selector);
}

struct gw_xfrm_policy_record *gw_xfrm_policy_book_find(const struct gw_xfrm_policy_book *book,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec)
{
	struct gw_index_link *link =
		gw_index_first(&book->by_selector, hash_selector(&spec->selector));

	for (; link; link = gw_index_next(link))
		if (same_policy(&of_selector(link)->policy, policy))
			return of_selector(link);
	return NULL;
}

struct gw_xfrm_policy_record *gw_xfrm_policy_book_at(
	const struct gw_xfrm_policy_book *book, uint32_t number, uint8_t direction)
{
	struct gw_index_link *link = gw_index_first(&book->by_number, hash_number(number));

	for (; link; link = gw_index_next(link)) {
		struct gw_xfrm_policy_record *record =
			container_of(link, struct gw_xfrm_policy_record, by_number);

		if (record->policy.info.index == number && record->policy.info.dir == direction)
			return record;
	}
	return NULL;
}

struct gw_xfrm_policy_record *gw_xfrm_policy_book_twin(const struct gw_xfrm_policy_book *book,
	const struct gw_policy_spec *spec, const struct gw_xfrm_policy_record *record)
{
	struct gw_policy_id id = gw_policy_spec_id(spec);
	struct gw_index_link *link =
		gw_index_first(&book->by_selector, hash_selector(&spec->selector));

	for (; link; link = gw_index_next(link)) {
		struct gw_xfrm_policy_record *other = of_selector(link);
		struct gw_policy_id other_id = gw_policy_spec_id(&other->spec);

		if (other != record && gw_policy_id_equal(&id, &other_id))
			return other;
	}
	return NULL;
}

struct gw_xfrm_policy_record *gw_xfrm_policy_book_add(struct gw_xfrm_policy_book *book,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec)
{
	struct gw_xfrm_policy_record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->policy = *policy;
	record->spec = *spec;
	book->last_number += NUMBER_STEP;
	record->policy.info.index = book->last_number | policy->info.dir;
	gw_index_insert(&book->by_selector, &record->by_selector, hash_selector(&spec->selector));
	gw_index_insert(
		&book->by_number, &record->by_number, hash_number(record->policy.info.index));
	TAILQ_INSERT_TAIL(&book->records, record, next);
	book->count++;
	return record;
}

void gw_xfrm_policy_book_change(struct gw_xfrm_policy_record *record,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec)
{
	uint32_t number = record->policy.info.index;

	record->policy = *policy;
	record->policy.info.index = number;
	record->spec = *spec;
}

void gw_xfrm_policy_book_remove(
	struct gw_xfrm_policy_book *book, struct gw_xfrm_policy_record *record)
{
	gw_index_remove(&book->by_selector, &record->by_selector);
	gw_index_remove(&book->by_number, &record->by_number);
	TAILQ_REMOVE(&book->records, record, next);
	book->count--;
	free(record);
}
