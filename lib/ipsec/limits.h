// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

// What ends an SA, in the form that workers compare with. ipsec/lifetime.h says how.

// What workers have to look at beside the sequence number.
enum gw_limit {
	GW_LIMIT_BYTES = 1,
	GW_LIMIT_PACKETS = 2, // inbound; outbound the sequence numbers end sooner
	GW_LIMIT_TIME = 4,    // there may be a deadline
	GW_LIMIT_USE = 8,     // the first packet starts a time
	GW_LIMIT_FAILURES = 16,
};

// Why an SA has ended or should be renewed.
enum gw_expiry_cause {
	GW_EXPIRY_NONE,
	GW_EXPIRY_SEQUENCE, // no more sequence numbers
	GW_EXPIRY_PACKETS,
	GW_EXPIRY_BYTES,
	GW_EXPIRY_SECONDS,
	GW_EXPIRY_USE_SECONDS,
	GW_EXPIRY_KEY,      // its key has protected as much as it may
	GW_EXPIRY_FAILURES, // too many packets with a wrong ICV
	GW_EXPIRY_COUNT
};
extern const char *const gw_expiry_words[];

// UINT64_MAX: no such limit.
struct gw_sa_limits {
	uint64_t soft_bytes, hard_bytes;
	uint64_t soft_packets, hard_packets; // inbound
	uint64_t hard_use_ns;                // after the first packet
	uint64_t failures;                   // inbound: packets with a wrong ICV
	// enum gw_expiry_cause: what reaching a limit means
	uint8_t soft_bytes_cause, hard_bytes_cause;
	uint8_t soft_sequence_cause, last_sequence_cause;
};
