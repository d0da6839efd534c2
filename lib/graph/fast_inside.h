// Called by: worker (fast_in)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/engine.h"
#include "graph/worker.h"

// What fast_in does with packets that the engine has opened.

// fast_in's edges.
enum { GW_FAST_IN_ETH_INPUT, GW_FAST_IN_SPD_IN, GW_FAST_IN_PORT_TX, GW_FAST_IN_DROP };

// Packets in one go: as many as a queue gives at once.
#define GW_FAST_IN_MOST 64

// What goes through the engine: op i is packet i's.
struct gw_fast_opened {
	unsigned int count;
	void *packets[GW_FAST_IN_MOST];
	uint8_t places[GW_FAST_IN_MOST]; // in the node's vector
	struct gw_crypto_op ops[GW_FAST_IN_MOST];
};

// Records their numbers, takes out what is inside and sends it on. Each packet's SA and outer TOS
// are in its notes; its edge is written at its place in nexts, which hold port_tx's so far.
void gw_fast_inside(struct gw_worker *worker, struct gw_fast_opened *opened, uint8_t *nexts);
