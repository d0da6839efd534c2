// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Policies of the configuration, old against new. Among policies of one priority the one added
// first decides, so their order in the file counts: a policy that would end up behind one that it
// stands before is replaced too. The database has the new ones in force before the old ones go.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "esplanade/reload.h"

enum fate { FATE_ADD, FATE_KEEP, FATE_REPLACE };

// A policy of the new configuration.
struct item {
	const struct gw_policy_spec *spec;
	unsigned int index; // in the configuration
	uint32_t order;     // of the running one, KEEP and REPLACE
	enum fate fate;
};

struct list {
	struct item *items;
	size_t count;
	struct reload *reload;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_place(const struct gw_policy_spec *x, const struct gw_policy_spec *y)
{
	int order = compare_numbers(x->direction, y->direction);

	return order ? order : compare_numbers(x->priority, y->priority);
}

static int compare_ranges(const struct gw_range *a, const struct gw_range *b)
{
	int order = gw_addr_compare(&a->first, &b->first);

	return order ? order : gw_addr_compare(&a->last, &b->last);
}

static int compare_ports(const struct gw_port_range *a, const struct gw_port_range *b)
{
	int order = compare_numbers(a->first, b->first);

	return order ? order : compare_numbers(a->last, b->last);
}

static int compare_ids(const struct gw_policy_spec *x, const struct gw_policy_spec *y)
{
	const struct gw_selector *a = &x->selector, *b = &y->selector;
	int order = compare_place(x, y);

	if (!order)
		order = compare_numbers(x->if_id, y->if_id);
	if (!order)
		order = compare_ranges(&a->source, &b->source);
	if (!order)
		order = compare_ranges(&a->destination, &b->destination);
	if (!order)
		order = compare_numbers(a->protocol, b->protocol);
	if (!order)
		order = compare_ports(&a->source_port, &b->source_port);
	return order ? order : compare_ports(&a->destination_port, &b->destination_port);
}

static int by_id(const void *a, const void *b)
{
	return compare_ids(((const struct item *)a)->spec, ((const struct item *)b)->spec);
}

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = compare_place(x->spec, y->spec);

	return order ? order : compare_numbers(x->index, y->index);
}

static bool is_same(const struct gw_policy_spec *a, const struct gw_policy_spec *b)
{
	return strcmp(a->name, b->name) == 0 && a->action == b->action && a->reqid == b->reqid &&
	       a->populate == b->populate;
}

// Deletes a running policy that the new configuration does not have, notes the others. Items are in
// the order of their ids.
static int meet_running(void *ctx, const struct gw_policy_record *record)
{
	struct item wanted = { .spec = &record->spec }, *item;
	struct list *list = ctx;
	struct gw_policy_id id;

	if (record->origin != GW_ORIGIN_CONFIG)
		return 0;
	item = bsearch(&wanted, list->items, list->count, sizeof(*list->items), by_id);
	if (item) {
		item->fate = is_same(item->spec, &record->spec) ? FATE_KEEP : FATE_REPLACE;
		item->order = record->policy->order;
		return 0;
	}
	id = gw_policy_spec_id(&record->spec);
	list->reload->deleted++;
	return gw_policy_delete(
		list->reload->gateway->ipsec, list->reload->txn, &id, list->reload->err);
}

// Items are in the order in which they should decide.
static void keep_order(struct list *list)
{
	bool late = false; // one before in this place comes anew
	uint32_t last = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct item *item = &list->items[i];

		if (i == 0 || compare_place(item->spec, item[-1].spec) != 0) {
			late = false;
			last = 0;
		}
		if (item->fate == FATE_KEEP && (late || item->order < last))
			item->fate = FATE_REPLACE;
		if (item->fate == FATE_KEEP)
			last = item->order;
		else
			late = true;
	}
}

static int stage_item(struct reload *reload, const struct item *item)
{
	struct gw_policy_id id = gw_policy_spec_id(item->spec);
	struct gw_ipsec_db *db = reload->gateway->ipsec;
	int rc = 0;

	if (item->fate == FATE_KEEP) {
		reload->unchanged++;
		return 0;
	}
	if (item->fate == FATE_REPLACE) {
		reload->replaced++;
		rc = gw_policy_delete(db, reload->txn, &id, reload->err);
	} else {
		reload->added++;
	}
	if (!rc)
		rc = gw_policy_add(db, reload->txn, item->spec, GW_ORIGIN_CONFIG, reload->err);
	if (rc)
		gw_error_within(reload->err, "policies", (int)item->index);
	return rc;
}

int gateway_reload_policies(struct reload *reload)
{
	const struct gw_config *fresh = reload->fresh;
	struct list list = { .count = fresh->policy_count, .reload = reload };
	int rc;

	list.items = calloc(list.count + 1, sizeof(*list.items));
	if (!list.items)
		return gw_error_set(reload->err, ENOMEM, "out of memory");
	for (unsigned int i = 0; i < list.count; i++)
		list.items[i] = (struct item){ .spec = &fresh->policies[i], .index = i };
	qsort(list.items, list.count, sizeof(*list.items), by_id);
	rc = gw_policy_each(reload->gateway->ipsec, meet_running, &list);
	qsort(list.items, list.count, sizeof(*list.items), by_place);
	keep_order(&list);
	for (size_t i = 0; !rc && i < list.count; i++)
		rc = stage_item(reload, &list.items[i]);
	free(list.items);
	return rc;
}
