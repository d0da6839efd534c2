// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Random batches of every algorithm, many keys and lengths, sealed together and each alone, which
// must agree; then opened together, with good, changed and impossible packets in any order.

#include <stdlib.h>

#include "crypto_kit.h"
#include "run.h"

#define KEYS         (2 * RTE_DIM(kit_classes))
#define MOST_OPS     300u // more than one batch
#define PACKET_BYTES 2048u
#define ROUNDS       40

enum fate { GOOD, BAD_ICV, BAD_HEADER, BAD_PAYLOAD, WRONG_KEY, BAD_LENGTH, FATES };

struct mix {
	unsigned int seed;
	struct gw_crypto_engine *engine;
	struct gw_crypto_engine *other; // seals one packet at a time
	struct gw_crypto_key *keys[KEYS];
	unsigned int count;
	struct gw_crypto_op ops[MOST_OPS];
	struct gw_crypto_op asked[MOST_OPS]; // ops as they were given
	enum fate fates[MOST_OPS];
	uint8_t packets[MOST_OPS][PACKET_BYTES];
	uint8_t alone[PACKET_BYTES];
};

static unsigned int below(struct mix *mix, unsigned int limit)
{
	return rand_r(&mix->seed) % limit;
}

static struct mix *mix_new(unsigned int seed)
{
	struct mix *mix = calloc(1, sizeof(*mix));

	ck_assert_ptr_nonnull(mix);
	mix->seed = seed;
	mix->engine = gw_crypto_engine_new();
	mix->other = gw_crypto_engine_new();
	ck_assert(mix->engine && mix->other);
	// Each class comes with two keys at least, for WRONG_KEY.
	for (unsigned int i = 0; i < KEYS; i++)
		mix->keys[i] = kit_key(&kit_classes[i % RTE_DIM(kit_classes)], below(mix, 2), i);
	return mix;
}

static void mix_free(struct mix *mix)
{
	for (unsigned int i = 0; i < KEYS; i++)
		gw_crypto_key_free(mix->keys[i]);
	gw_crypto_engine_free(mix->engine);
	gw_crypto_engine_free(mix->other);
	free(mix);
}

static uint32_t some_length(struct mix *mix, const struct gw_crypto_key *key)
{
	unsigned int most = below(mix, 4) ? 128 : 1456;

	return (1 + below(mix, most / key->align_bytes)) * key->align_bytes;
}

static void fill(struct mix *mix)
{
	mix->count = 1 + below(mix, MOST_OPS);
	for (unsigned int i = 0; i < mix->count; i++) {
		struct gw_crypto_op *op = &mix->ops[i];

		op->key = mix->keys[below(mix, KEYS)];
		op->esp = mix->packets[i];
		op->payload_bytes = some_length(mix, op->key);
		op->sequence =
			(uint64_t)below(mix, 1000) << 32 | (unsigned int)below(mix, 1u << 30);
		kit_packet(op->esp, op->key, op->sequence, op->payload_bytes);
		mix->asked[i] = *op;
	}
}

static void check_unmoved(const struct mix *mix, unsigned int i)
{
	const struct gw_crypto_op *op = &mix->ops[i], *asked = &mix->asked[i];

	ck_assert(op->key == asked->key && op->esp == asked->esp &&
		  op->payload_bytes == asked->payload_bytes && op->sequence == asked->sequence);
}

static void check_sealed(struct mix *mix)
{
	for (unsigned int i = 0; i < mix->count; i++) {
		struct gw_crypto_op alone = mix->asked[i];
		const uint8_t *batched = alone.esp;

		check_unmoved(mix, i);
		ck_assert_int_eq(mix->ops[i].status, GW_CRYPTO_OK);
		alone.esp = mix->alone;
		kit_packet(alone.esp, alone.key, alone.sequence, alone.payload_bytes);
		gw_crypto_seal(mix->other, &alone, 1);
		ck_assert_int_eq(alone.status, GW_CRYPTO_OK);
		ck_assert_mem_eq(
			batched, alone.esp, kit_packet_bytes(alone.key, alone.payload_bytes));
	}
}

static const struct gw_crypto_key *another_key(struct mix *mix, const struct gw_crypto_key *key)
{
	for (;;) {
		const struct gw_crypto_key *other = mix->keys[below(mix, KEYS)];

		if (other != key && other->class == key->class)
			return other;
	}
}

static void spoil(struct mix *mix, unsigned int i)
{
	struct gw_crypto_op *op = &mix->ops[i];
	uint8_t bit = 1u << below(mix, 8);

	mix->fates[i] = below(mix, 2) ? GOOD : below(mix, FATES);
	switch (mix->fates[i]) {
	case BAD_ICV:
		gw_crypto_icv(op)[below(mix, op->key->icv_bytes)] ^= bit;
		break;
	case BAD_HEADER:
		op->esp[below(mix, 8 + op->key->iv_bytes)] ^= bit;
		break;
	case BAD_PAYLOAD:
		gw_crypto_payload(op)[below(mix, op->payload_bytes)] ^= bit;
		break;
	case WRONG_KEY:
		op->key = another_key(mix, op->key);
		break;
	case BAD_LENGTH:
		op->payload_bytes = below(mix, 2) ? 0 : op->payload_bytes - 1;
		break;
	default:
		break;
	}
	mix->asked[i] = *op;
}

static void check_opened(struct mix *mix)
{
	for (unsigned int i = 0; i < mix->count; i++) {
		const struct gw_crypto_op *op = &mix->ops[i];
		uint8_t clear[PACKET_BYTES];

		check_unmoved(mix, i);
		if (mix->fates[i] == BAD_LENGTH) {
			ck_assert_int_eq(op->status, GW_CRYPTO_FAILED);
		} else if (mix->fates[i] != GOOD) {
			ck_assert_int_eq(op->status, GW_CRYPTO_BAD_ICV);
		} else {
			ck_assert_int_eq(op->status, GW_CRYPTO_OK);
			kit_pattern(clear, op->payload_bytes, 13, op->payload_bytes);
			ck_assert_mem_eq(gw_crypto_payload(op), clear, op->payload_bytes);
		}
	}
}

START_TEST(mixed_batches)
{
	struct mix *mix;

	gw_crypto_plan_limit(kit_features[_i]);
	mix = mix_new(1 + _i);
	for (int round = 0; round < ROUNDS; round++) {
		fill(mix);
		gw_crypto_seal(mix->engine, mix->ops, mix->count);
		check_sealed(mix);
		for (unsigned int i = 0; i < mix->count; i++)
			spoil(mix, i);
		gw_crypto_open(mix->engine, mix->ops, mix->count);
		check_opened(mix);
	}
	mix_free(mix);
}
END_TEST

START_TEST(no_ops)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();

	gw_crypto_seal(engine, NULL, 0);
	gw_crypto_open(engine, NULL, 0);
	gw_crypto_engine_free(engine);
	gw_crypto_engine_free(NULL);
}
END_TEST

// A packet that failed is left as it is: what the peer sent is not decrypted unless it is
// authentic.
START_TEST(bad_packet_is_not_decrypted)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	uint8_t packet[256], sealed[256];

	for (unsigned int c = 0; c < RTE_DIM(kit_classes); c++) {
		struct gw_crypto_key *key = kit_key(&kit_classes[c], true, 0);
		struct gw_crypto_op op = { key, packet, 64, GW_CRYPTO_OK, 0x100000002 };

		kit_packet(packet, key, op.sequence, op.payload_bytes);
		gw_crypto_seal(engine, &op, 1);
		gw_crypto_icv(&op)[0] ^= 1;
		memcpy(sealed, packet, sizeof(sealed));
		gw_crypto_open(engine, &op, 1);
		ck_assert_int_eq(op.status, GW_CRYPTO_BAD_ICV);
		if (kit_classes[c].integrity != GW_INTEGRITY_NONE)
			ck_assert_mem_eq(packet, sealed, kit_packet_bytes(key, op.payload_bytes));
		gw_crypto_key_free(key);
	}
	gw_crypto_engine_free(engine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_mixed");
	TCase *tcase = tcase_create("batches");

	tcase_add_loop_test(tcase, mixed_batches, 0, RTE_DIM(kit_features));
	tcase_add_test(tcase, no_ops);
	tcase_add_test(tcase, bad_packet_is_not_decrypted);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
