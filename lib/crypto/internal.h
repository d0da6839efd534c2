// Called by: both (this room alone, and its tests)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <intel-ipsec-mb.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#include "crypto/engine.h"
#include "crypto/key.h"
#include "crypto/plan.h"
#include "crypto/vaes.h"

#define GW_CRYPTO_BLOCK_BYTES   16 // of AES
#define GW_CRYPTO_MAX_ICV_BYTES 32
#define GW_CRYPTO_AES_KEY_WORDS 60 // fifteen round keys
#define GW_CRYPTO_ESP_BYTES     8  // SPI and sequence number
// The round keys and subkeys of a MAC, and those of CBC both ways.
#define GW_CRYPTO_PARTS_BYTES (208 + 2 * 240)
// IPsec-MB counts the bytes of a job in 16 bits: the HMAC's cover SPI and number, IV, payload and
// the high half. No IP packet holds as much.
#define GW_CRYPTO_MAX_IV_AND_PAYLOAD (UINT16_MAX - 1u - 12u)

#define GW_CRYPTO_BATCH 256u
#define GW_CRYPTO_BURST 64u

// Where the parts of a key for a cipher with an integrity algorithm begin, in bytes from its start.
// control: wo before publication, worker: ro
struct gw_crypto_layout {
	uint16_t hash;      // HMAC: state after the block of key ^ ipad; AES's MACs: round keys
	uint16_t hash_more; // HMAC: the same with opad; AES's MACs: two blocks of subkeys
	uint16_t encrypt;   // round keys
	uint16_t decrypt;   // CBC only
};

// control: wo before publication, worker: ro
struct gw_crypto_key {
	// --- line 0: what every packet reads first
	uint16_t class;
	uint8_t esn;
	uint8_t iv_bytes;
	uint8_t icv_bytes;
	uint8_t align_bytes;
	uint8_t encryption; // enum gw_encryption_id
	uint8_t integrity;  // enum gw_integrity_id
	uint8_t cipher;     // IMB_CIPHER_MODE
	uint8_t hash;       // IMB_HASH_ALG
	uint8_t cipher_key_bytes;
	uint16_t allocated_bytes; // of the whole, to be wiped
	struct gw_crypto_layout at;
	uint8_t salt[4];
	// CBC: mixed with the sequence number before it is encrypted into the IV, so that no block
	// of a packet's text can be made equal to it.
	uint8_t iv_mask[GW_CRYPTO_BLOCK_BYTES];
	// Counter modes: the IV is the sequence number added to it; 0 where it is implicit. Bases
	// of keys made later lie beyond every IV that an earlier key can have used: see key.c.
	uint64_t iv_base;

	// --- lines 1…: as much of the union as the class needs is allocated
	union {
		struct gcm_key_data gcm; // AES-GMAC's as well; laid out for the path of the class
		struct gw_vaes_key vaes; // AES-GCM by our own code
		uint32_t ccm[GW_CRYPTO_AES_KEY_WORDS];
		uint8_t chacha[32];
		uint8_t parts[GW_CRYPTO_PARTS_BYTES]; // as the layout says
	} __rte_cache_aligned;
};

static_assert(offsetof(struct gw_crypto_key, iv_base) + sizeof(uint64_t) <= 64, "line 0");
static_assert(offsetof(struct gw_crypto_key, gcm) == 64, "line 1: IPsec-MB wants it aligned");
static_assert(GW_CRYPTO_CLASSES <= UINT16_MAX, "class holds it");
static_assert(sizeof(struct gw_crypto_key) <= UINT16_MAX, "allocated_bytes holds it");

// What an op of one class is computed by, in this engine.
struct gw_crypto_lane {
	const struct gw_crypto_way *way; // NULL: none
	IMB_MGR *manager;                // the engine's
};

#define GW_CRYPTO_LANES (GW_CRYPTO_CLASSES * GW_CRYPTO_SIZES)

// Used by one thread.
struct gw_crypto_engine {
	// Sizes that are computed in the same way share the lane of the smallest, so that the
	// library's parallel code meets as many packets as there are.
	uint16_t lane_of[GW_CRYPTO_DIRECTIONS][GW_CRYPTO_CLASSES][GW_CRYPTO_SIZES];
	struct gw_crypto_lane lanes[GW_CRYPTO_DIRECTIONS][GW_CRYPTO_LANES];
	// Payloads up to them are short, or medium: the plan's, but while an engine is tested.
	uint32_t short_bytes, medium_bytes;
	IMB_MGR *managers[GW_CRYPTO_PATH_COUNT]; // those that some lane uses
	bool own;                                // some lane needs none
	bool keep_iv;                            // seal with the IV that the packet holds

	// One batch of ops, sorted by lane.
	uint16_t lane_count[GW_CRYPTO_LANES]; // all zero between batches
	uint16_t lane_end[GW_CRYPTO_LANES];
	uint16_t op_lane[GW_CRYPTO_BATCH];
	struct gw_crypto_op *sorted[GW_CRYPTO_BATCH];

	// One burst of jobs, and what they point to.
	IMB_JOB jobs[GW_CRYPTO_BURST];
	IMB_JOB decrypt_jobs[GW_CRYPTO_BURST];
	uint8_t tags[GW_CRYPTO_BURST][GW_CRYPTO_MAX_ICV_BYTES] __rte_cache_aligned;
	uint8_t ivs[GW_CRYPTO_BURST][GW_CRYPTO_BLOCK_BYTES] __rte_cache_aligned;
	uint8_t copy[UINT16_MAX +
		     1] __rte_cache_aligned; // of a message that cannot stay where it is
	uint8_t aads[GW_CRYPTO_BURST][GW_CRYPTO_BLOCK_BYTES] __rte_cache_aligned;
	uint32_t covered[GW_CRYPTO_BURST]; // ICV bytes that the number's high half hides
	struct chacha20_poly1305_context_data chacha __rte_cache_aligned;
	struct gw_vaes_packet packets[GW_VAES_BURST] __rte_cache_aligned;
};

// For known answers: seals with the IV that stands in each packet. Anything else would risk to use
// an IV twice, which breaks GCM and ChaCha20-Poly1305.
void gw_crypto_seal_keeping_iv(
	struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count);

// Computes jobs, at most GW_CRYPTO_BURST. False when the library refused
// one.
bool gw_crypto_jobs_run(IMB_MGR *manager, const IMB_JOB *jobs, unsigned int count);

// Asks for what a packet reads of its key for AES-GCM or AES-GMAC.
void gw_crypto_prefetch_gcm(const IMB_MGR *manager, const struct gw_crypto_op *op);

// gw_crypto_key_new without asking whether the algorithm passed its self-test.
struct gw_crypto_key *gw_crypto_key_make(
	const struct gw_crypto_key_spec *spec, struct gw_error *err);

// The part of a key that begins at one of its layout's places.
static inline const void *gw_crypto_part(const struct gw_crypto_key *key, uint16_t at)
{
	return (const uint8_t *)key + at;
}

static inline uint8_t *gw_crypto_payload(const struct gw_crypto_op *op)
{
	return op->esp + GW_CRYPTO_ESP_BYTES + op->key->iv_bytes;
}

static inline uint8_t *gw_crypto_icv(const struct gw_crypto_op *op)
{
	return gw_crypto_payload(op) + op->payload_bytes;
}

// Compares ICVs, whose lengths are multiples of 4, in constant time: no branch depends on a byte.
static inline bool gw_crypto_icv_equal(const uint8_t *a, const uint8_t *b, unsigned int bytes)
{
	uint32_t difference = 0;

	for (unsigned int i = 0; i < bytes; i += 4) {
		uint32_t x, y;

		memcpy(&x, a + i, 4);
		memcpy(&y, b + i, 4);
		difference |= x ^ y;
		// Hides how the sum comes about, so that the compiler cannot stop early.
		__asm__ volatile("" : "+r"(difference));
	}
	return difference == 0;
}

// Asks for the lines of [data, data + bytes).
static inline void gw_crypto_prefetch(const void *data, unsigned int bytes)
{
	const uint8_t *first = RTE_PTR_ALIGN_FLOOR(data, RTE_CACHE_LINE_SIZE);

	for (const uint8_t *line = first; line < (const uint8_t *)data + bytes;
		line += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(line);
}

// The expanded key: one more block than there are rounds, of which there are 10, 12 or 14 (FIPS
// 197).
static inline unsigned int gw_aes_round_key_bytes(unsigned int key_bytes)
{
	return (key_bytes / 4 + 7) * GW_CRYPTO_BLOCK_BYTES;
}

// FIPS 197: 10, 12 or 14.
static inline unsigned int gw_aes_rounds(const struct gw_crypto_key *key)
{
	return key->cipher_key_bytes / 4 + 6;
}

// 0 for keys of 128 bits, 1 for 192, 2 for 256.
static inline unsigned int gw_aes_key_place(const struct gw_crypto_key *key)
{
	return key->cipher_key_bytes / 8 - 2;
}

static inline void gw_crypto_prefetch_round_keys(
	const void *round_keys, const struct gw_crypto_key *key)
{
	gw_crypto_prefetch(round_keys, gw_aes_round_key_bytes(key->cipher_key_bytes));
}

// Asks for the parts of a packet from which the CPU's own prefetcher goes on: its first lines and
// the one of the ICV.
static inline void gw_crypto_prefetch_packet(const struct gw_crypto_op *op)
{
	rte_prefetch0_write(op->esp);
	rte_prefetch0_write(op->esp + RTE_CACHE_LINE_SIZE);
	rte_prefetch0_write(gw_crypto_icv(op));
}
