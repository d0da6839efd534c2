// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The ICVs of AH: HMAC (RFC 4868, RFC 2404), AES's MACs (RFC 3566, RFC 4494) and AES-GMAC
// (RFC 4543). A batch is taken apart by class; each burst of one class is computed at once, into
// tags of the engine, and then written or compared.

#include "crypto/auth.h"

#include <rte_byteorder.h>

#include "crypto/gmac.h"
#include "crypto/mac.h"

#define GMAC_NONCE_BYTES 12

// IPsec-MB counts the bytes of a job in 16 bits.
#define MAX_MESSAGE (UINT16_MAX - 1u - sizeof(rte_be32_t))

static uint32_t covered_bytes(const struct gw_crypto_auth_op *op)
{
	const rte_be32_t high = rte_cpu_to_be_32((uint32_t)(op->sequence >> 32));

	if (!op->key->esn)
		return op->bytes;
	memcpy(op->message + op->bytes, &high, sizeof(high));
	return op->bytes + (uint32_t)sizeof(high);
}

static void fill(IMB_JOB *job, const struct gw_crypto_auth_op *op, uint8_t *tag)
{
	job->src = op->message;
	job->hash_alg = op->key->hash;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = covered_bytes(op);
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = op->key->icv_bytes;
	// For the library's whole jobs, in which it takes AES's MACs alone.
	job->cipher_mode = IMB_CIPHER_NULL;
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->chain_order = IMB_ORDER_HASH_CIPHER;
	gw_mac_point_to_key(job, op->key);
}

static bool run_mac(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_auth_op **ops, unsigned int count)
{
	const IMB_HASH_ALG hash = ops[0]->key->hash;

	for (unsigned int i = 0; i < count; i++)
		fill(&engine->jobs[i], ops[i], engine->tags[i]);
	if (gw_mac_is_aes(hash))
		return gw_crypto_jobs_run(manager, engine->jobs, count);
	return IMB_SUBMIT_HASH_BURST_NOCHECK(manager, engine->jobs, count, hash) == count;
}

// The IV of a packet to be sealed: as that of ESP's counter modes.
static uint64_t fresh_iv(const struct gw_crypto_auth_op *op)
{
	return rte_cpu_to_be_64(op->key->iv_base + op->sequence);
}

static void run_gmac(struct gw_crypto_engine *engine, IMB_MGR *manager,
	struct gw_crypto_auth_op **ops, unsigned int count, bool seal)
{
	const struct gw_gmac gmac = gw_gmac_functions(manager, ops[0]->key);
	struct gcm_context_data context __rte_cache_aligned;
	uint8_t nonce[16] __rte_aligned(16);

	for (unsigned int i = 0; i < count; i++) {
		const struct gw_crypto_auth_op *op = ops[i];
		uint64_t iv = fresh_iv(op);

		if (!seal || engine->keep_iv)
			memcpy(&iv, op->value, sizeof(iv));
		memcpy(engine->ivs[i], &iv, sizeof(iv));
		memcpy(nonce, op->key->salt, sizeof(op->key->salt));
		memcpy(nonce + sizeof(op->key->salt), &iv, sizeof(iv));
		if (seal)
			memset(op->value, 0, sizeof(iv));
		gmac.init(&op->key->gcm, &context, nonce, GMAC_NONCE_BYTES);
		gmac.update(&op->key->gcm, &context, op->message, covered_bytes(op));
		gmac.finalize(&op->key->gcm, &context, engine->tags[i], op->key->icv_bytes);
	}
}

static void finish(const struct gw_crypto_engine *engine, unsigned int i,
	struct gw_crypto_auth_op *op, bool seal)
{
	const struct gw_crypto_key *key = op->key;
	uint8_t *icv = op->value + key->iv_bytes;

	if (seal) {
		memcpy(op->value, engine->ivs[i], key->iv_bytes);
		memcpy(icv, engine->tags[i], key->icv_bytes);
		op->status = GW_CRYPTO_OK;
		return;
	}
	op->status = gw_crypto_icv_equal(engine->tags[i], icv, key->icv_bytes) ? GW_CRYPTO_OK
									       : GW_CRYPTO_BAD_ICV;
}

// Ops of one class, at most GW_CRYPTO_BURST.
static void run_class(struct gw_crypto_engine *engine, struct gw_crypto_auth_op **ops,
	unsigned int count, bool seal)
{
	const struct gw_crypto_key *key = ops[0]->key;
	IMB_MGR *manager = engine->lanes[GW_CRYPTO_SEAL][key->class * GW_CRYPTO_SIZES].manager;

	if (!manager)
		return;
	if (key->integrity == GW_INTEGRITY_NONE)
		run_gmac(engine, manager, ops, count, seal);
	else if (!run_mac(engine, manager, ops, count))
		return;
	for (unsigned int i = 0; i < count; i++)
		finish(engine, i, ops[i], seal);
}

static bool is_computable(const struct gw_crypto_auth_op *op)
{
	return op->bytes > 0 && op->bytes <= MAX_MESSAGE && op->key->cipher == IMB_CIPHER_NULL;
}

// At most GW_CRYPTO_BURST ops of any classes: gathers those of the first one's class, then those
// of the first one's that is left, and so on.
static void run_burst(struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops,
	unsigned int count, bool seal)
{
	struct gw_crypto_auth_op *left[GW_CRYPTO_BURST], *same[GW_CRYPTO_BURST];
	unsigned int waiting = 0;

	for (unsigned int i = 0; i < count; i++) {
		ops[i].status = GW_CRYPTO_FAILED;
		if (is_computable(&ops[i]))
			left[waiting++] = &ops[i];
	}
	while (waiting) {
		const uint16_t class = left[0]->key->class;
		unsigned int members = 0, others = 0;

		for (unsigned int i = 0; i < waiting; i++) {
			if (left[i]->key->class == class)
				same[members++] = left[i];
			else
				left[others++] = left[i];
		}
		run_class(engine, same, members, seal);
		waiting = others;
	}
}

static void run(struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops, unsigned int count,
	bool seal)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BURST)
		run_burst(engine, ops + i, RTE_MIN(count - i, GW_CRYPTO_BURST), seal);
}

void gw_crypto_auth_seal(
	struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops, unsigned int count)
{
	run(engine, ops, count, true);
}

void gw_crypto_auth_open(
	struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops, unsigned int count)
{
	run(engine, ops, count, false);
}
