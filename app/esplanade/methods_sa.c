// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "ipsec/lifetime.h"
#include "esplanade/xfrm.h"

json_t *gateway_sa_add(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_sa_spec spec;
	int rc = gw_sa_spec_read(params, &spec, call->err);

	if (rc)
		return NULL;
	rc = gw_sa_add(gateway->ipsec, call->txn, &spec, GW_ORIGIN_CONTROL, call->err);
	gw_sa_spec_wipe(&spec);
	return rc ? NULL : gateway_result("added", 1);
}

json_t *gateway_sa_update(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_sa_update update;

	if (gw_sa_update_read(params, &update, call->err) != 0 ||
		gw_sa_update(gateway->ipsec, call->txn, &update, call->err) != 0)
		return NULL;
	return gateway_result("updated", 1);
}

json_t *gateway_sa_delete(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct gw_sa_id id;

	if (gw_sa_id_read(params, &id, call->err) != 0 ||
		gw_sa_delete(gateway->ipsec, call->txn, &id, call->err) != 0)
		return NULL;
	return gateway_result("deleted", 1);
}

// How far an SA is with its lifetime.
static const char *state_of(const struct gw_sa *sa)
{
	if (gw_lifetime_ended(sa))
		return "expired";
	// Relaxed: a word for people, not ordered with anything.
	return atomic_load_explicit(&sa->events, memory_order_relaxed) & GW_SA_EVENT_SOFT
		       ? "expiring"
		       : "active";
}

static void put_counters(json_t *object, const struct gateway *gateway, const struct gw_sa *sa)
{
	json_t *drops = json_object();
	struct gw_sa_totals totals;
	uint64_t now = gw_clock_ns();

	gw_sa_total(sa, gateway->dataplane.worker_count, &totals);
	gateway_put_count(object, "packets", totals.packets);
	gateway_put_count(object, "bytes", totals.bytes);
	for (unsigned int i = 0; i < GW_SA_DROP_COUNT; i++)
		if (totals.drops[i])
			gateway_put_count(
				drops, gw_drop_table[gw_sa_drop_reason[i]].name, totals.drops[i]);
	gateway_put(object, "drops", drops);
	gateway_put_count(object, "age_seconds", (now - sa->added_ns) / 1000000000u);
	// A worker's clock may be a vector ahead of ours.
	if (totals.last_used_ns > now)
		totals.last_used_ns = now;
	gateway_put(object, "idle_seconds",
		totals.last_used_ns
			? json_integer((json_int_t)((now - totals.last_used_ns) / 1000000000u))
			: json_null());
}

static void put_ecn_alarms(json_t *object, const struct gw_sa *sa)
{
	uint64_t alarms = atomic_load_explicit(&sa->ecn_alarms, memory_order_relaxed);

	if (alarms)
		gateway_put_count(object, "ecn_alarms", alarms);
}

// How much longer an ICMP error's MTU is believed.
static void put_told(json_t *object, const struct gw_sa *sa)
{
	uint64_t now = gw_clock_ns();
	uint64_t left = sa->told_until_ns > now ? (sa->told_until_ns - now) / 1000000000u : 0;

	gateway_put(object, "path_mtu_learned_seconds",
		sa->told_mtu ? json_integer((json_int_t)left) : json_null());
}

// The SA as it was given, without keys, then what has become of it.
static json_t *sa_object(const struct gateway *gateway, const struct gw_sa *sa,
	const struct gw_sa_spec *spec, enum gw_origin origin)
{
	json_t *object = gw_sa_spec_write(spec);

	gateway_put_owner(gateway, object, gw_origin_words[origin],
		origin == GW_ORIGIN_XFRM ? gateway_xfrm_sa_owner(gateway, sa) : 0);
	gateway_put_names(gateway, object, sa);
	gateway_put(object, "state", json_string(state_of(sa)));
	if (sa->direction == GW_DIRECTION_OUT) {
		gateway_put_count(object, "path_mtu",
			atomic_load_explicit(&sa->path_mtu, memory_order_relaxed));
		gateway_put_count(object, "inner_mtu", gw_sa_inner_mtu_now(sa));
		put_told(object, sa);
	} else if (sa->replay->window) {
		gateway_put_count(object, "lost", gw_sa_lost(sa, gateway->dataplane.worker_count));
	}
	put_counters(object, gateway, sa);
	put_ecn_alarms(object, sa);
	return object;
}

struct get {
	const struct gateway *gateway;
	const struct gw_sa *wanted;
	json_t *object;
};

static int show_one(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct get *get = ctx;
	struct gw_sa_spec spec;

	if (sa != get->wanted)
		return 0;
	if (gw_sa_snapshot(sa, &spec) == 0) {
		get->object = sa_object(get->gateway, sa, &spec, origin);
		gw_sa_spec_wipe(&spec);
	}
	return 1;
}

json_t *gateway_sa_get(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct get get = { .gateway = gateway };
	struct gw_sa_id id;

	if (gw_sa_id_read(params, &id, call->err) != 0)
		return NULL;
	get.wanted = gw_sa_find(gateway->ipsec, &id);
	if (!get.wanted) {
		gw_error_set(call->err, ENOENT,
			"there is no such SA: compare direction, spi and destination with sa.list");
		return NULL;
	}
	gw_sa_each(gateway->ipsec, show_one, &get);
	if (!get.object)
		gw_error_set(call->err, ENOMEM, "out of memory");
	return get.object;
}

// Parameters of sa.list and sa.flush.
struct selection {
	struct gateway_page page;
	uint32_t reqid; // 0: any
	struct gw_rpc_call *call;
	json_t *list;
	uint64_t count;
};

static const struct gw_field list_fields[] = {
	{ .name = "direction",
		.words = gw_direction_words,
		.offset = offsetof(struct selection, page.direction),
		.help = "Only those of this direction." },
	{ .name = "reqid",
		.read = gw_read_u32,
		.offset = offsetof(struct selection, reqid),
		.help = "Only those of this reqid." },
	{ .name = "offset",
		.read = gw_read_u32,
		.offset = offsetof(struct selection, page.offset),
		.help = "How many to leave out at the beginning." },
	{ .name = "limit",
		.read = gw_read_u32,
		.offset = offsetof(struct selection, page.limit),
		.help = "How many to list at most." },
};
#define FLUSH_FIELDS 2 // of list_fields

static bool is_selected(const struct selection *selection, const struct gw_sa *sa)
{
	return (selection->page.direction < 0 || selection->page.direction == sa->direction) &&
	       (!selection->reqid || selection->reqid == sa->reqid);
}

static int list_one(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct selection *selection = ctx;
	struct gw_sa_spec spec;

	gw_sa_spec_copy(&spec, &sa->spec);
	gw_lifetime_snapshot(sa, &spec.lifetime);
	if (!is_selected(selection, sa) || !gateway_page_take(&selection->page))
		return selection->page.limit == 0;
	// Relaxed: as of about now is all that a list can say.
	if (sa->direction == GW_DIRECTION_IN)
		spec.sequence = atomic_load_explicit(&sa->replay->top, memory_order_relaxed);
	else
		spec.sequence = RTE_MIN(sa->sequence_last,
			atomic_load_explicit(&sa->sequence.used, memory_order_relaxed));
	spec.replay_bitmap = NULL;
	json_array_append_new(selection->list, sa_object(selection->call->ctx, sa, &spec, origin));
	return 0;
}

json_t *gateway_sa_list(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct selection selection = { .page = GATEWAY_PAGE_DEFAULT, .call = call };

	if (gw_fields_read(
		    params, NULL, list_fields, RTE_DIM(list_fields), &selection, call->err) != 0)
		return NULL;
	selection.list = json_array();
	gw_sa_each(gateway->ipsec, list_one, &selection);
	return json_pack("{s:o, s:I}", "sas", selection.list, "total",
		(json_int_t)gw_sa_count(gateway->ipsec));
}

static int delete_one(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	struct selection *selection = ctx;
	struct gateway *gateway = selection->call->ctx;
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);
	struct gw_error err = {};
	int rc;

	if (!is_selected(selection, sa))
		return 0;
	rc = gw_sa_delete(gateway->ipsec, selection->call->txn, &id, &err);
	// An earlier call of the batch deletes it already.
	if (rc == -ENOENT)
		return 0;
	if (rc)
		*selection->call->err = err;
	selection->count++;
	return rc;
}

json_t *gateway_sa_flush(struct gw_rpc_call *call, json_t *params)
{
	struct gateway *gateway = call->ctx;
	struct selection selection = { .page = GATEWAY_PAGE_DEFAULT, .call = call };

	if (gw_fields_read(params, NULL, list_fields, FLUSH_FIELDS, &selection, call->err) != 0 ||
		gw_sa_each(gateway->ipsec, delete_one, &selection) != 0)
		return NULL;
	return gateway_result("deleted", selection.count);
}
