// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Why packets are dropped: identifiers for the data path, sentences for people. The table is
// drop.def.
enum gw_drop {
#define DROP(identifier, name, scope, severity, meaning, remedy) GW_DROP_##identifier,
#include "stats/drop.def"
#undef DROP
	GW_DROP_COUNT
};

enum gw_drop_scope { GW_DROP_SCOPE_BOX, GW_DROP_SCOPE_SA };

enum gw_drop_severity {
	GW_DROP_SEVERITY_NORMAL,
	GW_DROP_SEVERITY_WARN,
	GW_DROP_SEVERITY_ATTACK,
	GW_DROP_SEVERITY_RESOURCE,
};

struct gw_drop_info {
	const char *name;
	enum gw_drop_scope scope;
	enum gw_drop_severity severity;
	const char *meaning;
	const char *remedy;
};

// Indexed by enum gw_drop.
extern const struct gw_drop_info gw_drop_table[GW_DROP_COUNT];

const char *gw_drop_severity_name(enum gw_drop_severity severity);

// Reasons of scope SA numbered without gaps, for the counters of one SA.
enum gw_sa_drop {
#define SA_DROP_SA(identifier) GW_SA_DROP_##identifier,
#define SA_DROP_BOX(identifier)
#define DROP(identifier, name, scope, severity, meaning, remedy) SA_DROP_##scope(identifier)
#include "stats/drop.def"
#undef DROP
#undef SA_DROP_SA
#undef SA_DROP_BOX
	GW_SA_DROP_COUNT
};

// The other way: gw_sa_drop → gw_drop; and gw_drop → gw_sa_drop, or -1 for scope BOX.
extern const uint8_t gw_sa_drop_reason[GW_SA_DROP_COUNT];
extern const int8_t gw_drop_sa_index[GW_DROP_COUNT];
