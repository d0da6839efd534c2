// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db.h"

#include <errno.h>

#include "ipsec_db_kit.h"
#include "run.h"

// What is refused, and how.

static struct gw_sa_spec reserved_spi(void)
{
	return in_sa(255);
}

static struct gw_sa_spec same_key_but_inbound(void)
{
	return kit_sa(GW_DIRECTION_IN, 0x2000, 0x1000);
}

static struct gw_sa_spec other_salt(void)
{
	struct gw_sa_spec spec = same_key();

	spec.encryption_key[19] ^= 1;
	return spec;
}

static struct gw_sa_spec same_key_shorter_icv(void)
{
	struct gw_sa_spec spec = same_key();

	spec.encryption = GW_ENCRYPTION_AES_GCM_8;
	return spec;
}

static struct gw_sa_spec other_destination(void)
{
	struct gw_sa_spec spec = in_sa(0x1000);

	spec.destination = kit_addr4(9);
	return spec;
}

static struct gw_sa_spec other_family(void)
{
	struct gw_sa_spec spec = in_sa(0x1000);

	spec.source = kit_addr6(2);
	spec.destination = kit_addr6(1);
	return spec;
}

static struct gw_sa_spec other_direction(void)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 0x1000, 0x9999);

	spec.source = kit_addr4(2);
	spec.destination = kit_addr4(1);
	return spec;
}

static const struct {
	const char *name;
	struct gw_sa_spec (*spec)(void);
	int result;
	const char *says; // part of the error
} sa_additions[] = {
	{ "same inbound id", same_in, -EEXIST, "inbound SA with SPI 0x00001000 and destination" },
	{ "same outbound id", same_out, -EEXIST, "outbound SA with SPI 0x00001000" },
	{ "key in use", same_key, -EEXIST, "must never use a key in two SAs" },
	{ "key in use with a longer ICV", same_key_shorter_icv, -EEXIST,
		"aes-gcm-8 must never use a key in two SAs" },
	{ "key in use inbound", same_key_but_inbound, 0, "" },
	{ "same key, other salt", other_salt, 0, "" },
	{ "same SPI, other destination", other_destination, 0, "" },
	{ "same SPI, other family", other_family, 0, "" },
	{ "same SPI and destination, other direction", other_direction, 0, "" },
	{ "reserved SPI", reserved_spi, -EINVAL, "" },
};

// conformance: B7
START_TEST(sa_additions_are_checked)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {};

	stock();
	ck_assert_msg(add_sa(txn, sa_additions[_i].spec(), &err) == sa_additions[_i].result, "%s",
		sa_additions[_i].name);
	ck_assert_int_eq(err.code, -sa_additions[_i].result);
	ck_assert_msg(strstr(err.text, sa_additions[_i].says), "%s", err.text);
	gw_txn_abort(txn);
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
}
END_TEST

// CBC's IVs do not follow from the sequence number alone.
START_TEST(a_cbc_key_may_be_used_twice)
{
	commit_sa(cbc_sa(0x1000));
	commit_sa(cbc_sa(0x2000));
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
}
END_TEST

static struct gw_sa_spec implicit_iv(enum gw_direction direction, uint32_t spi, uint64_t sequence)
{
	struct gw_sa_spec spec = kit_sa(direction, spi, 0x77);

	spec.encryption = GW_ENCRYPTION_AES_GCM_16_IIV;
	spec.sequence = sequence;
	return spec;
}

// With an implicit IV the number is the nonce: a key that an SA had does not come back, whatever
// number it is to go on with, except where it is handed over in one transaction. conformance: E4
START_TEST(a_key_with_implicit_ivs_never_starts_again)
{
	struct gw_error err = {}, err2 = {};
	struct gw_txn *txn;

	commit_sa(implicit_iv(GW_DIRECTION_OUT, 0x1000, 0));
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, implicit_iv(GW_DIRECTION_OUT, 0x1000, 0), NULL), 0);
	ck_assert_int_eq(add_sa(txn, implicit_iv(GW_DIRECTION_OUT, 0x1001, 0), NULL), 0);
	gw_txn_commit(txn);
	txn = gw_txn_new();
	ck_assert_int_eq(delete_sa(txn, implicit_iv(GW_DIRECTION_OUT, 0x1001, 0), NULL), 0);
	gw_txn_commit(txn);
	txn = gw_txn_new();
	ck_assert_int_eq(add_sa(txn, implicit_iv(GW_DIRECTION_OUT, 0x1002, 0), &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "RFC 8750"));
	ck_assert_int_eq(add_sa(txn, implicit_iv(GW_DIRECTION_OUT, 0x1002, 5), &err2), -EEXIST);
	// The receiver's, and one whose IVs have a base that time moved on.
	ck_assert_int_eq(add_sa(txn, implicit_iv(GW_DIRECTION_IN, 0x1002, 0), NULL), 0);
	ck_assert_int_eq(add_sa(txn, kit_sa(GW_DIRECTION_OUT, 0x1003, 0x77), NULL), 0);
	gw_txn_commit(txn);
}
END_TEST

START_TEST(what_is_not_there_cannot_be_deleted)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {}, err2 = {};

	stock();
	ck_assert_int_eq(delete_sa(txn, out_sa(0x1001), &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "no outbound SA with SPI 0x00001001"));
	ck_assert_ptr_nonnull(strstr(err.text, "192.0.2.2"));
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_IN, 10, 1), &err2), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err2.text, "inbound policy"));
	ck_assert_ptr_nonnull(strstr(err2.text, "priority 10"));
	gw_txn_abort(txn);
}
END_TEST

START_TEST(limits_count_what_the_transaction_leaves)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {}, err2 = {};

	stock();
	ck_assert_int_eq(add_sa(txn, in_sa(0x1001), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1002), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1003), &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "limits.sas"));
	ck_assert_int_eq(delete_sa(txn, in_sa(0x1001), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1003), NULL), 0);
	ck_assert_int_eq(delete_sa(txn, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1004), NULL), 0);
	ck_assert_int_eq(add_sa(txn, in_sa(0x1005), NULL), -ENOSPC);

	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 2), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 3), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 4), &err2), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err2.text, "limits.policies"));
	ck_assert_int_eq(delete_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 1), NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_OUT, 10, 4), NULL), 0);
	gw_txn_commit(txn);
	ck_assert_uint_eq(gw_sa_count(kit.db), MAX_SAS);
	ck_assert_uint_eq(gw_policy_count(kit.db), MAX_POLICIES);
}
END_TEST

START_TEST(policy_additions_are_checked)
{
	struct gw_policy_spec narrower = kit_policy(GW_DIRECTION_OUT, 10, 1);
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {}, err2 = {};

	stock();
	ck_assert_int_eq(add_policy(txn, kit_protect(GW_DIRECTION_OUT, 10, 1, 5), &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "outbound policy with this selector"));
	ck_assert_int_eq(add_policy(txn, kit_policy(GW_DIRECTION_IN, 10, 1), NULL), 0);
	narrower.selector.destination_port = (struct gw_port_range){ 53, 53 };
	narrower.selector.protocol = 17;
	ck_assert_int_eq(add_policy(txn, narrower, NULL), 0);
	ck_assert_int_eq(add_policy(txn, kit_protect(GW_DIRECTION_OUT, 11, 1, 0), &err2), -EINVAL);
	gw_txn_abort(txn);
	ck_assert_uint_eq(gw_policy_count(kit.db), 1);
}
END_TEST

// Ranges with ragged ends cost an entry in the SPD for each pair of prefixes.
START_TEST(policies_that_cost_too_much_are_refused)
{
	struct gw_policy_spec ragged = kit_policy(GW_DIRECTION_OUT, 10, 1), ipv6;
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {}, err2 = {};

	ragged.selector.source =
		(struct gw_range){ { 4, { 10, 0, 0, 1 } }, { 4, { 10, 255, 255, 254 } } };
	ck_assert_int_eq(add_policy(txn, ragged, NULL), 0);
	ragged.selector.destination = ragged.selector.source;
	ck_assert_int_eq(add_policy(txn, ragged, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "outbound policies split into more than"));
	ipv6 = ragged;
	ipv6.selector.source = (struct gw_range){ kit_addr6(1), kit_addr6(1) };
	ipv6.selector.source.last.bytes[4] = 0xff;
	ipv6.selector.destination = ipv6.selector.source;
	ck_assert_int_eq(add_policy(txn, ipv6, &err2), -E2BIG);
	gw_txn_commit(txn);
	ck_assert_uint_eq(gw_policy_count(kit.db), 1);
}
END_TEST

START_TEST(one_transaction_at_a_time)
{
	struct gw_txn *first = gw_txn_new(), *second = gw_txn_new();
	struct gw_error err = {};

	ck_assert_int_eq(add_sa(first, in_sa(0x1000), NULL), 0);
	ck_assert_int_eq(add_sa(second, in_sa(0x1001), &err), -EBUSY);
	ck_assert_int_eq(delete_sa(second, in_sa(0x1000), NULL), -EBUSY);
	ck_assert_int_eq(add_policy(second, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), -EBUSY);
	ck_assert_int_eq(delete_policy(second, kit_policy(GW_DIRECTION_IN, 1, 1), NULL), -EBUSY);
	gw_txn_commit(first);
	ck_assert_int_eq(add_sa(second, in_sa(0x1001), NULL), 0);
	gw_txn_commit(second);
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_db");
	TCase *tcase = tcase_create("with a database");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, sa_additions_are_checked, 0, RTE_DIM(sa_additions));
	tcase_add_test(tcase, a_cbc_key_may_be_used_twice);
	tcase_add_test(tcase, a_key_with_implicit_ivs_never_starts_again);
	tcase_add_test(tcase, what_is_not_there_cannot_be_deleted);
	tcase_add_test(tcase, limits_count_what_the_transaction_leaves);
	tcase_add_test(tcase, policy_additions_are_checked);
	tcase_add_test(tcase, policies_that_cost_too_much_are_refused);
	tcase_add_test(tcase, one_transaction_at_a_time);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
