// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/checksum.h"

#include <string.h>

// One's complement addition does not mind in which word size it is done (RFC 1071 section 2B).
uint32_t gw_checksum_add(uint32_t sum, const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint64_t wide = sum;

	for (; size >= 4; size -= 4, bytes += 4) {
		uint32_t word;

		memcpy(&word, bytes, sizeof(word));
		wide += word;
	}
	if (size) {
		uint32_t word = 0;

		memcpy(&word, bytes, size);
		wide += word;
	}
	return gw_checksum_narrow(wide);
}
