// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Overwrites size bytes so that the compiler cannot leave it out.
static inline void gw_wipe(void *data, size_t size)
{
	explicit_bzero(data, size);
}

// Compares in time that depends on size alone: for integrity check values.
static inline bool gw_equal_in_constant_time(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}
