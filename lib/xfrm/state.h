// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/sa.h"
#include "xfrm/request.h"

struct nl_msg;

// Sequence numbers, replay windows and lifetimes between the kernel's forms and ours.

// window: what the SA's structure says, where no attribute does. 0 or a negative errno with err
// filled; spec then owns the bitmap.
int gw_xfrm_replay_read(const struct gw_xfrm_request *request, uint8_t window,
	struct gw_sa_spec *spec, struct gw_error *err);
// The attribute for spec, a snapshot of the SA: XFRMA_REPLAY_ESN_VAL for ESN and windows beyond 32,
// otherwise XFRMA_REPLAY_VAL. 0 or -ENOMEM.
int gw_xfrm_replay_write(struct nl_msg *message, const struct gw_sa_spec *spec);

// What the kernel writes without a limit, XFRM_INF, and 0 both are none.
void gw_xfrm_lifetime_read(const struct xfrm_lifetime_cfg *wire, struct gw_lifetime *lifetime);
// What XFRMA_LTIME_VAL says was used up before, in lifetime, whose seconds are then those that are
// left at now (seconds of the calendar). Nothing without the attribute.
void gw_xfrm_lifetime_used_read(
	const struct gw_xfrm_request *request, uint64_t now, struct gw_lifetime *lifetime);
void gw_xfrm_lifetime_write(const struct gw_lifetime *lifetime, struct xfrm_lifetime_cfg *wire);
