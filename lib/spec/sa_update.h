// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "spec/sa.h"

// A change to an SA that goes on: where its ends are now. That is what a peer that moves (RFC 4555)
// or a NAT that changes its mind needs.
struct gw_sa_update {
	struct gw_sa_id id;                    // as it is before
	struct gw_addr source;                 // family 0: as before
	struct gw_addr new_destination;        // likewise
	struct gw_encapsulation encapsulation; // ports; 0: as before
};

int gw_sa_update_read(json_t *object, struct gw_sa_update *update, struct gw_error *err);

// Makes spec, an SA's without its keys, what the update wants, and checks it. An SA stays in UDP or
// bare, and of its family of addresses: packets on their way through the workers count on the sizes
// of its headers. 0 or -EINVAL with err filled.
int gw_sa_update_merge(
	const struct gw_sa_update *update, struct gw_sa_spec *spec, struct gw_error *err);
