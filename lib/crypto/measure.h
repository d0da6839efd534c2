// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/plan.h"

// The plan for this CPU, found by measuring at start everything that can compute each kind of
// algorithm, in milliseconds.

// What the measurement chooses among: all that the CPU can run, or what is pinned. Algorithms that
// the pinned code does not have are measured as if nothing was.
enum gw_crypto_pin {
	GW_CRYPTO_PIN_NONE,
	GW_CRYPTO_PIN_VAES,
	GW_CRYPTO_PIN_AVX512,
	GW_CRYPTO_PIN_AVX2,
	GW_CRYPTO_PIN_AVX,
	GW_CRYPTO_PIN_SSE,
};

#define GW_CRYPTO_MOST_CANDIDATES 8
#define GW_CRYPTO_MOST_FAMILIES   32

// One way of one code path, with cycles of the time stamp counter per packet.
struct gw_crypto_candidate {
	struct gw_crypto_choice choice;
	uint32_t cycles[GW_CRYPTO_DIRECTIONS][GW_CRYPTO_SIZES]; // UINT32_MAX: it failed
};

// Classes that differ in length of key or ICV alone are measured once.
struct gw_crypto_family {
	enum gw_encryption_id encryption; // of those measured; with the shortest key
	enum gw_integrity_id integrity;
	unsigned int count;
	struct gw_crypto_candidate candidates[GW_CRYPTO_MOST_CANDIDATES];
	uint8_t chosen[GW_CRYPTO_DIRECTIONS][GW_CRYPTO_SIZES]; // places of candidates
};

// Payload bytes that stand for each size.
extern const uint32_t gw_crypto_measured_bytes[GW_CRYPTO_SIZES];

// Measures and sets the plan; before any key and engine, and before the self-test, which proves
// what was chosen. 0, or a negative errno with err filled, as when the CPU lacks what is pinned.
int gw_crypto_measure(enum gw_crypto_pin pin, struct gw_error *err);

// What was found, in the order of the algorithms; none before the measurement.
const struct gw_crypto_family *gw_crypto_measured(unsigned int *count);

// "direct, AVX2" or "VAES": as people read it.
const char *gw_crypto_choice_name(
	const struct gw_crypto_choice *choice, char *buffer, unsigned int size);
