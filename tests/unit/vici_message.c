// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "vici/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>

#include "run.h"
#include "spec/sa.h"
#include "vici_kit.h"

struct found {
	struct gw_vici_child children[8];
	unsigned int count;
};

static void note(void *ctx, const struct gw_vici_child *child)
{
	struct found *found = ctx;

	ck_assert_uint_lt(found->count, 8);
	found->children[found->count++] = *child;
}

static int find(const struct vici_message *message, struct found *found)
{
	memset(found, 0, sizeof(*found));
	return gw_vici_children(message->bytes, message->size, note, found);
}

static void check_address(const struct gw_addr *addr, const char *expected)
{
	char text[GW_ADDR_STRLEN];

	ck_assert_str_eq(gw_addr_format(addr, text), expected);
}

START_TEST(a_child_is_told_with_its_connection)
{
	struct vici_message message = {};
	struct found found;

	vici_key(&message, "up", "yes");
	vici_site(&message);
	ck_assert_int_eq(find(&message, &found), 0);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_str_eq(found.children[0].connection, "site");
	ck_assert_str_eq(found.children[0].child, "net");
	ck_assert_uint_eq(found.children[0].protocol, GW_PROTOCOL_ESP);
	ck_assert_uint_eq(found.children[0].spi_in, 0xc0ffee01);
	ck_assert_uint_eq(found.children[0].spi_out, 0x0badcafe);
	check_address(&found.children[0].local, "192.0.2.1");
	check_address(&found.children[0].remote, "2001:db8::2");
}
END_TEST

START_TEST(of_new_keys_the_new_ones_are_told)
{
	struct vici_message message = {};
	struct found found;

	vici_rekey(&message);
	ck_assert_int_eq(find(&message, &found), 0);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_uint_eq(found.children[0].spi_in, 0x2001);
	ck_assert_uint_eq(found.children[0].spi_out, 0x2002);
	ck_assert_uint_eq(found.children[0].remote.family, 0);
}
END_TEST

START_TEST(what_is_not_told_does_not_come_from_the_one_before)
{
	struct vici_message message = {};
	struct found found;

	vici_site(&message);
	vici_section(&message, "other");
	vici_section(&message, "child-sas");
	vici_section(&message, "x-8");
	vici_key(&message, "spi-in", "1234");
	vici_end(&message);
	vici_section(&message, "y-9"); // without SPIs: it is being negotiated
	vici_key(&message, "name", "y");
	vici_end(&message);
	vici_end(&message);
	vici_end(&message);
	ck_assert_int_eq(find(&message, &found), 0);
	ck_assert_uint_eq(found.count, 2);
	ck_assert_str_eq(found.children[1].connection, "other");
	ck_assert_str_eq(found.children[1].child, "");
	ck_assert_uint_eq(found.children[1].spi_in, 0x1234);
	ck_assert_uint_eq(found.children[1].spi_out, 0);
	ck_assert_uint_eq(found.children[1].local.family, 0);
}
END_TEST

static const char *const bad_spis[] = { "", "0", "-1", "+1", " 1", "123456789", "12x", "0x",
	"\x01" };

START_TEST(an_spi_that_is_none_is_none)
{
	struct vici_message message = {};
	struct found found;

	vici_section(&message, "site");
	vici_section(&message, "child-sas");
	vici_section(&message, "net");
	vici_key(&message, "spi-in", bad_spis[_i]);
	vici_end(&message);
	vici_end(&message);
	vici_end(&message);
	ck_assert_int_eq(find(&message, &found), 0);
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

// Names come from a configuration, and go to terminals.
START_TEST(names_are_printable_and_cut)
{
	char name[200], text[GW_VICI_NAME_SIZE];
	struct gw_vici_text long_one = { name, sizeof(name) };

	memset(name, 'a', sizeof(name));
	name[0] = '\x1b';
	name[1] = 0;
	name[2] = (char)0xe4;
	gw_vici_text_copy(&long_one, text, sizeof(text));
	ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
	ck_assert_int_eq(strncmp(text, "???aaa", 6), 0);
}
END_TEST

// Behind every beginning of a message that is cut off somewhere stands memory that must not be
// read.
START_TEST(a_message_that_is_cut_off_is_none)
{
	struct vici_message message = {};
	struct found found;
	size_t whole;

	vici_site(&message);
	whole = message.size;
	for (size_t size = 1; size < whole; size++) {
		uint8_t *cut = malloc(size);

		memcpy(cut, message.bytes, size);
		memset(&found, 0, sizeof(found));
		ck_assert_int_eq(gw_vici_children(cut, size, note, &found), -EBADMSG);
		free(cut);
	}
	message.size = 0;
	ck_assert_int_eq(find(&message, &found), 0);
}
END_TEST

static const struct {
	const char *says;
	uint8_t bytes[16];
	size_t size;
} broken[] = {
	{ "an element of no kind", { 0 }, 1 },
	{ "another", { 7 }, 1 },
	{ "the end of a section that never began", { 2 }, 1 },
	{ "an item outside a list", { 5, 0, 1, 'x' }, 4 },
	{ "the end of a list that never began", { 6 }, 1 },
	{ "a section without a name", { 1, 0, 2 }, 3 },
	{ "a key without a name", { 3, 0, 0, 0 }, 4 },
	{ "a list in a list", { 4, 1, 'a', 4, 1, 'b', 6, 6 }, 8 },
	{ "a key in a list", { 4, 1, 'a', 3, 1, 'b', 0, 0, 6 }, 9 },
	{ "a section that ends in a list", { 1, 1, 'a', 4, 1, 'b', 2, 6 }, 8 },
	{ "a list that does not end", { 4, 1, 'a' }, 3 },
	{ "a value longer than the message", { 3, 1, 'a', 255, 255, 'b' }, 6 },
};

START_TEST(what_is_no_message_is_refused)
{
	struct gw_vici_reader reader;
	struct gw_vici_item item;
	int rc;

	gw_vici_reader_init(&reader, broken[_i].bytes, broken[_i].size);
	while ((rc = gw_vici_read(&reader, &item)) > 0)
		;
	ck_assert_msg(rc == -EBADMSG, "%s is taken", broken[_i].says);
	ck_assert_int_eq(gw_vici_read(&reader, &item), -EBADMSG); // and goes on being refused
}
END_TEST

START_TEST(sections_are_not_endlessly_deep)
{
	struct vici_message message = {};
	struct found found;

	for (unsigned int i = 0; i < GW_VICI_MOST_DEPTH; i++)
		vici_section(&message, "x");
	for (unsigned int i = 0; i < GW_VICI_MOST_DEPTH; i++)
		vici_end(&message);
	ck_assert_int_eq(find(&message, &found), 0);
	message.size = 0;
	for (unsigned int i = 0; i <= GW_VICI_MOST_DEPTH; i++)
		vici_section(&message, "x");
	for (unsigned int i = 0; i <= GW_VICI_MOST_DEPTH; i++)
		vici_end(&message);
	ck_assert_int_eq(find(&message, &found), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vici_message");
	TCase *tcase = tcase_create("message");

	tcase_add_test(tcase, a_child_is_told_with_its_connection);
	tcase_add_test(tcase, of_new_keys_the_new_ones_are_told);
	tcase_add_test(tcase, what_is_not_told_does_not_come_from_the_one_before);
	tcase_add_loop_test(tcase, an_spi_that_is_none_is_none, 0, RTE_DIM(bad_spis));
	tcase_add_test(tcase, names_are_printable_and_cut);
	tcase_add_test(tcase, a_message_that_is_cut_off_is_none);
	tcase_add_loop_test(tcase, what_is_no_message_is_refused, 0, RTE_DIM(broken));
	tcase_add_test(tcase, sections_are_not_endlessly_deep);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
