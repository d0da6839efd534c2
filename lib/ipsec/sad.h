// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_byteorder.h>

#include "base/error.h"
#include "ipsec/sa.h"

// The SAD (RFC 4301 section 4.4.2) as workers see it: inbound by SPI, destination and protocol in a
// lock-free rte_hash; outbound by reqid, where the newest SA carries the traffic.

struct gw_sad;
struct rte_rcu_qsbr;

// The bytes that are hashed: no gaps.
struct gw_sad_key {
	uint8_t destination[16];
	rte_be32_t spi;
	uint8_t family;
	uint8_t protocol;
	uint16_t reserved; // enum gw_direction: 0, but for outbound SAs that gw_sa_reach put there
};
_Static_assert(sizeof(struct gw_sad_key) == 24, "hashed as three 64-bit words");

// Where a PROTECT policy finds its SA. Never moves and lives as long as a policy or an SA refers to
// it.
struct gw_reqid {
	// control: wo (release), worker: ro (acquire). NULL: there is none, or some SAs have
	// selectors of their own.
	_Atomic(struct gw_sa *) newest;
	// Likewise: all of them where some have selectors of their own, else NULL.
	_Atomic(const struct gw_carriers *) carriers;
	uint32_t id;
	uint16_t interface;              // whose policies and SAs meet here (ipsec/interface.h)
	_Atomic uint32_t acquire_raised; // worker: rw; set when an acquire event was raised,
					 // cleared by control
};

// Control core. size: how many SAs may exist at once.
struct gw_sad *gw_sad_new(
	const char *name, uint32_t size, struct rte_rcu_qsbr *qsbr, struct gw_error *err);
// After the workers have stopped. NULL is allowed; SAs are the caller's.
void gw_sad_free(struct gw_sad *sad);

// Control core: inbound entries. Insert takes the place of an SA with the same key at once, and can
// fail only where size was exceeded; the caller counts. Where keys removed lately still take up the
// room, it waits for the workers.
int gw_sad_insert(struct gw_sad *sad, const struct gw_sad_key *key, struct gw_sa *sa);
// Phase one of removal; the caller reclaims the SA.
void gw_sad_remove(struct gw_sad *sad, const struct gw_sad_key *key);

void gw_sad_key_make(struct gw_sad_key *key, rte_be32_t spi, uint8_t protocol,
	const struct gw_addr *destination);

// Worker, between quiescent states: sas[i] is the SA of keys[i] or NULL. count is at most 256.
void gw_sad_lookup(const struct gw_sad *sad, const struct gw_sad_key *keys, unsigned int count,
	struct gw_sa **sas);
