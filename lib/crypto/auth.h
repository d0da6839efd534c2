// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "crypto/engine.h"

// AH's cryptography over vectors of packets (RFC 4302 section 3.3.3): the ICV of a message that
// holds zeros where it will stand. What of a packet is covered, and how, is ipsec/ah.h's.
//
// Keys are those of ESP's NULL encryption with an integrity algorithm, or of AES-GMAC, whose value
// is its 8-byte IV and then the ICV (RFC 4543 section 4).

// Behind each message this many bytes have to be there: under ESN the number's high half is put
// into the first four (RFC 4302 section 2.5.1), the library may read the others.
#define GW_CRYPTO_AUTH_BACK 16
// The longest value: an IV and an ICV are never both as long as can be.
#define GW_CRYPTO_AUTH_MAX_VALUE 32

struct gw_crypto_auth_op {
	const struct gw_crypto_key *key;
	uint8_t *message;
	uint8_t *value;               // IV, where the key has one, and ICV: no part of the message
				      // while it is computed; see below
	uint32_t bytes;               // of the message
	enum gw_crypto_status status; // set by the engine
	uint64_t sequence;            // with the high half even where only the low half is sent
};

// Writes each value, and sets each op's status. value may lie within the message: all reading is
// done before anything is written there.
void gw_crypto_auth_seal(
	struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops, unsigned int count);

// Compares each value, which lies outside the message, with what it should be, in constant time;
// sets each op's status.
void gw_crypto_auth_open(
	struct gw_crypto_engine *engine, struct gw_crypto_auth_op *ops, unsigned int count);

// Control core: known answers for AH, part of gw_crypto_self_test. Returns how many algorithms it
// had to refuse besides those refused before, or -ENOMEM.
int gw_crypto_auth_self_test(void);
