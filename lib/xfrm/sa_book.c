// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/sa_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include <rte_common.h>

#include "base/secret.h"
#include "ipsec/index.h"
#include "ipsec/siphash.h"

struct entry {
	struct gw_index_link link;
	TAILQ_ENTRY(entry) next;
	struct gw_sa_id id;
	struct gw_xfrm_sa_extra extra;
};

struct gw_xfrm_sa_book {
	struct gw_index index;
	TAILQ_HEAD(, entry) entries;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
};

struct gw_xfrm_sa_book *gw_xfrm_sa_book_new(uint32_t expected)
{
	struct gw_xfrm_sa_book *book = calloc(1, sizeof(*book));

	if (!book)
		return NULL;
	TAILQ_INIT(&book->entries);
	if (getrandom(book->secret, sizeof(book->secret), 0) != sizeof(book->secret) ||
		gw_index_init(&book->index, expected) != 0) {
		free(book);
		return NULL;
	}
	return book;
}

static void drop(struct gw_xfrm_sa_book *book, struct entry *entry)
{
	gw_index_remove(&book->index, &entry->link);
	TAILQ_REMOVE(&book->entries, entry, next);
	gw_wipe(entry, sizeof(*entry));
	free(entry);
}

void gw_xfrm_sa_book_free(struct gw_xfrm_sa_book *book)
{
	struct entry *entry;

	if (!book)
		return;
	while ((entry = TAILQ_FIRST(&book->entries)))
		drop(book, entry);
	gw_index_fini(&book->index);
	free(book);
}

// Without the destination, which a change in place gives another value.
static uint64_t hash_of(const struct gw_xfrm_sa_book *book, const struct gw_sa_id *id)
{
	uint8_t bytes[6] = { (uint8_t)id->direction, (uint8_t)id->protocol };

	memcpy(bytes + 2, &id->spi, sizeof(id->spi));
	return gw_siphash_128(book->secret, bytes, sizeof(bytes)).low;
}

static struct entry *find(const struct gw_xfrm_sa_book *book, const struct gw_sa_id *id)
{
	struct gw_index_link *link = gw_index_first(&book->index, hash_of(book, id));

	for (; link; link = gw_index_next(link)) {
		struct entry *entry = container_of(link, struct entry, link);

		if (gw_sa_id_equal(&entry->id, id))
			return entry;
	}
	return NULL;
}

const struct gw_xfrm_sa_extra *gw_xfrm_sa_book_find(
	const struct gw_xfrm_sa_book *book, const struct gw_sa_id *id)
{
	struct entry *entry = find(book, id);

	return entry ? &entry->extra : NULL;
}

int gw_xfrm_sa_book_put(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id,
	const struct gw_xfrm_sa_extra *extra)
{
	struct entry *entry = find(book, id);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->id = *id;
		gw_index_insert(&book->index, &entry->link, hash_of(book, id));
		TAILQ_INSERT_TAIL(&book->entries, entry, next);
	}
	entry->extra = *extra;
	return 0;
}

void gw_xfrm_sa_book_follow(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id,
	bool (*is_there)(void *ctx, const struct gw_sa_id *id), void *ctx)
{
	struct gw_index_link *link = gw_index_first(&book->index, hash_of(book, id));

	if (find(book, id))
		return;
	for (; link; link = gw_index_next(link)) {
		struct entry *entry = container_of(link, struct entry, link);

		if (entry->id.direction == id->direction && entry->id.protocol == id->protocol &&
			entry->id.spi == id->spi && !is_there(ctx, &entry->id)) {
			entry->id = *id;
			return;
		}
	}
}

void gw_xfrm_sa_book_remove(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id)
{
	struct entry *entry = find(book, id);

	if (entry)
		drop(book, entry);
}
