// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

// ICMP errors in transit are judged by the traffic they belong to (RFC 4301 section 6.2): the
// header of the packet that caused the error is taken out of the message and reversed, which makes
// it the header of an answer to that packet.

// Bytes of a message, its ICMP header included, that are enough to read any quoted header in it.
#define GW_ICMP_RETURN_BYTES 256

// Whether flow is that of an ICMP error which quotes a packet, by the type that the parser found.
// Not a redirect: that is for the link it came by.
bool gw_icmp_is_error(const struct gw_flow *flow);

// The flow of answers to the packet that an error with the flow error is about: addresses and ports
// of the quoted packet reversed, and of an echo or timestamp the type of its answer. Reads at most
// size bytes of message, an ICMP message of its family, whose checksum is not looked at. False:
// what it quotes is no packet, or is no packet of the host that the error goes to. answer is
// written in full when the result is true.
bool gw_icmp_return_flow(
	const struct gw_flow *error, const void *message, uint32_t size, struct gw_flow *answer);
