// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Explicit congestion notification through tunnels (RFC 6040), the low two bits of TOS or traffic
// class.
#define GW_ECN_MASK 3

enum gw_ecn { GW_ECN_NOT_ECT = 0, GW_ECN_ECT_1 = 1, GW_ECN_ECT_0 = 2, GW_ECN_CE = 3 };

// Normal mode ingress (RFC 6040 section 4.1): the outer field is a copy of the inner one.
static inline uint8_t gw_ecn_encapsulate(uint8_t inner)
{
	return inner & 3;
}

// The combinations that RFC 6040 section 4.2 wants logged, beside the one that is dropped: no
// network and no ingress that keeps the rules makes them.
static inline bool gw_ecn_is_suspect(uint8_t inner, uint8_t outer)
{
	inner &= 3;
	outer &= 3;
	return (inner == GW_ECN_NOT_ECT && (outer == GW_ECN_ECT_0 || outer == GW_ECN_ECT_1)) ||
	       (inner == GW_ECN_ECT_1 && outer == GW_ECN_ECT_0) ||
	       (inner == GW_ECN_CE && outer == GW_ECN_ECT_1);
}

extern const int8_t gw_ecn_egress[4][4]; // [inner][outer]

// Egress (RFC 6040 section 4.2, figure 4). Returns the field to forward, or -1: drop (not-ECT
// inside CE).
static inline int gw_ecn_decapsulate(uint8_t inner, uint8_t outer)
{
	return gw_ecn_egress[inner & 3][outer & 3];
}
