// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdio.h>

#include "route/fib.h"

// What the forwarding table says about an address, as text: "none", "local", "blackhole",
// "PORT MAC", "PORT resolve" or "PORT resolve ADDRESS". Valid until the next call.
static inline const char *gw_test_nexthop(
	const struct gw_fib *fib, const char *const *port_names, const char *address)
{
	static char buffer[96];
	const struct gw_nexthop *nexthop;
	char text[GW_ADDR_STRLEN];
	struct gw_addr addr = {};
	const uint8_t *bytes = addr.bytes;

	if (!gw_addr_parse(address, &addr))
		return "no address";
	gw_fib_lookup(fib, addr.family, &bytes, 1, &nexthop);
	switch (nexthop->kind) {
	case GW_NEXTHOP_NONE:
		return "none";
	case GW_NEXTHOP_LOCAL:
		return "local";
	case GW_NEXTHOP_BLACKHOLE:
		return "blackhole";
	case GW_NEXTHOP_FORWARD:
		snprintf(buffer, sizeof(buffer), "%s %s", port_names[nexthop->port],
			gw_mac_format(nexthop->mac, text));
		return buffer;
	default:
		snprintf(buffer, sizeof(buffer), "%s resolve%s%s", port_names[nexthop->port],
			nexthop->address.family ? " " : "",
			nexthop->address.family ? gw_addr_format(&nexthop->address, text) : "");
		return buffer;
	}
}
