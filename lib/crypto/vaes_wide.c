// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM of long packets on registers of 512 bits, which hold four blocks ("vectors" below); keys
// and the form of GHASH are those of vaes_block.h, and no branch or address depends on a secret.
//
// A packet goes sixteen blocks at a time, AES of the next ones between GHASH of the last. What is
// left, at most sixteen blocks, goes with the block that encrypts the tag: in one vector more than
// the text needs, or in the last of them where there is room,
//
//     sum · H^(n+1) + c_1 · H^(n+1) + … + c_n · H^2 + lengths · H
//
// the sum so far being added to the first block. Bytes behind the end are masked: nothing is read
// or written that is not the packet's.

#include "crypto/vaes_wide.h"

#include <immintrin.h>
#include <stdbool.h>

// As in vaes_block.h: sanitizers do not look into it.
#define TARGET                                                                                     \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,aes,pclmul,vaes,vpclmulqdq"),    \
		no_sanitize("address"), no_sanitize("undefined")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

#define BLOCK         16u
#define VECTOR        64u
#define VECTOR_BLOCKS 4u
#define STRIDE        256u // bytes of sixteen blocks
#define VECTORS       4u   // of a stride

// Sums of products by parts: those of the lower halves, of the upper halves, and the crossed ones.
struct sum {
	__m512i low, crossed, high;
};

struct stream {
	const struct gw_vaes_key *key;
	unsigned int rounds;
	bool seal;
	__m512i counters;        // of the next vector; the last word of a block in the CPU's order
	__m512i hashed[VECTORS]; // ciphertext of the last stride, which GHASH has yet to take in
	__m128i so_far;          // GHASH of all before that; bytes reversed
};

INLINE __m128i load(const void *bytes)
{
	return _mm_loadu_si128(bytes);
}

INLINE __m512i load_vector(const void *bytes)
{
	return _mm512_loadu_si512(bytes);
}

INLINE __m512i load_everywhere(const void *bytes)
{
	return _mm512_broadcast_i32x4(load(bytes));
}

INLINE __m512i reverse(__m512i vector)
{
	const __m512i order = _mm512_broadcast_i32x4(
		_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));

	return _mm512_shuffle_epi8(vector, order);
}

INLINE __m128i reverse_block(__m128i block)
{
	return _mm512_castsi512_si128(reverse(_mm512_castsi128_si512(block)));
}

INLINE __m512i xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

// --- GHASH

INLINE void add(struct sum *sum, __m512i vector, __m512i power)
{
	sum->low = _mm512_xor_si512(sum->low, _mm512_clmulepi64_epi128(vector, power, 0x00));
	sum->high = _mm512_xor_si512(sum->high, _mm512_clmulepi64_epi128(vector, power, 0x11));
	sum->crossed = xor3(sum->crossed, _mm512_clmulepi64_epi128(vector, power, 0x01),
		_mm512_clmulepi64_epi128(vector, power, 0x10));
}

INLINE __m512i fold(__m512i into, __m512i part)
{
	// x^128 + x^127 + x^126 + x^121 + 1, in the order of reversed bits.
	const __m512i polynomial =
		_mm512_broadcast_i32x4(_mm_set_epi64x((long long)0xc200000000000000, 1));

	return xor3(into, _mm512_shuffle_epi32(part, 0x4e),
		_mm512_clmulepi64_epi128(polynomial, part, 0x01));
}

INLINE __m128i reduce(const struct sum *sum)
{
	__m512i all = fold(sum->high, fold(sum->crossed, sum->low));
	__m256i two =
		_mm256_xor_si256(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));

	return _mm_xor_si128(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

INLINE const uint8_t *power(const struct gw_vaes_key *key, uint32_t exponent)
{
	return key->powers[0] + (GW_VAES_POWERS - exponent) * BLOCK;
}

INLINE __m128i multiply(__m128i block, const struct gw_vaes_key *key)
{
	struct sum sum = {};

	add(&sum, _mm512_zextsi128_si512(block), _mm512_zextsi128_si512(load(power(key, 1))));
	return reduce(&sum);
}

INLINE void hash_stride(struct stream *stream)
{
	const uint8_t *powers = power(stream->key, 16);
	struct sum sum = {};

	UNROLL
	for (unsigned int v = 0; v < VECTORS; v++) {
		__m512i vector = reverse(stream->hashed[v]);

		if (v == 0)
			vector = _mm512_xor_si512(vector, _mm512_zextsi128_si512(stream->so_far));
		add(&sum, vector, load_vector(powers + v * VECTOR));
	}
	stream->so_far = reduce(&sum);
}

// --- AES

INLINE void count_up(struct stream *stream, __m512i *state, unsigned int vectors)
{
	// The last word of a block alone.
	const __m512i order = _mm512_broadcast_i32x4(
		_mm_set_epi8(12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
	const __m512i four = _mm512_broadcast_i32x4(_mm_set_epi32(VECTOR_BLOCKS, 0, 0, 0));

	UNROLL
	for (unsigned int v = 0; v < vectors; v++) {
		state[v] = _mm512_shuffle_epi8(stream->counters, order);
		stream->counters = _mm512_add_epi32(stream->counters, four);
	}
}

INLINE void encrypt_round(
	const struct stream *stream, __m512i *state, unsigned int vectors, unsigned int round)
{
	const __m512i key = load_everywhere(stream->key->round_keys[round]);

	UNROLL
	for (unsigned int v = 0; v < vectors; v++)
		state[v] = _mm512_aesenc_epi128(state[v], key);
}

// All rounds but the last, with what GHASH has yet to take in between them.
INLINE void encrypt(struct stream *stream, __m512i *state, unsigned int vectors, bool hash)
{
	const __m512i first = load_everywhere(stream->key->round_keys[0]);

	UNROLL
	for (unsigned int v = 0; v < vectors; v++)
		state[v] = _mm512_xor_si512(state[v], first);
	UNROLL
	for (unsigned int round = 1; round < 10; round++) {
		encrypt_round(stream, state, vectors, round);
		if (hash && round == 1)
			hash_stride(stream);
	}
	if (stream->rounds > 10) {
		encrypt_round(stream, state, vectors, 10);
		encrypt_round(stream, state, vectors, 11);
	}
	if (stream->rounds > 12) {
		encrypt_round(stream, state, vectors, 12);
		encrypt_round(stream, state, vectors, 13);
	}
}

INLINE void stride(struct stream *stream, const uint8_t *source, uint8_t *target, bool hash)
{
	const __m512i last = load_everywhere(stream->key->round_keys[stream->rounds]);
	__m512i state[VECTORS];

	count_up(stream, state, VECTORS);
	encrypt(stream, state, VECTORS, hash);
	UNROLL
	for (unsigned int v = 0; v < VECTORS; v++) {
		__m512i text = load_vector(source + v * VECTOR), out;

		// The text goes into the last round key, off the chain of the rounds.
		out = _mm512_aesenclast_epi128(state[v], _mm512_xor_si512(text, last));
		stream->hashed[v] = stream->seal ? out : text;
		_mm512_storeu_si512(target + v * VECTOR, out);
	}
}

// --- the rest, and the tag

struct rest {
	const uint8_t *source;
	uint8_t *target;
	uint32_t bytes;
	__m128i lengths, first_counter;
};

// The bytes of vector v that are text.
INLINE __mmask64 mask_of(uint32_t bytes, unsigned int v)
{
	uint32_t left = bytes > v * VECTOR ? bytes - v * VECTOR : 0;

	return left >= VECTOR ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
}

// One block of a vector, or none of them.
INLINE __mmask8 block_mask(uint32_t block, unsigned int v)
{
	return block / VECTOR_BLOCKS == v ? (__mmask8)(3u << 2 * (block % VECTOR_BLOCKS)) : 0;
}

// vectors: enough for the blocks of text and one more, which is last. Returns the tag.
INLINE __m128i finish(
	struct stream *stream, const struct rest *rest, unsigned int vectors, bool hash)
{
	const __m512i last = load_everywhere(stream->key->round_keys[stream->rounds]);
	const uint32_t blocks = (rest->bytes + BLOCK - 1) / BLOCK;
	const bool lengths_apart = blocks == GW_VAES_POWERS;
	const uint8_t *powers = power(stream->key, lengths_apart ? GW_VAES_POWERS : blocks + 1);
	__m512i state[VECTORS + 1], out;
	struct sum sum = {};

	count_up(stream, state, vectors);
	state[vectors - 1] = _mm512_inserti32x4(state[vectors - 1], rest->first_counter, 3);
	encrypt(stream, state, vectors, hash);
	UNROLL
	for (unsigned int v = 0; v < vectors; v++) {
		const __mmask64 mask = mask_of(rest->bytes, v);
		__m512i text = _mm512_maskz_loadu_epi8(mask, rest->source + v * VECTOR);

		out = _mm512_aesenclast_epi128(state[v], _mm512_xor_si512(text, last));
		_mm512_mask_storeu_epi8(rest->target + v * VECTOR, mask, out);
		if (v == VECTORS)
			break;
		text = reverse(stream->seal ? _mm512_maskz_mov_epi8(mask, out) : text);
		text = _mm512_mask_broadcast_i64x2(text, block_mask(blocks, v), rest->lengths);
		if (v == 0)
			text = _mm512_xor_si512(text, _mm512_zextsi128_si512(stream->so_far));
		add(&sum, text, load_vector(powers + v * VECTOR));
	}
	stream->so_far = reduce(&sum);
	if (lengths_apart)
		stream->so_far =
			multiply(_mm_xor_si128(stream->so_far, rest->lengths), stream->key);
	return _mm_xor_si128(reverse_block(stream->so_far), _mm512_extracti32x4_epi32(out, 3));
}

INLINE __m128i finish_in_vectors(struct stream *stream, const struct rest *rest, bool hash)
{
	switch (rest->bytes / VECTOR + (rest->bytes % VECTOR > VECTOR - BLOCK)) {
	case 0:
		return finish(stream, rest, 1, hash);
	case 1:
		return finish(stream, rest, 2, hash);
	case 2:
		return finish(stream, rest, 3, hash);
	case 3:
		return finish(stream, rest, 4, hash);
	default:
		return finish(stream, rest, 5, hash);
	}
}

INLINE void run(struct gw_vaes_packet *packet, unsigned int rounds, bool seal)
{
	const __m128i nonce = load(packet->nonce);
	const __m512i first_four = _mm512_set_epi32(5, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0);
	struct stream stream = { .key = packet->key, .rounds = rounds, .seal = seal };
	struct rest rest = {
		.source = packet->source,
		.target = packet->target,
		.bytes = packet->bytes,
		.lengths = _mm_set_epi64x(
			(long long)packet->aad_bytes * 8, (long long)packet->bytes * 8),
		.first_counter = _mm_or_si128(nonce, _mm_set_epi32(1 << 24, 0, 0, 0)),
	};
	bool hash = false;

	stream.counters = _mm512_or_si512(_mm512_broadcast_i32x4(nonce), first_four);
	stream.so_far = multiply(reverse_block(load(packet->aad)), packet->key);
	for (; rest.bytes >= STRIDE; rest.bytes -= STRIDE) {
		stride(&stream, rest.source, rest.target, hash);
		hash = true;
		rest.source += STRIDE;
		rest.target += STRIDE;
	}
	_mm_storeu_si128((__m128i *)packet->tag, finish_in_vectors(&stream, &rest, hash));
}

TARGET void gw_vaes_wide_seal(struct gw_vaes_packet *packet, unsigned int rounds)
{
	run(packet, rounds, true);
}

TARGET void gw_vaes_wide_open(struct gw_vaes_packet *packet, unsigned int rounds)
{
	run(packet, rounds, false);
}
