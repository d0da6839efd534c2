// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/reclaim.h"
#include "base/txn.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"
#include "spec/sa_update.h"

// The control core's record of SAs and policies: what exists, who added it, what a change may
// touch. It publishes to SAD and SPD when a transaction commits.

struct gw_ipsec_db;
struct gw_interface_table;

enum gw_origin { GW_ORIGIN_BUILTIN, GW_ORIGIN_CONFIG, GW_ORIGIN_CONTROL, GW_ORIGIN_XFRM };
extern const char *const gw_origin_words[]; // "builtin", "config", "control", "xfrm"

enum gw_ipsec_change {
	GW_IPSEC_SA_ADDED,
	GW_IPSEC_SA_DELETED,
	GW_IPSEC_SA_UPDATED,
	GW_IPSEC_POLICY_ADDED,
	GW_IPSEC_POLICY_DELETED,
};

struct gw_ipsec_db_options {
	uint32_t max_sas;
	uint32_t max_policies;
	uint32_t spi_hold_seconds; // how long an SPI that was allocated waits for its SA
	unsigned int workers;
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	// Told after each committed change; may be NULL. sa or policy is the one changed. A whole
	// transaction is in force before the first call, which must not change the database.
	void (*changed)(void *ctx, enum gw_ipsec_change change, struct gw_sa *sa,
		const struct gw_policy_spec *policy);
	void *ctx;
};

struct gw_ipsec_db *gw_ipsec_db_new(
	const struct gw_ipsec_db_options *options, struct gw_error *err);
// After the workers have stopped, with no transaction open. options.reclaim is freed afterwards.
void gw_ipsec_db_free(struct gw_ipsec_db *db);

// What the workers read.
struct gw_sad *gw_ipsec_db_sad(struct gw_ipsec_db *db);
struct gw_spd *gw_ipsec_db_spd(struct gw_ipsec_db *db, enum gw_direction direction);

// The numbers of the if_ids in use: SAs and policies refer to them, and so may others.
struct gw_interface_table *gw_ipsec_db_interfaces(struct gw_ipsec_db *db);

// Changes, staged in txn: 0 or a negative errno with err filled and nothing staged. -EEXIST: one
// alike exists (an SA with the same id, or an outbound one with the same key); -ENOENT: there is
// none; -ENOSPC: the limit is reached; -EBUSY: another transaction is open. A staged change is seen
// by later ones of the same transaction.
//
// Workers see a transaction's additions before its deletions, and its policies of a direction
// change at one moment, so that deleting and adding again is a replacement without a gap. Only when
// an outbound SA takes over a counter-mode key from one that is deleted, commit waits for the
// workers to let go of that one, and the new one's sequence goes on where the old one's ended.
//
// An SA whose key another one had that was deleted before goes on where that one was, or where spec
// says if that is later (ipsec/tombstone.h).
int gw_sa_add(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_spec *spec,
	enum gw_origin origin, struct gw_error *err);
int gw_sa_delete(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_id *id,
	struct gw_error *err);
// Changes the SA in place: the same numbers, window and counters go on. One of the configuration
// belongs to the control socket from then on. -EINVAL besides when the update does not suit the SA.
int gw_sa_update(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_update *update,
	struct gw_error *err);
int gw_policy_add(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_policy_spec *spec,
	enum gw_origin origin, struct gw_error *err);
int gw_policy_delete(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_policy_id *id,
	struct gw_error *err);

// A free random inbound SPI (RFC 4301 section 4.4.2.1) as wanted. It stays set aside until an SA
// takes it or spi_hold_seconds have passed. -ENOSPC with err filled when none is found.
struct gw_spi_wanted {
	struct gw_addr destination;
	enum gw_protocol protocol; // ESP and AH have SPIs of their own
	uint32_t first, last;      // of the range; GW_FIRST_SPI at least
};
int gw_spi_allocate(struct gw_ipsec_db *db, const struct gw_spi_wanted *wanted, uint32_t *spi,
	struct gw_error *err);
// Whether id, of an inbound SA that is none yet, is set aside; release ends that, and tells whether
// it was.
bool gw_spi_is_held(const struct gw_ipsec_db *db, const struct gw_sa_id *id);
bool gw_spi_release(struct gw_ipsec_db *db, const struct gw_sa_id *id);
// Forgets SPIs that were set aside and never taken; call it now and then.
void gw_spi_expire(struct gw_ipsec_db *db);

// NULL when there is none. Staged and uncommitted ones are not seen.
struct gw_sa *gw_sa_find(struct gw_ipsec_db *db, const struct gw_sa_id *id);

// Lets workers find an outbound SA by its id, with direction in the key's reserved member, until it
// is deleted or updated. 0, -ENOENT or -ENOSPC.
int gw_sa_reach(struct gw_ipsec_db *db, const struct gw_sa_id *id, struct gw_error *err);

// The SA of the reqid, of the flow's interface, that carries an outbound packet (ipsec/carrier.h);
// NULL when there is none.
struct gw_sa *gw_sa_carrier(
	struct gw_ipsec_db *db, uint32_t reqid, const struct gw_flow *flow, bool populated);

// Calls visit for each outbound SA of the reqid of that interface, the oldest first; stops when it
// returns non-zero and returns that. visit may stage changes.
int gw_sa_each_out(struct gw_ipsec_db *db, uint32_t reqid, uint16_t interface,
	int (*visit)(void *ctx, const struct gw_sa *sa), void *ctx);

// From now on, at once, the outbound SA of the reqid with that SPI counts as its newest, as long as
// it is there; 0: the one added last does, as it is at first. A peer that has not said yet that it
// takes the new SA of a pair still has to get the old one's packets (RFC 7296 section 2.8).
void gw_sa_prefer(struct gw_ipsec_db *db, uint32_t reqid, uint32_t if_id, uint32_t spi);

struct gw_policy_record {
	struct gw_policy_spec spec;
	enum gw_origin origin;
	struct gw_policy *policy;
};
const struct gw_policy_record *gw_policy_find(
	struct gw_ipsec_db *db, const struct gw_policy_id *id);
uint64_t gw_policy_packets(struct gw_ipsec_db *db, const struct gw_policy *policy);
// What still has no SA may ask for one again (GW_EVENT_ACQUIRE).
void gw_policy_rearm(struct gw_ipsec_db *db);

// Calls visit for each committed one, in the order of their addition (policies: of precedence);
// stops when it returns non-zero and returns that. visit may stage changes. gw_policy_each returns
// -ENOMEM when there is no memory to sort.
int gw_sa_each(struct gw_ipsec_db *db,
	int (*visit)(void *ctx, struct gw_sa *sa, enum gw_origin origin), void *ctx);
int gw_policy_each(struct gw_ipsec_db *db,
	int (*visit)(void *ctx, const struct gw_policy_record *record), void *ctx);
uint32_t gw_sa_count(const struct gw_ipsec_db *db);
uint32_t gw_policy_count(const struct gw_ipsec_db *db);
