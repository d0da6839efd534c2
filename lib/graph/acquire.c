// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Two ways to keep acquire events rare. A reqid whose SAs carry whatever its policies cover has one
// mark for all workers, which the control core takes away when its SAs change and every now and
// then. Where SAs have selectors of their own, or should have (RFC 4301 section 4.4.1.2), packets
// ask for different SAs: each worker remembers for what it has asked lately, in a small table by
// hash, and asks at most at a rate, because a scan asks for something new with each packet.

#include "graph/acquire.h"

#include <rte_hash_crc.h>
#include <rte_ring.h>

#include "ipsec/carrier.h"

// A worker's: more than any IKE daemon negotiates.
#define ASKED_PPS 1000

static bool tell(
	struct gw_worker *worker, const struct gw_policy *policy, const struct gw_flow *flow)
{
	struct gw_event event = {
		.kind = GW_EVENT_ACQUIRE,
		.reqid = policy->carrier->id,
		.flow = *flow,
		.wanted = gw_policy_wanted(policy, flow),
	};

	return rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) == 0;
}

static uint64_t wait_for(const struct gw_reqid *carrier)
{
	return (uint64_t)carrier->interface << 32 | carrier->id;
}

static uint64_t raise_for_all(
	struct gw_worker *worker, const struct gw_policy *policy, const struct gw_flow *flow)
{
	struct gw_reqid *carrier = policy->carrier;

	// Relaxed: the mark only keeps events rare; the event itself carries what is to be known.
	if (atomic_exchange_explicit(&carrier->acquire_raised, 1, memory_order_relaxed) == 0 &&
		!tell(worker, policy, flow))
		atomic_store_explicit(&carrier->acquire_raised, 0, memory_order_relaxed);
	return wait_for(carrier);
}

// 64 bits, so that two SAs that are asked for hardly ever look alike; the one that came second
// would be told an interval later.
static uint64_t hash(const struct gw_flow *flow, uint32_t reqid, uint64_t serial)
{
	uint32_t low = rte_hash_crc(flow, sizeof(*flow), reqid);
	uint32_t high = rte_hash_crc(&serial, sizeof(serial), ~reqid);

	high = rte_hash_crc(
		flow->destination, sizeof(*flow) - offsetof(struct gw_flow, destination), high);
	return (uint64_t)rte_hash_crc(flow->source, sizeof(flow->source), high) << 32 | low;
}

static uint64_t raise_for_each(struct gw_worker *worker, const struct gw_policy *policy,
	const struct gw_flow *flow, uint64_t serial)
{
	struct gw_flow part =
		gw_flow_populated(flow, policy->populate ? policy->populate : UINT8_MAX);
	uint64_t what = hash(&part, policy->carrier->id, serial);
	struct gw_acquire_mark *mark = &worker->acquire_marks[what % GW_ACQUIRE_MARKS];

	if ((mark->what != what || worker->now_ns >= mark->until_ns) &&
		gw_bucket_take(&worker->acquire_bucket, worker->now_ns, ASKED_PPS) &&
		tell(worker, policy, flow))
		*mark = (struct gw_acquire_mark){ what,
			worker->now_ns + worker->dataplane->acquire_ns };
	what = hash(&part, policy->carrier->id, 0) >> 41 | 1;
	return (uint64_t)(policy->populate != 0) << 63 | what << 40 | wait_for(policy->carrier);
}

uint64_t gw_acquire_raise(
	struct gw_worker *worker, const struct gw_policy *policy, const struct gw_flow *flow)
{
	// Acquire: pairs with the release by which the control core puts the list in place.
	const struct gw_carriers *carriers =
		atomic_load_explicit(&policy->carrier->carriers, memory_order_acquire);

	if (!carriers && !policy->populate)
		return raise_for_all(worker, policy, flow);
	return raise_for_each(worker, policy, flow, carriers ? carriers->serial : 0);
}
