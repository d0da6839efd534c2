// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The scanner of source.h. It knows libconfig's comments, strings, numbers, names and @include, and
// leaves what is wrong with anything else to libconfig.

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/source.h"

#define MOST_INCLUDES 10 // files within files
#define MOST_NESTING  16 // groups and lists within each other; libconfig and we recurse into them
#define LONGEST_PATH  4096

struct scanner {
	struct gw_conf_source *source;
	const char *at;
	const char *end;
	struct gw_conf_position position;
	unsigned int depth; // of @include
	struct gw_error *err;
};

static int no_memory(struct scanner *scanner)
{
	return gw_conf_fail(scanner->source, scanner->position, scanner->err, ENOMEM,
		"there is no memory for the configuration");
}

static int emit(struct scanner *scanner, const char *text, size_t size)
{
	return gw_conf_bytes_add(&scanner->source->text, text, size) ? no_memory(scanner) : 0;
}

// From here on, the text comes from the scanner's position.
static int begin_line(struct scanner *scanner)
{
	return gw_conf_bytes_add(
		       &scanner->source->lines, &scanner->position, sizeof(scanner->position))
		       ? no_memory(scanner)
		       : 0;
}

static int scan_newline(struct scanner *scanner)
{
	int ret = emit(scanner, "\n", 1);

	scanner->at++;
	scanner->position.line++;
	return ret ? ret : begin_line(scanner);
}

static bool starts_with(const struct scanner *scanner, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(scanner->end - scanner->at) >= size && memcmp(scanner->at, text, size) == 0;
}

static void skip_line_comment(struct scanner *scanner)
{
	while (scanner->at < scanner->end && *scanner->at != '\n')
		scanner->at++;
}

static int scan_comment(struct scanner *scanner)
{
	struct gw_conf_position begin = scanner->position;
	int ret = emit(scanner, " ", 1);

	scanner->at += 2;
	while (ret == 0 && scanner->at < scanner->end && !starts_with(scanner, "*/")) {
		if (*scanner->at == '\n')
			ret = scan_newline(scanner);
		else
			scanner->at++;
	}
	if (ret)
		return ret;
	if (scanner->at == scanner->end)
		return gw_conf_fail(scanner->source, begin, scanner->err, EINVAL,
			"this comment is never closed; it must end with */");
	scanner->at += 2;
	return 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

// The character that the escape sequence after a backslash stands for, -1 when it is none of
// libconfig's: then the backslash stands for itself.
static int scan_escape(struct scanner *scanner)
{
	static const char letters[] = "nrtf\\\"", meanings[] = "\n\r\t\f\\\"";
	const char *at = scanner->at, *letter;

	if (at < scanner->end && *at && (letter = strchr(letters, *at))) {
		scanner->at++;
		return meanings[letter - letters];
	}
	if (scanner->end - at >= 3 && *at == 'x' && isxdigit((unsigned char)at[1]) &&
		isxdigit((unsigned char)at[2])) {
		scanner->at += 3;
		return hex_digit(at[1]) << 4 | hex_digit(at[2]);
	}
	return -1;
}

// Decodes to the closing quotation mark.
static int decode_string(struct scanner *scanner, struct gw_conf_bytes *strings)
{
	while (scanner->at < scanner->end && *scanner->at != '"' && *scanner->at != '\n') {
		char c = *scanner->at++;
		int meaning = c == '\\' ? scan_escape(scanner) : -1;

		if (meaning >= 0)
			c = (char)meaning;
		if (c == '\0')
			return gw_conf_fail(scanner->source, scanner->position, scanner->err,
				EINVAL, "the string holds a zero byte; it must be text");
		if (gw_conf_bytes_add(strings, &c, 1))
			return no_memory(scanner);
	}
	if (scanner->at == scanner->end || *scanner->at != '"')
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"a string is not closed; it must end with \" on the same line");
	scanner->at++;
	return gw_conf_bytes_add(strings, "", 1) ? no_memory(scanner) : 0;
}

// Strings that follow each other are one.
static int scan_string(struct scanner *scanner)
{
	struct gw_conf_source *source = scanner->source;
	size_t index = source->starts.used / sizeof(size_t), start = source->strings.used;
	bool joins = source->after_string;
	char number[32];
	int ret;

	scanner->at++;
	source->after_string = true;
	if (joins)
		source->strings.used--; // the zero byte
	else if (gw_conf_bytes_add(&source->starts, &start, sizeof(start)))
		return no_memory(scanner);
	ret = decode_string(scanner, &source->strings);
	if (ret || joins)
		return ret;
	return emit(scanner, number, (size_t)snprintf(number, sizeof(number), "%zuL", index));
}

// Whether token is one of libconfig's integers: decimal with a sign or hexadecimal, L or LL behind.
static bool is_integer(const char *token)
{
	bool hex = token[0] == '0' && (token[1] == 'x' || token[1] == 'X');
	size_t digits;

	token += hex ? 2 : strspn(token, "+-") > 0;
	digits = strspn(token, hex ? "0123456789abcdefABCDEF" : "0123456789");
	token += digits;
	return digits > 0 &&
	       (strcmp(token, "") == 0 || strcmp(token, "L") == 0 || strcmp(token, "LL") == 0);
}

static int emit_integer(struct scanner *scanner, const char *token)
{
	bool negative = token[0] == '-';
	uint64_t number;
	char text[32];

	errno = 0;
	number = strtoull(token + (negative || token[0] == '+'), NULL,
		token[0] == '0' && (token[1] | 0x20) == 'x' ? 16 : 10);
	if (errno || (negative && number > INT64_MAX))
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, ERANGE,
			"the number does not fit into 64 bits");
	snprintf(text, sizeof(text), negative ? "-%" PRIu64 "L" : "0x%" PRIx64 "L", number);
	return emit(scanner, text, strlen(text));
}

static int scan_number(struct scanner *scanner)
{
	const char *begin = scanner->at;
	char token[64];
	size_t size;

	while (scanner->at < scanner->end && *scanner->at &&
		(isalnum((unsigned char)*scanner->at) || strchr("+-.", *scanner->at)))
		scanner->at++;
	size = (size_t)(scanner->at - begin);
	if (size >= sizeof(token))
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"a number has more than %zu digits; if it is a key, it must stand between "
			"\"",
			sizeof(token) - 1);
	memcpy(token, begin, size);
	token[size] = '\0';
	return is_integer(token) ? emit_integer(scanner, token) : emit(scanner, begin, size);
}

static int scan_name(struct scanner *scanner)
{
	const char *begin = scanner->at;

	while (scanner->at < scanner->end && *scanner->at &&
		(isalnum((unsigned char)*scanner->at) || strchr("*-_", *scanner->at)))
		scanner->at++;
	return emit(scanner, begin, (size_t)(scanner->at - begin));
}

static int scan_other(struct scanner *scanner)
{
	char c = *scanner->at;

	if (c == '\0')
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"there is a zero byte; a configuration is text");
	if (strchr("{([", c) && ++scanner->source->nesting > MOST_NESTING)
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"groups and lists are nested more than %d deep", MOST_NESTING);
	if (strchr("})]", c) && scanner->source->nesting > 0)
		scanner->source->nesting--;
	scanner->at++;
	return emit(scanner, &c, 1);
}

// A path is relative to the file that names it.
static void resolve(const struct scanner *scanner, const char *path, char *full, size_t size)
{
	const char *file = gw_conf_source_file(scanner->source, scanner->position.file);
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || !slash || slash - file > LONGEST_PATH)
		snprintf(full, size, "%s", path);
	else
		snprintf(full, size, "%.*s%s", (int)(slash + 1 - file), file, path);
}

static int load_included(struct scanner *scanner, const char *path)
{
	struct gw_conf_bytes bytes = {};
	struct gw_error inner = {};
	char full[2 * LONGEST_PATH];
	int ret;

	if (scanner->depth == MOST_INCLUDES)
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, ELOOP,
			"files include each other more than %d deep", MOST_INCLUDES);
	resolve(scanner, path, full, sizeof(full));
	ret = gw_conf_source_read(full, &bytes, &inner);
	if (ret)
		gw_conf_fail(scanner->source, scanner->position, scanner->err, inner.code,
			"\"%s\" %s", full, inner.text);
	else
		ret = gw_conf_source_scan(scanner->source, bytes.data, bytes.used, full,
			scanner->depth + 1, scanner->err);
	gw_conf_bytes_free(&bytes);
	return ret;
}

// The included text stands on lines of its own.
static int scan_include(struct scanner *scanner)
{
	char path[LONGEST_PATH];
	const char *quote;
	size_t size;
	int ret;

	scanner->at += strlen("@include");
	while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\t'))
		scanner->at++;
	size = (size_t)(scanner->end - scanner->at);
	quote = size && *scanner->at == '"' ? memchr(scanner->at + 1, '"', size - 1) : NULL;
	if (!quote || memchr(scanner->at, '\n', (size_t)(quote - scanner->at)))
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"@include must be followed by the path of a file between \"");
	size = (size_t)(quote - scanner->at - 1);
	if (size == 0 || size >= sizeof(path) || memchr(scanner->at + 1, '\0', size))
		return gw_conf_fail(scanner->source, scanner->position, scanner->err, EINVAL,
			"@include must name a file, in fewer than %zu characters", sizeof(path));
	memcpy(path, scanner->at + 1, size);
	path[size] = '\0';
	scanner->at = quote + 1;
	ret = load_included(scanner, path);
	if (ret == 0)
		ret = emit(scanner, "\n", 1);
	return ret ? ret : begin_line(scanner);
}

static int scan_token(struct scanner *scanner)
{
	unsigned char c = (unsigned char)*scanner->at;

	if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
		scanner->at++;
		return emit(scanner, " ", 1);
	}
	if (c == '#' || starts_with(scanner, "//")) {
		skip_line_comment(scanner);
		return 0;
	}
	if (starts_with(scanner, "/*"))
		return scan_comment(scanner);
	if (c == '"')
		return scan_string(scanner);
	scanner->source->after_string = false;
	if (isalpha(c) || c == '*')
		return scan_name(scanner);
	if (isdigit(c) || c == '+' || c == '-' || c == '.')
		return scan_number(scanner);
	return scan_other(scanner);
}

static int scan(struct scanner *scanner)
{
	bool line_begins = true;
	int ret = 0;

	while (ret == 0 && scanner->at < scanner->end) {
		if (*scanner->at == '\n') {
			line_begins = true;
			ret = scan_newline(scanner);
		} else if (line_begins && starts_with(scanner, "@include")) {
			line_begins = false;
			ret = scan_include(scanner);
		} else {
			line_begins = line_begins && (*scanner->at == ' ' || *scanner->at == '\t');
			ret = scan_token(scanner);
		}
	}
	return ret;
}

// The name of a new file, or -1 when there is no memory.
static int add_file(struct gw_conf_source *source, const char *name)
{
	char *copy = strdup(name);

	if (copy && gw_conf_bytes_add(&source->files, &copy, sizeof(copy)) == 0)
		return (int)(source->files.used / sizeof(copy)) - 1;
	free(copy);
	return -1;
}

int gw_conf_source_scan(struct gw_conf_source *source, const char *text, size_t size,
	const char *name, unsigned int depth, struct gw_error *err)
{
	struct scanner scanner = {
		.source = source,
		.at = text,
		.end = text + size,
		.depth = depth,
		.err = err,
	};
	int file = add_file(source, name), ret;

	if (file < 0)
		return gw_error_set(err, ENOMEM, "%s: there is no memory for it", name);
	scanner.position = (struct gw_conf_position){ (unsigned int)file, 1 };
	if (depth) // the line of @include is the included text's now
		source->lines.used -= sizeof(scanner.position);
	ret = begin_line(&scanner);
	if (ret == 0 && size)
		ret = scan(&scanner);
	if (ret == 0 && depth == 0)
		ret = emit(&scanner, "", 1);
	return ret;
}
