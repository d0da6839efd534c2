// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "ipsec/sa.h"

// NAT keepalives (RFC 3948 section 4, RFC 7296 section 2.23): where nothing was sent for a while
// between two pairs of address and port, one byte is, so that a NAT on the way remembers them. What
// counts is the pair: SAs that share it need one keepalive together.

struct gw_keepalives;

// expected: how many pairs there may be; more only make it slower. standard: seconds of silence for
// SAs that leave it to the gateway (GW_KEEPALIVE_DEFAULT), 0: none for these. NULL: no memory.
struct gw_keepalives *gw_keepalives_new(uint32_t expected, uint16_t standard, uint64_t now_ns);
// SAs that are still watched must not be used for anything of this file any more. NULL is allowed.
void gw_keepalives_free(struct gw_keepalives *keepalives);
// From now on, for the SAs that are there as well.
void gw_keepalives_set_standard(struct gw_keepalives *keepalives, uint16_t standard);
uint16_t gw_keepalives_standard(const struct gw_keepalives *keepalives);

// Watches an outbound SA in UDP whose keepalive is not off; any other is left alone. Once more for
// an SA that is watched: its addresses or ports have changed. 0 or -ENOMEM.
int gw_keepalives_add(struct gw_keepalives *keepalives, struct gw_sa *sa, uint64_t now_ns);
// An SA that is not watched is left alone.
void gw_keepalives_remove(struct gw_keepalives *keepalives, struct gw_sa *sa);

// Calls send for an SA of each pair that has been silent for its interval; to be called about once
// a second. workers: how many of them count what SAs send.
void gw_keepalives_tick(struct gw_keepalives *keepalives, unsigned int workers, uint64_t now_ns,
	void (*send)(void *ctx, struct gw_sa *sa), void *ctx);

#define GW_KEEPALIVE_BYTES 1 // behind the headers of the SA's template

// Writes the keepalive of the SA, an IP packet of sa->outer_bytes + GW_KEEPALIVE_BYTES.
void gw_keepalive_write(struct gw_sa *sa, uint8_t *packet);
