// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM on registers of 256 bits, which hold two blocks ("vectors" below). No branch and no
// address depends on a byte of key, text or tag; those on lengths are no secret.
//
// GHASH works on blocks whose bytes are reversed, with powers of the hash key that are multiplied
// by x beforehand, so that a product needs no shift (Gueron and Kounavis, "Intel Carry-Less
// Multiplication Instruction and its Usage for Computing the GCM Mode"). Products of several blocks
// are added up by Karatsuba's three parts and reduced once.
//
// A packet of n blocks up to GW_VAES_POWERS - 2 is hashed as one sum
//
//     aad · H^(n+2) + c_1 · H^(n+1) + … + c_n · H^2 + lengths · H
//
// Its vectors are the n blocks two by two and one more: for AES the first counter block, for GHASH
// the lengths beside the associated data. Short packets of as many vectors run side by side,
// because a chain of AES rounds on its own leaves the CPU's units idle most of the time. A longer
// packet goes as vaes_wide.c does it, or eight blocks at a time, AES of the next ones between GHASH
// of the last; what is left is hashed as a short packet is, with the sum so far added to its first
// block.

#include "crypto/vaes.h"

#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/vaes_wide.h"

// Sanitizers do not look into it, as they do not into IPsec-MB: unrolled, it keeps a compiler that
// instruments it busy for many minutes. The tests have unreadable pages instead.
#define TARGET                                                                                     \
	__attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq"), no_sanitize("address"),          \
		no_sanitize("undefined")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

#define BLOCK        16u
#define VECTOR       32u
#define STRIDE       128u // bytes of eight blocks
#define MOST_VECTORS 7u   // of a packet that is hashed as one sum
#define MOST_SUM     (MOST_VECTORS * VECTOR)

static_assert(2 * MOST_VECTORS + 2 == GW_VAES_POWERS, "the associated data's power exists");

// The three parts of a sum of products, for each half of the vectors.
struct sum {
	__m256i low, middle, high;
};

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

// --- blocks and bytes

static const uint8_t reversed[BLOCK] = { 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
// As pshufb takes it: the last word alone.
static const uint8_t counter_order[BLOCK] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 14, 13,
	12 };

// From byte 16 - r on it moves a block up by 16 - r bytes, from 16 + r on down by r.
static const uint8_t shifts[3 * BLOCK] = {
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
	0x80,
};

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
		return _mm_shuffle_epi8(load(end - BLOCK), load(shifts + 2 * BLOCK - bytes));
	memcpy(block, end - bytes, bytes);
	return load(block);
}

// before: what stands in front of them, a whole block.
INLINE void store_rest(uint8_t *end, uint32_t bytes, bool alone, __m128i before, __m128i rest)
{
	uint8_t block[BLOCK];

	if (!alone) {
		before = _mm_shuffle_epi8(before, load(shifts + BLOCK + bytes));
		rest = _mm_shuffle_epi8(rest, load(shifts + bytes));
		_mm_storeu_si128((__m128i *)(end - BLOCK), _mm_or_si128(before, rest));
		return;
	}
	_mm_storeu_si128((__m128i *)block, rest);
	memcpy(end - bytes, block, bytes);
}

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

// --- GHASH

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

// --- short packets and rests

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

INLINE void run_whole(struct gw_vaes_packet *const *packets, unsigned int count,
	unsigned int text_vectors, unsigned int rounds, bool seal)
{
	struct part parts[4];

	UNROLL
	for (unsigned int p = 0; p < count; p++)
		parts[p] = whole(packets[p]);
	run(parts, packets, count, text_vectors, rounds, seal, false);
}

// --- long packets

struct stream {
	const uint8_t *round_keys;
	__m256i powers[4], middle_powers[2];
	__m256i counters; // of the next vector, in the CPU's order in each last word
};

INLINE void stream_round(const struct stream *stream, __m256i state[4], unsigned int round)
{
	const __m256i key = load_twice(stream->round_keys + round * BLOCK);

	UNROLL
	for (unsigned int v = 0; v < 4; v++)
		state[v] = _mm256_aesenc_epi128(state[v], key);
}

INLINE void stream_count(struct stream *stream, __m256i state[4])
{
	const __m256i two = _mm256_set_epi32(2, 0, 0, 0, 2, 0, 0, 0);
	const __m256i key = load_twice(stream->round_keys);

	UNROLL
	for (unsigned int v = 0; v < 4; v++) {
		state[v] = _mm256_shuffle_epi8(stream->counters, load_twice(counter_order));
		state[v] = _mm256_xor_si256(state[v], key);
		stream->counters = _mm256_add_epi32(stream->counters, two);
	}
}

// Eight blocks, with GHASH of eight others between the rounds where hashed is not NULL.
INLINE void stride(struct stream *stream, const uint8_t *source, uint8_t *target,
	const uint8_t *hashed, __m128i *so_far, unsigned int rounds)
{
	__m256i state[4], vectors[4];
	struct sum sum = {};

	stream_count(stream, state);
	UNROLL
	for (unsigned int round = 1; round < 10; round++) {
		stream_round(stream, state, round);
		if (!hashed)
			continue;
		if (round <= 4) {
			const unsigned int v = round - 1;

			vectors[v] = reverse(load_vector(hashed + v * VECTOR));
			if (v == 0)
				vectors[0] = _mm256_xor_si256(
					vectors[0], _mm256_zextsi128_si256(*so_far));
			add_outer(&sum, vectors[v], stream->powers[v]);
		}
		if (round == 5)
			add_middle(&sum, halves(vectors[0], vectors[1]), stream->middle_powers[0]);
		if (round == 6)
			add_middle(&sum, halves(vectors[2], vectors[3]), stream->middle_powers[1]);
		if (round == 8)
			*so_far = reduce(&sum);
	}
	if (rounds > 10) {
		stream_round(stream, state, 10);
		stream_round(stream, state, 11);
	}
	if (rounds > 12) {
		stream_round(stream, state, 12);
		stream_round(stream, state, 13);
	}
	UNROLL
	for (unsigned int v = 0; v < 4; v++) {
		// The text goes into the last round key, off the chain of the rounds.
		const __m256i key =
			_mm256_xor_si256(load_twice(stream->round_keys + rounds * BLOCK),
				load_vector(source + v * VECTOR));

		_mm256_storeu_si256(
			(__m256i *)(target + v * VECTOR), _mm256_aesenclast_epi128(state[v], key));
	}
}

INLINE __m128i hash_stride(const struct stream *stream, const uint8_t *hashed, __m128i so_far)
{
	__m256i vectors[4];
	struct sum sum = {};

	UNROLL
	for (unsigned int v = 0; v < 4; v++)
		vectors[v] = reverse(load_vector(hashed + v * VECTOR));
	vectors[0] = _mm256_xor_si256(vectors[0], _mm256_zextsi128_si256(so_far));
	UNROLL
	for (unsigned int v = 0; v < 4; v++)
		add_outer(&sum, vectors[v], stream->powers[v]);
	add_middle(&sum, halves(vectors[0], vectors[1]), stream->middle_powers[0]);
	add_middle(&sum, halves(vectors[2], vectors[3]), stream->middle_powers[1]);
	return reduce(&sum);
}

INLINE struct stream stream_of(const struct gw_vaes_packet *packet)
{
	const uint8_t *powers = power(packet->key, 8);
	struct stream stream = { .round_keys = packet->key->round_keys[0] };

	UNROLL
	for (unsigned int v = 0; v < 4; v++)
		stream.powers[v] = load_vector(powers + v * VECTOR);
	stream.middle_powers[0] = halves(stream.powers[0], stream.powers[1]);
	stream.middle_powers[1] = halves(stream.powers[2], stream.powers[3]);
	stream.counters = _mm256_or_si256(_mm256_broadcastsi128_si256(load(packet->nonce)),
		_mm256_set_epi32(3, 0, 0, 0, 2, 0, 0, 0));
	return stream;
}

// More than a stride. At least a byte is left for the rest.
INLINE void run_long(struct gw_vaes_packet *packet, unsigned int rounds, bool seal)
{
	struct stream stream = stream_of(packet);
	struct part rest = whole(packet);
	uint32_t at = 0;

	rest.before = multiply(rest.before, load(power(packet->key, 1)));
	if (seal) {
		stride(&stream, packet->source, packet->target, NULL, NULL, rounds);
		for (at = STRIDE; packet->bytes - at > STRIDE; at += STRIDE)
			stride(&stream, packet->source + at, packet->target + at,
				packet->target + at - STRIDE, &rest.before, rounds);
		rest.before = hash_stride(&stream, packet->target + at - STRIDE, rest.before);
	} else {
		for (; packet->bytes - at > STRIDE; at += STRIDE)
			stride(&stream, packet->source + at, packet->target + at,
				packet->source + at, &rest.before, rounds);
	}
	rest.source += at;
	rest.target += at;
	rest.bytes -= at;
	rest.counter = 2 + at / BLOCK;
	if (rest.bytes > 3 * VECTOR)
		run(&rest, &packet, 1, 4, rounds, seal, true);
	else if (rest.bytes > 2 * VECTOR)
		run(&rest, &packet, 1, 3, rounds, seal, true);
	else if (rest.bytes > VECTOR)
		run(&rest, &packet, 1, 2, rounds, seal, true);
	else
		run(&rest, &packet, 1, 1, rounds, seal, true);
}

// --- bursts

// How many packets of so many vectors of text run side by side: the registers hold about twelve.
static const uint8_t side_by_side[MOST_VECTORS + 1] = { 0, 4, 4, 2, 2, 2, 1, 1 };

INLINE void run_full(struct gw_vaes_packet *const *packets, unsigned int text_vectors,
	unsigned int rounds, bool seal)
{
	switch (text_vectors) {
	case 1:
		run_whole(packets, 4, 1, rounds, seal);
		break;
	case 2:
		run_whole(packets, 4, 2, rounds, seal);
		break;
	case 3:
		run_whole(packets, 2, 3, rounds, seal);
		break;
	case 4:
		run_whole(packets, 2, 4, rounds, seal);
		break;
	case 5:
		run_whole(packets, 2, 5, rounds, seal);
		break;
	case 6:
		run_whole(packets, 1, 6, rounds, seal);
		break;
	default:
		run_whole(packets, 1, 7, rounds, seal);
		break;
	}
}

INLINE void run_single(
	struct gw_vaes_packet *packet, unsigned int text_vectors, unsigned int rounds, bool seal)
{
	switch (text_vectors) {
	case 1:
		run_whole(&packet, 1, 1, rounds, seal);
		break;
	case 2:
		run_whole(&packet, 1, 2, rounds, seal);
		break;
	case 3:
		run_whole(&packet, 1, 3, rounds, seal);
		break;
	case 4:
		run_whole(&packet, 1, 4, rounds, seal);
		break;
	default:
		run_whole(&packet, 1, 5, rounds, seal);
		break;
	}
}

INLINE void run_alone(struct gw_vaes_packet *packet, unsigned int rounds, bool wide, bool seal)
{
	if (!wide)
		run_long(packet, rounds, seal);
	else if (seal)
		gw_vaes_wide_seal(packet, rounds);
	else
		gw_vaes_wide_open(packet, rounds);
}

INLINE void run_burst(struct gw_vaes_packet *packets, unsigned int count, unsigned int rounds,
	bool wide, bool seal)
{
	struct gw_vaes_packet *waiting[MOST_VECTORS + 1][4];
	uint8_t waits[MOST_VECTORS + 1] = {};

	for (unsigned int i = 0; i < count; i++) {
		struct gw_vaes_packet *packet = &packets[i];
		unsigned int vectors;

		if (packet->bytes > MOST_SUM) {
			run_alone(packet, rounds, wide, seal);
			continue;
		}
		vectors = packet->bytes ? (packet->bytes + VECTOR - 1) / VECTOR : 1;
		waiting[vectors][waits[vectors]++] = packet;
		if (waits[vectors] < side_by_side[vectors])
			continue;
		waits[vectors] = 0;
		run_full(waiting[vectors], vectors, rounds, seal);
	}
	for (unsigned int v = 1; v <= MOST_VECTORS; v++)
		for (unsigned int i = 0; i < waits[v]; i++)
			run_single(waiting[v][i], v, rounds, seal);
}

TARGET void gw_vaes_seal(
	struct gw_vaes_packet *packets, unsigned int count, unsigned int rounds, bool wide)
{
	run_burst(packets, count, rounds, wide, true);
}

TARGET void gw_vaes_open(
	struct gw_vaes_packet *packets, unsigned int count, unsigned int rounds, bool wide)
{
	run_burst(packets, count, rounds, wide, false);
}

// --- keys

// A block of zeros, encrypted.
INLINE __m128i hash_key(const struct gw_vaes_key *key, unsigned int rounds)
{
	__m128i block = load(key->round_keys[0]);

	for (unsigned int round = 1; round < rounds; round++)
		block = _mm_aesenc_si128(block, load(key->round_keys[round]));
	return _mm_aesenclast_si128(block, load(key->round_keys[rounds]));
}

// Times x, in the order of reversed bits: a shift to the left, and the polynomial for what leaves.
INLINE __m128i times_x(__m128i block)
{
	const __m128i polynomial = _mm_set_epi64x((long long)0xc200000000000000, 1);
	const __m128i tops = _mm_srli_epi64(block, 63);
	__m128i leaves = _mm_shuffle_epi32(tops, 0xee); // the upper half's in both
	__m128i shifted = _mm_or_si128(_mm_slli_epi64(block, 1), _mm_slli_si128(tops, 8));

	leaves = _mm_sub_epi64(_mm_setzero_si128(), leaves);
	return _mm_xor_si128(shifted, _mm_and_si128(leaves, polynomial));
}

TARGET void gw_vaes_expand(struct gw_vaes_key *key, unsigned int rounds)
{
	const __m128i first = times_x(reverse_block(hash_key(key, rounds)));
	__m128i last = first;

	for (unsigned int exponent = 1; exponent <= GW_VAES_POWERS; exponent++) {
		_mm_storeu_si128((__m128i *)key->powers[GW_VAES_POWERS - exponent], last);
		last = multiply(last, first);
	}
}
