// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "conf/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// source.h tells how numbers and strings are told apart. jansson has no unsigned numbers: those
// that need them are text, which readers of numbers take as well.
static json_t *convert_integer(const struct gw_conf_source *source, const config_setting_t *setting)
{
	long long number = config_setting_get_int64(setting);
	char text[24];

	if (config_setting_get_format(setting) != CONFIG_FORMAT_HEX)
		return number < 0 ? json_integer(number)
				  : json_string(gw_conf_source_string(
					    source, (unsigned long long)number));
	if (number >= 0)
		return json_integer(number);
	snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)number);
	return json_string(text);
}

static int add_child(const struct gw_conf_source *source, const config_setting_t *child,
	json_t *parent, struct gw_error *err)
{
	json_t *value = gw_conf_tree(source, child, err);
	int ret;

	if (!value)
		return -1;
	if (json_is_object(parent))
		ret = json_object_set_new(parent, config_setting_name(child), value);
	else
		ret = json_array_append_new(parent, value);
	if (ret)
		gw_error_set(err, ENOMEM, "there is no memory for the configuration");
	return ret;
}

static json_t *convert_children(const struct gw_conf_source *source,
	const config_setting_t *setting, json_t *parent, struct gw_error *err)
{
	int count = config_setting_length(setting);

	for (int i = 0; parent && i < count; i++) {
		if (add_child(source, config_setting_get_elem(setting, (unsigned int)i), parent,
			    err)) {
			json_decref(parent);
			return NULL;
		}
	}
	return parent;
}

static json_t *convert(
	const struct gw_conf_source *source, const config_setting_t *setting, struct gw_error *err)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return convert_children(source, setting, json_object(), err);
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		return convert_children(source, setting, json_array(), err);
	case CONFIG_TYPE_INT64:
		return convert_integer(source, setting);
	case CONFIG_TYPE_FLOAT:
		return json_real(config_setting_get_float(setting));
	case CONFIG_TYPE_BOOL:
		return json_boolean(config_setting_get_bool(setting));
	default:
		return NULL;
	}
}

json_t *gw_conf_tree(
	const struct gw_conf_source *source, const config_setting_t *setting, struct gw_error *err)
{
	json_t *value = convert(source, setting, err);

	if (!value)
		gw_conf_fail(source,
			gw_conf_source_position(source, config_setting_source_line(setting)), err,
			EINVAL, "the value cannot be read: text must be UTF-8, numbers finite");
	return value;
}

// The member or element that the first step of *where leads to, which is then past it.
static config_setting_t *step(config_setting_t *setting, const char **where)
{
	char name[128];
	size_t size;

	if (**where == '[') {
		unsigned long index = strtoul(*where + 1, NULL, 10);

		*where += strcspn(*where, "]");
		*where += **where == ']';
		*where += **where == '.';
		return config_setting_get_elem(setting, (unsigned int)index);
	}
	size = strcspn(*where, ".[");
	if (!config_setting_is_group(setting) || size >= sizeof(name))
		return NULL;
	memcpy(name, *where, size);
	name[size] = '\0';
	*where += size;
	*where += **where == '.';
	return config_setting_get_member(setting, name);
}

unsigned int gw_conf_line(config_setting_t *root, const char *where)
{
	config_setting_t *setting = root;

	while (*where) {
		config_setting_t *next = step(setting, &where);

		if (!next)
			break;
		setting = next;
	}
	return config_setting_source_line(setting);
}
