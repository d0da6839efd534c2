// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What IKE daemons and `ip xfrm monitor` are told by the kernel's multicast groups.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>

#include "esplanade/events.h"
#include "esplanade/interface.h"
#include "xfrm/selector.h"

static bool listened(const struct gateway *gateway, unsigned int group)
{
	return gateway->xfrm && gw_xfrm_listened(gateway->xfrm->server, group);
}

// The policy that a worker met, unless another decides about such packets by now. There may be very
// many: it is found as a worker finds it.
static const struct gw_xfrm_policy *policy_of(
	const struct gateway *gateway, const struct gw_flow *flow, uint32_t reqid)
{
	struct gw_policy_spec spec = { .direction = GW_DIRECTION_OUT,
		.if_id = gateway_interface_if_id(gateway, flow->interface) };
	const struct gw_xfrm_policy_record *record;
	const struct gw_policy *policy;

	gw_spd_lookup(gw_ipsec_db_spd(gateway->ipsec, GW_DIRECTION_OUT), NULL, &flow, 1, &policy);
	if (!policy || policy->reqid != reqid)
		return NULL;
	spec.selector = policy->selector;
	spec.priority = policy->priority;
	record = gw_xfrm_policy_book_twin(&gateway->xfrm->policies, &spec, NULL);
	return record ? &record->policy : NULL;
}

void gateway_xfrm_acquire(struct gateway *gateway, const struct gw_flow *flow, uint32_t reqid)
{
	struct xfrm_user_acquire acquire = {};
	const struct gw_xfrm_policy *policy;
	struct gw_xfrm_larval larval;
	struct nl_msg *message;

	if (!listened(gateway, XFRMNLGRP_ACQUIRE))
		return;
	policy = policy_of(gateway, flow, reqid);
	if (!policy)
		return; // of the configuration, say: no IKE daemon's business
	acquire.id = policy->template.id;
	acquire.saddr = policy->template.saddr;
	acquire.policy = policy->info;
	acquire.aalgos = policy->template.aalgos;
	acquire.ealgos = policy->template.ealgos;
	acquire.calgos = policy->template.calgos;
	acquire.seq = ++gateway->xfrm->acquires;
	gw_xfrm_selector_of_flow(flow, &acquire.sel);
	message = gw_xfrm_event_new(XFRM_MSG_ACQUIRE, &acquire, sizeof(acquire));
	if (!message)
		return;
	gw_xfrm_policy_attributes_write(message, policy);
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_ACQUIRE, message);
	gw_xfrm_larval_of_acquire(&acquire, &policy->template, &larval);
	larval.if_id = policy->if_id;
	gateway_xfrm_larval_acquire(gateway, &larval);
}

static void send_expire(struct gateway *gateway, const struct xfrm_user_expire *expire,
	const struct xfrm_mark *mark, uint32_t if_id)
{
	struct nl_msg *message = gw_xfrm_event_new(XFRM_MSG_EXPIRE, expire, sizeof(*expire));

	if (!message)
		return;
	if (mark && (mark->v | mark->m))
		nla_put(message, XFRMA_MARK, sizeof(*mark), mark);
	if (if_id)
		nla_put_u32(message, XFRMA_IF_ID, if_id);
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_EXPIRE, message);
}

void gateway_xfrm_expire(struct gateway *gateway, const struct gw_sa *sa, bool hard)
{
	struct xfrm_user_expire expire = { .hard = hard };
	const struct gw_xfrm_sa_extra *extra;

	if (!listened(gateway, XFRMNLGRP_EXPIRE))
		return;
	extra = gateway_xfrm_sa_extra(gateway, sa);
	gateway_xfrm_sa_describe(gateway, sa, &expire.state);
	send_expire(gateway, &expire, extra ? &extra->mark : NULL, sa->spec.if_id);
}

void gateway_xfrm_larval_expired(struct gateway *gateway, const struct gw_xfrm_larval *larval)
{
	struct xfrm_user_expire expire = { .state = larval->info, .hard = true };

	if (listened(gateway, XFRMNLGRP_EXPIRE))
		send_expire(gateway, &expire, &larval->mark, larval->if_id);
}

void gateway_xfrm_larval_deleted(struct gateway *gateway, const struct gw_xfrm_larval *larval)
{
	const struct xfrm_usersa_info *info = &larval->info;
	struct xfrm_usersa_id id = { .daddr = info->id.daddr,
		.spi = info->id.spi,
		.family = info->family,
		.proto = info->id.proto };
	struct nl_msg *message;

	if (!listened(gateway, XFRMNLGRP_SA))
		return;
	message = gw_xfrm_event_new(XFRM_MSG_DELSA, &id, sizeof(id));
	if (!message)
		return;
	nla_put(message, XFRMA_SA, sizeof(*info), info);
	gw_xfrm_larval_attributes_write(message, larval);
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_SA, message);
}

static void id_of(const struct gw_sa *sa, struct xfrm_usersa_id *id)
{
	*id = (struct xfrm_usersa_id){
		.spi = htonl(sa->spec.spi),
		.family = gw_xfrm_family(sa->spec.destination.family),
		.proto = (uint8_t)sa->spec.protocol,
	};
	gw_xfrm_addr_write(&sa->spec.destination, &id->daddr);
}

void gateway_xfrm_mapping(struct gateway *gateway, const struct gw_sa *sa,
	const struct gateway_place *old, const struct gateway_place *fresh)
{
	const struct gw_xfrm_sa_extra *extra =
		gateway->xfrm ? gateway_xfrm_sa_extra(gateway, sa) : NULL;
	struct xfrm_user_mapping mapping = {
		.reqid = extra ? extra->reqid : sa->spec.reqid,
		.old_sport = htons(old->port),
		.new_sport = htons(fresh->port),
	};
	struct nl_msg *message;

	if (!listened(gateway, XFRMNLGRP_MAPPING))
		return;
	id_of(sa, &mapping.id);
	gw_xfrm_addr_write(&old->address, &mapping.old_saddr);
	gw_xfrm_addr_write(&fresh->address, &mapping.new_saddr);
	message = gw_xfrm_event_new(XFRM_MSG_MAPPING, &mapping, sizeof(mapping));
	if (message)
		gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_MAPPING, message);
}

// DELSA names the SA first; the whole of it follows as an attribute.
static struct nl_msg *deletion(struct gateway *gateway, struct gw_sa *sa)
{
	struct xfrm_usersa_info info;
	struct xfrm_usersa_id id;
	struct nl_msg *message;

	id_of(sa, &id);
	gateway_xfrm_sa_describe(gateway, sa, &info);
	message = gw_xfrm_event_new(XFRM_MSG_DELSA, &id, sizeof(id));
	if (message)
		nla_put(message, XFRMA_SA, sizeof(info), &info);
	return message;
}

static struct nl_msg *addition(struct gateway *gateway, struct gw_sa *sa, uint16_t type)
{
	struct xfrm_usersa_info info;
	struct nl_msg *message;

	gateway_xfrm_sa_describe(gateway, sa, &info);
	message = gw_xfrm_event_new(type, &info, sizeof(info));
	if (message)
		gateway_xfrm_sa_attributes(gateway, sa, message);
	return message;
}

static bool is_there(void *ctx, const struct gw_sa_id *id)
{
	struct gateway *gateway = ctx;

	return gw_sa_find(gateway->ipsec, id);
}

void gateway_xfrm_sa_changed(struct gateway *gateway, struct gw_sa *sa, enum gw_ipsec_change change)
{
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);
	struct nl_msg *message;

	if (!gateway->xfrm)
		return;
	if (change == GW_IPSEC_SA_UPDATED)
		gw_xfrm_sa_book_follow(gateway->xfrm->sas, &id, is_there, gateway);
	if (change == GW_IPSEC_SA_ADDED)
		gateway_xfrm_larval_come(gateway, sa);
	if (change != GW_IPSEC_SA_DELETED)
		gateway_xfrm_name_follow(gateway, &id);
	if (listened(gateway, XFRMNLGRP_SA)) {
		message = change == GW_IPSEC_SA_DELETED ? deletion(gateway, sa)
			  : change == GW_IPSEC_SA_ADDED ? addition(gateway, sa, XFRM_MSG_NEWSA)
							: addition(gateway, sa, XFRM_MSG_UPDSA);
		if (message)
			gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_SA, message);
	}
	// One that takes its place under the same name has what the book has.
	if (change == GW_IPSEC_SA_DELETED && !is_there(gateway, &id))
		gw_xfrm_sa_book_remove(gateway->xfrm->sas, &id);
}

void gateway_xfrm_policy_tell(
	struct gateway *gateway, const struct gw_xfrm_policy *policy, uint16_t type)
{
	struct xfrm_userpolicy_id id = {
		.sel = policy->info.sel, .index = policy->info.index, .dir = policy->info.dir
	};
	struct nl_msg *message;

	if (!listened(gateway, XFRMNLGRP_POLICY))
		return;
	if (type == XFRM_MSG_DELPOLICY) {
		message = gw_xfrm_event_new(type, &id, sizeof(id));
		if (message)
			nla_put(message, XFRMA_POLICY, sizeof(policy->info), &policy->info);
	} else {
		message = gw_xfrm_event_new(type, &policy->info, sizeof(policy->info));
	}
	if (!message)
		return;
	gw_xfrm_policy_attributes_write(message, policy);
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_POLICY, message);
}
