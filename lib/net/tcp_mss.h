// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// The maximum segment size that a TCP SYN offers (RFC 9293 section 3.7.1), lowered on its way.

#define GW_TCP_BYTES 20

// Whether the segment, of which size bytes are there, opens a connection.
static inline bool gw_tcp_is_syn(const uint8_t *tcp, uint32_t size)
{
	return size >= GW_TCP_BYTES && (tcp[13] & 0x02);
}

// Lowers what a SYN offers to mss in place, and the checksum follows. A SYN without the option, or
// with options that are malformed, stays as it is from there on. tcp is a SYN of which size bytes
// are there; whether it changed.
bool gw_tcp_mss_clamp(uint8_t *tcp, uint32_t size, uint16_t mss);
