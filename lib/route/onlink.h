// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/reclaim.h"
#include "net/addr.h"

// Neighbours on link: from port and address to the slot of a next hop.
struct gw_onlink;

struct gw_onlink *gw_onlink_new(uint32_t max_neighbours, struct gw_reclaim *reclaim); // or NULL
void gw_onlink_free(struct gw_onlink *onlink); // no reader is left

// Control core. 0 or -ENOMEM. There is none yet for this port and address.
int gw_onlink_add(
	struct gw_onlink *onlink, uint16_t port, const struct gw_addr *addr, uint32_t slot);
void gw_onlink_remove(struct gw_onlink *onlink, uint16_t port, const struct gw_addr *addr);

// Worker, between quiescent states: the slot, or 0. bytes are 4 or 16, in network order.
uint32_t gw_onlink_find(
	const struct gw_onlink *onlink, uint16_t port, uint8_t family, const uint8_t *bytes);
