// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static enum gw_log_level threshold = GW_LOG_INFO;

static const struct {
	enum gw_log_level level;
	const char *name;
} levels[] = {
	{ GW_LOG_ERROR, "error" },
	{ GW_LOG_WARNING, "warning" },
	{ GW_LOG_NOTICE, "notice" },
	{ GW_LOG_INFO, "info" },
	{ GW_LOG_DEBUG, "debug" },
};

void gw_log_set_level(enum gw_log_level level)
{
	threshold = level;
}

bool gw_log_level_parse(const char *name, enum gw_log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcasecmp(name, levels[i].name) == 0) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

static const char *level_name(enum gw_log_level level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "?";
}

void gw_log(enum gw_log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "esplanade: %s: %s\n", level_name(level), text);
	else
		fprintf(stderr, "<%d>esplanade: %s: %s\n", level, level_name(level), text);
}
