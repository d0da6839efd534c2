// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>

// The names of the algorithms for an error: "\"a\", \"b\" or \"c\"". Each returns buffer.
const char *gw_encryption_names(bool aead_only, char *buffer, size_t size);
const char *gw_integrity_names(char *buffer, size_t size);
