// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Transactions that replace everything at once, while another thread looks up as a worker does: at
// every moment it must find the old or the new SA and policy. Transactions are long and what is
// looked for stands at either end of them, so that a gap would be long, too.

#include "ipsec/db.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "ipsec_kit.h"
#include "run.h"

#define SAS      1000 // of each direction
#define POLICIES 200
#define ROUNDS   30
#define REQID    5

struct rig {
	struct kit_db kit;
	uint32_t keys; // used up
	bool protect;  // what policies do, after this transaction
	atomic_bool stop;
	atomic_uint rounds;
	atomic_uint gaps[4]; // seen by the reader: inbound SA, policy, outbound SA, old beside new
};

static struct gw_sa_spec sa_spec(enum gw_direction direction, unsigned int i, uint32_t key)
{
	struct gw_sa_spec spec = kit_sa(direction, 0x1000 + i, key);

	spec.reqid = REQID;
	return spec;
}

// Each transaction changes the action of all.
static struct gw_policy_spec policy_spec(const struct rig *rig, unsigned int i)
{
	if (rig->protect)
		return kit_protect(GW_DIRECTION_OUT, i, (uint8_t)i, REQID);
	return kit_policy(GW_DIRECTION_OUT, i, (uint8_t)i);
}

static void replace_sas(
	struct rig *rig, struct gw_txn *txn, enum gw_direction direction, bool first)
{
	for (unsigned int i = 0; i < SAS; i++) {
		struct gw_sa_spec spec = sa_spec(direction, i, rig->keys++);
		struct gw_sa_id id = gw_sa_spec_id(&spec);

		if (!first)
			ck_assert_int_eq(gw_sa_delete(rig->kit.db, txn, &id, NULL), 0);
		ck_assert_int_eq(gw_sa_add(rig->kit.db, txn, &spec, GW_ORIGIN_CONFIG, NULL), 0);
	}
}

static void replace_policies(struct rig *rig, struct gw_txn *txn, bool first)
{
	for (unsigned int i = 0; i < POLICIES && !first; i++) {
		struct gw_policy_spec spec = policy_spec(rig, i);
		struct gw_policy_id id = gw_policy_spec_id(&spec);

		ck_assert_int_eq(gw_policy_delete(rig->kit.db, txn, &id, NULL), 0);
	}
	for (unsigned int i = 0; i < POLICIES; i++) {
		struct gw_policy_spec spec = policy_spec(rig, i);

		ck_assert_int_eq(gw_policy_add(rig->kit.db, txn, &spec, GW_ORIGIN_CONFIG, NULL), 0);
	}
}

static void replace_all(struct rig *rig, bool first)
{
	struct gw_txn *txn = gw_txn_new();

	replace_sas(rig, txn, GW_DIRECTION_IN, first);
	replace_sas(rig, txn, GW_DIRECTION_OUT, first);
	rig->protect = !rig->protect;
	replace_policies(rig, txn, first);
	gw_txn_commit(txn);
}

static void look(struct rig *rig, unsigned int i)
{
	struct gw_sa_spec spec = sa_spec(GW_DIRECTION_IN, i % SAS, 0);
	struct gw_sa_id id = gw_sa_spec_id(&spec);
	const struct gw_policy *policy = kit_spd_find(
		gw_ipsec_db_spd(rig->kit.db, GW_DIRECTION_OUT), (uint8_t)(i % POLICIES));

	if (!kit_sad_find(gw_ipsec_db_sad(rig->kit.db), &id))
		atomic_fetch_add(&rig->gaps[0], 1);
	if (!policy)
		atomic_fetch_add(&rig->gaps[1], 1);
	else if (policy->carrier &&
		 !atomic_load_explicit(&policy->carrier->newest, memory_order_acquire))
		atomic_fetch_add(&rig->gaps[2], 1);
}

// The policies for the first and the last net, which one look-up finds, are of one transaction.
static void look_at_both_ends(struct rig *rig)
{
	const struct gw_flow first = kit_flow(0), last = kit_flow(POLICIES - 1);
	const struct gw_flow *flows[] = { &first, &last };
	const struct gw_policy *policies[2];

	gw_spd_lookup(gw_ipsec_db_spd(rig->kit.db, GW_DIRECTION_OUT), NULL, flows, 2, policies);
	if (policies[0] && policies[1] && policies[0]->action != policies[1]->action)
		atomic_fetch_add(&rig->gaps[3], 1);
}

static void *look_all_the_time(void *data)
{
	struct rig *rig = data;

	rte_rcu_qsbr_thread_register(rig->kit.qsbr, 0);
	rte_rcu_qsbr_thread_online(rig->kit.qsbr, 0);
	for (unsigned int i = 0; !atomic_load_explicit(&rig->stop, memory_order_relaxed); i++) {
		look(rig, i);
		look(rig, SAS * POLICIES - 1 - i % 2);
		look_at_both_ends(rig);
		rte_rcu_qsbr_quiescent(rig->kit.qsbr, 0);
		atomic_fetch_add(&rig->rounds, 1);
		sched_yield();
	}
	rte_rcu_qsbr_thread_offline(rig->kit.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(rig->kit.qsbr, 0);
	return NULL;
}

START_TEST(a_replacement_leaves_no_gap)
{
	static struct rig rig;
	pthread_t thread;

	kit_db_open(&rig.kit, 2 * SAS, POLICIES, NULL, NULL);
	replace_all(&rig, true);
	ck_assert_int_eq(pthread_create(&thread, NULL, look_all_the_time, &rig), 0);
	for (unsigned int round = 0; round < ROUNDS || atomic_load(&rig.rounds) < 1000; round++) {
		replace_all(&rig, false);
		gw_reclaim_poll(rig.kit.reclaim);
	}
	atomic_store(&rig.stop, true);
	pthread_join(thread, NULL);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(atomic_load(&rig.gaps[i]), 0);
	kit_db_close(&rig.kit);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, a_replacement_leaves_no_gap);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
