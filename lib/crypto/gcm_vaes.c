// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AES-GCM by our own code, a burst at a time: while its packets are noted down, what they will read
// of packets and keys is asked for.

#include "crypto/aead.h"

// A packet reads its round keys and, right in front of them, as many powers of the hash key as it
// has blocks and two more; a long one half of them.
static inline void prefetch(const struct gw_crypto_op *op)
{
	const struct gw_vaes_key *key = &op->key->vaes;
	unsigned int powers = op->payload_bytes / GW_VAES_BLOCK_BYTES + 3;
	const uint8_t *from;

	if (powers > GW_VAES_POWERS)
		powers = GW_VAES_POWERS;
	from = key->powers[GW_VAES_POWERS - powers];
	gw_crypto_prefetch(from,
		powers * GW_VAES_BLOCK_BYTES + gw_aes_round_key_bytes(op->key->cipher_key_bytes));
}

static inline void note(const struct gw_crypto_engine *engine, struct gw_vaes_packet *packet,
	const struct gw_crypto_op *op, bool seal)
{
	packet->key = &op->key->vaes;
	packet->source = gw_crypto_payload(op);
	packet->target = gw_crypto_payload(op);
	packet->bytes = op->payload_bytes;
	packet->aad_bytes = gw_aead_aad(op, packet->aad);
	gw_aead_nonce(engine, op, seal, packet->nonce);
}

// An ICV is the tag or its first 8 or 12 bytes.
static inline void store_icv(const struct gw_crypto_op *op, const uint8_t *tag)
{
	uint8_t *icv = gw_crypto_icv(op);

	if (op->key->icv_bytes == GW_AEAD_TAG_BYTES) {
		memcpy(icv, tag, GW_AEAD_TAG_BYTES);
		return;
	}
	memcpy(icv, tag, 8);
	if (op->key->icv_bytes == 12)
		memcpy(icv + 8, tag + 8, 4);
}

static inline void run(struct gw_crypto_engine *engine, struct gw_crypto_op **ops,
	unsigned int count, bool wide, bool seal)
{
	const unsigned int rounds = gw_aes_rounds(ops[0]->key);
	struct gw_vaes_packet *packets = engine->packets;

	for (unsigned int i = 0; i < count; i++) {
		const struct gw_crypto_op *ahead = gw_aead_prefetch(ops, i, count, seal);

		if (ahead)
			prefetch(ahead);
		note(engine, &packets[i], ops[i], seal);
	}
	if (seal)
		gw_vaes_seal(packets, count, rounds, wide);
	else
		gw_vaes_open(packets, count, rounds, wide);
	for (unsigned int i = 0; i < count; i++) {
		if (seal) {
			store_icv(ops[i], packets[i].tag);
			ops[i]->status = GW_CRYPTO_OK;
		} else {
			gw_aead_verify(ops[i], packets[i].tag);
		}
	}
}

static inline void run_all(struct gw_crypto_engine *engine, struct gw_crypto_op **ops,
	unsigned int count, bool wide, bool seal)
{
	for (unsigned int i = 0; i < count; i += GW_VAES_BURST)
		run(engine, ops + i, RTE_MIN(count - i, GW_VAES_BURST), wide, seal);
}

static void seal_gcm(
	struct gw_crypto_engine *engine, IMB_MGR *, struct gw_crypto_op **ops, unsigned int count)
{
	run_all(engine, ops, count, false, true);
}

static void open_gcm(
	struct gw_crypto_engine *engine, IMB_MGR *, struct gw_crypto_op **ops, unsigned int count)
{
	run_all(engine, ops, count, false, false);
}

static void seal_gcm_wide(
	struct gw_crypto_engine *engine, IMB_MGR *, struct gw_crypto_op **ops, unsigned int count)
{
	run_all(engine, ops, count, true, true);
}

static void open_gcm_wide(
	struct gw_crypto_engine *engine, IMB_MGR *, struct gw_crypto_op **ops, unsigned int count)
{
	run_all(engine, ops, count, true, false);
}

const struct gw_crypto_way gw_crypto_gcm_vaes = {
	.name = "VAES",
	.own = true,
	.seal = seal_gcm,
	.open = open_gcm,
};

const struct gw_crypto_way gw_crypto_gcm_vaes_wide = {
	.name = "VAES, AVX512",
	.own = true,
	.seal = seal_gcm_wide,
	.open = open_gcm_wide,
};
