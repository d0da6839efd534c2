// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/log.h"
#include "base/slab.h"

// Policies in the database: identified by direction, priority and selector.

enum view {
	VIEW_COMMITTED, // what workers see
	VIEW_STAGED,    // what the open transaction will leave behind
};

static bool seen(const struct gw_db_state *state, enum view view)
{
	return view == VIEW_COMMITTED ? state->committed : !state->leaving;
}

// Hashes the fields, because the structure has gaps.
static uint64_t hash_id(const struct gw_ipsec_db *db, const struct gw_policy_id *id)
{
	const struct gw_selector *selector = &id->selector;
	const uint32_t numbers[] = { id->direction, id->priority, id->if_id, selector->protocol,
		selector->source_port.first, selector->source_port.last,
		selector->destination_port.first, selector->destination_port.last };
	uint8_t bytes[2 * sizeof(struct gw_range) + sizeof(numbers)];

	memcpy(bytes, &selector->source, sizeof(struct gw_range));
	memcpy(bytes + sizeof(struct gw_range), &selector->destination, sizeof(struct gw_range));
	memcpy(bytes + 2 * sizeof(struct gw_range), numbers, sizeof(numbers));
	return gw_siphash_128(db->secret, bytes, sizeof(bytes)).low;
}
_Static_assert(sizeof(struct gw_range) == 34, "hashed as bytes: no gaps");

static struct gw_db_policy *find(
	const struct gw_ipsec_db *db, const struct gw_policy_id *id, enum view view)
{
	struct gw_index_link *link = gw_index_first(&db->policies_by_id, hash_id(db, id));

	for (; link; link = gw_index_next(link)) {
		struct gw_db_policy *record = container_of(link, struct gw_db_policy, by_id);
		struct gw_policy_id other = gw_policy_spec_id(&record->record.spec);

		if (seen(&record->state, view) && gw_policy_id_equal(&other, id))
			return record;
	}
	return NULL;
}

// Half of the SPD is for the policies in force, the other half for those that replace them.
static int check_cost(const struct gw_ipsec_db *db, const struct gw_policy_spec *spec, int cost,
	struct gw_error *err)
{
	uint32_t room = gw_spd_capacity(db->spds[spec->direction]) / 2;

	if (db->staged_costs[spec->direction] + (uint64_t)cost > room)
		return gw_error_set(err, ENOSPC,
			"the address ranges of the %sbound policies split into more than %u "
			"prefixes: begin and end them at round addresses, or raise limits.policies",
			gw_direction_words[spec->direction], room);
	return 0;
}

// Returns the policy's cost, or a negative errno with err filled.
static int check_new(
	const struct gw_ipsec_db *db, const struct gw_policy_spec *spec, struct gw_error *err)
{
	struct gw_policy_id id = gw_policy_spec_id(spec);
	int cost, result;

	if (find(db, &id, VIEW_STAGED))
		return gw_error_set(err, EEXIST,
			"an %sbound policy with this selector and priority %u exists already: "
			"delete it first, or give another priority",
			gw_direction_words[spec->direction], spec->priority);
	if (db->policy_count.staged >= db->options.max_policies)
		return gw_error_set(err, ENOSPC,
			"there are %u policies, as many as limits.policies allows: delete some or "
			"raise it",
			db->policy_count.staged);
	// The order decides among equal priorities, so it must not begin again.
	if (db->policy_order == UINT32_MAX)
		return gw_error_set(err, ENOSPC,
			"%u policies have been added since the start, and no more can be counted: "
			"restart the gateway",
			db->policy_order);
	cost = gw_spd_cost(&spec->selector, err);
	if (cost < 0)
		return cost;
	result = check_cost(db, spec, cost, err);
	return result != 0 ? result : cost;
}

// The counters follow the policy, each worker's on a line of its own.
#define COUNTERS_OFFSET RTE_CACHE_LINE_ROUNDUP(sizeof(struct gw_policy))

static size_t policy_bytes(unsigned int workers)
{
	return COUNTERS_OFFSET + sizeof(uint64_t) * GW_POLICY_COUNTER_STRIDE * workers;
}

static struct gw_policy *make_policy(const struct gw_policy_spec *spec, unsigned int workers)
{
	struct gw_policy *policy = gw_slab_take(&gw_slab_shared, policy_bytes(workers));

	if (!policy)
		return NULL;
	policy->selector = spec->selector;
	policy->priority = spec->priority;
	policy->action = (uint8_t)spec->action;
	policy->populate = spec->populate;
	policy->reqid = spec->reqid;
	policy->packets = (uint64_t *)((uint8_t *)policy + COUNTERS_OFFSET);
	return policy;
}

// interface: a reference, which is the record's then.
static struct gw_db_policy *make_record(struct gw_ipsec_db *db, const struct gw_policy_spec *spec,
	uint16_t interface, uint32_t cost, enum gw_origin origin)
{
	bool carried = spec->direction == GW_DIRECTION_OUT && spec->action == GW_ACTION_PROTECT;
	struct gw_db_policy *record = gw_slab_take(&gw_slab_private, sizeof(*record));
	struct gw_policy *policy = make_policy(spec, db->options.workers);

	if (!record || !policy)
		goto no_memory;
	policy->interface = interface;
	if (carried) {
		record->reqid = gw_reqid_get(&db->reqids, spec->reqid, policy->interface);
		if (!record->reqid)
			goto no_memory;
		policy->carrier = &record->reqid->reqid;
	}
	record->cost = cost;
	record->policy_bytes = (uint32_t)policy_bytes(db->options.workers);
	record->added.kind = GW_IPSEC_POLICY_ADDED;
	record->deleted.kind = GW_IPSEC_POLICY_DELETED;
	record->record = (struct gw_policy_record){ *spec, origin, policy };
	policy->order = db->policy_order++;
	policy->owner = record;
	return record;

no_memory:
	gw_slab_give(&gw_slab_shared, policy, policy_bytes(db->options.workers));
	gw_slab_give(&gw_slab_private, record, sizeof(*record));
	return NULL;
}

static void count_staged(struct gw_ipsec_db *db, const struct gw_db_policy *record, bool more)
{
	uint64_t *cost = &db->staged_costs[record->record.spec.direction];

	db->policy_count.staged += more ? 1 : -1;
	*cost = more ? *cost + record->cost : *cost - record->cost;
}

int gw_policy_add(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_policy_spec *spec,
	enum gw_origin origin, struct gw_error *err)
{
	struct gw_policy_id id = gw_policy_spec_id(spec);
	struct gw_db_policy *record;
	uint16_t interface;
	int cost, result = gw_db_open(db, txn, err);

	if (result == 0)
		result = gw_policy_spec_check(spec, err);
	if (result != 0)
		return result;
	cost = check_new(db, spec, err);
	if (cost < 0)
		return cost;
	result = gw_interface_get(&db->interfaces, spec->if_id, &interface, err);
	if (result != 0)
		return result;
	record = make_record(db, spec, interface, (uint32_t)cost, origin);
	if (!record) {
		gw_interface_put(&db->interfaces, interface);
		return gw_error_set(err, ENOMEM, "no memory for a policy: raise memory.size_mb");
	}
	gw_index_insert(&db->policies_by_id, &record->by_id, hash_id(db, &id));
	count_staged(db, record, true);
	result = gw_db_stage(db, txn, &record->added, err);
	if (result != 0)
		gw_db_policy_unadd(db, record);
	return result;
}

int gw_policy_delete(struct gw_ipsec_db *db, struct gw_txn *txn, const struct gw_policy_id *id,
	struct gw_error *err)
{
	struct gw_db_policy *record;
	int result = gw_db_open(db, txn, err);

	if (result != 0)
		return result;
	record = find(db, id, VIEW_STAGED);
	if (!record)
		return gw_error_set(err, ENOENT,
			"there is no %sbound policy with this selector and priority %u",
			gw_direction_words[id->direction], id->priority);
	result = gw_db_stage(db, txn, &record->deleted, err);
	if (result != 0)
		return result;
	record->state.leaving = true;
	count_staged(db, record, false);
	return 0;
}

void gw_db_policy_unadd(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	gw_index_remove(&db->policies_by_id, &record->by_id);
	count_staged(db, record, false);
	gw_db_policy_destroy(db, record);
}

void gw_db_policy_undelete(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	record->state.leaving = false;
	count_staged(db, record, true);
}

void gw_db_policy_publish(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	const struct gw_policy_spec *spec = &record->record.spec;
	int result;

	if (record->state.leaving)
		return;
	// Staging has seen to it that there is room; what remains is a machine without memory.
	result = gw_spd_insert(db->spds[spec->direction], record->record.policy);
	record->in_force = result == 0;
	if (!record->in_force)
		gw_log_error("%sbound policy \"%s\" of priority %u is not in force: %s; delete and "
			     "add it again",
			gw_direction_words[spec->direction], spec->name, spec->priority,
			strerror(-result));
	record->state.committed = true;
	TAILQ_INSERT_TAIL(&db->policies, record, order);
	db->policy_count.committed++;
}

// Phase one of removal. Who may still hold the policy: a worker that looked it up before its next
// quiescent state. A flow cache may keep the pointer longer, but does not follow one that is older
// than the SPD's generation.
void gw_db_policy_withdraw(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	gw_index_remove(&db->policies_by_id, &record->by_id);
	if (!record->state.committed)
		return;
	if (record->in_force)
		gw_spd_remove(db->spds[record->record.spec.direction], record->record.policy);
	TAILQ_REMOVE(&db->policies, record, order);
	db->policy_count.committed--;
}

static void free_record(void *data)
{
	struct gw_db_policy *record = data;

	gw_slab_give(&gw_slab_shared, record->record.policy, record->policy_bytes);
	gw_slab_give(&gw_slab_private, record, sizeof(*record));
}

static void put_references(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	if (record->reqid)
		gw_reqid_put(&db->reqids, record->reqid);
	gw_interface_put(&db->interfaces, record->record.policy->interface);
}

// The record goes together with the policy, whose owner it is.
void gw_db_policy_release(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	if (!record->state.committed) {
		gw_db_policy_destroy(db, record);
		return;
	}
	put_references(db, record);
	gw_reclaim_later(db->options.reclaim, free_record, record);
}

// For a policy that no worker can know.
void gw_db_policy_destroy(struct gw_ipsec_db *db, struct gw_db_policy *record)
{
	put_references(db, record);
	free_record(record);
}

const struct gw_policy_record *gw_policy_find(struct gw_ipsec_db *db, const struct gw_policy_id *id)
{
	const struct gw_db_policy *record = find(db, id, VIEW_COMMITTED);

	return record ? &record->record : NULL;
}

uint64_t gw_policy_packets(struct gw_ipsec_db *db, const struct gw_policy *policy)
{
	const volatile uint64_t *packets = policy->packets;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < db->options.workers; i++)
		sum += packets[i * GW_POLICY_COUNTER_STRIDE];
	return sum;
}

// Relaxed: a packet more or less asks. Only what is set is written: workers read the line.
void gw_policy_rearm(struct gw_ipsec_db *db)
{
	struct gw_db_policy *record;

	TAILQ_FOREACH (record, &db->policies, order) {
		struct gw_reqid *carrier = record->record.policy->carrier;

		if (carrier && atomic_load_explicit(&carrier->acquire_raised, memory_order_relaxed))
			atomic_store_explicit(&carrier->acquire_raised, 0, memory_order_relaxed);
	}
}

static int compare_precedence(const void *a, const void *b)
{
	const struct gw_db_policy *x = *(const struct gw_db_policy *const *)a;
	const struct gw_db_policy *y = *(const struct gw_db_policy *const *)b;

	if (x->record.spec.direction != y->record.spec.direction)
		return x->record.spec.direction < y->record.spec.direction ? -1 : 1;
	if (x->record.spec.priority != y->record.spec.priority)
		return x->record.spec.priority < y->record.spec.priority ? -1 : 1;
	return x->record.policy->order < y->record.policy->order ? -1 : 1;
}

int gw_policy_each(struct gw_ipsec_db *db,
	int (*visit)(void *ctx, const struct gw_policy_record *record), void *ctx)
{
	uint32_t count = db->policy_count.committed, i = 0;
	struct gw_db_policy *record, **sorted = calloc(count ? count : 1, sizeof(*sorted));
	int result = 0;

	if (!sorted)
		return -ENOMEM;
	TAILQ_FOREACH (record, &db->policies, order)
		sorted[i++] = record;
	qsort(sorted, count, sizeof(*sorted), compare_precedence);
	for (i = 0; i < count && result == 0; i++)
		result = visit(ctx, &sorted[i]->record);
	free(sorted);
	return result;
}

uint32_t gw_policy_count(const struct gw_ipsec_db *db)
{
	return db->policy_count.committed;
}
