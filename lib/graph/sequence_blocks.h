// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

struct gw_sa;

// Numbers of one SA for packets in a row.
struct gw_sequence_block {
	uint64_t next;
	uint32_t left;       // numbers not given out yet
	uint64_t bytes_left; // that the SA's lifetime still has for them
};

// What count packets of bytes together need, from what all workers share: once a vector and SA.
void gw_sequence_block_take(
	struct gw_sequence_block *block, struct gw_sa *sa, unsigned int count, uint64_t bytes);

// The number of the SA's next packet; 0, which is never sent (RFC 4303 section 2.2): there is none
// for it, nor for any after it.
static inline uint64_t gw_sequence_block_give(struct gw_sequence_block *block, uint32_t bytes)
{
	if (block->left == 0 || bytes > block->bytes_left) {
		block->left = 0;
		return 0;
	}
	block->left--;
	block->bytes_left -= bytes;
	return block->next++;
}

// Gives each of count (at most GW_VECTOR) outbound packets its sequence number: one block of each
// SA's numbers for all its packets in the vector, in the order of the vector. A packet for which
// the SA has nothing left gets 0.
void gw_sequence_blocks_take(void **packets, unsigned int count, uint64_t *sequences);
