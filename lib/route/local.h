// Called by: worker looks up; control core changes
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/reclaim.h"
#include "net/addr.h"

// The gateway's own addresses: a small hash set. Workers ask it for each packet whether the packet
// is for the box itself.
struct gw_local;

struct gw_local *gw_local_new(struct gw_reclaim *reclaim); // control core; NULL: no memory
void gw_local_free(struct gw_local *local);                // control core; no worker is left

// Control core: makes sure that one more add cannot fail, until unreserve. Counted.
int gw_local_reserve(struct gw_local *local); // 0 or -ENOMEM
void gw_local_unreserve(struct gw_local *local);

int gw_local_add(struct gw_local *local,
	const struct gw_addr *addr); // control core; counted: added twice, removed twice
void gw_local_remove(struct gw_local *local, const struct gw_addr *addr); // control core

// Worker: bytes are 4 or 16, in network order.
bool gw_local_contains(const struct gw_local *local, uint8_t family, const uint8_t *bytes);

// Worker: an address of that port and family to send ICMP errors from: the first one added (IPv6:
// global before link-local). False when the port has none.
bool gw_local_source(
	const struct gw_local *local, uint8_t port, uint8_t family, struct gw_addr *addr);
// Control core: tells which addresses are on which port; they were added before. A port without any
// has count 0. -ENOENT: the address that would be the source was not added.
int gw_local_set_source(
	struct gw_local *local, uint8_t port, const struct gw_addr *addrs, unsigned int count);
