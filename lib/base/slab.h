// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

// Memory for very many small objects. Those of one size stand side by side in chunks, without a
// header each, which malloc and DPDK's heap (128 bytes) spend on every one; taking and giving back
// costs a few instructions and looks at no neighbours. A chunk of which nothing is in use goes back
// where it came from, but for a few.

#define GW_SLAB_MOST_CLASSES 64

struct gw_slab_chunk;
LIST_HEAD(gw_slab_chunks, gw_slab_chunk);

// The objects of one size.
struct gw_slab {
	struct gw_slab_chunks open; // those that have room
};

struct gw_slab_pool {
	const uint32_t grain;       // bytes: of it sizes are multiples, and addresses too
	const uint32_t classes;     // sizes, from one grain up; what is larger is the heap's
	const uint32_t chunk_bytes; // a power of two
	const uint32_t most_spares; // chunks of which nothing is in use
	// Of the heap: zeroed memory with that alignment (0: the grain's), or NULL; and back.
	void *(*const take)(size_t bytes, size_t alignment);
	void (*const give)(void *memory);

	struct gw_slab slabs[GW_SLAB_MOST_CLASSES];
	struct gw_slab_chunks spares;
	uint32_t spare_count;
	uint32_t chunks;       // of the heap's pieces, these are chunks
	uint32_t objects;      // in chunks and in use
	uint64_t object_bytes; // theirs
};

// Ordinary memory, for objects of the control core; aligned to 16 bytes.
extern struct gw_slab_pool gw_slab_private;
// DPDK's, for objects that workers read or write: aligned to cache lines, shared with no other
// object's.
extern struct gw_slab_pool gw_slab_shared;

// Zeroed; NULL when there is no memory.
void *gw_slab_take(struct gw_slab_pool *pool, size_t bytes);
// Wipes and gives back; bytes as when it was taken. NULL is allowed.
void gw_slab_give(struct gw_slab_pool *pool, void *object, size_t bytes);

// Of the heap's memory, what no object has: to be taken off what the heap says is in use.
static inline uint64_t gw_slab_idle_bytes(const struct gw_slab_pool *pool)
{
	return (uint64_t)pool->chunks * pool->chunk_bytes - pool->object_bytes;
}
