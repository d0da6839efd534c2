// Called by: worker (spd_out, fast_out)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_prefetch.h>

#include "graph/expiry.h"
#include "graph/worker.h"
#include "ipsec/carrier.h"

// What packets of a PROTECT policy that follow each other have in common where its newest SA
// carries them in tunnel mode.
struct gw_protect_run {
	const struct gw_policy *policy;
	struct gw_sa *sa; // NULL: it is to be decided about each packet
	uint64_t *counter;
	uint16_t mtu;
};

static inline void gw_protect_run_begin(
	struct gw_protect_run *run, const struct gw_worker *worker, const struct gw_policy *policy)
{
	struct gw_sa *sa;

	*run = (struct gw_protect_run){ .policy = policy };
	if (!policy || policy->action != GW_ACTION_PROTECT || policy->populate)
		return;
	// Acquire: see gw_carrier_find, which finds no other.
	sa = atomic_load_explicit(&policy->carrier->newest, memory_order_acquire);
	if (!sa || sa->mode != GW_MODE_TUNNEL || gw_expiry_is_over(worker, sa))
		return;
	run->sa = sa;
	run->counter = &policy->packets[worker->index * GW_POLICY_COUNTER_STRIDE];
	run->mtu = gw_sa_inner_mtu_now(sa);
}

static inline const struct gw_sa *gw_newest_sa(const struct gw_policy *policy)
{
	return policy->carrier
		       ? atomic_load_explicit(&policy->carrier->newest, memory_order_relaxed)
		       : NULL;
}

// The way from a policy to what is written of its SA leads over three places in memory, each known
// only when the one before has arrived. So the vector goes it place by place, and all its packets
// wait together. A packet whose policy is that of the one before has nothing to wait for.
static inline void gw_prefetch_sas(
	const struct gw_worker *worker, const struct gw_policy **policies, unsigned int count)
{
	const struct gw_policy *distinct[GW_VECTOR];
	unsigned int used = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!policies[i] || (used && policies[i] == distinct[used - 1]))
			continue;
		rte_prefetch0(policies[i]);
		distinct[used++] = policies[i];
	}
	if (used < 2)
		return;
	for (unsigned int i = 0; i < used; i++) {
		rte_prefetch0(distinct[i]->carrier);
		rte_prefetch0(&distinct[i]->packets[worker->index * GW_POLICY_COUNTER_STRIDE]);
	}
	for (unsigned int i = 0; i < used; i++) {
		const struct gw_sa *sa = gw_newest_sa(distinct[i]);

		rte_prefetch0(sa);
		rte_prefetch0((const uint8_t *)sa + offsetof(struct gw_sa, outer));
		rte_prefetch0((const uint8_t *)sa + offsetof(struct gw_sa, sequence));
	}
	for (unsigned int i = 0; i < used; i++) {
		const struct gw_sa *sa = gw_newest_sa(distinct[i]);

		if (!sa)
			continue;
		rte_prefetch0(sa->key);
		rte_prefetch0(&sa->counters[worker->index]);
		if (sa->limits & GW_LIMIT_BYTES)
			rte_prefetch0(&sa->limit);
	}
}
