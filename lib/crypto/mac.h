// Called by: worker (this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/internal.h"

// What the integrity algorithms apart from a cipher have in common, in ESP and in AH.

static inline bool gw_mac_is_aes(IMB_HASH_ALG hash)
{
	return hash == IMB_AUTH_AES_XCBC || hash == IMB_AUTH_AES_CMAC;
}

static inline void gw_mac_point_to_key(IMB_JOB *job, const struct gw_crypto_key *key)
{
	const uint8_t *first = gw_crypto_part(key, key->at.hash);
	const uint8_t *second = gw_crypto_part(key, key->at.hash_more);

	switch (key->hash) {
	case IMB_AUTH_AES_XCBC:
		job->u.XCBC._k1_expanded = (const uint32_t *)first;
		job->u.XCBC._k2 = second;
		job->u.XCBC._k3 = second + GW_CRYPTO_BLOCK_BYTES;
		break;
	case IMB_AUTH_AES_CMAC:
		job->u.CMAC._key_expanded = first;
		job->u.CMAC._skey1 = second;
		job->u.CMAC._skey2 = second + GW_CRYPTO_BLOCK_BYTES;
		break;
	default:
		job->u.HMAC._hashed_auth_key_xor_ipad = first;
		job->u.HMAC._hashed_auth_key_xor_opad = second;
		break;
	}
}
