// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

// Values from outside (the configuration, the control socket) arrive as a jansson tree. One table
// per kind of object says which fields it has; this room reads a tree by such a table, and nothing
// else interprets user input.

// Reads one value into target. 0 or a negative errno with err filled (gw_error_at with the value
// and name).
typedef int (*gw_field_reader)(json_t *value, const char *name, void *target, struct gw_error *err);

struct gw_field {
	const char *name;
	gw_field_reader read; // NULL: words, text_size or table say how
	size_t offset;        // of the target in the object's structure
	bool required;
	const char *help; // one sentence for the reference in docs/

	// What follows may be left out.
	const char *standard; // what an absent member counts as, as JSON text that stays where it
			      // is for good; NULL: the target keeps its value
	uint64_t least, most;     // bounds of a number; most 0: those of its type
	const char *const *words; // the target is an enum that counts them; NULL-terminated
	size_t text_size;         // the target is char[text_size]
	const struct gw_field_table *table; // the target is an object with these fields; beside
					    // read, for the reference only
	const char *type; // what the value may be, where the above does not tell
};

struct gw_field_table {
	const char *help; // what the object is, for the reference
	const struct gw_field *fields;
	size_t count;
};

// Reads the members of object into target by fields[count]. Refuses anything but an object, members
// that no field names (it lists those that exist, the likeliest first) and missing required ones.
// With a name, err->where begins with it: "name.member".
int gw_fields_read(json_t *object, const char *name, const struct gw_field *fields, size_t count,
	void *target, struct gw_error *err);

// What a value of field may be, in words: "a whole number from 576 to 9600". Returns buffer.
const char *gw_field_describe(const struct gw_field *field, char *buffer, size_t size);

// Readers of common kinds; the target's type is in brackets.
int gw_read_bool(json_t *value, const char *name, void *target, struct gw_error *err); // (bool)
int gw_read_u8(json_t *value, const char *name, void *target, struct gw_error *err);   // (uint8_t)
int gw_read_u16(json_t *value, const char *name, void *target, struct gw_error *err);  // (uint16_t)
int gw_read_u32(json_t *value, const char *name, void *target, struct gw_error *err);  // (uint32_t)
// A number, or text with one, decimal or 0x…, because JSON programs lose 64-bit precision.
int gw_read_u64(json_t *value, const char *name, void *target, struct gw_error *err); // (uint64_t)
int gw_read_addr(
	json_t *value, const char *name, void *target, struct gw_error *err); // (struct gw_addr)
int gw_read_prefix(
	json_t *value, const char *name, void *target, struct gw_error *err); // (struct gw_prefix)
int gw_read_range(
	json_t *value, const char *name, void *target, struct gw_error *err); // (struct gw_range)
int gw_read_mac(
	json_t *value, const char *name, void *target, struct gw_error *err); // (uint8_t[6])

// For readers of their own: a string of at most size - 1 bytes, a number within bounds, one of a
// list of words (position in words, NULL-terminated, is written to *choice).
int gw_read_text(json_t *value, const char *name, char *text, size_t size, struct gw_error *err);
int gw_read_number(json_t *value, const char *name, uint64_t least, uint64_t most, uint64_t *number,
	struct gw_error *err);
int gw_read_word(json_t *value, const char *name, const char *const *words, int *choice,
	struct gw_error *err);

// Makes jansson wipe all memory it frees; called once, before any value is read. Keys pass through
// it. What jansson itself has made as text is not for free() then (gw_rpc_text).
void gw_fields_wipe_on_free(void);
