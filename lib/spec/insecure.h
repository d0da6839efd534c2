// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// Algorithms that RFC 8221 forbids or that are broken, by their own names and by those of `ip
// xfrm`. Returns what is wrong with the one of that name and what to take in its place, or NULL.
const char *gw_insecure_encryption(const char *name);
const char *gw_insecure_integrity(const char *name);
