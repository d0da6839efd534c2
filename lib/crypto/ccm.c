// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-CCM (RFC 4309), in jobs: its CBC-MAC is a chain, so that the library computes several packets
// side by side. The nonce is the key's salt of 3 bytes followed by the packet's 8-byte IV;
// associated data and IV are those of the other AEADs.
//
// The MAC is over the text, so that opening decrypts before it can tell: a packet with a wrong ICV
// leaves text behind, which its status forbids to read.

#include "crypto/aead.h"

#define NONCE_BYTES 11
#define SALT_BITS   24

static inline void make_nonce(const struct gw_crypto_engine *engine, const struct gw_crypto_op *op,
	bool seal, uint8_t place[16])
{
	uint64_t iv = gw_aead_iv(engine, op, seal);
	uint32_t salt;

	memcpy(&salt, op->key->salt, sizeof(salt)); // the fourth byte is zero
	gw_aead_store(place, salt | iv << SALT_BITS, iv >> (64 - SALT_BITS));
}

static inline void fill(
	struct gw_crypto_engine *engine, unsigned int i, const struct gw_crypto_op *op, bool seal)
{
	IMB_JOB *job = &engine->jobs[i];

	make_nonce(engine, op, seal, engine->ivs[i]);
	job->cipher_mode = IMB_CIPHER_CCM;
	job->hash_alg = IMB_AUTH_AES_CCM;
	job->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = seal ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
	job->enc_keys = op->key->ccm;
	job->dec_keys = op->key->ccm;
	job->key_len_in_bytes = op->key->cipher_key_bytes;
	job->src = gw_crypto_payload(op);
	job->dst = gw_crypto_payload(op);
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = op->payload_bytes;
	job->msg_len_to_hash_in_bytes = op->payload_bytes;
	job->iv = engine->ivs[i];
	job->iv_len_in_bytes = NONCE_BYTES;
	job->u.CCM.aad = engine->aads[i];
	job->u.CCM.aad_len_in_bytes = gw_aead_aad(op, engine->aads[i]);
	job->auth_tag_output = seal ? gw_crypto_icv(op) : engine->tags[i];
	job->auth_tag_output_len_in_bytes = op->key->icv_bytes;
}

static void run_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count, bool seal)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct gw_crypto_op *ahead = gw_aead_prefetch(ops, i, count, false);

		if (ahead)
			gw_crypto_prefetch_round_keys(ahead->key->ccm, ahead->key);
		fill(engine, i, ops[i], seal);
	}
	if (!gw_crypto_jobs_run(manager, engine->jobs, count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		if (seal)
			ops[i]->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(ops[i], engine->tags[i]);
	}
}

static void seal_ccm(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BURST)
		run_burst(engine, manager, ops + i, RTE_MIN(count - i, GW_CRYPTO_BURST), true);
}

static void open_ccm(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BURST)
		run_burst(engine, manager, ops + i, RTE_MIN(count - i, GW_CRYPTO_BURST), false);
}

const struct gw_crypto_way gw_crypto_ccm_job = {
	.name = "job",
	.seal = seal_ccm,
	.open = open_ccm,
};
