// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM, a packet at a time, by the library's direct call: one packet fills the CPU's pipes, so
// that jobs would add their own cost and nothing else.

#include "crypto/aead.h"

#define POWER_BYTES 16
#define POWERS_VAES 48u
#define POWERS      8u

static inline bool has_vaes(const IMB_MGR *manager)
{
	return manager->used_arch == IMB_ARCH_AVX512 &&
	       (manager->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
}

// A key is a kilobyte, of which a packet reads the round keys and about as many powers of the hash
// key as it has blocks. IPsec-MB's VAES code keeps 48 powers, the first one last; its other code
// eight, from the start.
static inline void prefetch(const struct gw_crypto_op *op, bool vaes)
{
	const struct gcm_key_data *gcm = &op->key->gcm;
	unsigned int powers;

	gw_crypto_prefetch_round_keys(gcm, op->key);
	if (!vaes) {
		gw_crypto_prefetch(&gcm->ghash_keys, POWERS * POWER_BYTES);
		return;
	}
	// One for each block, for the associated data, for the lengths, and one of alignment.
	powers = RTE_MIN(op->payload_bytes / POWER_BYTES + 3, POWERS_VAES);
	gw_crypto_prefetch(
		gcm->ghash_keys.vaes_avx512.shifted_hkey + (POWERS_VAES - powers) * POWER_BYTES,
		powers * POWER_BYTES);
}

void gw_crypto_prefetch_gcm(const IMB_MGR *manager, const struct gw_crypto_op *op)
{
	prefetch(op, has_vaes(manager));
}

static inline void run(struct gw_crypto_engine *engine, IMB_MGR *manager,
	aes_gcm_enc_dec_t function, struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	const bool vaes = has_vaes(manager);
	struct gcm_context_data context __rte_cache_aligned;
	uint8_t nonce[16] __rte_aligned(16), aad[16] __rte_aligned(16);
	uint8_t tag[GW_AEAD_TAG_BYTES] __rte_aligned(16);

	for (unsigned int i = 0; i < count; i++) {
		const struct gw_crypto_op *ahead = gw_aead_prefetch(ops, i, count, seal);
		struct gw_crypto_op *op = ops[i];
		uint8_t *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = gw_aead_aad(op, aad);

		if (ahead)
			prefetch(ahead, vaes);
		gw_aead_nonce(engine, op, seal, nonce);
		function(&op->key->gcm, &context, payload, payload, op->payload_bytes, nonce, aad,
			aad_bytes, seal ? gw_crypto_icv(op) : tag, op->key->icv_bytes);
		if (seal)
			op->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(op, tag);
	}
}

static void seal_gcm(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const aes_gcm_enc_dec_t functions[GW_KEY_LENGTHS] = { manager->gcm128_enc,
		manager->gcm192_enc, manager->gcm256_enc };

	run(engine, manager, functions[gw_aes_key_place(ops[0]->key)], ops, count, true);
}

static void open_gcm(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const aes_gcm_enc_dec_t functions[GW_KEY_LENGTHS] = { manager->gcm128_dec,
		manager->gcm192_dec, manager->gcm256_dec };

	run(engine, manager, functions[gw_aes_key_place(ops[0]->key)], ops, count, false);
}

const struct gw_crypto_way gw_crypto_gcm_direct = {
	.name = "direct",
	.seal = seal_gcm,
	.open = open_gcm,
};
