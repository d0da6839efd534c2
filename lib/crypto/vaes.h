// Called by: both (this room alone, and its tests)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <intel-ipsec-mb.h>

// AES-GCM (NIST SP 800-38D) for CPUs with VAES and VPCLMULQDQ, on registers of 256 bits, for which
// IPsec-MB 1.3 has no such code, and for long packets on registers of 512 bits. Whoever calls it
// has seen GW_VAES_FEATURES in the CPU.

// Bits of imb_get_feature_flags() that the CPU must have.
#define GW_VAES_FEATURES (IMB_CPUFLAGS_AVX2 | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ)
// And for long packets on registers of 512 bits.
#define GW_VAES_WIDE_FEATURES (GW_VAES_FEATURES | IMB_CPUFLAGS_AVX512)

#define GW_VAES_BLOCK_BYTES 16
#define GW_VAES_POWERS      16u // of the hash key that a key keeps
#define GW_VAES_TAG_BYTES   16

// What a packet reads of a key lies close together: a short one reads the end of the powers, and
// the round keys behind it. Only as many of those are allocated as the key's length has.
// control: wo before publication, worker: ro
struct gw_vaes_key {
	// The hash key's sixteenth power first, its first last; bytes reversed, times x.
	uint8_t powers[GW_VAES_POWERS][GW_VAES_BLOCK_BYTES];
	uint8_t round_keys[15][GW_VAES_BLOCK_BYTES];
};

struct gw_vaes_packet {
	const struct gw_vaes_key *key;
	const uint8_t *source;
	uint8_t *target; // the source itself, or memory that does not overlap it
	uint32_t bytes;
	uint32_t aad_bytes; // 0 to 16
	uint8_t nonce[16]   // 12 bytes, then zeros
		__attribute__((aligned(16)));
	uint8_t aad[16];                // zeros behind its end
	uint8_t tag[GW_VAES_TAG_BYTES]; // written; opening, it is for the caller to compare
};

// Makes the powers; the round keys are there already. rounds: 10, 12 or 14.
void gw_vaes_expand(struct gw_vaes_key *key, unsigned int rounds);

#define GW_VAES_BURST 32u

// At most GW_VAES_BURST packets, with keys of one length. They are computed in no particular order:
// short ones of equal length side by side.
// wide: long ones on registers of 512 bits, which the CPU has (GW_VAES_WIDE_FEATURES).
void gw_vaes_seal(
	struct gw_vaes_packet *packets, unsigned int count, unsigned int rounds, bool wide);
void gw_vaes_open(
	struct gw_vaes_packet *packets, unsigned int count, unsigned int rounds, bool wide);
