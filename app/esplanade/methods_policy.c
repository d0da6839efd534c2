// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"
#include "esplanade/xfrm.h"

#include <errno.h>

json_t *gateway_policy_add(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_policy_spec spec;

	if (gw_policy_spec_read(params, &spec, call->err) != 0 ||
		gw_policy_add(gateway->ipsec, call->txn, &spec, GW_ORIGIN_CONTROL, call->err) != 0)
		return NULL;
	return gateway_result("added", 1);
}

json_t *gateway_policy_delete(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_policy_id id;

	if (gw_policy_id_read(params, &id, call->err) != 0 ||
		gw_policy_delete(gateway->ipsec, call->txn, &id, call->err) != 0)
		return NULL;
	return gateway_result("deleted", 1);
}

static json_t *policy_object(struct gateway *gateway, const struct gw_policy_record *record)
{
	json_t *object = gw_policy_spec_write(&record->spec);

	gateway_put_owner(gateway, object, gw_origin_words[record->origin],
		record->origin == GW_ORIGIN_XFRM ? gateway_xfrm_policy_owner(gateway, &record->spec)
						 : 0);
	gateway_put_count(object, "packets", gw_policy_packets(gateway->ipsec, record->policy));
	return object;
}

json_t *gateway_policy_get(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	const struct gw_policy_record *record;
	struct gw_policy_id id;

	if (gw_policy_id_read(params, &id, call->err) != 0)
		return NULL;
	record = gw_policy_find(gateway->ipsec, &id);
	if (!record) {
		gw_error_set(call->err, ENOENT,
			"there is no such policy: compare direction, priority and selector with "
			"policy.list");
		return NULL;
	}
	return policy_object(gateway, record);
}

// Parameters of policy.list and policy.flush.
struct selection {
	struct gateway_page page;
	bool builtin;
	struct gw_rpc_call *call;
	json_t *list;
	uint64_t count;
};

static bool is_selected(const struct selection *selection, const struct gw_policy_record *record)
{
	return selection->page.direction < 0 ||
	       selection->page.direction == (int)record->spec.direction;
}

static int list_one(void *ctx, const struct gw_policy_record *record)
{
	struct selection *selection = ctx;

	if (!is_selected(selection, record) || !gateway_page_take(&selection->page))
		return selection->page.limit == 0;
	json_array_append_new(selection->list, policy_object(selection->call->ctx, record));
	return 0;
}

json_t *gateway_policy_list(struct gw_rpc_call *call, json_t *params)
{
	static const struct gw_field fields[] = {
		{ .name = "direction",
			.words = gw_direction_words,
			.offset = offsetof(struct selection, page.direction),
			.help = "Only those of this direction." },
		{ .name = "offset",
			.read = gw_read_u32,
			.offset = offsetof(struct selection, page.offset),
			.help = "How many to leave out at the beginning." },
		{ .name = "limit",
			.read = gw_read_u32,
			.offset = offsetof(struct selection, page.limit),
			.help = "How many to list at most." },
	};
	struct gateway *gateway = call->ctx;
	struct selection selection = { .page = GATEWAY_PAGE_DEFAULT, .call = call };

	if (gw_fields_read(params, NULL, fields, RTE_DIM(fields), &selection, call->err) != 0)
		return NULL;
	selection.list = json_array();
	gw_policy_each(gateway->ipsec, list_one, &selection);
	return json_pack("{s:o, s:I}", "policies", selection.list, "total",
		(json_int_t)gw_policy_count(gateway->ipsec));
}

static int delete_one(void *ctx, const struct gw_policy_record *record)
{
	struct selection *selection = ctx;
	struct gateway *gateway = selection->call->ctx;
	struct gw_policy_id id = gw_policy_spec_id(&record->spec);
	struct gw_error err = {};
	int rc;

	if (!is_selected(selection, record) ||
		(record->origin == GW_ORIGIN_BUILTIN && !selection->builtin))
		return 0;
	rc = gw_policy_delete(gateway->ipsec, selection->call->txn, &id, &err);
	// An earlier call of the batch deletes it already.
	if (rc == -ENOENT)
		return 0;
	if (rc)
		*selection->call->err = err;
	selection->count++;
	return rc;
}

json_t *gateway_policy_flush(struct gw_rpc_call *call, json_t *params)
{
	static const struct gw_field fields[] = {
		{ .name = "direction",
			.words = gw_direction_words,
			.offset = offsetof(struct selection, page.direction),
			.help = "Only those of this direction." },
		{ .name = "builtin",
			.read = gw_read_bool,
			.offset = offsetof(struct selection, builtin),
			.help = "The built-in ones too." },
	};
	struct gateway *gateway = call->ctx;
	struct selection selection = { .page = GATEWAY_PAGE_DEFAULT, .call = call };

	if (gw_fields_read(params, NULL, fields, RTE_DIM(fields), &selection, call->err) != 0 ||
		gw_policy_each(gateway->ipsec, delete_one, &selection) != 0)
		return NULL;
	return gateway_result("deleted", selection.count);
}
