// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "spec/reading.h"
#include "spec/sa.h"

// What a tunnel does with DSCP, ECN, TTL and flow label (RFC 4301 section 5.1.2, RFC 6040):
// reading, the rules, writing.

extern const char *const gw_ecn_words[]; // "copy", "no"

// The first two read into a whole SA, the third into its flow_label.
int gw_read_dscp(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_inner_dscp(json_t *value, const char *name, void *target, struct gw_error *err);
int gw_read_flow_label(json_t *value, const char *name, void *target, struct gw_error *err);

int gw_sa_header_check(const struct gw_sa_spec *spec, struct gw_error *err);

// DSCP always, the others where they are not the standard. False when there is no memory.
bool gw_sa_header_write(json_t *object, const struct gw_sa_spec *spec);
