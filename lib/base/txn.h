// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// A transaction: changes to the gateway's databases that take effect together or not at all.
//
// A database stages a change by doing everything that can fail (checks, memory, its own index) and
// adding one step. Commit runs the steps' commit functions in order: they publish to the workers
// and cannot fail. Abort runs the abort functions in reverse order: they undo what staging did.
// Workers see nothing of a transaction before it commits.

struct gw_txn;

struct gw_txn_step {
	void (*commit)(void *owner, void *item);
	void (*abort)(void *owner, void *item);
	void *owner; // the database
	void *item;  // what the step is about; owned by the two functions
};

// NULL when there is no memory.
struct gw_txn *gw_txn_new(void);

// 0, or -ENOMEM: the step was not added and the caller undoes what it staged.
int gw_txn_add(struct gw_txn *txn, const struct gw_txn_step *step);

// Both free txn.
void gw_txn_commit(struct gw_txn *txn);
void gw_txn_abort(struct gw_txn *txn);
