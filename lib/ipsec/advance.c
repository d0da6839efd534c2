// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/advance.h"

// Relaxed: workers add to the same words, and each of them speaks for itself.
static void raise(_Atomic uint64_t *word, uint64_t to)
{
	uint64_t now = atomic_load_explicit(word, memory_order_relaxed);

	while (now < to && !atomic_compare_exchange_weak_explicit(
				   word, &now, to, memory_order_relaxed, memory_order_relaxed)) {
	}
}

static bool received(const struct gw_sa_spec *to, uint32_t back)
{
	return !to->replay_bitmap || back >= to->replay_bitmap_bytes * 8 ||
	       to->replay_bitmap[back / 8] >> back % 8 & 1;
}

// As workers do it, whose packets come meanwhile: each number is recorded, then the top is raised.
static void advance_window(struct gw_replay *replay, const struct gw_sa_spec *to)
{
	for (uint32_t back = 0; back < replay->window && back < to->sequence; back++)
		if (received(to, back))
			gw_replay_record(replay, to->sequence - back);
	gw_replay_raise(replay, to->sequence);
}

void gw_sa_advance(struct gw_sa *sa, const struct gw_sa_spec *to)
{
	if (sa->direction == GW_DIRECTION_OUT)
		raise(&sa->sequence.used, RTE_MIN(to->sequence, sa->sequence_last));
	else if (to->sequence)
		advance_window(sa->replay, to);
	if (sa->limits & GW_LIMIT_BYTES)
		raise(&sa->used_bytes, to->lifetime.used_bytes);
	if (sa->limits & GW_LIMIT_PACKETS)
		raise(&sa->used_packets, to->lifetime.used_packets);
}
