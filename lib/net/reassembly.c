// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A datagram is found by a hash table of chains, as many chains as there can be datagrams. It
// stands in two more lists: that of all by age, which is the order in which times run out, and that
// of its source by age. Sources are not told apart but by their hash, as they would cost memory:
// those that share a slot share its bound.

#include "net/reassembly.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SOURCES 1024 // a power of two

struct piece {
	TAILQ_ENTRY(piece) entry; // of its datagram by offset, or of those that are free
	uint32_t offset;
	uint32_t end;
	bool last;
	void *packet;
};
TAILQ_HEAD(pieces, piece);

struct datagram {
	TAILQ_ENTRY(datagram) age; // or of those that are free
	TAILQ_ENTRY(datagram) of_source;
	LIST_ENTRY(datagram) chain;
	struct gw_reassembly_key key;
	uint64_t deadline_ns;
	struct source *source;
	struct pieces pieces;
	uint32_t count; // of pieces
	uint32_t bytes; // that they hold
	uint32_t end;   // of the payload; 0: not known yet
	bool given_up;
};
TAILQ_HEAD(datagrams, datagram);
LIST_HEAD(chain, datagram);

struct source {
	struct datagrams datagrams;
	uint32_t cost; // datagrams, and their pieces
};

struct gw_reassembly {
	struct gw_reassembly_options options;
	uint32_t share; // of one source: its cost at most
	uint32_t mask;  // chains - 1
	uint32_t waiting;
	struct datagrams by_age;
	struct datagrams free_datagrams;
	struct pieces free_pieces;
	struct source sources[SOURCES];
	struct chain *chains;
	struct piece *piece_memory;
	struct datagram *datagram_memory;
};

// What goes with the caller's packets where they are handed back.
struct way_out {
	gw_reassembly_release release;
	void *ctx;
};

struct gw_reassembly *gw_reassembly_new(const struct gw_reassembly_options *options)
{
	struct gw_reassembly *table = calloc(1, sizeof(*table));
	uint32_t chains = 1;

	if (!table)
		return NULL;
	while (chains < options->pieces)
		chains *= 2;
	table->options = *options;
	table->mask = chains - 1;
	// Always room for one whole datagram and another one that it may push out.
	table->share = options->pieces / 4;
	if (table->share < GW_REASSEMBLY_PIECES + 2)
		table->share = GW_REASSEMBLY_PIECES + 2;
	table->chains = calloc(chains, sizeof(*table->chains));
	table->piece_memory = calloc(options->pieces, sizeof(*table->piece_memory));
	table->datagram_memory = calloc(options->pieces, sizeof(*table->datagram_memory));
	TAILQ_INIT(&table->by_age);
	TAILQ_INIT(&table->free_datagrams);
	TAILQ_INIT(&table->free_pieces);
	for (unsigned int i = 0; i < SOURCES; i++)
		TAILQ_INIT(&table->sources[i].datagrams);
	if (!table->chains || !table->piece_memory || !table->datagram_memory) {
		gw_reassembly_free(table, NULL, NULL);
		return NULL;
	}
	for (uint32_t i = 0; i < options->pieces; i++) {
		TAILQ_INSERT_TAIL(&table->free_pieces, &table->piece_memory[i], entry);
		TAILQ_INSERT_TAIL(&table->free_datagrams, &table->datagram_memory[i], age);
	}
	return table;
}

// Gives the pieces of a datagram back, each packet to out unless that is NULL.
static void clear(struct gw_reassembly *table, struct datagram *datagram, const struct way_out *out,
	enum gw_reassembly_verdict why)
{
	struct piece *piece;

	while ((piece = TAILQ_FIRST(&datagram->pieces))) {
		TAILQ_REMOVE(&datagram->pieces, piece, entry);
		if (out)
			out->release(out->ctx, piece->packet, why);
		TAILQ_INSERT_HEAD(&table->free_pieces, piece, entry);
	}
	datagram->source->cost -= datagram->count;
	table->waiting -= datagram->count;
	datagram->count = 0;
	datagram->bytes = 0;
}

static void forget(struct gw_reassembly *table, struct datagram *datagram,
	const struct way_out *out, enum gw_reassembly_verdict why)
{
	clear(table, datagram, out, why);
	datagram->source->cost--;
	LIST_REMOVE(datagram, chain);
	TAILQ_REMOVE(&datagram->source->datagrams, datagram, of_source);
	TAILQ_REMOVE(&table->by_age, datagram, age);
	TAILQ_INSERT_HEAD(&table->free_datagrams, datagram, age);
}

void gw_reassembly_free(struct gw_reassembly *table, gw_reassembly_release release, void *ctx)
{
	const struct way_out out = { release, ctx };
	struct datagram *datagram;

	if (!table)
		return;
	while ((datagram = TAILQ_FIRST(&table->by_age)))
		forget(table, datagram, &out, GW_REASSEMBLY_EVICTED);
	free(table->chains);
	free(table->piece_memory);
	free(table->datagram_memory);
	free(table);
}

static struct datagram *find(
	const struct gw_reassembly *table, const struct gw_reassembly_fragment *fragment)
{
	struct datagram *datagram;

	LIST_FOREACH (datagram, &table->chains[fragment->hash & table->mask], chain) {
		if (memcmp(&datagram->key, &fragment->key, sizeof(datagram->key)) == 0)
			return datagram;
	}
	return NULL;
}

static struct datagram *first_but(
	struct datagram *first, const struct datagram *spared, struct datagram *second)
{
	return first == spared ? second : first;
}

// Makes room for one more of source: its own oldest goes when it has its share, the oldest of all
// when nothing is free. spared stays.
static void make_room(struct gw_reassembly *table, struct source *source,
	const struct datagram *spared, const struct way_out *out)
{
	while (source->cost >= table->share) {
		struct datagram *oldest = TAILQ_FIRST(&source->datagrams);

		forget(table, first_but(oldest, spared, TAILQ_NEXT(oldest, of_source)), out,
			GW_REASSEMBLY_EVICTED);
	}
	// A new datagram needs a place for itself, one that is there for the next piece.
	while (spared ? TAILQ_EMPTY(&table->free_pieces) : TAILQ_EMPTY(&table->free_datagrams)) {
		struct datagram *oldest = TAILQ_FIRST(&table->by_age);

		forget(table, first_but(oldest, spared, TAILQ_NEXT(oldest, age)), out,
			GW_REASSEMBLY_EVICTED);
	}
}

static struct datagram *open_datagram(struct gw_reassembly *table,
	const struct gw_reassembly_fragment *fragment, uint64_t now_ns, const struct way_out *out)
{
	struct source *source = &table->sources[fragment->source_hash & (SOURCES - 1)];
	struct datagram *datagram;

	make_room(table, source, NULL, out);
	datagram = TAILQ_FIRST(&table->free_datagrams);
	TAILQ_REMOVE(&table->free_datagrams, datagram, age);
	memset(datagram, 0, sizeof(*datagram));
	TAILQ_INIT(&datagram->pieces);
	datagram->key = fragment->key;
	datagram->source = source;
	datagram->deadline_ns = now_ns + table->options.timeout_ns;
	source->cost++;
	LIST_INSERT_HEAD(&table->chains[fragment->hash & table->mask], datagram, chain);
	TAILQ_INSERT_TAIL(&source->datagrams, datagram, of_source);
	TAILQ_INSERT_TAIL(&table->by_age, datagram, age);
	return datagram;
}

// Nothing of the datagram is believed any more; it stays as a mark until its time is up.
static enum gw_reassembly_verdict give_up(struct gw_reassembly *table, struct datagram *datagram,
	const struct way_out *out, enum gw_reassembly_verdict why)
{
	clear(table, datagram, out, why);
	datagram->given_up = true;
	return why;
}

// Where the fragment belongs: *before is the piece in front of it, NULL when it is the first.
static enum gw_reassembly_verdict judge(const struct datagram *datagram,
	const struct gw_reassembly_fragment *fragment, struct piece **before)
{
	uint32_t end = fragment->offset + fragment->bytes;
	struct piece *piece = TAILQ_LAST(&datagram->pieces, pieces), *after = NULL;

	// From the back, because most come in order.
	for (; piece && piece->offset >= fragment->offset; piece = TAILQ_PREV(piece, pieces, entry))
		after = piece;
	*before = piece;
	if (after && after->offset == fragment->offset && after->end == end &&
		after->last == fragment->last)
		return GW_REASSEMBLY_DUPLICATE;
	if ((piece && piece->end > fragment->offset) || (after && after->offset < end))
		return GW_REASSEMBLY_OVERLAP;
	// Two ends, or something behind the end.
	if (datagram->end && (fragment->last || end > datagram->end))
		return GW_REASSEMBLY_OVERLAP;
	if (fragment->last && after)
		return GW_REASSEMBLY_OVERLAP;
	return GW_REASSEMBLY_HELD;
}

static void insert(struct gw_reassembly *table, struct datagram *datagram, struct piece *before,
	const struct gw_reassembly_fragment *fragment)
{
	struct piece *piece = TAILQ_FIRST(&table->free_pieces);

	TAILQ_REMOVE(&table->free_pieces, piece, entry);
	piece->offset = fragment->offset;
	piece->end = fragment->offset + fragment->bytes;
	piece->last = fragment->last;
	piece->packet = fragment->packet;
	if (before)
		TAILQ_INSERT_AFTER(&datagram->pieces, before, piece, entry);
	else
		TAILQ_INSERT_HEAD(&datagram->pieces, piece, entry);
	if (fragment->last)
		datagram->end = piece->end;
	datagram->bytes += fragment->bytes;
	datagram->count++;
	datagram->source->cost++;
	table->waiting++;
}

enum gw_reassembly_verdict gw_reassembly_add(struct gw_reassembly *table,
	const struct gw_reassembly_fragment *fragment, uint64_t now_ns,
	gw_reassembly_release release, void *ctx, void *packets[static GW_REASSEMBLY_PIECES],
	unsigned int *count)
{
	const struct way_out out = { release, ctx };
	enum gw_reassembly_verdict verdict;
	struct datagram *datagram;
	struct piece *before, *piece;

	gw_reassembly_expire(table, now_ns, release, ctx);
	if (!fragment->last && fragment->bytes < GW_REASSEMBLY_LEAST_BYTES)
		return GW_REASSEMBLY_TINY;
	datagram = find(table, fragment);
	if (datagram && datagram->given_up)
		return GW_REASSEMBLY_OVERLAP;
	if (fragment->bytes > table->options.max_bytes ||
		fragment->offset > table->options.max_bytes - fragment->bytes)
		return datagram ? give_up(table, datagram, &out, GW_REASSEMBLY_TOO_LONG)
				: GW_REASSEMBLY_TOO_LONG;
	if (!datagram)
		datagram = open_datagram(table, fragment, now_ns, &out);
	verdict = judge(datagram, fragment, &before);
	if (verdict == GW_REASSEMBLY_DUPLICATE)
		return verdict;
	if (verdict == GW_REASSEMBLY_OVERLAP)
		return give_up(table, datagram, &out, verdict);
	if (datagram->count == GW_REASSEMBLY_PIECES)
		return give_up(table, datagram, &out, GW_REASSEMBLY_TOO_LONG);
	make_room(table, datagram->source, datagram, &out);
	insert(table, datagram, before, fragment);
	// Nothing overlaps and nothing lies behind the end: all bytes are there when their number
	// is.
	if (!datagram->end || datagram->bytes != datagram->end)
		return GW_REASSEMBLY_HELD;
	*count = 0;
	TAILQ_FOREACH (piece, &datagram->pieces, entry)
		packets[(*count)++] = piece->packet;
	forget(table, datagram, NULL, GW_REASSEMBLY_COMPLETE);
	return GW_REASSEMBLY_COMPLETE;
}

void gw_reassembly_expire(
	struct gw_reassembly *table, uint64_t now_ns, gw_reassembly_release release, void *ctx)
{
	const struct way_out out = { release, ctx };
	struct datagram *oldest;

	while ((oldest = TAILQ_FIRST(&table->by_age)) && oldest->deadline_ns <= now_ns)
		forget(table, oldest, &out, GW_REASSEMBLY_TIMEOUT);
}

uint32_t gw_reassembly_waiting(const struct gw_reassembly *table)
{
	return table->waiting;
}
