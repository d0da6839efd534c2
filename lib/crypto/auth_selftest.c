// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Known answers for AH at start, in enough copies to fill every lane of the library's widest code;
// of those that are compared two in three carry a wrong ICV and must be told apart. An algorithm
// that fails in AH is refused altogether: the same code computes it in ESP.

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "crypto/auth.h"
#include "crypto/internal.h"

#define COPIES        36u
#define MESSAGE_BYTES 256

static const struct vector {
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	bool esn;
	uint64_t sequence;
	const char *key; // with the salt at its end
	const char *message;
	const char *value;
} vectors[] = {
#define AUTH(encryption, integrity, esn, sequence, key, message, value)                            \
	{ GW_ENCRYPTION_##encryption, GW_INTEGRITY_##integrity, esn, sequence, key, message,       \
		value },
#include "crypto/auth_answers.def"
#undef AUTH
};

struct bench {
	struct gw_crypto_key *key;
	uint8_t message[MESSAGE_BYTES];
	uint8_t value[GW_CRYPTO_AUTH_MAX_VALUE];
	ssize_t message_bytes, value_bytes;
	uint8_t messages[COPIES][MESSAGE_BYTES + GW_CRYPTO_AUTH_BACK];
	uint8_t values[COPIES][GW_CRYPTO_AUTH_MAX_VALUE];
	struct gw_crypto_auth_op ops[COPIES];
};

static struct gw_crypto_key *read_key(const struct vector *vector)
{
	uint8_t bytes[GW_MAX_INTEGRITY_KEY];
	ssize_t length = gw_hex_decode(vector->key, bytes, sizeof(bytes));
	bool gmac = vector->integrity == GW_INTEGRITY_NONE;
	struct gw_crypto_key_spec spec = {
		.encryption = vector->encryption,
		.integrity = vector->integrity,
		.encryption_key = bytes,
		.encryption_key_bytes = gmac ? (uint8_t)length : 0,
		.integrity_key = bytes,
		.integrity_key_bytes = gmac ? 0 : (uint8_t)length,
		.esn = vector->esn,
	};
	struct gw_error err = {};

	return length < 0 ? NULL : gw_crypto_key_make(&spec, &err);
}

static void lay_out(struct bench *bench, const struct vector *vector)
{
	for (unsigned int i = 0; i < COPIES; i++) {
		memcpy(bench->messages[i], bench->message, sizeof(bench->message));
		memcpy(bench->values[i], bench->value, sizeof(bench->value));
		bench->ops[i] = (struct gw_crypto_auth_op){
			.key = bench->key,
			.message = bench->messages[i],
			.value = bench->values[i],
			.bytes = (uint32_t)bench->message_bytes,
			.sequence = vector->sequence,
		};
	}
}

static bool seals(struct gw_crypto_engine *engine, struct bench *bench, const struct vector *vector)
{
	lay_out(bench, vector);
	for (unsigned int i = 0; i < COPIES; i++)
		memset(bench->values[i] + bench->key->iv_bytes, 0, bench->key->icv_bytes);
	engine->keep_iv = true;
	gw_crypto_auth_seal(engine, bench->ops, COPIES);
	engine->keep_iv = false;
	for (unsigned int i = 0; i < COPIES; i++)
		if (bench->ops[i].status != GW_CRYPTO_OK ||
			memcmp(bench->values[i], bench->value, (size_t)bench->value_bytes) != 0)
			return false;
	return true;
}

static bool opens(struct gw_crypto_engine *engine, struct bench *bench, const struct vector *vector)
{
	lay_out(bench, vector);
	for (unsigned int i = 0; i < COPIES; i++)
		if (i % 3 != 0)
			bench->values[i][bench->key->iv_bytes + i % bench->key->icv_bytes] ^=
				(uint8_t)(1u << (i % 8));
	gw_crypto_auth_open(engine, bench->ops, COPIES);
	for (unsigned int i = 0; i < COPIES; i++)
		if (bench->ops[i].status != (i % 3 ? GW_CRYPTO_BAD_ICV : GW_CRYPTO_OK))
			return false;
	return true;
}

static bool passes(
	struct gw_crypto_engine *engine, struct bench *bench, const struct vector *vector)
{
	bool good;

	bench->message_bytes =
		gw_hex_decode(vector->message, bench->message, sizeof(bench->message));
	bench->value_bytes = gw_hex_decode(vector->value, bench->value, sizeof(bench->value));
	bench->key = read_key(vector);
	good = bench->key && bench->message_bytes > 0 &&
	       bench->value_bytes == bench->key->iv_bytes + bench->key->icv_bytes &&
	       seals(engine, bench, vector) && opens(engine, bench, vector);
	gw_crypto_key_free(bench->key);
	return good;
}

static int refuse(
	enum gw_encryption_id encryption, enum gw_integrity_id integrity, const char *reason)
{
	if (!gw_crypto_usable(encryption, integrity))
		return 0;
	gw_log_error("%s is refused: in AH %s",
		integrity ? gw_integrities[integrity].name : gw_encryptions[encryption].name,
		reason);
	gw_crypto_disable(encryption, integrity);
	return 1;
}

int gw_crypto_auth_self_test(void)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	bool proven[GW_INTEGRITY_COUNT] = {}; // of NONE: AES-GMAC
	static struct bench bench;            // holds no secret; control core alone
	int failed = 0;

	if (!engine)
		return -ENOMEM;
	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		proven[vectors[i].integrity] = true;
		if (!passes(engine, &bench, &vectors[i]))
			failed += refuse(vectors[i].encryption, vectors[i].integrity,
				"it does not give its known answer");
	}
	for (int i = 0; i < GW_INTEGRITY_COUNT; i++)
		if (!proven[i])
			failed += refuse(i ? GW_ENCRYPTION_NULL : GW_ENCRYPTION_AES_GMAC, i,
				"there is no known answer to test it by");
	gw_crypto_engine_free(engine);
	return failed;
}
