// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto/vectors.h"

#include "base/hex.h"
#include "crypto/auth.h"
#include "crypto_kit.h"
#include "run.h"

static struct gw_crypto_op op_of(
	const struct gw_crypto_case *test, const struct gw_crypto_vector *vector, uint8_t *packet)
{
	return (struct gw_crypto_op){
		.key = test->key,
		.esp = packet,
		.payload_bytes = test->payload_bytes,
		.sequence = vector->sequence,
	};
}

static void seal_and_open(
	struct gw_crypto_engine *engine, const struct gw_crypto_vector *vector, uint64_t features)
{
	uint8_t packet[GW_CRYPTO_VECTOR_BYTES];
	struct gw_crypto_case test;
	struct gw_error err = {};
	struct gw_crypto_op op;

	ck_assert_msg(gw_crypto_case_open(vector, &test, &err) == 0, "%s", err.text);
	memcpy(packet, test.clear, sizeof(packet));
	memset(packet + test.packet_bytes - test.key->icv_bytes, 0, test.key->icv_bytes);
	op = op_of(&test, vector, packet);
	gw_crypto_seal_keeping_iv(engine, &op, 1);
	ck_assert_msg(
		op.status == GW_CRYPTO_OK && memcmp(packet, test.packet, test.packet_bytes) == 0,
		"%s is not sealed as known, features 0x%lx", vector->source, features);
	gw_crypto_open(engine, &op, 1);
	ck_assert_msg(
		op.status == GW_CRYPTO_OK && memcmp(packet, test.clear, test.packet_bytes) == 0,
		"%s does not open, features 0x%lx", vector->source, features);
	gw_crypto_case_close(&test);
}

START_TEST(packets)
{
	uint64_t features = kit_features[_i];
	struct gw_crypto_engine *engine;

	gw_crypto_plan_limit(features);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	for (unsigned int i = 0; i < gw_crypto_vector_count; i++)
		seal_and_open(engine, &gw_crypto_vectors[i], features);
	gw_crypto_engine_free(engine);
}
END_TEST

START_TEST(self_test_passes)
{
	gw_crypto_plan_limit(kit_features[_i]);
	ck_assert_int_eq(gw_crypto_self_test(), 0);
	for (unsigned int i = 0; i < RTE_DIM(kit_classes); i++)
		ck_assert(gw_crypto_usable(kit_classes[i].encryption, kit_classes[i].integrity));
}
END_TEST

// Messages of lengths that no ESP packet has, by AH's code, which takes any.
static const struct {
	const char *source;
	enum gw_integrity_id integrity;
	const char *key;
	const char *message;
	const char *icv;
} messages[] = {
	{ "RFC 4868 section 2.7.2.1, AUTH256-1", GW_INTEGRITY_HMAC_SHA2_256_128,
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"4869205468657265", "198a607eb44bfbc69903a0f1cf2bbdc5" },
	{ "RFC 4868 section 2.7.2.1, AUTH256-3", GW_INTEGRITY_HMAC_SHA2_256_128,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"dddddddddddddddddddddddddddddddddddddddddddddddddd"
		"dddddddddddddddddddddddddddddddddddddddddddddddddd",
		"cdcb1220d1ecccea91e53aba3092f962" },
	{ "RFC 2202 section 3 case 1", GW_INTEGRITY_HMAC_SHA1_96,
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		"b617318655057264e28bc0b6" },
	{ "RFC 2202 section 3 case 3", GW_INTEGRITY_HMAC_SHA1_96,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"dddddddddddddddddddddddddddddddddddddddddddddddddd"
		"dddddddddddddddddddddddddddddddddddddddddddddddddd",
		"125d7342b9ac11cd91a39af4" },
	{ "RFC 3566 section 4.6 case 2", GW_INTEGRITY_AES_XCBC_96,
		"000102030405060708090a0b0c0d0e0f", "000102", "5b376580ae2f19afe7219cee" },
};

static struct gw_crypto_key *integrity_key(enum gw_integrity_id integrity, const char *text)
{
	uint8_t bytes[GW_MAX_INTEGRITY_KEY];
	struct gw_crypto_key *key = gw_crypto_key_new(
		&(struct gw_crypto_key_spec){
			.encryption = GW_ENCRYPTION_NULL,
			.integrity = integrity,
			.integrity_key = bytes,
			.integrity_key_bytes = gw_hex_decode(text, bytes, sizeof(bytes)),
		},
		NULL);

	ck_assert_ptr_nonnull(key);
	return key;
}

START_TEST(lone_messages)
{
	uint8_t message[64 + GW_CRYPTO_AUTH_BACK];
	uint8_t icv[GW_CRYPTO_AUTH_MAX_VALUE], value[GW_CRYPTO_AUTH_MAX_VALUE] = {};
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_auth_op op = { .message = message, .value = value, .sequence = 1 };
	struct gw_crypto_key *key = integrity_key(messages[_i].integrity, messages[_i].key);

	ck_assert_ptr_nonnull(engine);
	op.key = key;
	op.bytes = gw_hex_decode(messages[_i].message, message, sizeof(message));
	ck_assert_int_eq(gw_hex_decode(messages[_i].icv, icv, sizeof(icv)), key->icv_bytes);
	gw_crypto_auth_seal(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_OK);
	ck_assert_mem_eq(value, icv, key->icv_bytes);
	gw_crypto_auth_open(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_OK);
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

// Nothing at all, which the library's MACs do not take: its one block is padding and the last
// subkey, so that the answer proves the expanded keys.
static const struct {
	enum gw_integrity_id integrity;
	const char *key, *mac;
} nothing[] = {
	// RFC 3566 section 4.6, case 1
	{ GW_INTEGRITY_AES_XCBC_96, "000102030405060708090a0b0c0d0e0f",
		"75f0251d528ac01c4573dfd584d79f29" },
	// RFC 4493 section 4, example 1
	{ GW_INTEGRITY_AES_CMAC_96, "2b7e151628aed2a6abf7158809cf4f3c",
		"bb1d6929e95937287fa37d129b756746" },
};

START_TEST(the_empty_message)
{
	struct gw_crypto_key *key = integrity_key(nothing[_i].integrity, nothing[_i].key);
	const uint8_t *last_subkey =
		(const uint8_t *)gw_crypto_part(key, key->at.hash_more) + GW_CRYPTO_BLOCK_BYTES;
	IMB_MGR *manager = gw_crypto_manager_shared(GW_CRYPTO_SSE);
	uint8_t block[16], zeros[16] = {}, out[16], mac[16];

	memcpy(block, last_subkey, sizeof(block));
	block[0] ^= 0x80;
	IMB_AES128_CFB_ONE(
		manager, out, zeros, block, gw_crypto_part(key, key->at.hash), sizeof(out));
	ck_assert_int_eq(gw_hex_decode(nothing[_i].mac, mac, sizeof(mac)), sizeof(mac));
	ck_assert_mem_eq(out, mac, sizeof(mac));
	gw_crypto_key_free(key);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_vectors");
	TCase *tcase = tcase_create("known answers");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, packets, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, self_test_passes, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, lone_messages, 0, RTE_DIM(messages));
	tcase_add_loop_test(tcase, the_empty_message, 0, RTE_DIM(nothing));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
