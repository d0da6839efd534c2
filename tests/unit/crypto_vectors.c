// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto/vectors.h"

#include "base/hex.h"
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

// HMAC's messages of lengths that no ESP packet has: the expanded keys alone are tested.
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
};

START_TEST(hmac_messages)
{
	uint8_t key_bytes[GW_MAX_INTEGRITY_KEY], message[64], icv[16], tag[32];
	enum gw_integrity_id integrity = messages[_i].integrity;
	IMB_MGR *manager = gw_crypto_manager_shared(GW_CRYPTO_SSE);
	struct gw_crypto_key *key;
	IMB_JOB job = {};

	key = gw_crypto_key_new(
		&(struct gw_crypto_key_spec){
			.encryption = GW_ENCRYPTION_NULL,
			.integrity = integrity,
			.integrity_key = key_bytes,
			.integrity_key_bytes =
				gw_hex_decode(messages[_i].key, key_bytes, sizeof(key_bytes)),
		},
		NULL);
	ck_assert_ptr_nonnull(key);
	job.src = message;
	job.hash_alg = key->hash;
	job.msg_len_to_hash_in_bytes =
		gw_hex_decode(messages[_i].message, message, sizeof(message));
	job.auth_tag_output = tag;
	job.auth_tag_output_len_in_bytes = key->icv_bytes;
	job.u.HMAC._hashed_auth_key_xor_ipad = gw_crypto_part(key, key->at.hash);
	job.u.HMAC._hashed_auth_key_xor_opad = gw_crypto_part(key, key->at.hash_more);
	ck_assert_uint_eq(IMB_SUBMIT_HASH_BURST(manager, &job, 1, key->hash), 1);
	ck_assert_int_eq(gw_hex_decode(messages[_i].icv, icv, sizeof(icv)), key->icv_bytes);
	ck_assert_mem_eq(tag, icv, key->icv_bytes);
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
	tcase_add_loop_test(tcase, hmac_messages, 0, RTE_DIM(messages));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
