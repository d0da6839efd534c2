// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

// The ICMP errors a gateway sends (RFC 792, RFC 1812 section 4.3, RFC 4443).
enum gw_icmp_error {
	GW_ICMP_TTL_EXCEEDED,     // v4 11/0, v6 3/0
	GW_ICMP_TOO_BIG,          // v4 3/4, v6 2/0; parameter: the MTU
	GW_ICMP_NO_ROUTE,         // v4 3/0, v6 1/0
	GW_ICMP_HOST_UNREACHABLE, // v4 3/1, v6 1/3
	GW_ICMP_ADMIN_PROHIBITED, // v4 3/13, v6 1/1
};

// Whether an error may be sent about this packet at all: not about ICMP errors, later fragments,
// multicast or broadcast (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4). packet is a whole IP
// header checked before; size bytes of it may be read.
bool gw_icmp_error_allowed(const void *packet, uint32_t size);

// How many bytes gw_icmp_error_build will write about a packet of size bytes: at most 576 (v4) or
// 1280 (v6).
uint32_t gw_icmp_error_bytes(const void *packet, uint32_t size);

// Writes a complete IP packet: IP header from source to the packet's source, ICMP header, as much
// of the packet as fits. out has room for gw_icmp_error_bytes(). source is of the packet's family.
// Returns the bytes written.
uint32_t gw_icmp_error_build(void *out, const void *packet, uint32_t size,
	const struct gw_addr *source, enum gw_icmp_error error, uint32_t parameter);
