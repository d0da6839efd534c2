// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Reads hexadecimal text, "0x" before it allowed. Returns the number of bytes written, -EINVAL when
// a character is not hexadecimal or the number of digits is odd, -ENOSPC when more than size bytes
// would be written.
ssize_t gw_hex_decode(const char *text, uint8_t *bytes, size_t size);

// Writes 2 * size lower-case digits and a terminating zero; text must hold 2 * size + 1 bytes.
// Returns text.
char *gw_hex_encode(const uint8_t *bytes, size_t size, char *text);
