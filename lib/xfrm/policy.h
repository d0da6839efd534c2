// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "spec/policy.h"
#include "xfrm/request.h"

struct nl_msg;

// A policy as the kernel has it.
struct gw_xfrm_policy {
	struct xfrm_userpolicy_info info;
	struct xfrm_user_tmpl template; // of the SA that protects
	bool protects;                  // template holds something
	struct xfrm_mark mark;
	uint32_t if_id;
	uint32_t owner; // the controller's number; 0: none
};

// The policy of a NEWPOLICY or UPDPOLICY, and ours for it, but for the reqid where its template
// tells none: then it is 0. 0 or a negative errno with err filled.
int gw_xfrm_policy_read(const struct gw_xfrm_request *request, struct gw_xfrm_policy *policy,
	struct gw_policy_spec *spec, struct gw_error *err);

// For a policy that did not come over XFRM.
void gw_xfrm_policy_of_spec(const struct gw_policy_spec *spec, struct gw_xfrm_policy *policy);

// What follows xfrm_userpolicy_info in a message. 0 or -ENOMEM.
int gw_xfrm_policy_attributes_write(struct nl_msg *message, const struct gw_xfrm_policy *policy);
