// Called by: worker; control core makes and frees
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// What first fragments showed, for the fragments that follow them: stateful fragment checking (RFC
// 4301 section 7, approach 3). Holds no packets and no decisions: a later fragment is told the
// ports of its packet and judged by them like any other.
//
// One table for all workers, because fragments of one packet may reach several. All memory is taken
// at the start. Datagrams and sources are known by keyed hashes, so that no sender can choose the
// place of either. The hash of the source chooses a sixteenth of the table, that of the datagram a
// set in it; in a full set the entry goes that would go first by its time. So one source keeps a
// sixteenth at most, however many fragments it sends.

struct gw_first_fragments;

struct gw_first_fragment_key {
	uint64_t datagram;
	uint64_t source;
};

struct gw_first_fragment {
	uint16_t source_port; // for ICMP the type
	uint16_t destination_port;
	uint8_t protocol;
	bool ports_known;
	uint16_t bytes; // that it carries of the packet's payload: what follows begins there or
			// later
};

// entries: how many first fragments are remembered, a power of two of at least
// GW_FIRST_FRAGMENTS_LEAST. NULL: no memory.
#define GW_FIRST_FRAGMENTS_LEAST 64
struct gw_first_fragments *gw_first_fragments_new(uint32_t entries, uint64_t lifetime_ns);
void gw_first_fragments_free(struct gw_first_fragments *table);

// What an earlier first fragment of the same datagram showed is forgotten: identifications come
// round, and fragments follow the packet that is newest.
void gw_first_fragment_learn(struct gw_first_fragments *table,
	const struct gw_first_fragment_key *key, const struct gw_first_fragment *fragment,
	uint64_t now_ns);

// False: none came within the lifetime, or it had to make way.
bool gw_first_fragment_find(const struct gw_first_fragments *table,
	const struct gw_first_fragment_key *key, uint64_t now_ns,
	struct gw_first_fragment *fragment);
