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
#include "spec/traffic.h"

// A policy of the SPD (RFC 4301 section 4.4.1).

enum gw_action { GW_ACTION_DISCARD, GW_ACTION_BYPASS, GW_ACTION_PROTECT };

struct gw_policy_spec {
	char name[GW_NAME_SIZE]; // for people; may be empty
	enum gw_direction direction;
	uint32_t priority; // lower wins, as in `ip xfrm`; among equals the one added first
	enum gw_action action;
	struct gw_selector selector;
	uint32_t reqid; // PROTECT: which SAs carry the traffic; otherwise 0
	uint32_t if_id; // the tunnel interface whose traffic it is about; 0: traffic of none
	// Outbound PROTECT: populate from packet (RFC 4301 section 4.4.1.2). Bits of enum
	// gw_populate: the fields that an SA has from the packet that asked for it, not from here.
	uint8_t populate;
};

enum gw_populate {
	GW_POPULATE_SOURCE = 1,
	GW_POPULATE_DESTINATION = 2,
	GW_POPULATE_PROTOCOL = 4,
	GW_POPULATE_SOURCE_PORT = 8, // of ICMP the type
	GW_POPULATE_DESTINATION_PORT = 16,
};

// What identifies a policy: two with the same id are alike.
struct gw_policy_id {
	enum gw_direction direction;
	uint32_t priority;
	uint32_t if_id;
	struct gw_selector selector;
};

int gw_policy_spec_read(json_t *object, struct gw_policy_spec *spec, struct gw_error *err);
int gw_policy_spec_check(const struct gw_policy_spec *spec, struct gw_error *err);
json_t *gw_policy_spec_write(const struct gw_policy_spec *spec);

int gw_policy_id_read(json_t *object, struct gw_policy_id *id, struct gw_error *err);
struct gw_policy_id gw_policy_spec_id(const struct gw_policy_spec *spec);
bool gw_policy_id_equal(const struct gw_policy_id *a, const struct gw_policy_id *b);

extern const char *const gw_action_words[]; // "discard", "bypass", "protect"
