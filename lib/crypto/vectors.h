// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/key.h"
#include "spec/algorithm.h"

// Known answers: whole ESP packets, in hexadecimal. Every combination of algorithms and key length
// has at least one, or the self-test refuses it.
struct gw_crypto_vector {
	const char *source;
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	bool esn;
	uint64_t sequence;
	const char *encryption_key; // key, then salt
	const char *integrity_key;
	const char *text;   // payload with padding and trailer, before encryption
	const char *packet; // from the SPI to the ICV
};

extern const struct gw_crypto_vector gw_crypto_vectors[];
extern const unsigned int gw_crypto_vector_count;

#define GW_CRYPTO_VECTOR_BYTES 512 // no packet is longer

// A vector in binary, with its keys expanded.
struct gw_crypto_case {
	struct gw_crypto_key *key;
	uint8_t packet[GW_CRYPTO_VECTOR_BYTES];
	uint8_t clear[GW_CRYPTO_VECTOR_BYTES]; // packet with the text in place of the ciphertext
	unsigned int packet_bytes;
	unsigned int payload_at;
	unsigned int payload_bytes;
};

// Reads vector; the case owns its key until gw_crypto_case_close. 0, or a negative errno with err
// filled.
int gw_crypto_case_open(
	const struct gw_crypto_vector *vector, struct gw_crypto_case *test, struct gw_error *err);
void gw_crypto_case_close(struct gw_crypto_case *test);

// The self-test by other vectors than gw_crypto_vectors: for tests of the test. Returns as
// gw_crypto_self_test does.
int gw_crypto_self_test_by(const struct gw_crypto_vector *vectors, unsigned int count);
