// Called by: control core (the database's own files)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "ipsec/index.h"
#include "ipsec/sad.h"
#include "ipsec/siphash.h"

// Inbound SPIs that were given out for a destination and that no SA has taken yet. An IKE daemon
// asks for one, sends it to the peer, and adds the SA when the exchange is over; one that fails
// leaves it to expire.

struct gw_spi_held;

struct gw_spi_book {
	struct gw_index index;
	TAILQ_HEAD(, gw_spi_held) queue; // that which expires first is first
	uint32_t count;
	uint32_t limit;
	uint64_t hold_ns;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
};

// limit: how many may be held at once, each for hold_ns. 0 or -ENOMEM.
int gw_spi_book_init(struct gw_spi_book *book, uint32_t limit, uint64_t hold_ns,
	const uint8_t secret[GW_SIPHASH_SECRET_BYTES]);
void gw_spi_book_fini(struct gw_spi_book *book);

bool gw_spi_book_has(const struct gw_spi_book *book, const struct gw_sad_key *key);
// Holds key, which is not held yet, from now_ns on. 0, -ENOSPC or -ENOMEM.
int gw_spi_book_hold(struct gw_spi_book *book, const struct gw_sad_key *key, uint64_t now_ns);
// Forgets key; it need not be held.
void gw_spi_book_take(struct gw_spi_book *book, const struct gw_sad_key *key);
void gw_spi_book_expire(struct gw_spi_book *book, uint64_t now_ns);
