// Called by: both (worker; control core for lengths)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

// AH's layout, and the headers before it as its ICV covers them (RFC 4302): pure functions on bytes
// that the caller has proved to be there.

struct gw_ah_header {
	uint8_t next_header;
	uint8_t length; // of AH, in 32-bit words minus 2 (RFC 4302 section 2.2)
	rte_be16_t reserved;
	rte_be32_t spi;
	rte_be32_t sequence;
} __attribute__((packed));

#define GW_AH_HEADER_BYTES  12                           // before the value: IV, if any, and ICV
#define GW_AH_MAX_BYTES     48                           // with HMAC-SHA2-512-256 over IPv6
#define GW_AH_MAX_FRONT     (40 + GW_AH_MAX_BYTES)       // and the IPv6 header of a tunnel
#define GW_AH_LENGTH(bytes) ((uint8_t)((bytes) / 4 - 2)) // the field

// Bytes of AH around a value of value_bytes: the value is padded so that AH is a multiple of 4
// bytes over IPv4, of 8 over IPv6 (RFC 4302 section 3.3.3.2.1).
static inline uint8_t gw_ah_bytes(uint8_t family, uint32_t value_bytes)
{
	const uint32_t align = family == 4 ? 4 : 8;

	return (uint8_t)((GW_AH_HEADER_BYTES + value_bytes + align - 1) & -align);
}

// Bytes of a received AH by its length field, or 0: it is not what the value asks for. Over IPv4 a
// multiple of 8 is taken too: Linux pads so unless it is told not to (XFRM_STATE_ALIGN4), and the
// ICV covers the padding.
static inline uint32_t gw_ah_bytes_received(uint8_t length, uint8_t family, uint32_t value_bytes)
{
	const uint32_t bytes = (length + 2u) * 4;

	return bytes == gw_ah_bytes(family, value_bytes) || bytes == gw_ah_bytes(6, value_bytes)
		       ? bytes
		       : 0;
}

// Writes an AH of bytes, with zeros for the value and its padding.
void gw_ah_write(
	uint8_t *ah, uint8_t next_header, uint32_t bytes, rte_be32_t spi, uint32_t sequence);

// Makes the headers of bytes at ip, which stand before AH, what the ICV covers (RFC 4302 section
// 3.3.3.1, appendix A): what changes on the way is zero, and what changes in a way that can be told
// is as the receiver will see it. False, with ip in some state between, where that cannot be known:
// options that are malformed, a routing header of an unknown type with segments left, a fragment
// header. ip is a checked packet; the caller keeps a copy to put back.
bool gw_ah_cover(uint8_t *ip, uint32_t bytes);
