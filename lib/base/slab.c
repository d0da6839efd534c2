// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/slab.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/secret.h"

// A chunk begins at a multiple of its size, so that an object tells its chunk by its address. What
// is given back is wiped, so that beyond the link to the next one everything free is zero.

#define HEAP_HEADER  128 // of any heap, left free so that chunks lie end to end
#define FIRST_OBJECT 64u // behind the chunk's own
#ifdef __SANITIZE_ADDRESS__
#define PRIVATE_CLASSES 0 // the sanitizer watches each object of the heap
#else
#define PRIVATE_CLASSES GW_SLAB_MOST_CLASSES
#endif

struct freed {
	struct freed *next;
};

struct gw_slab_chunk {
	LIST_ENTRY(gw_slab_chunk) link; // of its class's open ones, or of the spare ones
	struct gw_slab *slab;
	struct freed *freed;
	uint32_t fresh; // where those begin that were never in use, in bytes from the chunk's start
	uint32_t used;  // objects
};
static_assert(sizeof(struct gw_slab_chunk) <= FIRST_OBJECT, "the first object follows");

static void *take_private(size_t bytes, size_t alignment)
{
	void *memory;

	if (!alignment)
		return calloc(1, bytes);
	if (posix_memalign(&memory, alignment, bytes) != 0)
		return NULL;
	return memset(memory, 0, bytes);
}

struct gw_slab_pool gw_slab_private = {
	.grain = 16,
	.classes = PRIVATE_CLASSES,
	.chunk_bytes = 64u << 10,
	.most_spares = 256,
	.take = take_private,
	.give = free,
};

// The class of objects of so many bytes: their number of grains less one.
static size_t class_of(const struct gw_slab_pool *pool, size_t bytes)
{
	return bytes ? (bytes - 1) / pool->grain : 0;
}

static uint32_t size_of(const struct gw_slab_pool *pool, const struct gw_slab *slab)
{
	return (uint32_t)(slab - pool->slabs + 1) * pool->grain;
}

static uint32_t usable(const struct gw_slab_pool *pool)
{
	return pool->chunk_bytes - HEAP_HEADER;
}

static bool is_full(const struct gw_slab_pool *pool, const struct gw_slab_chunk *chunk)
{
	return !chunk->freed && chunk->fresh + size_of(pool, chunk->slab) > usable(pool);
}

// Opens one more chunk for the class. NULL when there is no memory.
static struct gw_slab_chunk *open_chunk(struct gw_slab_pool *pool, struct gw_slab *slab)
{
	struct gw_slab_chunk *chunk = LIST_FIRST(&pool->spares);

	if (chunk) {
		LIST_REMOVE(chunk, link);
		pool->spare_count--;
	} else {
		chunk = pool->take(usable(pool), pool->chunk_bytes);
		if (!chunk)
			return NULL;
		pool->chunks++;
	}
	chunk->slab = slab;
	chunk->freed = NULL;
	chunk->fresh = FIRST_OBJECT;
	chunk->used = 0;
	LIST_INSERT_HEAD(&slab->open, chunk, link);
	return chunk;
}

// Nothing of it is in use, and it stands in no list.
static void close_chunk(struct gw_slab_pool *pool, struct gw_slab_chunk *chunk)
{
	if (pool->spare_count == pool->most_spares) {
		pool->give(chunk);
		pool->chunks--;
		return;
	}
	memset((uint8_t *)chunk + FIRST_OBJECT, 0, chunk->fresh - FIRST_OBJECT);
	LIST_INSERT_HEAD(&pool->spares, chunk, link);
	pool->spare_count++;
}

void *gw_slab_take(struct gw_slab_pool *pool, size_t bytes)
{
	size_t class = class_of(pool, bytes);
	struct gw_slab *slab;
	struct gw_slab_chunk *chunk;
	void *object;

	if (class >= pool->classes)
		return pool->take(bytes, 0);
	slab = &pool->slabs[class];
	chunk = LIST_FIRST(&slab->open);
	if (!chunk)
		chunk = open_chunk(pool, slab);
	if (!chunk)
		return NULL;
	object = chunk->freed;
	if (object) {
		chunk->freed = chunk->freed->next;
		((struct freed *)object)->next = NULL;
	} else {
		object = (uint8_t *)chunk + chunk->fresh;
		chunk->fresh += size_of(pool, slab);
	}
	chunk->used++;
	pool->objects++;
	pool->object_bytes += size_of(pool, slab);
	if (is_full(pool, chunk))
		LIST_REMOVE(chunk, link);
	return object;
}

void gw_slab_give(struct gw_slab_pool *pool, void *object, size_t bytes)
{
	struct freed *freed = object;
	struct gw_slab_chunk *chunk;

	if (!object)
		return;
	gw_wipe(object, bytes);
	if (class_of(pool, bytes) >= pool->classes) {
		pool->give(object);
		return;
	}
	chunk = (struct gw_slab_chunk *)((uintptr_t)object & ~(uintptr_t)(pool->chunk_bytes - 1));
	if (is_full(pool, chunk))
		LIST_INSERT_HEAD(&chunk->slab->open, chunk, link);
	pool->objects--;
	pool->object_bytes -= size_of(pool, chunk->slab);
	freed->next = chunk->freed;
	chunk->freed = freed;
	if (--chunk->used == 0) {
		LIST_REMOVE(chunk, link);
		close_chunk(pool, chunk);
	}
}
