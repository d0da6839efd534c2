// Called by: control core (the database's own files)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "ipsec/db.h"
#include "ipsec/index.h"
#include "ipsec/interface.h"
#include "ipsec/reqid.h"
#include "ipsec/siphash.h"
#include "ipsec/spi.h"
#include "ipsec/tombstone.h"

// What the files of the database share. How a change goes through it is told in db.c.

// One staged step of a transaction. It stands in the record that it is about, so that committing
// needs no memory.
struct gw_db_change {
	STAILQ_ENTRY(gw_db_change) next;
	enum gw_ipsec_change kind;
};

// A record's states:
//   staged     neither committed nor leaving: added by the open transaction
//   committed  workers find it
//   leaving    the open transaction deletes it; it was committed, or staged before by the same one
struct gw_db_state {
	bool committed;
	bool leaving;
};

// A staged change in place. Of several to one SA in one transaction each starts from the one
// before.
struct gw_db_update {
	struct gw_db_change change;
	struct gw_index_link by_id; // of the id that the SA will have
	struct gw_db_sa *record;
	struct gw_db_update *before;
	struct gw_sa_spec
		spec; // without keys and state: the SA's own with the new addresses and ports
};

struct gw_db_sa {
	struct gw_index_link by_id;
	struct gw_index_link by_key; // where key_is_unique
	TAILQ_ENTRY(gw_db_sa) order;
	TAILQ_ENTRY(gw_db_sa) carrier; // outbound and committed
	struct gw_db_change added;
	struct gw_db_change deleted;
	struct gw_db_update *update; // the last one staged; NULL: there is none
	struct gw_db_sa *successor;  // while committing: another SA of the transaction with its key
	struct gw_sa *sa;
	struct gw_reqid_entry *reqid;   // outbound; else NULL
	struct gw_siphash fingerprint;  // of the key
	struct gw_siphash name;         // of its tombstone
	struct gw_tombstone *tombstone; // staged with the deletion; else NULL
	bool key_is_unique;             // no two may have this key: outbound, counter mode
	uint16_t interface;             // a reference to its number
	bool narrow;                    // counted so by its reqid
	bool in_sad;                    // outbound, and workers find it by its id all the same
	uint8_t origin;
	struct gw_db_state state;
};

struct gw_db_policy {
	struct gw_policy_record record;
	struct gw_index_link by_id;
	TAILQ_ENTRY(gw_db_policy) order;
	struct gw_db_change added;
	struct gw_db_change deleted;
	struct gw_reqid_entry *reqid; // outbound PROTECT; else NULL
	uint32_t cost;                // entries in the SPD
	uint32_t policy_bytes;        // of the policy with its counters
	bool in_force;                // the SPD has it
	struct gw_db_state state;
};

// Keys of deleted SAs with implicit IVs, which must not come back: by their fingerprints, the
// latest.
#define GW_DB_BURNT_KEYS 4096
struct gw_db_burnt {
	struct gw_siphash keys[GW_DB_BURNT_KEYS];
	uint32_t count; // of all so far; the next one's place is count % GW_DB_BURNT_KEYS
};

// How many there are: committed, and as the open transaction will leave it, which is what limits
// are compared with.
struct gw_db_count {
	uint32_t committed;
	uint32_t staged;
};

struct gw_ipsec_db {
	struct gw_ipsec_db_options options;
	struct gw_sad *sad;
	struct gw_spd *spds[2]; // by enum gw_direction
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];

	struct gw_index sas_by_id;
	struct gw_index sas_by_key;
	struct gw_index updates_by_id; // staged
	TAILQ_HEAD(, gw_db_sa) sas;    // committed, in order of addition
	struct gw_db_count sa_count;
	struct gw_db_burnt burnt;

	struct gw_index policies_by_id;
	TAILQ_HEAD(, gw_db_policy) policies; // committed, in order of addition
	struct gw_db_count policy_count;
	uint32_t policy_order;    // of the next addition
	uint64_t staged_costs[2]; // of the policies of a direction, as the open transaction will
				  // leave them

	struct gw_reqid_table reqids;
	struct gw_interface_table interfaces; // SAs and policies refer to it, and who asks for it
	struct gw_spi_book spis;
	struct gw_tombstones tombstones;

	// The one open transaction: which, and how many steps of it are neither committed nor
	// aborted.
	struct gw_txn *txn;
	size_t pending;
	STAILQ_HEAD(gw_db_changes, gw_db_change) committing; // steps whose turn has come
};

// db.c
// Whether txn may stage: 0, or -EBUSY with err filled while another transaction is open.
int gw_db_open(struct gw_ipsec_db *db, struct gw_txn *txn, struct gw_error *err);
// Adds the step; the last thing that staging does. 0, or -ENOMEM with err filled.
int gw_db_stage(struct gw_ipsec_db *db, struct gw_txn *txn, struct gw_db_change *change,
	struct gw_error *err);

// db_sa.c: what staging an addition or a deletion did, undone.
void gw_db_sa_unadd(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_undelete(struct gw_ipsec_db *db, struct gw_db_sa *record);
// The steps of a commit, in the order of db.c.
bool gw_db_sa_has_successor(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_unreach(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_hand_over(struct gw_db_sa *record);
void gw_db_sa_clear_way(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_publish(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_withdraw(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_release(struct gw_ipsec_db *db, struct gw_db_sa *record);
void gw_db_sa_destroy(struct gw_ipsec_db *db, struct gw_db_sa *record);
bool gw_db_sa_inbound_exists(struct gw_ipsec_db *db, const struct gw_sad_key *key);

// db_update.c: the staged view of a record, and the steps of an update.
const struct gw_sa_spec *gw_db_sa_staged_spec(const struct gw_db_sa *record);
struct gw_db_update *gw_db_update_of(struct gw_db_change *change);
void gw_db_update_undo(struct gw_ipsec_db *db, struct gw_db_update *update);
void gw_db_update_apply(struct gw_ipsec_db *db, struct gw_db_update *update);

// db_sa.c, for db_update.c.
struct gw_sad_key gw_db_sa_key(const struct gw_sa_id *id);
uint64_t gw_db_sa_hash(const struct gw_ipsec_db *db, const struct gw_sad_key *key);
struct gw_db_sa *gw_db_sa_find_staged(const struct gw_ipsec_db *db, const struct gw_sa_id *id);
int gw_db_sa_missing(const struct gw_sa_id *id, struct gw_error *err); // -ENOENT
int gw_db_sa_exists(const struct gw_sa_id *id, struct gw_error *err);  // -EEXIST

// db_policy.c, likewise.
void gw_db_policy_unadd(struct gw_ipsec_db *db, struct gw_db_policy *record);
void gw_db_policy_undelete(struct gw_ipsec_db *db, struct gw_db_policy *record);
void gw_db_policy_publish(struct gw_ipsec_db *db, struct gw_db_policy *record);
void gw_db_policy_withdraw(struct gw_ipsec_db *db, struct gw_db_policy *record);
void gw_db_policy_release(struct gw_ipsec_db *db, struct gw_db_policy *record);
void gw_db_policy_destroy(struct gw_ipsec_db *db, struct gw_db_policy *record);
