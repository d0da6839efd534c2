// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gw_error_set(struct gw_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err && !err->code) {
		err->code = code;
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return -code;
}

int gw_error_at(
	struct gw_error *err, int code, const void *at, const char *name, const char *format, ...)
{
	va_list args;

	if (err && !err->code) {
		err->code = code;
		err->at = at;
		snprintf(err->where, sizeof(err->where), "%s", name ? name : "");
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return -code;
}

void gw_error_within(struct gw_error *err, const char *name, int index)
{
	char inner[sizeof(err->where)];
	const char *dot;

	if (!err)
		return;
	memcpy(inner, err->where, sizeof(inner));
	dot = inner[0] ? "." : "";
	if (index >= 0)
		snprintf(err->where, sizeof(err->where), "%s[%d]%s%.90s", name, index, dot, inner);
	else
		snprintf(err->where, sizeof(err->where), "%s%s%.100s", name, dot, inner);
}

const char *gw_error_string(const struct gw_error *err, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s%s%s", err->where, err->where[0] ? ": " : "", err->text);
	return buffer;
}
