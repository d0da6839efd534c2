// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The configurations that come with the gateway are sound: loads each file it is given. The first
// is the sample, which shows every setting there is.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "spec/tables.h"

// Whether text sets every field of table and of the tables within it.
static bool shows_table(const char *text, const struct gw_field_table *table)
{
	bool all = true;

	for (size_t i = 0; i < table->count; i++) {
		char setting[64];

		snprintf(setting, sizeof(setting), " %s = ", table->fields[i].name);
		if (!strstr(text, setting)) {
			fprintf(stderr, "the sample does not show %s\n", table->fields[i].name);
			all = false;
		}
		if (table->fields[i].table && !shows_table(text, table->fields[i].table))
			all = false;
	}
	return all;
}

static bool shows_all(const char *path)
{
	static char text[1 << 16];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	for (char *at = text; (at = strchr(at, '\n')); at++)
		*at = ' ';
	return shows_table(text, &gw_config_fields);
}

int main(int argc, char **argv)
{
	int ret = argc > 1 && shows_all(argv[1]) ? EXIT_SUCCESS : EXIT_FAILURE;

	for (int i = 1; i < argc; i++) {
		struct gw_error err = {};
		struct gw_config *config = gw_conf_load(argv[i], &err);

		if (!config) {
			fprintf(stderr, "%s\n", err.text);
			ret = EXIT_FAILURE;
		}
		gw_config_free(config);
	}
	return ret;
}
