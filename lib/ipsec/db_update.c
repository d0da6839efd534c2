// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/log.h"

// SAs changed in place. Until the commit the SA itself is as it was; the update says what it will
// be, and stands in an index by the id that the SA will have, so that the rest of the transaction
// finds the SA there and nothing else takes that id.

struct gw_db_update *gw_db_update_of(struct gw_db_change *change)
{
	return container_of(change, struct gw_db_update, change);
}

const struct gw_sa_spec *gw_db_sa_staged_spec(const struct gw_db_sa *record)
{
	return record->update ? &record->update->spec : &record->sa->spec;
}

static struct gw_sad_key key_of(const struct gw_sa_spec *spec)
{
	struct gw_sa_id id = gw_sa_spec_id(spec);

	return gw_db_sa_key(&id);
}

// In force for the rest of the transaction.
static void enter(struct gw_ipsec_db *db, struct gw_db_sa *record, struct gw_db_update *update)
{
	struct gw_sad_key key = key_of(&update->spec);

	update->record = record;
	update->before = record->update;
	record->update = update;
	gw_index_insert(&db->updates_by_id, &update->by_id, gw_db_sa_hash(db, &key));
}

static void leave(struct gw_ipsec_db *db, struct gw_db_update *update)
{
	gw_index_remove(&db->updates_by_id, &update->by_id);
}

int gw_sa_update(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_update *wanted,
	struct gw_error *err)
{
	struct gw_error own = {};
	struct gw_db_update *update;
	struct gw_db_sa *record, *other;
	struct gw_sa_id id;
	int result;

	err = err ? err : &own;
	result = gw_db_open(db, txn, err);
	if (result != 0)
		return result;
	record = gw_db_sa_find_staged(db, &wanted->id);
	if (!record)
		return gw_db_sa_missing(&wanted->id, err);
	update = calloc(1, sizeof(*update));
	if (!update)
		return gw_error_set(err, ENOMEM, "no memory for the update of an SA");
	update->change.kind = GW_IPSEC_SA_UPDATED;
	gw_sa_spec_copy(&update->spec, gw_db_sa_staged_spec(record));
	result = gw_sa_update_merge(wanted, &update->spec, err);
	id = gw_sa_spec_id(&update->spec);
	other = result == 0 ? gw_db_sa_find_staged(db, &id) : NULL;
	if (other && other != record)
		result = gw_db_sa_exists(&id, err);
	if (result == 0)
		result = gw_db_stage(db, txn, &update->change, err);
	if (result == 0)
		enter(db, record, update);
	else
		free(update);
	return result;
}

void gw_db_update_undo(struct gw_ipsec_db *db, struct gw_db_update *update)
{
	leave(db, update);
	update->record->update = update->before;
	free(update);
}

// The SAD knows an inbound SA under both ids for a moment, so that no worker misses it.
static void move_in_sad(
	struct gw_ipsec_db *db, struct gw_db_sa *record, const struct gw_sa_spec *old)
{
	struct gw_sad_key from = key_of(old), to = key_of(&record->sa->spec);
	struct gw_sa_id old_id = gw_sa_spec_id(old);
	int result;

	if (record->sa->direction != GW_DIRECTION_IN || record->state.leaving ||
		memcmp(&from, &to, sizeof(from)) == 0)
		return;
	result = gw_sad_insert(db->sad, &to, record->sa);
	if (result != 0)
		gw_log_error("the SAD has no room for SPI 0x%08x: %s", record->sa->spec.spi,
			strerror(-result));
	gw_spi_book_take(&db->spis, &to);
	// Another SA of the same transaction may have taken the old id.
	if (!gw_db_sa_find_staged(db, &old_id))
		gw_sad_remove(db->sad, &from);
}

void gw_db_update_apply(struct gw_ipsec_db *db, struct gw_db_update *update)
{
	struct gw_db_sa *record = update->record;
	struct gw_sad_key key = key_of(&update->spec);
	struct gw_sa_spec old;

	gw_sa_spec_copy(&old, &record->sa->spec);
	leave(db, update);
	if (record->update == update)
		record->update = NULL;
	gw_db_sa_unreach(db, record);
	gw_index_remove(&db->sas_by_id, &record->by_id);
	gw_sa_move(record->sa, &update->spec, db->options.qsbr);
	gw_index_insert(&db->sas_by_id, &record->by_id, gw_db_sa_hash(db, &key));
	// A reload leaves it alone from now on.
	if (record->origin == GW_ORIGIN_CONFIG)
		record->origin = GW_ORIGIN_CONTROL;
	move_in_sad(db, record, &old);
	// The deletion takes the record away before this step is told.
	if (record->state.leaving)
		update->record = NULL;
}
