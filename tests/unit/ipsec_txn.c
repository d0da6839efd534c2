// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "ipsec_db_kit.h"
#include "run.h"

// What transactions do to SAs and policies, and what becomes of their reqids.

START_TEST(a_commit_publishes)
{
	const struct gw_policy_record *record;
	struct gw_sa_spec in = in_sa(0x1000), out = out_sa(0x1000);
	struct gw_sa_id id = gw_sa_spec_id(&in);
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(add_policy(txn, kit_protect(GW_DIRECTION_OUT, 1, 7, 1), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in, NULL), 0);
	ck_assert_int_eq(add_sa(txn, out, NULL), 0);
	ck_assert_ptr_null(find_sa(in));
	ck_assert_ptr_null(find_sa(out));
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &id));
	ck_assert_ptr_null(kit_spd_find(gw_ipsec_db_spd(kit.db, GW_DIRECTION_OUT), 7));
	ck_assert_ptr_null(find_policy(kit_protect(GW_DIRECTION_OUT, 1, 7, 1)));
	ck_assert_uint_eq(gw_sa_count(kit.db), 0);
	gw_txn_commit(txn);
	ck_assert_ptr_nonnull(find_sa(in));
	ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(kit.db), &id), find_sa(in));
	record = find_policy(kit_protect(GW_DIRECTION_OUT, 1, 7, 1));
	ck_assert_ptr_eq(
		kit_spd_find(gw_ipsec_db_spd(kit.db, GW_DIRECTION_OUT), 7), record->policy);
	ck_assert_ptr_null(kit_spd_find(gw_ipsec_db_spd(kit.db, GW_DIRECTION_IN), 7));
	ck_assert_ptr_eq(atomic_load(&record->policy->carrier->newest), find_sa(out));
	ck_assert_uint_eq(record->policy->carrier->id, 1);
	ck_assert_int_eq(record->origin, GW_ORIGIN_CONFIG);
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
}
END_TEST

START_TEST(an_abort_leaves_everything_as_it_was)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 20, 2, 1);
	const struct gw_sa *in, *out;
	unsigned int pieces;
	struct gw_txn *txn;

	stock();
	commit_policy(protect);
	in = find_sa(in_sa(0x1000));
	out = find_sa(out_sa(0x1000));
	pieces = kit_memory_pieces();
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(txn, same_key(), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, protect, NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_protect(GW_DIRECTION_OUT, 1, 1, 99), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 1), NULL), 0);
	ck_assert_ptr_eq(find_sa(in_sa(0x1000)), in);
	gw_txn_abort(txn);
	gw_reclaim_poll(kit.reclaim);
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
	ck_assert_ptr_eq(find_sa(in_sa(0x1000)), in);
	ck_assert_ptr_eq(find_sa(out_sa(0x1000)), out);
	ck_assert_ptr_null(find_sa(same_key()));
	ck_assert_ptr_eq(newest(protect), out);
	ck_assert_ptr_null(find_policy(kit_protect(GW_DIRECTION_OUT, 1, 1, 99)));
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
	ck_assert_uint_eq(gw_policy_count(kit.db), 2);
	// The limits are as they were, too.
	commit_sa(in_sa(0x3000));
	commit_sa(in_sa(0x3001));
	txn = gw_txn_new();
	ck_assert_int_eq(add_sa(txn, in_sa(0x3002), NULL), -ENOSPC);
	gw_txn_abort(txn);
}
END_TEST

START_TEST(staged_changes_are_seen_by_later_ones)
{
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(add_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(txn, same_out(), NULL), -EEXIST);
	ck_assert_int_eq(add_sa(txn, same_key(), NULL), -EEXIST);
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), -ENOENT);
	ck_assert_int_eq(add_sa(txn, same_key(), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), -EEXIST);
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), -ENOENT);
	gw_txn_commit(txn);
	ck_assert_ptr_null(find_sa(out_sa(0x1000)));
	ck_assert_ptr_nonnull(find_sa(same_key()));
	ck_assert_uint_eq(gw_sa_count(kit.db), 1);
	ck_assert_uint_eq(gw_policy_count(kit.db), 0);
}
END_TEST

START_TEST(delete_and_add_replaces)
{
	struct gw_policy_spec bypass = kit_policy(GW_DIRECTION_OUT, 10, 1);
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 10, 1, 3);
	struct gw_sa_spec in = in_sa(0x1000);
	struct gw_sa_id id = gw_sa_spec_id(&in);
	const struct gw_policy *policy;
	const struct gw_sa *old;
	struct gw_txn *txn;

	stock();
	old = find_sa(in);
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, in, NULL), 0);
	ck_assert_int_eq(add_sa(txn, same_in(), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, bypass, NULL), 0);
	ck_assert_int_eq(add_policy(txn, protect, NULL), 0);
	gw_txn_commit(txn);
	ck_assert_ptr_ne(find_sa(in), old);
	ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(kit.db), &id), find_sa(in));
	policy = kit_spd_find(gw_ipsec_db_spd(kit.db, GW_DIRECTION_OUT), 1);
	ck_assert_int_eq(policy->action, GW_ACTION_PROTECT);
	ck_assert_ptr_eq(find_policy(protect)->policy, policy);
	commit_delete(same_in());
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &id));
}
END_TEST

START_TEST(the_newest_sa_carries_the_traffic)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	struct gw_sa_spec other_reqid = out_sa(0x4000);

	commit_policy(protect);
	ck_assert_ptr_null(newest(protect));
	commit_sa(out_sa(0x1000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x1000)));
	commit_sa(out_sa(0x2000));
	commit_sa(out_sa(0x3000));
	other_reqid.reqid = 2;
	commit_sa(other_reqid);
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x3000)));
	commit_delete(out_sa(0x2000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x3000)));
	commit_delete(out_sa(0x3000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x1000)));
	commit_delete(out_sa(0x1000));
	ck_assert_ptr_null(newest(protect));
	commit_sa(out_sa(0x2000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x2000)));
}
END_TEST

START_TEST(policies_of_a_reqid_share_it_while_one_refers_to_it)
{
	struct gw_policy_spec first = kit_protect(GW_DIRECTION_OUT, 1, 1, 9);
	struct gw_policy_spec second = kit_protect(GW_DIRECTION_OUT, 1, 2, 9);
	struct gw_policy_spec inbound = kit_protect(GW_DIRECTION_IN, 1, 1, 9);
	unsigned int pieces = kit_memory_pieces();
	const struct gw_reqid *carrier;
	struct gw_txn *txn;

	commit_policy(first);
	carrier = find_policy(first)->policy->carrier;
	commit_policy(second);
	commit_policy(inbound);
	ck_assert_ptr_eq(find_policy(second)->policy->carrier, carrier);
	ck_assert_ptr_null(find_policy(inbound)->policy->carrier);
	txn = gw_txn_new();
	ck_assert_int_eq(delete_policy(txn, first, NULL), 0);
	gw_txn_commit(txn);
	gw_reclaim_poll(kit.reclaim);
	ck_assert_uint_eq(carrier->id, 9);
	ck_assert_ptr_eq(find_policy(second)->policy->carrier, carrier);
	txn = gw_txn_new();
	ck_assert_int_eq(delete_policy(txn, second, NULL), 0);
	ck_assert_int_eq(delete_policy(txn, inbound, NULL), 0);
	gw_txn_commit(txn);
	ck_assert_uint_eq(gw_reclaim_poll(kit.reclaim), 0);
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
}
END_TEST

START_TEST(a_change_of_the_newest_clears_the_acquire_mark)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	struct gw_reqid *carrier;

	commit_policy(protect);
	carrier = find_policy(protect)->policy->carrier;
	atomic_store(&carrier->acquire_raised, 1);
	commit_sa(out_sa(0x1000));
	ck_assert_uint_eq(atomic_load(&carrier->acquire_raised), 0);
	atomic_store(&carrier->acquire_raised, 1);
	commit_delete(out_sa(0x1000));
	ck_assert_uint_eq(atomic_load(&carrier->acquire_raised), 0);
	atomic_store(&carrier->acquire_raised, 1);
	gw_policy_rearm(kit.db);
	ck_assert_uint_eq(atomic_load(&carrier->acquire_raised), 0);
}
END_TEST

// An SA that takes over a counter-mode key in one transaction goes on where the other ended.
START_TEST(a_key_that_moves_takes_its_sequence_along)
{
	static const struct {
		uint64_t asked, used, expected;
	} cases[] = { { 0, 1000, 1000 }, { 5000, 1000, 5000 }, { 1000, 1000, 1000 } };
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct gw_sa_spec old = out_sa(0x1000), new = same_key();
		struct gw_txn *txn;

		setup();
		commit_policy(protect);
		commit_sa(old);
		atomic_store(&find_sa(old)->sequence.used, cases[i].used);
		new.sequence = cases[i].asked;
		txn = gw_txn_new();
		ck_assert_int_eq(delete_sa(txn, old, NULL), 0);
		ck_assert_int_eq(add_sa(txn, new, NULL), 0);
		gw_txn_commit(txn);
		ck_assert_uint_eq(atomic_load(&find_sa(new)->sequence.used), cases[i].expected);
		ck_assert_ptr_eq(newest(protect), find_sa(new));
		teardown();
	}
}
END_TEST

// --- what workers hold

// This thread is a worker that found an SA and a policy, and is still at work with them.
START_TEST(what_a_worker_holds_stays_until_it_lets_go)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	unsigned int pieces = kit_memory_pieces();
	const struct gw_policy *policy;
	const struct gw_sa *in, *out;
	struct gw_txn *txn;

	commit_policy(protect);
	commit_sa(in_sa(0x1000));
	commit_sa(out_sa(0x1000));
	rte_rcu_qsbr_thread_register(kit.qsbr, 0);
	rte_rcu_qsbr_thread_online(kit.qsbr, 0);
	in = find_sa(in_sa(0x1000));
	out = newest(protect);
	policy = find_policy(protect)->policy;
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, protect, NULL), 0);
	gw_txn_commit(txn);
	ck_assert_uint_gt(gw_reclaim_poll(kit.reclaim), 0);
	ck_assert_uint_eq(in->spi, RTE_BE32(0x1000)); // what is freed is zero
	ck_assert_uint_eq(out->spi, RTE_BE32(0x1000));
	ck_assert_uint_eq(policy->reqid, 1);
	ck_assert_uint_eq(policy->carrier->id, 1);
	ck_assert_ptr_null(atomic_load(&policy->carrier->newest));
	rte_rcu_qsbr_quiescent(kit.qsbr, 0);
	rte_rcu_qsbr_thread_offline(kit.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(kit.qsbr, 0);
	ck_assert_uint_eq(gw_reclaim_poll(kit.reclaim), 0);
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
}
END_TEST

struct late_worker {
	struct gw_reqid *carrier;
	struct gw_sa *sa; // that it found
	atomic_bool found;
};

// A worker that takes numbers from an SA that was withdrawn after it found it.
static void *take_numbers_late(void *data)
{
	struct late_worker *worker = data;

	rte_rcu_qsbr_thread_register(kit.qsbr, 0);
	rte_rcu_qsbr_thread_online(kit.qsbr, 0);
	worker->sa = atomic_load(&worker->carrier->newest);
	atomic_store(&worker->found, true);
	while (atomic_load(&worker->carrier->newest) == worker->sa)
		sched_yield();
	for (int i = 0; i < 100; i++)
		sched_yield();
	atomic_fetch_add(&worker->sa->sequence.used, 5000);
	rte_rcu_qsbr_thread_offline(kit.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(kit.qsbr, 0);
	return NULL;
}

START_TEST(a_key_moves_when_no_worker_uses_it_any_more)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	struct late_worker worker = {};
	struct gw_txn *txn;
	pthread_t thread;

	commit_policy(protect);
	commit_sa(out_sa(0x1000));
	worker.carrier = find_policy(protect)->policy->carrier;
	ck_assert_int_eq(pthread_create(&thread, NULL, take_numbers_late, &worker), 0);
	while (!atomic_load(&worker.found))
		sched_yield();
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(txn, same_key(), NULL), 0);
	gw_txn_commit(txn);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(atomic_load(&find_sa(same_key())->sequence.used), 5000);
}
END_TEST

// RFC 7296 section 2.8: whoever answered sends by the old SA until the new one is taken.
START_TEST(a_policy_may_name_the_sa_that_carries)
{
	const struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 10, 1, 1);

	commit_sa(out_sa(0x1000));
	commit_sa(out_sa(0x2000));
	commit_policy(protect);
	gw_sa_prefer(kit.db, 1, 0, 0x1000);
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x1000)));
	commit_sa(out_sa(0x3000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x1000)));
	gw_sa_prefer(kit.db, 1, 0, 0x3000);
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x3000)));
	commit_delete(out_sa(0x1000));
	commit_delete(out_sa(0x2000));
	// One that is not there yet does not matter until it comes.
	gw_sa_prefer(kit.db, 1, 0, 0x4000);
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x3000)));
	commit_sa(out_sa(0x4000));
	commit_sa(out_sa(0x5000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x4000)));
	commit_delete(out_sa(0x4000));
	ck_assert_ptr_eq(newest(protect), find_sa(out_sa(0x5000)));
	gw_sa_prefer(kit.db, 99, 0, 0x1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_txn");
	TCase *tcase = tcase_create("with a database"), *bare = tcase_create("with its own");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_commit_publishes);
	tcase_add_test(tcase, an_abort_leaves_everything_as_it_was);
	tcase_add_test(tcase, staged_changes_are_seen_by_later_ones);
	tcase_add_test(tcase, delete_and_add_replaces);
	tcase_add_test(tcase, the_newest_sa_carries_the_traffic);
	tcase_add_test(tcase, policies_of_a_reqid_share_it_while_one_refers_to_it);
	tcase_add_test(tcase, a_change_of_the_newest_clears_the_acquire_mark);
	tcase_add_test(tcase, what_a_worker_holds_stays_until_it_lets_go);
	tcase_add_test(tcase, a_key_moves_when_no_worker_uses_it_any_more);
	tcase_add_test(tcase, a_policy_may_name_the_sa_that_carries);
	suite_add_tcase(suite, tcase);
	tcase_add_test(bare, a_key_that_moves_takes_its_sequence_along);
	suite_add_tcase(suite, bare);
	return gw_test_run(suite, true);
}
