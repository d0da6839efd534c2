// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ChaCha20-Poly1305, by the library's three direct calls for a packet or by one job: which is
// faster depends on the code path.

#include "crypto/aead.h"

static inline void prefetch(struct gw_crypto_op **ops, unsigned int i, unsigned int count)
{
	const struct gw_crypto_op *op = gw_aead_prefetch(ops, i, count, false);

	if (op)
		rte_prefetch0(op->key->chacha);
}

static inline void run_direct(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	chacha_poly_enc_dec_update_t update = seal ? manager->chacha20_poly1305_enc_update
						   : manager->chacha20_poly1305_dec_update;
	struct chacha20_poly1305_context_data *context = &engine->chacha;
	uint8_t nonce[16] __rte_aligned(16), aad[16] __rte_aligned(16);
	uint8_t tag[GW_AEAD_TAG_BYTES] __rte_aligned(16);

	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		const uint8_t *key = op->key->chacha;
		uint8_t *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = gw_aead_aad(op, aad);

		prefetch(ops, i, count);
		gw_aead_nonce(engine, op, seal, nonce);
		manager->chacha20_poly1305_init(key, context, nonce, aad, aad_bytes);
		update(key, context, payload, payload, op->payload_bytes);
		manager->chacha20_poly1305_finalize(
			context, seal ? gw_crypto_icv(op) : tag, GW_AEAD_TAG_BYTES);
		if (seal)
			op->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(op, tag);
	}
}

static void seal_direct(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	run_direct(engine, manager, ops, count, true);
}

static void open_direct(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	run_direct(engine, manager, ops, count, false);
}

const struct gw_crypto_way gw_crypto_chacha_direct = {
	.name = "direct",
	.seal = seal_direct,
	.open = open_direct,
};

static inline void fill(IMB_JOB *job, const struct gw_crypto_op *op, bool seal)
{
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = op->key->chacha;
	job->dec_keys = op->key->chacha;
	job->key_len_in_bytes = sizeof(op->key->chacha);
	job->src = gw_crypto_payload(op);
	job->dst = gw_crypto_payload(op);
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = op->payload_bytes;
	job->msg_len_to_hash_in_bytes = op->payload_bytes;
	job->iv_len_in_bytes = GW_AEAD_NONCE_BYTES;
	job->auth_tag_output_len_in_bytes = GW_AEAD_TAG_BYTES;
}

static inline void run_job(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	uint8_t nonce[16] __rte_aligned(16), aad[16] __rte_aligned(16);
	uint8_t tag[GW_AEAD_TAG_BYTES] __rte_aligned(16);

	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		IMB_JOB *job = IMB_GET_NEXT_JOB(manager), *done;

		prefetch(ops, i, count);
		fill(job, op, seal);
		gw_aead_nonce(engine, op, seal, nonce);
		job->iv = nonce;
		job->u.CHACHA20_POLY1305.aad = aad;
		job->u.CHACHA20_POLY1305.aad_len_in_bytes = gw_aead_aad(op, aad);
		job->auth_tag_output = seal ? gw_crypto_icv(op) : tag;
		// The library computes this algorithm at once: no job is ever left in its ring.
		done = IMB_SUBMIT_JOB_NOCHECK(manager);
		if (done != job || job->status != IMB_STATUS_COMPLETED)
			continue;
		if (seal)
			op->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(op, tag);
	}
}

static void seal_job(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run_job(engine, manager, ops, count, true);
}

static void open_job(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run_job(engine, manager, ops, count, false);
}

const struct gw_crypto_way gw_crypto_chacha_job = {
	.name = "job",
	.seal = seal_job,
	.open = open_job,
};
