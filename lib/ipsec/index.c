// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/index.h"

#include <errno.h>
#include <stdlib.h>

int gw_index_init(struct gw_index *index, uint32_t expected)
{
	uint64_t size = 16;

	while (size < expected)
		size *= 2;
	index->buckets = calloc(size, sizeof(struct gw_index_link *));
	index->mask = size - 1;
	return index->buckets ? 0 : -ENOMEM;
}

void gw_index_fini(struct gw_index *index)
{
	free(index->buckets);
	index->buckets = NULL;
}

void gw_index_insert(struct gw_index *index, struct gw_index_link *link, uint64_t hash)
{
	struct gw_index_link **bucket = &index->buckets[hash & index->mask];

	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
}

void gw_index_remove(struct gw_index *index, struct gw_index_link *link)
{
	struct gw_index_link **at = &index->buckets[link->hash & index->mask];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
}

static struct gw_index_link *skip_to(struct gw_index_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct gw_index_link *gw_index_first(const struct gw_index *index, uint64_t hash)
{
	return skip_to(index->buckets[hash & index->mask], hash);
}

struct gw_index_link *gw_index_next(const struct gw_index_link *link)
{
	return skip_to(link->next, link->hash);
}
