// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Prints the reference of the configuration from the tables that read it: as Markdown for docs/, or
// as the table part of the man page for scdoc. With a file's name, says instead whether the file
// holds just that. scripts/gen-configuration-reference writes the files.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/algorithm.h"
#include "spec/tables.h"

#define LONGEST_PATH 64

struct format {
	void (*heading)(FILE *out, const char *path, const struct gw_field_table *table);
	void (*field)(FILE *out, const struct gw_field *field, const char *type);
	void (*algorithms)(FILE *out);
};

// Reads text with marks round what stands between backticks, and the escapes that the format needs.
static void print_marked(FILE *out, const char *text, const char *mark, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '`') {
			fputs(mark, out);
			continue;
		}
		if (strchr(escaped, *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static bool shows_default(const struct gw_field *field)
{
	return field->standard && strcmp(field->standard, "{}") != 0;
}

static void markdown_heading(FILE *out, const char *path, const struct gw_field_table *table)
{
	if (path[0])
		fprintf(out, "\n## %s\n\n%s\n", path, table->help);
	else
		fprintf(out, "\n## The whole file\n");
	fprintf(out, "\n| field | value | default | meaning |\n|---|---|---|---|\n");
}

static void markdown_field(FILE *out, const struct gw_field *field, const char *type)
{
	fprintf(out, "| `%s` | %s | ", field->name, type);
	if (field->required)
		fprintf(out, "*required*");
	else if (shows_default(field))
		fprintf(out, "`%s`", field->standard);
	fprintf(out, " | %s |\n", field->help);
}

static void print_key_lengths(FILE *out, enum gw_encryption_id id)
{
	const struct gw_encryption *row = &gw_encryptions[id];
	char lengths[32];

	if (row->key_bytes[0] == 0)
		fprintf(out, "none");
	else
		fprintf(out, "%s",
			gw_encryption_key_lengths(id, row->salt_bytes, lengths, sizeof(lengths)));
	if (row->salt_bytes)
		fprintf(out, ", the last %u of them the salt", row->salt_bytes);
}

static void markdown_algorithms(FILE *out)
{
	fprintf(out, "\n## Algorithms\n\n"
		     "| encryption | in `ip xfrm` | bytes of key | integrity beside it |\n"
		     "|---|---|---|---|\n");
	for (int id = 1; id < GW_ENCRYPTION_COUNT; id++) {
		const struct gw_encryption *row = &gw_encryptions[id];

		fprintf(out, "| `%s` | `%s` | ", row->name, row->xfrm_name);
		print_key_lengths(out, id);
		fprintf(out, " | %s |\n", row->aead ? "refused" : "needed");
	}
	fprintf(out, "\n| integrity | in `ip xfrm` | bytes of key |\n|---|---|---|\n");
	for (int id = 1; id < GW_INTEGRITY_COUNT; id++)
		fprintf(out, "| `%s` | `%s` | %u |\n", gw_integrities[id].name,
			gw_integrities[id].xfrm_name, gw_integrities[id].key_bytes);
}

static void man_heading(FILE *out, const char *path, const struct gw_field_table *table)
{
	if (path[0]) {
		fprintf(out, "\n## ");
		print_marked(out, path, "", "_");
		fprintf(out, "\n\n%s\n", table->help);
	} else {
		fprintf(out, "\n# THE WHOLE FILE\n");
	}
}

static void man_field(FILE *out, const struct gw_field *field, const char *type)
{
	fprintf(out, "\n*");
	print_marked(out, field->name, "", "_");
	fprintf(out, "* = ");
	print_marked(out, type, "", "_*");
	if (field->required)
		fprintf(out, " (required)");
	if (shows_default(field)) {
		fprintf(out, " (default ");
		print_marked(out, field->standard, "", "_*");
		fprintf(out, ")");
	}
	fprintf(out, "\n\t");
	print_marked(out, field->help, "*", "_");
	fprintf(out, "\n");
}

static void man_algorithms(FILE *out)
{
	fprintf(out, "\n# ALGORITHMS\n\nEncryption, with the bytes of key that each takes:\n");
	for (int id = 1; id < GW_ENCRYPTION_COUNT; id++) {
		const struct gw_encryption *row = &gw_encryptions[id];

		fprintf(out, "\n*%s*\n\t", row->name);
		print_key_lengths(out, id);
		fprintf(out, "; integrity beside it is %s.\n", row->aead ? "refused" : "needed");
	}
	fprintf(out, "\nIntegrity, likewise:\n");
	for (int id = 1; id < GW_INTEGRITY_COUNT; id++)
		fprintf(out, "\n*%s*\n\t%u.\n", gw_integrities[id].name,
			gw_integrities[id].key_bytes);
}

static const struct format markdown = { markdown_heading, markdown_field, markdown_algorithms };
static const struct format man = { man_heading, man_field, man_algorithms };

static void print_table(FILE *out, const struct format *format, const char *path,
	const struct gw_field_table *table)
{
	char type[300], inner[LONGEST_PATH];

	format->heading(out, path, table);
	for (size_t i = 0; i < table->count; i++)
		format->field(out, &table->fields[i],
			gw_field_describe(&table->fields[i], type, sizeof(type)));
	for (size_t i = 0; i < table->count; i++) {
		const struct gw_field *field = &table->fields[i];

		if (!field->table)
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] ? "." : "", field->name);
		print_table(out, format, inner, field->table);
	}
}

// The text of the reference, to be freed.
static char *reference(const struct format *format)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_table(out, format, "", &gw_config_fields);
	format->algorithms(out);
	fclose(out);
	return text;
}

// Whether the file at path ends with text; what stands before it is written by hand.
static bool file_ends_with(const char *path, const char *text)
{
	static char content[1 << 20];
	FILE *file = fopen(path, "r");
	size_t size, tail = strlen(text);

	if (!file)
		return false;
	size = fread(content, 1, sizeof(content), file);
	fclose(file);
	return size > tail && memcmp(content + size - tail, text, tail) == 0;
}

int main(int argc, char **argv)
{
	const struct format *format;
	char *text;
	int ret = EXIT_SUCCESS;

	if (argc < 2 || argc > 3 || (strcmp(argv[1], "markdown") && strcmp(argv[1], "man"))) {
		fprintf(stderr, "usage: configuration-reference markdown|man [FILE]\n");
		return EXIT_FAILURE;
	}
	format = strcmp(argv[1], "man") == 0 ? &man : &markdown;
	text = reference(format);
	if (!text) {
		ret = EXIT_FAILURE;
	} else if (argc == 2) {
		fputs(text, stdout);
	} else if (!file_ends_with(argv[2], text)) {
		fprintf(stderr,
			"%s is not what the tables of lib/spec say: run "
			"scripts/gen-configuration-reference\n",
			argv[2]);
		ret = EXIT_FAILURE;
	}
	free(text);
	return ret;
}
