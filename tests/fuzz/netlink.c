// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// One rtnetlink message. What comes out of it has to be a prefix, an address and a port that exist.

#include <stdlib.h>
#include <string.h>

#include <netlink/msg.h>

#include "linux/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool sound(const struct gw_addr *addr)
{
	return addr->family == 0 || addr->family == 4 || addr->family == 6;
}

static bool sound_item(const struct gw_mirror_item *item)
{
	const struct gw_prefix *destination = &item->route.destination;

	return item->port < 2 && sound(&item->address.addr) && sound(&destination->addr) &&
	       sound(&item->route.gateway) && sound(&item->neighbour.address) &&
	       item->address.length <= 8 * gw_addr_bytes(item->address.addr.family) &&
	       destination->length <= 8 * gw_addr_bytes(destination->addr.family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gw_mirror_ports ports = {
		.ports = { { 0, 1, true, "lan" }, { 1, 2, true, "wan" } },
		.count = 2,
	};
	struct gw_mirror_item items[GW_MIRROR_ITEMS];
	struct nlmsghdr *message;
	unsigned int count;

	if (size < sizeof(*message))
		return 0;
	// A copy of its very size, so that a read beyond it is seen.
	message = malloc(size);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	count = gw_mirror_parse(&ports, message, items);
	for (unsigned int i = 0; i < count; i++)
		if (!sound_item(&items[i]))
			abort();
	free(message);
	return 0;
}
