// Called by: both (vaes.c and vaes_long.c alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/vaes.h"

// Blocks, bytes and GHASH on registers of 256 bits, which hold two blocks ("vectors").
//
// GHASH works on blocks whose bytes are reversed, with powers of the hash key that are multiplied
// by x beforehand, so that a product needs no shift (Gueron and Kounavis, "Intel Carry-Less
// Multiplication Instruction and its Usage for Computing the GCM Mode"). Products of several blocks
// are added up by Karatsuba's three parts and reduced once.

// Sanitizers do not look into it, as they do not into IPsec-MB: unrolled, it keeps a compiler that
// instruments it busy for many minutes. The tests have unreadable pages instead.
#define TARGET                                                                                     \
	__attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq"), no_sanitize("address"),          \
		no_sanitize("undefined")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

#define BLOCK  16u
#define VECTOR 32u

// --- blocks and bytes

static const uint8_t reversed[BLOCK] = { 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
// As pshufb takes it: the last word alone.
static const uint8_t counter_order[BLOCK] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 14, 13,
	12 };

// From byte 16 - r on it moves a block up by 16 - r bytes, from 16 + r on down by r.
static const uint64_t shifts[6] = { 0x8080808080808080, 0x8080808080808080, 0x0706050403020100,
	0x0f0e0d0c0b0a0908, 0x8080808080808080, 0x8080808080808080 };

// From byte 32 - r on it keeps r bytes.
static const uint8_t keeps[2 * VECTOR] = { [0 ... VECTOR - 1] = 0xff };

INLINE __m128i load(const void *bytes)
{
	return _mm_loadu_si128(bytes);
}

INLINE __m256i load_vector(const void *bytes)
{
	return _mm256_loadu_si256(bytes);
}

INLINE __m256i load_twice(const void *bytes)
{
	return _mm256_broadcastsi128_si256(load(bytes));
}

INLINE __m256i reverse(__m256i vector)
{
	return _mm256_shuffle_epi8(vector, load_twice(reversed));
}

INLINE __m128i reverse_block(__m128i block)
{
	return _mm_shuffle_epi8(block, load(reversed));
}

INLINE __m256i vector_of(__m128i low, __m128i high)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

INLINE __m256i keep(__m256i vector, uint32_t bytes)
{
	return _mm256_and_si256(vector, load_vector(keeps + VECTOR - bytes));
}

// The last bytes, of which a block has at most 15, before end. Where more stand before them they
// are loaded with them: nothing is read that is not the packet's.
INLINE __m128i load_rest(const uint8_t *end, uint32_t bytes, bool alone)
{
	uint8_t block[BLOCK] = {};

	if (!alone)
		return _mm_shuffle_epi8(
			load(end - BLOCK), load((const uint8_t *)shifts + 2 * BLOCK - bytes));
	memcpy(block, end - bytes, bytes);
	return load(block);
}

// before: what stands in front of them, a whole block.
INLINE void store_rest(uint8_t *end, uint32_t bytes, bool alone, __m128i before, __m128i rest)
{
	uint8_t block[BLOCK];

	if (!alone) {
		before = _mm_shuffle_epi8(before, load((const uint8_t *)shifts + BLOCK + bytes));
		rest = _mm_shuffle_epi8(rest, load((const uint8_t *)shifts + bytes));
		_mm_storeu_si128((__m128i *)(end - BLOCK), _mm_or_si128(before, rest));
		return;
	}
	_mm_storeu_si128((__m128i *)block, rest);
	memcpy(end - bytes, block, bytes);
}

// --- GHASH

// The three parts of a sum of products, for each half of the vectors.
struct sum {
	__m256i low, middle, high;
};

// Two vectors' halves, added: what Karatsuba's middle part multiplies.
INLINE __m256i halves(__m256i a, __m256i b)
{
	return _mm256_xor_si256(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

INLINE void add_outer(struct sum *sum, __m256i vector, __m256i power)
{
	sum->low = _mm256_xor_si256(sum->low, _mm256_clmulepi64_epi128(vector, power, 0x00));
	sum->high = _mm256_xor_si256(sum->high, _mm256_clmulepi64_epi128(vector, power, 0x11));
}

INLINE void add_middle(struct sum *sum, __m256i vectors, __m256i powers)
{
	sum->middle =
		_mm256_xor_si256(sum->middle, _mm256_clmulepi64_epi128(vectors, powers, 0x00));
	sum->middle =
		_mm256_xor_si256(sum->middle, _mm256_clmulepi64_epi128(vectors, powers, 0x11));
}

INLINE void add_two(struct sum *sum, const __m256i vectors[2], const __m256i powers[2])
{
	add_outer(sum, vectors[0], powers[0]);
	add_outer(sum, vectors[1], powers[1]);
	add_middle(sum, halves(vectors[0], vectors[1]), halves(powers[0], powers[1]));
}

INLINE void add_one(struct sum *sum, __m256i vector, __m256i power)
{
	__m256i a = _mm256_xor_si256(vector, _mm256_shuffle_epi32(vector, 0x4e));
	__m256i b = _mm256_xor_si256(power, _mm256_shuffle_epi32(power, 0x4e));

	add_outer(sum, vector, power);
	sum->middle = _mm256_xor_si256(sum->middle, _mm256_clmulepi64_epi128(a, b, 0x00));
}

INLINE __m256i fold(__m256i into, __m256i part)
{
	// x^128 + x^127 + x^126 + x^121 + 1, in the order of reversed bits.
	const __m256i polynomial = _mm256_set_epi64x(
		(long long)0xc200000000000000, 1, (long long)0xc200000000000000, 1);

	into = _mm256_xor_si256(into, _mm256_shuffle_epi32(part, 0x4e));
	return _mm256_xor_si256(into, _mm256_clmulepi64_epi128(polynomial, part, 0x01));
}

INLINE __m128i reduce(const struct sum *sum)
{
	__m256i middle = _mm256_xor_si256(sum->middle, _mm256_xor_si256(sum->low, sum->high));
	__m256i high = fold(sum->high, fold(middle, sum->low));

	return _mm_xor_si128(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
}

INLINE __m128i multiply(__m128i a, __m128i b)
{
	struct sum sum = {};

	add_one(&sum, _mm256_zextsi128_si256(a), _mm256_zextsi128_si256(b));
	return reduce(&sum);
}

INLINE const uint8_t *power(const struct gw_vaes_key *key, uint32_t exponent)
{
	return key->powers[0] + (GW_VAES_POWERS - exponent) * BLOCK;
}
