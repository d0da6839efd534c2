// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A request of the XFRM protocol. What is made of it can be written again.

#include <stdlib.h>
#include <string.h>

#include <netlink/msg.h>

#include "xfrm/policy.h"
#include "xfrm/sa.h"
#include "xfrm/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_sa(const struct gw_sa_spec *spec, const struct gw_xfrm_sa_extra *extra)
{
	const struct gw_xfrm_sa_use use = {};
	struct xfrm_usersa_info info;
	struct nl_msg *message;

	gw_xfrm_sa_info_write(spec, extra, &use, &info);
	message = gw_xfrm_event_new(XFRM_MSG_NEWSA, &info, sizeof(info));
	if (gw_xfrm_sa_attributes_write(message, spec, extra, &use) != 0)
		abort();
	nlmsg_free(message);
}

static void try_sa(const struct gw_xfrm_request *request, enum gw_direction direction)
{
	struct gw_sa_spec spec = { .direction = direction, .reqid = 1 };
	struct gw_xfrm_sa_extra extra;

	if (gw_xfrm_sa_read(request, &spec, &extra, NULL) == 0 &&
		gw_sa_spec_check(&spec, NULL) == 0)
		write_sa(&spec, &extra);
	gw_sa_spec_wipe(&spec);
}

static void try_policy(const struct gw_xfrm_request *request)
{
	struct gw_xfrm_policy policy;
	struct gw_policy_spec spec;
	struct nl_msg *message;

	if (gw_xfrm_policy_read(request, &policy, &spec, NULL) != 0)
		return;
	gw_policy_spec_check(&spec, NULL);
	message = gw_xfrm_event_new(XFRM_MSG_NEWPOLICY, &policy.info, sizeof(policy.info));
	if (gw_xfrm_policy_attributes_write(message, &policy) != 0)
		abort();
	nlmsg_free(message);
	gw_xfrm_policy_of_spec(&spec, &policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_xfrm_request request;
	// A copy of its very size, so that a read beyond it is seen.
	struct nlmsghdr *message = malloc(size ? size : 1);

	memcpy(message, data, size);
	if (size >= sizeof(*message))
		message->nlmsg_len = (uint32_t)size;
	if (gw_xfrm_request_parse(message, size, &request, NULL) == 0) {
		switch (message->nlmsg_type) {
		case XFRM_MSG_NEWSA:
		case XFRM_MSG_UPDSA:
			try_sa(&request, GW_DIRECTION_IN);
			try_sa(&request, GW_DIRECTION_OUT);
			break;
		case XFRM_MSG_NEWPOLICY:
		case XFRM_MSG_UPDPOLICY:
			try_policy(&request);
			break;
		default:
			break;
		}
	}
	free(message);
	return 0;
}
