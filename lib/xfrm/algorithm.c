// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/algorithm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>

#include "base/secret.h"

// What `ip xfrm` takes beside the kernel's own names.
static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "aes", "cbc(aes)" },
	{ "cipher_null", "ecb(cipher_null)" },
	{ "sha1", "hmac(sha1)" },
	{ "sha256", "hmac(sha256)" },
	{ "sha384", "hmac(sha384)" },
	{ "sha512", "hmac(sha512)" },
};

static const char *canonical(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i].alias, name) == 0)
			return aliases[i].name;
	return name;
}

static int unavailable(struct gw_error *err, const char *name)
{
	return gw_error_set(err, ENOSYS,
		"the algorithm %s is not available here: `espctl crypto list` shows those that are",
		name);
}

static int set_key(uint8_t *key, size_t room, uint8_t *bytes, const char *value, unsigned int bits,
	struct gw_error *err)
{
	if (bits / 8 > room)
		return gw_error_set(err, EINVAL, "a key of %u bits is longer than any", bits);
	memcpy(key, value, bits / 8);
	*bytes = (uint8_t)(bits / 8);
	return 0;
}

// The kernel has one name for all lengths of an AEAD's ICV.
static enum gw_encryption_id find_aead(const char *name, unsigned int icv_bits)
{
	for (unsigned int id = 1; id < GW_ENCRYPTION_COUNT; id++)
		if (gw_encryptions[id].aead && icv_bits == gw_encryptions[id].icv_bytes * 8u &&
			strcmp(gw_encryptions[id].xfrm_name, name) == 0)
			return (enum gw_encryption_id)id;
	return GW_ENCRYPTION_UNSET;
}

static int read_aead(
	const struct xfrm_algo_aead *aead, struct gw_sa_spec *spec, struct gw_error *err)
{
	spec->encryption = find_aead(aead->alg_name, aead->alg_icv_len);
	if (!spec->encryption)
		return gw_error_set(err, ENOSYS,
			"the algorithm %s with an ICV of %u bits is not available here",
			aead->alg_name, aead->alg_icv_len);
	return set_key(spec->encryption_key, sizeof(spec->encryption_key),
		&spec->encryption_key_bytes, aead->alg_key, aead->alg_key_len, err);
}

static int read_crypt(const struct xfrm_algo *crypt, struct gw_sa_spec *spec, struct gw_error *err)
{
	const char *name = canonical(crypt->alg_name);

	spec->encryption = GW_ENCRYPTION_UNSET;
	for (unsigned int id = 1; id < GW_ENCRYPTION_COUNT; id++)
		if (!gw_encryptions[id].aead && strcmp(gw_encryptions[id].xfrm_name, name) == 0)
			spec->encryption = (enum gw_encryption_id)id;
	if (!spec->encryption)
		return unavailable(err, crypt->alg_name);
	return set_key(spec->encryption_key, sizeof(spec->encryption_key),
		&spec->encryption_key_bytes, crypt->alg_key, crypt->alg_key_len, err);
}

// icv_bits 0: what the kernel takes when it is not told.
static int read_auth(const char *name, unsigned int icv_bits, const char *key,
	unsigned int key_bits, struct gw_sa_spec *spec, struct gw_error *err)
{
	spec->integrity = GW_INTEGRITY_NONE;
	for (unsigned int id = 1; id < GW_INTEGRITY_COUNT; id++)
		if (strcmp(gw_integrities[id].xfrm_name, canonical(name)) == 0)
			spec->integrity = (enum gw_integrity_id)id;
	if (!spec->integrity)
		return unavailable(err, name);
	// The kernel's standard for SHA-256 is that of a draft, which nobody else has.
	if (icv_bits == 0 && spec->integrity == GW_INTEGRITY_HMAC_SHA2_256_128)
		icv_bits = 96;
	if (icv_bits && icv_bits != gw_integrities[spec->integrity].icv_bytes * 8u)
		return gw_error_set(err, ENOSYS,
			"%s with an ICV of %u bits is not available here: it is one of %u "
			"(auth-trunc)",
			name, icv_bits, gw_integrities[spec->integrity].icv_bytes * 8u);
	return set_key(spec->integrity_key, sizeof(spec->integrity_key), &spec->integrity_key_bytes,
		key, key_bits, err);
}

static int read_integrity(
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_algo_auth *trunc = gw_xfrm_value(request, XFRMA_ALG_AUTH_TRUNC);
	const struct xfrm_algo *auth = gw_xfrm_value(request, XFRMA_ALG_AUTH);

	if (trunc)
		return read_auth(trunc->alg_name, trunc->alg_trunc_len, trunc->alg_key,
			trunc->alg_key_len, spec, err);
	if (auth && strcmp(auth->alg_name, "digest_null") != 0)
		return read_auth(auth->alg_name, 0, auth->alg_key, auth->alg_key_len, spec, err);
	return 0;
}

int gw_xfrm_algorithms_read(
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_algo_aead *aead = gw_xfrm_value(request, XFRMA_ALG_AEAD);
	const struct xfrm_algo *crypt = gw_xfrm_value(request, XFRMA_ALG_CRYPT);
	int rc;

	if (gw_xfrm_value(request, XFRMA_ALG_COMP))
		return gw_error_set(
			err, EPROTONOSUPPORT, "IPComp (RFC 3173) is not available here");
	if (aead && (crypt || gw_xfrm_value(request, XFRMA_ALG_AUTH) ||
			    gw_xfrm_value(request, XFRMA_ALG_AUTH_TRUNC)))
		return gw_error_set(err, EINVAL, "an AEAD stands alone");
	if (aead)
		return read_aead(aead, spec, err);
	rc = read_integrity(request, spec, err);
	return rc || !crypt ? rc : read_crypt(crypt, spec, err);
}

static int put_aead(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	const struct gw_encryption *encryption = &gw_encryptions[spec->encryption];
	union {
		struct xfrm_algo_aead algorithm;
		uint8_t bytes[sizeof(struct xfrm_algo_aead) + GW_MAX_ENCRYPTION_KEY];
	} value = { .algorithm = { .alg_key_len = spec->encryption_key_bytes * 8u,
			    .alg_icv_len = encryption->icv_bytes * 8u } };
	int rc;

	snprintf(value.algorithm.alg_name, sizeof(value.algorithm.alg_name), "%s",
		encryption->xfrm_name);
	memcpy(value.bytes + sizeof(value.algorithm), spec->encryption_key,
		spec->encryption_key_bytes);
	rc = nla_put(message, XFRMA_ALG_AEAD,
		(int)(sizeof(value.algorithm) + spec->encryption_key_bytes), &value);
	gw_wipe(&value, sizeof(value));
	return rc < 0 ? -ENOMEM : 0;
}

static int put_crypt(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	union {
		struct xfrm_algo algorithm;
		uint8_t bytes[sizeof(struct xfrm_algo) + GW_MAX_ENCRYPTION_KEY];
	} value = { .algorithm.alg_key_len = spec->encryption_key_bytes * 8u };
	int rc;

	snprintf(value.algorithm.alg_name, sizeof(value.algorithm.alg_name), "%s",
		gw_encryptions[spec->encryption].xfrm_name);
	memcpy(value.bytes + sizeof(value.algorithm), spec->encryption_key,
		spec->encryption_key_bytes);
	rc = nla_put(message, XFRMA_ALG_CRYPT,
		(int)(sizeof(value.algorithm) + spec->encryption_key_bytes), &value);
	gw_wipe(&value, sizeof(value));
	return rc < 0 ? -ENOMEM : 0;
}

// The kernel writes both forms, for programs that know the older one alone.
static int put_auth(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	const struct gw_integrity *integrity = &gw_integrities[spec->integrity];
	union {
		struct xfrm_algo algorithm;
		struct xfrm_algo_auth trunc;
		uint8_t bytes[sizeof(struct xfrm_algo_auth) + GW_MAX_INTEGRITY_KEY];
	} value = { .algorithm.alg_key_len = spec->integrity_key_bytes * 8u };
	int rc;

	snprintf(value.algorithm.alg_name, sizeof(value.algorithm.alg_name), "%s",
		integrity->xfrm_name);
	memcpy(value.bytes + sizeof(value.algorithm), spec->integrity_key,
		spec->integrity_key_bytes);
	rc = nla_put(message, XFRMA_ALG_AUTH,
		(int)(sizeof(value.algorithm) + spec->integrity_key_bytes), &value);
	value.trunc.alg_trunc_len = integrity->icv_bytes * 8u;
	memcpy(value.bytes + sizeof(value.trunc), spec->integrity_key, spec->integrity_key_bytes);
	if (rc >= 0)
		rc = nla_put(message, XFRMA_ALG_AUTH_TRUNC,
			(int)(sizeof(value.trunc) + spec->integrity_key_bytes), &value);
	gw_wipe(&value, sizeof(value));
	return rc < 0 ? -ENOMEM : 0;
}

int gw_xfrm_algorithms_write(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	int rc = 0;

	if (spec->integrity)
		rc = put_auth(message, spec);
	if (rc || !spec->encryption)
		return rc;
	return gw_encryptions[spec->encryption].aead ? put_aead(message, spec)
						     : put_crypt(message, spec);
}
