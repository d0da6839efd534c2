// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

// Gives each of count (at most GW_VECTOR) outbound packets its sequence number: one block of each
// SA's numbers for all its packets in the vector, in the order of the vector. A packet for which
// the SA has no number left gets 0, which is never sent (RFC 4303 section 2.2).
void gw_sequence_blocks_take(void **packets, unsigned int count, uint64_t *sequences);
