// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "ipsec/spd_table.h"
#include "net/addr.h"

// The shapes of the SPD: which masks there are, and how good the best entry behind each is. The
// entries of a shape stand in a heap, so that the best is known when any of them goes.

struct gw_spd_shape {
	uint64_t mask[GW_SPD_FLOW_WORDS];
	uint64_t id;
	struct gw_spd_entry **heap; // no entry ranks before the one at (its place - 1) / 2
	uint32_t count;
	uint32_t room;
	uint32_t place; // among the shapes of its family
};

// Writes the key of policy for one pair of prefixes that its selector splits into, and the mask
// behind which flows meet it.
void gw_spd_key_make(const struct gw_policy *policy, const struct gw_prefix *source,
	const struct gw_prefix *destination, struct gw_spd_key *key,
	uint64_t mask[GW_SPD_FLOW_WORDS]);

// Counts entry in the shape of its key, which is made if it is the first. 0, or -ENOMEM and nothing
// changed.
int gw_spd_shape_add(struct gw_spd_shapes *shapes, const uint64_t mask[GW_SPD_FLOW_WORDS],
	struct gw_spd_entry *entry);
// The shape goes with its last entry.
void gw_spd_shape_drop(struct gw_spd_shapes *shapes, struct gw_spd_entry *entry);

// The shapes of this moment, best first; a piece of memory for free(). NULL when there is none.
struct gw_spd_views *gw_spd_views_make(const struct gw_spd_shapes *shapes);

// Frees what shapes holds.
void gw_spd_shapes_fini(struct gw_spd_shapes *shapes);
