// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct espctl_table {
	const struct espctl_column *columns;
	size_t column_count;
	char **cells;
	size_t cell_count;
};

// A tool that shows tables has no better answer to want of memory than to end.
static void *or_die(void *memory)
{
	if (!memory) {
		fputs("espctl: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

struct espctl_table *espctl_table_new(const struct espctl_column *columns, size_t count)
{
	struct espctl_table *table = or_die(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->column_count = count;
	return table;
}

void espctl_table_cell(struct espctl_table *table, const char *format, ...)
{
	va_list arguments;
	char *cell;

	// Room doubles at powers of two.
	if ((table->cell_count & (table->cell_count - 1)) == 0)
		table->cells = or_die(realloc(table->cells,
			(table->cell_count ? 2 * table->cell_count : 1) * sizeof(cell)));
	va_start(arguments, format);
	if (vasprintf(&cell, format, arguments) < 0)
		cell = NULL;
	va_end(arguments);
	table->cells[table->cell_count++] = or_die(cell);
}

// 0 for a column without text in any row.
static int column_width(const struct espctl_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->cell_count; i += table->column_count)
		if (strlen(table->cells[i]) > width)
			width = strlen(table->cells[i]);
	if (width == 0 && table->cell_count > 0)
		return 0;
	if (strlen(table->columns[column].title) > width)
		width = strlen(table->columns[column].title);
	return (int)width;
}

static void print_row(
	const struct espctl_table *table, const int *widths, char *const *cells, FILE *out)
{
	int pending = 0; // blanks, printed only before more text

	for (size_t i = 0; i < table->column_count; i++) {
		const char *text = cells ? cells[i] : table->columns[i].title;
		int blanks = widths[i] - (int)strlen(text);

		if (widths[i] == 0)
			continue;
		if (table->columns[i].right)
			pending += blanks;
		if (*text)
			fprintf(out, "%*s%s", pending, "", text);
		pending = (*text ? 0 : pending) + 2;
		if (!table->columns[i].right)
			pending += blanks;
	}
	fputc('\n', out);
}

void espctl_table_print(struct espctl_table *table, FILE *out)
{
	int *widths = or_die(calloc(table->column_count, sizeof(*widths)));

	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = column_width(table, i);
	print_row(table, widths, NULL, out);
	for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
		print_row(table, widths, &table->cells[i], out);
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(widths);
	free(table);
}

char *espctl_count_format(uint64_t count, char buffer[ESPCTL_COUNT_SIZE])
{
	static const char units[] = "kMGTPE";
	double value = (double)count;
	unsigned int unit = 0;

	if (count < 100000) {
		snprintf(buffer, ESPCTL_COUNT_SIZE, "%" PRIu64, count);
		return buffer;
	}
	for (value /= 1000; value >= 999.5; value /= 1000)
		unit++;
	snprintf(buffer, ESPCTL_COUNT_SIZE, "%.*f%c",
		value < 9.995   ? 2
		: value < 99.95 ? 1
				: 0,
		value, units[unit]);
	return buffer;
}

char *espctl_duration_format(uint64_t seconds, char buffer[ESPCTL_COUNT_SIZE])
{
	static const struct {
		unsigned int seconds;
		char large, small;
		unsigned int part;
	} scales[] = { { 86400, 'd', 'h', 3600 }, { 3600, 'h', 'm', 60 }, { 60, 'm', 's', 1 } };

	for (unsigned int i = 0; i < 3; i++) {
		if (seconds < scales[i].seconds)
			continue;
		snprintf(buffer, ESPCTL_COUNT_SIZE, "%" PRIu64 "%c %u%c",
			seconds / scales[i].seconds, scales[i].large,
			(unsigned int)(seconds % scales[i].seconds) / scales[i].part,
			scales[i].small);
		return buffer;
	}
	snprintf(buffer, ESPCTL_COUNT_SIZE, "%" PRIu64 "s", seconds);
	return buffer;
}

void espctl_wrap(const char *text, unsigned int indent, unsigned int width, FILE *out)
{
	unsigned int at = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		unsigned int size = (unsigned int)strcspn(text, " ");

		if (at > 0 && at + 1 + size > width) {
			fputc('\n', out);
			at = 0;
		}
		if (at == 0)
			at = (unsigned int)fprintf(
				out, "%*s%.*s", (int)indent, "", (int)size, text);
		else
			at += (unsigned int)fprintf(out, " %.*s", (int)size, text);
		text += size;
	}
	fputc('\n', out);
}
