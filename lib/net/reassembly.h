// Called by: worker; control core makes and frees
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Which fragments belong together, and when they are complete (RFC 791 section 3.2, RFC 8200
// section 4.5). Knows offsets and lengths only: a fragment is a pointer that it hands back.
//
// All memory is taken at the start. A datagram lives until it is complete, its time is up, or it
// has to make way: of a source that holds its share of the table its own oldest goes, so that
// nobody's flood costs another source anything until the whole table is full; then the oldest of
// all goes. Each step costs the same however full the table is, but for the walk over the at most
// GW_REASSEMBLY_PIECES fragments of one datagram.
//
// Fragments that overlap are never put together (RFC 5722, RFC 3128): the datagram is given up, and
// what comes later for it is refused until its time is up. A fragment that came before, to the
// byte, is refused alone.

// Fragments of one datagram at most: enough for the longest one on a path of 1280 bytes.
#define GW_REASSEMBLY_PIECES 64

// A fragment that others follow carries at least this many bytes. No link has a smaller MTU than
// 296, the lowest plateau of RFC 1191 section 7.1 but one: who sends less wants to fill the table.
#define GW_REASSEMBLY_LEAST_BYTES 256

struct gw_reassembly; // of one thread

struct gw_reassembly_options {
	uint32_t pieces;    // fragments that may wait at once; a quarter of them from one source
	uint32_t max_bytes; // longest datagram's payload
	uint64_t timeout_ns;
};

// What all fragments of a datagram have in common; compared as bytes, without gaps.
struct gw_reassembly_key {
	uint8_t source[16], destination[16];
	uint32_t id;
	uint8_t family;
	uint8_t protocol; // IPv4 only (RFC 8200 section 4.5)
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct gw_reassembly_key) == 40, "compared as bytes");

struct gw_reassembly_fragment {
	struct gw_reassembly_key key;
	uint64_t hash;        // of key, and
	uint64_t source_hash; // of its source, both under a secret
	uint32_t offset;      // bytes
	uint32_t bytes;
	bool last;
	void *packet;
};

enum gw_reassembly_verdict {
	GW_REASSEMBLY_HELD,     // the packet is the table's
	GW_REASSEMBLY_COMPLETE, // this was the last one missing: all are the caller's again
	// Refused: the packet stays the caller's.
	GW_REASSEMBLY_DUPLICATE,
	GW_REASSEMBLY_OVERLAP, // with another, or beyond the end; or of a datagram that was given
			       // up
	GW_REASSEMBLY_TINY,
	GW_REASSEMBLY_TOO_LONG, // the datagram would be, or it comes in too many pieces
	// Only to gw_reassembly_release.
	GW_REASSEMBLY_TIMEOUT,
	GW_REASSEMBLY_EVICTED,
};

// Takes back a fragment that will not become part of anything.
typedef void (*gw_reassembly_release)(void *ctx, void *packet, enum gw_reassembly_verdict why);

// NULL: no memory.
struct gw_reassembly *gw_reassembly_new(const struct gw_reassembly_options *options);
// Hands everything back first. NULL is allowed.
void gw_reassembly_free(struct gw_reassembly *table, gw_reassembly_release release, void *ctx);

// Adds a fragment; others may be released on the way. On COMPLETE, packets holds all of the
// datagram by their offsets, *count of them.
enum gw_reassembly_verdict gw_reassembly_add(struct gw_reassembly *table,
	const struct gw_reassembly_fragment *fragment, uint64_t now_ns,
	gw_reassembly_release release, void *ctx, void *packets[static GW_REASSEMBLY_PIECES],
	unsigned int *count);

// Releases what has waited too long.
void gw_reassembly_expire(
	struct gw_reassembly *table, uint64_t now_ns, gw_reassembly_release release, void *ctx);

// Fragments that wait.
uint32_t gw_reassembly_waiting(const struct gw_reassembly *table);
