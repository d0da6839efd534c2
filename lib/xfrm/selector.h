// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include <linux/xfrm.h>

#include "base/error.h"
#include "ipsec/spd.h"
#include "spec/policy.h"

// Addresses and selectors between the kernel's form and ours.

// family: AF_INET or AF_INET6; false for another.
bool gw_xfrm_addr_read(const xfrm_address_t *address, uint16_t family, struct gw_addr *addr);
void gw_xfrm_addr_write(const struct gw_addr *addr, xfrm_address_t *address);
uint16_t gw_xfrm_family(uint8_t family); // 4 and 6 to AF_INET and AF_INET6

// 0; -EINVAL or -EOPNOTSUPP with err filled: ports by a mask that is no range, an interface, a
// user. family is that of the selector where it tells none.
int gw_xfrm_selector_read(const struct xfrm_selector *wire, uint16_t family,
	struct gw_selector *selector, struct gw_error *err);
// Ranges that are no prefix go out as the longest prefix that holds them.
void gw_xfrm_selector_write(const struct gw_selector *selector, struct xfrm_selector *wire);
// The selector that only this flow matches.
void gw_xfrm_selector_of_flow(const struct gw_flow *flow, struct xfrm_selector *wire);
