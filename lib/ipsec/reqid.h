// Called by: control core (the database's own files)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "base/reclaim.h"
#include "ipsec/index.h"
#include "ipsec/sad.h"
#include "ipsec/siphash.h"

// The reqids in use: where outbound PROTECT policies and outbound SAs meet. Each interface has
// reqids of its own (ipsec/interface.h).
//
// A reqid exists while a policy or an SA refers to it; each holds one reference, from staging on.
// The SAs that carry its traffic stand in order of their addition, but the one that a policy names
// by its SPI counts as the newest. Workers find the last of them; or, where some have selectors of
// their own, a list (ipsec/carrier.h).

struct gw_db_sa;

struct gw_reqid_entry {
	struct gw_reqid reqid; // what workers see
	// control: rw, worker: never; changes only when SAs and policies do, so it may stand in the
	// same line
	struct gw_index_link link;
	uint32_t references;
	struct gw_reclaim *reclaim;                    // of the table
	TAILQ_HEAD(gw_db_carriers, gw_db_sa) carriers; // committed outbound SAs, newest last
	uint32_t narrow;                               // how many of them have selectors
	uint32_t preferred; // SPI of the one that stands last while it is there; 0: none
};

struct gw_reqid_table {
	struct gw_index index;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
	struct gw_reclaim *reclaim; // the caller's
};

// expected: how many reqids there may be. 0 or -ENOMEM.
int gw_reqid_table_init(struct gw_reqid_table *table, uint32_t expected,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES], struct gw_reclaim *reclaim);
void gw_reqid_table_fini(struct gw_reqid_table *table); // every reference has been given back

// Takes a reference; makes the reqid when nobody referred to it. NULL when there is no memory.
struct gw_reqid_entry *gw_reqid_get(struct gw_reqid_table *table, uint32_t id, uint16_t interface);
// Gives a reference back. The last one takes the reqid out of the table (phase one); workers may
// hold it through a policy that was withdrawn before.
void gw_reqid_put(struct gw_reqid_table *table, struct gw_reqid_entry *entry);

// Without a reference; NULL when nobody refers to it.
struct gw_reqid_entry *gw_reqid_find(
	const struct gw_reqid_table *table, uint32_t id, uint16_t interface);

// From now on the SA with that SPI counts as the newest, while it is there; 0: none does.
void gw_reqid_prefer(struct gw_reqid_entry *entry, uint32_t spi);

// Publishes sa as the newest.
void gw_reqid_attach(struct gw_reqid_entry *entry, struct gw_db_sa *record);
// Phase one of removal: the next newest takes over, or none.
void gw_reqid_detach(struct gw_reqid_entry *entry, struct gw_db_sa *record);
