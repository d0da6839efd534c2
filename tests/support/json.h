// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <string.h>

#include <check.h>
#include <jansson.h>

// JSON as tests write it, with ' for ".
static inline json_t *gw_test_json(const char *text)
{
	char quoted[4096];
	json_error_t error;
	json_t *json;

	ck_assert_uint_lt(strlen(text), sizeof(quoted));
	for (size_t i = 0; i <= strlen(text); i++)
		quoted[i] = text[i] == '\'' ? '"' : text[i];
	json = json_loads(quoted, JSON_DECODE_ANY, &error);
	ck_assert_msg(json != NULL, "%s: %s", text, error.text);
	return json;
}

// base with the members of patch set, those whose value is null taken away, in nested objects too.
static inline void gw_test_json_patch(json_t *base, json_t *patch)
{
	const char *name;
	json_t *value;

	json_object_foreach (patch, name, value) {
		if (json_is_null(value))
			json_object_del(base, name);
		else if (json_is_object(value) && json_is_object(json_object_get(base, name)))
			gw_test_json_patch(json_object_get(base, name), value);
		else
			json_object_set(base, name, value);
	}
}

static inline json_t *gw_test_json_patched(const char *base, const char *patch)
{
	json_t *json = gw_test_json(base), *changes = gw_test_json(patch);

	gw_test_json_patch(json, changes);
	json_decref(changes);
	return json;
}
