// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The end of SAs (RFC 4301 section 4.4.2.1): time is watched here, what workers have found out is
// told, and an SA that has ended is deleted. Until that is done workers do not use it any more,
// because its mark says so.

#include "esplanade/parts.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/txn.h"
#include "esplanade/events.h"
#include "ipsec/lifetime.h"

#define RETRY_NS 100000000u

// A worker looks at the deadline by itself: without memory the SA ends too, with its next packet.
static void watch(struct gateway *gateway, struct gw_sa *sa, uint64_t when_ns)
{
	if (gw_expiry_set(gateway->expiry, sa, when_ns) != 0)
		gw_log_error(
			"no memory to watch the lifetime of the SA with SPI 0x%08x", sa->spec.spi);
}

// Whether this thread is the first to tell of bit.
static bool is_news(struct gw_sa *sa, enum gw_sa_event bit)
{
	// Relaxed: as in the workers, whoever sets it first tells.
	return !(atomic_fetch_or_explicit(&sa->events, bit, memory_order_relaxed) & bit);
}

static void withdraw(struct gateway *gateway, struct gw_sa *sa)
{
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);
	struct gw_error err = {};
	struct gw_txn *txn = gw_txn_new();

	if (!txn || gw_sa_delete(gateway->ipsec, txn, &id, &err) != 0) {
		if (txn)
			gw_txn_abort(txn);
		watch(gateway, sa, gw_clock_ns() + RETRY_NS);
		return;
	}
	gw_txn_commit(txn);
}

static void end(struct gateway *gateway, struct gw_sa *sa, enum gw_expiry_cause cause)
{
	char address[GW_ADDR_STRLEN];

	gw_log_info("the %s SA with SPI 0x%08x and destination %s has ended: %s",
		gw_direction_words[sa->direction], sa->spec.spi,
		gw_addr_format(&sa->spec.destination, address), gw_expiry_words[cause]);
	gateway_event_expire(gateway, sa, true, cause);
	withdraw(gateway, sa);
}

static void look(struct gateway *gateway, struct gw_sa *sa, uint64_t now_ns)
{
	enum gw_expiry_cause cause;
	uint64_t next_ns;
	uint32_t due = gw_lifetime_due(sa, now_ns, &next_ns, &cause);

	if (due == GW_SA_EVENT_HARD)
		gw_lifetime_end(sa, cause);
	if (gw_lifetime_ended(sa)) {
		if (is_news(sa, GW_SA_EVENT_HARD))
			end(gateway, sa, gw_lifetime_ended(sa));
		else
			withdraw(gateway, sa);
		return;
	}
	if (due == GW_SA_EVENT_SOFT && is_news(sa, GW_SA_EVENT_SOFT))
		gateway_event_expire(gateway, sa, false, cause);
	watch(gateway, sa, next_ns);
}

void gateway_expiry_poll(struct gateway *gateway, uint64_t now_ns)
{
	struct gw_sa *sa;

	while ((sa = gw_expiry_take(gateway->expiry, now_ns)))
		look(gateway, sa, now_ns);
}

void gateway_expiry_changed(struct gateway *gateway, struct gw_sa *sa, bool added)
{
	enum gw_expiry_cause cause;
	uint64_t next_ns = UINT64_MAX;

	if (added)
		gw_lifetime_due(sa, sa->added_ns, &next_ns, &cause);
	watch(gateway, sa, next_ns);
}

// An event may be about an SA that has been replaced since by one with the same id, of which it
// says nothing: what it tells has to be true of the SA that is there.
void gateway_expiry_report(struct gateway *gateway, struct gw_sa *sa, const struct gw_event *event)
{
	uint32_t told = atomic_load_explicit(&sa->events, memory_order_relaxed);

	if (!(told & event->bits))
		return;
	switch (event->bits) {
	case GW_SA_EVENT_HARD:
		if (gw_lifetime_ended(sa))
			end(gateway, sa, gw_lifetime_ended(sa));
		break;
	case GW_SA_EVENT_SOFT:
		gateway_event_expire(gateway, sa, false, event->cause);
		break;
	default:
		look(gateway, sa, gw_clock_ns());
	}
}
