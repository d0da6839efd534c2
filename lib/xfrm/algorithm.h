// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/sa.h"
#include "xfrm/request.h"

struct nl_msg;

// Algorithms and keys of an SA by the names of the kernel's crypto API. 0, or a negative errno with
// err filled as the kernel has it: -ENOSYS, it is not available; -EINVAL, the combination is wrong.
int gw_xfrm_algorithms_read(
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec, struct gw_error *err);

// The attributes of an SA's algorithms; keys in spec that are all zero go out so. 0 or -ENOMEM.
int gw_xfrm_algorithms_write(struct nl_msg *message, const struct gw_sa_spec *spec);
