// Called by: control core (the reader of the configuration), the generator of the reference
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "spec/fields.h"

// What objects there are and which fields they have: the configuration file and the control socket
// share them, and docs/configuration.md is printed from them.
extern const struct gw_field_table gw_sa_fields;
extern const struct gw_field_table gw_policy_fields;
extern const struct gw_field_table gw_port_fields;
extern const struct gw_field_table gw_interface_fields;
extern const struct gw_field_table gw_route_fields;
extern const struct gw_field_table gw_neighbour_fields;
extern const struct gw_field_table gw_config_fields;
