// Called by: any thread (plain definitions; the preload library knows this file alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

// What netlink does outside messages (bind to groups, options), between the preload library and the
// daemon: in messages of types that netlink keeps for itself (below NLMSG_MIN_TYPE).
enum gw_xfrm_private {
	GW_XFRM_HELLO = 0x8,   // the first: struct gw_xfrm_hello
	GW_XFRM_JOIN = 0x9,    // uint32_t: a group (XFRMNLGRP_*) to listen to
	GW_XFRM_LEAVE = 0xa,   // the same: no more
	GW_XFRM_EXT_ACK = 0xb, // uint32_t: whether errors come with text (NETLINK_EXT_ACK)
};

#define GW_XFRM_PROTOCOL 1
#define GW_XFRM_SOCKET   "/run/esplanade/xfrm.sock" // where it is looked for

struct gw_xfrm_hello {
	uint32_t protocol; // GW_XFRM_PROTOCOL
	uint32_t port;     // netlink's port id, which replies carry
	char program[16];  // its name, which may be left out
};
