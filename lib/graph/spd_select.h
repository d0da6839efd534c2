// Called by: worker (spd_out)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/worker.h"

// The SPD selection function (RFC 4301 section 5.1 step 1), needed where there are tunnel
// interfaces: sets the interface of each packet to the one that its route leads into, or to none.
// What the host sends has its interface already. At most GW_VECTOR packets.
void gw_spd_select(const struct gw_dataplane *dataplane, void **packets, unsigned int count);
