// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-CBC (RFC 3602), AES-CTR (RFC 3686) or NULL (RFC 2410) with an HMAC (RFC 4868, RFC 2404) or
// one of AES's MACs (RFC 3566, RFC 4494) in ESP: one burst of cipher jobs and one of hash jobs,
// each over packets of all SAs of a class.
//
// Sealing, for each packet:
//  1. CBC: the IV's place gets the sequence number XOR the key's random mask; the chain starts
//  there
//     from an all-zero block, so that the IV on the wire is that value encrypted (NIST SP 800-38A
//     appendix C, first method) and costs one more block of the same job.
//     CTR: the IV is the sequence number; the first counter block is the nonce that stands behind
//     the key, the IV and 1 (RFC 3686 section 4).
//  2. Under ESN the number's high half is put where the ICV will stand, because it is
//     authenticated after the payload and not sent (RFC 4303 section 2.2.1).
//  3. The integrity algorithm covers all from the SPI on; its first bytes become the ICV.
// Opening verifies first and decrypts only what is good.

#include "crypto/aead.h"

#include <rte_byteorder.h>

#include "crypto/mac.h"

static const uint8_t zero_block[GW_CRYPTO_BLOCK_BYTES] __rte_cache_aligned;

// Is the key of this op another than that of the op before it?
static inline bool key_changes(struct gw_crypto_op **ops, unsigned int i)
{
	return i == 0 || ops[i]->key != ops[i - 1]->key;
}

// Both ask, while jobs are filled in, for what the burst will read.
static inline void prefetch_to_hash(struct gw_crypto_op **ops, unsigned int i)
{
	const struct gw_crypto_key *key = ops[i]->key;

	gw_crypto_prefetch_packet(ops[i]);
	// Two parts of one length, or round keys that two subkeys follow.
	if (key_changes(ops, i))
		gw_crypto_prefetch(gw_crypto_part(key, key->at.hash),
			gw_mac_is_aes(key->hash)
				? gw_aes_round_key_bytes(GW_CRYPTO_BLOCK_BYTES) + 32
				: 2u * (key->at.hash_more - key->at.hash));
}

static inline void prefetch_to_cipher(struct gw_crypto_op **ops, unsigned int i, bool encrypt)
{
	const struct gw_crypto_key *key = ops[i]->key;

	if (key->cipher != IMB_CIPHER_NULL && key_changes(ops, i))
		gw_crypto_prefetch_round_keys(
			gw_crypto_part(key, encrypt || key->cipher == IMB_CIPHER_CNTR
						    ? key->at.encrypt
						    : key->at.decrypt),
			key);
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
	gw_mac_point_to_key(job, key);
	if (key->esn) {
		rte_be32_t high = rte_cpu_to_be_32(op->sequence >> 32);

		memcpy(gw_crypto_icv(op), &high, sizeof(high));
		job->msg_len_to_hash_in_bytes += sizeof(high);
	}
}

// IPsec-MB 1.3's code for AES-CMAC with AVX-512 loads the last block of a message as 16 bytes,
// whatever it holds of them. The 12 bytes of the ICV stand behind it, which is enough but for the 4
// that ESN puts into their place: a last block of those alone would be read beyond the packet's
// end.
static bool reads_beyond(const IMB_JOB *job, const struct gw_crypto_key *key)
{
	return key->hash == IMB_AUTH_AES_CMAC && key->esn &&
	       job->msg_len_to_hash_in_bytes % GW_CRYPTO_BLOCK_BYTES == sizeof(rte_be32_t);
}

static bool run_copied(struct gw_crypto_engine *engine, IMB_MGR *manager, IMB_JOB *job)
{
	memcpy(engine->copy, job->src, job->msg_len_to_hash_in_bytes);
	job->src = engine->copy;
	return gw_crypto_jobs_run(manager, job, 1);
}

// The library takes AES's MACs in whole jobs only; their cipher is apart from them here.
static bool run_aes_mac(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_op **ops, unsigned int count)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		IMB_JOB *job = &engine->jobs[i];

		job->cipher_mode = IMB_CIPHER_NULL;
		job->cipher_direction = IMB_DIR_ENCRYPT;
		job->chain_order = IMB_ORDER_HASH_CIPHER;
		if (!reads_beyond(job, ops[i]->key))
			engine->jobs[kept++] = *job;
		else if (!run_copied(engine, manager, job))
			return false;
	}
	return gw_crypto_jobs_run(manager, engine->jobs, kept);
}

static bool run_hash(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const IMB_HASH_ALG hash = ops[0]->key->hash;

	if (gw_mac_is_aes(hash))
		return run_aes_mac(engine, manager, ops, count);
	return IMB_SUBMIT_HASH_BURST_NOCHECK(manager, engine->jobs, count, hash) == count;
}

static inline void fill_cipher(IMB_JOB *job, const struct gw_crypto_op *op, const uint8_t *iv,
	uint8_t *text, uint32_t bytes)
{
	const struct gw_crypto_key *key = op->key;

	job->cipher_mode = key->cipher;
	job->enc_keys = gw_crypto_part(key, key->at.encrypt);
	job->dec_keys = gw_crypto_part(key, key->at.decrypt);
	job->key_len_in_bytes = key->cipher_key_bytes;
	job->src = op->esp;
	job->dst = text;
	job->cipher_start_src_offset_in_bytes = text - op->esp;
	job->msg_len_to_cipher_in_bytes = bytes;
	job->iv = iv;
	job->iv_len_in_bytes = GW_CRYPTO_BLOCK_BYTES;
}

// place holds the counter block until the burst is done; it is aligned to 16 bytes.
static inline void fill_counter(const struct gw_crypto_engine *engine, IMB_JOB *job,
	const struct gw_crypto_op *op, bool seal, uint8_t *place)
{
	uint64_t iv = gw_aead_iv(engine, op, seal);
	uint64_t one = rte_cpu_to_be_32(1);
	uint32_t nonce;

	memcpy(&nonce, op->key->salt, sizeof(nonce));
	gw_aead_store(place, nonce | iv << 32, iv >> 32 | one << 32);
	fill_cipher(job, op, place, gw_crypto_payload(op), op->payload_bytes);
}

static inline void fill_encrypt(
	struct gw_crypto_engine *engine, unsigned int i, const struct gw_crypto_op *op)
{
	uint8_t *iv = op->esp + GW_CRYPTO_ESP_BYTES;
	rte_be64_t number = rte_cpu_to_be_64(op->sequence);
	IMB_JOB *job = &engine->jobs[i];

	if (op->key->cipher == IMB_CIPHER_CNTR) {
		fill_counter(engine, job, op, true, engine->ivs[i]);
		return;
	}
	if (engine->keep_iv) {
		fill_cipher(job, op, iv, gw_crypto_payload(op), op->payload_bytes);
		return;
	}
	memcpy(iv, op->key->iv_mask, GW_CRYPTO_BLOCK_BYTES);
	for (unsigned int b = 0; b < sizeof(number); b++)
		iv[GW_CRYPTO_BLOCK_BYTES - sizeof(number) + b] ^= ((const uint8_t *)&number)[b];
	fill_cipher(job, op, zero_block, iv, GW_CRYPTO_BLOCK_BYTES + op->payload_bytes);
}

static inline void fill_decrypt(
	struct gw_crypto_engine *engine, unsigned int i, const struct gw_crypto_op *op)
{
	IMB_JOB *job = &engine->decrypt_jobs[i];

	if (op->key->cipher == IMB_CIPHER_CNTR)
		fill_counter(engine, job, op, false, engine->ivs[i]);
	else
		fill_cipher(job, op, op->esp + GW_CRYPTO_ESP_BYTES, gw_crypto_payload(op),
			op->payload_bytes);
}

static void seal_burst(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	const struct gw_crypto_key *key = ops[0]->key;

	for (unsigned int i = 0; i < count; i++) {
		prefetch_to_hash(ops, i);
		prefetch_to_cipher(ops, i, true);
		if (key->cipher != IMB_CIPHER_NULL)
			fill_encrypt(engine, i, ops[i]);
		fill_hash(&engine->jobs[i], ops[i], gw_crypto_icv(ops[i]));
	}
	if (key->cipher != IMB_CIPHER_NULL &&
		IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, engine->jobs, count, key->cipher,
			IMB_DIR_ENCRYPT, key->cipher_key_bytes) != count)
		return;
	if (!run_hash(engine, manager, ops, count))
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
		prefetch_to_cipher(ops, i, false);
		if (ops[i]->key->esn)
			memcpy(&engine->covered[i], gw_crypto_icv(ops[i]),
				sizeof(engine->covered[i]));
		fill_hash(&engine->jobs[i], ops[i], engine->tags[i]);
	}
	if (!run_hash(engine, manager, ops, count))
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

	if (!verify_burst(engine, manager, ops, count) || key->cipher == IMB_CIPHER_NULL)
		return;
	for (unsigned int i = 0; i < count; i++)
		if (ops[i]->status == GW_CRYPTO_OK)
			fill_decrypt(engine, good++, ops[i]);
	if (good == 0 || IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, engine->decrypt_jobs, good,
				 key->cipher, IMB_DIR_DECRYPT, key->cipher_key_bytes) == good)
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

const struct gw_crypto_way gw_crypto_cipher_hash_burst = {
	.name = "cipher burst + hash burst",
	.seal = seal,
	.open = open,
};
