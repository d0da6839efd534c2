// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/tcp_mss.h"

#include <rte_byteorder.h>

#include "net/checksum.h"
#include "net/ip.h"

#define OPTION_END  0
#define OPTION_NONE 1
#define OPTION_MSS  2
#define MSS_BYTES   4
#define CHECKSUM_AT 16

// The word of the option stands wherever the options before let it: at an odd place its bytes count
// in the checksum the other way round.
static void set_word(uint8_t *tcp, uint32_t at, uint16_t value)
{
	uint16_t old_word, new_word = rte_cpu_to_be_16(value), checksum;

	memcpy(&old_word, tcp + at, sizeof(old_word));
	memcpy(tcp + at, &new_word, sizeof(new_word));
	if (at & 1) {
		old_word = rte_bswap16(old_word);
		new_word = rte_bswap16(new_word);
	}
	memcpy(&checksum, tcp + CHECKSUM_AT, sizeof(checksum));
	checksum = gw_checksum_update(checksum, old_word, new_word);
	memcpy(tcp + CHECKSUM_AT, &checksum, sizeof(checksum));
}

bool gw_tcp_mss_clamp(uint8_t *tcp, uint32_t size, uint16_t mss)
{
	uint32_t end, at = GW_TCP_BYTES;
	bool changed = false;

	if (size < GW_TCP_BYTES)
		return false;
	end = (tcp[12] >> 4) * 4u;
	if (end > size)
		return false;
	while (at < end && tcp[at] != OPTION_END) {
		uint32_t bytes;

		if (tcp[at] == OPTION_NONE) {
			at++;
			continue;
		}
		if (end - at < 2)
			break;
		bytes = tcp[at + 1];
		if (bytes < 2 || bytes > end - at)
			break;
		if (tcp[at] == OPTION_MSS && bytes == MSS_BYTES && gw_load_16(tcp + at + 2) > mss) {
			set_word(tcp, at + 2, mss);
			changed = true;
		}
		at += bytes;
	}
	return changed;
}
