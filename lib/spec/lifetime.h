// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

// How long an SA may live (RFC 4301 section 4.4.2.1): at a soft limit the key exchange is told to
// renew it, at a hard one it ends. 0: no such limit.
struct gw_lifetime {
	uint64_t soft_bytes, hard_bytes;             // of inner packets
	uint64_t soft_packets, hard_packets;         // outbound: sealed; inbound: authentic
	uint64_t soft_seconds, hard_seconds;         // since the SA was added
	uint64_t soft_use_seconds, hard_use_seconds; // since its first packet

	// State carried over from an earlier life of the SA.
	uint64_t used_bytes;
	uint64_t used_packets;
};

// Whether they limit alike; what is used does not matter.
bool gw_lifetime_equal(const struct gw_lifetime *a, const struct gw_lifetime *b);
