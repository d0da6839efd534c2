// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "spec/algorithm.h"

// The expanded keys of one SA, in memory that is not swapped nor dumped (DPDK's); read by workers,
// never changed.
struct gw_crypto_key;

struct gw_crypto_key_spec {
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	const uint8_t *encryption_key; // key, then salt
	uint8_t encryption_key_bytes;
	const uint8_t *integrity_key;
	uint8_t integrity_key_bytes;
	bool esn;
};

// Expands keys. NULL with err filled when the algorithm failed its self-test or there is no memory.
struct gw_crypto_key *gw_crypto_key_new(
	const struct gw_crypto_key_spec *spec, struct gw_error *err);
// Wipes, then frees; call it when no worker can hold the key any more. NULL is allowed.
void gw_crypto_key_free(struct gw_crypto_key *key);

// Bytes in each packet, for whoever builds one.
uint8_t gw_crypto_iv_bytes(const struct gw_crypto_key *key);
uint8_t gw_crypto_icv_bytes(const struct gw_crypto_key *key);
uint8_t gw_crypto_align_bytes(
	const struct gw_crypto_key *key); // of the ciphertext: a power of two, at least 4

// Known-answer tests of every algorithm, once at start, before any key is made. An algorithm that
// fails is logged by name and refused until the test is run again. Returns the number that failed,
// or -ENOMEM.
int gw_crypto_self_test(void);
bool gw_crypto_usable(enum gw_encryption_id encryption, enum gw_integrity_id integrity);
// For tests of the refusal: treats the algorithm as failed.
void gw_crypto_disable(enum gw_encryption_id encryption, enum gw_integrity_id integrity);
