// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "base/txn.h"
#include "esplanade/gateway.h"

// What the files of reload share: a reload under way.
//
// Each part compares three things: what the configuration said before, what it says now, and what
// runs. Between them an operator may have deleted or added something over the control socket; what
// did not come from the configuration is never touched.
struct reload {
	struct gateway *gateway;
	const struct gw_config *old;
	const struct gw_config *fresh;
	struct gw_txn *txn;
	struct gw_error *err;
	uint64_t added;
	uint64_t deleted;
	uint64_t replaced;
	uint64_t unchanged;
	uint64_t skipped; // SAs that were deleted by hand and whose keys may not start again

	// Inbound SAs replaced by one with the same keys: the new one takes over the old one's
	// window after the commit.
	struct reload_window *windows;
	uint32_t window_count;
};

// Each stages what differs: 0 or a negative errno with err filled.
int gateway_reload_sas(struct reload *reload);
int gateway_reload_policies(struct reload *reload);
int gateway_reload_routes(struct reload *reload); // routes, neighbours and addresses of ports

// At once, before the others; done takes back what was added, or takes away what is no longer
// there.
int gateway_reload_interfaces(struct reload *reload);
void gateway_reload_interfaces_done(struct reload *reload, bool committed);

// Whether fresh differs from old in nothing that needs a restart.
int gateway_reload_allowed(
	const struct gw_config *old, const struct gw_config *fresh, struct gw_error *err);

// Right after the commit, before anything is reclaimed: replay windows move on.
void gateway_reload_windows(struct reload *reload);
