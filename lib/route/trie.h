// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/reclaim.h"
#include "net/addr.h"

// Longest prefix match from addresses of one family to numbers, changed in place under its readers.
// A reader finds the old or the new number of a route that is being changed, and the unchanged
// number of every other. 0 stands for no route.
struct gw_trie;

// Control core. max_routes: prefixes that are prepared or set at the same time. NULL: no memory.
struct gw_trie *gw_trie_new(uint8_t family, uint32_t max_routes, struct gw_reclaim *reclaim);
// No reader is left.
void gw_trie_free(struct gw_trie *trie);

// Control core. Makes room for prefix, so that set and clear cannot fail until unprepare; changes
// no answer. Counted: as many unprepare as prepare. 0, -ENOSPC (max_routes) or -ENOMEM.
int gw_trie_prepare(struct gw_trie *trie, const struct gw_prefix *prefix);
void gw_trie_unprepare(struct gw_trie *trie, const struct gw_prefix *prefix);

// Control core. Sets or replaces a route. 0, -ENOSPC or -ENOMEM: then nothing has changed.
int gw_trie_set(struct gw_trie *trie, const struct gw_prefix *prefix, uint32_t value);
// 0, or -ENOENT.
int gw_trie_clear(struct gw_trie *trie, const struct gw_prefix *prefix);

// Control core: bytes of memory the tables take now.
uint64_t gw_trie_bytes(const struct gw_trie *trie);

// Worker, between quiescent states. addresses point at 4 or 16 bytes in network order.
void gw_trie_lookup(const struct gw_trie *trie, const uint8_t *const *addresses, unsigned int count,
	uint32_t *values);
