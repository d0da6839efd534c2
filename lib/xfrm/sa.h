// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/sa.h"
#include "xfrm/request.h"

struct nl_msg;

// What the kernel's SA has and ours has not: kept as it was given, because IKE daemons find their
// SAs by it and give it back.
struct gw_xfrm_sa_extra {
	struct xfrm_selector selector;
	uint32_t sequence; // of the negotiation (acquire), not of packets
	uint32_t reqid;    // as given; ours is never 0
	uint8_t flags;
	uint32_t extra_flags;
	struct xfrm_mark mark;
	uint32_t if_id;
	uint32_t set_mark, set_mark_mask;
	uint32_t owner;                          // the controller's number; 0: none
	uint64_t carried_bytes, carried_packets; // of an earlier life
	// The kernel gives keys back to who may have them, and IKE daemons take an SA with them to
	// another address. Wiped with the record.
	uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY];
	uint8_t integrity_key[GW_MAX_INTEGRITY_KEY];
	uint8_t encryption_key_bytes;
	uint8_t integrity_key_bytes;
};

// The SA of a NEWSA or UPDSA. Its direction and reqid are the caller's to set before, in spec; the
// rest is filled in and not yet checked as a whole. 0 or a negative errno, as the kernel has it,
// with err filled; wipe spec in either case.
int gw_xfrm_sa_read(const struct gw_xfrm_request *request, struct gw_sa_spec *spec,
	struct gw_xfrm_sa_extra *extra, struct gw_error *err);

// The SA that a request names by destination, SPI and protocol, without its direction.
bool gw_xfrm_sa_id_read(const struct xfrm_usersa_id *wire, struct gw_sa_id *id);

struct gw_xfrm_sa_use {
	uint64_t bytes, packets;
	uint64_t added, used; // seconds of the calendar; used 0: never
	uint32_t replays, replay_window_failures, integrity_failures;
};

// The structure that begins NEWSA, and what follows it.
void gw_xfrm_sa_info_write(const struct gw_sa_spec *spec, const struct gw_xfrm_sa_extra *extra,
	const struct gw_xfrm_sa_use *use, struct xfrm_usersa_info *info);
int gw_xfrm_sa_attributes_write(struct nl_msg *message, const struct gw_sa_spec *spec,
	const struct gw_xfrm_sa_extra *extra, const struct gw_xfrm_sa_use *use);
