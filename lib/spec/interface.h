// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "spec/port.h"

// A tunnel interface: what routes lead into it goes through the SAs of its if_id.

struct gw_interface_spec {
	char name[GW_PORT_NAME_SIZE];
	uint32_t if_id;
};

int gw_interface_spec_read(json_t *object, struct gw_interface_spec *spec, struct gw_error *err);
json_t *gw_interface_spec_write(const struct gw_interface_spec *spec);
