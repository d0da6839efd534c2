// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The C library's explicit_bzero is replaced here, to see what is wiped: without glibc's checked
// form of it.
#undef _FORTIFY_SOURCE

#include "crypto/key.h"

#include "crypto/vectors.h"
#include "crypto_kit.h"
#include "run.h"

static struct {
	const void *data;
	size_t size;
} wiped; // the last time

void __explicit_bzero_chk(void *data, size_t size, size_t room);

void explicit_bzero(void *data, size_t size)
{
	volatile uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		bytes[i] = 0;
	wiped.data = data;
	wiped.size = size;
}

void __explicit_bzero_chk(void *data, size_t size, size_t)
{
	explicit_bzero(data, size);
}

START_TEST(lengths_in_a_packet)
{
	static const struct {
		uint8_t iv, icv, align;
	} ciphers[GW_ENCRYPTION_COUNT] = {
		[GW_ENCRYPTION_AES_GCM_16] = { 8, 16, 4 },
		[GW_ENCRYPTION_AES_GCM_12] = { 8, 12, 4 },
		[GW_ENCRYPTION_AES_GCM_8] = { 8, 8, 4 },
		[GW_ENCRYPTION_AES_CCM_16] = { 8, 16, 4 },
		[GW_ENCRYPTION_AES_CCM_8] = { 8, 8, 4 },
		[GW_ENCRYPTION_AES_GMAC] = { 8, 16, 4 },
		[GW_ENCRYPTION_CHACHA20_POLY1305] = { 8, 16, 4 },
		[GW_ENCRYPTION_AES_GCM_16_IIV] = { 0, 16, 4 },
		[GW_ENCRYPTION_AES_CCM_8_IIV] = { 0, 8, 4 },
		[GW_ENCRYPTION_CHACHA20_POLY1305_IIV] = { 0, 16, 4 },
		[GW_ENCRYPTION_AES_CBC] = { 16, 0, 16 },
		[GW_ENCRYPTION_AES_CTR] = { 8, 0, 4 },
		[GW_ENCRYPTION_NULL] = { 0, 0, 4 },
	};
	static const uint8_t icvs[GW_INTEGRITY_COUNT] = {
		[GW_INTEGRITY_HMAC_SHA2_256_128] = 16,
		[GW_INTEGRITY_HMAC_SHA1_96] = 12,
		[GW_INTEGRITY_HMAC_SHA2_384_192] = 24,
		[GW_INTEGRITY_HMAC_SHA2_512_256] = 32,
		[GW_INTEGRITY_AES_XCBC_96] = 12,
		[GW_INTEGRITY_AES_CMAC_96] = 12,
	};
	const struct kit_class *class = &kit_classes[_i];
	struct gw_crypto_key *key = kit_key(&kit_classes[_i], false, 0);

	ck_assert_uint_eq(gw_crypto_iv_bytes(key), ciphers[class->encryption].iv);
	ck_assert_uint_eq(
		gw_crypto_icv_bytes(key), ciphers[class->encryption].icv + icvs[class->integrity]);
	ck_assert_uint_eq(gw_crypto_align_bytes(key), ciphers[class->encryption].align);
	gw_crypto_key_free(key);
}
END_TEST

static const struct {
	struct gw_crypto_key_spec spec;
	int code;
	const char *text;
} broken[] = {
	{ { .encryption = GW_ENCRYPTION_AES_GCM_16, .encryption_key_bytes = 16 }, EINVAL,
		"aes-gcm-16 takes a key of 20, 28 or 36 bytes (4 of them salt), not 16" },
	{ { .encryption = GW_ENCRYPTION_CHACHA20_POLY1305, .encryption_key_bytes = 32 }, EINVAL,
		"chacha20-poly1305 takes a key of 36 bytes (4 of them salt), not 32" },
	{ { .encryption = GW_ENCRYPTION_AES_CBC,
		  .encryption_key_bytes = 20,
		  .integrity = GW_INTEGRITY_HMAC_SHA1_96,
		  .integrity_key_bytes = 20 },
		EINVAL, "aes-cbc takes a key of 16, 24 or 32 bytes (0 of them salt), not 20" },
	{ { .encryption = GW_ENCRYPTION_AES_CBC,
		  .encryption_key_bytes = 16,
		  .integrity = GW_INTEGRITY_HMAC_SHA2_256_128,
		  .integrity_key_bytes = 20 },
		EINVAL, "hmac-sha2-256-128 takes a key of 32 bytes, not 20" },
	{ { .encryption = GW_ENCRYPTION_AES_CBC, .encryption_key_bytes = 16 }, EINVAL,
		"aes-cbc needs an integrity algorithm beside it, such as hmac-sha2-256-128" },
	{ { .encryption = GW_ENCRYPTION_NULL }, EINVAL,
		"null needs an integrity algorithm beside it, such as hmac-sha2-256-128" },
	{ { .encryption = GW_ENCRYPTION_NULL,
		  .encryption_key_bytes = 16,
		  .integrity = GW_INTEGRITY_HMAC_SHA1_96,
		  .integrity_key_bytes = 20 },
		EINVAL, "null takes a key of 0 bytes (0 of them salt), not 16" },
	{ { .encryption = GW_ENCRYPTION_AES_GCM_16,
		  .encryption_key_bytes = 20,
		  .integrity = GW_INTEGRITY_HMAC_SHA1_96,
		  .integrity_key_bytes = 20 },
		EINVAL, "aes-gcm-16 brings its own integrity: leave hmac-sha1-96 out" },
	{ { .encryption = GW_ENCRYPTION_UNSET, .integrity = GW_INTEGRITY_HMAC_SHA1_96 }, EINVAL,
		"there is no encryption algorithm" },
	{ { .encryption = GW_ENCRYPTION_COUNT }, EINVAL, "there is no encryption algorithm" },
	{ { .encryption = GW_ENCRYPTION_NULL, .integrity = GW_INTEGRITY_COUNT }, EINVAL,
		"there is no such integrity algorithm" },
};

START_TEST(broken_specs)
{
	uint8_t bytes[64] = {};
	struct gw_crypto_key_spec spec = broken[_i].spec;
	struct gw_error err = {};

	spec.encryption_key = bytes;
	spec.integrity_key = bytes;
	ck_assert_ptr_null(gw_crypto_key_new(&spec, &err));
	ck_assert_int_eq(err.code, broken[_i].code);
	ck_assert_str_eq(err.text, broken[_i].text);
	ck_assert_ptr_null(gw_crypto_key_new(&spec, NULL));
}
END_TEST

static bool holds(const uint8_t *memory, size_t size, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i + count <= size; i++)
		if (memcmp(memory + i, bytes, count) == 0)
			return true;
	return false;
}

// DPDK's heap keeps the memory, so that it can be looked at. It also clears it, which is not ours
// to count on: our own wipe must have come before.
START_TEST(key_is_wiped_on_free)
{
	struct gw_crypto_key *key = kit_key(&kit_classes[_i], true, 0);
	const uint8_t *memory = (const uint8_t *)key;
	size_t first = offsetof(struct gw_crypto_key, gcm), size = key->allocated_bytes;
	uint8_t zeros[sizeof(struct gw_crypto_key)] = {}, pattern[16];

	ck_assert_uint_gt(size, first);
	ck_assert_uint_le(size, sizeof(struct gw_crypto_key));
	ck_assert_mem_ne(memory + first, zeros, size - first);
	// AES's first round key is the key itself, and ChaCha20's key is used as it is.
	kit_pattern(pattern, sizeof(pattern), 7, 3);
	if (kit_classes[_i].encryption != GW_ENCRYPTION_NULL)
		ck_assert(holds(memory, size, pattern, sizeof(pattern)));
	gw_crypto_key_free(key);
	ck_assert_ptr_eq(wiped.data, memory);
	ck_assert_uint_eq(wiped.size, size);
	ck_assert_mem_eq(memory + first, zeros, size - first);
	gw_crypto_key_free(NULL);
}
END_TEST

START_TEST(engine_is_wiped_on_free)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = kit_key(&kit_classes[_i], true, 0);
	uint8_t zeros[sizeof(engine->jobs)] = {}, packet[256];
	struct gw_crypto_op op = { key, packet, 64, GW_CRYPTO_OK, 9 };
	const IMB_JOB *jobs = engine->jobs;

	kit_packet(packet, key, op.sequence, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
	ck_assert_ptr_eq(wiped.data, engine);
	ck_assert_uint_eq(wiped.size, sizeof(*engine));
	ck_assert_mem_eq(jobs, zeros, sizeof(zeros));
}
END_TEST

START_TEST(engine_tells_its_name)
{
	char name[64], cut[8];
	struct gw_crypto_engine *engine;

	gw_crypto_plan_limit(IMB_CPUFLAGS_SSE);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	ck_assert_ptr_nonnull(strstr(gw_crypto_engine_name(engine, name, sizeof(name)), ", SSE"));
	ck_assert_int_eq(strncmp(name, "IPsec-MB ", 9), 0);
	ck_assert_str_eq(gw_crypto_engine_name(engine, cut, sizeof(cut)), "IPsec-M");
	gw_crypto_engine_free(engine);
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

START_TEST(failed_algorithm_is_refused_by_name)
{
	uint8_t bytes[64] = {};
	struct gw_crypto_key_spec spec = {
		.encryption = GW_ENCRYPTION_AES_CBC,
		.encryption_key = bytes,
		.encryption_key_bytes = 16,
		.integrity = GW_INTEGRITY_HMAC_SHA1_96,
		.integrity_key = bytes,
		.integrity_key_bytes = 20,
	};
	struct gw_error err = {};
	struct gw_crypto_key *key;

	ck_assert_int_eq(gw_crypto_self_test(), 0);
	gw_crypto_disable(spec.encryption, spec.integrity);
	ck_assert(!gw_crypto_usable(spec.encryption, spec.integrity));
	ck_assert_ptr_null(gw_crypto_key_new(&spec, &err));
	ck_assert_int_eq(err.code, ENOTSUP);
	ck_assert_str_eq(err.text, "aes-cbc with hmac-sha1-96 failed its self-test on this "
				   "machine: choose another algorithm");
	// Its parts in other company are not concerned.
	spec.integrity = GW_INTEGRITY_HMAC_SHA2_256_128;
	spec.integrity_key_bytes = 32;
	ck_assert(gw_crypto_usable(spec.encryption, spec.integrity));
	key = gw_crypto_key_new(&spec, NULL);
	ck_assert_ptr_nonnull(key);
	gw_crypto_key_free(key);
	ck_assert_int_eq(gw_crypto_self_test(), 0);
}
END_TEST

// The self-test by all vectors but one, of which a digit of the packet is changed.
static int self_test_with_a_wrong_answer(enum gw_encryption_id encryption)
{
	struct gw_crypto_vector *vectors = calloc(gw_crypto_vector_count, sizeof(*vectors));
	unsigned int i = 0;
	char *packet;
	int failed;

	ck_assert_ptr_nonnull(vectors);
	memcpy(vectors, gw_crypto_vectors, gw_crypto_vector_count * sizeof(*vectors));
	while (vectors[i].encryption != encryption)
		i++;
	packet = strdup(vectors[i].packet);
	packet[strlen(packet) - 1] ^= 1;
	vectors[i].packet = packet;
	failed = gw_crypto_self_test_by(vectors, gw_crypto_vector_count);
	free(packet);
	free(vectors);
	return failed;
}

START_TEST(wrong_answer_is_noticed)
{
	ck_assert_int_eq(self_test_with_a_wrong_answer(GW_ENCRYPTION_CHACHA20_POLY1305), 1);
	ck_assert(!gw_crypto_usable(GW_ENCRYPTION_CHACHA20_POLY1305, GW_INTEGRITY_NONE));
	ck_assert(gw_crypto_usable(GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE));
}
END_TEST

// Ways that are wrong in one thing, over the right one.
static void seal_with_a_wrong_bit(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	gw_crypto_gcm_direct.seal(engine, manager, ops, count);
	gw_crypto_payload(ops[count - 1])[0] ^= 1;
}

static void open_whatever_comes(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	gw_crypto_gcm_direct.open(engine, manager, ops, count);
	for (unsigned int i = 0; i < count; i++)
		ops[i]->status = GW_CRYPTO_OK;
}

static void open_nothing(
	struct gw_crypto_engine *, IMB_MGR *, struct gw_crypto_op **ops, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		ops[i]->status = GW_CRYPTO_BAD_ICV;
}

// The wrong code computes one size alone.
START_TEST(wrong_code_is_noticed)
{
	const struct gw_crypto_way right = gw_crypto_gcm_direct;
	const struct gw_crypto_way wrong[] = {
		{ .name = "wrong", .seal = seal_with_a_wrong_bit, .open = right.open },
		{ .name = "wrong", .seal = right.seal, .open = open_whatever_comes },
		{ .name = "wrong", .seal = right.seal, .open = open_nothing },
	};
	const struct kit_class *class = &kit_classes[0];
	unsigned int index = gw_crypto_class(class->encryption, 0, class->integrity);
	struct gw_crypto_plan plan;

	gw_crypto_plan_limit(IMB_CPUFLAGS_SSE); // where the keys are the library's
	plan = *gw_crypto_plan(index);
	plan.choices[GW_CRYPTO_OPEN][_i / 3].way = &wrong[_i % 3];
	plan.choices[GW_CRYPTO_SEAL][_i / 3].way = &wrong[_i % 3];
	gw_crypto_plan_choose(index, &plan);
	ck_assert_int_eq(gw_crypto_self_test(), 1);
	ck_assert(!gw_crypto_usable(class->encryption, class->integrity));
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

// How many pairs of encryption and integrity there are.
static int count_pairs(void)
{
	bool known[GW_ENCRYPTION_COUNT][GW_INTEGRITY_COUNT] = {};
	int count = 0;

	for (unsigned int i = 0; i < RTE_DIM(kit_classes); i++) {
		bool *pair = &known[kit_classes[i].encryption][kit_classes[i].integrity];

		count += !*pair;
		*pair = true;
	}
	return count;
}

START_TEST(missing_answer_is_noticed)
{
	ck_assert_int_eq(gw_crypto_self_test_by(gw_crypto_vectors, 1), count_pairs());
	// The first vector has a key of 128 bits: that of 256 bits is not proven by it.
	ck_assert(!gw_crypto_usable(GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE));
	ck_assert(!gw_crypto_usable(GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA1_96));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_key");
	TCase *tcase = tcase_create("keys");

	tcase_add_loop_test(tcase, lengths_in_a_packet, 0, RTE_DIM(kit_classes));
	tcase_add_loop_test(tcase, broken_specs, 0, RTE_DIM(broken));
	tcase_add_loop_test(tcase, key_is_wiped_on_free, 0, RTE_DIM(kit_classes));
	tcase_add_loop_test(tcase, engine_is_wiped_on_free, 0, RTE_DIM(kit_classes));
	tcase_add_test(tcase, engine_tells_its_name);
	tcase_add_test(tcase, failed_algorithm_is_refused_by_name);
	tcase_add_test(tcase, wrong_answer_is_noticed);
	tcase_add_loop_test(tcase, wrong_code_is_noticed, 0, 3 * GW_CRYPTO_SIZES);
	tcase_add_test(tcase, missing_answer_is_noticed);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
