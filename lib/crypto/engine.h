// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "crypto/key.h"

// ESP's cryptography over vectors of packets (RFC 4303 section 3.2). One engine a worker: it owns
// IPsec-MB's manager and is used by no other thread.
//
// A packet is contiguous: SPI and sequence number (8 bytes), IV, payload with trailer, ICV.
//
//   esp                 esp + 8         esp + 8 + iv                    … + payload_bytes
//   | SPI | sequence    | IV            | payload, padding, trailer     | ICV        |
//
// The engine derives nonce, associated data and ESN handling from the key and the 64-bit sequence
// number (RFC 4106, RFC 4309, RFC 4543, RFC 7634, RFC 3602, RFC 3686; RFC 4303 section 2.2.1 for
// ESN). It writes the IV when sealing: for counter modes the sequence number added to a base that
// no two keys share, not even the same key before and after a restart, so that it repeats only if
// the number does; for CBC the encryption of that number mixed with a random per-key mask, so that
// nobody can predict it (NIST SP 800-38A appendix C).

enum gw_crypto_status {
	GW_CRYPTO_OK,
	GW_CRYPTO_BAD_ICV, // opening only; the payload's bytes are then undefined
	GW_CRYPTO_FAILED,  // the library refused the job, or payload_bytes is no length of the key
};

struct gw_crypto_op {
	const struct gw_crypto_key *key;
	uint8_t *esp;                 // the ESP header in the packet
	uint32_t payload_bytes;       // a multiple of the key's alignment, not 0
	enum gw_crypto_status status; // set by the engine
	uint64_t sequence;            // with the high half even where only the low half is sent
};

struct gw_crypto_engine;

// Control core: NULL when there is no memory or the CPU lacks AES instructions.
struct gw_crypto_engine *gw_crypto_engine_new(void);
void gw_crypto_engine_free(struct gw_crypto_engine *engine);

// Encrypts and appends the ICV; sets each op's status. Ops of all keys and algorithms may be mixed;
// any count.
void gw_crypto_seal(struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count);

// Verifies in constant time and decrypts; sets each op's status.
void gw_crypto_open(struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count);

// "IPsec-MB 1.3.0, AVX2 and VAES of our own": for the log.
const char *gw_crypto_engine_name(
	const struct gw_crypto_engine *engine, char *buffer, unsigned int size);
