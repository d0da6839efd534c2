// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db.h"

#include "ipsec_db_kit.h"
#include "run.h"

// What the database tells: to listeners, in lists, in counters and snapshots.

struct heard {
	char log[64];
	unsigned int count;
	const struct gw_sa *sa;
};

static void note_change(void *ctx, enum gw_ipsec_change change, struct gw_sa *sa,
	const struct gw_policy_spec *policy)
{
	static const char letters[] = {
		[GW_IPSEC_SA_ADDED] = 'a',
		[GW_IPSEC_SA_DELETED] = 'd',
		[GW_IPSEC_SA_UPDATED] = 'u',
		[GW_IPSEC_POLICY_ADDED] = 'A',
		[GW_IPSEC_POLICY_DELETED] = 'D',
	};
	struct heard *heard = ctx;

	ck_assert_int_eq(!!sa, change <= GW_IPSEC_SA_UPDATED);
	ck_assert_int_eq(!!policy, change > GW_IPSEC_SA_UPDATED);
	heard->log[heard->count++] = letters[change];
	heard->log[heard->count++] = sa ? sa->spec.name[0] : policy->name[0];
}

static struct gw_sa_spec named_sa(uint32_t spi, const char *name)
{
	struct gw_sa_spec spec = out_sa(spi);

	strcpy(spec.name, name);
	return spec;
}

START_TEST(listeners_hear_what_was_committed_in_order)
{
	struct gw_policy_spec policy = kit_policy(GW_DIRECTION_OUT, 1, 1);
	struct heard heard = {};
	struct gw_txn *txn;

	strcpy(policy.name, "p");
	kit_db_open(&kit, MAX_SAS, MAX_POLICIES, note_change, &heard);
	txn = gw_txn_new();
	add_sa(txn, named_sa(0x1000, "x"), NULL);
	gw_txn_abort(txn);
	ck_assert_str_eq(heard.log, "");
	commit_sa(named_sa(0x1000, "1"));
	ck_assert_str_eq(heard.log, "a1");
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_policy(txn, policy, NULL), 0);
	ck_assert_int_eq(add_sa(txn, named_sa(0x1000, "2"), NULL), 0);
	ck_assert_int_eq(add_sa(txn, named_sa(0x2000, "3"), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, out_sa(0x2000), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), 0);
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), 0);
	ck_assert_str_eq(heard.log, "a1");
	gw_txn_commit(txn);
	ck_assert_str_eq(heard.log, "a1d1Apa2"); // 3 and the inbound policy never were
	teardown();
}
END_TEST

static int note_sa(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct heard *heard = ctx;

	ck_assert_int_eq(origin, GW_ORIGIN_CONTROL);
	heard->log[heard->count++] = sa->spec.name[0];
	return heard->count == 3 ? 42 : 0;
}

START_TEST(sas_are_listed_in_order_of_addition)
{
	struct heard heard = {};

	commit_sa(named_sa(0x4000, "1"));
	commit_sa(named_sa(0x3000, "2"));
	commit_sa(named_sa(0x2000, "3"));
	commit_delete(out_sa(0x4000));
	commit_sa(named_sa(0x4000, "4"));
	commit_delete(out_sa(0x3000));
	ck_assert_int_eq(gw_sa_each(kit.db, note_sa, &heard), 0);
	ck_assert_str_eq(heard.log, "34");
	commit_sa(named_sa(0x1000, "5"));
	commit_sa(named_sa(0x5000, "6"));
	heard = (struct heard){};
	ck_assert_int_eq(gw_sa_each(kit.db, note_sa, &heard), 42);
	ck_assert_str_eq(heard.log, "345");
}
END_TEST

static int stage_deletion(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);

	return gw_sa_delete(kit.db, ctx, &id, NULL);
}

START_TEST(a_visit_may_stage_the_deletion_of_all)
{
	struct gw_txn *txn = gw_txn_new();

	stock();
	ck_assert_int_eq(gw_sa_each(kit.db, stage_deletion, txn), 0);
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
	gw_txn_commit(txn);
	ck_assert_uint_eq(gw_sa_count(kit.db), 0);
}
END_TEST

static int note_policy(void *ctx, const struct gw_policy_record *record)
{
	struct heard *heard = ctx;

	heard->log[heard->count++] = record->spec.direction == GW_DIRECTION_IN ? 'i' : 'o';
	heard->log[heard->count++] = (char)('0' + record->spec.priority);
	heard->log[heard->count++] = (char)('a' + record->spec.selector.destination.first.bytes[2]);
	return 0;
}

START_TEST(policies_are_listed_in_order_of_precedence)
{
	struct heard heard = {};

	kit_db_open(&kit, MAX_SAS, 10, NULL, NULL);
	commit_policy(kit_policy(GW_DIRECTION_OUT, 5, 1));
	commit_policy(kit_policy(GW_DIRECTION_IN, 9, 2));
	commit_policy(kit_policy(GW_DIRECTION_OUT, 3, 3));
	commit_policy(kit_policy(GW_DIRECTION_OUT, 5, 0));
	commit_policy(kit_policy(GW_DIRECTION_IN, 2, 5));
	ck_assert_int_eq(gw_policy_each(kit.db, note_policy, &heard), 0);
	ck_assert_str_eq(heard.log, "i2fi9co3do5bo5a");
	teardown();
}
END_TEST

START_TEST(policy_packets_are_summed_over_workers)
{
	struct gw_policy_spec spec = kit_policy(GW_DIRECTION_OUT, 5, 1);
	const struct gw_policy_record *record;

	commit_policy(spec);
	record = find_policy(spec);
	ck_assert_uint_eq((uintptr_t)record->policy->packets % 64, 0);
	record->policy->packets[0] = 5;
	record->policy->packets[GW_POLICY_COUNTER_STRIDE] = 7;
	ck_assert_uint_eq(gw_policy_packets(kit.db, record->policy), 12);
}
END_TEST

// What is handed out in one life is taken up in the next.
START_TEST(a_snapshot_makes_the_same_sa_again)
{
	struct gw_sa_spec spec = in_sa(0x1000), snapshot;
	struct gw_sa *sa;

	commit_sa(spec);
	for (uint64_t sequence = 1; sequence <= 200; sequence += 3) {
		gw_replay_record(find_sa(spec)->replay, sequence);
		gw_replay_raise(find_sa(spec)->replay, sequence);
	}
	ck_assert_int_eq(gw_sa_snapshot(find_sa(spec), &snapshot), 0);
	ck_assert_uint_eq(snapshot.sequence, 199);
	memcpy(snapshot.encryption_key, spec.encryption_key, sizeof(spec.encryption_key));
	snapshot.encryption_key_bytes = spec.encryption_key_bytes;
	commit_delete(spec);
	commit_sa(snapshot);
	gw_sa_spec_wipe(&snapshot);
	sa = find_sa(spec);
	for (uint64_t sequence = 199 - 63; sequence <= 199; sequence++)
		ck_assert_int_eq(gw_replay_check(sa->replay, sequence),
			sequence % 3 == 1 ? GW_REPLAY_SEEN : GW_REPLAY_NEW);
	ck_assert_int_eq(gw_replay_check(sa->replay, 199 - 64), GW_REPLAY_TOO_OLD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_list");
	TCase *tcase = tcase_create("with a database"), *bare = tcase_create("with its own");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sas_are_listed_in_order_of_addition);
	tcase_add_test(tcase, a_visit_may_stage_the_deletion_of_all);
	tcase_add_test(tcase, policy_packets_are_summed_over_workers);
	tcase_add_test(tcase, a_snapshot_makes_the_same_sa_again);
	suite_add_tcase(suite, tcase);
	tcase_add_test(bare, listeners_hear_what_was_committed_in_order);
	tcase_add_test(bare, policies_are_listed_in_order_of_precedence);
	suite_add_tcase(suite, bare);
	return gw_test_run(suite, true);
}
