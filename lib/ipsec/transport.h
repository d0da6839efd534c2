// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

// ESP in transport mode (RFC 4303 section 3.1.1): where it stands in an IP packet, and the IP
// header that follows it. Pure functions on bytes.

struct gw_transport_point {
	uint16_t bytes;   // of the headers before ESP
	uint16_t next_at; // offset of the byte that names what follows them
};

// Where ESP goes into the packet whose first size bytes are at ip: behind the IPv4 header with its
// options; behind an IPv6 header with its hop-by-hop options, routing header and the destination
// options before that, which nodes on the way read. Destination options without a routing header
// behind them are the last node's and go into ESP. False when the headers do not end within size
// bytes, or with a fragment header: fragments are not protected in transport mode. ip is a checked
// packet.
bool gw_transport_find(const uint8_t *ip, uint32_t size, struct gw_transport_point *point);

// The reverse: the point at which headers of bytes end, as the parser found them. False when they
// do not.
bool gw_transport_point_at(const uint8_t *ip, uint32_t bytes, struct gw_transport_point *point);

// Makes the headers at ip those of a packet of total_bytes with next_header behind them.
void gw_transport_header_set(uint8_t *ip, const struct gw_transport_point *point,
	uint8_t next_header, uint32_t total_bytes);

// RFC 3948 section 3.1.2: a NAT has changed addresses that the upper layer's checksum covers. Their
// originals are not known here, so the checksum is made anew over all of TCP, ICMPv6 and, in IPv6,
// UDP; in IPv4 that of UDP is taken away. What ESP's integrity check has covered was right. ip
// describes packet.
void gw_transport_checksum_repair(uint8_t *packet, const struct gw_ip *ip);
