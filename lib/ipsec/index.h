// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

// An intrusive hash table of the control core's records. The number of buckets is fixed when it is
// made, after the limits in the configuration, so that no insertion ever stops to move a million
// records; each operation costs a short chain. Records with equal hashes stand in one chain and the
// caller compares what they are.

struct gw_index_link {
	struct gw_index_link *next;
	uint64_t hash;
};

struct gw_index {
	struct gw_index_link **buckets;
	uint64_t mask;
};

// expected: how many records there may be; more only make chains longer. 0 or -ENOMEM.
int gw_index_init(struct gw_index *index, uint32_t expected);
void gw_index_fini(struct gw_index *index);

void gw_index_insert(struct gw_index *index, struct gw_index_link *link, uint64_t hash);
// link is in the table.
void gw_index_remove(struct gw_index *index, struct gw_index_link *link);

// The records with that hash, the one inserted last first; NULL ends them.
struct gw_index_link *gw_index_first(const struct gw_index *index, uint64_t hash);
struct gw_index_link *gw_index_next(const struct gw_index_link *link);
