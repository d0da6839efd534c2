// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

// A key as it stands in a command: "0x" and hexadecimal digits, "@FILE" for a file that holds the
// digits, or "-" for a line of standard input, asked for without echo on a terminal. The word is
// wiped once it is read, so that other users do not find it in the list of processes. A new string
// in *key, or a negative errno with err filled; no error repeats the key.
int espctl_key_read(char *word, bool stdin_taken, json_t **key, struct gw_error *err);

// Whether line, a command as typed, may hold a key: errs on the safe side, because such a line is
// not to be kept.
bool espctl_key_suspected(const char *line);
