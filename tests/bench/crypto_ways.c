// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto_ways.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

const struct algorithm algorithms[] = {
	{ "aes-gcm-16, 128", IMB_CIPHER_GCM, IMB_AUTH_AES_GMAC, 16, 8, 4, 16 },
	{ "aes-gcm-16, 256", IMB_CIPHER_GCM, IMB_AUTH_AES_GMAC, 32, 8, 4, 16 },
	{ "chacha20-poly1305", IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305, 32, 8, 4,
		16 },
	{ "aes-cbc 128, hmac-sha2-256-128", IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_256, 16, 16, 16, 16 },
	{ "aes-cbc 256, hmac-sha2-256-128", IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_256, 32, 16, 16, 16 },
	{ "aes-cbc 128, hmac-sha1-96", IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_1, 16, 16, 16, 12 },
	{ "null, hmac-sha2-256-128", IMB_CIPHER_NULL, IMB_AUTH_HMAC_SHA_256, 0, 0, 4, 16 },
};
const size_t algorithm_count = RTE_DIM(algorithms);

const struct manager managers[MANAGERS] = {
	{ "SSE", IMB_CPUFLAGS_SSE, init_mb_mgr_sse },
	{ "AVX", IMB_CPUFLAGS_AVX, init_mb_mgr_avx },
	{ "AVX2", IMB_CPUFLAGS_AVX2, init_mb_mgr_avx2 },
	{ "AVX512", IMB_CPUFLAGS_AVX512, init_mb_mgr_avx512 },
};

static uint8_t *packet(const struct rig *rig, unsigned int i)
{
	// An odd number of lines apart, so that the packets do not share the cache's sets.
	return rig->packets + i * (BUFFER_BYTES + 64);
}

static bool is_aead(const struct rig *rig)
{
	return rig->algorithm->hash == IMB_AUTH_AES_GMAC ||
	       rig->algorithm->hash == IMB_AUTH_CHACHA20_POLY1305;
}

static bool has_direct(const struct rig *rig)
{
	return is_aead(rig);
}

static bool has_jobs(const struct rig *)
{
	return true;
}

static bool has_bursts(const struct rig *rig)
{
	return !is_aead(rig);
}

static void run_direct(struct rig *rig)
{
	IMB_MGR *mgr = rig->mgr;
	unsigned int bytes = rig->payload_bytes;

	for (unsigned int i = 0; i < VECTOR; i++) {
		uint8_t *esp = packet(rig, i), *text = esp + 16, *tag = text + bytes;

		if (!rig->seal)
			tag = rig->tags[i];
		if (rig->algorithm->hash == IMB_AUTH_CHACHA20_POLY1305) {
			IMB_CHACHA20_POLY1305_INIT(mgr, rig->key, &rig->chacha, rig->nonce, esp, 8);
			if (rig->seal)
				IMB_CHACHA20_POLY1305_ENC_UPDATE(
					mgr, rig->key, &rig->chacha, text, text, bytes);
			else
				IMB_CHACHA20_POLY1305_DEC_UPDATE(
					mgr, rig->key, &rig->chacha, text, text, bytes);
			IMB_CHACHA20_POLY1305_ENC_FINALIZE(mgr, &rig->chacha, tag, 16);
		} else {
			bool wide = rig->algorithm->key_bytes == 32;
			aes_gcm_enc_dec_t run =
				rig->seal ? (wide ? mgr->gcm256_enc : mgr->gcm128_enc)
					  : (wide ? mgr->gcm256_dec : mgr->gcm128_dec);
			DECLARE_ALIGNED(struct gcm_context_data context, 64);

			run(&rig->gcm, &context, text, text, bytes, rig->nonce, esp, 8, tag, 16);
		}
	}
}

static void fill_cipher(const struct rig *rig, IMB_JOB *job, unsigned int i)
{
	unsigned int iv_bytes = rig->algorithm->iv_bytes;
	uint8_t *esp = packet(rig, i);

	// Sealing with CBC makes the IV as the first block of a chain that starts at zero.
	bool chain = rig->seal && rig->algorithm->cipher == IMB_CIPHER_CBC;

	job->cipher_mode = rig->algorithm->cipher;
	job->cipher_direction = rig->seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->key_len_in_bytes = rig->algorithm->key_bytes ? rig->algorithm->key_bytes : 16;
	job->enc_keys = rig->encrypt;
	job->dec_keys = rig->decrypt;
	if (rig->algorithm->cipher == IMB_CIPHER_GCM)
		job->enc_keys = job->dec_keys = &rig->gcm;
	if (rig->algorithm->cipher == IMB_CIPHER_CHACHA20_POLY1305)
		job->enc_keys = job->dec_keys = rig->key;
	job->src = esp;
	job->cipher_start_src_offset_in_bytes = 8 + (chain ? 0 : iv_bytes);
	job->dst = esp + job->cipher_start_src_offset_in_bytes;
	job->msg_len_to_cipher_in_bytes = rig->payload_bytes + (chain ? iv_bytes : 0);
	job->iv = is_aead(rig) || chain ? rig->nonce : esp + 8;
	job->iv_len_in_bytes = is_aead(rig) ? 12 : 16;
}

static void fill_hash(struct rig *rig, IMB_JOB *job, unsigned int i)
{
	unsigned int iv_bytes = rig->algorithm->iv_bytes;
	uint8_t *esp = packet(rig, i);

	job->src = esp;
	job->hash_alg = rig->algorithm->hash;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = 8 + iv_bytes + rig->payload_bytes;
	job->auth_tag_output = rig->seal ? esp + job->msg_len_to_hash_in_bytes : rig->tags[i];
	job->auth_tag_output_len_in_bytes = rig->algorithm->icv_bytes;
	job->u.HMAC._hashed_auth_key_xor_ipad = rig->ipad;
	job->u.HMAC._hashed_auth_key_xor_opad = rig->opad;
	if (!is_aead(rig))
		return;
	job->hash_start_src_offset_in_bytes = 8 + iv_bytes;
	job->msg_len_to_hash_in_bytes = rig->payload_bytes;
	// GCM and ChaCha20-Poly1305 have these two members in the same place.
	job->u.GCM.aad = esp;
	job->u.GCM.aad_len_in_bytes = 8;
}

static void fill(struct rig *rig, IMB_JOB *job, unsigned int i)
{
	fill_cipher(rig, job, i);
	fill_hash(rig, job, i);
	// Authenticated encryption has an order of its own, which the library wants told the other
	// way round for GCM's opening.
	job->chain_order = rig->seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
}

static void submit_jobs(struct rig *rig, submit_job_t submit)
{
	for (unsigned int i = 0; i < VECTOR; i++) {
		fill(rig, IMB_GET_NEXT_JOB(rig->mgr), i);
		submit(rig->mgr);
	}
	while (IMB_FLUSH_JOB(rig->mgr)) {
	}
}

static void run_job(struct rig *rig)
{
	submit_jobs(rig, rig->mgr->submit_job);
}

static void run_job_nocheck(struct rig *rig)
{
	submit_jobs(rig, rig->mgr->submit_job_nocheck);
}

static void submit_bursts(struct rig *rig, burst_fn_t submit)
{
	IMB_JOB *jobs[BURST];

	for (unsigned int i = 0; i < VECTOR; i += BURST) {
		unsigned int count = IMB_GET_NEXT_BURST(rig->mgr, BURST, jobs);

		for (unsigned int j = 0; j < count; j++)
			fill(rig, jobs[j], i + j);
		submit(rig->mgr, count, jobs);
		// IPsec-MB 1.3 returns unfinished jobs as done when bursts follow each other
		// without its ring being emptied.
		while (IMB_FLUSH_BURST(rig->mgr, BURST, jobs)) {
		}
	}
}

static void run_burst(struct rig *rig)
{
	submit_bursts(rig, rig->mgr->submit_burst);
}

static void run_burst_nocheck(struct rig *rig)
{
	submit_bursts(rig, rig->mgr->submit_burst_nocheck);
}

static void cipher_burst(struct rig *rig, unsigned int first, submit_cipher_burst_t submit)
{
	if (rig->algorithm->cipher == IMB_CIPHER_NULL)
		return;
	for (unsigned int j = 0; j < BURST; j++)
		fill_cipher(rig, &rig->jobs[j], first + j);
	submit(rig->mgr, rig->jobs, BURST, rig->algorithm->cipher,
		rig->seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT, rig->algorithm->key_bytes);
}

static void run_cipher_hash(
	struct rig *rig, submit_cipher_burst_t submit_cipher, submit_hash_burst_t submit_hash)
{
	for (unsigned int i = 0; i < VECTOR; i += BURST) {
		if (rig->seal)
			cipher_burst(rig, i, submit_cipher);
		for (unsigned int j = 0; j < BURST; j++)
			fill_hash(rig, &rig->jobs[j], i + j);
		submit_hash(rig->mgr, rig->jobs, BURST, rig->algorithm->hash);
		if (!rig->seal)
			cipher_burst(rig, i, submit_cipher);
	}
}

static void run_bursts(struct rig *rig)
{
	run_cipher_hash(rig, rig->mgr->submit_cipher_burst, rig->mgr->submit_hash_burst);
}

static void run_bursts_nocheck(struct rig *rig)
{
	run_cipher_hash(
		rig, rig->mgr->submit_cipher_burst_nocheck, rig->mgr->submit_hash_burst_nocheck);
}

const struct way ways[WAYS] = {
	{ "direct", has_direct, run_direct },
	{ "job", has_jobs, run_job },
	{ "job, unchecked", has_jobs, run_job_nocheck },
	{ "burst", has_jobs, run_burst },
	{ "burst, unchecked", has_jobs, run_burst_nocheck },
	{ "cipher burst + hash burst", has_bursts, run_bursts },
	{ "cipher burst + hash burst, unchecked", has_bursts, run_bursts_nocheck },
};

void rig_expand(struct rig *rig, const struct algorithm *algorithm)
{
	IMB_MGR *mgr = rig->mgr;

	rig->algorithm = algorithm;
	memset(rig->key, 7, sizeof(rig->key));
	if (algorithm->key_bytes == 16) {
		IMB_AES_KEYEXP_128(mgr, rig->key, rig->encrypt, rig->decrypt);
		IMB_AES128_GCM_PRE(mgr, rig->key, &rig->gcm);
	} else {
		IMB_AES_KEYEXP_256(mgr, rig->key, rig->encrypt, rig->decrypt);
		IMB_AES256_GCM_PRE(mgr, rig->key, &rig->gcm);
	}
}

struct rig *rig_new(const struct manager *manager, uint8_t *packets)
{
	struct rig *rig;

	if ((imb_get_feature_flags() & manager->features) != manager->features)
		return NULL;
	rig = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*rig), 64));
	if (!rig)
		return NULL;
	memset(rig, 0, sizeof(*rig));
	rig->mgr = alloc_mb_mgr(0);
	if (!rig->mgr) {
		free(rig);
		return NULL;
	}
	manager->init(rig->mgr);
	rig->packets = packets;
	return rig;
}

void rig_free(struct rig *rig)
{
	if (rig)
		free_mb_mgr(rig->mgr);
	free(rig);
}
