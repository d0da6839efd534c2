// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// TCP segments whose maximum segment size is clamped. The first two bytes are the bound, the rest
// the segment: no byte is touched beyond it, and its checksum stays what it was, right or wrong.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "net/tcp_mss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

// The sum over it all, of which there are two forms of zero.
static uint16_t sum_of(const uint8_t *segment, uint32_t size)
{
	uint16_t sum = gw_checksum_finish(gw_checksum_add(0, segment, size));

	return sum == 0xffff ? 0 : sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	uint8_t *segment;
	uint16_t before, mss;
	uint32_t size;

	if (length < 2 || length > 2000)
		return 0;
	mss = (uint16_t)(data[0] << 8 | data[1]);
	size = (uint32_t)length - 2;
	segment = malloc(size ? size : 1);
	memcpy(segment, data + 2, size);
	before = sum_of(segment, size);
	if (gw_tcp_is_syn(segment, size)) {
		bool changed = gw_tcp_mss_clamp(segment, size, mss);

		if (sum_of(segment, size) != before)
			abort();
		if (changed == (memcmp(segment, data + 2, size) == 0))
			abort();
		// What was clamped needs it no more.
		if (gw_tcp_mss_clamp(segment, size, mss))
			abort();
	}
	free(segment);
	return 0;
}
