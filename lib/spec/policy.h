// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "net/addr.h"
#include "spec/sa.h"

// A policy of the SPD (RFC 4301 section 4.4.1).

enum gw_action { GW_ACTION_DISCARD, GW_ACTION_BYPASS, GW_ACTION_PROTECT };

#define GW_PROTOCOL_ANY 0 // in a selector: any upper-layer protocol

struct gw_port_range {
	uint16_t first;
	uint16_t last; // inclusive; 0 to 65535 is ANY
};

struct gw_selector {
	struct gw_range source; // both of one family
	struct gw_range destination;
	uint8_t protocol; // GW_PROTOCOL_ANY: any (IPv6 hop-by-hop, which is 0, cannot be selected)
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

bool gw_port_range_any(const struct gw_port_range *range);
extern const char *const gw_action_words[]; // "discard", "bypass", "protect"
