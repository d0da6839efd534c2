// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"

// Readers of the configuration's lists of objects. The target is the whole struct gw_config, which
// owns the result.
int gw_read_ports(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_interfaces(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_sas(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_policies(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_routes(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_neighbours(json_t *value, const char *name, void *target, struct gw_error *err);
