// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/rpc.h"
#include "base/secret.h"

// Whether text opens at most GW_RPC_MAX_DEPTH objects and arrays inside each other, found without
// parsing, so that the parser's recursion has a bound of ours. Text that is no JSON may get any
// verdict: the parser refuses it afterwards.
static bool depth_allowed(const char *text, size_t size)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > GW_RPC_MAX_DEPTH)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

// jansson ends its messages with "near '…'", a piece of the text, which may be a key.
static void set_parse_error(struct gw_error *err, json_error_t *problem)
{
	char *quote = strstr(problem->text, " near ");

	if (quote)
		*quote = '\0';
	gw_error_set(
		err, EBADMSG, "not valid JSON at byte %d: %s", problem->position, problem->text);
	gw_wipe(problem, sizeof(*problem));
}

json_t *gw_rpc_parse(char *text, size_t size, struct gw_error *err)
{
	json_t *tree = NULL;
	json_error_t problem;

	if (size > GW_RPC_MAX_MESSAGE) {
		gw_error_set(err, EBADMSG, "the message has %zu bytes, at most %u are taken", size,
			GW_RPC_MAX_MESSAGE);
	} else if (!depth_allowed(text, size)) {
		gw_error_set(err, EBADMSG,
			"more than %d objects or arrays are nested inside each other",
			GW_RPC_MAX_DEPTH);
	} else {
		tree = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
		if (!tree)
			set_parse_error(err, &problem);
	}
	gw_wipe(text, size);
	return tree;
}

struct text {
	char *bytes;
	size_t used;
	size_t room;
};

// Leaves nothing behind where it was before.
static int make_room(struct text *text, size_t size)
{
	size_t room = 2 * (text->used + size) + 256;
	char *bytes = malloc(room);

	if (!bytes)
		return -1;
	if (text->used) {
		memcpy(bytes, text->bytes, text->used);
		gw_wipe(text->bytes, text->used);
	}
	free(text->bytes);
	text->bytes = bytes;
	text->room = room;
	return 0;
}

static int append(const char *piece, size_t size, void *arg)
{
	struct text *text = arg;

	if (text->room - text->used < size && make_room(text, size) != 0)
		return -1;
	memcpy(text->bytes + text->used, piece, size);
	text->used += size;
	return 0;
}

char *gw_rpc_text(const json_t *value)
{
	struct text text = {};

	if (!value)
		return NULL;
	if (make_room(&text, 0) == 0 &&
		json_dump_callback(value, append, &text, JSON_COMPACT) == 0 &&
		append("", 1, &text) == 0)
		return text.bytes;
	if (text.used)
		gw_wipe(text.bytes, text.used);
	free(text.bytes);
	return NULL;
}
