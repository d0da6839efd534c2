// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"
#include "spec/fields.h"
#include "spec/policy.h"
#include "spec/sa.h"

extern const struct gw_field_table gw_selector_fields;

// A reader (struct gw_selector). It does not call gw_selector_check.
int gw_read_selector(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_selector_check(const struct gw_selector *selector, const char *name, struct gw_error *err);
json_t *gw_selector_write(const struct gw_selector *selector);

// The same for a list of them: of an SA (struct gw_sa_selectors).
int gw_read_sa_selectors(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_sa_selectors_check(const struct gw_sa_selectors *selectors, struct gw_error *err);
json_t *gw_sa_selectors_write(const struct gw_sa_selectors *selectors);

// Total orders: below, at or above zero.
int gw_selector_compare(const struct gw_selector *a, const struct gw_selector *b);
int gw_policy_id_compare(const struct gw_policy_id *a, const struct gw_policy_id *b);
