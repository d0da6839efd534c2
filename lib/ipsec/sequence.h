// Called by: worker takes; control core makes and reads
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Outbound sequence numbers (RFC 4303 sections 2.2 and 3.3.3): one 64-bit word shared by all
// workers.
#define GW_SEQUENCE_LAST UINT64_C(0xffffffff) // without ESN
// With ESN: short of 2^64 by more than all workers together can add past the end before they see
// it.
#define GW_SEQUENCE_LAST_ESN (UINT64_MAX - (UINT64_C(1) << 32))

struct gw_sequence {
	// The last number taken; stands beyond the last that may be used once the numbers have run
	// out, so readers take the lesser of the two. workers: rw, control: rw before publication,
	// ro after.
	_Atomic uint64_t used;
};

static inline uint64_t gw_sequence_last(bool esn)
{
	return esn ? GW_SEQUENCE_LAST_ESN : GW_SEQUENCE_LAST;
}

// Takes count numbers at once: *first to *first + result - 1. The result is below count when the
// space ends; numbers are never given twice and never go beyond last. *first is written only when
// the result is above 0. Relaxed order: only uniqueness matters. count is at most 65536, so that
// workers cannot together add more than the distance that gw_sequence_last keeps from 2^64.
unsigned int gw_sequence_take(
	struct gw_sequence *sequence, uint64_t last, unsigned int count, uint64_t *first);
