// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/lifetime.h"

#include <rte_common.h>

#include "ipsec/key_limit.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NEVER         UINT64_MAX

const char *const gw_expiry_words[] = { "none", "sequence", "packets", "bytes", "seconds",
	"use_seconds", "key", "failures", NULL };

// Seven eighths: an eighth of the space is time enough to negotiate a new SA.
static uint64_t well_before(uint64_t limit)
{
	return limit / 8 * 7;
}

static uint64_t or_never(uint64_t limit)
{
	return limit ? limit : NEVER;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > NEVER - b ? NEVER : a + b;
}

static void lower(uint64_t *limit, uint8_t *cause, uint64_t to, enum gw_expiry_cause why)
{
	if (to >= *limit)
		return;
	*limit = to;
	*cause = (uint8_t)why;
}

// Numbers that the SA will have used after packets more than it had at its start.
static uint64_t number_after(const struct gw_sa_spec *spec, uint64_t packets)
{
	uint64_t used = spec->lifetime.used_packets;

	if (packets == NEVER)
		return NEVER;
	return add(spec->sequence, packets > used ? packets - used : 0);
}

static void start_sequence(
	struct gw_sa *sa, const struct gw_sa_spec *spec, const struct gw_key_limit *key)
{
	struct gw_sa_limits *limit = &sa->limit;

	sa->sequence_last = gw_sequence_last(spec->esn);
	sa->sequence_soft = well_before(sa->sequence_last);
	limit->last_sequence_cause = limit->soft_sequence_cause = GW_EXPIRY_SEQUENCE;
	lower(&sa->sequence_last, &limit->last_sequence_cause, key->packets, GW_EXPIRY_KEY);
	lower(&sa->sequence_soft, &limit->soft_sequence_cause, well_before(key->packets),
		GW_EXPIRY_KEY);
	lower(&sa->sequence_last, &limit->last_sequence_cause,
		number_after(spec, or_never(spec->lifetime.hard_packets)), GW_EXPIRY_PACKETS);
	lower(&sa->sequence_soft, &limit->soft_sequence_cause,
		number_after(spec, or_never(spec->lifetime.soft_packets)), GW_EXPIRY_PACKETS);
}

// Without ESN the numbers end long before a key has protected too many bytes.
static void start_bytes(
	struct gw_sa *sa, const struct gw_sa_spec *spec, const struct gw_key_limit *key)
{
	struct gw_sa_limits *limit = &sa->limit;

	limit->hard_bytes = or_never(spec->lifetime.hard_bytes);
	limit->soft_bytes = or_never(spec->lifetime.soft_bytes);
	limit->hard_bytes_cause = limit->soft_bytes_cause = GW_EXPIRY_BYTES;
	if (spec->direction == GW_DIRECTION_OUT && spec->esn && key->bytes != NEVER) {
		lower(&limit->hard_bytes, &limit->hard_bytes_cause, key->bytes, GW_EXPIRY_KEY);
		lower(&limit->soft_bytes, &limit->soft_bytes_cause, well_before(key->bytes),
			GW_EXPIRY_KEY);
	}
	if (limit->hard_bytes != NEVER || limit->soft_bytes != NEVER)
		sa->limits |= GW_LIMIT_BYTES;
	atomic_init(&sa->used_bytes, spec->lifetime.used_bytes);
}

static void start_inbound(
	struct gw_sa *sa, const struct gw_sa_spec *spec, const struct gw_key_limit *key)
{
	struct gw_sa_limits *limit = &sa->limit;

	limit->hard_packets = or_never(spec->lifetime.hard_packets);
	limit->soft_packets = or_never(spec->lifetime.soft_packets);
	if (limit->hard_packets != NEVER || limit->soft_packets != NEVER)
		sa->limits |= GW_LIMIT_PACKETS;
	atomic_init(&sa->used_packets, spec->lifetime.used_packets);
	limit->failures = key->failures;
	if (key->failures != NEVER)
		sa->limits |= GW_LIMIT_FAILURES;
}

static void start_time(struct gw_sa *sa, const struct gw_lifetime *lifetime)
{
	uint64_t deadline = NEVER;

	if (lifetime->hard_seconds)
		deadline = sa->added_ns + lifetime->hard_seconds * NS_PER_SECOND;
	sa->limit.hard_use_ns =
		lifetime->hard_use_seconds ? lifetime->hard_use_seconds * NS_PER_SECOND : NEVER;
	if (lifetime->hard_use_seconds || lifetime->soft_use_seconds)
		sa->limits |= GW_LIMIT_USE;
	if (lifetime->hard_seconds || lifetime->hard_use_seconds)
		sa->limits |= GW_LIMIT_TIME;
	atomic_init(&sa->deadline_ns, deadline);
}

void gw_lifetime_start(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	struct gw_key_limit key = gw_key_limit(spec);

	start_sequence(sa, spec, &key);
	start_bytes(sa, spec, &key);
	if (spec->direction == GW_DIRECTION_IN)
		start_inbound(sa, spec, &key);
	start_time(sa, &spec->lifetime);
}

// Relaxed here and below: counts speak for themselves.
void gw_lifetime_snapshot(const struct gw_sa *sa, struct gw_lifetime *lifetime)
{
	uint64_t sequence = atomic_load_explicit(&sa->sequence.used, memory_order_relaxed);

	if (sa->limits & GW_LIMIT_BYTES)
		lifetime->used_bytes = RTE_MIN(sa->limit.hard_bytes,
			atomic_load_explicit(&sa->used_bytes, memory_order_relaxed));
	if (sa->limits & GW_LIMIT_PACKETS)
		lifetime->used_packets =
			atomic_load_explicit(&sa->used_packets, memory_order_relaxed);
	if (sa->direction == GW_DIRECTION_OUT && (lifetime->hard_packets || lifetime->soft_packets))
		lifetime->used_packets += RTE_MIN(sequence, sa->sequence_last) - sa->spec.sequence;
}

// Sequence numbers bring the key's packets along by themselves.
void gw_lifetime_hand_over(const struct gw_sa *from, struct gw_sa *to)
{
	uint64_t used = atomic_load_explicit(&from->used_bytes, memory_order_relaxed);

	if (used > atomic_load_explicit(&to->used_bytes, memory_order_relaxed))
		atomic_store_explicit(&to->used_bytes, used, memory_order_relaxed);
}

uint32_t gw_lifetime_due(
	const struct gw_sa *sa, uint64_t now_ns, uint64_t *next_ns, enum gw_expiry_cause *cause)
{
	const struct gw_lifetime *lifetime = &sa->spec.lifetime;
	uint64_t used = atomic_load_explicit(&sa->first_used_ns, memory_order_relaxed);
	uint64_t hard = sa->limits & GW_LIMIT_TIME
				? atomic_load_explicit(&sa->deadline_ns, memory_order_relaxed)
				: NEVER;
	uint64_t soft = NEVER, soft_use = NEVER;

	if (lifetime->soft_seconds)
		soft = sa->added_ns + lifetime->soft_seconds * NS_PER_SECOND;
	if (lifetime->soft_use_seconds && used)
		soft_use = used + lifetime->soft_use_seconds * NS_PER_SECOND;
	if (atomic_load_explicit(&sa->events, memory_order_relaxed) & GW_SA_EVENT_SOFT)
		soft = soft_use = NEVER;
	*cause = soft_use < soft ? GW_EXPIRY_USE_SECONDS : GW_EXPIRY_SECONDS;
	soft = RTE_MIN(soft, soft_use);
	if (now_ns >= hard) {
		*next_ns = NEVER;
		*cause = GW_EXPIRY_SECONDS;
		return GW_SA_EVENT_HARD;
	}
	*next_ns = now_ns >= soft ? hard : RTE_MIN(soft, hard);
	return now_ns >= soft ? GW_SA_EVENT_SOFT : 0;
}

void gw_lifetime_end(struct gw_sa *sa, enum gw_expiry_cause cause)
{
	const struct gw_lifetime *lifetime = &sa->spec.lifetime;
	uint8_t none = GW_EXPIRY_NONE;

	// A deadline earlier than the one set at the start came with the first packet.
	if (cause == GW_EXPIRY_SECONDS &&
		(!lifetime->hard_seconds ||
			atomic_load_explicit(&sa->deadline_ns, memory_order_relaxed) <
				sa->added_ns + lifetime->hard_seconds * NS_PER_SECOND))
		cause = GW_EXPIRY_USE_SECONDS;
	atomic_compare_exchange_strong_explicit(
		&sa->expired, &none, (uint8_t)cause, memory_order_relaxed, memory_order_relaxed);
}

// As with sequence numbers, who looks before the end adds at most once beyond it.
uint64_t gw_lifetime_take_bytes(struct gw_sa *sa, uint64_t bytes)
{
	uint64_t hard = sa->limit.hard_bytes;
	uint64_t used = atomic_load_explicit(&sa->used_bytes, memory_order_relaxed);

	if (used >= hard)
		return 0;
	used = atomic_fetch_add_explicit(&sa->used_bytes, bytes, memory_order_relaxed);
	return used >= hard ? 0 : RTE_MIN(bytes, hard - used);
}

enum gw_expiry_cause gw_lifetime_out_end(const struct gw_sa *sa)
{
	if ((sa->limits & GW_LIMIT_BYTES) &&
		atomic_load_explicit(&sa->used_bytes, memory_order_relaxed) >= sa->limit.hard_bytes)
		return (enum gw_expiry_cause)sa->limit.hard_bytes_cause;
	return (enum gw_expiry_cause)sa->limit.last_sequence_cause;
}

enum gw_expiry_cause gw_lifetime_count(struct gw_sa *sa, uint32_t packets, uint64_t bytes)
{
	enum gw_expiry_cause soft = GW_EXPIRY_NONE;
	uint64_t used;

	if (sa->limits & GW_LIMIT_PACKETS) {
		used = packets +
		       atomic_fetch_add_explicit(&sa->used_packets, packets, memory_order_relaxed);
		if (used >= sa->limit.hard_packets)
			gw_lifetime_end(sa, GW_EXPIRY_PACKETS);
		if (used >= sa->limit.soft_packets)
			soft = GW_EXPIRY_PACKETS;
	}
	if (sa->limits & GW_LIMIT_BYTES) {
		used = bytes +
		       atomic_fetch_add_explicit(&sa->used_bytes, bytes, memory_order_relaxed);
		if (used >= sa->limit.hard_bytes)
			gw_lifetime_end(sa, GW_EXPIRY_BYTES);
		if (used >= sa->limit.soft_bytes)
			soft = GW_EXPIRY_BYTES;
	}
	return soft;
}

void gw_lifetime_use(struct gw_sa *sa, uint64_t now_ns)
{
	uint64_t none = 0, deadline;

	if (atomic_load_explicit(&sa->first_used_ns, memory_order_relaxed))
		return;
	if (!atomic_compare_exchange_strong_explicit(&sa->first_used_ns, &none, now_ns,
		    memory_order_relaxed, memory_order_relaxed) ||
		sa->limit.hard_use_ns == NEVER)
		return;
	// The control core does not write it any more, and of the workers one comes here.
	deadline = atomic_load_explicit(&sa->deadline_ns, memory_order_relaxed);
	atomic_store_explicit(&sa->deadline_ns, RTE_MIN(deadline, now_ns + sa->limit.hard_use_ns),
		memory_order_relaxed);
}
