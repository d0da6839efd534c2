// Called by: control core (the database's own files)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "base/reclaim.h"
#include "ipsec/index.h"
#include "ipsec/siphash.h"
#include "spec/sa.h"

// How far the keys of deleted SAs had come. IKE daemons take an SA to another address by deleting
// it and adding it again with the same key; operators delete and add as well. Numbers that start
// again under a key let old packets in here, and the peer drops the new ones as old (RFC 4303
// sections 3.3.3 and 3.4.3). So an SA with such a key goes on where the last one was.

struct gw_sa;
struct rte_rcu_qsbr;

#define GW_TOMBSTONE_NUMBERS 512 // inbound: what is behind the newest so many counts as received

struct gw_tombstone;

struct gw_tombstones {
	struct gw_index index;
	TAILQ_HEAD(, gw_tombstone) queue; // that which was buried first is first
	uint32_t count;
	uint32_t limit; // the oldest go beyond it
	struct rte_rcu_qsbr *qsbr;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
};

// 0 or -ENOMEM.
int gw_tombstones_init(struct gw_tombstones *book, uint32_t limit, struct rte_rcu_qsbr *qsbr,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES]);
void gw_tombstones_fini(struct gw_tombstones *book);

// Which SAs must go on from one another: those of this name.
struct gw_siphash gw_tombstone_name(
	const struct gw_tombstones *book, const struct gw_sa_spec *spec);

// What a burial needs, so that it cannot fail: staged with the deletion. NULL: no memory.
struct gw_tombstone *gw_tombstone_new(void);
void gw_tombstone_free(struct gw_tombstone *tombstone); // not buried; NULL is allowed

// Takes sa, which workers may still hold, and frees it after the grace period; takes tombstone.
void gw_tombstone_bury(struct gw_tombstones *book, struct gw_tombstone *tombstone,
	const struct gw_siphash *name, struct gw_sa *sa, struct gw_reclaim *reclaim);

// Raises the state in spec, an SA about to be added, to what is known of its name: sequence and
// bitmap, which spec then owns. Nothing that was received becomes new, and no number is lower than
// it was. Waits for the workers where the last SA may still be in their hands. 0 or -ENOMEM.
int gw_tombstone_raise(
	struct gw_tombstones *book, const struct gw_siphash *name, struct gw_sa_spec *spec);
