// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/policy_book.h"

#include <arpa/inet.h>

#include "run.h"
#include "xfrm/sa_book.h"
#include "xfrm/selector.h"

static struct gw_xfrm_policy make(uint8_t direction, uint8_t net)
{
	struct gw_xfrm_policy policy = {
		.info = { .sel = { .family = AF_INET,
				  .prefixlen_s = 24,
				  .saddr.a4 = htonl(net << 8) },
			.dir = direction,
			.priority = 1000 },
	};

	return policy;
}

static struct gw_policy_spec spec_of(const struct gw_xfrm_policy *policy)
{
	struct gw_policy_spec spec = { .priority = policy->info.priority,
		.direction =
			policy->info.dir == XFRM_POLICY_OUT ? GW_DIRECTION_OUT : GW_DIRECTION_IN };

	ck_assert_int_eq(gw_xfrm_selector_read(&policy->info.sel, 0, &spec.selector, NULL), 0);
	return spec;
}

static struct gw_xfrm_policy_record *add(
	struct gw_xfrm_policy_book *book, uint8_t direction, uint8_t net)
{
	struct gw_xfrm_policy policy = make(direction, net);
	struct gw_policy_spec spec = spec_of(&policy);

	return gw_xfrm_policy_book_add(book, &policy, &spec);
}

START_TEST(policies_are_found)
{
	struct gw_xfrm_policy_record *records[3][50];
	struct gw_xfrm_policy_book book;

	ck_assert_int_eq(gw_xfrm_policy_book_init(&book, 4), 0);
	for (uint8_t direction = 0; direction < 3; direction++)
		for (uint8_t net = 0; net < 50; net++)
			records[direction][net] = add(&book, direction, net);
	ck_assert_uint_eq(book.count, 150);
	for (uint8_t direction = 0; direction < 3; direction++)
		for (uint8_t net = 0; net < 50; net++) {
			struct gw_xfrm_policy policy = make(direction, net);
			struct gw_policy_spec spec = spec_of(&policy);
			struct gw_xfrm_policy_record *record = records[direction][net];

			ck_assert_ptr_eq(gw_xfrm_policy_book_find(&book, &policy, &spec), record);
			ck_assert_uint_eq(record->policy.info.index % 8, direction);
			ck_assert_ptr_eq(
				gw_xfrm_policy_book_at(&book, record->policy.info.index, direction),
				record);
			ck_assert_ptr_null(gw_xfrm_policy_book_at(
				&book, record->policy.info.index, direction ^ 1));
			policy.if_id = 1;
			ck_assert_ptr_null(gw_xfrm_policy_book_find(&book, &policy, &spec));
		}
	gw_xfrm_policy_book_fini(&book);
}
END_TEST

// The kernel's in and fwd are one policy here; out is another.
START_TEST(twins)
{
	struct gw_xfrm_policy_record *in, *fwd, *out;
	struct gw_xfrm_policy_book book;
	struct gw_xfrm_policy other;
	struct gw_policy_spec spec;

	ck_assert_int_eq(gw_xfrm_policy_book_init(&book, 4), 0);
	in = add(&book, XFRM_POLICY_IN, 1);
	out = add(&book, XFRM_POLICY_OUT, 1);
	ck_assert_ptr_null(gw_xfrm_policy_book_twin(&book, &in->spec, in));
	fwd = add(&book, XFRM_POLICY_FWD, 1);
	ck_assert_ptr_eq(gw_xfrm_policy_book_twin(&book, &in->spec, in), fwd);
	ck_assert_ptr_eq(gw_xfrm_policy_book_twin(&book, &fwd->spec, fwd), in);
	ck_assert_ptr_null(gw_xfrm_policy_book_twin(&book, &out->spec, out));
	// With another priority they are two of ours as well; the number stays.
	other = fwd->policy;
	other.info.priority = other.info.index = 5;
	spec = spec_of(&other);
	gw_xfrm_policy_book_change(fwd, &other, &spec);
	ck_assert_uint_eq(fwd->policy.info.priority, 5);
	ck_assert_uint_eq(fwd->policy.info.index % 8, XFRM_POLICY_FWD);
	ck_assert_uint_ne(fwd->policy.info.index, 5);
	ck_assert_ptr_null(gw_xfrm_policy_book_twin(&book, &in->spec, in));
	gw_xfrm_policy_book_remove(&book, in);
	ck_assert_uint_eq(book.count, 2);
	gw_xfrm_policy_book_fini(&book);
}
END_TEST

static bool is_there(void *ctx, const struct gw_sa_id *id)
{
	return gw_sa_id_equal(ctx, id);
}

START_TEST(sas)
{
	struct gw_xfrm_sa_book *book = gw_xfrm_sa_book_new(4);
	struct gw_sa_id moved;
	struct gw_xfrm_sa_extra extra = {};
	struct gw_sa_id id = { .protocol = GW_PROTOCOL_ESP,
		.destination = { 4, { 192, 0, 2, 1 } } };

	for (id.spi = 256; id.spi < 356; id.spi++) {
		extra.set_mark = id.spi;
		ck_assert_int_eq(gw_xfrm_sa_book_put(book, &id, &extra), 0);
	}
	id.spi = 300;
	ck_assert_uint_eq(gw_xfrm_sa_book_find(book, &id)->set_mark, 300);
	extra.set_mark = 5;
	ck_assert_int_eq(gw_xfrm_sa_book_put(book, &id, &extra), 0);
	ck_assert_uint_eq(gw_xfrm_sa_book_find(book, &id)->set_mark, 5);
	id.direction = GW_DIRECTION_OUT;
	ck_assert_ptr_null(gw_xfrm_sa_book_find(book, &id));
	id.direction = GW_DIRECTION_IN;
	gw_xfrm_sa_book_remove(book, &id);
	ck_assert_ptr_null(gw_xfrm_sa_book_find(book, &id));
	gw_xfrm_sa_book_remove(book, &id);
	id.spi = 301;
	ck_assert_ptr_nonnull(gw_xfrm_sa_book_find(book, &id));
	// It moves to another destination; one of the same SPI that is there keeps what it has.
	moved = id;
	moved.destination.bytes[3] = 9;
	gw_xfrm_sa_book_follow(book, &moved, is_there, &id);
	ck_assert_ptr_null(gw_xfrm_sa_book_find(book, &moved));
	gw_xfrm_sa_book_follow(book, &moved, is_there, &moved);
	ck_assert_ptr_null(gw_xfrm_sa_book_find(book, &id));
	ck_assert_uint_eq(gw_xfrm_sa_book_find(book, &moved)->set_mark, 301);
	gw_xfrm_sa_book_free(book);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xfrm_books");
	TCase *tcase = tcase_create("books");

	tcase_add_test(tcase, policies_are_found);
	tcase_add_test(tcase, twins);
	tcase_add_test(tcase, sas);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
