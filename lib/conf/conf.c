// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "conf/conf.h"

#include <errno.h>
#include <libconfig.h>
#include <string.h>

#include "conf/source.h"
#include "conf/tree.h"

// What libconfig's errors leave unsaid.
static const struct {
	const char *text;
	const char *remedy;
} remedies[] = {
	{ "syntax error", "here or on the line before; it must be `name = value;`, with { } round "
			  "groups, ( ) "
			  "round lists and [ ] round arrays" },
	{ "duplicate setting name", "each name may stand once in a group" },
	{ "mismatched element type in array",
		"an array has elements of one type; a list, between ( ), may mix them" },
};

static void explain_syntax(
	const struct gw_conf_source *source, const config_t *libconfig, struct gw_error *err)
{
	const char *text = config_error_text(libconfig), *remedy = "";

	if (!text)
		text = "cannot be read";
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (strcmp(text, remedies[i].text) == 0)
			remedy = remedies[i].remedy;
	gw_conf_fail(source,
		gw_conf_source_position(source, (unsigned int)config_error_line(libconfig)), err,
		EINVAL, "%s%s%s", text, remedy[0] ? ": " : "", remedy);
}

static struct gw_config *read_tree(
	const struct gw_conf_source *source, config_setting_t *root, struct gw_error *err)
{
	json_t *tree = gw_conf_tree(source, root, err);
	struct gw_config *config = NULL;
	struct gw_error inner = {};

	if (tree && gw_config_read(tree, &config, &inner))
		gw_conf_fail(source,
			gw_conf_source_position(source, gw_conf_line(root, inner.where)), err,
			inner.code, "%s%s%s", inner.where, inner.where[0] ? ": " : "", inner.text);
	json_decref(tree);
	return config;
}

struct gw_config *gw_conf_parse(const char *text, const char *name, struct gw_error *err)
{
	return gw_conf_parse_bytes(text, strlen(text), name, err);
}

struct gw_config *gw_conf_parse_bytes(
	const char *text, size_t size, const char *name, struct gw_error *err)
{
	struct gw_conf_source source = {};
	struct gw_config *config = NULL;
	config_t libconfig;

	if (gw_conf_source_scan(&source, text, size, name, 0, err) == 0) {
		config_init(&libconfig);
		if (config_read_string(&libconfig, source.text.data))
			config = read_tree(&source, config_root_setting(&libconfig), err);
		else
			explain_syntax(&source, &libconfig, err);
		config_destroy(&libconfig);
	}
	gw_conf_source_free(&source);
	return config;
}

struct gw_config *gw_conf_load(const char *path, struct gw_error *err)
{
	struct gw_conf_bytes bytes = {};
	struct gw_config *config = NULL;
	struct gw_error inner = {};

	if (gw_conf_source_read(path, &bytes, &inner))
		gw_error_set(err, inner.code, "%s: %s", path, inner.text);
	else
		config = gw_conf_parse_bytes(bytes.data ? bytes.data : "", bytes.used, path, err);
	gw_conf_bytes_free(&bytes);
	return config;
}
