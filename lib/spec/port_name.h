// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"

// Readers that ports, routes and neighbours share.

// (char[GW_PORT_NAME_SIZE])
int gw_read_port_name(json_t *value, const char *name, void *target, struct gw_error *err);
// (uint8_t[6])
int gw_read_unicast_mac(json_t *value, const char *name, void *target, struct gw_error *err);
