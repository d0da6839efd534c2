// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

// The Internet checksum (RFC 1071) over size bytes, continued from sum; not folded.
uint32_t gw_checksum_add(uint32_t sum, const void *data, uint32_t size);

// Folds and complements: the value to store, in network order as it was summed.
static inline uint16_t gw_checksum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// New checksum after one 16-bit word changed from old to new (RFC 1624, equation 3); all in network
// order.
static inline uint16_t gw_checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint16_t)~checksum;

	sum += (uint16_t)~old_word;
	sum += new_word;
	return gw_checksum_finish(sum);
}

// Lowers TTL or hop limit by one in place; the IPv4 checksum follows. data is a checked IP header.
void gw_ttl_decrement(void *data);
// Sets TOS or traffic class in place; the IPv4 checksum follows.
void gw_tos_set(void *data, uint8_t tos);
