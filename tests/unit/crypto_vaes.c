// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Our own AES-GCM against IPsec-MB's: every length up to 9,000 bytes, both lengths of associated
// data, in place and from one buffer to another, each right behind an unreadable page and right
// before one; and bursts of mixed lengths and keys. All that on registers of 256 bits and of 512. A
// CPU without VAES has nothing to test, one without AVX-512 only half of it.

#include "crypto/vaes.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/manager.h"
#include "crypto_kit.h"
#include "run.h"

#define LONGEST    9000u
#define ROOM_BYTES 12288u // a multiple of the page size
#define FILLER     0xa5
#define BESIDE     64u
#define KEYS       5u

// Numbers of loop tests: a key length, on narrow or wide registers.
#define LOOPS (2 * GW_KEY_LENGTHS)

static unsigned int key_size_of(int loop)
{
	return (unsigned int)loop % GW_KEY_LENGTHS;
}

static bool is_wide(int loop)
{
	return loop >= GW_KEY_LENGTHS;
}

static bool can_run(bool wide)
{
	uint64_t features = wide ? GW_VAES_WIDE_FEATURES : GW_VAES_FEATURES;

	return (imb_get_feature_flags() & features) == features;
}

// The same key for both.
struct pair {
	struct gw_vaes_key own __attribute__((aligned(64)));
	struct gcm_key_data library __attribute__((aligned(64)));
	aes_gcm_enc_dec_t seal;
	unsigned int rounds;
};

static void expand(struct pair *pair, IMB_MGR *manager, unsigned int key_size, unsigned int start)
{
	const keyexp_t expansions[] = { manager->keyexp_128, manager->keyexp_192,
		manager->keyexp_256 };
	const aes_gcm_pre_t preparations[] = { manager->gcm128_pre, manager->gcm192_pre,
		manager->gcm256_pre };
	const aes_gcm_enc_dec_t seals[] = { manager->gcm128_enc, manager->gcm192_enc,
		manager->gcm256_enc };
	uint32_t unused[GW_CRYPTO_AES_KEY_WORDS] __attribute__((aligned(16)));
	uint8_t key[32];

	kit_pattern(key, sizeof(key), 7, start);
	expansions[key_size](key, pair->own.round_keys, unused);
	pair->rounds = 10 + 2 * key_size;
	gw_vaes_expand(&pair->own, pair->rounds);
	preparations[key_size](key, &pair->library);
	pair->seal = seals[key_size];
}

// Bytes between two unreadable pages.
static uint8_t *room_new(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *mapping = mmap(NULL, ROOM_BYTES + 2 * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(mapping, MAP_FAILED);
	ck_assert_int_eq(mprotect(mapping, page, PROT_NONE), 0);
	ck_assert_int_eq(mprotect(mapping + page + ROOM_BYTES, page, PROT_NONE), 0);
	return mapping + page;
}

static void room_free(uint8_t *room)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	munmap(room - page, ROOM_BYTES + 2 * page);
}

struct rooms {
	uint8_t *source, *target;
	uint8_t text[LONGEST], sealed[LONGEST];
	uint8_t tag[GW_VAES_TAG_BYTES];
};

// One packet as the library seals it: what is expected.
static struct gw_vaes_packet expect(
	const struct pair *pair, struct rooms *rooms, uint32_t bytes, uint32_t aad_bytes)
{
	struct gw_vaes_packet packet = {
		.key = &pair->own,
		.bytes = bytes,
		.aad_bytes = aad_bytes,
	};
	struct gcm_context_data context __attribute__((aligned(64)));

	kit_pattern(packet.nonce, 12, 29, bytes);
	kit_pattern(packet.aad, aad_bytes, 31, bytes + 1);
	pair->seal(&pair->library, &context, rooms->sealed, rooms->text, bytes, packet.nonce,
		packet.aad, aad_bytes, rooms->tag, sizeof(rooms->tag));
	return packet;
}

static void check(const struct rooms *rooms, const struct gw_vaes_packet *packet,
	const uint8_t *expected, bool at_end, const char *what)
{
	const uint8_t *beside = at_end ? packet->target - BESIDE : packet->target + packet->bytes;
	uint8_t untouched[BESIDE];

	ck_assert_msg(memcmp(packet->target, expected, packet->bytes) == 0,
		"%s: other text of %u bytes", what, packet->bytes);
	ck_assert_msg(memcmp(packet->tag, rooms->tag, sizeof(rooms->tag)) == 0,
		"%s: other tag of %u bytes", what, packet->bytes);
	memset(untouched, FILLER, sizeof(untouched));
	ck_assert_mem_eq(beside, untouched, sizeof(untouched));
}

static void place(struct rooms *rooms, struct gw_vaes_packet *packet, const uint8_t *text,
	bool at_end, bool in_place)
{
	uint8_t *to = in_place ? rooms->source : rooms->target;
	uint32_t at = at_end ? ROOM_BYTES - packet->bytes : 0;

	memset(to + (at_end ? at - BESIDE : packet->bytes), FILLER, BESIDE);
	memcpy(rooms->source + at, text, packet->bytes);
	packet->source = rooms->source + at;
	packet->target = to + at;
	memset(packet->tag, 0, sizeof(packet->tag));
}

static void both_ways(
	const struct pair *pair, struct rooms *rooms, uint32_t bytes, uint32_t aad_bytes, bool wide)
{
	struct gw_vaes_packet packet = expect(pair, rooms, bytes, aad_bytes);

	for (int i = 0; i < 4; i++) {
		bool at_end = i & 1, in_place = i & 2;

		place(rooms, &packet, rooms->text, at_end, in_place);
		gw_vaes_seal(&packet, 1, pair->rounds, wide);
		check(rooms, &packet, rooms->sealed, at_end, "sealing");
		place(rooms, &packet, rooms->sealed, at_end, in_place);
		gw_vaes_open(&packet, 1, pair->rounds, wide);
		check(rooms, &packet, rooms->text, at_end, "opening");
	}
}

// conformance: C5
START_TEST(every_length)
{
	struct rooms *rooms;
	struct pair *pair;

	if (!can_run(is_wide(_i)))
		return;
	rooms = calloc(1, sizeof(*rooms));
	pair = aligned_alloc(64, sizeof(*pair));
	ck_assert(rooms && pair);
	rooms->source = room_new();
	rooms->target = room_new();
	kit_pattern(rooms->text, sizeof(rooms->text), 13, 5);
	expand(pair, gw_crypto_manager_shared(GW_CRYPTO_AVX2), key_size_of(_i), 3);
	for (uint32_t bytes = 0; bytes <= LONGEST; bytes++) {
		both_ways(pair, rooms, bytes, 8, is_wide(_i));
		both_ways(pair, rooms, bytes, 12, is_wide(_i));
	}
	room_free(rooms->source);
	room_free(rooms->target);
	free(rooms);
	free(pair);
}
END_TEST

// Lengths around those at which the code goes another way.
static uint32_t some_length(void)
{
	static const uint32_t edges[] = { 0, 16, 32, 64, 96, 128, 160, 192, 224, 240, 256, 304, 320,
		352, 512, 1424 };
	uint32_t edge = edges[rand() % RTE_DIM(edges)];

	return rand() % 3 ? edge + rand() % 9 : (uint32_t)(rand() % 300);
}

static void mixed_burst(struct pair *pairs, int loop, struct rooms rooms[GW_VAES_BURST])
{
	const unsigned int rounds = pairs[0].rounds;
	struct gw_vaes_packet packets[GW_VAES_BURST];
	unsigned int count = 1 + rand() % GW_VAES_BURST;

	for (unsigned int i = 0; i < count; i++) {
		packets[i] = expect(
			&pairs[rand() % KEYS], &rooms[i], some_length(), rand() % 2 ? 8 : 12);
		place(&rooms[i], &packets[i], rooms[i].text, i % 2, rand() % 2);
	}
	gw_vaes_seal(packets, count, rounds, is_wide(loop));
	for (unsigned int i = 0; i < count; i++) {
		check(&rooms[i], &packets[i], rooms[i].sealed, i % 2, "sealing a burst");
		place(&rooms[i], &packets[i], rooms[i].sealed, i % 2, rand() % 2);
	}
	gw_vaes_open(packets, count, rounds, is_wide(loop));
	for (unsigned int i = 0; i < count; i++)
		check(&rooms[i], &packets[i], rooms[i].text, i % 2, "opening a burst");
}

START_TEST(bursts_of_mixed_lengths_and_keys)
{
	struct rooms *rooms;
	struct pair *pairs;

	if (!can_run(is_wide(_i)))
		return;
	rooms = calloc(GW_VAES_BURST, sizeof(*rooms));
	pairs = aligned_alloc(64, KEYS * sizeof(*pairs));
	ck_assert(rooms && pairs);
	srand(1 + _i);
	for (unsigned int k = 0; k < KEYS; k++)
		expand(&pairs[k], gw_crypto_manager_shared(GW_CRYPTO_AVX2), key_size_of(_i),
			41 * k);
	for (unsigned int i = 0; i < GW_VAES_BURST; i++) {
		rooms[i].source = room_new();
		rooms[i].target = room_new();
		kit_pattern(rooms[i].text, LONGEST, 17, i);
	}
	for (unsigned int n = 0; n < 2000; n++)
		mixed_burst(pairs, _i, rooms);
	for (unsigned int i = 0; i < GW_VAES_BURST; i++) {
		room_free(rooms[i].source);
		room_free(rooms[i].target);
	}
	free(rooms);
	free(pairs);
}
END_TEST

// An SA's keys stay small: what a packet of a class reads, and no more, is allocated.
START_TEST(key_is_small)
{
	static const struct {
		uint8_t key_bytes;
		unsigned int allocated;
	} cases[] = { { 20, 512 }, { 28, 576 }, { 36, 576 } };

	if (!can_run(false))
		return;
	gw_crypto_plan_limit(GW_VAES_FEATURES);
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct gw_crypto_key *key = kit_key(kit_class_of(GW_ENCRYPTION_AES_GCM_16,
							    GW_INTEGRITY_NONE, cases[i].key_bytes),
			true, 0);

		ck_assert_uint_eq(key->allocated_bytes, cases[i].allocated);
		gw_crypto_key_free(key);
	}
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_vaes");
	TCase *tcase = tcase_create("vaes");

	tcase_add_loop_test(tcase, every_length, 0, LOOPS);
	tcase_add_loop_test(tcase, bursts_of_mixed_lengths_and_keys, 0, LOOPS);
	tcase_add_test(tcase, key_is_small);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
