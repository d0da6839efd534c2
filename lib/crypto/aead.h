// Called by: worker (this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <immintrin.h>
#include <rte_byteorder.h>

#include "crypto/internal.h"

// What the AEADs have in common in ESP (RFC 4106, RFC 4309, RFC 4543, RFC 7634): the nonce is the
// key's salt followed by the packet's 8-byte IV, the associated data is SPI and sequence number,
// with all 64 bits of the number under ESN, and the ICV is the tag or its first bytes. The IV is
// the 64-bit sequence number added to the key's base: it repeats only if the number does. An
// implicit IV (RFC 8750) is not in the packet and is the number itself, whose upper half is zero
// without ESN.

#define GW_AEAD_NONCE_BYTES 12
#define GW_AEAD_TAG_BYTES   16

// How many packets ahead memory is asked for: fewer hide less, more gain nothing.
#define GW_AEAD_AHEAD 4

// Nonce and associated data are put together in registers and stored at once: the library loads
// them as vectors, and a load that meets several narrow stores has to wait for them.
static inline void gw_aead_store(uint8_t place[16], uint64_t low, uint64_t high)
{
	_mm_store_si128((__m128i *)place, _mm_set_epi64x((long long)high, (long long)low));
}

static inline uint64_t gw_aead_load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

// Writes the IV when sealing. Returns it, in the order of its bytes.
static inline uint64_t gw_aead_iv(
	const struct gw_crypto_engine *engine, const struct gw_crypto_op *op, bool seal)
{
	uint8_t *packet_iv = op->esp + GW_CRYPTO_ESP_BYTES;
	uint64_t iv = rte_cpu_to_be_64(op->key->iv_base + op->sequence);

	if (op->key->iv_bytes == 0)
		return iv;
	if (!seal || engine->keep_iv)
		return gw_aead_load(packet_iv);
	memcpy(packet_iv, &iv, sizeof(iv));
	return iv;
}

// Writes the IV, when sealing, and makes the nonce; place is aligned to 16 bytes.
static inline void gw_aead_nonce(const struct gw_crypto_engine *engine,
	const struct gw_crypto_op *op, bool seal, uint8_t place[16])
{
	uint64_t iv = gw_aead_iv(engine, op, seal);
	uint32_t salt;

	memcpy(&salt, op->key->salt, sizeof(salt));
	gw_aead_store(place, salt | iv << 32, iv >> 32);
}

// Makes the associated data and returns its length; place is aligned to 16 bytes.
static inline unsigned int gw_aead_aad(const struct gw_crypto_op *op, uint8_t place[16])
{
	uint64_t header = gw_aead_load(op->esp), high;

	if (!op->key->esn) {
		gw_aead_store(place, header, 0);
		return 8;
	}
	high = rte_cpu_to_be_32((uint32_t)(op->sequence >> 32));
	gw_aead_store(place, (uint32_t)header | high << 32, header >> 32);
	return 12;
}

static inline void gw_aead_verify(struct gw_crypto_op *op, const uint8_t *tag)
{
	op->status = gw_crypto_icv_equal(tag, gw_crypto_icv(op), op->key->icv_bytes)
			     ? GW_CRYPTO_OK
			     : GW_CRYPTO_BAD_ICV;
}

// Asks for the packet some places after number i. Returns its op if its key has to be asked for as
// well, which is where it is another than that of the op before it, else NULL.
static inline const struct gw_crypto_op *gw_aead_prefetch(
	struct gw_crypto_op **ops, unsigned int i, unsigned int count, bool seal)
{
	const struct gw_crypto_op *op;

	if (i + GW_AEAD_AHEAD >= count)
		return NULL;
	op = ops[i + GW_AEAD_AHEAD];
	// Whoever seals a short packet has just written around it.
	if (!seal || op->payload_bytes > 2 * RTE_CACHE_LINE_SIZE)
		gw_crypto_prefetch_packet(op);
	return op->key == ops[i + GW_AEAD_AHEAD - 1]->key ? NULL : op;
}
