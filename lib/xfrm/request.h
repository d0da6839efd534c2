// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "base/error.h"

// A request of the kernel's XFRM protocol (linux/xfrm.h), as an IKE daemon or `ip xfrm` writes it,
// with every length proved.

struct nlattr;

struct gw_xfrm_request {
	const struct nlmsghdr *header;
	const void *body; // the type's fixed structure, whole
	// By type; NULL: not given. What a type's structure needs is there; the lengths that
	// algorithms, templates and bitmaps tell of themselves are within the attribute.
	const struct nlattr *attributes[XFRMA_MAX + 1];
};

// The message at data, of which size bytes are there. 0; -EINVAL with err filled: it is malformed,
// or of a type that is no request; -EOPNOTSUPP: a type that exists and is not served. On failure
// header is set nevertheless, when there is a whole one.
int gw_xfrm_request_parse(
	const void *data, size_t size, struct gw_xfrm_request *request, struct gw_error *err);

// The value of an attribute; NULL: it was not given.
const void *gw_xfrm_value(const struct gw_xfrm_request *request, int type);
// Its bytes; 0: it was not given.
size_t gw_xfrm_value_bytes(const struct gw_xfrm_request *request, int type);
// A value of 32 bits, or otherwise.
uint32_t gw_xfrm_u32(const struct gw_xfrm_request *request, int type, uint32_t otherwise);
