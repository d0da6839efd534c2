// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A block cipher of 128 bits shows that it is one after about 2^64 blocks: an attacker who sees s
// blocks and q packets under one key gains at most (s + q)^2 / 2^129 (draft-irtf-cfrg-aead-limits
// section 5.1; NIST SP 800-38B appendix B has the like for CMAC). 2^46 packets with 2^51 bytes make
// less than 2^49 blocks with counters and trailers, a gain below 2^-31. ChaCha20 is no permutation
// and has no such limit (section 5.2 there).

#include "ipsec/key_limit.h"

#define PACKETS   (UINT64_C(1) << 46)
#define BYTES     (UINT64_C(1) << 51)
#define UNLIMITED UINT64_MAX

static bool uses_aes(const struct gw_sa_spec *spec)
{
	switch (spec->encryption) {
	case GW_ENCRYPTION_CHACHA20_POLY1305:
		return false;
	case GW_ENCRYPTION_UNSET: // AH
	case GW_ENCRYPTION_NULL:
		return spec->integrity == GW_INTEGRITY_AES_XCBC_96 ||
		       spec->integrity == GW_INTEGRITY_AES_CMAC_96;
	default:
		return true;
	}
}

// Of an AEAD, whose key a lucky forgery may help to find (NIST SP 800-38D appendix C); an HMAC's
// does not grow weaker.
static uint64_t failures_of(uint8_t icv_bytes)
{
	switch (icv_bytes) {
	case 0:
		return UNLIMITED;
	case 8:
		return UINT64_C(1) << 20;
	case 12:
		return UINT64_C(1) << 30;
	default:
		return UINT64_C(1) << 36;
	}
}

struct gw_key_limit gw_key_limit(const struct gw_sa_spec *spec)
{
	struct gw_key_limit limit = { UNLIMITED, UNLIMITED, UNLIMITED };

	if (uses_aes(spec)) {
		limit.packets = PACKETS;
		limit.bytes = BYTES;
	}
	// CCM runs the cipher over each block twice.
	if (spec->encryption == GW_ENCRYPTION_AES_CCM_16 ||
		spec->encryption == GW_ENCRYPTION_AES_CCM_8)
		limit.bytes /= 2;
	limit.failures = failures_of(gw_encryptions[spec->encryption].icv_bytes);
	return limit;
}
