// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "spec/sa.h"

// How much one key may protect, whatever the SA's lifetime says. UINT64_MAX: as much as there are
// sequence numbers. docs/decisions/005-key-limits.md has the arithmetic.
struct gw_key_limit {
	uint64_t packets;
	uint64_t bytes;    // of inner packets
	uint64_t failures; // packets with a wrong ICV
};

struct gw_key_limit gw_key_limit(const struct gw_sa_spec *spec);
