// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

// Text of one message → tree. Size and depth are checked before anything is parsed; the text is
// wiped in every case, because it may hold keys. NULL with err filled (EBADMSG); the error says
// where the text is wrong and never repeats any of it.
json_t *gw_rpc_parse(char *text, size_t size, struct gw_error *err);

// value as compact text, which is the caller's to free(); who has keys in it wipes it first. NULL:
// there is no value, or no memory.
char *gw_rpc_text(const json_t *value);
