// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "base/secret.h"
#include "ipsec/db_private.h"

// The record of SAs and policies. Only the control core comes here.
//
// A change is staged first: it is checked against what the open transaction will leave behind, its
// memory is allocated, and its record enters the indexes, where workers see nothing of it. An abort
// undoes staging step by step, backwards. A commit collects the steps and acts when the last one
// has come, because the order in which workers should see changes is not that in which they were
// asked for:
//
//   1. Keys move. Where an outbound SA goes and another with the same counter-mode key comes, the
//      old one is withdrawn and has its grace period before the new one starts where it ended: an
//      IV must not be used twice (RFC 4106 section 3.1).
//   2. Inbound SAs go that are not replaced by one with the same id, which makes room in the SAD.
//   3. SAs come; a replaced inbound one is exchanged in place.
//      Updates are applied to the SAs themselves; inbound ones enter the SAD under their new id
//      before they leave it under the old one.
//   4. Policies come and go, now that their SAs are there: all of a direction at one moment, so
//   that
//      no packet finds a gap between a policy and its replacement and goes out in clear.
//   5. Outbound SAs go: every packet has met the newer one since step 3.
//   6. Listeners are told, in the order of asking, and what was withdrawn is handed to reclaim.
//
// A record that the same transaction adds and deletes is never published.

// Updates in one transaction; more make the chains of their index longer.
#define UPDATES_EXPECTED 4096
#define LEAST_TOMBSTONES 4096u

const char *const gw_origin_words[] = { "builtin", "config", "control", "xfrm", NULL };

int gw_db_open(struct gw_ipsec_db *db, struct gw_txn *txn, struct gw_error *err)
{
	if (db->pending && db->txn != txn)
		return gw_error_set(err, EBUSY,
			"another transaction on SAs and policies is open: try again when it is "
			"over");
	return 0;
}

static struct gw_db_sa *sa_of(struct gw_db_change *change)
{
	return change->kind == GW_IPSEC_SA_ADDED ? container_of(change, struct gw_db_sa, added)
						 : container_of(change, struct gw_db_sa, deleted);
}

static struct gw_db_policy *policy_of(struct gw_db_change *change)
{
	return change->kind == GW_IPSEC_POLICY_ADDED
		       ? container_of(change, struct gw_db_policy, added)
		       : container_of(change, struct gw_db_policy, deleted);
}

static void move_keys(struct gw_ipsec_db *db, struct gw_db_changes *changes)
{
	struct gw_db_change *change;
	bool moved = false;

	STAILQ_FOREACH (change, changes, next)
		if (change->kind == GW_IPSEC_SA_DELETED)
			moved |= gw_db_sa_has_successor(db, sa_of(change));
	if (!moved)
		return;
	rte_rcu_qsbr_synchronize(db->options.qsbr, RTE_QSBR_THRID_INVALID);
	STAILQ_FOREACH (change, changes, next)
		if (change->kind == GW_IPSEC_SA_DELETED)
			gw_db_sa_hand_over(sa_of(change));
}

static void for_each_sa(struct gw_ipsec_db *db, struct gw_db_changes *changes,
	enum gw_ipsec_change kind, void (*act)(struct gw_ipsec_db *db, struct gw_db_sa *record))
{
	struct gw_db_change *change;

	STAILQ_FOREACH (change, changes, next)
		if (change->kind == kind)
			act(db, sa_of(change));
}

static void for_each_policy(struct gw_ipsec_db *db, struct gw_db_changes *changes,
	enum gw_ipsec_change kind, void (*act)(struct gw_ipsec_db *db, struct gw_db_policy *record))
{
	struct gw_db_change *change;

	STAILQ_FOREACH (change, changes, next)
		if (change->kind == kind)
			act(db, policy_of(change));
}

static bool has_policies(struct gw_db_changes *changes, enum gw_direction direction)
{
	struct gw_db_change *change;

	STAILQ_FOREACH (change, changes, next)
		if ((change->kind == GW_IPSEC_POLICY_ADDED ||
			    change->kind == GW_IPSEC_POLICY_DELETED) &&
			policy_of(change)->record.spec.direction == direction)
			return true;
	return false;
}

// An SPD in which nothing changes is left alone, and the workers' flow caches with it.
static void change_policies(struct gw_ipsec_db *db, struct gw_db_changes *changes)
{
	const bool touched[] = {
		[GW_DIRECTION_IN] = has_policies(changes, GW_DIRECTION_IN),
		[GW_DIRECTION_OUT] = has_policies(changes, GW_DIRECTION_OUT),
	};

	for (int direction = GW_DIRECTION_IN; direction <= GW_DIRECTION_OUT; direction++)
		if (touched[direction])
			gw_spd_begin(db->spds[direction]);
	for_each_policy(db, changes, GW_IPSEC_POLICY_ADDED, gw_db_policy_publish);
	for_each_policy(db, changes, GW_IPSEC_POLICY_DELETED, gw_db_policy_withdraw);
	for (int direction = GW_DIRECTION_IN; direction <= GW_DIRECTION_OUT; direction++)
		if (touched[direction])
			gw_spd_commit(db->spds[direction]);
}

static void tell(const struct gw_ipsec_db *db, enum gw_ipsec_change kind, struct gw_sa *sa,
	const struct gw_policy_spec *policy)
{
	if (db->options.changed)
		db->options.changed(db->options.ctx, kind, sa, policy);
}

static void tell_and_release(struct gw_ipsec_db *db, struct gw_db_change *change)
{
	struct gw_db_policy *policy;
	struct gw_db_update *update;
	struct gw_db_sa *sa;

	switch (change->kind) {
	case GW_IPSEC_SA_ADDED:
	case GW_IPSEC_SA_DELETED:
		sa = sa_of(change);
		if (sa->state.committed)
			tell(db, change->kind, sa->sa, NULL);
		if (change->kind == GW_IPSEC_SA_DELETED)
			gw_db_sa_release(db, sa);
		break;
	case GW_IPSEC_SA_UPDATED:
		update = gw_db_update_of(change);
		// Of one that the same transaction deletes the deletion tells.
		if (update->record && update->record->state.committed)
			tell(db, change->kind, update->record->sa, NULL);
		free(update);
		break;
	case GW_IPSEC_POLICY_ADDED:
	case GW_IPSEC_POLICY_DELETED:
		policy = policy_of(change);
		if (policy->state.committed)
			tell(db, change->kind, NULL, &policy->record.spec);
		if (change->kind == GW_IPSEC_POLICY_DELETED)
			gw_db_policy_release(db, policy);
		break;
	}
}

static void apply_updates(struct gw_ipsec_db *db, struct gw_db_changes *changes)
{
	struct gw_db_change *change;

	STAILQ_FOREACH (change, changes, next)
		if (change->kind == GW_IPSEC_SA_UPDATED)
			gw_db_update_apply(db, gw_db_update_of(change));
}

static void finish(struct gw_ipsec_db *db)
{
	struct gw_db_changes changes = STAILQ_HEAD_INITIALIZER(changes);
	struct gw_db_change *change;

	STAILQ_CONCAT(&changes, &db->committing);
	move_keys(db, &changes);
	for_each_sa(db, &changes, GW_IPSEC_SA_DELETED, gw_db_sa_clear_way);
	for_each_sa(db, &changes, GW_IPSEC_SA_ADDED, gw_db_sa_publish);
	apply_updates(db, &changes);
	change_policies(db, &changes);
	for_each_sa(db, &changes, GW_IPSEC_SA_DELETED, gw_db_sa_withdraw);
	while ((change = STAILQ_FIRST(&changes))) {
		STAILQ_REMOVE_HEAD(&changes, next);
		tell_and_release(db, change);
	}
}

static void step_commit(void *owner, void *item)
{
	struct gw_ipsec_db *db = owner;
	struct gw_db_change *change = item;

	STAILQ_INSERT_TAIL(&db->committing, change, next);
	if (--db->pending == 0)
		finish(db);
}

static void step_abort(void *owner, void *item)
{
	struct gw_ipsec_db *db = owner;
	struct gw_db_change *change = item;

	db->pending--;
	switch (change->kind) {
	case GW_IPSEC_SA_ADDED:
		gw_db_sa_unadd(db, sa_of(change));
		break;
	case GW_IPSEC_SA_DELETED:
		gw_db_sa_undelete(db, sa_of(change));
		break;
	case GW_IPSEC_SA_UPDATED:
		gw_db_update_undo(db, gw_db_update_of(change));
		break;
	case GW_IPSEC_POLICY_ADDED:
		gw_db_policy_unadd(db, policy_of(change));
		break;
	case GW_IPSEC_POLICY_DELETED:
		gw_db_policy_undelete(db, policy_of(change));
		break;
	}
}

int gw_db_stage(struct gw_ipsec_db *db, struct gw_txn *txn, struct gw_db_change *change,
	struct gw_error *err)
{
	const struct gw_txn_step step = { step_commit, step_abort, db, change };

	if (gw_txn_add(txn, &step) != 0)
		return gw_error_set(err, ENOMEM, "no memory for the transaction");
	db->txn = txn;
	db->pending++;
	return 0;
}

// Twice the policies, because a transaction that replaces all of them has both in the SPD for a
// moment (check_new in db_policy.c).
static int make_tables(struct gw_ipsec_db *db, struct gw_error *err)
{
	static unsigned int serial; // DPDK wants a name of its own for each table
	const struct gw_ipsec_db_options *options = &db->options;
	uint32_t spd_size = (uint32_t)RTE_MIN(UINT64_C(2) * options->max_policies, UINT32_MAX);
	char name[16];

	snprintf(name, sizeof(name), "sad%u", serial);
	db->sad = gw_sad_new(name, options->max_sas, options->qsbr, err);
	if (!db->sad)
		return -ENOMEM;
	for (int direction = GW_DIRECTION_IN; direction <= GW_DIRECTION_OUT; direction++) {
		snprintf(name, sizeof(name), "spd_%s%u", gw_direction_words[direction], serial);
		db->spds[direction] =
			gw_spd_new(name, spd_size, options->qsbr, options->reclaim, err);
		if (!db->spds[direction])
			return -ENOMEM;
	}
	serial++;
	return 0;
}

static int make_indexes(struct gw_ipsec_db *db)
{
	const struct gw_ipsec_db_options *options = &db->options;
	uint32_t reqids =
		(uint32_t)RTE_MIN((uint64_t)options->max_sas + options->max_policies, UINT32_MAX);

	if (getrandom(db->secret, sizeof(db->secret), 0) != sizeof(db->secret))
		return -EIO;
	if (gw_index_init(&db->sas_by_id, options->max_sas) != 0 ||
		gw_index_init(&db->sas_by_key, options->max_sas) != 0 ||
		gw_index_init(&db->updates_by_id, UPDATES_EXPECTED) != 0 ||
		gw_index_init(&db->policies_by_id, options->max_policies) != 0 ||
		gw_reqid_table_init(&db->reqids, reqids, db->secret, options->reclaim) != 0 ||
		gw_spi_book_init(&db->spis, options->max_sas,
			options->spi_hold_seconds * UINT64_C(1000000000), db->secret) != 0 ||
		gw_tombstones_init(&db->tombstones, RTE_MAX(options->max_sas, LEAST_TOMBSTONES),
			options->qsbr, db->secret) != 0)
		return -ENOMEM;
	return 0;
}

struct gw_ipsec_db *gw_ipsec_db_new(const struct gw_ipsec_db_options *options, struct gw_error *err)
{
	struct gw_ipsec_db *db = calloc(1, sizeof(*db));
	int result;

	if (!db) {
		gw_error_set(err, ENOMEM, "no memory for the record of SAs and policies");
		return NULL;
	}
	db->options = *options;
	TAILQ_INIT(&db->sas);
	TAILQ_INIT(&db->policies);
	TAILQ_INIT(&db->spis.queue);
	TAILQ_INIT(&db->tombstones.queue);
	STAILQ_INIT(&db->committing);
	result = make_indexes(db);
	if (result == -EIO)
		gw_error_set(err, EIO, "the kernel gives no random numbers");
	else if (result != 0)
		gw_error_set(err, ENOMEM,
			"no memory for the indexes: lower limits.sas or limits.policies");
	if (result != 0 || make_tables(db, err) != 0) {
		gw_ipsec_db_free(db);
		return NULL;
	}
	return db;
}

void gw_ipsec_db_free(struct gw_ipsec_db *db)
{
	struct gw_db_policy *policy;
	struct gw_db_sa *sa;

	if (!db)
		return;
	gw_spd_free(db->spds[GW_DIRECTION_IN]);
	gw_spd_free(db->spds[GW_DIRECTION_OUT]);
	gw_sad_free(db->sad);
	while ((policy = TAILQ_FIRST(&db->policies))) {
		TAILQ_REMOVE(&db->policies, policy, order);
		gw_db_policy_destroy(db, policy);
	}
	while ((sa = TAILQ_FIRST(&db->sas))) {
		TAILQ_REMOVE(&db->sas, sa, order);
		gw_db_sa_destroy(db, sa);
	}
	gw_tombstones_fini(&db->tombstones);
	gw_spi_book_fini(&db->spis);
	gw_reqid_table_fini(&db->reqids);
	gw_index_fini(&db->policies_by_id);
	gw_index_fini(&db->updates_by_id);
	gw_index_fini(&db->sas_by_key);
	gw_index_fini(&db->sas_by_id);
	gw_wipe(db->secret, sizeof(db->secret));
	free(db);
}

struct gw_sad *gw_ipsec_db_sad(struct gw_ipsec_db *db)
{
	return db->sad;
}

struct gw_spd *gw_ipsec_db_spd(struct gw_ipsec_db *db, enum gw_direction direction)
{
	return db->spds[direction];
}
