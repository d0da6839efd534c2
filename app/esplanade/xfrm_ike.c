// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IKE beside a policy between hosts. The kernel lets a daemon's IKE sockets pass every policy
// (IP_XFRM_POLICY of setsockopt(2)). A policy whose selector covers the very hosts that its SAs
// connect, as those of transport mode do, would otherwise take their IKE as well, and into SAs that
// the peer does not have yet. So UDP between those two, from and to the gateway's ports 500 and
// 4500, passes by it as long as there is such a policy. Of others, nothing passes by.

#include "esplanade/xfrm.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "xfrm/selector.h"

struct gateway_ike {
	TAILQ_ENTRY(gateway_ike) next; // of those that are held, or of those that are unused
	struct gw_index_link by_path;
	enum gw_direction direction;
	struct gw_range source, destination;
	uint32_t uses; // how many policies stand in its way
};

static const uint16_t ports[] = { 500, 4500 }; // RFC 7296 section 2, RFC 3948

static bool endpoint(const xfrm_address_t *wire, uint16_t family, const struct gw_range *covered,
	struct gw_range *range)
{
	if (!gw_xfrm_addr_read(wire, family, &range->first))
		return false;
	range->last = range->first;
	return range->first.family == covered->first.family &&
	       gw_range_contains(covered, &range->first);
}

// false: the policy does not stand in the way of its own IKE.
static bool path_of(const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec,
	struct gateway_ike *path)
{
	const struct xfrm_user_tmpl *template = &policy->template;
	const struct gw_selector *selector = &spec->selector;
	uint16_t family = template->family ? template->family : policy->info.sel.family;

	if (spec->action != GW_ACTION_PROTECT ||
		(selector->protocol != GW_PROTOCOL_ANY && selector->protocol != IPPROTO_UDP))
		return false;
	path->direction = spec->direction;
	if (template->mode == XFRM_MODE_TRANSPORT) {
		path->source = selector->source;
		path->destination = selector->destination;
		return true;
	}
	return endpoint(&template->saddr, family, &selector->source, &path->source) &&
	       endpoint(&template->id.daddr, family, &selector->destination, &path->destination);
}

static bool same_range(const struct gw_range *a, const struct gw_range *b)
{
	return gw_addr_equal(&a->first, &b->first) && gw_addr_equal(&a->last, &b->last);
}

static uint64_t hash_of(const struct gateway_xfrm *xfrm, const struct gateway_ike *path)
{
	struct gw_range ranges[] = { path->source, path->destination };

	return gw_siphash_128(xfrm->secret, ranges, sizeof(ranges)).low + path->direction;
}
_Static_assert(sizeof(struct gw_range) == 34, "hashed as bytes: no gaps");

// There are as many as peers in transport mode.
static struct gateway_ike *find(struct gateway_xfrm *xfrm, const struct gateway_ike *path)
{
	struct gw_index_link *link = gw_index_first(&xfrm->ike_by_path, hash_of(xfrm, path));

	for (; link; link = gw_index_next(link)) {
		struct gateway_ike *known = container_of(link, struct gateway_ike, by_path);

		if (known->direction == path->direction &&
			same_range(&known->source, &path->source) &&
			same_range(&known->destination, &path->destination))
			return known;
	}
	return NULL;
}

static struct gateway_ike *add(struct gateway_xfrm *xfrm, const struct gateway_ike *path)
{
	struct gateway_ike *fresh = malloc(sizeof(*fresh));

	if (!fresh)
		return NULL;
	*fresh = *path;
	gw_index_insert(&xfrm->ike_by_path, &fresh->by_path, hash_of(xfrm, path));
	TAILQ_INSERT_TAIL(&xfrm->ike_unused, fresh, next);
	return fresh;
}

static void drop(struct gateway_xfrm *xfrm, struct gateway_ike *path)
{
	gw_index_remove(&xfrm->ike_by_path, &path->by_path);
	TAILQ_REMOVE(path->uses ? &xfrm->ike : &xfrm->ike_unused, path, next);
	free(path);
}

static void bypass(const struct gateway_ike *path, uint16_t port, struct gw_policy_spec *spec)
{
	const struct gw_port_range here = { port, port }, any = { 0, UINT16_MAX };
	bool out = path->direction == GW_DIRECTION_OUT;

	*spec = (struct gw_policy_spec){
		.direction = path->direction,
		.priority = 0, // before all others
		.action = GW_ACTION_BYPASS,
		.selector = {
			.source = path->source,
			.destination = path->destination,
			.protocol = IPPROTO_UDP,
			.source_port = out ? here : any,
			.destination_port = out ? any : here,
		},
	};
	snprintf(spec->name, sizeof(spec->name), "ike-beside");
}

// Adds or deletes the policies of a path.
static int change(
	struct gateway *gateway, const struct gateway_ike *path, bool add, struct gw_error *err)
{
	struct gw_txn *txn = gw_txn_new();
	int rc = txn ? 0 : gw_error_set(err, ENOMEM, "out of memory");

	for (size_t i = 0; !rc && i < RTE_DIM(ports); i++) {
		struct gw_policy_spec spec;
		struct gw_policy_id id;

		bypass(path, ports[i], &spec);
		id = gw_policy_spec_id(&spec);
		// An operator may have one like it, or have deleted this one.
		if (add == !!gw_policy_find(gateway->ipsec, &id))
			continue;
		rc = add ? gw_policy_add(gateway->ipsec, txn, &spec, GW_ORIGIN_BUILTIN, err)
			 : gw_policy_delete(gateway->ipsec, txn, &id, err);
	}
	if (txn && rc)
		gw_txn_abort(txn);
	else if (txn)
		gw_txn_commit(txn);
	return rc;
}

int gateway_xfrm_ike_hold(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec, struct gw_error *err)
{
	struct gateway_ike path = {}, *known;
	int rc;

	if (!gateway->config->builtin_policies || !path_of(policy, spec, &path))
		return 0;
	known = find(gateway->xfrm, &path);
	if (!known)
		known = add(gateway->xfrm, &path);
	if (!known)
		return gw_error_set(err, ENOMEM, "out of memory");
	// One that nothing holds may be there still: it has not been swept yet.
	rc = known->uses ? 0 : change(gateway, known, true, err);
	if (rc)
		return rc;
	if (known->uses++ == 0) {
		TAILQ_REMOVE(&gateway->xfrm->ike_unused, known, next);
		TAILQ_INSERT_TAIL(&gateway->xfrm->ike, known, next);
	}
	return 0;
}

void gateway_xfrm_ike_release(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec)
{
	struct gateway_ike path = {}, *known;

	if (!path_of(policy, spec, &path))
		return;
	known = find(gateway->xfrm, &path);
	if (!known || known->uses == 0 || --known->uses > 0)
		return;
	TAILQ_REMOVE(&gateway->xfrm->ike, known, next);
	TAILQ_INSERT_TAIL(&gateway->xfrm->ike_unused, known, next);
}

void gateway_xfrm_ike_sweep(struct gateway *gateway)
{
	struct gateway_ike *path;

	while ((path = TAILQ_FIRST(&gateway->xfrm->ike_unused))) {
		struct gw_error err = {};
		char text[600];

		if (change(gateway, path, false, &err) != 0)
			gw_log_error("xfrm: IKE still passes beside a policy that has gone: %s",
				gw_error_string(&err, text, sizeof(text)));
		drop(gateway->xfrm, path);
	}
}

int gateway_xfrm_ike_init(struct gateway_xfrm *xfrm, uint32_t max_policies)
{
	return gw_index_init(&xfrm->ike_by_path, max_policies);
}

void gateway_xfrm_ike_free(struct gateway_xfrm *xfrm)
{
	struct gateway_ike *path;

	while ((path = TAILQ_FIRST(&xfrm->ike)) || (path = TAILQ_FIRST(&xfrm->ike_unused)))
		drop(xfrm, path);
	gw_index_fini(&xfrm->ike_by_path);
}
