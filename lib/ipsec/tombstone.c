// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/tombstone.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "base/secret.h"
#include "ipsec/sa.h"

struct gw_tombstone {
	struct gw_index_link link;
	TAILQ_ENTRY(gw_tombstone) next;
	struct gw_siphash name;
	struct gw_tombstones *book; // NULL: it has been forgotten
	struct gw_sa *sa;           // workers may still hold it; NULL: what follows is final
	uint64_t top;
	uint8_t bitmap[GW_TOMBSTONE_NUMBERS / 8]; // as in spec/sa.h
};

int gw_tombstones_init(struct gw_tombstones *book, uint32_t limit, struct rte_rcu_qsbr *qsbr,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES])
{
	TAILQ_INIT(&book->queue);
	book->count = 0;
	book->limit = limit;
	book->qsbr = qsbr;
	memcpy(book->secret, secret, sizeof(book->secret));
	return gw_index_init(&book->index, limit);
}

// Of one whose SA waits for its grace period the SA's turn frees the rest.
static void forget(struct gw_tombstone *tombstone)
{
	struct gw_tombstones *book = tombstone->book;

	gw_index_remove(&book->index, &tombstone->link);
	TAILQ_REMOVE(&book->queue, tombstone, next);
	book->count--;
	tombstone->book = NULL;
	if (!tombstone->sa)
		free(tombstone);
}

void gw_tombstones_fini(struct gw_tombstones *book)
{
	struct gw_tombstone *tombstone;

	while ((tombstone = TAILQ_FIRST(&book->queue)))
		forget(tombstone);
	gw_index_fini(&book->index);
	gw_wipe(book->secret, sizeof(book->secret));
}

// Of a counter mode's key all that matters is where it was used last, whatever the SA. Otherwise
// it is the SA that has numbers: its SPI is under the ICV, so that no packet fits another.
struct gw_siphash gw_tombstone_name(const struct gw_tombstones *book, const struct gw_sa_spec *spec)
{
	bool counts =
		spec->direction == GW_DIRECTION_OUT && gw_encryption_counts_ivs(spec->encryption);
	struct {
		uint32_t direction, protocol, spi, encryption_key_bytes;
		uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY];
		uint8_t integrity_key[GW_MAX_INTEGRITY_KEY];
	} input = { .direction = (uint32_t)spec->direction,
		.encryption_key_bytes = spec->encryption_key_bytes };
	struct gw_siphash name;

	memcpy(input.encryption_key, spec->encryption_key, spec->encryption_key_bytes);
	if (!counts) {
		input.protocol = (uint32_t)spec->protocol;
		input.spi = spec->spi;
		memcpy(input.integrity_key, spec->integrity_key, spec->integrity_key_bytes);
	}
	name = gw_siphash_128(book->secret, &input, sizeof(input));
	gw_wipe(&input, sizeof(input));
	return name;
}

struct gw_tombstone *gw_tombstone_new(void)
{
	return calloc(1, sizeof(struct gw_tombstone));
}

void gw_tombstone_free(struct gw_tombstone *tombstone)
{
	free(tombstone);
}

// Without memory everything counts as received, which drops packets and lets none in twice.
static void read_window(const struct gw_replay *replay, struct gw_tombstone *tombstone)
{
	size_t bytes = (replay->window + 7) / 8;
	uint8_t *bitmap = malloc(bytes + 1);

	memset(tombstone->bitmap, 0xff, sizeof(tombstone->bitmap));
	if (!bitmap) {
		tombstone->top = atomic_load_explicit(&replay->top, memory_order_relaxed);
		return;
	}
	gw_replay_read(replay, &tombstone->top, bitmap);
	memcpy(tombstone->bitmap, bitmap, RTE_MIN(bytes, sizeof(tombstone->bitmap)));
	free(bitmap);
}

// No worker holds the SA any more.
static void read_state(const struct gw_sa *sa, struct gw_tombstone *tombstone)
{
	if (sa->replay)
		read_window(sa->replay, tombstone);
	else
		tombstone->top =
			RTE_MIN(atomic_load_explicit(&sa->sequence.used, memory_order_relaxed),
				sa->sequence_last);
}

// Phase two of the SA's removal. One that was never used says nothing.
static void settle(void *object)
{
	struct gw_tombstone *tombstone = object;
	struct gw_sa *sa = tombstone->sa;

	read_state(sa, tombstone);
	tombstone->sa = NULL;
	gw_sa_free(sa);
	if (!tombstone->book)
		free(tombstone);
	else if (tombstone->top == 0)
		forget(tombstone);
}

void gw_tombstone_bury(struct gw_tombstones *book, struct gw_tombstone *tombstone,
	const struct gw_siphash *name, struct gw_sa *sa, struct gw_reclaim *reclaim)
{
	tombstone->name = *name;
	tombstone->book = book;
	tombstone->sa = sa;
	gw_index_insert(&book->index, &tombstone->link, name->low);
	TAILQ_INSERT_TAIL(&book->queue, tombstone, next);
	if (++book->count > book->limit)
		forget(TAILQ_FIRST(&book->queue));
	gw_reclaim_later(reclaim, settle, tombstone);
}

// Numbers received, by how far they are behind the highest.
struct window {
	uint64_t top;
	const uint8_t *bitmap; // NULL: all of them
	uint32_t bits;         // of bitmap; beyond, all of them
};

static bool received(const struct window *window, uint64_t number)
{
	uint64_t back = window->top - number;

	if (number > window->top)
		return false;
	return !window->bitmap || back >= window->bits || window->bitmap[back / 8] >> back % 8 & 1;
}

static int raise_window(const struct gw_tombstone *tombstone, struct gw_sa_spec *spec)
{
	const struct window known = { tombstone->top, tombstone->bitmap, GW_TOMBSTONE_NUMBERS };
	const struct window told = { spec->sequence, spec->replay_bitmap,
		spec->replay_bitmap_bytes * 8 };
	uint32_t bytes = (spec->replay_window + 7) / 8;
	uint64_t top = RTE_MAX(known.top, told.top);
	uint8_t *bitmap = calloc(1, bytes + 1);

	if (!bitmap)
		return -ENOMEM;
	for (uint32_t back = 0; back < spec->replay_window && back < top; back++)
		if (received(&known, top - back) || received(&told, top - back))
			bitmap[back / 8] |= (uint8_t)(1u << back % 8);
	free(spec->replay_bitmap);
	spec->sequence = top;
	spec->replay_bitmap = bitmap;
	spec->replay_bitmap_bytes = bytes;
	return 0;
}

int gw_tombstone_raise(
	struct gw_tombstones *book, const struct gw_siphash *name, struct gw_sa_spec *spec)
{
	struct gw_index_link *link = gw_index_first(&book->index, name->low);
	int rc = 0;

	for (; link && rc == 0; link = gw_index_next(link)) {
		struct gw_tombstone *tombstone = container_of(link, struct gw_tombstone, link);

		if (tombstone->name.high != name->high)
			continue;
		if (tombstone->sa) {
			rte_rcu_qsbr_synchronize(book->qsbr, RTE_QSBR_THRID_INVALID);
			read_state(tombstone->sa, tombstone);
		}
		if (spec->direction == GW_DIRECTION_OUT)
			spec->sequence = RTE_MAX(spec->sequence, tombstone->top);
		else if (tombstone->top)
			rc = raise_window(tombstone, spec);
	}
	return rc;
}
