// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/packet.h"
#include "graph/worker.h"

// Fragments before the SPD (RFC 4301 section 7): only the first shows what policies look at.

// Before the look-up of a fragment: a first one is remembered, a later one is given the selectors
// of its first, so that the SPD decides about both alike. reqid: of the SA that carried it, 0 for
// clear text. One that cannot be right is marked GW_MARK_REFUSED, with packet->drop.
void gw_fragment_meet(const struct gw_worker *worker, const struct gw_spd *spd,
	struct gw_packet *packet, uint32_t reqid);

// After it: whether the packet hides what a policy of more precedence looks at, so that the one
// found may not be the one that is meant.
bool gw_fragment_hides(
	const struct gw_spd *spd, const struct gw_packet *packet, const struct gw_policy *policy);

static inline bool gw_packet_is_fragment(const struct gw_packet *packet)
{
	return packet->more_fragments || packet->fragment_offset;
}

// Whether something of the packet's selectors may be out of sight.
static inline bool gw_packet_may_hide(const struct gw_packet *packet)
{
	return !packet->flow.ports_known && !(packet->marks & GW_MARK_FRAGMENT_KNOWN);
}
