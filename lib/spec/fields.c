// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include "spec/reading.h"

#define LONGEST_FIELD 24

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

// How many letters must be put in, left out, changed or swapped with their neighbour to make one
// text the other; both are at most LONGEST_FIELD long.
static unsigned int distance(const char *a, const char *b)
{
	unsigned int edits[LONGEST_FIELD + 1][LONGEST_FIELD + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (i == 0 || j == 0) {
				edits[i][j] = i + j;
				continue;
			}
			edits[i][j] = smaller(edits[i - 1][j], edits[i][j - 1]) + 1;
			edits[i][j] =
				smaller(edits[i][j], edits[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				edits[i][j] = smaller(edits[i][j], edits[i - 2][j - 2] + 1);
		}
	}
	return edits[a_length][b_length];
}

static const struct gw_field *nearest(const char *name, const struct gw_field *fields, size_t count)
{
	const struct gw_field *best = NULL;
	unsigned int best_distance = 4;

	if (strlen(name) > LONGEST_FIELD)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned int d;

		if (strlen(fields[i].name) > LONGEST_FIELD)
			continue;
		d = distance(name, fields[i].name);
		// Half the letters wrong is no misspelling.
		if (d < best_distance && 2 * d <= strlen(fields[i].name)) {
			best = &fields[i];
			best_distance = d;
		}
	}
	return best;
}

// A member's name is the outside's text: what goes into err->where is cut and printable.
static void clean_name(const char *name, char *buffer, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && name[i]; i++)
		buffer[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	buffer[i] = '\0';
}

static int refuse_unknown(json_t *value, const char *name, const struct gw_field *fields,
	size_t count, struct gw_error *err)
{
	const struct gw_field *close = nearest(name, fields, count);
	char list[300], clean[64];
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += snprintf(
			list + used, sizeof(list) - used, "%s%s", i ? ", " : "", fields[i].name);
	clean_name(name, clean, sizeof(clean));
	if (close)
		return gw_error_at(err, EINVAL, value, clean,
			"there is no such field; did you mean \"%s\"? The fields are %s",
			close->name, list);
	return gw_error_at(
		err, EINVAL, value, clean, "there is no such field; the fields are %s", list);
}

static int check_members(
	json_t *object, const struct gw_field *fields, size_t count, struct gw_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		size_t i = 0;

		while (i < count && strcmp(fields[i].name, key) != 0)
			i++;
		if (i == count)
			return refuse_unknown(value, key, fields, count, err);
	}
	return 0;
}

static int read_choice(
	json_t *value, const struct gw_field *field, void *target, struct gw_error *err)
{
	int choice, ret;

	ret = gw_read_word(value, field->name, field->words, &choice, err);
	if (ret == 0)
		memcpy(target, &choice, sizeof(choice)); // enums without negatives have int's size
	return ret;
}

static int read_member(
	json_t *value, const struct gw_field *field, void *object, struct gw_error *err)
{
	void *target = (char *)object + field->offset;

	if (field->most) {
		uint64_t number;
		int ret =
			gw_read_number(value, field->name, field->least, field->most, &number, err);

		if (ret)
			return ret;
	}
	if (field->read)
		return field->read(value, field->name, target, err);
	if (field->words)
		return read_choice(value, field, target, err);
	if (field->text_size)
		return gw_read_text(value, field->name, target, field->text_size, err);
	return gw_fields_read(
		value, field->name, field->table->fields, field->table->count, target, err);
}

// The defaults that were needed so far, by the place of their text, which the tables have for good:
// reading an SA takes some twenty of them. A value lives until another takes its slot.
#define STANDARD_SLOTS 1024 // many more than there are, so that few share one
static struct {
	const char *text;
	json_t *value;
} standards[STANDARD_SLOTS];

// A new reference to the value of a default, or NULL when there is no memory.
static json_t *standard_value(const char *text)
{
	size_t slot = (uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15) >> 54;

	if (standards[slot].text != text) {
		json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

		if (!value)
			return NULL;
		json_decref(standards[slot].value);
		standards[slot].text = text;
		standards[slot].value = value;
	}
	return json_incref(standards[slot].value);
}

static int read_absent(
	json_t *object, const struct gw_field *field, void *target, struct gw_error *err)
{
	char expected[200];
	json_t *standard;
	int ret;

	if (field->required)
		return gw_error_at(err, EINVAL, object, field->name, "is missing; it must be %s",
			gw_field_describe(field, expected, sizeof(expected)));
	if (!field->standard)
		return 0;
	standard = standard_value(field->standard);
	if (!standard)
		return gw_error_at(
			err, ENOMEM, object, field->name, "there is no memory for its default");
	ret = read_member(standard, field, target, err);
	json_decref(standard);
	return ret;
}

static int read_members(json_t *object, const struct gw_field *fields, size_t count, void *target,
	struct gw_error *err)
{
	int ret = check_members(object, fields, count, err);

	for (size_t i = 0; ret == 0 && i < count; i++) {
		json_t *value = json_object_get(object, fields[i].name);

		ret = value ? read_member(value, &fields[i], target, err)
			    : read_absent(object, &fields[i], target, err);
	}
	return ret;
}

int gw_fields_read(json_t *object, const char *name, const struct gw_field *fields, size_t count,
	void *target, struct gw_error *err)
{
	int ret;

	if (!json_is_object(object))
		return gw_value_wrong(object, name, err, "a group of named values");
	ret = read_members(object, fields, count, target, err);
	if (ret && name && name[0])
		gw_error_within(err, name, -1);
	return ret;
}

static const char *list_words(const char *const *words, char *buffer, size_t size)
{
	size_t used = 0;

	for (int i = 0; words[i] && used < size; i++)
		used += snprintf(buffer + used, size - used, "%s\"%s\"",
			i == 0         ? ""
			: words[i + 1] ? ", "
				       : " or ",
			words[i]);
	return buffer;
}

int gw_read_word(json_t *value, const char *name, const char *const *words, int *choice,
	struct gw_error *err)
{
	char list[200];

	for (int i = 0; json_is_string(value) && words[i]; i++) {
		if (strcmp(json_string_value(value), words[i]) == 0) {
			*choice = i;
			return 0;
		}
	}
	return gw_value_wrong(value, name, err, "%s", list_words(words, list, sizeof(list)));
}

static const struct {
	gw_field_reader read;
	const char *type;
} reader_types[] = {
	{ gw_read_bool, "true or false" },
	{ gw_read_u8, "a whole number from 0 to 255" },
	{ gw_read_u16, "a whole number from 0 to 65535" },
	{ gw_read_u32, "a whole number from 0 to 4294967295" },
	{ gw_read_u64, "a whole number from 0 to 18446744073709551615" },
	{ gw_read_addr, "an IPv4 or IPv6 address" },
	{ gw_read_prefix, "an IPv4 or IPv6 prefix without host bits" },
	{ gw_read_range, "a prefix, an address, or \"first-last\"" },
	{ gw_read_mac, "a MAC address such as \"02:00:00:00:00:01\"" },
	{ gw_read_name, "text of at most 31 printable ASCII characters without quotes" },
};

const char *gw_field_describe(const struct gw_field *field, char *buffer, size_t size)
{
	const char *type = field->type;

	for (size_t i = 0; !type && i < sizeof(reader_types) / sizeof(reader_types[0]); i++)
		if (field->read && reader_types[i].read == field->read)
			type = reader_types[i].type;
	if (field->most && !field->type)
		snprintf(buffer, size, "a whole number from %" PRIu64 " to %" PRIu64, field->least,
			field->most);
	else if (type)
		snprintf(buffer, size, "%s", type);
	else if (field->words)
		list_words(field->words, buffer, size);
	else if (field->text_size)
		snprintf(buffer, size, "text of at most %zu characters", field->text_size - 1);
	else
		snprintf(buffer, size, "a group of named values");
	return buffer;
}

// Before each piece of jansson's memory, so that it can be wiped and given back.
struct head {
	_Alignas(16) size_t bytes; // of the whole
};

static void *take(size_t bytes)
{
	size_t whole = sizeof(struct head) + bytes;
	struct head *head = whole > bytes ? gw_slab_take(&gw_slab_private, whole) : NULL;

	if (!head)
		return NULL;
	head->bytes = whole;
	return head + 1;
}

static void wipe_and_give(void *memory)
{
	struct head *head = (struct head *)memory - 1;

	if (memory)
		gw_slab_give(&gw_slab_private, head, head->bytes);
}

void gw_fields_wipe_on_free(void)
{
	json_set_alloc_funcs(take, wipe_and_give);
}
