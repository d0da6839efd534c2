// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/policy_book.h"

#include <arpa/inet.h>

#include "run.h"
#include "xfrm/larval.h"
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

#define HOLD_SECONDS 10u
#define SECOND       UINT64_C(1000000000)

// To the host of that number, for that reqid.
static struct gw_xfrm_larval larval_of(uint8_t host, uint32_t spi, uint32_t reqid)
{
	struct gw_xfrm_larval larval = { .info = {
						 .family = AF_INET,
						 .id = { .daddr.a4 = htonl(0xc0000200 + host),
							 .spi = htonl(spi),
							 .proto = IPPROTO_ESP },
						 .saddr.a4 = htonl(0xc6336401),
						 .reqid = reqid,
						 .mode = XFRM_MODE_TUNNEL,
					 } };

	// What lies behind an IPv4 address is not looked at.
	larval.info.id.daddr.a6[3] = reqid + spi;
	return larval;
}

static const struct gw_xfrm_larval *find_larval(const struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *larval, const struct xfrm_mark *mark)
{
	struct xfrm_usersa_id id = { .daddr.a4 = larval->info.id.daddr.a4,
		.spi = larval->info.id.spi,
		.family = AF_INET,
		.proto = larval->info.id.proto };

	return gw_xfrm_larval_book_find(book, &id, mark);
}

START_TEST(larvals_are_found)
{
	struct gw_xfrm_larval_book *book = gw_xfrm_larval_book_new(4, HOLD_SECONDS);
	struct xfrm_mark inside = { .v = 0x15, .m = UINT32_MAX }, outside = { 0x26, UINT32_MAX };
	struct gw_xfrm_larval larval;

	for (uint32_t spi = 256; spi < 356; spi++) {
		larval = larval_of(1, spi, spi);
		ck_assert_ptr_nonnull(gw_xfrm_larval_book_put(book, &larval, 0, 77));
	}
	ck_assert_uint_eq(gw_xfrm_larval_book_count(book), 100);
	larval = larval_of(1, 300, 0);
	ck_assert_uint_eq(find_larval(book, &larval, NULL)->info.reqid, 300);
	ck_assert_uint_eq(find_larval(book, &larval, NULL)->info.curlft.add_time, 77);
	ck_assert_uint_eq(
		find_larval(book, &larval, NULL)->info.lft.hard_add_expires_seconds, HOLD_SECONDS);
	// Another destination, another protocol, no SPI.
	larval = larval_of(2, 300, 300);
	ck_assert_ptr_null(find_larval(book, &larval, NULL));
	larval = larval_of(1, 300, 300);
	larval.info.id.proto = IPPROTO_AH;
	ck_assert_ptr_null(find_larval(book, &larval, NULL));
	larval = larval_of(1, 0, 300);
	gw_xfrm_larval_book_put(book, &larval, 0, 0);
	ck_assert_ptr_null(find_larval(book, &larval, NULL));
	// One with a mark only by that.
	larval = larval_of(1, 300, 300);
	larval.mark = (struct xfrm_mark){ .v = 5, .m = 0xf };
	gw_xfrm_larval_book_put(book, &larval, 0, 0);
	ck_assert_uint_eq(gw_xfrm_larval_book_count(book), 101);
	ck_assert_ptr_null(find_larval(book, &larval, NULL));
	ck_assert_ptr_null(find_larval(book, &larval, &outside));
	ck_assert_ptr_nonnull(find_larval(book, &larval, &inside));
	gw_xfrm_larval_book_remove(book, find_larval(book, &larval, &inside));
	ck_assert_ptr_null(find_larval(book, &larval, &inside));
	ck_assert_uint_eq(gw_xfrm_larval_book_count(book), 100);
	gw_xfrm_larval_book_free(book);
}
END_TEST

// Those without an SPI are what they were wanted for, or the answer to a number.
START_TEST(acquires_are_told_apart)
{
	struct gw_xfrm_larval_book *book = gw_xfrm_larval_book_new(4, HOLD_SECONDS);
	struct gw_xfrm_larval first = larval_of(1, 0, 7), second = larval_of(1, 0, 8),
			      other = first;
	const struct gw_xfrm_larval *a, *b;

	first.info.seq = 31;
	second.info.seq = 32;
	a = gw_xfrm_larval_book_put(book, &first, 0, 0);
	b = gw_xfrm_larval_book_put(book, &second, 0, 0);
	ck_assert_ptr_eq(gw_xfrm_larval_book_match(book, &other, 0), a);
	ck_assert_ptr_eq(gw_xfrm_larval_book_match(book, &other, 32), b);
	ck_assert_ptr_eq(gw_xfrm_larval_book_match(book, &other, 33), a);
	other.info.mode = XFRM_MODE_TRANSPORT;
	ck_assert_ptr_null(gw_xfrm_larval_book_match(book, &other, 0));
	other = first;
	other.if_id = 1;
	ck_assert_ptr_null(gw_xfrm_larval_book_match(book, &other, 0));
	other = first;
	other.mark.m = 1;
	ck_assert_ptr_null(gw_xfrm_larval_book_match(book, &other, 0));
	other = first;
	other.info.saddr.a4 = 0;
	ck_assert_ptr_null(gw_xfrm_larval_book_match(book, &other, 0));
	other = larval_of(1, 256, 7);
	ck_assert_ptr_null(gw_xfrm_larval_book_match(book, &other, 0));
	gw_xfrm_larval_book_free(book);
}
END_TEST

START_TEST(larvals_end_in_turn)
{
	struct gw_xfrm_larval_book *book = gw_xfrm_larval_book_new(4, HOLD_SECONDS);
	struct gw_xfrm_larval larval = larval_of(1, 256, 1);
	const struct gw_xfrm_larval *over;

	gw_xfrm_larval_book_put(book, &larval, 0, 0);
	larval = larval_of(1, 257, 1);
	gw_xfrm_larval_book_put(book, &larval, SECOND, 0);
	// Asked for anew, the first one ends last.
	larval = larval_of(1, 256, 1);
	gw_xfrm_larval_book_put(book, &larval, 2 * SECOND, 0);
	ck_assert_uint_eq(gw_xfrm_larval_book_count(book), 2);
	ck_assert_ptr_null(gw_xfrm_larval_book_over(book, 11 * SECOND - 1));
	over = gw_xfrm_larval_book_over(book, 11 * SECOND);
	ck_assert_ptr_eq(over, gw_xfrm_larval_book_first(book));
	ck_assert_uint_eq(over->info.id.spi, htonl(257));
	ck_assert_uint_eq(gw_xfrm_larval_book_next(over)->info.id.spi, htonl(256));
	gw_xfrm_larval_book_remove(book, over);
	ck_assert_ptr_null(gw_xfrm_larval_book_over(book, 12 * SECOND - 1));
	over = gw_xfrm_larval_book_over(book, 12 * SECOND);
	ck_assert_ptr_null(gw_xfrm_larval_book_next(over));
	gw_xfrm_larval_book_remove(book, over);
	ck_assert_ptr_null(gw_xfrm_larval_book_first(book));
	gw_xfrm_larval_book_free(book);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xfrm_books");
	TCase *tcase = tcase_create("books");

	tcase_add_test(tcase, policies_are_found);
	tcase_add_test(tcase, twins);
	tcase_add_test(tcase, sas);
	tcase_add_test(tcase, larvals_are_found);
	tcase_add_test(tcase, acquires_are_told_apart);
	tcase_add_test(tcase, larvals_end_in_turn);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
