// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "base/reclaim.h"
#include "net/addr.h"

// The gateway's own addresses: a small hash set. Workers ask it for each packet whether the packet
// is for the box itself.
struct gw_local;

struct gw_local *gw_local_new(struct gw_reclaim *reclaim); // control core; NULL: no memory
void gw_local_free(struct gw_local *local);                // control core; no worker is left

// Control core: makes sure that one more add cannot fail, until unreserve. Counted.
int gw_local_reserve(struct gw_local *local); // 0 or -ENOMEM
void gw_local_unreserve(struct gw_local *local);

int gw_local_add(struct gw_local *local,
	const struct gw_addr *addr); // control core; counted: added twice, removed twice
void gw_local_remove(struct gw_local *local, const struct gw_addr *addr); // control core

// The set is in parts: what every packet asks about is one look at whether there is anything in a
// part, which for nearly all of them is not so while addresses are few.
#define GW_LOCAL_PART_BITS 8

struct gw_local_part;
struct gw_local_parts {
	// NULL: it is empty. control: wo, worker: ro
	const struct gw_local_part *_Atomic parts[1 << GW_LOCAL_PART_BITS];
};
bool gw_local_search(const struct gw_local_part *part, uint8_t family, const uint8_t *bytes);

// The uppermost bits choose the part.
static inline uint64_t gw_local_hash(uint8_t family, const uint8_t *bytes)
{
	uint64_t words[2] = { 0, 0 };

	if (family == 4)
		memcpy(words, bytes, 4);
	else
		memcpy(words, bytes, 16);
	return (words[0] ^ words[1]) * UINT64_C(0x9e3779b97f4a7c15);
}

// Worker: bytes are 4 or 16, in network order.
static inline bool gw_local_contains(
	const struct gw_local *local, uint8_t family, const uint8_t *bytes)
{
	// The parts are the set's first member. Acquire: partner of the release in gw_local_add.
	const struct gw_local_parts *parts = (const struct gw_local_parts *)local;
	const struct gw_local_part *part = atomic_load_explicit(
		&parts->parts[gw_local_hash(family, bytes) >> (64 - GW_LOCAL_PART_BITS)],
		memory_order_acquire);

	return unlikely(part != NULL) && gw_local_search(part, family, bytes);
}

// Worker: an address of that port and family to send ICMP errors from: the first one added (IPv6:
// global before link-local). False when the port has none.
bool gw_local_source(
	const struct gw_local *local, uint16_t port, uint8_t family, struct gw_addr *addr);
// Control core: tells which addresses are on which port; they were added before. A port without any
// has count 0. -ENOENT: the address that would be the source was not added.
int gw_local_set_source(
	struct gw_local *local, uint16_t port, const struct gw_addr *addrs, unsigned int count);
