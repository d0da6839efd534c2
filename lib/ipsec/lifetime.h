// Called by: both (each function says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>

#include "ipsec/sa.h"

// The lifetime of an SA at run time (RFC 4301 section 4.4.2.1).
//
// Packets of an outbound SA are counted by its sequence numbers, so a limit of packets is an
// earlier last number. Bytes, and the packets of an inbound SA, are counted in words that all
// workers share, each once a vector. Time is the control core's (ipsec/expiry.h); workers look at
// the deadline too, so that a control core that is busy prolongs nothing. Whoever finds the end
// first sets sa->expired, which nothing takes back.

// Control core, last step of making the SA.
void gw_lifetime_start(struct gw_sa *sa, const struct gw_sa_spec *spec);
// Control core: what is used, for an SA that goes on where this one is.
void gw_lifetime_snapshot(const struct gw_sa *sa, struct gw_lifetime *lifetime);
// Control core: to goes on where from ends, with the same key. to is not published.
void gw_lifetime_hand_over(const struct gw_sa *from, struct gw_sa *to);

// Control core: what time has come to. SOFT and HARD are enum gw_sa_event; 0: nothing yet. *next_ns
// is when to ask again, UINT64_MAX: never.
uint32_t gw_lifetime_due(
	const struct gw_sa *sa, uint64_t now_ns, uint64_t *next_ns, enum gw_expiry_cause *cause);

// Any thread: ends the SA, unless it has ended already.
void gw_lifetime_end(struct gw_sa *sa, enum gw_expiry_cause cause);

// Relaxed: the mark is all there is; who does not see it yet sends a vector more.
static inline enum gw_expiry_cause gw_lifetime_ended(const struct gw_sa *sa)
{
	return (enum gw_expiry_cause)atomic_load_explicit(&sa->expired, memory_order_relaxed);
}

// Worker: whether the SA has ended at now_ns.
static inline bool gw_lifetime_is_over(struct gw_sa *sa, uint64_t now_ns)
{
	if (gw_lifetime_ended(sa))
		return true;
	if (!(sa->limits & GW_LIMIT_TIME) ||
		now_ns < atomic_load_explicit(&sa->deadline_ns, memory_order_relaxed))
		return false;
	gw_lifetime_end(sa, GW_EXPIRY_SECONDS);
	return true;
}

// Worker, outbound, where limits has BYTES: takes bytes of the SA's, before they are sealed.
// Returns how many of them the SA still has; what all calls return together never exceeds the
// limit.
uint64_t gw_lifetime_take_bytes(struct gw_sa *sa, uint64_t bytes);

// Worker, outbound: why the packets of a vector got no sequence number.
enum gw_expiry_cause gw_lifetime_out_end(const struct gw_sa *sa);

// Worker, outbound: why the SA should be renewed now that sequence was used; NONE: it need not.
static inline enum gw_expiry_cause gw_lifetime_out_soft(const struct gw_sa *sa, uint64_t sequence)
{
	if (sequence >= sa->sequence_soft)
		return (enum gw_expiry_cause)sa->limit.soft_sequence_cause;
	if ((sa->limits & GW_LIMIT_BYTES) &&
		atomic_load_explicit(&sa->used_bytes, memory_order_relaxed) >= sa->limit.soft_bytes)
		return (enum gw_expiry_cause)sa->limit.soft_bytes_cause;
	return GW_EXPIRY_NONE;
}

// Worker, inbound, where limits has BYTES or PACKETS: counts authentic packets. Ends the SA where
// they reach a hard limit; returns the cause of a soft one, or NONE.
enum gw_expiry_cause gw_lifetime_count(struct gw_sa *sa, uint32_t packets, uint64_t bytes);

// Worker, where limits has USE: the SA's first packet is there.
void gw_lifetime_use(struct gw_sa *sa, uint64_t now_ns);
