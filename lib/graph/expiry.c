// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/expiry.h"

#include <rte_ring.h>

void gw_expiry_raise(const struct gw_worker *worker, struct gw_sa *sa, enum gw_sa_event bit,
	enum gw_expiry_cause cause)
{
	struct gw_event event = {
		.kind = GW_EVENT_SA,
		.spi = rte_be_to_cpu_32(sa->spi),
		.bits = bit,
		.cause = (uint8_t)cause,
		.direction = sa->direction,
		.protocol = sa->protocol,
	};

	// Whoever sets the bit first tells. A look first, because many packets may come here.
	// Acquire: see gw_sa_destination.
	if (atomic_load_explicit(&sa->events, memory_order_relaxed) & bit ||
		atomic_fetch_or_explicit(&sa->events, bit, memory_order_acquire) & bit)
		return;
	event.destination = gw_sa_destination(sa);
	// A full ring: the next packet tells.
	if (rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) != 0)
		atomic_fetch_and_explicit(&sa->events, ~(uint32_t)bit, memory_order_relaxed);
}

enum gw_drop gw_expiry_refuse(const struct gw_worker *worker, struct gw_sa *sa)
{
	enum gw_expiry_cause cause = gw_lifetime_out_end(sa);

	gw_lifetime_end(sa, cause);
	gw_expiry_raise(worker, sa, GW_SA_EVENT_HARD, cause);
	return cause == GW_EXPIRY_SEQUENCE ? GW_DROP_ESP_SEQUENCE_END : GW_DROP_SA_EXPIRED;
}

void gw_expiry_use(const struct gw_worker *worker, struct gw_sa *sa)
{
	gw_lifetime_use(sa, worker->now_ns);
	gw_expiry_raise(worker, sa, GW_SA_EVENT_USED, GW_EXPIRY_NONE);
}

void gw_expiry_count(
	const struct gw_worker *worker, struct gw_sa *sa, uint32_t packets, uint64_t bytes)
{
	enum gw_expiry_cause soft;

	if (sa->limits & GW_LIMIT_USE)
		gw_expiry_use(worker, sa);
	soft = gw_lifetime_count(sa, packets, bytes);
	if (soft != GW_EXPIRY_NONE)
		gw_expiry_raise(worker, sa, GW_SA_EVENT_SOFT, soft);
	gw_expiry_is_over(worker, sa);
}

// The count is that of the drops so far, to which the drop node adds this one.
void gw_expiry_forged(const struct gw_worker *worker, struct gw_sa *sa, enum gw_drop reason)
{
	int index = gw_drop_sa_index[reason];

	if (sa->limits & GW_LIMIT_FAILURES &&
		atomic_load_explicit(&sa->drops[index], memory_order_relaxed) >= sa->limit.failures)
		gw_expiry_raise(worker, sa, GW_SA_EVENT_SOFT, GW_EXPIRY_FAILURES);
}
