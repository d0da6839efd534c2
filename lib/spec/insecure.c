// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/insecure.h"

#include <stddef.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct insecure {
	const char *name;
	const char *reason;
};

#define SHORT_KEY                                                                                  \
	"is broken: its key is too short (RFC 8221 section 5 says MUST NOT); use aes-gcm-16"
#define SHORT_BLOCK                                                                                \
	"is refused: its blocks of 64 bits repeat within one SA (RFC 8221 section 5); use "        \
	"aes-gcm-16"
#define NOTHING                                                                                    \
	"is refused: packets without integrity can be forged (RFC 8221 section 5); use "           \
	"hmac-sha2-256-128"
#define MD5 "is refused: MD5 is broken (RFC 8221 section 6 says MUST NOT); use hmac-sha2-256-128"

static const struct insecure encryptions[] = {
	{ "des", SHORT_KEY },
	{ "des-cbc", SHORT_KEY },
	{ "des-iv64", SHORT_KEY },
	{ "des-iv32", SHORT_KEY },
	{ "cbc(des)", SHORT_KEY },
	{ "3des", SHORT_BLOCK },
	{ "3des-cbc", SHORT_BLOCK },
	{ "3idea", SHORT_BLOCK },
	{ "cbc(des3_ede)", SHORT_BLOCK },
	{ "blowfish", SHORT_BLOCK },
	{ "blowfish-cbc", SHORT_BLOCK },
	{ "cbc(blowfish)", SHORT_BLOCK },
	{ "cast", SHORT_BLOCK },
	{ "cast-cbc", SHORT_BLOCK },
	{ "cast128-cbc", SHORT_BLOCK },
	{ "cbc(cast5)", SHORT_BLOCK },
	{ "idea", SHORT_BLOCK },
	{ "idea-cbc", SHORT_BLOCK },
	{ "rc5", SHORT_BLOCK },
	{ "rc5-cbc", SHORT_BLOCK },
};

static const struct insecure integrities[] = {
	{ "none", NOTHING },
	{ "null", NOTHING },
	{ "digest_null", NOTHING },
	{ "md5", MD5 },
	{ "hmac-md5", MD5 },
	{ "hmac-md5-96", MD5 },
	{ "hmac(md5)", MD5 },
	{ "keyed-md5", MD5 },
	{ "kpdk-md5", MD5 },
	{ "des-mac", "is refused: DES is broken (RFC 8221 section 6 says MUST NOT); use "
		     "hmac-sha2-256-128" },
};

static const char *find(const struct insecure *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(table[i].name, name) == 0)
			return table[i].reason;
	return NULL;
}

const char *gw_insecure_encryption(const char *name)
{
	return find(encryptions, COUNT(encryptions), name);
}

const char *gw_insecure_integrity(const char *name)
{
	return find(integrities, COUNT(integrities), name);
}
