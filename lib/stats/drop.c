// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "stats/drop.h"

const struct gw_drop_info gw_drop_table[GW_DROP_COUNT] = {
#define DROP(identifier, name, scope, severity, meaning, remedy)                                   \
	[GW_DROP_##identifier] = { name, GW_DROP_SCOPE_##scope, GW_DROP_SEVERITY_##severity,       \
		meaning, remedy },
#include "stats/drop.def"
#undef DROP
};

const uint8_t gw_sa_drop_reason[GW_SA_DROP_COUNT] = {
#define ROW_SA(identifier) [GW_SA_DROP_##identifier] = GW_DROP_##identifier,
#define ROW_BOX(identifier)
#define DROP(identifier, name, scope, severity, meaning, remedy) ROW_##scope(identifier)
#include "stats/drop.def"
#undef DROP
#undef ROW_SA
#undef ROW_BOX
};

const int8_t gw_drop_sa_index[GW_DROP_COUNT] = {
#define INDEX_SA(identifier)  GW_SA_DROP_##identifier
#define INDEX_BOX(identifier) -1
#define DROP(identifier, name, scope, severity, meaning, remedy)                                   \
	[GW_DROP_##identifier] = INDEX_##scope(identifier),
#include "stats/drop.def"
#undef DROP
#undef INDEX_SA
#undef INDEX_BOX
};

const char *gw_drop_severity_name(enum gw_drop_severity severity)
{
	static const char *const names[] = { "normal", "warning", "attack", "resource" };

	return names[severity];
}
