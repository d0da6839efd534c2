// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/packet.h"
#include "graph/worker.h"
#include "ipsec/lifetime.h"

// Lifetimes on the data path: what every node that seals or opens packets of an SA has to ask.

// Tells the control core, once for each bit (enum gw_sa_event) and SA.
void gw_expiry_raise(const struct gw_worker *worker, struct gw_sa *sa, enum gw_sa_event bit,
	enum gw_expiry_cause cause);

// Whether the SA has ended; the control core is told. Ask before an SA is used.
static inline bool gw_expiry_is_over(const struct gw_worker *worker, struct gw_sa *sa)
{
	if (likely(!gw_lifetime_is_over(sa, worker->now_ns)))
		return false;
	gw_expiry_raise(worker, sa, GW_SA_EVENT_HARD, gw_lifetime_ended(sa));
	return true;
}

// The rare ends of what follows.
enum gw_drop gw_expiry_refuse(const struct gw_worker *worker, struct gw_sa *sa);
void gw_expiry_use(const struct gw_worker *worker, struct gw_sa *sa);

// Outbound, behind gw_sequence_blocks_take: the reason to drop a packet with that number, 0 where
// the SA has no number or no bytes left for it, or GW_DROP_COUNT.
static inline enum gw_drop gw_expiry_admit(
	const struct gw_worker *worker, struct gw_sa *sa, uint64_t sequence)
{
	enum gw_expiry_cause soft;

	if (unlikely(sequence == 0))
		return gw_expiry_refuse(worker, sa);
	soft = gw_lifetime_out_soft(sa, sequence);
	if (unlikely(soft != GW_EXPIRY_NONE))
		gw_expiry_raise(worker, sa, GW_SA_EVENT_SOFT, soft);
	if (unlikely(sa->limits & GW_LIMIT_USE))
		gw_expiry_use(worker, sa);
	return GW_DROP_COUNT;
}

// Inbound, where limits has BYTES, PACKETS or USE: counts authentic packets of an SA.
void gw_expiry_count(
	const struct gw_worker *worker, struct gw_sa *sa, uint32_t packets, uint64_t bytes);

// Inbound: a packet had a wrong ICV; reason says so in the words of the SA's protocol.
void gw_expiry_forged(const struct gw_worker *worker, struct gw_sa *sa, enum gw_drop reason);
