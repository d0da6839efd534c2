// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Headers of IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5).

// What stands in front of the payload's piece: its place in the payload of the packet that is cut.
struct gw_fragment {
	uint32_t offset; // bytes, a multiple of 8
	uint32_t bytes;
	bool last;   // of this packet, which may itself be a fragment that others follow
	uint32_t id; // IPv6: identification; IPv4 keeps the packet's own
};

// Bytes of header of each piece: the packet's own, and for IPv6 a fragment header. header_bytes is
// the whole packet's; for IPv6 it counts only headers that every piece has to have: hop-by-hop
// options, routing header and what stands before that (RFC 8200 section 4.5).
uint32_t gw_fragment_header_bytes(uint8_t family, uint32_t header_bytes);

// Writes that header at out, from the whole packet's header. IPv4 options that are not to be copied
// are replaced by no-operations in all pieces but the first (RFC 791 section 3.1); the header
// checksum is made anew.
void gw_fragment_header_write(uint8_t *out, const uint8_t *header, uint8_t family,
	uint32_t header_bytes, const struct gw_fragment *fragment);
