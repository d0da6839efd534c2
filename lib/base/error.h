// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>

// What went wrong, for the person who asked: the value at fault, what is wrong with it and what
// would be right. The caller owns the structure; every function that takes one accepts NULL.
struct gw_error {
	int code; // positive errno; 0: no error yet
	const void *
		at; // the offending json_t in the caller's tree, or NULL; conf turns it into a line
	char where[128]; // dotted path of the offending value ("encryption.key"), "" if none
	char text[400];  // one sentence, no full stop, no newline
};

// Fills err (the first error stays: later calls change nothing) and returns -code, so that
// `return gw_error_set(err, EINVAL, …)` reads as one step.
int gw_error_set(struct gw_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// The same for a value in a tree of values; name is its last path component.
int gw_error_at(struct gw_error *err, int code, const void *at, const char *name,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

// Puts "name." (or "name[index]." when index >= 0) before err->where, as a decoder returns from a
// nested value.
void gw_error_within(struct gw_error *err, const char *name, int index);

// Writes "where: text" into buffer; returns buffer.
const char *gw_error_string(const struct gw_error *err, char *buffer, size_t size);
