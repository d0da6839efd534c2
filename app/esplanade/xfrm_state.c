// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Sequence numbers, replay windows and lifetimes of SAs by the kernel's XFRM protocol (GETAE,
// NEWAE).

#include "esplanade/xfrm.h"

#include <errno.h>
#include <time.h>

#include <netlink/attr.h>

#include "ipsec/advance.h"
#include "xfrm/selector.h"
#include "xfrm/state.h"

static int no_such(struct gw_error *err)
{
	return gw_error_set(err, ESRCH, "there is no such SA");
}

static int put_state(struct gateway *gateway, struct nl_msg *message, const struct gw_sa *sa)
{
	struct xfrm_usersa_info info;
	struct gw_sa_spec spec;
	int rc = gw_sa_snapshot(sa, &spec);

	if (rc)
		return rc;
	gateway_xfrm_sa_describe(gateway, sa, &info);
	rc = gw_xfrm_replay_write(message, &spec);
	if (!rc && nla_put(message, XFRMA_LTIME_VAL, sizeof(info.curlft), &info.curlft) < 0)
		rc = -ENOMEM;
	gw_sa_spec_wipe(&spec);
	return rc;
}

static void fill_id(struct gateway *gateway, const struct gw_sa *sa, struct xfrm_aevent_id *wire)
{
	const struct gw_xfrm_sa_extra *extra = gateway_xfrm_sa_extra(gateway, sa);

	gw_xfrm_addr_write(&sa->spec.source, &wire->saddr);
	wire->reqid = extra ? extra->reqid : sa->reqid;
	wire->flags |= XFRM_AE_RVAL | XFRM_AE_LVAL;
}

// The true counters: an IKE daemon that takes an SA to another address carries them over.
int gateway_xfrm_state_get(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	struct xfrm_aevent_id wire = *(const struct xfrm_aevent_id *)request->body;
	struct gw_sa *sa = gateway_xfrm_sa_find(gateway, request, &wire.sa_id);
	struct nl_msg *message;

	if (!sa)
		return no_such(err);
	fill_id(gateway, sa, &wire);
	message = gw_xfrm_reply_new(client, XFRM_MSG_NEWAE, &wire, sizeof(wire), 0);
	if (!message)
		return -ENOMEM;
	put_state(gateway, message, sa);
	gw_xfrm_reply_send(client, message);
	return 0;
}

static void tell(struct gateway *gateway, const struct gw_sa *sa, struct xfrm_aevent_id wire)
{
	struct nl_msg *message;

	if (!gw_xfrm_listened(gateway->xfrm->server, XFRMNLGRP_AEVENTS))
		return;
	fill_id(gateway, sa, &wire);
	wire.flags |= XFRM_AE_CU;
	message = gw_xfrm_event_new(XFRM_MSG_NEWAE, &wire, sizeof(wire));
	if (!message)
		return;
	put_state(gateway, message, sa);
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_AEVENTS, message);
}

// What the kernel wants of a NEWAE: that it says to replace, and what.
static int check_set(const struct gw_xfrm_request *request, struct gw_error *err)
{
	if (!(request->header->nlmsg_flags & NLM_F_REPLACE))
		return gw_error_set(err, EINVAL, "NEWAE needs the flag NLM_F_REPLACE");
	if (!gw_xfrm_value(request, XFRMA_REPLAY_VAL) &&
		!gw_xfrm_value(request, XFRMA_REPLAY_ESN_VAL) &&
		!gw_xfrm_value(request, XFRMA_LTIME_VAL) &&
		!gw_xfrm_value(request, XFRMA_ETIMER_THRESH) &&
		!gw_xfrm_value(request, XFRMA_REPLAY_THRESH))
		return gw_error_set(err, EINVAL, "NEWAE has nothing to set");
	return 0;
}

// The kernel would take an SA back as well. A number that is given out twice opens it to replay,
// and under counter modes more than that.
int gateway_xfrm_state_set(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_aevent_id *wire = request->body;
	struct gw_sa *sa = gateway_xfrm_sa_find(gateway, request, &wire->sa_id);
	struct gw_sa_spec to = {};
	int rc = check_set(request, err);

	if (rc)
		return rc;
	if (!sa)
		return no_such(err);
	to.direction = (enum gw_direction)sa->direction;
	// ESN or not, numbers come in the one attribute or the other, or not at all.
	rc = gw_xfrm_replay_read(request, (uint8_t)RTE_MIN(sa->spec.replay_window, 32u), &to, err);
	if (!rc) {
		gw_xfrm_lifetime_used_read(request, (uint64_t)time(NULL), &to.lifetime);
		gw_sa_advance(sa, &to);
		tell(gateway, sa, *wire);
	}
	gw_sa_spec_wipe(&to);
	return rc;
}
