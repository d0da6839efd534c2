// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Names and lengths of the algorithms (RFC 8221); the table is algorithm.def. How they are computed
// is crypto's.
enum gw_encryption_id {
	GW_ENCRYPTION_UNSET,
#define ENCRYPTION(id, ...) GW_ENCRYPTION_##id,
#define INTEGRITY(...)
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
	GW_ENCRYPTION_COUNT
};

enum gw_integrity_id {
	GW_INTEGRITY_NONE, // with an AEAD only
#define ENCRYPTION(...)
#define INTEGRITY(id, ...) GW_INTEGRITY_##id,
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
	GW_INTEGRITY_COUNT
};

#define GW_KEY_LENGTHS        3  // that one encryption algorithm has, at most
#define GW_MAX_ENCRYPTION_KEY 36 // bytes, with salt
#define GW_MAX_INTEGRITY_KEY  64

struct gw_encryption {
	const char *name;
	const char *xfrm_name; // what `ip xfrm` and IKE daemons call it
	bool aead;
	uint8_t key_bytes[GW_KEY_LENGTHS]; // without salt, ascending; 0: no further one
	uint8_t salt_bytes;                // at the end of the key, as RFC 4106 section 8.1 has it
	uint8_t iv_bytes;                  // in each packet
	uint8_t block_bytes;               // ciphertext is a multiple of it
	uint8_t icv_bytes;                 // AEAD only
};

struct gw_integrity {
	const char *name;
	const char *xfrm_name;
	uint8_t key_bytes;
	uint8_t icv_bytes;
};

// Indexed by id; the entry of id 0 is all zero, name "none".
extern const struct gw_encryption gw_encryptions[GW_ENCRYPTION_COUNT];
extern const struct gw_integrity gw_integrities[GW_INTEGRITY_COUNT];

// True where the IV follows from the sequence number, so that two SAs with one key would use the
// same nonces.
bool gw_encryption_counts_ivs(enum gw_encryption_id id);

// True where the IV is the sequence number itself and is not sent (RFC 8750): a key must never come
// back with a number that it has used.
bool gw_encryption_has_implicit_iv(enum gw_encryption_id id);

// The place in key_bytes of a key of so many bytes, salt and all; -1 where it is none of them.
int gw_encryption_key_place(enum gw_encryption_id id, unsigned int bytes);
// "20, 28 or 36", of keys with extra bytes after them.
const char *gw_encryption_key_lengths(
	enum gw_encryption_id id, unsigned int extra, char *buffer, size_t size);

// By name or xfrm name; 0 when unknown. The kernel has one xfrm name for all lengths of an AEAD's
// ICV: it stands for the longest.
enum gw_encryption_id gw_encryption_find(const char *name);
enum gw_integrity_id gw_integrity_find(const char *name);
