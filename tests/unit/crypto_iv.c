// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include <stdlib.h>

#include <rte_byteorder.h>

#include "crypto_kit.h"
#include "run.h"

#define PACKETS 4096u
#define BATCH   128u

struct iv {
	uint64_t high;
	uint64_t low;
};

// The IVs of PACKETS packets with consecutive numbers.
static struct iv *collect(const struct kit_class *class, const struct gw_crypto_key *key)
{
	unsigned int iv_bytes = gw_encryptions[class->encryption].iv_bytes;
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct iv *ivs = calloc(PACKETS, sizeof(*ivs));
	static uint8_t packets[BATCH][128];
	struct gw_crypto_op ops[BATCH];

	ck_assert(engine && ivs);
	for (unsigned int first = 0; first < PACKETS; first += BATCH) {
		for (unsigned int i = 0; i < BATCH; i++) {
			ops[i] = (struct gw_crypto_op){ key, packets[i], 32, GW_CRYPTO_OK,
				1 + first + i };
			kit_packet(packets[i], key, ops[i].sequence, 32);
		}
		gw_crypto_seal(engine, ops, BATCH);
		for (unsigned int i = 0; i < BATCH; i++)
			memcpy(&ivs[first + i], packets[i] + 8, iv_bytes);
	}
	gw_crypto_engine_free(engine);
	return ivs;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct iv));
}

static unsigned int distinct(const struct iv *ivs, unsigned int count)
{
	struct iv *sorted = malloc(count * sizeof(*sorted));
	unsigned int found = count > 0;

	ck_assert_ptr_nonnull(sorted);
	memcpy(sorted, ivs, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	for (unsigned int i = 1; i < count; i++)
		found += compare(&sorted[i - 1], &sorted[i]) != 0;
	free(sorted);
	return found;
}

// RFC 3686 section 4, RFC 4106 section 3.1, RFC 4309 section 3.1, RFC 4543 section 3.1 and RFC 7634
// section 2: the IV must never repeat, so it is the number, counted from the key's base. The same
// key made anew, as after a restart, goes on beyond everything it can have used.
// conformance: E1, E3
START_TEST(counted_iv_is_the_sequence_number)
{
	for (unsigned int c = 0; c < RTE_DIM(kit_classes); c++) {
		struct gw_crypto_key *key, *again;
		struct iv *ivs;

		if (!gw_encryption_counts_ivs(kit_classes[c].encryption) ||
			gw_encryption_has_implicit_iv(kit_classes[c].encryption))
			continue;
		key = kit_key(&kit_classes[c], false, 0);
		ivs = collect(&kit_classes[c], key);
		for (unsigned int i = 0; i < PACKETS; i++)
			ck_assert_uint_eq(rte_be_to_cpu_64(ivs[i].high), key->iv_base + 1 + i);
		free(ivs);
		again = kit_key(&kit_classes[c], false, 0);
		ck_assert_uint_ge(again->iv_base, key->iv_base + (1u << 22));
		gw_crypto_key_free(again);
		gw_crypto_key_free(key);
	}
}
END_TEST

// RFC 8750 section 4: the IV is the number, all of it under ESN, and is not in the packet. So the
// same number under the same key makes the same packet, and each other number another one.
// conformance: E4
START_TEST(implicit_iv_is_the_number_alone)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	const uint64_t numbers[] = { 1, 2, UINT32_MAX, UINT64_C(0x100000001),
		UINT64_C(0x200000001) };
	uint8_t packets[RTE_DIM(numbers)][128], again[128];

	for (unsigned int c = 0; c < RTE_DIM(kit_classes); c++) {
		struct gw_crypto_key *key, *twin;

		if (!gw_encryption_has_implicit_iv(kit_classes[c].encryption))
			continue;
		key = kit_key(&kit_classes[c], true, 0);
		twin = kit_key(&kit_classes[c], true, 0);
		for (unsigned int i = 0; i < RTE_DIM(numbers); i++) {
			struct gw_crypto_op op = { key, packets[i], 32, GW_CRYPTO_OK, numbers[i] };

			kit_packet(packets[i], key, op.sequence, op.payload_bytes);
			memcpy(again, packets[i], sizeof(again));
			gw_crypto_seal(engine, &op, 1);
			op.key = twin;
			op.esp = again;
			gw_crypto_seal(engine, &op, 1);
			ck_assert_mem_eq(packets[i], again, 8 + 32 + gw_crypto_icv_bytes(key));
			for (unsigned int j = 0; j < i; j++)
				ck_assert_mem_ne(packets[i] + 8, packets[j] + 8, 32);
		}
		gw_crypto_key_free(key);
		gw_crypto_key_free(twin);
	}
	gw_crypto_engine_free(engine);
}
END_TEST

START_TEST(aead_iv_has_the_high_half)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = kit_key(&kit_classes[0], true, 0);
	uint8_t packet[128];
	struct gw_crypto_op op = { key, packet, 32, GW_CRYPTO_OK, 0xfedcba9876543210 };
	rte_be64_t iv = rte_cpu_to_be_64(key->iv_base + op.sequence);

	kit_packet(packet, key, op.sequence, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	ck_assert_mem_eq(packet + 8, &iv, sizeof(iv));
	// Not even after a known answer has been sealed with an IV of its own.
	kit_packet(packet, key, op.sequence, op.payload_bytes);
	gw_crypto_seal_keeping_iv(engine, &op, 1);
	ck_assert_mem_ne(packet + 8, &iv, sizeof(iv));
	gw_crypto_seal(engine, &op, 1);
	ck_assert_mem_eq(packet + 8, &iv, sizeof(iv));
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

// NIST SP 800-38A appendix C: CBC's IVs must not be predictable. Neither the IVs nor the steps
// from one to the next may repeat, half of the bits must change at each step, and two SAs with the
// same key must not have one in common.
// conformance: E2
START_TEST(cbc_iv_is_unpredictable)
{
	const struct kit_class *class =
		kit_class_of(GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 16);
	struct gw_crypto_key *key = kit_key(class, false, 0);
	struct gw_crypto_key *twin = kit_key(class, false, 0);
	struct iv *ivs = collect(class, key);
	struct iv *twins = collect(class, twin);
	struct iv steps[PACKETS - 1], both[2 * PACKETS];
	unsigned int bits = 0;

	for (unsigned int i = 0; i + 1 < PACKETS; i++) {
		steps[i].high = ivs[i + 1].high ^ ivs[i].high;
		steps[i].low = ivs[i + 1].low ^ ivs[i].low;
		bits += __builtin_popcountll(steps[i].high) + __builtin_popcountll(steps[i].low);
	}
	memcpy(both, ivs, PACKETS * sizeof(*ivs));
	memcpy(both + PACKETS, twins, PACKETS * sizeof(*twins));
	ck_assert_uint_eq(distinct(both, 2 * PACKETS), 2 * PACKETS);
	ck_assert_uint_eq(distinct(steps, PACKETS - 1), PACKETS - 1);
	// Of 128 bits 64 change; the mean of 4,095 steps misses that by 1 once in 10^28 times.
	ck_assert_uint_gt(bits / (PACKETS - 1), 62);
	ck_assert_uint_lt(bits / (PACKETS - 1), 66);
	free(ivs);
	free(twins);
	gw_crypto_key_free(key);
	gw_crypto_key_free(twin);
}
END_TEST

// The IV is the mask with the number, encrypted: the value that goes in must be a secret as well.
START_TEST(cbc_iv_is_the_masked_number_encrypted)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = kit_key(
		kit_class_of(GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 32), true, 0);
	uint8_t packet[128], expected[16], zero[16] = {};
	struct gw_crypto_op op = { key, packet, 32, GW_CRYPTO_OK, 0x0123456789abcdef };
	rte_be64_t number = rte_cpu_to_be_64(op.sequence);
	IMB_JOB job = {};

	memcpy(expected, key->iv_mask, sizeof(expected));
	for (unsigned int i = 0; i < sizeof(number); i++)
		expected[8 + i] ^= ((const uint8_t *)&number)[i];
	job.cipher_mode = IMB_CIPHER_CBC;
	job.cipher_direction = IMB_DIR_ENCRYPT;
	job.enc_keys = gw_crypto_part(key, key->at.encrypt);
	job.dec_keys = gw_crypto_part(key, key->at.decrypt);
	job.key_len_in_bytes = 32;
	job.src = expected;
	job.dst = expected;
	job.msg_len_to_cipher_in_bytes = sizeof(expected);
	job.iv = zero;
	job.iv_len_in_bytes = sizeof(zero);
	ck_assert_uint_eq(IMB_SUBMIT_CIPHER_BURST(gw_crypto_manager_shared(GW_CRYPTO_SSE), &job, 1,
				  IMB_CIPHER_CBC, IMB_DIR_ENCRYPT, IMB_KEY_256_BYTES),
		1);
	kit_packet(packet, key, op.sequence, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	ck_assert_mem_eq(packet + 8, expected, sizeof(expected));
	ck_assert_mem_ne(key->iv_mask, zero, sizeof(zero));
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_iv");
	TCase *tcase = tcase_create("IVs");

	tcase_add_test(tcase, counted_iv_is_the_sequence_number);
	tcase_add_test(tcase, implicit_iv_is_the_number_alone);
	tcase_add_test(tcase, aead_iv_has_the_high_half);
	tcase_add_test(tcase, cbc_iv_is_unpredictable);
	tcase_add_test(tcase, cbc_iv_is_the_masked_number_encrypted);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
