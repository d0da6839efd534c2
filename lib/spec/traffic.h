// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/protocol.h"

// Traffic selectors (RFC 4301 section 4.4.1.1): of policies, and of SAs that have their own.

#define GW_PROTOCOL_ANY 0 // in a selector: any upper-layer protocol

struct gw_port_range {
	uint16_t first;
	uint16_t last; // inclusive; 0 to 65535 is ANY, 65535 to 0 OPAQUE (as RFC 7296 section
		       // 3.13.1 writes them)
};

struct gw_selector {
	struct gw_range source; // both of one family
	struct gw_range destination;
	uint8_t protocol; // GW_PROTOCOL_ANY: any (IPv6 hop-by-hop, which is 0, cannot be selected);
			  // GW_PROTOCOL_OPAQUE: one that cannot be seen, IPv6 only
	// For protocols with ports; for ICMP and ICMPv6 the source range holds the type, the
	// destination range the code (RFC 4301 section 4.4.1.1 puts both where ports would be).
	struct gw_port_range source_port;
	struct gw_port_range destination_port;
};

// ANY matches whatever port there is or is not; OPAQUE packets without one that can be seen.
static inline bool gw_port_range_any(const struct gw_port_range *range)
{
	return range->first == 0 && range->last == UINT16_MAX;
}

static inline bool gw_port_range_opaque(const struct gw_port_range *range)
{
	return range->first == UINT16_MAX && range->last == 0;
}

// Whether a packet without visible ports matches (RFC 4301 section 4.4.1.1).
static inline bool gw_port_range_takes_opaque(const struct gw_port_range *range)
{
	return gw_port_range_any(range) || gw_port_range_opaque(range);
}

// The selectors of an SA (RFC 4301 section 4.4.2.1), of its inner packets: any of them has to
// match. None: what its policies cover.
#define GW_MAX_SA_SELECTORS 8

struct gw_sa_selectors {
	uint8_t count;
	struct gw_selector items[GW_MAX_SA_SELECTORS];
};
