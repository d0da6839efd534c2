// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634) in ESP. In both the nonce is the key's salt
// followed by the packet's 8-byte IV, the associated data is SPI and sequence number, with all 64
// bits of the number under ESN, and the ICV has 16 bytes. The IV is the 64-bit sequence number: it
// repeats only if the number does.

#include "crypto/internal.h"

#include <rte_byteorder.h>

#define AEAD_IV_BYTES    8
#define AEAD_SALT_BYTES  4
#define AEAD_NONCE_BYTES (AEAD_SALT_BYTES + AEAD_IV_BYTES)
#define AEAD_ICV_BYTES   16

// How many packets ahead memory is asked for: fewer hide less, more gain nothing.
#define AHEAD 4

static inline void make_iv(const struct gw_crypto_engine *engine, const struct gw_crypto_op *op)
{
	rte_be64_t iv = rte_cpu_to_be_64(op->sequence);

	if (!engine->keep_iv)
		memcpy(op->esp + GW_CRYPTO_ESP_BYTES, &iv, sizeof(iv));
}

static inline void make_nonce(const struct gw_crypto_op *op, uint8_t *nonce)
{
	memcpy(nonce, op->key->salt, AEAD_SALT_BYTES);
	memcpy(nonce + AEAD_SALT_BYTES, op->esp + GW_CRYPTO_ESP_BYTES, AEAD_IV_BYTES);
}

// Returns its length.
static inline unsigned int make_aad(const struct gw_crypto_op *op, uint8_t *aad)
{
	rte_be32_t high = rte_cpu_to_be_32(op->sequence >> 32);

	if (!op->key->esn) {
		memcpy(aad, op->esp, 8);
		return 8;
	}
	memcpy(aad, op->esp, 4);
	memcpy(aad + 4, &high, 4);
	memcpy(aad + 8, op->esp + 4, 4);
	return 12;
}

static inline enum gw_crypto_status verdict(const struct gw_crypto_op *op, const uint8_t *tag)
{
	return gw_crypto_icv_equal(tag, gw_crypto_icv(op), AEAD_ICV_BYTES) ? GW_CRYPTO_OK
									   : GW_CRYPTO_BAD_ICV;
}

// Asks for what the op some places after number i will read, its key only where it is not the
// one of the op before it.
static inline const struct gw_crypto_op *prefetch_ahead(
	struct gw_crypto_op **ops, unsigned int i, unsigned int count)
{
	const struct gw_crypto_op *op;

	if (i + AHEAD >= count)
		return NULL;
	op = ops[i + AHEAD];
	gw_crypto_prefetch_packet(op);
	return op->key == ops[i + AHEAD - 1]->key ? NULL : op;
}

static inline void prefetch_chacha(struct gw_crypto_op **ops, unsigned int i, unsigned int count)
{
	const struct gw_crypto_op *op = prefetch_ahead(ops, i, count);

	if (op)
		rte_prefetch0(op->key->chacha);
}

// GCM's key is a kilobyte, of which a packet reads the round keys and as many powers of the hash
// key as it has blocks. IPsec-MB's VAES code keeps 48 powers, the first at the end; its other code
// eight, from the start.
static inline void prefetch_gcm(
	struct gw_crypto_op **ops, unsigned int i, unsigned int count, bool vaes)
{
	const struct gw_crypto_op *op = prefetch_ahead(ops, i, count);
	const struct gcm_key_data *gcm;
	unsigned int powers;

	if (!op)
		return;
	gcm = &op->key->gcm;
	gw_crypto_prefetch(gcm, 176);
	if (!vaes) {
		gw_crypto_prefetch(&gcm->ghash_keys, 128);
		return;
	}
	powers = RTE_MIN(op->payload_bytes / 16 + 3, 48u);
	gw_crypto_prefetch(
		gcm->ghash_keys.vaes_avx512.shifted_hkey + (48 - powers) * 16, powers * 16);
}

static inline bool has_vaes(const IMB_MGR *manager)
{
	const uint64_t vaes = IMB_CPUFLAGS_AVX512_T2;

	return manager->used_arch == IMB_ARCH_AVX512 && (manager->features & vaes) == vaes;
}

static void gcm_seal(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	aes_gcm_enc_dec_t encrypt =
		ops[0]->key->cipher_key_bytes == 32 ? manager->gcm256_enc : manager->gcm128_enc;
	const bool vaes = has_vaes(manager);

	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		struct gcm_context_data context __rte_cache_aligned;
		uint8_t nonce[16], aad[16], *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = make_aad(op, aad);

		prefetch_gcm(ops, i, count, vaes);
		make_iv(engine, op);
		make_nonce(op, nonce);
		encrypt(&op->key->gcm, &context, payload, payload, op->payload_bytes, nonce, aad,
			aad_bytes, gw_crypto_icv(op), AEAD_ICV_BYTES);
		op->status = GW_CRYPTO_OK;
	}
}

static void gcm_open(
	struct gw_crypto_engine *, IMB_MGR *manager, struct gw_crypto_op **ops, unsigned int count)
{
	aes_gcm_enc_dec_t decrypt =
		ops[0]->key->cipher_key_bytes == 32 ? manager->gcm256_dec : manager->gcm128_dec;
	const bool vaes = has_vaes(manager);

	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		struct gcm_context_data context __rte_cache_aligned;
		uint8_t nonce[16], aad[16], tag[AEAD_ICV_BYTES], *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = make_aad(op, aad);

		prefetch_gcm(ops, i, count, vaes);
		make_nonce(op, nonce);
		decrypt(&op->key->gcm, &context, payload, payload, op->payload_bytes, nonce, aad,
			aad_bytes, tag, AEAD_ICV_BYTES);
		op->status = verdict(op, tag);
	}
}

const struct gw_crypto_way gw_crypto_gcm_direct = { "direct", gcm_seal, gcm_open };

static void chacha_direct_seal(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		uint8_t nonce[16], aad[16], *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = make_aad(op, aad);

		prefetch_chacha(ops, i, count);
		make_iv(engine, op);
		make_nonce(op, nonce);
		IMB_CHACHA20_POLY1305_INIT(
			manager, op->key->chacha, &engine->chacha, nonce, aad, aad_bytes);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(manager, op->key->chacha, &engine->chacha, payload,
			payload, op->payload_bytes);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(
			manager, &engine->chacha, gw_crypto_icv(op), AEAD_ICV_BYTES);
		op->status = GW_CRYPTO_OK;
	}
}

static void chacha_direct_open(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = ops[i];
		uint8_t nonce[16], aad[16], tag[AEAD_ICV_BYTES], *payload = gw_crypto_payload(op);
		unsigned int aad_bytes = make_aad(op, aad);

		prefetch_chacha(ops, i, count);
		make_nonce(op, nonce);
		IMB_CHACHA20_POLY1305_INIT(
			manager, op->key->chacha, &engine->chacha, nonce, aad, aad_bytes);
		IMB_CHACHA20_POLY1305_DEC_UPDATE(manager, op->key->chacha, &engine->chacha, payload,
			payload, op->payload_bytes);
		IMB_CHACHA20_POLY1305_DEC_FINALIZE(manager, &engine->chacha, tag, AEAD_ICV_BYTES);
		op->status = verdict(op, tag);
	}
}

const struct gw_crypto_way gw_crypto_chacha_direct = { "direct", chacha_direct_seal,
	chacha_direct_open };

// Job number i of a burst; the tag goes into the packet when sealing, beside it when opening.
static inline void fill_chacha_job(struct gw_crypto_engine *engine, IMB_JOB *job,
	struct gw_crypto_op *op, unsigned int i, bool seal)
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
	make_nonce(op, engine->nonces[i]);
	job->iv = engine->nonces[i];
	job->iv_len_in_bytes = AEAD_NONCE_BYTES;
	job->u.CHACHA20_POLY1305.aad = engine->aads[i];
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = make_aad(op, engine->aads[i]);
	job->auth_tag_output = seal ? gw_crypto_icv(op) : engine->tags[i];
	job->auth_tag_output_len_in_bytes = AEAD_ICV_BYTES;
	job->user_data = op;
}

static void finish_chacha_jobs(IMB_JOB **jobs, unsigned int count, bool seal)
{
	for (unsigned int i = 0; i < count; i++) {
		struct gw_crypto_op *op = jobs[i]->user_data;

		if (jobs[i]->status != IMB_STATUS_COMPLETED)
			continue;
		op->status = seal ? GW_CRYPTO_OK : verdict(op, jobs[i]->auth_tag_output);
	}
}

static inline void chacha_burst(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	IMB_JOB *jobs[GW_CRYPTO_BURST];

	for (unsigned int done = 0; done < count;) {
		unsigned int burst = RTE_MIN(count - done, GW_CRYPTO_BURST), completed;

		// All slots are free, because nothing is left in the manager between bursts; the
		// library may still give fewer, where its ring ends.
		burst = IMB_GET_NEXT_BURST(manager, burst, jobs);
		if (burst == 0)
			return;
		for (unsigned int i = 0; i < burst; i++) {
			prefetch_chacha(ops, done + i, count);
			if (seal)
				make_iv(engine, ops[done + i]);
			fill_chacha_job(engine, jobs[i], ops[done + i], i, seal);
		}
		completed = IMB_SUBMIT_BURST_NOCHECK(manager, burst, jobs);
		finish_chacha_jobs(jobs, completed, seal);
		while (completed < burst) {
			unsigned int flushed = IMB_FLUSH_BURST(manager, burst - completed, jobs);

			if (flushed == 0)
				return;
			finish_chacha_jobs(jobs, flushed, seal);
			completed += flushed;
		}
		done += burst;
	}
}

static void chacha_burst_seal(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	chacha_burst(engine, manager, ops, count, true);
}

static void chacha_burst_open(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	chacha_burst(engine, manager, ops, count, false);
}

const struct gw_crypto_way gw_crypto_chacha_burst = { "burst", chacha_burst_seal,
	chacha_burst_open };
