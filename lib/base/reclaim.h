// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// Removal in two phases. Phase one: the control core takes an object out of every table, so that no
// worker finds it any more. Phase two, after every worker has passed a quiescent state
// (rte_rcu_qsbr): nobody can still hold it, and its release function runs on the control core.

struct gw_reclaim;
struct rte_rcu_qsbr;

// qsbr stays the caller's and outlives the result. NULL when there is no memory.
struct gw_reclaim *gw_reclaim_new(struct rte_rcu_qsbr *qsbr);

// Phase one is done: calls release(object) some time later, from gw_reclaim_poll. Falls back to
// waiting for the workers when there is no memory to remember the object, so it cannot fail.
void gw_reclaim_later(struct gw_reclaim *reclaim, void (*release)(void *), void *object);

// Releases what no worker can hold any more; never blocks. Returns how many objects still wait.
unsigned int gw_reclaim_poll(struct gw_reclaim *reclaim);

// Waits for the workers and releases everything, then frees reclaim. NULL is allowed.
void gw_reclaim_free(struct gw_reclaim *reclaim);
