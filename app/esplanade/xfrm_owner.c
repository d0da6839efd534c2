// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Who added what over XFRM. IKE daemons do not take away at their start what they left behind, and
// the kernel keeps it. Here SAs and policies of a process that has gone stay in force for a grace
// time; what the process or its successor installs meanwhile is the successor's, and the rest goes.
// docs/decisions/018-owners-over-xfrm.md says why it is done so.

#include "esplanade/xfrm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/events.h"
#include "esplanade/methods.h"

#define NS_PER_SECOND UINT64_C(1000000000)
// IKE daemons count their reqids from 1. One that starts again counts anew, and its first peer is
// not the first peer of the one before: the policies of that one must not find its SAs. So each
// process that comes while others have SAs or policies has a part of the reqids for itself.
#define EPOCH_SHIFT 24
#define MOST_EPOCHS 127 // below those of pairs (xfrm.c)

struct belongings {
	uint32_t sas, policies;
};

static struct gateway_controller *find_process(
	const struct gateway_xfrm *xfrm, const struct gw_xfrm_peer *peer)
{
	struct gateway_controller *controller;

	TAILQ_FOREACH (controller, &xfrm->controllers, next)
		if (controller->peer.process == peer->process &&
			strcmp(controller->peer.program, peer->program) == 0)
			return controller;
	return NULL;
}

const struct gateway_controller *gateway_xfrm_owner(
	const struct gateway *gateway, const struct gw_xfrm_client *client)
{
	return find_process(gateway->xfrm, gw_xfrm_client_peer(client));
}

const struct gateway_controller *gateway_xfrm_owner_at(
	const struct gateway *gateway, uint32_t number)
{
	const struct gateway_controller *controller;

	if (gateway->xfrm && number)
		TAILQ_FOREACH (controller, &gateway->xfrm->controllers, next)
			if (controller->number == number)
				return controller;
	return NULL;
}

uint32_t gateway_xfrm_reqid(const struct gateway_controller *owner, uint32_t reqid)
{
	if (!owner || reqid == 0 || reqid >> EPOCH_SHIFT)
		return reqid;
	return reqid | owner->epoch << EPOCH_SHIFT;
}

uint32_t gateway_xfrm_sa_owner(const struct gateway *gateway, const struct gw_sa *sa)
{
	const struct gw_xfrm_sa_extra *extra =
		gateway->xfrm ? gateway_xfrm_sa_extra(gateway, sa) : NULL;

	return extra ? extra->owner : 0;
}

uint32_t gateway_xfrm_policy_owner(const struct gateway *gateway, const struct gw_policy_spec *spec)
{
	const struct gw_xfrm_policy_record *record =
		gateway->xfrm ? gw_xfrm_policy_book_twin(&gateway->xfrm->policies, spec, NULL)
			      : NULL;

	return record ? record->policy.owner : 0;
}

struct search {
	struct gateway *gateway;
	struct gw_txn *txn; // NULL: only counts
	uint32_t owner;
	uint32_t found;
};

// What an operator has changed since is the operator's.
static int visit(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	const struct gw_xfrm_sa_extra *extra;
	struct search *search = ctx;
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);

	extra = origin == GW_ORIGIN_XFRM ? gateway_xfrm_sa_extra(search->gateway, sa) : NULL;
	if (!extra || extra->owner != search->owner)
		return 0;
	search->found++;
	return search->txn ? gw_sa_delete(search->gateway->ipsec, search->txn, &id, NULL) : 0;
}

static struct belongings count(struct gateway *gateway, uint32_t owner)
{
	struct search search = { .gateway = gateway, .owner = owner };
	const struct gw_xfrm_policy_record *record;
	struct belongings all = {};

	gw_sa_each(gateway->ipsec, visit, &search);
	all.sas = search.found;
	TAILQ_FOREACH (record, &gateway->xfrm->policies.records, next)
		all.policies += record->policy.owner == owner;
	return all;
}

static void forget(struct gateway_xfrm *xfrm, struct gateway_controller *controller)
{
	TAILQ_REMOVE(&xfrm->controllers, controller, next);
	free(controller);
}

// False: it could not be done now.
static bool drop(struct gateway *gateway, struct gateway_controller *controller)
{
	struct search search = { gateway, gw_txn_new(), controller->number, 0 };
	struct belongings all = count(gateway, controller->number);
	int rc = search.txn ? gw_sa_each(gateway->ipsec, visit, &search) : -ENOMEM;

	if (!rc)
		rc = gateway_xfrm_policies_drop(gateway, search.txn, controller->number);
	if (rc && search.txn)
		gw_txn_abort(search.txn);
	if (rc) {
		gw_log_warning("what %s (process %u) left behind cannot be taken away now: %s",
			controller->peer.program, controller->peer.process, strerror(-rc));
		return false;
	}
	gw_txn_commit(search.txn);
	gw_log_notice("%s (process %u) did not come back for %u SAs and %u policies: they are gone",
		controller->peer.program, controller->peer.process, all.sas, all.policies);
	gateway_event_controller(gateway, controller, "dropped", all.sas, all.policies);
	forget(gateway->xfrm, controller);
	return true;
}

static bool epoch_is_free(const struct gateway_xfrm *xfrm, uint32_t epoch)
{
	const struct gateway_controller *controller;

	TAILQ_FOREACH (controller, &xfrm->controllers, next)
		if (controller->epoch == epoch)
			return false;
	return true;
}

static bool find_epoch(const struct gateway_xfrm *xfrm, uint32_t *epoch)
{
	for (*epoch = 0; *epoch <= MOST_EPOCHS; ++*epoch)
		if (epoch_is_free(xfrm, *epoch))
			return true;
	return false;
}

// Where a process starts again and again, the one that went first makes room.
static bool make_room(struct gateway *gateway)
{
	struct gateway_controller *controller;

	TAILQ_FOREACH (controller, &gateway->xfrm->controllers, next)
		if (controller->listeners == 0)
			return drop(gateway, controller);
	return false;
}

static void arrive(struct gateway *gateway, const struct gw_xfrm_peer *peer)
{
	struct gateway_xfrm *xfrm = gateway->xfrm;
	struct gateway_controller *controller = calloc(1, sizeof(*controller));

	if (!controller ||
		(!find_epoch(xfrm, &controller->epoch) &&
			(!make_room(gateway) || !find_epoch(xfrm, &controller->epoch)))) {
		gw_log_warning("%s (process %u): what it adds over XFRM will have no owner",
			peer->program, peer->process);
		free(controller);
		return;
	}
	controller->peer = *peer;
	controller->number = ++xfrm->last_controller;
	controller->listeners = 1;
	TAILQ_INSERT_TAIL(&xfrm->controllers, controller, next);
	gw_log_info("%s (process %u) controls SAs over XFRM", peer->program, peer->process);
	gateway_event_controller(gateway, controller, "connected", 0, 0);
}

static void come_back(struct gateway *gateway, struct gateway_controller *controller)
{
	if (controller->listeners++ > 0)
		return;
	gw_log_notice(
		"%s (process %u) is back", controller->peer.program, controller->peer.process);
	gateway_event_controller(gateway, controller, "connected", 0, 0);
}

static void go(struct gateway *gateway, struct gateway_controller *controller)
{
	struct belongings all;

	if (--controller->listeners > 0)
		return;
	controller->gone_ns = gw_clock_ns();
	all = count(gateway, controller->number);
	gateway_event_controller(gateway, controller, "gone", all.sas, all.policies);
	if (all.sas + all.policies == 0) {
		forget(gateway->xfrm, controller);
		return;
	}
	gw_log_notice("%s (process %u) is gone: its %u SAs and %u policies stay for %u s",
		controller->peer.program, controller->peer.process, all.sas, all.policies,
		gateway->config->xfrm_grace_seconds);
}

void gateway_xfrm_controller(void *ctx, const struct gw_xfrm_peer *peer, bool here)
{
	struct gateway *gateway = ctx;
	struct gateway_controller *controller;

	if (!gateway->xfrm)
		return; // the gateway stops
	controller = find_process(gateway->xfrm, peer);
	if (here && controller)
		come_back(gateway, controller);
	else if (here)
		arrive(gateway, peer);
	else if (controller)
		go(gateway, controller);
}

void gateway_xfrm_owner_tick(struct gateway *gateway)
{
	uint64_t grace_ns = gateway->config->xfrm_grace_seconds * NS_PER_SECOND;
	uint64_t now_ns = gw_clock_ns();
	struct gateway_controller *controller, *next;

	if (!gateway->xfrm)
		return;
	for (controller = TAILQ_FIRST(&gateway->xfrm->controllers); controller; controller = next) {
		next = TAILQ_NEXT(controller, next);
		if (controller->listeners == 0 && now_ns - controller->gone_ns >= grace_ns)
			drop(gateway, controller);
	}
	gateway_xfrm_ike_sweep(gateway);
}

void gateway_xfrm_owner_free(struct gateway_xfrm *xfrm)
{
	struct gateway_controller *controller;

	while ((controller = TAILQ_FIRST(&xfrm->controllers)))
		forget(xfrm, controller);
}

static uint32_t seconds_left(const struct gateway *gateway, const struct gateway_controller *owner)
{
	uint64_t gone = (gw_clock_ns() - owner->gone_ns) / NS_PER_SECOND;

	return gone < gateway->config->xfrm_grace_seconds
		       ? gateway->config->xfrm_grace_seconds - (uint32_t)gone
		       : 0;
}

void gateway_put_owner(
	const struct gateway *gateway, json_t *object, const char *origin, uint32_t controller)
{
	const struct gateway_controller *owner = gateway_xfrm_owner_at(gateway, controller);

	gateway_put(object, "origin", json_string(origin));
	gateway_put(object, "owner", json_string(owner ? owner->peer.program : origin));
	if (owner)
		gateway_put_count(object, "owner_process", owner->peer.process);
	if (owner && owner->listeners == 0)
		gateway_put_count(object, "owner_gone_seconds", seconds_left(gateway, owner));
}
