// Called by: control core (made there at start; workers only read it)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <intel-ipsec-mb.h>

#include "crypto/manager.h"
#include "spec/algorithm.h"

// Which calls of IPsec-MB, or code of our own, compute what on this CPU. A class is one combination
// of algorithms and key length: its packets are computed together, whatever SA they belong to.

#define GW_CRYPTO_CLASSES (GW_ENCRYPTION_COUNT * GW_KEY_LENGTHS * GW_INTEGRITY_COUNT)

struct gw_crypto_engine;
struct gw_crypto_op;

// One way to compute a class. Both functions get ops of one class and set their status to
// GW_CRYPTO_OK or GW_CRYPTO_BAD_ICV; what they leave alone has failed.
struct gw_crypto_way {
	const char *name;
	bool own; // needs no manager of IPsec-MB to run; AES-GCM: its key is a gw_vaes_key
	void (*seal)(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
		unsigned int count);
	void (*open)(struct gw_crypto_engine *engine, IMB_MGR *manager, struct gw_crypto_op **ops,
		unsigned int count);
};

extern const struct gw_crypto_way gw_crypto_gcm_direct;
extern const struct gw_crypto_way gw_crypto_gcm_vaes;
extern const struct gw_crypto_way gw_crypto_gcm_vaes_wide;
extern const struct gw_crypto_way gw_crypto_gmac_direct;
extern const struct gw_crypto_way gw_crypto_ccm_job;
extern const struct gw_crypto_way gw_crypto_chacha_direct;
extern const struct gw_crypto_way gw_crypto_chacha_job;
extern const struct gw_crypto_way gw_crypto_cipher_hash_burst;

struct gw_crypto_choice {
	const struct gw_crypto_way *way;
	enum gw_crypto_path path; // that keys are expanded by, even for code of our own
};

// What is fastest depends on the length: payloads up to GW_CRYPTO_SHORT_BYTES, up to
// GW_CRYPTO_MEDIUM_BYTES, and longer ones.
enum gw_crypto_size { GW_CRYPTO_SHORT, GW_CRYPTO_MEDIUM, GW_CRYPTO_LONG, GW_CRYPTO_SIZES };
#define GW_CRYPTO_SHORT_BYTES  192u
#define GW_CRYPTO_MEDIUM_BYTES 768u

enum gw_crypto_direction { GW_CRYPTO_OPEN, GW_CRYPTO_SEAL, GW_CRYPTO_DIRECTIONS };

// All without a way: there is no such combination of algorithms. Those of AES-GCM and AES-GMAC are
// all alike, because their keys are laid out for one of them.
struct gw_crypto_plan {
	struct gw_crypto_choice choices[GW_CRYPTO_DIRECTIONS][GW_CRYPTO_SIZES];
};

unsigned int gw_crypto_class(
	enum gw_encryption_id encryption, unsigned int key_size, enum gw_integrity_id integrity);

// Made at the first call, for the CPU's features. The keys of GCM are expanded for the path in it,
// so that it must not change while keys exist.
const struct gw_crypto_plan *gw_crypto_plan(unsigned int class);

// Both before any key and engine: the plan of a CPU that has no more than features, and another
// one for a single class.
void gw_crypto_plan_limit(uint64_t features);
// Those that the CPU, or the limit, has.
uint64_t gw_crypto_plan_features(void);
void gw_crypto_plan_choose(unsigned int class, const struct gw_crypto_plan *plan);

static inline bool gw_crypto_plan_exists(const struct gw_crypto_plan *plan)
{
	return plan->choices[GW_CRYPTO_SEAL][GW_CRYPTO_SHORT].way;
}

// What keys are expanded for.
static inline const struct gw_crypto_choice *gw_crypto_plan_key(const struct gw_crypto_plan *plan)
{
	return &plan->choices[GW_CRYPTO_SEAL][GW_CRYPTO_SHORT];
}

IMB_CIPHER_MODE gw_crypto_cipher(enum gw_encryption_id encryption);
IMB_HASH_ALG gw_crypto_hash(enum gw_integrity_id integrity);
