// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The record of SAs and policies against two arrays, under random transactions of which some are
// aborted, while other threads look up as workers do: what is recorded, what workers find, what
// listeners heard and what each step answered must be what the arrays say.
//
// One SA of each direction and one policy are steady: transactions replace them, and workers must
// find the one or the other at every moment.

#include "ipsec/db.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ipsec_kit.h"
#include "run.h"

#define SPIS         12
#define SAS          (2 * SPIS) // ids: the first half inbound; the last of each half is steady
#define KEYS         10
#define REQIDS       3
#define PRIORITIES   3
#define NETS         6
#define POLICIES     (2 * PRIORITIES * NETS) // ids: the first half inbound; the last is steady
#define MAX_SAS      14
#define MAX_POLICIES 20
#define READERS      2

#define STEADY_IN     (SPIS - 1)
#define STEADY_OUT    (SAS - 1)
#define STEADY_POLICY (POLICIES - 1)
#define STEADY_REQID  9

struct item {
	unsigned int serial; // of its addition; 0: absent
	uint32_t key;
	uint32_t reqid; // of a policy: 0 unless it protects
};

struct model {
	struct item sas[SAS];
	struct item policies[POLICIES];
};

struct rig {
	struct kit_db kit;
	struct model now;    // committed
	struct model staged; // as the open transaction will leave it
	struct model heard;  // as listeners were told; serials only
	unsigned int serial;
	atomic_bool stop;
	atomic_uint rounds;
	atomic_uint mistakes; // seen by readers: Check cannot fail a test from another thread
};

struct reader {
	struct rig *rig;
	unsigned int id;
};

static enum gw_direction sa_direction(unsigned int id)
{
	return id < SPIS ? GW_DIRECTION_IN : GW_DIRECTION_OUT;
}

static enum gw_direction policy_direction(unsigned int id)
{
	return id < POLICIES / 2 ? GW_DIRECTION_IN : GW_DIRECTION_OUT;
}

static struct gw_sa_spec sa_spec(unsigned int id, const struct item *item)
{
	struct gw_sa_spec spec = kit_sa(sa_direction(id), 0x1000 + id % SPIS, item->key);

	spec.reqid = item->reqid;
	snprintf(spec.name, sizeof(spec.name), "%u", item->serial);
	return spec;
}

static struct gw_policy_spec policy_spec(unsigned int id, const struct item *item)
{
	struct gw_policy_spec spec =
		kit_policy(policy_direction(id), id / NETS % PRIORITIES, (uint8_t)(id % NETS));

	if (item->reqid) {
		spec.action = GW_ACTION_PROTECT;
		spec.reqid = item->reqid;
	}
	snprintf(spec.name, sizeof(spec.name), "%u", item->serial);
	return spec;
}

static unsigned int count(const struct item *items, unsigned int size)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < size; i++)
		sum += items[i].serial != 0;
	return sum;
}

// --- steps: each answers as the model expects, and changes it

static int expected_sa_addition(const struct model *model, unsigned int id, uint32_t key)
{
	if (model->sas[id].serial)
		return -EEXIST;
	for (unsigned int i = SPIS; i < SAS; i++)
		if (id >= SPIS && model->sas[i].serial && model->sas[i].key == key)
			return -EEXIST;
	return count(model->sas, SAS) >= MAX_SAS ? -ENOSPC : 0;
}

static void add_sa(
	struct rig *rig, struct gw_txn *txn, unsigned int id, uint32_t key, uint32_t reqid)
{
	struct item item = { ++rig->serial, key, reqid };
	int expected = expected_sa_addition(&rig->staged, id, key);
	struct gw_sa_spec spec = sa_spec(id, &item);

	ck_assert_int_eq(gw_sa_add(rig->kit.db, txn, &spec, GW_ORIGIN_CONTROL, NULL), expected);
	if (expected == 0)
		rig->staged.sas[id] = item;
}

static void delete_sa(struct rig *rig, struct gw_txn *txn, unsigned int id)
{
	struct gw_sa_spec spec = sa_spec(id, &rig->staged.sas[id]);
	struct gw_sa_id sa_id = gw_sa_spec_id(&spec);

	ck_assert_int_eq(gw_sa_delete(rig->kit.db, txn, &sa_id, NULL),
		rig->staged.sas[id].serial ? 0 : -ENOENT);
	rig->staged.sas[id].serial = 0;
}

static void add_policy(struct rig *rig, struct gw_txn *txn, unsigned int id, uint32_t reqid)
{
	struct item item = { ++rig->serial, 0, reqid };
	struct gw_policy_spec spec = policy_spec(id, &item);
	int expected = rig->staged.policies[id].serial                         ? -EEXIST
		       : count(rig->staged.policies, POLICIES) >= MAX_POLICIES ? -ENOSPC
									       : 0;

	ck_assert_int_eq(gw_policy_add(rig->kit.db, txn, &spec, GW_ORIGIN_CONTROL, NULL), expected);
	if (expected == 0)
		rig->staged.policies[id] = item;
}

static void delete_policy(struct rig *rig, struct gw_txn *txn, unsigned int id)
{
	struct gw_policy_spec spec = policy_spec(id, &rig->staged.policies[id]);
	struct gw_policy_id policy_id = gw_policy_spec_id(&spec);

	ck_assert_int_eq(gw_policy_delete(rig->kit.db, txn, &policy_id, NULL),
		rig->staged.policies[id].serial ? 0 : -ENOENT);
	rig->staged.policies[id].serial = 0;
}

// Steady ones get a key of their own each time: a key that moves may leave a gap.
static void replace_steady(struct rig *rig, struct gw_txn *txn)
{
	delete_sa(rig, txn, STEADY_IN);
	add_sa(rig, txn, STEADY_IN, 1000 + rig->serial, STEADY_REQID);
	delete_sa(rig, txn, STEADY_OUT);
	add_sa(rig, txn, STEADY_OUT, 1000 + rig->serial, STEADY_REQID);
	delete_policy(rig, txn, STEADY_POLICY);
	add_policy(rig, txn, STEADY_POLICY, STEADY_REQID);
}

static void step(struct rig *rig, struct gw_txn *txn, unsigned int *seed)
{
	unsigned int sa = (unsigned int)rand_r(seed) % SAS;
	unsigned int policy = (unsigned int)rand_r(seed) % (POLICIES - 1);
	uint32_t reqid = (uint32_t)rand_r(seed) % (REQIDS + 1);

	sa -= sa == STEADY_IN || sa == STEADY_OUT;
	switch (rand_r(seed) % 9) {
	case 0:
	case 1:
	case 2:
		add_sa(rig, txn, sa, (uint32_t)rand_r(seed) % KEYS, reqid ? reqid : 1);
		break;
	case 3:
	case 4:
		delete_sa(rig, txn, sa);
		break;
	case 5:
	case 6:
		add_policy(rig, txn, policy, reqid);
		break;
	case 7:
		delete_policy(rig, txn, policy);
		break;
	default:
		replace_steady(rig, txn);
		break;
	}
}

// --- the view of the control core

struct listing {
	struct rig *rig;
	unsigned int seen;
	unsigned int last; // of what is in order
};

static unsigned int serial_of(const char *name)
{
	return (unsigned int)strtoul(name, NULL, 10);
}

static int list_sa(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	struct listing *listing = ctx;
	unsigned int serial = serial_of(sa->spec.name);

	ck_assert_uint_gt(serial, listing->last);
	listing->last = serial;
	listing->seen++;
	return 0;
}

static int list_policy(void *ctx, const struct gw_policy_record *record)
{
	struct listing *listing = ctx;
	unsigned int rank = record->spec.direction * PRIORITIES + record->spec.priority;
	unsigned int place = (rank << 24) + serial_of(record->spec.name);

	ck_assert_uint_gt(place, listing->last);
	listing->last = place;
	listing->seen++;
	return 0;
}

static void compare_lists(struct rig *rig)
{
	struct listing sas = { rig, 0, 0 }, policies = { rig, 0, 0 };

	ck_assert_int_eq(gw_sa_each(rig->kit.db, list_sa, &sas), 0);
	ck_assert_uint_eq(sas.seen, count(rig->now.sas, SAS));
	ck_assert_uint_eq(gw_sa_count(rig->kit.db), sas.seen);
	ck_assert_int_eq(gw_policy_each(rig->kit.db, list_policy, &policies), 0);
	ck_assert_uint_eq(policies.seen, count(rig->now.policies, POLICIES));
	ck_assert_uint_eq(gw_policy_count(rig->kit.db), policies.seen);
}

// Returns the serial of the newest outbound SA of the reqid, 0: none.
static unsigned int model_newest(const struct model *model, uint32_t reqid)
{
	unsigned int newest = 0;

	for (unsigned int i = SPIS; i < SAS; i++)
		if (model->sas[i].reqid == reqid && model->sas[i].serial > newest)
			newest = model->sas[i].serial;
	return newest;
}

static void compare_sas(struct rig *rig)
{
	for (unsigned int i = 0; i < SAS; i++) {
		struct gw_sa_spec spec = sa_spec(i, &rig->now.sas[i]);
		struct gw_sa_id id = gw_sa_spec_id(&spec);
		struct gw_sa *sa = gw_sa_find(rig->kit.db, &id);

		ck_assert_uint_eq(sa ? serial_of(sa->spec.name) : 0, rig->now.sas[i].serial);
		if (i < SPIS)
			ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(rig->kit.db), &id), sa);
	}
}

static void compare_policies(struct rig *rig)
{
	for (unsigned int i = 0; i < POLICIES; i++) {
		struct gw_policy_spec spec = policy_spec(i, &rig->now.policies[i]);
		struct gw_policy_id id = gw_policy_spec_id(&spec);
		const struct gw_policy_record *record = gw_policy_find(rig->kit.db, &id);
		const struct gw_sa *sa;

		ck_assert_uint_eq(
			record ? serial_of(record->spec.name) : 0, rig->now.policies[i].serial);
		if (!record)
			continue;
		ck_assert_int_eq(record->policy->action, spec.action);
		ck_assert_int_eq(!!record->policy->carrier,
			spec.reqid && spec.direction == GW_DIRECTION_OUT);
		if (!record->policy->carrier)
			continue;
		ck_assert_uint_eq(record->policy->carrier->id, spec.reqid);
		sa = atomic_load(&record->policy->carrier->newest);
		ck_assert_uint_eq(
			sa ? serial_of(sa->spec.name) : 0, model_newest(&rig->now, spec.reqid));
	}
}

// --- the view of a worker

static unsigned int model_decision(
	const struct model *model, enum gw_direction direction, unsigned int net)
{
	unsigned int first = direction == GW_DIRECTION_IN ? 0 : POLICIES / 2;

	for (unsigned int i = first + net; i < first + POLICIES / 2; i += NETS)
		if (model->policies[i].serial)
			return model->policies[i].serial;
	return 0;
}

static void compare_decisions(struct rig *rig)
{
	for (int direction = GW_DIRECTION_IN; direction <= GW_DIRECTION_OUT; direction++)
		for (unsigned int net = 0; net < NETS; net++) {
			const struct gw_policy *policy =
				kit_spd_find(gw_ipsec_db_spd(rig->kit.db, direction), (uint8_t)net);
			const struct gw_policy_record *record = policy ? policy->owner : NULL;

			ck_assert_uint_eq(record ? serial_of(record->spec.name) : 0,
				model_decision(&rig->now, direction, net));
		}
}

static void compare(struct rig *rig)
{
	compare_lists(rig);
	compare_sas(rig);
	compare_policies(rig);
	compare_decisions(rig);
}

static bool inbound_is_wrong(struct rig *rig)
{
	struct gw_sad_key keys[SPIS];
	struct gw_addr destination = kit_addr4(1);
	struct gw_sa *sas[SPIS];

	for (unsigned int i = 0; i < SPIS; i++)
		gw_sad_key_make(
			&keys[i], rte_cpu_to_be_32(0x1000 + i), GW_PROTOCOL_ESP, &destination);
	gw_sad_lookup(gw_ipsec_db_sad(rig->kit.db), keys, SPIS, sas);
	for (unsigned int i = 0; i < SPIS; i++)
		if (sas[i] && (sas[i]->spi != keys[i].spi || !sas[i]->key || !sas[i]->replay))
			return true; // a freed SA is all zero
	return !sas[STEADY_IN];
}

static bool outbound_is_wrong(struct rig *rig)
{
	bool wrong = false;

	for (unsigned int net = 0; net < NETS; net++) {
		const struct gw_policy *policy =
			kit_spd_find(gw_ipsec_db_spd(rig->kit.db, GW_DIRECTION_OUT), (uint8_t)net);
		const struct gw_sa *sa;

		if (!policy || !policy->carrier) {
			wrong |= net == NETS - 1 && !policy;
			continue;
		}
		sa = atomic_load_explicit(&policy->carrier->newest, memory_order_acquire);
		wrong |= policy->carrier->id != policy->reqid;
		wrong |= sa && (sa->reqid != policy->reqid || sa->direction != GW_DIRECTION_OUT);
		wrong |= !sa && policy->reqid == STEADY_REQID;
	}
	return wrong;
}

static void *read_all_the_time(void *data)
{
	struct reader *reader = data;
	struct rig *rig = reader->rig;

	rte_rcu_qsbr_thread_register(rig->kit.qsbr, reader->id);
	rte_rcu_qsbr_thread_online(rig->kit.qsbr, reader->id);
	while (!atomic_load_explicit(&rig->stop, memory_order_relaxed)) {
		bool wrong = inbound_is_wrong(rig) | outbound_is_wrong(rig);

		atomic_fetch_add_explicit(&rig->mistakes, wrong, memory_order_relaxed);
		rte_rcu_qsbr_quiescent(rig->kit.qsbr, reader->id);
		atomic_fetch_add_explicit(&rig->rounds, 1, memory_order_relaxed);
		sched_yield();
	}
	rte_rcu_qsbr_thread_offline(rig->kit.qsbr, reader->id);
	rte_rcu_qsbr_thread_unregister(rig->kit.qsbr, reader->id);
	return NULL;
}

// --- the view of a listener

static void hear_sa(struct rig *rig, bool added, const struct gw_sa *sa)
{
	unsigned int id = sa->spec.spi - 0x1000 + (sa->direction == GW_DIRECTION_OUT ? SPIS : 0);
	struct item *item = &rig->heard.sas[id];

	if (added) {
		ck_assert_uint_eq(item->serial, 0);
		item->serial = serial_of(sa->spec.name);
	} else {
		ck_assert_uint_eq(item->serial, serial_of(sa->spec.name));
		item->serial = 0;
	}
}

static void hear_policy(struct rig *rig, bool added, const struct gw_policy_spec *spec)
{
	unsigned int id = (spec->direction * PRIORITIES + spec->priority) * NETS +
			  spec->selector.destination.first.bytes[2];
	struct item *item = &rig->heard.policies[id];

	if (added) {
		ck_assert_uint_eq(item->serial, 0);
		item->serial = serial_of(spec->name);
	} else {
		ck_assert_uint_eq(item->serial, serial_of(spec->name));
		item->serial = 0;
	}
}

static void hear(void *ctx, enum gw_ipsec_change change, struct gw_sa *sa,
	const struct gw_policy_spec *policy)
{
	if (sa)
		hear_sa(ctx, change == GW_IPSEC_SA_ADDED, sa);
	else
		hear_policy(ctx, change == GW_IPSEC_POLICY_ADDED, policy);
}

static void compare_heard(struct rig *rig)
{
	for (unsigned int i = 0; i < SAS; i++)
		ck_assert_uint_eq(rig->heard.sas[i].serial, rig->now.sas[i].serial);
	for (unsigned int i = 0; i < POLICIES; i++)
		ck_assert_uint_eq(rig->heard.policies[i].serial, rig->now.policies[i].serial);
}

// --- the run

static void transact(struct rig *rig, unsigned int *seed)
{
	struct gw_txn *txn = gw_txn_new();
	unsigned int steps = (unsigned int)rand_r(seed) % 12;

	rig->staged = rig->now;
	for (unsigned int i = 0; i < steps; i++)
		step(rig, txn, seed);
	if (rand_r(seed) % 8 == 0)
		compare(rig); // as it was before
	if (rand_r(seed) % 3 == 0) {
		gw_txn_abort(txn);
	} else {
		gw_txn_commit(txn);
		rig->now = rig->staged;
	}
	compare(rig);
	compare_heard(rig);
}

static void open_rig(struct rig *rig)
{
	struct gw_txn *txn = gw_txn_new();

	*rig = (struct rig){};
	kit_db_open(&rig->kit, MAX_SAS, MAX_POLICIES, hear, rig);
	add_sa(rig, txn, STEADY_IN, 1000, STEADY_REQID);
	add_sa(rig, txn, STEADY_OUT, 1000, STEADY_REQID);
	add_policy(rig, txn, STEADY_POLICY, STEADY_REQID);
	gw_txn_commit(txn);
	rig->now = rig->staged;
}

// Everything deleted, all memory is back, apart from the database's own.
static void empty_rig(struct rig *rig, unsigned int pieces)
{
	struct gw_txn *txn = gw_txn_new();

	rig->staged = rig->now;
	for (unsigned int i = 0; i < SAS; i++)
		delete_sa(rig, txn, i);
	for (unsigned int i = 0; i < POLICIES; i++)
		delete_policy(rig, txn, i);
	gw_txn_commit(txn);
	rig->now = rig->staged;
	compare(rig);
	compare_heard(rig);
	ck_assert_uint_eq(gw_reclaim_poll(rig->kit.reclaim), 0);
	ck_assert_uint_le(kit_memory_pieces(), pieces);
}

START_TEST(agrees_with_arrays_while_others_look_up)
{
	static struct rig rig;
	struct reader readers[READERS];
	pthread_t threads[READERS];
	unsigned int seed = 11, pieces, rounds = 0;

	open_rig(&rig);
	pieces = kit_memory_pieces();
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ &rig, i };
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, read_all_the_time, &readers[i]), 0);
	}
	while (rounds++ < 4000 || atomic_load(&rig.rounds) < 1000) {
		transact(&rig, &seed);
		gw_reclaim_poll(rig.kit.reclaim);
	}
	atomic_store(&rig.stop, true);
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&rig.mistakes), 0);
	empty_rig(&rig, pieces);
	kit_db_close(&rig.kit);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("db");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, agrees_with_arrays_while_others_look_up);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
