// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/config.h"

// Refuses two SAs, policies, routes or neighbours with one identity, and two outbound SAs that
// would encrypt under one key and nonce.
int gw_config_check_duplicates(const struct gw_config *config, struct gw_error *err);
