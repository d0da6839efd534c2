// Called by: tests of the crypto room
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <string.h>

#include <check.h>
#include <intel-ipsec-mb.h>
#include <rte_common.h>

#include "crypto/internal.h"
#include "spec/algorithm.h"

// Every class, and every plan that some CPU gets, as far as this CPU can run it.

struct kit_class {
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	uint8_t key_bytes; // with salt
};

static const struct kit_class kit_classes[] = {
	{ GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 20 },
	{ GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 28 },
	{ GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_GCM_12, GW_INTEGRITY_NONE, 20 },
	{ GW_ENCRYPTION_AES_GCM_12, GW_INTEGRITY_NONE, 28 },
	{ GW_ENCRYPTION_AES_GCM_12, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_GCM_8, GW_INTEGRITY_NONE, 20 },
	{ GW_ENCRYPTION_AES_GCM_8, GW_INTEGRITY_NONE, 28 },
	{ GW_ENCRYPTION_AES_GCM_8, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_CCM_16, GW_INTEGRITY_NONE, 19 },
	{ GW_ENCRYPTION_AES_CCM_16, GW_INTEGRITY_NONE, 35 },
	{ GW_ENCRYPTION_AES_CCM_8, GW_INTEGRITY_NONE, 19 },
	{ GW_ENCRYPTION_AES_CCM_8, GW_INTEGRITY_NONE, 35 },
	{ GW_ENCRYPTION_AES_GMAC, GW_INTEGRITY_NONE, 20 },
	{ GW_ENCRYPTION_AES_GMAC, GW_INTEGRITY_NONE, 28 },
	{ GW_ENCRYPTION_AES_GMAC, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_CHACHA20_POLY1305, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_GCM_16_IIV, GW_INTEGRITY_NONE, 20 },
	{ GW_ENCRYPTION_AES_GCM_16_IIV, GW_INTEGRITY_NONE, 28 },
	{ GW_ENCRYPTION_AES_GCM_16_IIV, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_CCM_8_IIV, GW_INTEGRITY_NONE, 19 },
	{ GW_ENCRYPTION_AES_CCM_8_IIV, GW_INTEGRITY_NONE, 35 },
	{ GW_ENCRYPTION_CHACHA20_POLY1305_IIV, GW_INTEGRITY_NONE, 36 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 32 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, 32 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_384_192, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_384_192, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_384_192, 32 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_512_256, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_512_256, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_512_256, 32 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_XCBC_96, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_XCBC_96, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_XCBC_96, 32 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_CMAC_96, 16 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_CMAC_96, 24 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_AES_CMAC_96, 32 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_256_128, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_256_128, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_256_128, 36 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA1_96, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA1_96, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA1_96, 36 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_384_192, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_384_192, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_384_192, 36 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_512_256, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_512_256, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_512_256, 36 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_XCBC_96, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_XCBC_96, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_XCBC_96, 36 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_CMAC_96, 20 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_CMAC_96, 28 },
	{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_AES_CMAC_96, 36 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA2_256_128, 0 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA1_96, 0 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA2_384_192, 0 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA2_512_256, 0 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_AES_XCBC_96, 0 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_AES_CMAC_96, 0 },
};

static const uint64_t kit_features[] = {
	IMB_CPUFLAGS_SSE,
	IMB_CPUFLAGS_SSE_T2,
	IMB_CPUFLAGS_AVX,
	IMB_CPUFLAGS_AVX2,
	IMB_CPUFLAGS_AVX2 | IMB_FEATURE_SHANI,
	GW_VAES_FEATURES,
	IMB_CPUFLAGS_AVX512,
	UINT64_MAX,
};

// The class of an algorithm's keys of that length, with salt.
static inline const struct kit_class *kit_class_of(
	enum gw_encryption_id encryption, enum gw_integrity_id integrity, uint8_t key_bytes)
{
	for (unsigned int i = 0; i < RTE_DIM(kit_classes); i++)
		if (kit_classes[i].encryption == encryption &&
			kit_classes[i].integrity == integrity &&
			kit_classes[i].key_bytes == key_bytes)
			return &kit_classes[i];
	ck_abort_msg("no such class");
}

// byte i: i * factor + start
static inline void kit_pattern(
	uint8_t *bytes, size_t count, unsigned int factor, unsigned int start)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = i * factor + start;
}

// start tells one key from another; 0 is that of tests/vectors/generate.py.
static inline struct gw_crypto_key *kit_key(
	const struct kit_class *class, bool esn, unsigned int start)
{
	uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY], integrity_key[GW_MAX_INTEGRITY_KEY];
	struct gw_crypto_key_spec spec = {
		.encryption = class->encryption,
		.integrity = class->integrity,
		.encryption_key = encryption_key,
		.encryption_key_bytes = class->key_bytes,
		.integrity_key = integrity_key,
		.integrity_key_bytes = gw_integrities[class->integrity].key_bytes,
		.esn = esn,
	};
	struct gw_error err = {};
	struct gw_crypto_key *key;

	kit_pattern(encryption_key, sizeof(encryption_key), 7, start + 3);
	kit_pattern(integrity_key, sizeof(integrity_key), 11, start + 5);
	key = gw_crypto_key_new(&spec, &err);
	ck_assert_msg(key != NULL, "%s", err.text);
	return key;
}

// An ESP packet before sealing, with zeros where IV and ICV will stand.
static inline void kit_packet(
	uint8_t *esp, const struct gw_crypto_key *key, uint64_t sequence, uint32_t payload_bytes)
{
	static const uint8_t spi[4] = { 0xc0, 0xff, 0xee, 0x01 };
	uint8_t *payload = esp + 8 + gw_crypto_iv_bytes(key);

	memcpy(esp, spi, sizeof(spi));
	for (int i = 0; i < 4; i++)
		esp[4 + i] = sequence >> (24 - 8 * i);
	memset(esp + 8, 0, gw_crypto_iv_bytes(key));
	kit_pattern(payload, payload_bytes, 13, payload_bytes);
	memset(payload + payload_bytes, 0, gw_crypto_icv_bytes(key));
}

static inline uint32_t kit_packet_bytes(const struct gw_crypto_key *key, uint32_t payload_bytes)
{
	return 8 + gw_crypto_iv_bytes(key) + payload_bytes + gw_crypto_icv_bytes(key);
}
