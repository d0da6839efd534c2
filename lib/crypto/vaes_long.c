// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM of long packets on registers of 256 bits: eight blocks at a time, AES of the next ones
// between GHASH of the last; what is left goes as a short packet does (vaes_part.h).

#include "crypto/vaes_long.h"

#include "crypto/vaes_part.h"

#define STRIDE 128u // bytes of eight blocks

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

TARGET void gw_vaes_long_seal(struct gw_vaes_packet *packet, unsigned int rounds)
{
	run_long(packet, rounds, true);
}

TARGET void gw_vaes_long_open(struct gw_vaes_packet *packet, unsigned int rounds)
{
	run_long(packet, rounds, false);
}
