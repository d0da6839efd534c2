// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>

#include "spd_kit.h"

// The model is a list of policies and gw_selector_matches. Addresses, ports and protocols come from
// a small world, so that policies overlap in every way and flows meet several.

static inline uint32_t below(unsigned int *seed, uint32_t limit)
{
	return (uint32_t)rand_r(seed) % limit;
}

static inline struct gw_addr any_address(uint8_t family, unsigned int *seed)
{
	struct gw_addr addr = { .family = family };
	unsigned int bytes = gw_addr_bytes(family);

	addr.bytes[0] = family == 4 ? 10 : 0x20;
	addr.bytes[bytes - 1] = (uint8_t)below(seed, 32);
	if (below(seed, 4) == 0)
		addr.bytes[bytes - 2] = (uint8_t)below(seed, 2);
	return addr;
}

static inline struct gw_range any_range(uint8_t family, unsigned int *seed)
{
	struct gw_range range = { any_address(family, seed), any_address(family, seed) };
	unsigned int bytes = gw_addr_bytes(family), bits;

	switch (below(seed, 5)) {
	case 0: // any
		memset(range.first.bytes, 0, bytes);
		memset(range.last.bytes, 0xff, bytes);
		break;
	case 1: // an address
		range.last = range.first;
		break;
	case 2:
	case 3: // a prefix, of few lengths: policies shall share shapes
		bits = 2 + 3 * below(seed, 2);
		range.last = range.first;
		range.first.bytes[bytes - 1] &= (uint8_t)(0xff << bits);
		range.last.bytes[bytes - 1] |= (uint8_t)((1u << bits) - 1);
		break;
	default:
		if (gw_addr_compare(&range.first, &range.last) > 0)
			range = (struct gw_range){ range.last, range.first };
		break;
	}
	return range;
}

static inline struct gw_port_range any_ports(unsigned int *seed)
{
	uint16_t first = (uint16_t)below(seed, 5), last = (uint16_t)below(seed, 5);

	switch (below(seed, 6)) {
	case 0:
		return (struct gw_port_range){ first, first };
	case 1:
		return (struct gw_port_range){ RTE_MIN(first, last), RTE_MAX(first, last) };
	case 2:
		if (below(seed, 2))
			return (struct gw_port_range){ UINT16_MAX, 0 }; // OPAQUE
		return (struct gw_port_range){ 0, UINT16_MAX };
	default:
		return (struct gw_port_range){ 0, UINT16_MAX };
	}
}

static const uint8_t protocols[] = { GW_PROTOCOL_ANY, IPPROTO_TCP, IPPROTO_UDP,
	GW_PROTOCOL_OPAQUE };

static inline void any_policy(unsigned int *seed, uint32_t order, struct gw_policy *policy)
{
	uint8_t family = below(seed, 2) ? 4 : 6;

	*policy = (struct gw_policy){ .priority = below(seed, 12), .order = order };
	policy->selector.source = any_range(family, seed);
	policy->selector.destination = any_range(family, seed);
	policy->selector.protocol = protocols[below(seed, 4)];
	policy->selector.source_port = any_ports(seed);
	policy->selector.destination_port = any_ports(seed);
}

static inline struct gw_flow any_flow(unsigned int *seed)
{
	struct gw_flow flow = { .family = below(seed, 2) ? 4 : 6 };

	memcpy(flow.source, any_address(flow.family, seed).bytes, sizeof(flow.source));
	memcpy(flow.destination, any_address(flow.family, seed).bytes, sizeof(flow.destination));
	flow.protocol = protocols[below(seed, 4)];
	flow.ports_known = flow.protocol != GW_PROTOCOL_OPAQUE && below(seed, 8) != 0;
	if (flow.ports_known) {
		flow.source_port = (uint16_t)below(seed, 5);
		flow.destination_port = (uint16_t)below(seed, 5);
	}
	return flow;
}

// Whether a decides before b, which may be NULL.
static inline bool is_better(const struct gw_policy *a, const struct gw_policy *b)
{
	if (!b || a->priority != b->priority)
		return !b || a->priority < b->priority;
	return a->order < b->order;
}

static const struct gw_policy *model_look_up(
	struct gw_policy *const *present, unsigned int count, const struct gw_flow *flow)
{
	const struct gw_policy *best = NULL;

	for (unsigned int i = 0; i < count; i++)
		if (gw_selector_matches(&present[i]->selector, flow) && is_better(present[i], best))
			best = present[i];
	return best;
}

// A history: what the SPD answers in each generation, written beforehand. In each step one policy
// comes or goes. Policies stay where they are, so that a test can name them; their entries come and
// go.

#define WORLD_POLICIES 60
#define WORLD_FLOWS    100
#define WORLD_STEPS    600u

struct history {
	struct gw_policy policies[WORLD_POLICIES];
	struct gw_flow flows[WORLD_FLOWS];
	const struct gw_flow *pointers[WORLD_FLOWS];
	int16_t answers[WORLD_STEPS + 1][WORLD_FLOWS]; // index of a policy, or -1
	uint8_t moves[WORLD_STEPS];
};

static inline void write_history(struct history *history, unsigned int seed)
{
	bool there[WORLD_POLICIES] = {};

	for (unsigned int i = 0; i < WORLD_POLICIES; i++)
		any_policy(&seed, i, &history->policies[i]);
	for (unsigned int i = 0; i < WORLD_FLOWS; i++) {
		history->flows[i] = any_flow(&seed);
		history->pointers[i] = &history->flows[i];
	}
	for (unsigned int step = 0; step <= WORLD_STEPS; step++) {
		struct gw_policy *present[WORLD_POLICIES];
		unsigned int count = 0;

		for (unsigned int i = 0; i < WORLD_POLICIES; i++)
			if (there[i])
				present[count++] = &history->policies[i];
		for (unsigned int i = 0; i < WORLD_FLOWS; i++) {
			const struct gw_policy *answer =
				model_look_up(present, count, &history->flows[i]);

			history->answers[step][i] =
				answer ? (int16_t)(answer - history->policies) : -1;
		}
		if (step < WORLD_STEPS) {
			history->moves[step] = (uint8_t)below(&seed, WORLD_POLICIES);
			there[history->moves[step]] ^= true;
		}
	}
}

// The first flow that is not answered as in that generation, or -1.
static inline int differs(
	const struct history *history, uint64_t generation, const struct gw_policy *const *answers)
{
	const int16_t *expected = history->answers[generation - 1];

	for (unsigned int i = 0; i < WORLD_FLOWS; i++)
		if ((answers[i] ? answers[i] - history->policies : -1) != expected[i])
			return (int)i;
	return -1;
}

static inline void make_move(struct history *history, struct gw_spd *spd, unsigned int step)
{
	struct gw_policy *policy = &history->policies[history->moves[step]];

	if (policy->claim)
		gw_spd_remove(spd, policy);
	else if (gw_spd_insert(spd, policy) != 0)
		ck_abort_msg("step %u finds no room", step);
}
