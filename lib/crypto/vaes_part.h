// Called by: both (vaes.c and vaes_long.c alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/vaes_block.h"

// A packet of n blocks up to GW_VAES_POWERS - 2 is hashed as one sum
//
//     aad · H^(n+2) + c_1 · H^(n+1) + … + c_n · H^2 + lengths · H
//
// Its vectors are the n blocks two by two and one more: for AES the first counter block, for GHASH
// the lengths beside the associated data. What is left of a longer packet goes the same way, with
// the sum so far added to its first block. Several packets run side by side, because a chain of AES
// rounds on its own leaves the CPU's units idle most of the time.

#define MOST_VECTORS 7u // of a packet that is hashed as one sum
#define MOST_SUM     (MOST_VECTORS * VECTOR)

_Static_assert(2 * MOST_VECTORS + 2 == GW_VAES_POWERS, "the associated data's power exists");

// A packet, or the rest of a longer one.
struct part {
	const struct gw_vaes_key *key;
	const uint8_t *source;
	uint8_t *target;
	uint32_t bytes;
	bool short_of_block; // the whole packet has less than a block
	__m128i nonce;
	uint32_t counter; // of its first block
	__m128i before;   // the associated data, or the sum so far; bytes reversed
	__m128i lengths;
};

// bytes: 0 to 32, the last ones of part.
INLINE __m256i load_last(const struct part *part, uint32_t at, uint32_t bytes)
{
	const uint8_t *from = part->source + at;
	__m128i low = _mm_setzero_si128(), high = _mm_setzero_si128();

	if (bytes == VECTOR)
		return load_vector(from);
	if (bytes >= BLOCK) {
		low = load(from);
		if (bytes > BLOCK)
			high = load_rest(from + bytes, bytes - BLOCK, false);
	} else if (bytes > 0) {
		low = load_rest(from + bytes, bytes, part->short_of_block);
	}
	return vector_of(low, high);
}

INLINE void store_last(const struct part *part, uint32_t at, uint32_t bytes, __m256i vector)
{
	uint8_t *to = part->target + at;
	__m128i low = _mm256_castsi256_si128(vector), high = _mm256_extracti128_si256(vector, 1);

	if (bytes == VECTOR) {
		_mm256_storeu_si256((__m256i *)to, vector);
	} else if (bytes >= BLOCK) {
		_mm_storeu_si128((__m128i *)to, low);
		if (bytes > BLOCK)
			store_rest(to + bytes, bytes - BLOCK, false, low, high);
	} else if (bytes > 0) {
		__m128i before = part->short_of_block ? low : load(to - BLOCK);

		store_rest(to + bytes, bytes, part->short_of_block, before, low);
	}
}

INLINE void encrypt(const struct part *parts, __m256i *state, unsigned int count,
	unsigned int vectors, unsigned int round)
{
	UNROLL
	for (unsigned int p = 0; p < count; p++) {
		const __m256i key = load_twice(parts[p].key->round_keys[round]);

		UNROLL
		for (unsigned int v = 0; v < vectors; v++)
			state[p * vectors + v] = _mm256_aesenc_epi128(state[p * vectors + v], key);
	}
}

INLINE void encrypt_last(const struct part *parts, __m256i *state, unsigned int count,
	unsigned int vectors, unsigned int round)
{
	UNROLL
	for (unsigned int p = 0; p < count; p++) {
		const __m256i key = load_twice(parts[p].key->round_keys[round]);

		UNROLL
		for (unsigned int v = 0; v < vectors; v++)
			state[p * vectors + v] =
				_mm256_aesenclast_epi128(state[p * vectors + v], key);
	}
}

// Counter blocks of the vectors of text, then the first one of all, twice.
INLINE void count_up(const struct part *part, __m256i *state, unsigned int vectors, bool rest)
{
	const __m256i key = load_twice(part->key->round_keys[0]);
	const __m256i nonce = _mm256_broadcastsi128_si256(part->nonce);
	const int top = 1 << 24; // of a word in the order of its bytes

	UNROLL
	for (unsigned int v = 0; v < vectors; v++) {
		int first = (int)(2 * v);

		if (rest) {
			__m256i number = _mm256_add_epi32(_mm256_set1_epi32((int)part->counter),
				_mm256_set_epi32(first + 1, 0, 0, 0, first, 0, 0, 0));

			number = _mm256_shuffle_epi8(number, load_twice(counter_order));
			state[v] = _mm256_blend_epi32(nonce, number, 0x88);
		} else { // from 2 on, less than 256
			state[v] = _mm256_or_si256(nonce, _mm256_set_epi32((first + 3) * top, 0, 0,
								  0, (first + 2) * top, 0, 0, 0));
		}
		state[v] = _mm256_xor_si256(state[v], key);
	}
	state[vectors] = _mm256_or_si256(nonce, _mm256_set_epi32(top, 0, 0, 0, top, 0, 0, 0));
	state[vectors] = _mm256_xor_si256(state[vectors], key);
}

// Text to text, with state as the key stream; returns the tag. rest: the sum so far goes into the
// first block, where a whole packet has its associated data in front.
INLINE __m128i finish(const struct part *part, const __m256i *state, unsigned int text_vectors,
	bool seal, bool rest)
{
	const uint32_t last_at = (text_vectors - 1) * VECTOR, last_bytes = part->bytes - last_at;
	const uint32_t blocks = (part->bytes + BLOCK - 1) / BLOCK;
	__m256i vectors[MOST_VECTORS + 1], powers[MOST_VECTORS + 1];
	struct sum sum = {};

	// Before anything is stored: where source and target are one, a load across a store just
	// made would have to wait for it.
	vectors[text_vectors - 1] = load_last(part, last_at, last_bytes);
	UNROLL
	for (unsigned int v = 0; v < text_vectors - 1; v++)
		vectors[v] = load_vector(part->source + v * VECTOR);
	UNROLL
	for (unsigned int v = 0; v < text_vectors; v++) {
		__m256i out = _mm256_xor_si256(vectors[v], state[v]);

		if (v < text_vectors - 1) {
			_mm256_storeu_si256((__m256i *)(part->target + v * VECTOR), out);
		} else {
			store_last(part, last_at, last_bytes, out);
			out = keep(out, last_bytes);
		}
		vectors[v] = reverse(seal ? out : vectors[v]);
		powers[v] = load_vector(power(part->key, blocks + 1 - 2 * v));
	}
	vectors[text_vectors] = vector_of(part->lengths, part->before);
	powers[text_vectors] = vector_of(
		load(power(part->key, 1)), load(power(part->key, blocks + (rest ? 1 : 2))));
	UNROLL
	for (unsigned int v = 0; v + 1 < text_vectors + 1; v += 2)
		add_two(&sum, &vectors[v], &powers[v]);
	if (text_vectors % 2 == 0)
		add_one(&sum, vectors[text_vectors], powers[text_vectors]);
	return _mm_xor_si128(
		reverse_block(reduce(&sum)), _mm256_castsi256_si128(state[text_vectors]));
}

// count parts of as many vectors of text, side by side.
INLINE void run(const struct part *parts, struct gw_vaes_packet *const *packets, unsigned int count,
	unsigned int text_vectors, unsigned int rounds, bool seal, bool rest)
{
	const unsigned int vectors = text_vectors + 1;
	__m256i state[16];

	UNROLL
	for (unsigned int p = 0; p < count; p++)
		count_up(&parts[p], &state[p * vectors], text_vectors, rest);
	UNROLL
	for (unsigned int round = 1; round < 10; round++)
		encrypt(parts, state, count, vectors, round);
	if (rounds > 10) {
		encrypt(parts, state, count, vectors, 10);
		encrypt(parts, state, count, vectors, 11);
	}
	if (rounds > 12) {
		encrypt(parts, state, count, vectors, 12);
		encrypt(parts, state, count, vectors, 13);
	}
	encrypt_last(parts, state, count, vectors, rounds);
	UNROLL
	for (unsigned int p = 0; p < count; p++)
		_mm_storeu_si128((__m128i *)packets[p]->tag,
			finish(&parts[p], &state[p * vectors], text_vectors, seal, rest));
}

INLINE struct part whole(const struct gw_vaes_packet *packet)
{
	return (struct part){
		.key = packet->key,
		.source = packet->source,
		.target = packet->target,
		.bytes = packet->bytes,
		.short_of_block = packet->bytes < BLOCK,
		.nonce = load(packet->nonce),
		.before = reverse_block(load(packet->aad)),
		.lengths = _mm_set_epi64x(
			(long long)packet->aad_bytes * 8, (long long)packet->bytes * 8),
	};
}
