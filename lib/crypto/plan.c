// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto/plan.h"

#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "crypto/vaes.h"

// The measurements behind the rules are in docs/decisions/001-ipsec-mb-api.md.

// The plan before anything is measured, and that of a class that is not.
struct rule {
	uint64_t features; // the first rule whose features the CPU has is taken
	struct gw_crypto_choice choice;
	struct gw_crypto_choice brief; // of short payloads; way NULL: the same
};

static const struct rule gcm_rules[] = {
	{ GW_VAES_WIDE_FEATURES, .choice = { &gw_crypto_gcm_vaes_wide, GW_CRYPTO_AVX2 } },
	{ GW_VAES_FEATURES, .choice = { &gw_crypto_gcm_vaes, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_gcm_direct, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_gcm_direct, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_gcm_direct, GW_CRYPTO_AVX } },
	{ 0, .choice = { &gw_crypto_gcm_direct, GW_CRYPTO_SSE } },
};

static const struct rule gmac_rules[] = {
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_gmac_direct, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_gmac_direct, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_gmac_direct, GW_CRYPTO_AVX } },
	{ 0, .choice = { &gw_crypto_gmac_direct, GW_CRYPTO_SSE } },
};

static const struct rule ccm_rules[] = {
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_ccm_job, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_ccm_job, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_ccm_job, GW_CRYPTO_AVX } },
	{ 0, .choice = { &gw_crypto_ccm_job, GW_CRYPTO_SSE } },
};

// Without AVX-512 the SSE code is the fastest for short payloads. IPsec-MB 1.3's reads up to 15
// bytes beyond a message there; in ESP the ICV's 16 bytes stand behind it.
static const struct rule chacha_rules[] = {
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_chacha_job, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_chacha_direct, GW_CRYPTO_AVX2 },
		.brief = { &gw_crypto_chacha_job, GW_CRYPTO_SSE } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_chacha_direct, GW_CRYPTO_AVX },
		.brief = { &gw_crypto_chacha_job, GW_CRYPTO_SSE } },
	{ 0, .choice = { &gw_crypto_chacha_direct, GW_CRYPTO_SSE },
		.brief = { &gw_crypto_chacha_job, GW_CRYPTO_SSE } },
};

// The library uses a CPU's SHA instructions in its AVX2 code only where GFNI is there as well, and
// in its SSE code always.
static const struct rule sha_rules[] = {
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_SSE_T2, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_SSE } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX } },
	{ 0, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_SSE } },
};

// For integrity by SHA-384, SHA-512 or AES no older code is faster than the newest.
static const struct rule newest_rules[] = {
	{ IMB_CPUFLAGS_AVX512, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX512 } },
	{ IMB_CPUFLAGS_AVX2, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX2 } },
	{ IMB_CPUFLAGS_AVX, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_AVX } },
	{ 0, .choice = { &gw_crypto_cipher_hash_burst, GW_CRYPTO_SSE } },
};

static const IMB_CIPHER_MODE ciphers[GW_ENCRYPTION_COUNT] = {
#define ENCRYPTION(id, name, xfrm, aead, key0, key1, key2, salt, iv, block, icv, cipher)           \
	[GW_ENCRYPTION_##id] = cipher,
#define INTEGRITY(...)
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
};

static const IMB_HASH_ALG hashes[GW_INTEGRITY_COUNT] = {
#define ENCRYPTION(...)
#define INTEGRITY(id, name, xfrm, key, icv, hash) [GW_INTEGRITY_##id] = hash,
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
};

static struct gw_crypto_plan plans[GW_CRYPTO_CLASSES]; // control: wo at start, worker: ro
static uint64_t plan_features;                         // control: rw
static bool planned;                                   // control: rw

static struct gw_crypto_plan apply(const struct rule *rules, uint64_t features)
{
	struct gw_crypto_plan plan;

	while ((rules->features & features) != rules->features)
		rules++;
	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++) {
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			plan.choices[d][s] = rules->choice;
		if (rules->brief.way)
			plan.choices[d][GW_CRYPTO_SHORT] = rules->brief;
	}
	return plan;
}

static const struct rule *rules_for(
	enum gw_encryption_id encryption, enum gw_integrity_id integrity)
{
	if (encryption == GW_ENCRYPTION_UNSET ||
		gw_encryptions[encryption].aead != (integrity == GW_INTEGRITY_NONE))
		return NULL;
	switch (ciphers[encryption]) {
	case IMB_CIPHER_GCM:
		return gcm_rules;
	case IMB_CIPHER_CCM:
		return ccm_rules;
	case IMB_CIPHER_CHACHA20_POLY1305:
		return chacha_rules;
	default:
		break;
	}
	switch (hashes[integrity]) {
	case IMB_AUTH_HMAC_SHA_1:
	case IMB_AUTH_HMAC_SHA_256:
		return sha_rules;
	default:
		return integrity == GW_INTEGRITY_NONE ? gmac_rules : newest_rules;
	}
}

void gw_crypto_plan_limit(uint64_t features)
{
	features &= imb_get_feature_flags();
	plan_features = features;
	memset(plans, 0, sizeof(plans));
	for (int e = 0; e < GW_ENCRYPTION_COUNT; e++) {
		for (int i = 0; i < GW_INTEGRITY_COUNT; i++) {
			const struct rule *rules = rules_for(e, i);

			if (!rules)
				continue;
			for (unsigned int k = 0; k < GW_KEY_LENGTHS; k++)
				if (k == 0 || gw_encryptions[e].key_bytes[k])
					plans[gw_crypto_class(e, k, i)] = apply(rules, features);
		}
	}
	planned = true;
}

void gw_crypto_plan_choose(unsigned int class, const struct gw_crypto_plan *plan)
{
	if (!planned)
		gw_crypto_plan_limit(UINT64_MAX);
	plans[class] = *plan;
}

uint64_t gw_crypto_plan_features(void)
{
	if (!planned)
		gw_crypto_plan_limit(UINT64_MAX);
	return plan_features;
}

const struct gw_crypto_plan *gw_crypto_plan(unsigned int class)
{
	if (!planned)
		gw_crypto_plan_limit(UINT64_MAX);
	return &plans[class];
}

unsigned int gw_crypto_class(
	enum gw_encryption_id encryption, unsigned int key_size, enum gw_integrity_id integrity)
{
	return (encryption * GW_KEY_LENGTHS + key_size) * GW_INTEGRITY_COUNT + integrity;
}

IMB_CIPHER_MODE gw_crypto_cipher(enum gw_encryption_id encryption)
{
	return ciphers[encryption];
}

IMB_HASH_ALG gw_crypto_hash(enum gw_integrity_id integrity)
{
	return hashes[integrity];
}
