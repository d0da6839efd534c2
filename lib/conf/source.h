// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "conf/bytes.h"

// The text of a configuration as libconfig gets it. libconfig 1.5 would read the files itself, but
// it takes 32 bits of larger numbers without a word, takes a string or comment that is never closed
// as the end of the file, and leaves copies of every string in memory, freed or lost. So the files
// are scanned first: included ones are put in place, comments taken out, numbers written as 64-bit
// ones in hexadecimal (negative ones in decimal), and each string is replaced by its number in
// decimal; the strings themselves, keys among them, stay here and are wiped. Errors name the file
// and line where the text came from.

struct gw_conf_position {
	unsigned int file; // index in files
	unsigned int line; // from 1
};

struct gw_conf_source {
	struct gw_conf_bytes text;    // for libconfig; ends with a zero byte once it is complete
	struct gw_conf_bytes lines;   // struct gw_conf_position of each line of text
	struct gw_conf_bytes strings; // each ends with a zero byte
	struct gw_conf_bytes starts;  // size_t: where in strings each begins
	struct gw_conf_bytes files;   // char *: their names
	unsigned int nesting;         // of braces and brackets, while scanning
	bool after_string;            // nothing but blanks and comments since the last string
};

// Reads a regular file. 0 or a negative errno with err filled, which does not name the file.
int gw_conf_source_read(const char *path, struct gw_conf_bytes *bytes, struct gw_error *err);

// Fills source from text and the files that it includes; name is the file's in errors, depth that
// of inclusion. 0 or a negative errno with err filled; gw_conf_source_free frees source in either
// case.
int gw_conf_source_scan(struct gw_conf_source *source, const char *text, size_t size,
	const char *name, unsigned int depth, struct gw_error *err);
void gw_conf_source_free(struct gw_conf_source *source);

// Where a line of text (from 1) came from.
struct gw_conf_position gw_conf_source_position(
	const struct gw_conf_source *source, unsigned int line);
const char *gw_conf_source_file(const struct gw_conf_source *source, unsigned int file);
// A string by its number; NULL when there is none of that number.
const char *gw_conf_source_string(const struct gw_conf_source *source, unsigned long long number);

// Fills err with "FILE:LINE: …" and returns -code.
int gw_conf_fail(const struct gw_conf_source *source, struct gw_conf_position position,
	struct gw_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
