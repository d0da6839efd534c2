// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Policies by the kernel's XFRM protocol.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>

#include "xfrm/selector.h"

static int no_such(struct gw_error *err)
{
	return gw_error_set(err, ENOENT, "there is no such policy");
}

static int set_reqid(struct gateway *gateway, const struct gateway_controller *owner,
	const struct gw_xfrm_policy *policy, struct gw_policy_spec *spec, struct gw_error *err)
{
	const struct xfrm_user_tmpl *template = &policy->template;
	struct gateway_pair pair = { .protocol = template->id.proto, .mode = template->mode };
	uint16_t family = template->family ? template->family : policy->info.sel.family;

	if (spec->action != GW_ACTION_PROTECT)
		return 0;
	spec->reqid = gateway_xfrm_reqid(owner, spec->reqid);
	if (spec->reqid)
		return 0;
	if (!gw_xfrm_addr_read(&template->saddr, family, &pair.source) ||
		!gw_xfrm_addr_read(&template->id.daddr, family, &pair.destination))
		return gw_error_set(err, EINVAL,
			"a template's address family %u is neither IPv4 nor IPv6", family);
	spec->reqid = gateway_xfrm_pair(gateway->xfrm, &pair, err);
	return spec->reqid ? 0 : -ENOBUFS;
}

static int stage_delete(struct gateway *gateway, struct gw_txn *txn,
	const struct gw_xfrm_policy_record *record, struct gw_error *err)
{
	struct gw_policy_id id = gw_policy_spec_id(&record->spec);

	if (gw_xfrm_policy_book_twin(&gateway->xfrm->policies, &record->spec, record))
		return 0;
	return gw_policy_delete(gateway->ipsec, txn, &id, err);
}

// old: the record that this one takes the place of, or NULL. Where a twin has made the policy
// already, it stays, but does what the newest says.
static int stage_add(struct gateway *gateway, struct gw_txn *txn, const struct gw_policy_spec *spec,
	const struct gw_xfrm_policy_record *old, struct gw_error *err)
{
	struct gw_policy_id id = gw_policy_spec_id(spec);
	const struct gw_xfrm_policy_record *twin =
		gw_xfrm_policy_book_twin(&gateway->xfrm->policies, spec, old);

	if (twin && twin->spec.action == spec->action && twin->spec.reqid == spec->reqid)
		return 0;
	if (twin) {
		int rc = gw_policy_delete(gateway->ipsec, txn, &id, err);

		if (rc)
			return rc;
	}
	return gw_policy_add(gateway->ipsec, txn, spec, GW_ORIGIN_XFRM, err);
}

// A template that names an SA by its SPI says which of them is to carry.
static void prefer(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec)
{
	if (spec->direction == GW_DIRECTION_OUT && spec->action == GW_ACTION_PROTECT)
		gw_sa_prefer(gateway->ipsec, spec->reqid, ntohl(policy->template.id.spi));
}

static int replace(struct gateway *gateway, struct gw_xfrm_policy_record *old,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec,
	struct gw_error *err)
{
	struct gw_txn *txn = gw_txn_new();
	int rc = txn ? gateway_xfrm_ike_hold(gateway, policy, spec, err)
		     : gw_error_set(err, ENOMEM, "out of memory");
	bool held = txn && !rc;

	if (!rc)
		rc = stage_delete(gateway, txn, old, err);
	if (!rc)
		rc = stage_add(gateway, txn, spec, old, err);
	if (rc) {
		if (held)
			gateway_xfrm_ike_release(gateway, policy, spec);
		if (txn)
			gw_txn_abort(txn);
		return rc;
	}
	gateway_xfrm_ike_release(gateway, &old->policy, &old->spec);
	// First, so that what goes with the commit is not taken for this one.
	gw_xfrm_policy_book_change(old, policy, spec);
	gw_txn_commit(txn);
	prefer(gateway, policy, spec);
	gateway_xfrm_policy_tell(gateway, &old->policy, XFRM_MSG_UPDPOLICY);
	return 0;
}

static int add(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec, struct gw_error *err)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_xfrm_policy_record *record;
	int rc = txn ? gateway_xfrm_ike_hold(gateway, policy, spec, err)
		     : gw_error_set(err, ENOMEM, "out of memory");
	bool held = txn && !rc;

	if (!rc)
		rc = stage_add(gateway, txn, spec, NULL, err);
	record = rc ? NULL : gw_xfrm_policy_book_add(&gateway->xfrm->policies, policy, spec);
	if (!rc && !record)
		rc = gw_error_set(err, ENOMEM, "out of memory");
	if (rc) {
		if (held)
			gateway_xfrm_ike_release(gateway, policy, spec);
		if (txn)
			gw_txn_abort(txn);
		return rc;
	}
	gw_txn_commit(txn);
	prefer(gateway, policy, spec);
	gateway_xfrm_policy_tell(gateway, &record->policy, XFRM_MSG_NEWPOLICY);
	return 0;
}

int gateway_xfrm_policy_new(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct gateway_controller *owner = gateway_xfrm_owner(gateway, client);
	struct gw_xfrm_policy policy;
	struct gw_policy_spec spec;
	struct gw_xfrm_policy_record *old;
	int rc = gw_xfrm_policy_read(request, &policy, &spec, err);

	if (!rc)
		rc = set_reqid(gateway, owner, &policy, &spec, err);
	if (!rc)
		rc = gw_policy_spec_check(&spec, err);
	if (rc)
		return rc;
	policy.owner = owner ? owner->number : 0;
	old = gw_xfrm_policy_book_find(&gateway->xfrm->policies, &policy, &spec);
	if (!old)
		return add(gateway, &policy, &spec, err);
	if (request->header->nlmsg_type == XFRM_MSG_NEWPOLICY)
		return gw_error_set(err, EEXIST, "there is such a policy already");
	return replace(gateway, old, &policy, &spec, err);
}

struct gw_xfrm_policy_record *gateway_xfrm_policy_find(
	struct gateway *gateway, const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_userpolicy_id *wire = request->body;
	const struct xfrm_mark *mark = gw_xfrm_value(request, XFRMA_MARK);
	struct gw_xfrm_policy policy = { .info = { .sel = wire->sel, .dir = wire->dir },
		.if_id = gw_xfrm_u32(request, XFRMA_IF_ID, 0) };
	struct gw_policy_spec spec = {};
	struct gw_xfrm_policy_record *record;

	if (wire->index) {
		record = gw_xfrm_policy_book_at(&gateway->xfrm->policies, wire->index, wire->dir);
	} else {
		if (mark)
			policy.mark = *mark;
		if (gw_xfrm_selector_read(&wire->sel, 0, &spec.selector, err) != 0)
			return NULL;
		record = gw_xfrm_policy_book_find(&gateway->xfrm->policies, &policy, &spec);
	}
	if (!record)
		no_such(err);
	return record;
}

static void forget(struct gateway *gateway, struct gw_xfrm_policy_record *record)
{
	gateway_xfrm_policy_tell(gateway, &record->policy, XFRM_MSG_DELPOLICY);
	gateway_xfrm_ike_release(gateway, &record->policy, &record->spec);
	gw_xfrm_policy_book_remove(&gateway->xfrm->policies, record);
}

void gateway_xfrm_policy_deleted(struct gateway *gateway, const struct gw_policy_spec *spec)
{
	struct gw_policy_id id = gw_policy_spec_id(spec);
	struct gw_xfrm_policy_record *record;

	// Another has its place already where one took the place of the other.
	if (!gateway->xfrm || gw_policy_find(gateway->ipsec, &id))
		return;
	while ((record = gw_xfrm_policy_book_twin(&gateway->xfrm->policies, spec, NULL)))
		forget(gateway, record);
}

int gateway_xfrm_policy_delete(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	struct gw_xfrm_policy_record *record = gateway_xfrm_policy_find(gateway, request, err);
	struct gw_txn *txn;
	int rc;

	if (!record)
		return -err->code;
	if (gw_xfrm_policy_book_twin(&gateway->xfrm->policies, &record->spec, record)) {
		forget(gateway, record);
		return 0;
	}
	txn = gw_txn_new();
	rc = txn ? stage_delete(gateway, txn, record, err)
		 : gw_error_set(err, ENOMEM, "out of memory");
	if (txn && rc)
		gw_txn_abort(txn);
	else if (txn)
		gw_txn_commit(txn); // gateway_xfrm_policy_deleted does the rest
	return rc;
}

int gateway_xfrm_policies_drop(struct gateway *gateway, struct gw_txn *txn, uint32_t owner)
{
	struct gw_xfrm_policy_book *book = &gateway->xfrm->policies;
	struct gw_xfrm_policy_record *record, *next;

	for (record = TAILQ_FIRST(&book->records); record; record = next) {
		struct gw_policy_id id = gw_policy_spec_id(&record->spec);
		int rc;

		next = TAILQ_NEXT(record, next);
		if (record->policy.owner != owner)
			continue;
		if (gw_xfrm_policy_book_twin(book, &record->spec, record)) {
			forget(gateway, record);
			continue;
		}
		rc = gw_policy_delete(gateway->ipsec, txn, &id, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

static void send_policy(
	struct gw_xfrm_client *client, const struct gw_xfrm_policy *policy, uint16_t flags)
{
	struct nl_msg *message = gw_xfrm_reply_new(
		client, XFRM_MSG_NEWPOLICY, &policy->info, sizeof(policy->info), flags);

	if (!message)
		return;
	gw_xfrm_policy_attributes_write(message, policy);
	gw_xfrm_reply_send(client, message);
}

// The policies of one moment: those that came this way as they came, then the others.
struct list {
	struct gw_xfrm_dump dump; // first
	struct gw_xfrm_policy *policies;
	uint32_t count, room, next;
};

static int note_other(void *ctx, const struct gw_policy_record *record)
{
	struct list *list = ctx;

	if (list->count < list->room && record->origin != GW_ORIGIN_XFRM)
		gw_xfrm_policy_of_spec(&record->spec, &list->policies[list->count++]);
	return 0;
}

static bool next_policy(struct gw_xfrm_dump *dump, struct gw_xfrm_client *client)
{
	struct list *list = (struct list *)dump;

	if (list->next == list->count)
		return false;
	send_policy(client, &list->policies[list->next++], NLM_F_MULTI);
	return true;
}

static void list_free(struct gw_xfrm_dump *dump)
{
	free(((struct list *)dump)->policies);
	free(dump);
}

static int dump_policies(
	struct gateway *gateway, struct gw_xfrm_client *client, struct gw_error *err)
{
	const struct gw_xfrm_policy_record *record;
	struct list *list = calloc(1, sizeof(*list));

	if (!list)
		return gw_error_set(err, ENOMEM, "out of memory");
	list->dump = (struct gw_xfrm_dump){ .next = next_policy, .free = list_free };
	list->room = gateway->xfrm->policies.count + gw_policy_count(gateway->ipsec);
	list->policies = calloc(list->room + 1, sizeof(*list->policies));
	if (!list->policies) {
		free(list);
		return gw_error_set(err, ENOMEM, "out of memory");
	}
	TAILQ_FOREACH (record, &gateway->xfrm->policies.records, next)
		list->policies[list->count++] = record->policy;
	gw_policy_each(gateway->ipsec, note_other, list);
	gw_xfrm_dump_start(client, &list->dump);
	return 0;
}

int gateway_xfrm_policy_get(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	struct gw_xfrm_policy_record *record;

	if (request->header->nlmsg_flags & NLM_F_DUMP)
		return dump_policies(gateway, client, err);
	record = gateway_xfrm_policy_find(gateway, request, err);
	if (!record)
		return -err->code;
	send_policy(client, &record->policy, 0);
	return 0;
}

int gateway_xfrm_policy_flush(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *, struct gw_error *err)
{
	struct gw_xfrm_policy_book *book = &gateway->xfrm->policies;
	struct gw_xfrm_policy_record *record;
	struct gw_txn *txn = gw_txn_new();
	int rc = txn ? 0 : gw_error_set(err, ENOMEM, "out of memory");

	// Of twins the first deletes what both are; the second finds it staged already.
	TAILQ_FOREACH (record, &book->records, next) {
		struct gw_policy_id id = gw_policy_spec_id(&record->spec);
		int step = rc ? rc : gw_policy_delete(gateway->ipsec, txn, &id, NULL);

		if (step && step != -ENOENT && !rc)
			rc = gw_error_set(err, -step, "a policy cannot be deleted");
	}
	if (rc) {
		if (txn)
			gw_txn_abort(txn);
		return rc;
	}
	gw_txn_commit(txn); // gateway_xfrm_policy_deleted does the rest
	return 0;
}

int gateway_xfrm_policy_info(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *)
{
	const struct gw_xfrm_policy_record *record;
	struct xfrmu_spdhinfo hash = { .spdhcnt = gateway->config->max_policies,
		.spdhmcnt = gateway->config->max_policies };
	struct xfrmu_spdinfo counts = {};
	struct nl_msg *message =
		gw_xfrm_reply_new(client, XFRM_MSG_NEWSPDINFO, request->body, sizeof(uint32_t), 0);

	if (!message)
		return -ENOMEM;
	TAILQ_FOREACH (record, &gateway->xfrm->policies.records, next) {
		uint32_t *const count[] = { [XFRM_POLICY_IN] = &counts.incnt,
			[XFRM_POLICY_OUT] = &counts.outcnt,
			[XFRM_POLICY_FWD] = &counts.fwdcnt };

		++*count[record->policy.info.dir];
	}
	nla_put(message, XFRMA_SPD_INFO, sizeof(counts), &counts);
	nla_put(message, XFRMA_SPD_HINFO, sizeof(hash), &hash);
	gw_xfrm_reply_send(client, message);
	return 0;
}

// What matches no policy is discarded here, come what may (RFC 4301 section 5.1).
int gateway_xfrm_default_get(struct gateway *, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *, struct gw_error *)
{
	struct xfrm_userpolicy_default policies = { .in = XFRM_USERPOLICY_BLOCK,
		.fwd = XFRM_USERPOLICY_BLOCK,
		.out = XFRM_USERPOLICY_BLOCK };
	struct nl_msg *message =
		gw_xfrm_reply_new(client, XFRM_MSG_GETDEFAULT, &policies, sizeof(policies), 0);

	if (!message)
		return -ENOMEM;
	gw_xfrm_reply_send(client, message);
	return 0;
}
