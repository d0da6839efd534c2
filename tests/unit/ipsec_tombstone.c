// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/tombstone.h"

#include <errno.h>
#include <stdlib.h>

#include "ipsec/advance.h"
#include "ipsec_db_kit.h"
#include "run.h"

// Keys that come again go on where they were.

static const struct gw_sa *life(struct gw_sa_spec spec)
{
	commit_sa(spec);
	return find_sa(spec);
}

static uint64_t used(struct gw_sa_spec spec)
{
	return atomic_load(&find_sa(spec)->sequence.used);
}

static void use(struct gw_sa_spec spec, uint64_t sequence)
{
	struct gw_sa *sa = find_sa(spec);

	if (sa->direction == GW_DIRECTION_OUT) {
		atomic_store(&sa->sequence.used, sequence);
	} else {
		ck_assert_int_eq(gw_replay_record(sa->replay, sequence), GW_REPLAY_NEW);
		gw_replay_raise(sa->replay, sequence);
	}
}

static struct gw_sa_spec with_sequence(struct gw_sa_spec spec, uint64_t sequence)
{
	spec.sequence = sequence;
	return spec;
}

// Whether workers have had their quiescent states, and the SA its end, when the key comes again.
static void pass_time(int pass)
{
	if (pass)
		gw_reclaim_poll(kit.reclaim);
}

static struct gw_sa_spec moved(struct gw_sa_spec spec)
{
	spec.source = kit_addr4(11);
	spec.destination = kit_addr4(12);
	return spec;
}

static struct gw_sa_spec other_spi(struct gw_sa_spec spec)
{
	spec.spi++;
	return spec;
}

static struct gw_sa_spec other_key(struct gw_sa_spec spec)
{
	spec.encryption_key[3] ^= 1;
	return spec;
}

static struct gw_sa_spec as_it_was(struct gw_sa_spec spec)
{
	return spec;
}

static struct gw_sa_spec with_a_later_number(struct gw_sa_spec spec)
{
	return with_sequence(spec, 5000);
}

static struct gw_sa_spec with_an_earlier_number(struct gw_sa_spec spec)
{
	return with_sequence(spec, 10);
}

static struct gw_sa_spec gcm_out(void)
{
	return out_sa(0x1000);
}

static struct gw_sa_spec cbc_out(void)
{
	return cbc_sa(0x1000);
}

static const struct {
	const char *name;
	struct gw_sa_spec (*first)(void);
	struct gw_sa_spec (*second)(struct gw_sa_spec spec);
	uint64_t used;
} outbound[] = {
	{ "the same", gcm_out, as_it_was, 4711 },
	{ "the same, CBC", cbc_out, as_it_was, 4711 },
	{ "elsewhere", gcm_out, moved, 4711 },
	{ "elsewhere, CBC", cbc_out, moved, 4711 },
	{ "told a later number", gcm_out, with_a_later_number, 5000 },
	{ "told an earlier number", gcm_out, with_an_earlier_number, 4711 },
	{ "another SPI", gcm_out, other_spi, 4711 },
	{ "another SPI, CBC", cbc_out, other_spi, 0 },
	{ "another key", gcm_out, other_key, 0 },
	{ "another key, CBC", cbc_out, other_key, 0 },
};

START_TEST(outbound_numbers_go_on)
{
	for (size_t i = 0; i < RTE_DIM(outbound); i++) {
		struct gw_sa_spec spec = outbound[i].first(), again = outbound[i].second(spec);

		setup();
		life(spec);
		use(spec, 4711);
		commit_delete(spec);
		pass_time(_i);
		life(again);
		ck_assert_msg(
			used(again) == outbound[i].used, "%s: %lu", outbound[i].name, used(again));
		teardown();
	}
}
END_TEST

// Of all lives of a key the one that came farthest counts, and one without packets forgets nothing.
START_TEST(every_life_counts)
{
	struct gw_sa_spec spec = out_sa(0x1000);

	for (uint64_t lives = 1; lives <= 5; lives++) {
		life(spec);
		ck_assert_uint_eq(used(spec), (lives - 1) / 2 * 100);
		if (lives % 2 == 0)
			use(spec, lives / 2 * 100);
		commit_delete(spec);
		pass_time(_i);
	}
}
END_TEST

static enum gw_replay_verdict verdict(const struct gw_sa *sa, uint64_t sequence)
{
	return gw_replay_check(sa->replay, sequence);
}

START_TEST(what_was_received_stays_received)
{
	struct gw_sa_spec spec = in_sa(0x1000);
	const struct gw_sa *sa;

	life(spec);
	use(spec, 7);
	use(spec, 100);
	use(spec, 98);
	commit_delete(spec);
	pass_time(_i);
	sa = life(moved(spec));
	ck_assert_int_eq(verdict(sa, 100), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 98), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 99), GW_REPLAY_NEW);
	ck_assert_int_eq(verdict(sa, 101), GW_REPLAY_NEW);
	ck_assert_int_eq(verdict(sa, 7), GW_REPLAY_TOO_OLD);
	// Its SPI is under the ICV: nothing that was received fits another.
	sa = life(other_spi(spec));
	ck_assert_int_eq(verdict(sa, 100), GW_REPLAY_NEW);
}
END_TEST

// An IKE daemon reads the state, then deletes the SA: what came between is not told.
START_TEST(told_and_known_are_one_window)
{
	struct gw_sa_spec spec = in_sa(0x1000), told;
	const struct gw_sa *sa;

	life(spec);
	use(spec, 100);
	ck_assert_int_eq(gw_sa_snapshot(find_sa(spec), &told), 0);
	use(spec, 102);
	commit_delete(spec);
	pass_time(_i);
	spec.sequence = told.sequence;
	spec.replay_bitmap = told.replay_bitmap;
	spec.replay_bitmap_bytes = told.replay_bitmap_bytes;
	sa = life(spec);
	ck_assert_int_eq(verdict(sa, 100), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 101), GW_REPLAY_NEW);
	ck_assert_int_eq(verdict(sa, 102), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 103), GW_REPLAY_NEW);
	spec.replay_bitmap = NULL;
	commit_delete(spec);
	// What it is told without a bitmap has been received altogether.
	sa = life(with_sequence(spec, 200));
	ck_assert_int_eq(verdict(sa, 199), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 201), GW_REPLAY_NEW);
	gw_sa_spec_wipe(&told);
}
END_TEST

// A larger window than is remembered: what is farther back counts as received.
START_TEST(beyond_what_is_known_everything_was_received)
{
	struct gw_sa_spec spec = in_sa(0x1000);
	const struct gw_sa *sa;

	spec.replay_window = 4096;
	life(spec);
	use(spec, 10000);
	commit_delete(spec);
	pass_time(_i);
	sa = life(spec);
	ck_assert_int_eq(verdict(sa, 10000), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 10000 - GW_TOMBSTONE_NUMBERS + 1), GW_REPLAY_NEW);
	ck_assert_int_eq(verdict(sa, 10000 - GW_TOMBSTONE_NUMBERS), GW_REPLAY_SEEN);
}
END_TEST

START_TEST(an_abort_buries_nothing)
{
	struct gw_sa_spec spec = out_sa(0x1000);
	struct gw_txn *txn = gw_txn_new();

	life(spec);
	use(spec, 50);
	ck_assert_int_eq(delete_sa(txn, spec, NULL), 0);
	gw_txn_abort(txn);
	ck_assert_uint_eq(used(spec), 50);
	commit_delete(spec);
}
END_TEST

static struct gw_siphash name_of(struct gw_tombstones *book, struct gw_sa_spec spec)
{
	return gw_tombstone_name(book, &spec);
}

static void bury(struct gw_tombstones *book, struct gw_sa_spec spec, uint64_t sequence)
{
	struct gw_siphash name = name_of(book, spec);
	struct gw_sa *sa;

	spec.sequence = sequence;
	sa = gw_sa_new(&spec, 1, NULL);
	ck_assert_ptr_nonnull(sa);
	gw_tombstone_bury(book, gw_tombstone_new(), &name, sa, kit.reclaim);
}

static uint64_t known(struct gw_tombstones *book, struct gw_sa_spec spec)
{
	struct gw_siphash name = name_of(book, spec);

	ck_assert_int_eq(gw_tombstone_raise(book, &name, &spec), 0);
	return spec.sequence;
}

// The oldest go, also those whose SAs wait for their grace period.
START_TEST(there_is_a_limit)
{
	static const uint8_t secret[GW_SIPHASH_SECRET_BYTES];
	struct gw_tombstones book;

	ck_assert_int_eq(gw_tombstones_init(&book, 2, kit.qsbr, secret), 0);
	for (uint32_t i = 1; i <= 3; i++) {
		bury(&book, out_sa(0x1000 + i), i);
		pass_time(_i);
	}
	ck_assert_uint_eq(book.count, 2);
	ck_assert_uint_eq(known(&book, out_sa(0x1001)), 0);
	ck_assert_uint_eq(known(&book, out_sa(0x1002)), 2);
	ck_assert_uint_eq(known(&book, out_sa(0x1003)), 3);
	// One that was never used takes no room.
	bury(&book, out_sa(0x1004), 0);
	gw_reclaim_poll(kit.reclaim);
	ck_assert_uint_eq(book.count, 1);
	gw_tombstones_fini(&book);
}
END_TEST

START_TEST(running_sas_only_advance)
{
	struct gw_sa_spec out = out_sa(0x1000), in = in_sa(0x1000), to = {};
	uint8_t bitmap[] = { 0x05 };
	struct gw_sa *sa;

	life(out);
	use(out, 50);
	to.sequence = 40;
	gw_sa_advance(find_sa(out), &to);
	ck_assert_uint_eq(used(out), 50);
	to.sequence = UINT64_C(1) << 40;
	gw_sa_advance(find_sa(out), &to);
	ck_assert_uint_eq(used(out), GW_SEQUENCE_LAST);

	life(in);
	use(in, 100);
	sa = find_sa(in);
	to = (struct gw_sa_spec){
		.sequence = 110, .replay_bitmap = bitmap, .replay_bitmap_bytes = 1
	};
	gw_sa_advance(sa, &to);
	ck_assert_int_eq(verdict(sa, 110), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 109), GW_REPLAY_NEW);
	ck_assert_int_eq(verdict(sa, 108), GW_REPLAY_SEEN);
	ck_assert_int_eq(verdict(sa, 102), GW_REPLAY_SEEN); // not told of
	ck_assert_int_eq(verdict(sa, 111), GW_REPLAY_NEW);
	to = (struct gw_sa_spec){ .sequence = 20 };
	gw_sa_advance(sa, &to);
	ck_assert_uint_eq(atomic_load(&sa->replay->top), 110);
	ck_assert_int_eq(verdict(sa, 109), GW_REPLAY_NEW);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("ipsec/tombstone");
	TCase *tcase = tcase_create("keys that come again"), *bare = tcase_create("many keys");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_life_counts, 0, 2);
	tcase_add_loop_test(tcase, what_was_received_stays_received, 0, 2);
	tcase_add_loop_test(tcase, told_and_known_are_one_window, 0, 2);
	tcase_add_loop_test(tcase, beyond_what_is_known_everything_was_received, 0, 2);
	tcase_add_test(tcase, an_abort_buries_nothing);
	tcase_add_loop_test(tcase, there_is_a_limit, 0, 2);
	tcase_add_test(tcase, running_sas_only_advance);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(bare, outbound_numbers_go_on, 0, 2);
	suite_add_tcase(suite, bare);
	return suite;
}

int main(void)
{
	return gw_test_run(suite(), true);
}
