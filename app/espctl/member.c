// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/member.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const json_t *espctl_member(const json_t *object, const char *path)
{
	char copy[80], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((name = strsep(&rest, ".")))
		object = json_object_get(object, name);
	return object;
}

const char *espctl_member_text(const json_t *object, const char *path)
{
	const char *text = json_string_value(espctl_member(object, path));

	return text ? text : "";
}

uint64_t espctl_member_count(const json_t *object, const char *path)
{
	return (uint64_t)json_integer_value(espctl_member(object, path));
}

const char *espctl_member_show(
	const json_t *object, const char *path, char buffer[ESPCTL_MEMBER_SIZE])
{
	const json_t *value = espctl_member(object, path);

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_array(value)) {
		snprintf(buffer, ESPCTL_MEMBER_SIZE, "a map of %zu", json_array_size(value));
		return buffer;
	}
	if (!json_is_integer(value))
		return "";
	snprintf(buffer, ESPCTL_MEMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return buffer;
}
