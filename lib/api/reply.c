// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/reply.h"

#include <errno.h>
#include <string.h>

#include "api/rpc.h"

static json_t *reply(json_t *id, const char *member, json_t *value)
{
	json_t *object = json_object();

	// Not json_pack, which takes its format apart each time.
	if (json_object_set_new(object, "jsonrpc", json_string("2.0")) < 0 ||
		json_object_set(object, "id", id) < 0) {
		json_decref(value);
		json_decref(object);
		return NULL;
	}
	if (json_object_set_new(object, member, value) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *gw_rpc_reply_error(json_t *id, json_t *error)
{
	return reply(id, "error", error);
}

json_t *gw_rpc_reply_result(json_t *id, json_t *result)
{
	return reply(id, "result", result);
}

// Texts may quote a piece of a value from outside; a cut through a multi-byte character would make
// jansson refuse the string.
static json_t *text_value(const char *text)
{
	size_t size = strlen(text);
	json_t *value;

	while (!(value = json_stringn(text, size)) && size > 0)
		size--;
	return value;
}

json_t *gw_rpc_error(int code, const char *text)
{
	return json_pack("{s:i, s:o}", "code", code, "message", text_value(text));
}

json_t *gw_rpc_error_from(const struct gw_error *err)
{
	int code = err->code ? err->code : EIO;
	const char *name = strerrorname_np(code);
	json_t *error = gw_rpc_error(code == EINVAL ? GW_RPC_INVALID_PARAMS : code,
		err->text[0] ? err->text : strerror(code));
	json_t *data = json_object();

	json_object_set_new(data, "errno", json_string(name ? name : "EIO"));
	if (err->where[0])
		json_object_set_new(data, "where", text_value(err->where));
	json_object_set_new(error, "data", data);
	return error;
}
