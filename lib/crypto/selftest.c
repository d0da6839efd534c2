// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Known answers at start. Each vector is sealed and opened in enough copies to fill every lane of
// the library's widest code, so that not only the first one is looked at; of the opened copies two
// in three carry a wrong ICV and must be told apart.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/auth.h"
#include "crypto/internal.h"
#include "crypto/vectors.h"

#define COPIES 36u

// control: rw
static bool refused[GW_ENCRYPTION_COUNT][GW_INTEGRITY_COUNT];

bool gw_crypto_usable(enum gw_encryption_id encryption, enum gw_integrity_id integrity)
{
	return !refused[encryption][integrity];
}

void gw_crypto_disable(enum gw_encryption_id encryption, enum gw_integrity_id integrity)
{
	refused[encryption][integrity] = true;
}

static int read_hex(const char *text, const char *what, uint8_t *bytes, size_t size,
	const struct gw_crypto_vector *vector, struct gw_error *err)
{
	ssize_t length = gw_hex_decode(text, bytes, size);

	if (length < 0)
		return gw_error_set(err, (int)-length,
			"the %s of the known answer from %s is broken", what, vector->source);
	return (int)length;
}

static struct gw_crypto_key *read_key(const struct gw_crypto_vector *vector, struct gw_error *err)
{
	uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY], integrity_key[GW_MAX_INTEGRITY_KEY];
	int encryption_bytes, integrity_bytes;

	encryption_bytes = read_hex(vector->encryption_key, "encryption key", encryption_key,
		sizeof(encryption_key), vector, err);
	integrity_bytes = read_hex(vector->integrity_key, "integrity key", integrity_key,
		sizeof(integrity_key), vector, err);
	if (encryption_bytes < 0 || integrity_bytes < 0)
		return NULL;
	return gw_crypto_key_make(
		&(struct gw_crypto_key_spec){
			.encryption = vector->encryption,
			.integrity = vector->integrity,
			.encryption_key = encryption_key,
			.encryption_key_bytes = encryption_bytes,
			.integrity_key = integrity_key,
			.integrity_key_bytes = integrity_bytes,
			.esn = vector->esn,
		},
		err);
}

int gw_crypto_case_open(
	const struct gw_crypto_vector *vector, struct gw_crypto_case *test, struct gw_error *err)
{
	uint8_t text[GW_CRYPTO_VECTOR_BYTES];
	int packet_bytes =
		read_hex(vector->packet, "packet", test->packet, sizeof(test->packet), vector, err);
	int text_bytes = read_hex(vector->text, "text", text, sizeof(text), vector, err);

	if (packet_bytes < 0 || text_bytes < 0)
		return -EINVAL;
	test->key = read_key(vector, err);
	if (!test->key)
		return -EINVAL;
	test->packet_bytes = packet_bytes;
	test->payload_bytes = text_bytes;
	test->payload_at = GW_CRYPTO_ESP_BYTES + test->key->iv_bytes;
	if (test->packet_bytes != test->payload_at + text_bytes + test->key->icv_bytes) {
		gw_crypto_case_close(test);
		return gw_error_set(
			err, EINVAL, "the known answer from %s has a wrong length", vector->source);
	}
	memcpy(test->clear, test->packet, sizeof(test->clear));
	memcpy(test->clear + test->payload_at, text, text_bytes);
	return 0;
}

void gw_crypto_case_close(struct gw_crypto_case *test)
{
	gw_crypto_key_free(test->key);
	test->key = NULL;
}

struct bench {
	uint8_t packets[COPIES][GW_CRYPTO_VECTOR_BYTES];
	struct gw_crypto_op ops[COPIES];
};

static void lay_out(struct bench *bench, const struct gw_crypto_vector *vector,
	const struct gw_crypto_case *test, const uint8_t *packet)
{
	for (unsigned int i = 0; i < COPIES; i++) {
		memcpy(bench->packets[i], packet, GW_CRYPTO_VECTOR_BYTES);
		bench->ops[i] = (struct gw_crypto_op){
			.key = test->key,
			.esp = bench->packets[i],
			.payload_bytes = test->payload_bytes,
			.sequence = vector->sequence,
		};
	}
}

static bool seals(struct gw_crypto_engine *engine, struct bench *bench,
	const struct gw_crypto_vector *vector, const struct gw_crypto_case *test)
{
	unsigned int icv_at = test->payload_at + test->payload_bytes;
	uint8_t clear[GW_CRYPTO_VECTOR_BYTES];

	memcpy(clear, test->clear, sizeof(clear));
	memset(clear + icv_at, 0, test->key->icv_bytes);
	lay_out(bench, vector, test, clear);
	gw_crypto_seal_keeping_iv(engine, bench->ops, COPIES);
	for (unsigned int i = 0; i < COPIES; i++)
		if (bench->ops[i].status != GW_CRYPTO_OK ||
			memcmp(bench->packets[i], test->packet, test->packet_bytes) != 0)
			return false;
	return true;
}

static bool opens(struct gw_crypto_engine *engine, struct bench *bench,
	const struct gw_crypto_vector *vector, const struct gw_crypto_case *test)
{
	unsigned int icv_at = test->payload_at + test->payload_bytes;

	lay_out(bench, vector, test, test->packet);
	for (unsigned int i = 0; i < COPIES; i++)
		if (i % 3 != 0)
			bench->packets[i][icv_at + i % test->key->icv_bytes] ^= 1u << (i % 8);
	gw_crypto_open(engine, bench->ops, COPIES);
	for (unsigned int i = 0; i < COPIES; i++) {
		if (i % 3 != 0) {
			if (bench->ops[i].status != GW_CRYPTO_BAD_ICV)
				return false;
		} else if (bench->ops[i].status != GW_CRYPTO_OK ||
			   memcmp(bench->packets[i], test->clear, test->packet_bytes) != 0) {
			return false;
		}
	}
	return true;
}

static void refuse(
	enum gw_encryption_id encryption, enum gw_integrity_id integrity, const char *reason)
{
	if (refused[encryption][integrity])
		return;
	gw_log_error("%s%s%s is refused: %s", gw_encryptions[encryption].name,
		integrity ? " with " : "", integrity ? gw_integrities[integrity].name : "", reason);
	gw_crypto_disable(encryption, integrity);
}

// Payloads count as short, as medium and as long, whatever their length: what computes each size is
// tested.
static bool proves(struct gw_crypto_engine *engine, struct bench *bench,
	const struct gw_crypto_vector *vector, const struct gw_crypto_case *test)
{
	bool good = true;

	for (int size = 0; size < GW_CRYPTO_SIZES && good; size++) {
		engine->short_bytes = size > GW_CRYPTO_SHORT ? 0 : UINT32_MAX;
		engine->medium_bytes = size > GW_CRYPTO_MEDIUM ? 0 : UINT32_MAX;
		good = seals(engine, bench, vector, test) && opens(engine, bench, vector, test);
	}
	return good;
}

static void run_vector(struct gw_crypto_engine *engine, struct bench *bench,
	const struct gw_crypto_vector *vector, bool *proven)
{
	struct gw_error err = {};
	struct gw_crypto_case test;
	char reason[512];

	if (gw_crypto_case_open(vector, &test, &err) < 0) {
		refuse(vector->encryption, vector->integrity, err.text);
		return;
	}
	proven[test.key->class] = true;
	if (!proves(engine, bench, vector, &test)) {
		snprintf(reason, sizeof(reason), "it does not give the known answer of %s",
			vector->source);
		refuse(vector->encryption, vector->integrity, reason);
	}
	gw_crypto_case_close(&test);
}

// A combination that nothing was proven of is refused as well.
static void refuse_unproven(const bool *proven)
{
	for (int e = 0; e < GW_ENCRYPTION_COUNT; e++)
		for (unsigned int k = 0; k < GW_KEY_LENGTHS; k++)
			for (int i = 0; i < GW_INTEGRITY_COUNT; i++) {
				unsigned int class = gw_crypto_class(e, k, i);

				if (gw_crypto_plan_exists(gw_crypto_plan(class)) && !proven[class])
					refuse(e, i, "there is no known answer to test it by");
			}
}

int gw_crypto_self_test_by(const struct gw_crypto_vector *vectors, unsigned int count)
{
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct bench *bench = malloc(sizeof(*bench));
	bool proven[GW_CRYPTO_CLASSES] = {};
	int failed = 0;

	if (!engine || !bench) {
		gw_crypto_engine_free(engine);
		free(bench);
		return -ENOMEM;
	}
	memset(refused, 0, sizeof(refused));
	for (unsigned int i = 0; i < count; i++)
		run_vector(engine, bench, &vectors[i], proven);
	refuse_unproven(proven);
	for (int e = 0; e < GW_ENCRYPTION_COUNT; e++)
		for (int i = 0; i < GW_INTEGRITY_COUNT; i++)
			failed += refused[e][i];
	free(bench);
	gw_crypto_engine_free(engine);
	return failed;
}

int gw_crypto_self_test(void)
{
	int failed = gw_crypto_self_test_by(gw_crypto_vectors, gw_crypto_vector_count);
	int more = failed < 0 ? 0 : gw_crypto_auth_self_test();

	return more < 0 ? more : failed + more;
}
