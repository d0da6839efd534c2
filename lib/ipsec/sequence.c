// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Every number is taken by one fetch-add, so two workers never get the same one. A worker that adds
// past the end leaves the word beyond last; it looks before it adds, so only those who looked
// before the end was reached can add past it, each once: the word comes no further than one vector
// of each worker beyond last, and never round to numbers already used.

#include "ipsec/sequence.h"

#include <stdatomic.h>

unsigned int gw_sequence_take(
	struct gw_sequence *sequence, uint64_t last, unsigned int count, uint64_t *first)
{
	uint64_t used = atomic_load_explicit(&sequence->used, memory_order_relaxed);

	if (used >= last)
		return 0;
	used = atomic_fetch_add_explicit(&sequence->used, count, memory_order_relaxed);
	if (used >= last)
		return 0;
	*first = used + 1;
	return count < last - used ? count : (unsigned int)(last - used);
}
