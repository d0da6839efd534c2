// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/sequence_blocks.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "graph/packet.h"
#include "graph/worker.h"
#include "ipsec/lifetime.h"
#include "ipsec/sequence.h"

// SAs of one vector, found by their address: twice as many slots as packets, so that a search ends
// soon.
#define SLOTS (2 * GW_VECTOR)

#define PREFETCH_AHEAD 8

struct block {
	struct gw_sa *sa;
	uint32_t wanted;
	uint64_t bytes; // of its packets
	struct gw_sequence_block numbers;
};

static struct block *find(
	struct block *blocks, uint16_t *slots, unsigned int *used, struct gw_sa *sa)
{
	unsigned int slot = (unsigned int)((uintptr_t)sa >> 6) * 2654435761u >> 16;

	for (;; slot++) {
		uint16_t *entry = &slots[slot % SLOTS];

		if (*entry == 0) {
			*entry = (uint16_t)++ * used;
			blocks[*used - 1] = (struct block){ .sa = sa };
			return &blocks[*used - 1];
		}
		if (blocks[*entry - 1].sa == sa)
			return &blocks[*entry - 1];
	}
}

void gw_sequence_block_take(
	struct gw_sequence_block *block, struct gw_sa *sa, unsigned int count, uint64_t bytes)
{
	block->next = 0;
	block->left = gw_sequence_take(&sa->sequence, sa->sequence_last, count, &block->next);
	block->bytes_left =
		sa->limits & GW_LIMIT_BYTES ? gw_lifetime_take_bytes(sa, bytes) : UINT64_MAX;
}

static inline void take(struct block *block)
{
	gw_sequence_block_take(&block->numbers, block->sa, block->wanted, block->bytes);
}

// All packets are of one SA, as most vectors' are.
static bool take_one(void **packets, unsigned int count, uint64_t *sequences)
{
	struct block block = { .sa = gw_packet(packets[0])->sa, .wanted = count };
	bool one = true;

	for (unsigned int i = 0; i < count; i++) {
		one &= gw_packet(packets[i])->sa == block.sa;
		block.bytes += gw_packet(packets[i])->ip_bytes;
	}
	if (!one)
		return false;
	take(&block);
	if (likely(block.numbers.left == count && block.numbers.bytes_left >= block.bytes)) {
		for (unsigned int i = 0; i < count; i++)
			sequences[i] = block.numbers.next + i;
		return true;
	}
	for (unsigned int i = 0; i < count; i++)
		sequences[i] =
			gw_sequence_block_give(&block.numbers, gw_packet(packets[i])->ip_bytes);
	return true;
}

static void take_many(void **packets, unsigned int count, uint64_t *sequences)
{
	struct block blocks[GW_VECTOR];
	uint16_t slots[SLOTS]; // 1 + index of a block; 0: free
	uint16_t of_packet[GW_VECTOR];
	struct block *block = NULL;
	unsigned int used = 0;

	memset(slots, 0, sizeof(slots));
	for (unsigned int i = 0; i < count; i++) {
		struct gw_sa *sa = gw_packet(packets[i])->sa;

		if (!block || block->sa != sa)
			block = find(blocks, slots, &used, sa);
		block->wanted++;
		block->bytes += gw_packet(packets[i])->ip_bytes;
		of_packet[i] = (uint16_t)(block - blocks);
	}
	for (unsigned int i = 0; i < used; i++) {
		if (i + PREFETCH_AHEAD < used)
			rte_prefetch0(&blocks[i + PREFETCH_AHEAD].sa->sequence);
		take(&blocks[i]);
	}
	for (unsigned int i = 0; i < count; i++)
		sequences[i] = gw_sequence_block_give(
			&blocks[of_packet[i]].numbers, gw_packet(packets[i])->ip_bytes);
}

void gw_sequence_blocks_take(void **packets, unsigned int count, uint64_t *sequences)
{
	if (count && !take_one(packets, count, sequences))
		take_many(packets, count, sequences);
}
