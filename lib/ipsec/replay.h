// Called by: worker checks and records; control core makes and reads
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The anti-replay window (RFC 4303 section 3.4.3, RFC 6479) with many writers and no lock.
//
// An array of 64-bit atomics, each a 32-bit block number beside the 32-bit bitmap of that block,
// changed together by compare-and-swap. `top` is the highest sequence number authenticated, raised
// once a vector. There is at least one block more than the window needs, so that entering a new
// block forgets nothing that is still inside the window. Block numbers compare by serial arithmetic
// and start out older than block 0.
//
// Use: infer the 64-bit number and check it before decrypting (replay_view.h for the packets of a
// vector, gw_replay_infer and gw_replay_check for one number), gw_replay_record once the ICV holds,
// gw_replay_raise for the vector's highest number. A packet keeps the number it was authenticated
// with.

struct gw_replay {
	_Atomic uint64_t top; // highest number authenticated (workers: rw)
	uint32_t window;      // packets; 0: replay protection is off
	uint32_t block_count;
	uint64_t reciprocal;       // of block_count, to divide by it
	_Atomic uint64_t blocks[]; // workers: rw
};

enum gw_replay_verdict { GW_REPLAY_NEW, GW_REPLAY_SEEN, GW_REPLAY_TOO_OLD };

// Bytes for a window of that many packets (0 to GW_MAX_REPLAY_WINDOW), rounded up to whole cache
// lines.
size_t gw_replay_bytes(uint32_t window);

// Control core, before publication. replay has gw_replay_bytes(window). Starts at sequence number
// top with bitmap as spec/sa.h defines it (NULL: every number up to top counts as received).
void gw_replay_init(struct gw_replay *replay, uint32_t window, uint64_t top, const uint8_t *bitmap,
	uint32_t bitmap_bytes);

// The 64-bit number for the 32 bits in a packet (RFC 4303 appendix A2.2), given the highest one
// seen; without ESN the low half itself.
uint64_t gw_replay_infer(uint64_t top, uint32_t window, uint32_t low, bool esn);

enum gw_replay_verdict gw_replay_check(const struct gw_replay *replay, uint64_t sequence);
// Of two copies on two workers one wins.
enum gw_replay_verdict gw_replay_record(struct gw_replay *replay, uint64_t sequence);
void gw_replay_raise(struct gw_replay *replay, uint64_t sequence);

// The same for count numbers, one after the other, and top is raised to the highest that is new;
// verdicts has count. Numbers of one block that follow each other, as those of packets in order do,
// are recorded by one atomic operation.
void gw_replay_record_all(struct gw_replay *replay, const uint64_t *sequences, unsigned int count,
	enum gw_replay_verdict *verdicts);

// Any thread: how many numbers of the window that ends at top were not received.
uint64_t gw_replay_missing(const struct gw_replay *replay, uint64_t top);

// Any thread: reads the state back, consistent enough to hand over: never shows a received number
// as new. bitmap has window / 8 bytes (rounded up).
void gw_replay_read(const struct gw_replay *replay, uint64_t *top, uint8_t *bitmap);
