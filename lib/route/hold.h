// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct rte_mbuf;

// Packets that wait for neighbour discovery, a bounded queue for each neighbour. The queue owns the
// packets in it. (Those that wait for an SA are kept in one too, with what tells the SA for an
// address.)
struct gw_hold;

struct gw_hold *gw_hold_new(uint32_t packets_each, uint32_t neighbours);
void gw_hold_free(
	struct gw_hold *hold, void (*drop)(void *ctx, struct rte_mbuf *packet), void *ctx);

enum gw_hold_result { GW_HOLD_FIRST, GW_HOLD_QUEUED, GW_HOLD_FULL };
// FIRST: nobody waited for this neighbour yet, so discovery has to be started. FULL: the packet
// stays the caller's.
enum gw_hold_result gw_hold_add(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr,
	struct rte_mbuf *packet, uint64_t now_ns);

// Hands every packet that waits for the neighbour to give, oldest first. Returns how many.
unsigned int gw_hold_release(struct gw_hold *hold, uint16_t port, const struct gw_addr *addr,
	void (*give)(void *ctx, struct rte_mbuf *packet), void *ctx);

// The same for every queue whose first packet ready finds ready; ready and give must not change
// hold.
void gw_hold_release_ready(struct gw_hold *hold,
	bool (*ready)(void *ctx, const struct rte_mbuf *packet),
	void (*give)(void *ctx, struct rte_mbuf *packet), void *ctx);

// Hands the packets of neighbours that have waited longer than timeout_ns to give; again calls for
// each that still waits and should be asked again. Returns how many packets still wait.
unsigned int gw_hold_expire(struct gw_hold *hold, uint64_t now_ns, uint64_t timeout_ns,
	void (*give)(void *ctx, struct rte_mbuf *packet),
	void (*again)(void *ctx, uint16_t port, const struct gw_addr *addr), void *ctx);
