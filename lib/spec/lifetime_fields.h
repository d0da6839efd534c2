// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"
#include "spec/fields.h"
#include "spec/lifetime.h"

extern const struct gw_field_table gw_lifetime_table;

int gw_lifetime_check(const struct gw_lifetime *lifetime, struct gw_error *err);

// Puts the member "lifetime" with what is not 0; none when all is. False when there is no memory.
bool gw_lifetime_put(json_t *object, const struct gw_lifetime *lifetime);
