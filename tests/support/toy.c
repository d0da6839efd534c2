// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "toy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"

static void commit_number(void *owner, void *item)
{
	struct toy *toy = owner;

	toy->committed |= UINT64_C(1) << (uintptr_t)item;
	toy->commits++;
}

static void abort_number(void *owner, void *item)
{
	struct toy *toy = owner;

	toy->staged &= ~(UINT64_C(1) << (uintptr_t)item);
	toy->aborts++;
}

static json_t *number_add(struct gw_rpc_call *call, json_t *params)
{
	struct toy *toy = call->ctx;
	json_t *value = json_object_get(params, "n");
	json_int_t n = json_integer_value(value);
	struct gw_txn_step step = { commit_number, abort_number, toy, (void *)(uintptr_t)n };

	if (!json_is_integer(value) || n < 0 || n > 63) {
		gw_error_at(call->err, EINVAL, value, "n", "must be 0 to 63");
		return NULL;
	}
	if (toy->staged & UINT64_C(1) << n) {
		gw_error_at(call->err, EEXIST, value, "n", "is there already");
		return NULL;
	}
	if (gw_txn_add(call->txn, &step) < 0) {
		gw_error_set(call->err, ENOMEM, "out of memory");
		return NULL;
	}
	toy->staged |= UINT64_C(1) << n;
	return json_integer(n);
}

static json_t *number_list(struct gw_rpc_call *call, json_t *)
{
	const struct toy *toy = call->ctx;
	json_t *list = json_array();

	for (int n = 0; n < 64; n++)
		if (toy->committed & UINT64_C(1) << n)
			json_array_append_new(list, json_integer(n));
	return list;
}

static json_t *number_fill(struct gw_rpc_call *call, json_t *params)
{
	json_int_t size = json_integer_value(json_object_get(params, "bytes"));
	json_t *result;
	char *text;

	if (size < 0 || size > 32 << 20) {
		gw_error_set(call->err, EINVAL, "bytes must be 0 to 32 MiB");
		return NULL;
	}
	text = malloc((size_t)size + 1);
	memset(text, 'x', (size_t)size);
	result = json_stringn(text, (size_t)size);
	free(text);
	return result;
}

static json_t *number_alone(struct gw_rpc_call *, json_t *)
{
	return json_string("alone");
}

static json_t *number_watch(struct gw_rpc_call *call, json_t *params)
{
	gw_api_subscribe(
		call->client, (uint32_t)json_integer_value(json_object_get(params, "kinds")));
	return json_true();
}

const struct gw_rpc_method toy_methods[] = {
	{ "number.add", .changes = true, .handle = number_add },
	{ "number.list", .handle = number_list },
	{ "number.fill", .handle = number_fill },
	{ "number.alone", .alone = true, .handle = number_alone },
	{ "number.watch", .handle = number_watch },
};
const size_t toy_method_count = sizeof(toy_methods) / sizeof(toy_methods[0]);
