// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/txn.h"

#include "run.h"

struct trace {
	int calls[8];
	int count;
};

static void record_commit(void *owner, void *item)
{
	struct trace *trace = owner;

	trace->calls[trace->count++] = *(int *)item;
}

static void record_abort(void *owner, void *item)
{
	struct trace *trace = owner;

	trace->calls[trace->count++] = -*(int *)item;
}

static struct gw_txn *three_steps(struct trace *trace)
{
	static int items[] = { 1, 2, 3 };
	struct gw_txn *txn = gw_txn_new();

	for (int i = 0; i < 3; i++) {
		struct gw_txn_step step = { record_commit, record_abort, trace, &items[i] };

		ck_assert_int_eq(gw_txn_add(txn, &step), 0);
	}
	return txn;
}

START_TEST(commit_runs_in_order)
{
	struct trace trace = {};

	gw_txn_commit(three_steps(&trace));
	ck_assert_int_eq(trace.count, 3);
	ck_assert_int_eq(trace.calls[0], 1);
	ck_assert_int_eq(trace.calls[2], 3);
}
END_TEST

START_TEST(abort_runs_in_reverse)
{
	struct trace trace = {};

	gw_txn_abort(three_steps(&trace));
	ck_assert_int_eq(trace.count, 3);
	ck_assert_int_eq(trace.calls[0], -3);
	ck_assert_int_eq(trace.calls[2], -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base_txn");
	TCase *tcase = tcase_create("order");

	tcase_add_test(tcase, commit_runs_in_order);
	tcase_add_test(tcase, abort_runs_in_reverse);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
