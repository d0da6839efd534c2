// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/sequence_blocks.h"

#include <stdint.h>
#include <string.h>

#include "graph/packet.h"
#include "graph/worker.h"
#include "ipsec/sequence.h"

// SAs of one vector, found by their address: twice as many slots as packets, so that a search ends
// soon.
#define SLOTS (2 * GW_VECTOR)

struct block {
	struct gw_sa *sa;
	uint64_t next;
	uint32_t wanted;
	uint32_t left; // numbers not given out yet
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

void gw_sequence_blocks_take(void **packets, unsigned int count)
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
		of_packet[i] = (uint16_t)(block - blocks);
	}
	for (unsigned int i = 0; i < used; i++)
		blocks[i].left = gw_sequence_take(&blocks[i].sa->sequence,
			blocks[i].sa->sequence_last, blocks[i].wanted, &blocks[i].next);
	for (unsigned int i = 0; i < count; i++) {
		block = &blocks[of_packet[i]];
		if (block->left) {
			gw_packet(packets[i])->sequence = block->next++;
			block->left--;
		} else {
			gw_packet(packets[i])->sequence = 0;
		}
	}
}
