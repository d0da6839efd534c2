// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "run.h"
#include "spec/config.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct toy_inner {
	bool flag;
	char text[8];
};

enum toy_word { RED, GREEN, BLUE };

struct toy {
	uint8_t small;
	uint16_t bounded;
	uint32_t medium;
	uint64_t large;
	enum toy_word word;
	struct toy_inner inner;
};

static const char *const toy_words[] = { "red", "green", "blue", NULL };

static const struct gw_field inner_fields[] = {
	{ "flag", gw_read_bool, offsetof(struct toy_inner, flag), true, .help = "A flag." },
	{ "text", NULL, offsetof(struct toy_inner, text), false, .text_size = 8,
		.standard = "\"abc\"" },
};
static const struct gw_field_table inner_table = { "Inner.", inner_fields, COUNT(inner_fields) };

static const struct gw_field toy_fields[] = {
	{ "small", gw_read_u8, offsetof(struct toy, small), false, .help = "Small." },
	{ "bounded", gw_read_u16, offsetof(struct toy, bounded), false, .least = 10, .most = 20,
		.standard = "12" },
	{ "medium", gw_read_u32, offsetof(struct toy, medium), false, .help = "Medium." },
	{ "large", gw_read_u64, offsetof(struct toy, large), false, .help = "Large." },
	{ "word", NULL, offsetof(struct toy, word), false, .words = toy_words,
		.standard = "\"green\"" },
	{ "inner", NULL, offsetof(struct toy, inner), false, .table = &inner_table },
};

static int read_toy(const char *text, const char *name, struct toy *toy, struct gw_error *err)
{
	json_t *json = gw_test_json(text);
	int ret = gw_fields_read(json, name, toy_fields, COUNT(toy_fields), toy, err);

	json_decref(json);
	return ret;
}

START_TEST(absent_members)
{
	struct toy toy = { .small = 7, .medium = 8, .inner.flag = true };
	struct gw_error err = {};

	ck_assert_int_eq(read_toy("{}", NULL, &toy, &err), 0);
	ck_assert_uint_eq(toy.small, 7);
	ck_assert_uint_eq(toy.bounded, 12);
	ck_assert_uint_eq(toy.medium, 8);
	ck_assert_int_eq(toy.word, GREEN);
	ck_assert(toy.inner.flag);
}
END_TEST

// More defaults than are kept ready: each is read as what it is, whichever was read before.
START_TEST(defaults_of_many_texts)
{
	static char texts[5000][8];
	struct toy toy;
	json_t *json = gw_test_json("{}");

	for (int i = 0; i < 10000; i++) {
		struct gw_field field = { "medium", gw_read_u32, offsetof(struct toy, medium),
			.standard = texts[i % 5000] };

		snprintf(texts[i % 5000], sizeof(texts[0]), "%d", i % 5000);
		ck_assert_int_eq(gw_fields_read(json, NULL, &field, 1, &toy, NULL), 0);
		ck_assert_uint_eq(toy.medium, i % 5000);
	}
	json_decref(json);
}
END_TEST

START_TEST(numbers_in_every_form)
{
	struct toy toy = {};
	struct gw_error err = {};

	ck_assert_int_eq(read_toy("{'small':'255','bounded':20,'medium':'0xFFFFFFFF',"
				  "'large':'18446744073709551615','word':'blue',"
				  "'inner':{'flag':true,'text':'1234567'}}",
				 NULL, &toy, &err),
		0);
	ck_assert_uint_eq(toy.small, 255);
	ck_assert_uint_eq(toy.bounded, 20);
	ck_assert_uint_eq(toy.medium, UINT32_MAX);
	ck_assert_uint_eq(toy.large, UINT64_MAX);
	ck_assert_int_eq(toy.word, BLUE);
	ck_assert_str_eq(toy.inner.text, "1234567");
}
END_TEST

static const struct {
	const char *text;
	const char *name; // given to gw_fields_read
	const char *where;
	const char *words;
} refused[] = {
	{ "[]", NULL, "", "must be a group of named values, not a list" },
	{ "null", "toy", "toy", "not null" },
	{ "{'small':256}", NULL, "small", "from 0 to 255, not 256" },
	{ "{'small':null}", NULL, "small", "not null" },
	{ "{'small':'256'}", "toy", "toy.small", "not \"256\"" },
	{ "{'bounded':9}", NULL, "bounded", "from 10 to 20, not 9" },
	{ "{'bounded':65546}", NULL, "bounded", "from 10 to 20" },
	{ "{'medium':4294967296}", NULL, "medium", "4294967295" },
	{ "{'medium':'0x100000000'}", NULL, "medium", "4294967295" },
	{ "{'medium':''}", NULL, "medium", "whole number" },
	{ "{'medium':'-1'}", NULL, "medium", "whole number" },
	{ "{'medium':'+1'}", NULL, "medium", "whole number" },
	{ "{'medium':' 1'}", NULL, "medium", "whole number" },
	{ "{'medium':'1e3'}", NULL, "medium", "whole number" },
	{ "{'large':'18446744073709551616'}", NULL, "large", "whole number" },
	{ "{'word':'yellow'}", NULL, "word",
		"must be \"red\", \"green\" or \"blue\", not \"yellow\"" },
	{ "{'word':1}", NULL, "word", "not 1" },
	{ "{'inner':{}}", "toy", "toy.inner.flag", "is missing; it must be true or false" },
	{ "{'inner':{'flag':0}}", NULL, "inner.flag", "true or false, not 0" },
	{ "{'inner':{'flag':true,'text':'12345678'}}", NULL, "inner.text", "at most 7" },
	{ "{'inner':{'flag':true,'text':'a\\n'}}", NULL, "inner.text", "printable" },
	{ "{'inner':{'flga':true}}", NULL, "inner.flga", "did you mean \"flag\"" },
	{ "{'smal':1}", NULL, "smal", "did you mean \"small\"? The fields are small, bounded" },
	{ "{'samll':1}", NULL, "samll", "did you mean \"small\"" },
	{ "{'colour':1}", NULL, "colour",
		"the fields are small, bounded, medium, large, word, inner" },
	{ "{'':1}", NULL, "", "the fields are" },
	{ "{'a\\nb':1}", NULL, "a?b", "the fields are" },
	// What may be a key is not repeated, wherever it stands.
	{ "{'word':'0x00112233445566778899'}", NULL, "word", "not [redacted]" },
	{ "{'medium':'00112233445566778899aabbccddeeff00'}", NULL, "medium", "not [redacted]" },
	{ "{'word':'a text that is a good deal longer than an error needs to show'}", NULL, "word",
		"\"a text that is a good deal longer than a\"..." },
};

START_TEST(refuses)
{
	struct toy toy = {};
	struct gw_error err = {};

	ck_assert_int_eq(read_toy(refused[_i].text, refused[_i].name, &toy, &err), -EINVAL);
	ck_assert_str_eq(err.where, refused[_i].where);
	ck_assert_msg(strstr(err.text, refused[_i].words) != NULL, "%s", err.text);
}
END_TEST

START_TEST(error_is_optional)
{
	struct toy toy = {};

	ck_assert_int_eq(read_toy("{'inner':{'flag':0}}", "toy", &toy, NULL), -EINVAL);
	ck_assert_int_eq(read_toy("{'unknown':0}", "toy", &toy, NULL), -EINVAL);
}
END_TEST

START_TEST(descriptions)
{
	char text[100];

	ck_assert_str_eq(gw_field_describe(&toy_fields[0], text, sizeof(text)),
		"a whole number from 0 to 255");
	ck_assert_str_eq(gw_field_describe(&toy_fields[1], text, sizeof(text)),
		"a whole number from 10 to 20");
	ck_assert_str_eq(gw_field_describe(&toy_fields[4], text, sizeof(text)),
		"\"red\", \"green\" or \"blue\"");
	ck_assert_str_eq(gw_field_describe(&inner_fields[1], text, sizeof(text)),
		"text of at most 7 characters");
}
END_TEST

// A default that cannot be read would be an error of every object without the member.
static void check_table(const struct gw_field_table *table, void *target)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct gw_field *field = &table->fields[i];
		json_t *object = json_object();
		struct gw_error err = {};

		ck_assert_msg(field->read || field->words || field->text_size || field->table, "%s",
			field->name);
		ck_assert_msg(field->help && field->help[strlen(field->help) - 1] == '.', "%s",
			field->name);
		ck_assert_msg(!field->required || !field->standard, "%s", field->name);
		if (!field->required)
			ck_assert_msg(gw_fields_read(object, NULL, field, 1, target, &err) == 0,
				"%s: %s", field->name, err.text);
		json_decref(object);
		if (field->table)
			check_table(field->table, target);
	}
}

START_TEST(tables_are_sound)
{
	void *target = calloc(1, 65536);

	check_table(&gw_config_fields, target);
	free(target);
}
END_TEST

// The freed memory is the allocator's: it is looked at through a second allocation of its size.
START_TEST(jansson_wipes)
{
	static const char secret[] = "a secret that is rather long so that no pool has it in part, "
				     "and so long that its place in memory is found again";
	json_t *string = json_string(secret);
	json_free_t free_memory;
	json_malloc_t allocate;
	char *copy;

	ck_assert_ptr_nonnull(string);
	json_decref(string);
	json_get_alloc_funcs(&allocate, &free_memory);
	for (int i = 0; i < 16; i++) {
		copy = allocate(sizeof(secret));
		ck_assert_ptr_nonnull(copy);
		ck_assert_ptr_null(memmem(copy, sizeof(secret), "no pool has it", 14));
		memcpy(copy, secret, sizeof(secret));
		free_memory(copy);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spec_fields");
	TCase *tcase = tcase_create("fields");

	gw_fields_wipe_on_free();
	tcase_add_test(tcase, absent_members);
	tcase_add_test(tcase, defaults_of_many_texts);
	tcase_add_test(tcase, numbers_in_every_form);
	tcase_add_loop_test(tcase, refuses, 0, COUNT(refused));
	tcase_add_test(tcase, error_is_optional);
	tcase_add_test(tcase, descriptions);
	tcase_add_test(tcase, tables_are_sound);
	tcase_add_test(tcase, jansson_wipes);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
