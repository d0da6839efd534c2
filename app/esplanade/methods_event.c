// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <errno.h>
#include <stdlib.h>

#include "esplanade/events.h"

static const char *const kind_words[] = { "acquire", "expire", "sa", "policy", "port", "mapping",
	"path_mtu", "controller", NULL };
#define ALL_KINDS ((1u << (RTE_DIM(kind_words) - 1)) - 1)

static_assert(GATEWAY_EVENT_CONTROLLER == 1 << (RTE_DIM(kind_words) - 2), "a word for each kind");

const char *gateway_event_word(enum gateway_event kind)
{
	return kind_words[__builtin_ctz(kind)];
}

// (uint32_t)
static int read_kinds(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint32_t *kinds = target;
	json_t *entry;
	size_t i;

	if (!json_is_array(value))
		return gw_error_at(err, EINVAL, value, name,
			"must be a list of \"acquire\", \"expire\", \"sa\", \"policy\", "
			"\"port\", \"mapping\", \"path_mtu\" and \"controller\"");
	*kinds = 0;
	json_array_foreach (value, i, entry) {
		int kind;

		if (gw_read_word(entry, name, kind_words, &kind, err) != 0)
			return -EINVAL;
		*kinds |= 1u << kind;
	}
	return 0;
}

static const struct gw_field fields[] = {
	{ .name = "kinds",
		.read = read_kinds,
		.offset = 0,
		.help = "Which kinds of events; all when it is left out." },
};

static json_t *kinds_object(uint32_t kinds)
{
	json_t *list = json_array();

	for (unsigned int i = 0; kind_words[i]; i++)
		if (kinds & 1u << i)
			json_array_append_new(list, json_string(kind_words[i]));
	return json_pack("{s:o}", "kinds", list);
}

// A subscription takes effect with the rest of its message: a step of the transaction.
struct subscription {
	void *client;
	uint32_t add;
	uint32_t remove;
};

static void commit_subscription(void *, void *item)
{
	struct subscription *subscription = item;
	uint32_t kinds = gw_api_subscriptions(subscription->client);

	gw_api_subscribe(subscription->client, (kinds | subscription->add) & ~subscription->remove);
	free(subscription);
}

static void abort_subscription(void *, void *item)
{
	free(item);
}

static json_t *stage(struct gw_rpc_call *call, uint32_t add, uint32_t remove)
{
	struct subscription *subscription = malloc(sizeof(*subscription));
	struct gw_txn_step step = { commit_subscription, abort_subscription, NULL, subscription };

	if (!subscription || gw_txn_add(call->txn, &step) < 0) {
		free(subscription);
		gw_error_set(call->err, ENOMEM, "out of memory");
		return NULL;
	}
	*subscription = (struct subscription){ call->client, add, remove };
	return kinds_object((gw_api_subscriptions(call->client) | add) & ~remove);
}

json_t *gateway_event_subscribe(struct gw_rpc_call *call, json_t *params)
{
	uint32_t kinds = ALL_KINDS;

	if (gw_fields_read(params, NULL, fields, RTE_DIM(fields), &kinds, call->err) != 0)
		return NULL;
	return stage(call, kinds, 0);
}

json_t *gateway_event_unsubscribe(struct gw_rpc_call *call, json_t *params)
{
	uint32_t kinds = ALL_KINDS;

	if (gw_fields_read(params, NULL, fields, RTE_DIM(fields), &kinds, call->err) != 0)
		return NULL;
	return stage(call, 0, kinds);
}
