// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>

// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012): a pseudo-random function of
// short inputs. Who does not know the secret can neither make inputs collide, so peers that choose
// SPIs cannot lengthen the chains of a hash table, nor recognise an input by its hash.

#define GW_SIPHASH_SECRET_BYTES 16

struct gw_siphash {
	uint64_t low;
	uint64_t high;
};

struct gw_siphash gw_siphash_128(
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES], const void *data, size_t size);
