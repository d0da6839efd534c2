// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/config.h"

// Reads a libconfig file into a configuration, checked as a whole. Errors say "FILE:LINE: where:
// what is wrong, what would be right" in err->text (err->where is then empty). NULL with err
// filled. No copy of a key stays behind but the one in the result, provided that
// gw_fields_wipe_on_free was called: libconfig gets no string at all (source.h).
struct gw_config *gw_conf_load(const char *path, struct gw_error *err);

// The same from text, with name in place of the path.
struct gw_config *gw_conf_parse(const char *text, const char *name, struct gw_error *err);
struct gw_config *gw_conf_parse_bytes(
	const char *text, size_t size, const char *name, struct gw_error *err);
