// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "net/addr.h"
#include "net/protocol.h"
#include "spec/sa.h"

// A policy of the SPD (RFC 4301 section 4.4.1).

enum gw_action { GW_ACTION_DISCARD, GW_ACTION_BYPASS, GW_ACTION_PROTECT };

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

struct gw_policy_spec {
	char name[GW_NAME_SIZE]; // for people; may be empty
	enum gw_direction direction;
	uint32_t priority; // lower wins, as in `ip xfrm`; among equals the one added first
	enum gw_action action;
	struct gw_selector selector;
	uint32_t reqid; // PROTECT: which SAs carry the traffic; otherwise 0
};

// What identifies a policy: two with the same id are alike.
struct gw_policy_id {
	enum gw_direction direction;
	uint32_t priority;
	struct gw_selector selector;
};

int gw_policy_spec_read(json_t *object, struct gw_policy_spec *spec, struct gw_error *err);
int gw_policy_spec_check(const struct gw_policy_spec *spec, struct gw_error *err);
json_t *gw_policy_spec_write(const struct gw_policy_spec *spec);

int gw_policy_id_read(json_t *object, struct gw_policy_id *id, struct gw_error *err);
struct gw_policy_id gw_policy_spec_id(const struct gw_policy_spec *spec);
bool gw_policy_id_equal(const struct gw_policy_id *a, const struct gw_policy_id *b);

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

extern const char *const gw_action_words[]; // "discard", "bypass", "protect"
