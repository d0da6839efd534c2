// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GMAC without encryption (ENCR_NULL_AUTH_AES_GMAC, RFC 4543), a packet at a time: AES-GCM of
// an empty text, whose associated data is SPI and sequence number, with all 64 bits of the number
// under ESN, then IV and payload as they stand in the packet (RFC 4543 section 3.3).

#include "crypto/gmac.h"

#include "crypto/aead.h"

struct gw_gmac gw_gmac_functions(const IMB_MGR *manager, const struct gw_crypto_key *key)
{
	const struct gw_gmac all[GW_KEY_LENGTHS] = {
		{ manager->gmac128_init, manager->gmac128_update, manager->gmac128_finalize },
		{ manager->gmac192_init, manager->gmac192_update, manager->gmac192_finalize },
		{ manager->gmac256_init, manager->gmac256_update, manager->gmac256_finalize },
	};

	return all[gw_aes_key_place(key)];
}

static inline void run(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count, bool seal)
{
	const struct gw_gmac gmac = gw_gmac_functions(manager, ops[0]->key);
	struct gcm_context_data context __rte_cache_aligned;
	uint8_t nonce[16] __rte_aligned(16), header[16] __rte_aligned(16);
	uint8_t tag[GW_AEAD_TAG_BYTES] __rte_aligned(16);

	for (unsigned int i = 0; i < count; i++) {
		const struct gw_crypto_op *ahead = gw_aead_prefetch(ops, i, count, false);
		struct gw_crypto_op *op = ops[i];
		const struct gcm_key_data *key = &op->key->gcm;
		const uint8_t *body = op->esp + GW_CRYPTO_ESP_BYTES;
		unsigned int header_bytes = gw_aead_aad(op, header);

		if (ahead)
			gw_crypto_prefetch_gcm(manager, ahead);
		gw_aead_nonce(engine, op, seal, nonce);
		gmac.init(key, &context, nonce, GW_AEAD_NONCE_BYTES);
		gmac.update(key, &context, header, header_bytes);
		gmac.update(key, &context, body, gw_crypto_icv(op) - body);
		gmac.finalize(key, &context, seal ? gw_crypto_icv(op) : tag, op->key->icv_bytes);
		if (seal)
			op->status = GW_CRYPTO_OK;
		else
			gw_aead_verify(op, tag);
	}
}

static void seal_gmac(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run(engine, manager, ops, count, true);
}

static void open_gmac(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
	unsigned int count)
{
	run(engine, manager, ops, count, false);
}

const struct gw_crypto_way gw_crypto_gmac_direct = {
	.name = "direct",
	.seal = seal_gmac,
	.open = open_gmac,
};
