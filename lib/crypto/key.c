// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/secret.h"
#include "base/slab.h"
#include "crypto/internal.h"

#define MOST_BLOCK_BYTES 128 // that a hash function takes at once

uint8_t gw_crypto_iv_bytes(const struct gw_crypto_key *key)
{
	return key->iv_bytes;
}

uint8_t gw_crypto_icv_bytes(const struct gw_crypto_key *key)
{
	return key->icv_bytes;
}

uint8_t gw_crypto_align_bytes(const struct gw_crypto_key *key)
{
	return key->align_bytes;
}

// The place of the key's length among those that the algorithm has, or -EINVAL.
static int find_key_size(const struct gw_crypto_key_spec *spec, struct gw_error *err)
{
	const struct gw_encryption *encryption = &gw_encryptions[spec->encryption];
	int place = gw_encryption_key_place(spec->encryption, spec->encryption_key_bytes);
	uint8_t salt = encryption->salt_bytes;
	char lengths[32];

	if (place >= 0)
		return place;
	return gw_error_set(err, EINVAL, "%s takes a key of %s bytes (%u of them salt), not %u",
		encryption->name,
		gw_encryption_key_lengths(spec->encryption, salt, lengths, sizeof(lengths)), salt,
		spec->encryption_key_bytes);
}

// RFC 8221 section 2: encryption never goes without integrity.
static int check_integrity(const struct gw_crypto_key_spec *spec, struct gw_error *err)
{
	const struct gw_encryption *encryption = &gw_encryptions[spec->encryption];
	const struct gw_integrity *integrity = &gw_integrities[spec->integrity];

	if (encryption->aead && spec->integrity != GW_INTEGRITY_NONE)
		return gw_error_set(err, EINVAL, "%s brings its own integrity: leave %s out",
			encryption->name, integrity->name);
	if (!encryption->aead && spec->integrity == GW_INTEGRITY_NONE)
		return gw_error_set(err, EINVAL,
			"%s needs an integrity algorithm beside it, such as %s", encryption->name,
			gw_integrities[GW_INTEGRITY_NONE + 1].name);
	if (spec->integrity_key_bytes != integrity->key_bytes)
		return gw_error_set(err, EINVAL, "%s takes a key of %u bytes, not %u",
			integrity->name, integrity->key_bytes, spec->integrity_key_bytes);
	return 0;
}

static int check(const struct gw_crypto_key_spec *spec, struct gw_error *err)
{
	if (spec->encryption <= GW_ENCRYPTION_UNSET || spec->encryption >= GW_ENCRYPTION_COUNT)
		return gw_error_set(err, EINVAL, "there is no encryption algorithm");
	if (spec->integrity < GW_INTEGRITY_NONE || spec->integrity >= GW_INTEGRITY_COUNT)
		return gw_error_set(err, EINVAL, "there is no such integrity algorithm");
	return check_integrity(spec, err);
}

static bool is_sha512(IMB_HASH_ALG hash)
{
	return hash == IMB_AUTH_HMAC_SHA_384 || hash == IMB_AUTH_HMAC_SHA_512;
}

// Lays out the parts of a cipher with an integrity algorithm, each aligned to 16 bytes as IPsec-MB
// wants it. Returns where they end.
static size_t lay_out(const struct gw_crypto_key_spec *spec, unsigned int cipher_key_bytes,
	struct gw_crypto_layout *at)
{
	const IMB_CIPHER_MODE cipher = gw_crypto_cipher(spec->encryption);
	const IMB_HASH_ALG hash = gw_crypto_hash(spec->integrity);
	size_t end = offsetof(struct gw_crypto_key, parts);

	at->hash = end;
	if (hash == IMB_AUTH_AES_XCBC || hash == IMB_AUTH_AES_CMAC) {
		at->hash_more = end + gw_aes_round_key_bytes(spec->integrity_key_bytes);
		end = at->hash_more + 2u * GW_CRYPTO_BLOCK_BYTES;
	} else {
		size_t state = is_sha512(hash) ? 64 : 32;

		at->hash_more = end + state;
		end = at->hash_more + state;
	}
	if (cipher == IMB_CIPHER_NULL)
		return end;
	at->encrypt = end;
	end += gw_aes_round_key_bytes(cipher_key_bytes);
	at->decrypt = at->encrypt; // of CTR, which encrypts both ways
	if (cipher == IMB_CIPHER_CBC) {
		at->decrypt = end;
		end += gw_aes_round_key_bytes(cipher_key_bytes);
	}
	return end;
}

// Bytes of a key with the parts that its class needs. own: AES-GCM is computed by our own code.
static size_t bytes_needed(const struct gw_crypto_key_spec *spec, unsigned int cipher_key_bytes,
	bool own, struct gw_crypto_layout *at)
{
	const size_t head = offsetof(struct gw_crypto_key, parts);

	if (spec->integrity != GW_INTEGRITY_NONE)
		return lay_out(spec, cipher_key_bytes, at);
	switch (gw_crypto_cipher(spec->encryption)) {
	case IMB_CIPHER_CCM:
		return head + gw_aes_round_key_bytes(cipher_key_bytes);
	case IMB_CIPHER_CHACHA20_POLY1305:
		return head + sizeof(((struct gw_crypto_key *)NULL)->chacha);
	default: // AES-GCM and AES-GMAC
		if (own)
			return offsetof(struct gw_crypto_key, vaes.round_keys) +
			       gw_aes_round_key_bytes(cipher_key_bytes);
		return head + sizeof(struct gcm_key_data);
	}
}

// The state of the hash after one block of the key, padded with pad (RFC 2104 section 4).
static void expand_hmac_half(
	const IMB_MGR *manager, const struct gw_crypto_key_spec *spec, uint8_t pad, uint8_t *state)
{
	const IMB_HASH_ALG hash = gw_crypto_hash(spec->integrity);
	uint8_t block[MOST_BLOCK_BYTES];

	memset(block, pad, sizeof(block));
	for (unsigned int i = 0; i < spec->integrity_key_bytes; i++)
		block[i] ^= spec->integrity_key[i];
	switch (hash) {
	case IMB_AUTH_HMAC_SHA_1:
		IMB_SHA1_ONE_BLOCK(manager, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_384:
		IMB_SHA384_ONE_BLOCK(manager, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_512:
		IMB_SHA512_ONE_BLOCK(manager, block, state);
		break;
	default:
		IMB_SHA256_ONE_BLOCK(manager, block, state);
		break;
	}
	gw_wipe(block, sizeof(block));
}

static void expand_cmac(const struct gw_crypto_key_spec *spec, const IMB_MGR *manager,
	uint8_t *round_keys, uint8_t *subkeys)
{
	uint32_t unused[GW_CRYPTO_AES_KEY_WORDS] __rte_aligned(16);

	IMB_AES_KEYEXP_128(manager, spec->integrity_key, round_keys, unused);
	IMB_AES_CMAC_SUBKEY_GEN_128(manager, round_keys, subkeys, subkeys + GW_CRYPTO_BLOCK_BYTES);
	gw_wipe(unused, sizeof(unused));
}

static void expand_integrity(
	struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec, const IMB_MGR *manager)
{
	uint8_t *first = (uint8_t *)key + key->at.hash;
	uint8_t *second = (uint8_t *)key + key->at.hash_more;

	switch (key->hash) {
	case IMB_AUTH_AES_XCBC:
		IMB_AES_XCBC_KEYEXP(manager, spec->integrity_key, first, second,
			second + GW_CRYPTO_BLOCK_BYTES);
		break;
	case IMB_AUTH_AES_CMAC:
		expand_cmac(spec, manager, first, second);
		break;
	default:
		expand_hmac_half(manager, spec, 0x36, first);
		expand_hmac_half(manager, spec, 0x5c, second);
		break;
	}
}

static void expand_library_gcm(
	struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec, const IMB_MGR *manager)
{
	const aes_gcm_pre_t functions[GW_KEY_LENGTHS] = { manager->gcm128_pre, manager->gcm192_pre,
		manager->gcm256_pre };

	functions[gw_aes_key_place(key)](spec->encryption_key, &key->gcm);
}

static void expand_aes(const struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec,
	const IMB_MGR *manager, uint32_t *encrypt, uint32_t *decrypt)
{
	const keyexp_t functions[GW_KEY_LENGTHS] = { manager->keyexp_128, manager->keyexp_192,
		manager->keyexp_256 };

	functions[gw_aes_key_place(key)](spec->encryption_key, encrypt, decrypt);
}

// The library always makes the round keys of decryption too.
static void expand_aes_encrypt_only(const struct gw_crypto_key *key,
	const struct gw_crypto_key_spec *spec, const IMB_MGR *manager, uint32_t *encrypt)
{
	uint32_t unused[GW_CRYPTO_AES_KEY_WORDS] __rte_aligned(16);

	expand_aes(key, spec, manager, encrypt, unused);
	gw_wipe(unused, sizeof(unused));
}

static void expand_gcm(
	struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec, const IMB_MGR *manager)
{
	if (!gw_crypto_plan_key(gw_crypto_plan(key->class))->way->own) {
		expand_library_gcm(key, spec, manager);
		return;
	}
	expand_aes_encrypt_only(key, spec, manager, (uint32_t *)key->vaes.round_keys);
	gw_vaes_expand(&key->vaes, gw_aes_rounds(key));
}

static void expand(
	struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec, const IMB_MGR *manager)
{
	uint32_t *encrypt = (uint32_t *)((uint8_t *)key + key->at.encrypt);
	uint32_t *decrypt = (uint32_t *)((uint8_t *)key + key->at.decrypt);

	if (spec->integrity != GW_INTEGRITY_NONE)
		expand_integrity(key, spec, manager);
	switch (key->cipher) {
	case IMB_CIPHER_GCM:
		expand_gcm(key, spec, manager);
		break;
	case IMB_CIPHER_CHACHA20_POLY1305:
		memcpy(key->chacha, spec->encryption_key, sizeof(key->chacha));
		break;
	case IMB_CIPHER_CCM:
		expand_aes_encrypt_only(key, spec, manager, key->ccm);
		break;
	case IMB_CIPHER_CBC:
		expand_aes(key, spec, manager, encrypt, decrypt);
		break;
	case IMB_CIPHER_CNTR:
		expand_aes_encrypt_only(key, spec, manager, encrypt);
		break;
	default:
		if (spec->integrity == GW_INTEGRITY_NONE) // AES-GMAC
			expand_library_gcm(key, spec, manager);
		break;
	}
}

static void describe(
	struct gw_crypto_key *key, const struct gw_crypto_key_spec *spec, unsigned int key_size)
{
	const struct gw_encryption *encryption = &gw_encryptions[spec->encryption];

	key->class = gw_crypto_class(spec->encryption, key_size, spec->integrity);
	key->esn = spec->esn;
	key->iv_bytes = encryption->iv_bytes;
	key->icv_bytes = encryption->aead ? encryption->icv_bytes
					  : gw_integrities[spec->integrity].icv_bytes;
	key->align_bytes = encryption->block_bytes;
	key->encryption = spec->encryption;
	key->integrity = spec->integrity;
	key->cipher = gw_crypto_cipher(spec->encryption);
	key->hash = gw_crypto_hash(spec->integrity);
	key->cipher_key_bytes = encryption->key_bytes[key_size];
	if (encryption->salt_bytes)
		memcpy(key->salt, spec->encryption_key + key->cipher_key_bytes,
			encryption->salt_bytes);
}

// Where the IVs of a counter mode begin. A key that comes back, after a restart of the gateway or
// because an SA was deleted and added again, must not meet an IV it has used, and nobody remembers
// how far it got. So the clock does: time in units of 1/1024 s since 2020 stands in the upper 42
// bits (it lasts beyond the year 2150), and an SA would have to send 2^22 packets in each unit,
// four thousand million a second, to reach the base of a key made later. Should the clock be set
// back while the gateway is down, the time by which it went back is not covered.
static uint64_t next_iv_base(void)
{
	static uint64_t last; // within one run no two keys share a base, whatever the clock does
	const uint64_t start = UINT64_C(1577836800); // 2020-01-01, seconds of the epoch
	struct timespec now;
	uint64_t units;

	clock_gettime(CLOCK_REALTIME, &now);
	units = (uint64_t)now.tv_sec > start ? ((uint64_t)now.tv_sec - start) << 10 : 0;
	units += (uint64_t)now.tv_nsec * 1024 / 1000000000;
	last = units > last ? units : last + 1;
	return last << 22;
}

struct gw_crypto_key *gw_crypto_key_make(
	const struct gw_crypto_key_spec *spec, struct gw_error *err)
{
	const struct gw_crypto_choice *choice;
	struct gw_crypto_layout at = {};
	struct gw_crypto_key *key;
	IMB_MGR *manager;
	int key_size;
	size_t bytes;

	if (check(spec, err) < 0)
		return NULL;
	key_size = find_key_size(spec, err);
	if (key_size < 0)
		return NULL;
	choice = gw_crypto_plan_key(
		gw_crypto_plan(gw_crypto_class(spec->encryption, key_size, spec->integrity)));
	manager = gw_crypto_manager_shared(choice->path);
	bytes = RTE_CACHE_LINE_ROUNDUP(bytes_needed(
		spec, gw_encryptions[spec->encryption].key_bytes[key_size], choice->way->own, &at));
	key = manager ? gw_slab_take(&gw_slab_shared, bytes) : NULL;
	if (!key) {
		gw_error_set(err, ENOMEM, "there is no memory for a key of %zu bytes", bytes);
		return NULL;
	}
	key->allocated_bytes = bytes;
	key->at = at;
	describe(key, spec, key_size);
	// Of a counter mode no mask is asked for: most SAs go without the system call.
	if (key->cipher == IMB_CIPHER_CBC &&
		getrandom(key->iv_mask, sizeof(key->iv_mask), 0) != sizeof(key->iv_mask)) {
		gw_error_set(err, EAGAIN, "the kernel gives no random bytes for the IVs");
		gw_crypto_key_free(key);
		return NULL;
	}
	key->iv_base = gw_encryption_has_implicit_iv(spec->encryption) ? 0 : next_iv_base();
	expand(key, spec, manager);
	return key;
}

struct gw_crypto_key *gw_crypto_key_new(const struct gw_crypto_key_spec *spec, struct gw_error *err)
{
	if (check(spec, err) < 0)
		return NULL;
	if (!gw_crypto_usable(spec->encryption, spec->integrity)) {
		gw_error_set(err, ENOTSUP,
			"%s%s%s failed its self-test on this machine: choose another algorithm",
			gw_encryptions[spec->encryption].name, spec->integrity ? " with " : "",
			spec->integrity ? gw_integrities[spec->integrity].name : "");
		return NULL;
	}
	return gw_crypto_key_make(spec, err);
}

void gw_crypto_key_free(struct gw_crypto_key *key)
{
	if (key)
		gw_slab_give(&gw_slab_shared, key, key->allocated_bytes);
}
