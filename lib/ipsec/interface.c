// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/interface.h"

#include <errno.h>

static uint16_t *bucket_of(struct gw_interface_table *table, uint32_t if_id)
{
	// Operators choose if_ids, and count them.
	return &table->buckets[if_id * 0x9e3779b1u >> (32 - GW_INTERFACE_BUCKET_BITS)];
}

bool gw_interface_find(const struct gw_interface_table *table, uint32_t if_id, uint16_t *number)
{
	uint16_t i = *bucket_of((struct gw_interface_table *)(uintptr_t)table, if_id);

	*number = 0;
	if (if_id == 0)
		return true;
	while (i && table->if_ids[i] != if_id)
		i = table->next[i];
	*number = i;
	return i;
}

static void begin(struct gw_interface_table *table, uint16_t number, uint32_t if_id)
{
	uint16_t *bucket = bucket_of(table, if_id);

	table->if_ids[number] = if_id;
	table->references[number] = 1;
	table->next[number] = *bucket;
	*bucket = number;
}

int gw_interface_get(
	struct gw_interface_table *table, uint32_t if_id, uint16_t *number, struct gw_error *err)
{
	if (gw_interface_find(table, if_id, number)) {
		table->references[*number]++;
		return 0;
	}
	for (unsigned int i = 0; i < GW_MAX_INTERFACES; i++) {
		table->last = (uint16_t)(table->last % GW_MAX_INTERFACES + 1);
		if (table->references[table->last])
			continue;
		begin(table, table->last, if_id);
		*number = table->last;
		return 0;
	}
	return gw_error_set(err, ENOSPC,
		"there are %u if_ids in use already, as many as there may be: give up one, or let "
		"several tunnels share one",
		GW_MAX_INTERFACES);
}

void gw_interface_put(struct gw_interface_table *table, uint16_t number)
{
	uint16_t *link = bucket_of(table, table->if_ids[number]);

	if (--table->references[number] > 0 || number == 0)
		return;
	while (*link != number)
		link = &table->next[*link];
	*link = table->next[number];
}
