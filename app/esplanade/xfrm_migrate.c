// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// MIGRATE of the kernel's XFRM protocol: a policy and its SAs go to other addresses (RFC 4555, and
// Mobile IPv6, which it was made for). SAs are changed in place, so that keys, numbers, windows and
// counters go on and no packet is lost.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>

#include "xfrm/selector.h"

#define MOST_STEPS 6 // as in the kernel

struct migration {
	struct gateway *gateway;
	struct gw_txn *txn;
	const struct xfrm_user_migrate *step;
	struct gw_addr old_source, old_destination, source, destination;
	uint32_t reqid;
	const struct xfrm_encap_tmpl *encap; // NULL: ports stay
	struct gw_error *err;
};

static int read_step(struct migration *migration, const struct xfrm_user_migrate *step)
{
	migration->step = step;
	if (!gw_xfrm_addr_read(&step->old_saddr, step->old_family, &migration->old_source) ||
		!gw_xfrm_addr_read(
			&step->old_daddr, step->old_family, &migration->old_destination) ||
		!gw_xfrm_addr_read(&step->new_saddr, step->new_family, &migration->source) ||
		!gw_xfrm_addr_read(&step->new_daddr, step->new_family, &migration->destination))
		return gw_error_set(
			migration->err, EINVAL, "an address family is neither IPv4 nor IPv6");
	if (step->old_family != step->new_family)
		return gw_error_set(migration->err, EOPNOTSUPP,
			"an SA does not change its family of addresses: delete it and add it "
			"again");
	return 0;
}

static bool is_meant(const struct migration *migration, const struct gw_sa *sa)
{
	enum gw_mode mode =
		migration->step->mode == XFRM_MODE_TUNNEL ? GW_MODE_TUNNEL : GW_MODE_TRANSPORT;

	return sa->reqid == migration->reqid && sa->protocol == migration->step->proto &&
	       sa->spec.mode == mode && gw_addr_equal(&sa->spec.source, &migration->old_source) &&
	       gw_addr_equal(&sa->spec.destination, &migration->old_destination);
}

static int stage_sa(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct migration *migration = ctx;
	struct gw_sa_update update = {
		.id = gw_sa_spec_id(&sa->spec),
		.source = migration->source,
		.new_destination = migration->destination,
	};

	if (origin != GW_ORIGIN_XFRM || !is_meant(migration, sa))
		return 0;
	if (migration->encap && gw_sa_spec_in_udp(&sa->spec)) {
		update.encapsulation.source_port = ntohs(migration->encap->encap_sport);
		update.encapsulation.destination_port = ntohs(migration->encap->encap_dport);
	}
	return gw_sa_update(migration->gateway->ipsec, migration->txn, &update, migration->err);
}

// The template as it will be; false: this step is not about it.
static bool move_template(const struct xfrm_user_migrate *step, struct xfrm_user_tmpl *template)
{
	if (template->mode != step->mode || template->id.proto != step->proto ||
		(step->reqid && step->reqid != template->reqid))
		return false;
	if (template->mode == XFRM_MODE_TUNNEL &&
		(memcmp(&template->saddr, &step->old_saddr, sizeof(template->saddr)) != 0 ||
			memcmp(&template->id.daddr, &step->old_daddr, sizeof(template->id.daddr)) !=
				0))
		return false;
	template->saddr = step->new_saddr;
	template->id.daddr = step->new_daddr;
	return true;
}

static int check(const struct gw_xfrm_request *request, struct gw_error *err)
{
	size_t bytes = gw_xfrm_value_bytes(request, XFRMA_MIGRATE);

	if (bytes == 0 || bytes % sizeof(struct xfrm_user_migrate) ||
		bytes / sizeof(struct xfrm_user_migrate) > MOST_STEPS)
		return gw_error_set(err, EINVAL, "XFRMA_MIGRATE: not 1 to %d steps", MOST_STEPS);
	return 0;
}

// What the template will be, and as bits which of the steps are about it.
static int plan(struct migration *migration, const struct gw_xfrm_request *request,
	struct xfrm_user_tmpl *template, uint32_t *matching)
{
	const struct xfrm_user_migrate *steps = gw_xfrm_value(request, XFRMA_MIGRATE);
	size_t count = gw_xfrm_value_bytes(request, XFRMA_MIGRATE) / sizeof(*steps);
	int rc = 0;

	*matching = 0;
	if (template->reqid == 0)
		return gw_error_set(migration->err, EOPNOTSUPP,
			"a policy whose template has no reqid cannot move");
	for (size_t i = 0; !rc && i < count; i++) {
		rc = read_step(migration, &steps[i]);
		if (!rc && move_template(&steps[i], template))
			*matching |= 1u << i;
	}
	if (!rc && !*matching)
		rc = gw_error_set(migration->err, ENODATA,
			"no template of the policy is between the old addresses");
	return rc;
}

static int stage(
	struct migration *migration, const struct gw_xfrm_request *request, uint32_t matching)
{
	const struct xfrm_user_migrate *steps = gw_xfrm_value(request, XFRMA_MIGRATE);
	int rc = 0;

	for (; !rc && matching; matching &= matching - 1) {
		rc = read_step(migration, &steps[__builtin_ctz(matching)]);
		if (!rc)
			rc = gw_sa_each(migration->gateway->ipsec, stage_sa, migration);
	}
	return rc;
}

static void tell(struct gateway *gateway, const struct gw_xfrm_request *request)
{
	static const int types[] = { XFRMA_KMADDRESS, XFRMA_POLICY_TYPE, XFRMA_MIGRATE };
	const struct xfrm_userpolicy_id *wire = request->body;
	struct nl_msg *message;

	if (!gw_xfrm_listened(gateway->xfrm->server, XFRMNLGRP_MIGRATE))
		return;
	message = gw_xfrm_event_new(XFRM_MSG_MIGRATE, wire, sizeof(*wire));
	if (!message)
		return;
	for (size_t i = 0; i < RTE_DIM(types); i++)
		if (gw_xfrm_value(request, types[i]))
			nla_put(message, types[i], (int)gw_xfrm_value_bytes(request, types[i]),
				gw_xfrm_value(request, types[i]));
	gw_xfrm_event_send(gateway->xfrm->server, XFRMNLGRP_MIGRATE, message);
}

int gateway_xfrm_migrate(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	struct migration migration = {
		.gateway = gateway, .encap = gw_xfrm_value(request, XFRMA_ENCAP), .err = err
	};
	struct gw_xfrm_policy_record *record;
	struct gw_xfrm_policy moved;
	uint32_t matching;
	int rc = check(request, err);

	if (rc)
		return rc;
	record = gateway_xfrm_policy_find(gateway, request, err);
	if (!record)
		return -err->code;
	moved = record->policy;
	migration.reqid = record->spec.reqid;
	rc = plan(&migration, request, &moved.template, &matching);
	if (!rc)
		rc = gateway_xfrm_ike_hold(gateway, &moved, &record->spec, err);
	if (rc)
		return rc;
	migration.txn = gw_txn_new();
	rc = migration.txn ? stage(&migration, request, matching)
			   : gw_error_set(err, ENOMEM, "out of memory");
	if (rc) {
		gateway_xfrm_ike_release(gateway, &moved, &record->spec);
		if (migration.txn)
			gw_txn_abort(migration.txn);
		return rc;
	}
	gw_txn_commit(migration.txn);
	gateway_xfrm_ike_release(gateway, &record->policy, &record->spec);
	record->policy = moved;
	tell(gateway, request);
	return 0;
}
