// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "net/ip.h"

// The checksum of TCP or UDP (RFC 9293 section 3.1, RFC 768) in a whole packet whose sender left it
// to a network card, as virtual ports may hand it over. packet is contiguous and was parsed to ip;
// anything else than a whole TCP segment or UDP datagram stays as it is.
void gw_l4_checksum_complete(uint8_t *packet, const struct gw_ip *ip);
