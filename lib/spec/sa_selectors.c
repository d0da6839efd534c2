// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The selectors of SAs as values.

#include <errno.h>

#include "spec/reading.h"
#include "spec/selector.h"

int gw_read_sa_selectors(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_selectors *selectors = target;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count == 0 || count > GW_MAX_SA_SELECTORS)
		return gw_value_wrong(
			value, name, err, "a list of 1 to %d selectors", GW_MAX_SA_SELECTORS);
	for (size_t i = 0; i < count; i++) {
		int ret =
			gw_read_selector(json_array_get(value, i), NULL, &selectors->items[i], err);

		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
	}
	selectors->count = (uint8_t)count;
	return 0;
}

int gw_sa_selectors_check(const struct gw_sa_selectors *selectors, struct gw_error *err)
{
	if (selectors->count > GW_MAX_SA_SELECTORS)
		return gw_error_at(
			err, EINVAL, NULL, "selectors", "must be at most %d", GW_MAX_SA_SELECTORS);
	for (int i = 0; i < selectors->count; i++) {
		int ret = gw_selector_check(&selectors->items[i], NULL, err);

		if (ret) {
			gw_error_within(err, "selectors", i);
			return ret;
		}
	}
	return 0;
}

json_t *gw_sa_selectors_write(const struct gw_sa_selectors *selectors)
{
	json_t *list = json_array();

	for (int i = 0; list && i < selectors->count; i++) {
		if (json_array_append_new(list, gw_selector_write(&selectors->items[i])) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

bool gw_sa_selectors_equal(const struct gw_sa_selectors *a, const struct gw_sa_selectors *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (gw_selector_compare(&a->items[i], &b->items[i]) != 0)
			return false;
	return true;
}
