// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Messages on the control socket. Whatever comes, the text is wiped, the answer is one line of
// JSON, each part of which is a reply, and a message takes effect as a whole or not at all.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/rpc.h"
#include "toy.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_reply(json_t *reply)
{
	json_t *error = json_object_get(reply, "error"), *id = json_object_get(reply, "id");

	if (!json_is_object(reply) || json_object_size(reply) != 3 || !id || json_is_object(id) ||
		json_is_array(id))
		return false;
	if (!error)
		return json_object_get(reply, "result") != NULL;
	return json_is_integer(json_object_get(error, "code")) &&
	       json_string_length(json_object_get(error, "message")) > 0;
}

static bool has_failed(json_t *reply)
{
	json_t *part;
	size_t i;

	json_array_foreach (reply, i, part)
		if (json_object_get(part, "error"))
			return true;
	return json_object_get(reply, "error") != NULL;
}

static void check_reply(const char *text, const struct toy *toy)
{
	json_t *reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *part;
	size_t i;

	require(reply && !strchr(text, '\n'));
	if (json_is_array(reply))
		json_array_foreach (reply, i, part)
			require(is_reply(part));
	else
		require(is_reply(reply));
	if (has_failed(reply))
		require(toy->commits == 0);
	json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *message = malloc(size ? size : 1), *text;
	struct toy toy = {};

	memcpy(message, data, size);
	text = gw_rpc_handle(toy_methods, toy_method_count, &toy, NULL, message, size);
	for (size_t i = 0; i < size; i++)
		require(message[i] == 0);
	if (text)
		check_reply(text, &toy);
	require(toy.staged == toy.committed);
	require(toy.commits == 0 || toy.aborts == 0);
	free(text);
	free(message);
	return 0;
}
