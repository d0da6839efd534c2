// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>
#include <libconfig.h>

#include "base/error.h"
#include "conf/source.h"

// What libconfig read as a tree of values: groups become objects, lists and arrays arrays. A new
// reference, or NULL with err filled.
json_t *gw_conf_tree(
	const struct gw_conf_source *source, const config_setting_t *setting, struct gw_error *err);

// The line in source's text of the value at where ("sas[3].encryption.key"), or of the innermost
// thing round it that exists. A path and not a pointer leads there, because jansson has only one
// true and one false.
unsigned int gw_conf_line(config_setting_t *root, const char *where);
