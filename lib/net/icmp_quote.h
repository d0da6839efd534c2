// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

// An ICMP error that says a packet of IPsec was too long for its way, as a router sends it (RFC
// 1191 section 4, RFC 8201): what it quotes of that packet, and the MTU it tells. Nothing of it is
// authentic; the quote is what its receiver can compare with what it sent (RFC 4301 section 6.1.1).

struct gw_icmp_quote {
	struct gw_flow flow; // of the quoted packet; its protocol is ESP, AH or UDP
	uint32_t spi;        // host order
	uint32_t sequence;   // the low half, host order
	uint16_t mtu;        // less than the quoted packet had
};

// Whether an ICMP message is one that could be about the length of a packet: by the type and code
// that the parser found.
bool gw_icmp_is_too_big(const struct gw_flow *flow);

// Reads such a message: size bytes of a whole IP packet whose header was checked, header_bytes of
// it before the ICMP header. False: its checksum is wrong, it is not about a packet of IPsec, it
// quotes too little (of ESP 8 bytes, of AH 12, of ESP in UDP 16), or it tells nothing new. ESP in
// UDP is known by port 4500 on either side and an SPI that is not zero (RFC 3948 section 2.2).
// quote is written in full when the result is true.
bool gw_icmp_quote_read(
	const void *packet, uint32_t header_bytes, uint32_t size, struct gw_icmp_quote *quote);
