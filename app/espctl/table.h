// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// A table for people: columns as wide as their widest cell; a column whose cells are all empty is
// left out.
struct espctl_column {
	const char *title;
	bool right; // numbers
};

struct espctl_table;

// columns outlives the table.
struct espctl_table *espctl_table_new(const struct espctl_column *columns, size_t count);
// Cells come row by row.
void espctl_table_cell(struct espctl_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// Prints and frees; nothing but the titles when there are no rows.
void espctl_table_print(struct espctl_table *table, FILE *out);

#define ESPCTL_COUNT_SIZE 32

// 99999, then 100k, 1.23M: three digits that matter. Returns buffer.
char *espctl_count_format(uint64_t count, char buffer[ESPCTL_COUNT_SIZE]);
// "42s", "7m 5s", "3h 2m", "12d 4h". Returns buffer.
char *espctl_duration_format(uint64_t seconds, char buffer[ESPCTL_COUNT_SIZE]);

// Prints text in lines of at most width characters, each after indent blanks.
void espctl_wrap(const char *text, unsigned int indent, unsigned int width, FILE *out);
