// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

// The Internet checksum (RFC 1071) over size bytes, continued from sum; not folded to the end. In a
// sum of several pieces only the last may have an odd size.
uint32_t gw_checksum_add(uint32_t sum, const void *data, uint32_t size);

// From a sum in 64 bits, as made by adding 32-bit words, to one that gw_checksum_finish takes.
static inline uint32_t gw_checksum_narrow(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

// The same as gw_checksum_add(0, data, 20): over an IPv4 header without options.
static inline uint32_t gw_checksum_20(const void *data)
{
	uint32_t words[5];

	memcpy(words, data, sizeof(words));
	return gw_checksum_narrow((uint64_t)words[0] + words[1] + words[2] + words[3] + words[4]);
}

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

// The word of an IPv4 header at byte offset at was old_word: makes the header's checksum follow.
static inline void gw_ipv4_checksum_follow(uint8_t *header, unsigned int at, uint16_t old_word)
{
	uint16_t checksum, new_word;

	memcpy(&new_word, header + at, sizeof(new_word));
	memcpy(&checksum, header + 10, sizeof(checksum));
	checksum = gw_checksum_update(checksum, old_word, new_word);
	memcpy(header + 10, &checksum, sizeof(checksum));
}

// Lowers the TTL of a checked IPv4 header, which is not 0, by one in place; the checksum follows,
// as gw_checksum_update has it: the word of TTL and protocol becomes less by 0x100.
static inline void gw_ipv4_ttl_decrement(uint8_t *header)
{
	uint16_t checksum;
	uint32_t sum;

	header[8]--;
	memcpy(&checksum, header + 10, sizeof(checksum));
	sum = checksum + (uint32_t)RTE_BE16(0x100);
	checksum = (uint16_t)(sum + (sum >= 0xffff));
	memcpy(header + 10, &checksum, sizeof(checksum));
}

// Lowers TTL or hop limit by one in place. data is a checked IP header whose TTL is not 0.
static inline void gw_ttl_decrement(void *data)
{
	uint8_t *header = (uint8_t *)data;

	if (header[0] >> 4 == 6)
		header[7]--;
	else
		gw_ipv4_ttl_decrement(header);
}

// Sets TOS or traffic class in place; the IPv4 checksum follows. data is a checked IP header.
static inline void gw_tos_set(void *data, uint8_t tos)
{
	uint8_t *header = (uint8_t *)data;
	uint16_t old_word;

	if (header[0] >> 4 == 6) {
		header[0] = (uint8_t)(0x60 | tos >> 4);
		header[1] = (uint8_t)(tos << 4 | (header[1] & 0x0f));
		return;
	}
	memcpy(&old_word, header, sizeof(old_word));
	header[1] = tos;
	gw_ipv4_checksum_follow(header, 0, old_word);
}
