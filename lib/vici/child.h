// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "net/addr.h"
#include "spec/traffic.h"
#include "vici/message.h"

// The CHILD_SAs of which charon tells: in the events list-sa, child-updown and child-rekey.

#define GW_VICI_NAME_SIZE 64

struct gw_vici_child {
	char connection[GW_VICI_NAME_SIZE]; // "": not told
	char child[GW_VICI_NAME_SIZE];
	struct gw_addr local, remote; // family 0: not told
	uint8_t protocol;             // enum gw_protocol
	uint32_t spi_in, spi_out;     // 0: not told
};

// Calls visit for each. Of one that changes keys the new SAs are told, not the old ones. 0, or
// -EBADMSG where the message is none; children before the fault have been told then.
int gw_vici_children(const uint8_t *message, size_t size,
	void (*visit)(void *ctx, const struct gw_vici_child *child), void *ctx);
