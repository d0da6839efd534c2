// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

struct gw_spi_held {
	struct gw_index_link link;
	TAILQ_ENTRY(gw_spi_held) next;
	struct gw_sad_key key;
	uint64_t expires_ns;
};

int gw_spi_book_init(struct gw_spi_book *book, uint32_t limit, uint64_t hold_ns,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES])
{
	TAILQ_INIT(&book->queue);
	book->count = 0;
	book->limit = limit;
	book->hold_ns = hold_ns;
	memcpy(book->secret, secret, sizeof(book->secret));
	return gw_index_init(&book->index, limit);
}

void gw_spi_book_fini(struct gw_spi_book *book)
{
	struct gw_spi_held *held;

	while ((held = TAILQ_FIRST(&book->queue))) {
		TAILQ_REMOVE(&book->queue, held, next);
		free(held);
	}
	gw_index_fini(&book->index);
}

static uint64_t hash_key(const struct gw_spi_book *book, const struct gw_sad_key *key)
{
	return gw_siphash_128(book->secret, key, sizeof(*key)).low;
}

static struct gw_spi_held *find(const struct gw_spi_book *book, const struct gw_sad_key *key)
{
	struct gw_index_link *link = gw_index_first(&book->index, hash_key(book, key));

	for (; link; link = gw_index_next(link)) {
		struct gw_spi_held *held = container_of(link, struct gw_spi_held, link);

		if (memcmp(&held->key, key, sizeof(*key)) == 0)
			return held;
	}
	return NULL;
}

static void forget(struct gw_spi_book *book, struct gw_spi_held *held)
{
	gw_index_remove(&book->index, &held->link);
	TAILQ_REMOVE(&book->queue, held, next);
	book->count--;
	free(held);
}

bool gw_spi_book_has(const struct gw_spi_book *book, const struct gw_sad_key *key)
{
	return find(book, key);
}

int gw_spi_book_hold(struct gw_spi_book *book, const struct gw_sad_key *key, uint64_t now_ns)
{
	struct gw_spi_held *held;

	if (book->count >= book->limit)
		return -ENOSPC;
	held = calloc(1, sizeof(*held));
	if (!held)
		return -ENOMEM;
	held->key = *key;
	held->expires_ns = now_ns + book->hold_ns;
	gw_index_insert(&book->index, &held->link, hash_key(book, key));
	TAILQ_INSERT_TAIL(&book->queue, held, next);
	book->count++;
	return 0;
}

void gw_spi_book_take(struct gw_spi_book *book, const struct gw_sad_key *key)
{
	struct gw_spi_held *held = find(book, key);

	if (held)
		forget(book, held);
}

void gw_spi_book_expire(struct gw_spi_book *book, uint64_t now_ns)
{
	struct gw_spi_held *held;

	while ((held = TAILQ_FIRST(&book->queue)) && held->expires_ns <= now_ns)
		forget(book, held);
}
