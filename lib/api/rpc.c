// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/message.h"
#include "api/reply.h"

// JSON-RPC 2.0 (jsonrpc.org/specification). Stricter than it in three points: parameters are given
// by name only, a request has no members but the four that the specification knows, and no object
// names a member twice.
//
// A message runs in three steps: (1) every call is handled, changes being staged in one
// transaction; (2) the reply is written as text, because this too can fail; (3) the transaction is
// committed, or aborted when any call failed.

// One message on its way.
struct run {
	const struct gw_rpc_method *methods;
	size_t method_count;
	void *ctx;
	void *client;
	struct gw_txn *txn; // NULL until the first change
	bool batch;
	bool failed;    // some call failed: nothing of this message may take effect
	bool no_memory; // a reply is due that could not be made
};

// What one call came to. Exactly one of result and error is set.
struct outcome {
	json_t *id; // borrowed from the request; NULL: a notification, answered by nothing
	json_t *result;
	json_t *error;
	bool changes;
};

static const struct gw_rpc_method *find_method(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->method_count; i++)
		if (strcmp(run->methods[i].name, name) == 0)
			return &run->methods[i];
	return NULL;
}

// What is wrong with the request object itself, or NULL.
static const char *request_fault(json_t *request)
{
	json_t *version = json_object_get(request, "jsonrpc"), *value;
	json_t *id = json_object_get(request, "id");
	const char *name;

	if (!json_is_object(request))
		return "a request is an object";
	if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "id is a string, a number or null";
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return "the member jsonrpc must be \"2.0\"";
	if (!json_is_string(json_object_get(request, "method")))
		return "the member method must be a string";
	json_object_foreach (request, name, value) {
		if (strcmp(name, "jsonrpc") != 0 && strcmp(name, "method") != 0 &&
			strcmp(name, "params") != 0 && strcmp(name, "id") != 0)
			return "a request has the members jsonrpc, method, params and id only";
		if (strcmp(name, "params") == 0 && !json_is_object(value) && !json_is_array(value))
			return "params is an object";
	}
	return NULL;
}

// Runs the method's handler; the transaction is begun by the first method that changes something.
static void handle_call(struct run *run, const struct gw_rpc_method *method, json_t *params,
	struct outcome *outcome)
{
	struct gw_error err = {};
	struct gw_rpc_call call = { .ctx = run->ctx, .client = run->client, .err = &err };

	outcome->changes = method->changes;
	if (method->changes && !run->txn)
		run->txn = gw_txn_new();
	if (method->changes && !run->txn)
		gw_error_set(&err, ENOMEM, "out of memory");
	else if (params && !json_is_object(params))
		gw_error_set(&err, EINVAL, "params must be an object: parameters go by name");
	else {
		json_t *given = params ? json_incref(params) : json_object();

		call.txn = method->changes ? run->txn : NULL;
		outcome->result = method->handle(&call, given);
		json_decref(given);
	}
	if (!outcome->result)
		outcome->error = gw_rpc_error_from(&err);
}

static json_t *method_unknown(const char *name)
{
	char text[160];

	snprintf(text, sizeof(text), "there is no method %.64s; method.list names all of them",
		name);
	return gw_rpc_error(GW_RPC_METHOD_NOT_FOUND, text);
}

static json_t *method_alone(const char *name)
{
	char text[160];

	snprintf(text, sizeof(text), "%s cannot be part of a batch: send it alone", name);
	return gw_rpc_error(GW_RPC_INVALID_REQUEST, text);
}

static void run_call(struct run *run, json_t *request, struct outcome *outcome)
{
	const char *fault = request_fault(request), *name;
	const struct gw_rpc_method *method;

	outcome->id = json_object_get(request, "id");
	if (fault) {
		// The id of a request that is none cannot be trusted (section 5).
		outcome->id = json_null();
		outcome->error = gw_rpc_error(GW_RPC_INVALID_REQUEST, fault);
		run->failed = true;
		return;
	}
	name = json_string_value(json_object_get(request, "method"));
	method = find_method(run, name);
	if (!method)
		outcome->error = method_unknown(name);
	else if (method->alone && run->batch)
		outcome->error = method_alone(name);
	else
		handle_call(run, method, json_object_get(request, "params"), outcome);
	if (!outcome->result)
		run->failed = true;
}

// The reply to one call, NULL when none is due; releases what outcome holds.
static json_t *outcome_reply(struct run *run, struct outcome *outcome)
{
	json_t *reply = NULL;

	if (outcome->result && outcome->changes && run->failed) {
		static const struct gw_error not_applied = { .code = ECANCELED,
			.text = "not applied, because another call of the batch failed" };

		json_decref(outcome->result);
		outcome->result = NULL;
		outcome->error = gw_rpc_error_from(&not_applied);
	}
	if (outcome->id && outcome->result)
		reply = gw_rpc_reply_result(outcome->id, outcome->result);
	else if (outcome->id)
		reply = gw_rpc_reply_error(outcome->id, outcome->error);
	else
		json_decref(outcome->result ? outcome->result : outcome->error);
	if (outcome->id && !reply)
		run->no_memory = true;
	return reply;
}

static json_t *run_single(struct run *run, json_t *request)
{
	struct outcome outcome = {};

	run_call(run, request, &outcome);
	return outcome_reply(run, &outcome);
}

static json_t *run_batch(struct run *run, json_t *requests)
{
	size_t count = json_array_size(requests);
	struct outcome *outcomes;
	json_t *replies;

	run->batch = true;
	if (count == 0 || count > GW_RPC_MAX_BATCH) {
		char text[80];

		snprintf(text, sizeof(text), "a batch has 1 to %d calls, not %zu", GW_RPC_MAX_BATCH,
			count);
		return gw_rpc_reply_error(json_null(), gw_rpc_error(GW_RPC_INVALID_REQUEST, text));
	}
	outcomes = calloc(count, sizeof(*outcomes));
	replies = json_array();
	if (!outcomes || !replies) {
		free(outcomes);
		json_decref(replies);
		run->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		run_call(run, json_array_get(requests, i), &outcomes[i]);
	for (size_t i = 0; i < count; i++) {
		json_t *reply = outcome_reply(run, &outcomes[i]);

		if (reply)
			json_array_append_new(replies, reply);
	}
	free(outcomes);
	if (json_array_size(replies) == 0) {
		json_decref(replies);
		return NULL;
	}
	return replies;
}

static const char no_memory_reply[] = "{\"jsonrpc\":\"2.0\",\"id\":null,"
				      "\"error\":{\"code\":12,\"message\":\"out of memory\"}}";

char *gw_rpc_handle(const struct gw_rpc_method *methods, size_t count, void *ctx, void *client,
	char *message, size_t size)
{
	struct run run = {
		.methods = methods, .method_count = count, .ctx = ctx, .client = client
	};
	struct gw_error err = {};
	json_t *request = gw_rpc_parse(message, size, &err);
	json_t *reply;
	char *text;

	if (!request)
		reply = gw_rpc_reply_error(json_null(), gw_rpc_error(GW_RPC_PARSE_ERROR, err.text));
	else if (json_is_array(request))
		reply = run_batch(&run, request);
	else
		reply = run_single(&run, request);
	text = gw_rpc_text(reply);
	if (run.no_memory || (reply && !text)) {
		run.failed = true;
		free(text);
		text = strdup(no_memory_reply);
	}
	if (run.txn && run.failed)
		gw_txn_abort(run.txn);
	else if (run.txn)
		gw_txn_commit(run.txn);
	json_decref(reply);
	json_decref(request);
	return text;
}

char *gw_rpc_notification(const char *method, json_t *params)
{
	json_t *object =
		json_pack("{s:s, s:s, s:O}", "jsonrpc", "2.0", "method", method, "params", params);
	char *text = gw_rpc_text(object);

	json_decref(object);
	return text;
}
