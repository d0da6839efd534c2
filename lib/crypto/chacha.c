// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ChaCha20-Poly1305, by the library's three direct calls for a packet or by bursts of jobs: which
// is faster depends on the code path.

#include "crypto/aead.h"

static inline void prefetch(struct gw_crypto_op **ops, unsigned int i, unsigned int count)
{
	const struct gw_crypto_op *op = gw_aead_prefetch(ops, i, count);

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
	uint8_t tag[GW_AEAD_ICV_BYTES] __rte_aligned(16);

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
			context, seal ? gw_crypto_icv(op) : tag, GW_AEAD_ICV_BYTES);
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

const struct gw_crypto_way gw_crypto_chacha_direct = { "direct", seal_direct, open_direct };

// Job number i of a burst; the tag goes into the packet when sealing, beside it when opening.
static inline void fill(struct gw_crypto_engine *engine, IMB_JOB *job, struct gw_crypto_op *op,
	unsigned int i, bool seal)
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
	gw_aead_nonce(engine, op, seal, engine->nonces[i]);
	job->iv = engine->nonces[i];
	job->iv_len_in_bytes = GW_AEAD_NONCE_BYTES;
	job->u.CHACHA20_POLY1305.aad = engine->aads[i];
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = gw_aead_aad(op, engine->aads[i]);
	job->auth_tag_output = seal ? gw_crypto_icv(op) : engine->tags[i];
	job->auth_tag_output_len_in_bytes = GW_AEAD_ICV_BYTES;
	job->user_data = op;
}

static inline void finish(IMB_JOB **jobs, unsigned int count, bool seal)
{
	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = jobs[i]->user_data;

		if (jobs[i]->status != IMB_STATUS_COMPLETED)
			continue;
		if (seal)
			op->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(op, jobs[i]->auth_tag_output);
	}
}

// False when the library leaves a job unfinished.
static inline bool submit(IMB_MGR *manager, IMB_JOB **jobs, unsigned int count, bool seal)
{
	unsigned int completed = IMB_SUBMIT_BURST_NOCHECK(manager, count, jobs);

	finish(jobs, completed, seal);
	while (completed < count) {
		unsigned int flushed = IMB_FLUSH_BURST(manager, count - completed, jobs);

		if (flushed == 0)
			return false;
		finish(jobs, flushed, seal);
		completed += flushed;
	}
	return true;
}

static inline void run_burst(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	IMB_JOB *jobs[GW_CRYPTO_BURST];

	for (unsigned int done = 0; done < count;) {
		// Nothing stays in the manager between bursts, but its ring may end before the
		// last job asked for.
		unsigned int burst =
			IMB_GET_NEXT_BURST(manager, RTE_MIN(count - done, GW_CRYPTO_BURST), jobs);

		if (burst == 0)
			return;
		for (unsigned int i = 0; i < burst; i++) {
			prefetch(ops, done + i, count);
			fill(engine, jobs[i], ops[done + i], i, seal);
		}
		if (!submit(manager, jobs, burst, seal))
			return;
		done += burst;
	}
}

static void seal_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run_burst(engine, manager, ops, count, true);
}

static void open_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run_burst(engine, manager, ops, count, false);
}

const struct gw_crypto_way gw_crypto_chacha_burst = { "burst", seal_burst, open_burst };
