// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/interface.h"

#include <errno.h>

bool gw_interface_find(const struct gw_interface_table *table, uint32_t if_id, uint8_t *number)
{
	*number = 0;
	if (if_id == 0)
		return true;
	for (uint8_t i = 1; i <= GW_MAX_INTERFACES; i++) {
		if (table->references[i] && table->if_ids[i] == if_id) {
			*number = i;
			return true;
		}
	}
	return false;
}

int gw_interface_get(
	struct gw_interface_table *table, uint32_t if_id, uint8_t *number, struct gw_error *err)
{
	if (gw_interface_find(table, if_id, number)) {
		table->references[*number]++;
		return 0;
	}
	for (unsigned int i = 0; i < GW_MAX_INTERFACES; i++) {
		uint8_t next = (uint8_t)(table->last % GW_MAX_INTERFACES + 1);

		table->last = next;
		if (table->references[next])
			continue;
		table->if_ids[next] = if_id;
		table->references[next] = 1;
		*number = next;
		return 0;
	}
	return gw_error_set(err, ENOSPC,
		"there are %u if_ids in use already, as many as there may be: give up one, or let "
		"several tunnels share one",
		GW_MAX_INTERFACES);
}

void gw_interface_put(struct gw_interface_table *table, uint8_t number)
{
	table->references[number]--;
}
