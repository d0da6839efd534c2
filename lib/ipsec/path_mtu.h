// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipsec/sa.h"
#include "net/icmp_quote.h"

// The MTU of an SA's path (RFC 4301 section 8.2): the lesser of what the route allows and what ICMP
// told, which is believed for a while and never raises it.

#define GW_PATH_MTU_FLOOR_V6 1280 // RFC 8201 section 4

struct gw_path_mtu_rules {
	uint16_t floor_v4;    // bytes below which no ICMP error brings an IPv4 path
	uint32_t age_seconds; // how long one is believed
};

// How many of an SA's latest numbers a quoted one may be among. Anybody may send an ICMP error; who
// has not seen our packets has to guess the SPI and one of 2^14 parts of the numbers.
#define GW_PATH_MTU_RECENT (UINT32_C(1) << 18)

// Whether the quoted packet can be one that the outbound SA sent not long ago: its addresses, its
// UDP ports, its SPI, its number.
bool gw_path_mtu_is_of(const struct gw_sa *sa, const struct gw_icmp_quote *quote);

// What the route to the peer allows.
void gw_path_mtu_set_route(struct gw_sa *sa, uint16_t mtu);
// Believes mtu for age_seconds. False: it is not below what is believed already (the same again
// lasts longer), or above what the route allows.
bool gw_path_mtu_learn(
	struct gw_sa *sa, uint16_t mtu, const struct gw_path_mtu_rules *rules, uint64_t now_ns);
// Forgets what has been believed long enough. Whether it did.
bool gw_path_mtu_age(struct gw_sa *sa, uint64_t now_ns);
