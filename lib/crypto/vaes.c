// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM, a burst of packets at a time. No branch and no address depends on a byte of key, text or
// tag; those on lengths are no secret. Short packets of as many vectors run side by side
// (vaes_part.h), longer ones by themselves (vaes_long.c, vaes_wide.c).

#include "crypto/vaes.h"

#include "crypto/vaes_long.h"
#include "crypto/vaes_part.h"
#include "crypto/vaes_wide.h"

// --- bursts

INLINE void run_whole(struct gw_vaes_packet *const *packets, unsigned int count,
	unsigned int text_vectors, unsigned int rounds, bool seal)
{
	struct part parts[4];

	UNROLL
	for (unsigned int p = 0; p < count; p++)
		parts[p] = whole(packets[p]);
	run(parts, packets, count, text_vectors, rounds, seal, false);
}

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
	if (wide && seal)
		gw_vaes_wide_seal(packet, rounds);
	else if (wide)
		gw_vaes_wide_open(packet, rounds);
	else if (seal)
		gw_vaes_long_seal(packet, rounds);
	else
		gw_vaes_long_open(packet, rounds);
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
