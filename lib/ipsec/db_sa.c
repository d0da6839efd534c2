// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/slab.h"
#include "ipsec/carrier.h"
#include "ipsec/lifetime.h"

// SAs in the database: identified by direction, protocol, SPI and destination.

// Which of the records with one id is meant: at most one fits each view.
enum view {
	VIEW_COMMITTED, // what workers see
	VIEW_STAGED,    // what the open transaction will leave behind
};

static bool seen(const struct gw_db_state *state, enum view view)
{
	return view == VIEW_COMMITTED ? state->committed : !state->leaving;
}

struct gw_sad_key gw_db_sa_key(const struct gw_sa_id *id)
{
	struct gw_sad_key key;

	gw_sad_key_make(&key, rte_cpu_to_be_32(id->spi), (uint8_t)id->protocol, &id->destination);
	key.reserved = (uint16_t)id->direction; // 0 for those that the SAD holds
	return key;
}

static struct gw_sad_key record_key(const struct gw_db_sa *record)
{
	struct gw_sa_id id = gw_sa_spec_id(&record->sa->spec);

	return gw_db_sa_key(&id);
}

uint64_t gw_db_sa_hash(const struct gw_ipsec_db *db, const struct gw_sad_key *key)
{
	return gw_siphash_128(db->secret, key, sizeof(*key)).low;
}

// Of those that the open transaction updates: the one that it will leave with this key.
static struct gw_db_sa *find_moving(const struct gw_ipsec_db *db, const struct gw_sad_key *key)
{
	struct gw_index_link *link = gw_index_first(&db->updates_by_id, gw_db_sa_hash(db, key));

	for (; link; link = gw_index_next(link)) {
		struct gw_db_update *update = container_of(link, struct gw_db_update, by_id);
		struct gw_sa_id id = gw_sa_spec_id(&update->spec);
		struct gw_sad_key other = gw_db_sa_key(&id);

		if (update->record->update == update && !update->record->state.leaving &&
			memcmp(&other, key, sizeof(other)) == 0)
			return update->record;
	}
	return NULL;
}

static struct gw_db_sa *find(
	const struct gw_ipsec_db *db, const struct gw_sad_key *key, enum view view)
{
	struct gw_index_link *link = gw_index_first(&db->sas_by_id, gw_db_sa_hash(db, key));

	for (; link; link = gw_index_next(link)) {
		struct gw_db_sa *record = container_of(link, struct gw_db_sa, by_id);
		struct gw_sad_key other = record_key(record);

		if (view == VIEW_STAGED && record->update)
			continue; // find_moving knows what its id will be
		if (seen(&record->state, view) && memcmp(&other, key, sizeof(other)) == 0)
			return record;
	}
	return view == VIEW_STAGED ? find_moving(db, key) : NULL;
}

struct gw_db_sa *gw_db_sa_find_staged(const struct gw_ipsec_db *db, const struct gw_sa_id *id)
{
	struct gw_sad_key key = gw_db_sa_key(id);

	return find(db, &key, VIEW_STAGED);
}

// The staged view of outbound SAs by key.
static struct gw_db_sa *find_key(const struct gw_ipsec_db *db, const struct gw_siphash *fingerprint)
{
	struct gw_index_link *link = gw_index_first(&db->sas_by_key, fingerprint->low);

	for (; link; link = gw_index_next(link)) {
		struct gw_db_sa *record = container_of(link, struct gw_db_sa, by_key);

		if (seen(&record->state, VIEW_STAGED) &&
			record->fingerprint.high == fingerprint->high)
			return record;
	}
	return NULL;
}

bool gw_db_sa_inbound_exists(struct gw_ipsec_db *db, const struct gw_sad_key *key)
{
	return find(db, key, VIEW_STAGED) || find(db, key, VIEW_COMMITTED);
}

// Two outbound SAs with one key would use the same IVs, which gives away the plaintext and the
// authentication key of a counter mode (RFC 4106 section 3.1); keys are compared by a keyed hash,
// so that no copy of them stays here. The algorithm is no part of it: AES-GCM makes one and the
// same key stream for each length of its ICV. CBC's IVs are drawn at random for each SA.
static bool needs_unique_key(const struct gw_sa_spec *spec)
{
	return spec->direction == GW_DIRECTION_OUT && gw_encryption_counts_ivs(spec->encryption);
}

static struct gw_siphash fingerprint_of(const struct gw_ipsec_db *db, const struct gw_sa_spec *spec)
{
	return gw_siphash_128(db->secret, spec->encryption_key, spec->encryption_key_bytes);
}

static bool has_implicit_iv(const struct gw_sa_spec *spec)
{
	return spec->direction == GW_DIRECTION_OUT &&
	       gw_encryption_has_implicit_iv(spec->encryption);
}

static void burn_key(struct gw_ipsec_db *db, const struct gw_db_sa *record)
{
	if (has_implicit_iv(&record->sa->spec))
		db->burnt.keys[db->burnt.count++ % GW_DB_BURNT_KEYS] = record->fingerprint;
}

static bool is_burnt(const struct gw_ipsec_db *db, const struct gw_siphash *fingerprint)
{
	uint32_t count = RTE_MIN(db->burnt.count, (uint32_t)GW_DB_BURNT_KEYS);

	for (uint32_t i = 0; i < count; i++)
		if (db->burnt.keys[i].low == fingerprint->low &&
			db->burnt.keys[i].high == fingerprint->high)
			return true;
	return false;
}

#define DESCRIPTION_SIZE (GW_ADDR_STRLEN + 64)

static const char *describe(const struct gw_sa_id *id, char text[DESCRIPTION_SIZE])
{
	char address[GW_ADDR_STRLEN];

	snprintf(text, DESCRIPTION_SIZE, "%s SA with SPI 0x%08x and destination %s",
		id->direction == GW_DIRECTION_IN ? "inbound" : "outbound", id->spi,
		gw_addr_format(&id->destination, address));
	return text;
}

int gw_db_sa_missing(const struct gw_sa_id *id, struct gw_error *err)
{
	char text[DESCRIPTION_SIZE];

	return gw_error_set(err, ENOENT, "there is no %s", describe(id, text));
}

int gw_db_sa_exists(const struct gw_sa_id *id, struct gw_error *err)
{
	char text[DESCRIPTION_SIZE];

	return gw_error_set(err, EEXIST,
		"an %s exists already: delete it first, or choose another SPI", describe(id, text));
}

static int check_new(const struct gw_ipsec_db *db, const struct gw_sa_spec *spec,
	const struct gw_siphash *fingerprint, struct gw_error *err)
{
	struct gw_sa_id id = gw_sa_spec_id(spec), other;
	struct gw_sad_key key = gw_db_sa_key(&id);
	const struct gw_db_sa *twin;
	char text[DESCRIPTION_SIZE];

	if (find(db, &key, VIEW_STAGED))
		return gw_db_sa_exists(&id, err);
	twin = needs_unique_key(spec) ? find_key(db, fingerprint) : NULL;
	if (twin) {
		other = gw_sa_spec_id(&twin->sa->spec);
		return gw_error_set(err, EEXIST,
			"the %s has the same key: %s must never use a key in two SAs, give each "
			"its own",
			describe(&other, text), gw_encryptions[spec->encryption].name);
	}
	if (has_implicit_iv(spec) && is_burnt(db, fingerprint))
		return gw_error_set(err, EEXIST,
			"an SA that was deleted had the same key: %s takes its IVs from the "
			"sequence number (RFC 8750), so that a key must never start again; give "
			"the SA a new one",
			gw_encryptions[spec->encryption].name);
	if (db->sa_count.staged >= db->options.max_sas)
		return gw_error_set(err, ENOSPC,
			"there are %u SAs, as many as limits.sas allows: delete some or raise it",
			db->sa_count.staged);
	return 0;
}

static struct gw_db_sa *make_record(struct gw_ipsec_db *db, const struct gw_sa_spec *spec,
	enum gw_origin origin, struct gw_error *err)
{
	struct gw_db_sa *record = gw_slab_take(&gw_slab_private, sizeof(*record));

	if (!record) {
		gw_error_set(err, ENOMEM, "no memory for the record of an SA");
		return NULL;
	}
	record->added.kind = GW_IPSEC_SA_ADDED;
	record->deleted.kind = GW_IPSEC_SA_DELETED;
	record->origin = (uint8_t)origin;
	if (gw_interface_get(&db->interfaces, spec->if_id, &record->interface, err) != 0)
		goto free_record;
	if (spec->direction == GW_DIRECTION_OUT) {
		record->reqid = gw_reqid_get(&db->reqids, spec->reqid, record->interface);
		if (!record->reqid) {
			gw_error_set(err, ENOMEM, "no memory for reqid %u", spec->reqid);
			goto put_interface;
		}
	}
	record->sa = gw_sa_new(spec, db->options.workers, err);
	if (!record->sa)
		goto put_reqid;
	record->sa->interface = record->interface;
	return record;

put_reqid:
	if (record->reqid)
		gw_reqid_put(&db->reqids, record->reqid);
put_interface:
	gw_interface_put(&db->interfaces, record->interface);
free_record:
	gw_slab_give(&gw_slab_private, record, sizeof(*record));
	return NULL;
}

// The same, going on where the last SA with this key was.
static struct gw_db_sa *make_raised(struct gw_ipsec_db *db, const struct gw_sa_spec *spec,
	enum gw_origin origin, struct gw_error *err)
{
	struct gw_siphash name = gw_tombstone_name(&db->tombstones, spec);
	struct gw_sa_spec raised = *spec;
	struct gw_db_sa *record = NULL;

	raised.replay_bitmap = NULL;
	if (spec->replay_bitmap_bytes > 0 && spec->replay_bitmap) {
		raised.replay_bitmap = malloc(spec->replay_bitmap_bytes);
		if (raised.replay_bitmap)
			memcpy(raised.replay_bitmap, spec->replay_bitmap,
				spec->replay_bitmap_bytes);
	}
	if (!raised.replay_bitmap != !spec->replay_bitmap ||
		gw_tombstone_raise(&db->tombstones, &name, &raised) != 0)
		gw_error_set(err, ENOMEM, "no memory for the state of an SA");
	else
		record = make_record(db, &raised, origin, err);
	if (record)
		record->name = name;
	gw_sa_spec_wipe(&raised);
	return record;
}

static void index_insert(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	struct gw_sad_key key = record_key(record);

	gw_index_insert(&db->sas_by_id, &record->by_id, gw_db_sa_hash(db, &key));
	if (record->key_is_unique)
		gw_index_insert(&db->sas_by_key, &record->by_key, record->fingerprint.low);
}

static void index_remove(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	gw_index_remove(&db->sas_by_id, &record->by_id);
	if (record->key_is_unique)
		gw_index_remove(&db->sas_by_key, &record->by_key);
}

int gw_sa_add(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_spec *spec,
	enum gw_origin origin, struct gw_error *err)
{
	struct gw_error own = {};
	struct gw_siphash fingerprint;
	struct gw_db_sa *record;
	int result;

	err = err ? err : &own;
	result = gw_db_open(db, txn, err);
	if (result == 0)
		result = gw_sa_spec_check(spec, err);
	if (result != 0)
		return result;
	fingerprint = fingerprint_of(db, spec);
	result = check_new(db, spec, &fingerprint, err);
	if (result != 0)
		return result;
	record = make_raised(db, spec, origin, err);
	if (!record)
		return -err->code;
	record->fingerprint = fingerprint;
	record->key_is_unique = needs_unique_key(spec);
	index_insert(db, record);
	db->sa_count.staged++;
	result = gw_db_stage(db, txn, &record->added, err);
	if (result != 0)
		gw_db_sa_unadd(db, record);
	return result;
}

int gw_sa_delete(
	struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_sa_id *id, struct gw_error *err)
{
	struct gw_sad_key key = gw_db_sa_key(id);
	struct gw_db_sa *record;
	int result = gw_db_open(db, txn, err);

	if (result != 0)
		return result;
	record = find(db, &key, VIEW_STAGED);
	if (!record)
		return gw_db_sa_missing(id, err);
	record->tombstone = gw_tombstone_new();
	if (!record->tombstone)
		return gw_error_set(err, ENOMEM, "no memory for the end of an SA");
	result = gw_db_stage(db, txn, &record->deleted, err);
	if (result != 0) {
		gw_tombstone_free(record->tombstone);
		record->tombstone = NULL;
		return result;
	}
	record->state.leaving = true;
	db->sa_count.staged--;
	return 0;
}

void gw_db_sa_unadd(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	index_remove(db, record);
	db->sa_count.staged--;
	gw_db_sa_destroy(db, record);
}

void gw_db_sa_undelete(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	record->state.leaving = false;
	gw_tombstone_free(record->tombstone);
	record->tombstone = NULL;
	db->sa_count.staged++;
}

int gw_sa_reach(struct gw_ipsec_db *db, const struct gw_sa_id *id, struct gw_error *err)
{
	struct gw_sad_key key = gw_db_sa_key(id);
	struct gw_db_sa *record = find(db, &key, VIEW_COMMITTED);
	int result;

	if (!record || id->direction != GW_DIRECTION_OUT)
		return gw_db_sa_missing(id, err);
	result = record->in_sad ? 0 : gw_sad_insert(db->sad, &key, record->sa);
	if (result != 0)
		return gw_error_set(err, -result, "the SAD has no room for the SA");
	record->in_sad = true;
	return 0;
}

// Phase one of removal, as from its reqid: before the SA goes, moves, or hands its key over.
void gw_db_sa_unreach(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	struct gw_sad_key key = record_key(record);

	if (record->in_sad)
		gw_sad_remove(db->sad, &key);
	record->in_sad = false;
}

bool gw_db_sa_has_successor(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	if (!record->state.committed || !record->key_is_unique)
		return false;
	record->successor = find_key(db, &record->fingerprint);
	if (!record->successor)
		return false;
	gw_reqid_detach(record->reqid, record);
	gw_db_sa_unreach(db, record);
	return true;
}

// No worker takes numbers from the old one any more, so what it used is known exactly.
void gw_db_sa_hand_over(struct gw_db_sa *record)
{
	_Atomic uint64_t *to;
	uint64_t used;

	if (!record->successor)
		return;
	to = &record->successor->sa->sequence.used;
	used = atomic_load_explicit(&record->sa->sequence.used, memory_order_relaxed);
	// The successor is not published: nobody else looks at it.
	if (used > atomic_load_explicit(to, memory_order_relaxed))
		atomic_store_explicit(to, used, memory_order_relaxed);
	gw_lifetime_hand_over(record->sa, record->successor->sa);
}

void gw_db_sa_clear_way(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	struct gw_sad_key key = record_key(record);

	if (!record->state.committed || record->sa->direction != GW_DIRECTION_IN)
		return;
	if (!find(db, &key, VIEW_STAGED))
		gw_sad_remove(db->sad, &key);
}

void gw_db_sa_publish(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	struct gw_sad_key key = record_key(record);
	int result;

	if (record->state.leaving)
		return;
	if (record->sa->direction == GW_DIRECTION_OUT) {
		gw_reqid_attach(record->reqid, record);
	} else {
		result = gw_sad_insert(db->sad, &key, record->sa);
		if (result != 0)
			gw_log_error("the SAD has no room for SPI 0x%08x: %s", record->sa->spec.spi,
				strerror(-result));
		gw_spi_book_take(&db->spis, &key);
	}
	record->state.committed = true;
	TAILQ_INSERT_TAIL(&db->sas, record, order);
	db->sa_count.committed++;
}

// Phase one of removal. Who may still hold the SA: a worker that found it, in the SAD or as the
// newest of its reqid, before its next quiescent state, with packets of one vector.
void gw_db_sa_withdraw(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	index_remove(db, record);
	if (!record->state.committed)
		return;
	gw_db_sa_unreach(db, record);
	if (record->reqid && !record->successor)
		gw_reqid_detach(record->reqid, record);
	TAILQ_REMOVE(&db->sas, record, order);
	db->sa_count.committed--;
}

static void put_references(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	if (record->reqid)
		gw_reqid_put(&db->reqids, record->reqid);
	gw_interface_put(&db->interfaces, record->interface);
}

// The record is the control core's alone and goes at once; the SA has its grace period first.
void gw_db_sa_release(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	if (!record->state.committed) {
		gw_db_sa_destroy(db, record);
		return;
	}
	if (!record->successor)
		burn_key(db, record);
	put_references(db, record);
	gw_tombstone_bury(
		&db->tombstones, record->tombstone, &record->name, record->sa, db->options.reclaim);
	gw_slab_give(&gw_slab_private, record, sizeof(*record));
}

// For an SA that no worker can know.
void gw_db_sa_destroy(struct gw_ipsec_db *db, struct gw_db_sa *record)
{
	put_references(db, record);
	gw_sa_free(record->sa);
	gw_tombstone_free(record->tombstone);
	gw_slab_give(&gw_slab_private, record, sizeof(*record));
}

struct gw_sa *gw_sa_find(struct gw_ipsec_db *db, const struct gw_sa_id *id)
{
	struct gw_sad_key key = gw_db_sa_key(id);
	struct gw_db_sa *record = find(db, &key, VIEW_COMMITTED);

	return record ? record->sa : NULL;
}

struct gw_sa *gw_sa_carrier(
	struct gw_ipsec_db *db, uint32_t reqid, const struct gw_flow *flow, bool populated)
{
	struct gw_reqid_entry *entry = gw_reqid_find(&db->reqids, reqid, flow->interface);
	struct gw_db_sa *record;

	if (entry)
		TAILQ_FOREACH_REVERSE(record, &entry->carriers, gw_db_carriers, carrier)
	if (gw_sa_carries(record->sa, flow, populated))
		return record->sa;
	return NULL;
}

void gw_sa_prefer(struct gw_ipsec_db *db, uint32_t reqid, uint32_t if_id, uint32_t spi)
{
	struct gw_reqid_entry *entry = NULL;
	uint16_t interface;

	if (gw_interface_find(&db->interfaces, if_id, &interface))
		entry = gw_reqid_find(&db->reqids, reqid, interface);
	if (entry)
		gw_reqid_prefer(entry, spi);
}

int gw_sa_each_out(struct gw_ipsec_db *db, uint32_t reqid, uint16_t interface,
	int (*visit)(void *ctx, const struct gw_sa *sa), void *ctx)
{
	struct gw_reqid_entry *entry = gw_reqid_find(&db->reqids, reqid, interface);
	struct gw_db_sa *record;
	int result;

	if (!entry)
		return 0;
	// Only a commit adds to this list or takes from it.
	TAILQ_FOREACH (record, &entry->carriers, carrier) {
		result = visit(ctx, record->sa);
		if (result != 0)
			return result;
	}
	return 0;
}

int gw_sa_each(struct gw_ipsec_db *db,
	int (*visit)(void *ctx, struct gw_sa *sa, enum gw_origin origin), void *ctx)
{
	struct gw_db_sa *record;
	int result;

	// Staging neither adds to this list nor takes from it.
	TAILQ_FOREACH (record, &db->sas, order) {
		result = visit(ctx, record->sa, record->origin);
		if (result != 0)
			return result;
	}
	return 0;
}

uint32_t gw_sa_count(const struct gw_ipsec_db *db)
{
	return db->sa_count.committed;
}
