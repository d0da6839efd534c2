// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-CBC (RFC 3602) or NULL (RFC 2410) with an HMAC (RFC 4868, RFC 2404) in ESP: one burst of
// cipher jobs and one of hash jobs, each over packets of all SAs of a class.
//
// Sealing, for each packet:
//  1. The IV's place gets the sequence number XOR the key's random mask; the CBC chain starts there
//     from an all-zero block, so that the IV on the wire is that value encrypted (NIST SP 800-38A
//     appendix C, first method) and costs one more block of the same job.
//  2. Under ESN the number's high half is put where the ICV will stand, because it is
//     authenticated after the payload and not sent (RFC 4303 section 2.2.1).
//  3. The HMAC covers all from the SPI on; its first bytes become the ICV.
// Opening verifies first and decrypts only what is good.

#include "crypto/internal.h"

#include <rte_byteorder.h>

static const uint8_t zero_block[GW_CRYPTO_BLOCK_BYTES] __rte_cache_aligned;

// Is the key of this op another than that of the op before it?
static inline bool key_changes(struct gw_crypto_op **ops, unsigned int i)
{
	return i == 0 || ops[i]->key != ops[i - 1]->key;
}

// Both ask, while jobs are filled in, for what the burst will read.
static inline void prefetch_to_hash(struct gw_crypto_op **ops, unsigned int i)
{
	gw_crypto_prefetch_packet(ops[i]);
	if (key_changes(ops, i))
		gw_crypto_prefetch(ops[i]->key->cbc.inner, 2 * GW_CRYPTO_HASH_STATE_BYTES);
}

static inline void prefetch_to_cipher(
	struct gw_crypto_op **ops, unsigned int i, const uint32_t *round_keys)
{
	if (key_changes(ops, i))
		gw_crypto_prefetch_round_keys(round_keys, ops[i]->key);
}

static inline void fill_hash(IMB_JOB *job, const struct gw_crypto_op *op, uint8_t *tag)
{
	const struct gw_crypto_key *key = op->key;

	job->src = op->esp;
	job->hash_alg = key->hash;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = gw_crypto_icv(op) - op->esp;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = key->icv_bytes;
	job->u.HMAC._hashed_auth_key_xor_ipad = key->cbc.inner;
	job->u.HMAC._hashed_auth_key_xor_opad = key->cbc.outer;
	if (key->esn) {
		rte_be32_t high = rte_cpu_to_be_32(op->sequence >> 32);

		memcpy(gw_crypto_icv(op), &high, sizeof(high));
		job->msg_len_to_hash_in_bytes += sizeof(high);
	}
}

static inline void fill_cipher(IMB_JOB *job, const struct gw_crypto_op *op, const uint8_t *iv,
	uint8_t *text, uint32_t bytes)
{
	job->cipher_mode = op->key->cipher;
	job->enc_keys = op->key->cbc.encrypt;
	job->dec_keys = op->key->cbc.decrypt;
	job->key_len_in_bytes = op->key->cipher_key_bytes;
	job->src = op->esp;
	job->dst = text;
	job->cipher_start_src_offset_in_bytes = text - op->esp;
	job->msg_len_to_cipher_in_bytes = bytes;
	job->iv = iv;
	job->iv_len_in_bytes = GW_CRYPTO_BLOCK_BYTES;
}

static inline void fill_encrypt(
	const struct gw_crypto_engine *engine, IMB_JOB *job, const struct gw_crypto_op *op)
{
	uint8_t *iv = op->esp + GW_CRYPTO_ESP_BYTES;
	rte_be64_t number = rte_cpu_to_be_64(op->sequence);

	if (engine->keep_iv) {
		fill_cipher(job, op, iv, gw_crypto_payload(op), op->payload_bytes);
		return;
	}
	memcpy(iv, op->key->iv_mask, GW_CRYPTO_BLOCK_BYTES);
	for (unsigned int i = 0; i < sizeof(number); i++)
		iv[GW_CRYPTO_BLOCK_BYTES - sizeof(number) + i] ^= ((const uint8_t *)&number)[i];
	fill_cipher(job, op, zero_block, iv, GW_CRYPTO_BLOCK_BYTES + op->payload_bytes);
}

static void seal_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const struct gw_crypto_key *key = ops[0]->key;

	for (unsigned int i = 0; i < count; i++) {
		prefetch_to_hash(ops, i);
		if (key->cipher == IMB_CIPHER_CBC) {
			prefetch_to_cipher(ops, i, ops[i]->key->cbc.encrypt);
			fill_encrypt(engine, &engine->jobs[i], ops[i]);
		}
		fill_hash(&engine->jobs[i], ops[i], gw_crypto_icv(ops[i]));
	}
	if (key->cipher == IMB_CIPHER_CBC &&
		IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, engine->jobs, count, IMB_CIPHER_CBC,
			IMB_DIR_ENCRYPT, key->cipher_key_bytes) != count)
		return;
	if (IMB_SUBMIT_HASH_BURST_NOCHECK(manager, engine->jobs, count, key->hash) != count)
		return;
	for (unsigned int i = 0; i < count; i++)
		ops[i]->status = GW_CRYPTO_OK;
}

// Sets the status of each op as far as the ICV goes. False when the library refused.
static bool verify_burst(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	const struct gw_crypto_key *key = ops[0]->key;

	for (unsigned int i = 0; i < count; i++) {
		prefetch_to_hash(ops, i);
		if (key->cipher == IMB_CIPHER_CBC)
			prefetch_to_cipher(ops, i, ops[i]->key->cbc.decrypt);
		if (ops[i]->key->esn)
			memcpy(&engine->covered[i], gw_crypto_icv(ops[i]),
				sizeof(engine->covered[i]));
		fill_hash(&engine->jobs[i], ops[i], engine->tags[i]);
	}
	if (IMB_SUBMIT_HASH_BURST_NOCHECK(manager, engine->jobs, count, key->hash) != count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *icv = gw_crypto_icv(ops[i]);

		if (ops[i]->key->esn)
			memcpy(icv, &engine->covered[i], sizeof(engine->covered[i]));
		ops[i]->status = gw_crypto_icv_equal(engine->tags[i], icv, key->icv_bytes)
					 ? GW_CRYPTO_OK
					 : GW_CRYPTO_BAD_ICV;
	}
	return true;
}

static void open_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const struct gw_crypto_key *key = ops[0]->key;
	unsigned int good = 0;

	if (!verify_burst(engine, manager, ops, count) || key->cipher != IMB_CIPHER_CBC)
		return;
	for (unsigned int i = 0; i < count; i++)
		if (ops[i]->status == GW_CRYPTO_OK)
			fill_cipher(&engine->decrypt_jobs[good++], ops[i],
				ops[i]->esp + GW_CRYPTO_ESP_BYTES, gw_crypto_payload(ops[i]),
				ops[i]->payload_bytes);
	if (good == 0 || IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, engine->decrypt_jobs, good,
				 IMB_CIPHER_CBC, IMB_DIR_DECRYPT, key->cipher_key_bytes) == good)
		return;
	for (unsigned int i = 0; i < count; i++)
		if (ops[i]->status == GW_CRYPTO_OK)
			ops[i]->status = GW_CRYPTO_FAILED;
}

static void seal(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BURST)
		seal_burst(engine, manager, ops + i, RTE_MIN(count - i, GW_CRYPTO_BURST));
}

static void open(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BURST)
		open_burst(engine, manager, ops + i, RTE_MIN(count - i, GW_CRYPTO_BURST));
}

const struct gw_crypto_way gw_crypto_cipher_hash_burst = { "cipher burst + hash burst", seal,
	open };
