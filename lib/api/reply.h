// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"

// The replies of JSON-RPC 2.0 section 5. A new reference, or NULL when there is no memory.

// Takes a reference of id; steals error.
json_t *gw_rpc_reply_error(json_t *id, json_t *error);
// Takes a reference of id; steals result.
json_t *gw_rpc_reply_result(json_t *id, json_t *result);

// An error of the protocol.
json_t *gw_rpc_error(int code, const char *text);
// An error of a method: rpc.h says how err becomes a code.
json_t *gw_rpc_error_from(const struct gw_error *err);
