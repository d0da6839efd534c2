// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/lifetime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ipsec/expiry.h"
#include "ipsec/key_limit.h"
#include "ipsec_kit.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND       UINT64_C(1000000000)

static struct gw_sa *make(enum gw_direction direction, const struct gw_lifetime *lifetime)
{
	struct gw_sa_spec spec = kit_sa(direction, 0x1000, 1);
	struct gw_error err = {};
	struct gw_sa *sa;

	spec.lifetime = *lifetime;
	sa = gw_sa_new(&spec, KIT_WORKERS, &err);
	ck_assert_msg(sa, "%s", err.text);
	return sa;
}

// conformance: L1
START_TEST(a_limit_of_packets_is_an_earlier_last_number)
{
	static const struct {
		uint64_t sequence;
		struct gw_lifetime lifetime;
		uint64_t soft, last;
		enum gw_expiry_cause soft_cause, last_cause;
	} rows[] = {
		{ .soft = GW_SEQUENCE_LAST / 8 * 7,
			.last = GW_SEQUENCE_LAST,
			.soft_cause = GW_EXPIRY_SEQUENCE,
			.last_cause = GW_EXPIRY_SEQUENCE },
		{ .lifetime = { .soft_packets = 5, .hard_packets = 9 },
			.soft = 5,
			.last = 9,
			.soft_cause = GW_EXPIRY_PACKETS,
			.last_cause = GW_EXPIRY_PACKETS },
		{ .sequence = 1000,
			.lifetime = { .soft_packets = 5, .hard_packets = 9 },
			.soft = 1005,
			.last = 1009,
			.soft_cause = GW_EXPIRY_PACKETS,
			.last_cause = GW_EXPIRY_PACKETS },
		{ .sequence = 1000,
			.lifetime = { .hard_packets = 9, .used_packets = 7 },
			.soft = GW_SEQUENCE_LAST / 8 * 7,
			.last = 1002,
			.soft_cause = GW_EXPIRY_SEQUENCE,
			.last_cause = GW_EXPIRY_PACKETS },
		{ .sequence = 1000,
			.lifetime = { .hard_packets = 9, .used_packets = 70 },
			.soft = GW_SEQUENCE_LAST / 8 * 7,
			.last = 1000,
			.soft_cause = GW_EXPIRY_SEQUENCE,
			.last_cause = GW_EXPIRY_PACKETS },
		{ .lifetime = { .hard_packets = UINT64_MAX - 1, .soft_packets = UINT64_MAX - 1 },
			.soft = GW_SEQUENCE_LAST / 8 * 7,
			.last = GW_SEQUENCE_LAST,
			.soft_cause = GW_EXPIRY_SEQUENCE,
			.last_cause = GW_EXPIRY_SEQUENCE },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 0x1000, 1);
		struct gw_sa *sa;

		spec.sequence = rows[i].sequence;
		spec.lifetime = rows[i].lifetime;
		sa = gw_sa_new(&spec, KIT_WORKERS, NULL);
		ck_assert_uint_eq(sa->sequence_soft, rows[i].soft);
		ck_assert_uint_eq(sa->sequence_last, rows[i].last);
		ck_assert_uint_eq(sa->limit.soft_sequence_cause, rows[i].soft_cause);
		ck_assert_uint_eq(gw_lifetime_out_end(sa), rows[i].last_cause);
		ck_assert_uint_eq(gw_lifetime_out_soft(sa, rows[i].soft - 1), GW_EXPIRY_NONE);
		ck_assert_uint_eq(gw_lifetime_out_soft(sa, rows[i].soft), rows[i].soft_cause);
		ck_assert_uint_eq(sa->limits, 0); // no shared word is touched
		gw_sa_free(sa);
	}
}
END_TEST

// conformance: L1
START_TEST(bytes_are_given_up_to_the_limit_and_no_further)
{
	struct gw_sa *sa = make(GW_DIRECTION_OUT,
		&(struct gw_lifetime){ .soft_bytes = 500, .hard_bytes = 1000, .used_bytes = 100 });

	ck_assert_uint_eq(gw_lifetime_take_bytes(sa, 300), 300);
	ck_assert_uint_eq(gw_lifetime_out_soft(sa, 1), GW_EXPIRY_NONE);
	ck_assert_uint_eq(gw_lifetime_take_bytes(sa, 100), 100);
	ck_assert_uint_eq(gw_lifetime_out_soft(sa, 2), GW_EXPIRY_BYTES);
	ck_assert_uint_eq(gw_lifetime_out_end(sa), GW_EXPIRY_SEQUENCE);
	ck_assert_uint_eq(gw_lifetime_take_bytes(sa, 501), 500);
	ck_assert_uint_eq(gw_lifetime_out_end(sa), GW_EXPIRY_BYTES);
	ck_assert_uint_eq(gw_lifetime_take_bytes(sa, 1), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(gw_lifetime_take_bytes(sa, UINT64_MAX / 4), 0);
	gw_sa_free(sa);
}
END_TEST

// conformance: L1
START_TEST(inbound_packets_and_bytes_end_the_sa)
{
	static const struct {
		struct gw_lifetime lifetime;
		uint32_t packets;
		uint64_t bytes;
		enum gw_expiry_cause soft, hard;
	} rows[] = {
		{ .lifetime = { .soft_packets = 5, .hard_packets = 9 }, .packets = 4 },
		{ .lifetime = { .soft_packets = 5, .hard_packets = 9 },
			.packets = 5,
			.soft = GW_EXPIRY_PACKETS },
		{ .lifetime = { .soft_packets = 5, .hard_packets = 9 },
			.packets = 9,
			.soft = GW_EXPIRY_PACKETS,
			.hard = GW_EXPIRY_PACKETS },
		{ .lifetime = { .hard_packets = 9, .used_packets = 8 },
			.packets = 1,
			.hard = GW_EXPIRY_PACKETS },
		{ .lifetime = { .soft_bytes = 50, .hard_bytes = 90 }, .packets = 1, .bytes = 49 },
		{ .lifetime = { .soft_bytes = 50, .hard_bytes = 90 },
			.packets = 1,
			.bytes = 89,
			.soft = GW_EXPIRY_BYTES },
		{ .lifetime = { .soft_bytes = 50, .hard_bytes = 90 },
			.packets = 1,
			.bytes = 90,
			.soft = GW_EXPIRY_BYTES,
			.hard = GW_EXPIRY_BYTES },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_sa *sa = make(GW_DIRECTION_IN, &rows[i].lifetime);

		ck_assert_uint_eq(
			gw_lifetime_count(sa, rows[i].packets, rows[i].bytes), rows[i].soft);
		ck_assert_uint_eq(gw_lifetime_ended(sa), rows[i].hard);
		ck_assert_int_eq(
			gw_lifetime_is_over(sa, UINT64_MAX), rows[i].hard != GW_EXPIRY_NONE);
		gw_sa_free(sa);
	}
}
END_TEST

// conformance: L1, M8
START_TEST(time_runs_from_addition_and_from_first_use)
{
	static const struct {
		struct gw_lifetime lifetime;
		uint64_t used, now; // seconds after the addition; used 0: never
		uint32_t due;
		uint64_t next; // 0: never
		enum gw_expiry_cause cause;
	} rows[] = {
		{ .now = 1000000 },
		{ .lifetime = { .soft_seconds = 5, .hard_seconds = 9 }, .now = 4, .next = 5 },
		{ .lifetime = { .soft_seconds = 5, .hard_seconds = 9 },
			.now = 5,
			.due = GW_SA_EVENT_SOFT,
			.next = 9,
			.cause = GW_EXPIRY_SECONDS },
		{ .lifetime = { .soft_seconds = 5, .hard_seconds = 9 },
			.now = 9,
			.due = GW_SA_EVENT_HARD,
			.cause = GW_EXPIRY_SECONDS },
		{ .lifetime = { .hard_use_seconds = 9 }, .now = 1000 },
		{ .lifetime = { .hard_use_seconds = 9 }, .used = 100, .now = 108, .next = 109 },
		{ .lifetime = { .hard_use_seconds = 9 },
			.used = 100,
			.now = 109,
			.due = GW_SA_EVENT_HARD,
			.cause = GW_EXPIRY_USE_SECONDS },
		{ .lifetime = { .soft_use_seconds = 2, .hard_use_seconds = 9, .hard_seconds = 50 },
			.used = 10,
			.now = 12,
			.due = GW_SA_EVENT_SOFT,
			.next = 19,
			.cause = GW_EXPIRY_USE_SECONDS },
		{ .lifetime = { .hard_use_seconds = 9, .hard_seconds = 15 },
			.used = 10,
			.now = 15,
			.due = GW_SA_EVENT_HARD,
			.cause = GW_EXPIRY_SECONDS },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_sa *sa = make(GW_DIRECTION_OUT, &rows[i].lifetime);
		uint64_t now = sa->added_ns + rows[i].now * SECOND, next;
		enum gw_expiry_cause cause;
		bool hard = rows[i].due == GW_SA_EVENT_HARD;

		if (rows[i].used) {
			gw_lifetime_use(sa, sa->added_ns + rows[i].used * SECOND);
			gw_lifetime_use(sa, sa->added_ns + (rows[i].used + 1) * SECOND);
		}
		ck_assert_uint_eq(gw_lifetime_due(sa, now, &next, &cause), rows[i].due);
		ck_assert_uint_eq(
			next, rows[i].next ? sa->added_ns + rows[i].next * SECOND : UINT64_MAX);
		if (rows[i].due == GW_SA_EVENT_SOFT)
			ck_assert_uint_eq(cause, rows[i].cause);
		// A worker comes to the same end without the control core.
		ck_assert_int_eq(gw_lifetime_is_over(sa, now - 1), false);
		ck_assert_int_eq(gw_lifetime_is_over(sa, now), hard);
		if (hard)
			ck_assert_uint_eq(gw_lifetime_ended(sa), rows[i].cause);
		gw_sa_free(sa);
	}
}
END_TEST

START_TEST(the_first_cause_stands)
{
	struct gw_sa *sa = make(GW_DIRECTION_OUT, &(struct gw_lifetime){});

	gw_lifetime_end(sa, GW_EXPIRY_BYTES);
	gw_lifetime_end(sa, GW_EXPIRY_PACKETS);
	ck_assert_uint_eq(gw_lifetime_ended(sa), GW_EXPIRY_BYTES);
	gw_sa_free(sa);
}
END_TEST

// conformance: L4
START_TEST(a_key_has_limits_that_nobody_asked_for)
{
	static const struct {
		enum gw_encryption_id encryption;
		enum gw_integrity_id integrity;
		uint64_t bytes, packets, failures;
	} rows[] = {
		{ GW_ENCRYPTION_AES_GCM_16, 0, UINT64_C(1) << 51, UINT64_C(1) << 46,
			UINT64_C(1) << 36 },
		{ GW_ENCRYPTION_AES_GCM_8, 0, UINT64_C(1) << 51, UINT64_C(1) << 46,
			UINT64_C(1) << 20 },
		{ GW_ENCRYPTION_AES_GCM_12, 0, UINT64_C(1) << 51, UINT64_C(1) << 46,
			UINT64_C(1) << 30 },
		{ GW_ENCRYPTION_AES_GCM_16_IIV, 0, UINT64_C(1) << 51, UINT64_C(1) << 46,
			UINT64_C(1) << 36 },
		{ GW_ENCRYPTION_AES_CCM_8, 0, UINT64_C(1) << 50, UINT64_C(1) << 46,
			UINT64_C(1) << 20 },
		{ GW_ENCRYPTION_AES_CCM_16, 0, UINT64_C(1) << 50, UINT64_C(1) << 46,
			UINT64_C(1) << 36 },
		{ GW_ENCRYPTION_AES_CCM_8_IIV, 0, UINT64_C(1) << 50, UINT64_C(1) << 46,
			UINT64_C(1) << 20 },
		{ GW_ENCRYPTION_CHACHA20_POLY1305_IIV, 0, UINT64_MAX, UINT64_MAX,
			UINT64_C(1) << 36 },
		{ GW_ENCRYPTION_AES_CTR, GW_INTEGRITY_HMAC_SHA2_256_128, UINT64_C(1) << 51,
			UINT64_C(1) << 46, UINT64_MAX },
		{ GW_ENCRYPTION_CHACHA20_POLY1305, 0, UINT64_MAX, UINT64_MAX, UINT64_C(1) << 36 },
		{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, UINT64_C(1) << 51,
			UINT64_C(1) << 46, UINT64_MAX },
		{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA1_96, UINT64_MAX, UINT64_MAX,
			UINT64_MAX },
		{ GW_ENCRYPTION_NULL, GW_INTEGRITY_AES_CMAC_96, UINT64_C(1) << 51,
			UINT64_C(1) << 46, UINT64_MAX },
		// AH
		{ GW_ENCRYPTION_UNSET, GW_INTEGRITY_HMAC_SHA2_256_128, UINT64_MAX, UINT64_MAX,
			UINT64_MAX },
		{ GW_ENCRYPTION_UNSET, GW_INTEGRITY_AES_XCBC_96, UINT64_C(1) << 51,
			UINT64_C(1) << 46, UINT64_MAX },
		{ GW_ENCRYPTION_AES_GMAC, 0, UINT64_C(1) << 51, UINT64_C(1) << 46,
			UINT64_C(1) << 36 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct gw_sa_spec spec = { .encryption = rows[i].encryption,
			.integrity = rows[i].integrity };
		struct gw_key_limit limit = gw_key_limit(&spec);

		ck_assert_uint_eq(limit.bytes, rows[i].bytes);
		ck_assert_uint_eq(limit.packets, rows[i].packets);
		ck_assert_uint_eq(limit.failures, rows[i].failures);
	}
}
END_TEST

// conformance: L4
START_TEST(a_key_limit_ends_an_outbound_sa_with_esn)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 0x1000, 1);
	struct gw_sa *sa;

	spec.esn = true;
	spec.lifetime.used_bytes = (UINT64_C(1) << 51) - 10;
	sa = gw_sa_new(&spec, KIT_WORKERS, NULL);
	ck_assert_uint_eq(sa->sequence_last, UINT64_C(1) << 46);
	ck_assert_uint_eq(gw_lifetime_out_soft(sa, 1), GW_EXPIRY_KEY);
	ck_assert_uint_eq(gw_lifetime_out_soft(sa, UINT64_C(7) << 43), GW_EXPIRY_KEY);
	ck_assert_uint_eq(gw_lifetime_take_bytes(sa, 20), 10);
	ck_assert_uint_eq(gw_lifetime_out_end(sa), GW_EXPIRY_KEY);
	gw_sa_free(sa);
}
END_TEST

#define THREADS 4
#define LIMIT   UINT64_C(3000000)

struct taker {
	pthread_t thread;
	pthread_barrier_t *begin;
	struct gw_sa *sa;
	unsigned int seed;
	uint64_t total;
};

static void *take_bytes(void *argument)
{
	struct taker *taker = argument;

	pthread_barrier_wait(taker->begin);
	while (gw_lifetime_out_end(taker->sa) != GW_EXPIRY_BYTES)
		taker->total += gw_lifetime_take_bytes(
			taker->sa, 1 + (unsigned int)rand_r(&taker->seed) % 13);
	return NULL;
}

// conformance: L1
START_TEST(bytes_are_exact_over_all_workers)
{
	struct gw_sa *sa = make(GW_DIRECTION_OUT, &(struct gw_lifetime){ .hard_bytes = LIMIT });
	struct taker takers[THREADS];
	pthread_barrier_t begin;
	uint64_t total = 0;

	pthread_barrier_init(&begin, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ .sa = sa, .seed = i, .begin = &begin };
		ck_assert_int_eq(
			pthread_create(&takers[i].thread, NULL, take_bytes, &takers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		total += takers[i].total;
	}
	pthread_barrier_destroy(&begin);
	ck_assert_uint_eq(total, LIMIT);
	gw_sa_free(sa);
}
END_TEST

#define VECTOR 256

static void *count_packets(void *argument)
{
	struct taker *taker = argument;

	pthread_barrier_wait(taker->begin);
	while (!gw_lifetime_is_over(taker->sa, 0)) {
		unsigned int count = 1 + (unsigned int)rand_r(&taker->seed) % VECTOR;

		gw_lifetime_count(taker->sa, count, 0);
		taker->total += count;
	}
	return NULL;
}

// conformance: L1
START_TEST(inbound_packets_are_exact_to_a_vector_of_each_worker)
{
	struct gw_sa *sa = make(GW_DIRECTION_IN, &(struct gw_lifetime){ .hard_packets = LIMIT });
	struct taker takers[THREADS];
	pthread_barrier_t begin;
	uint64_t total = 0;

	pthread_barrier_init(&begin, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ .sa = sa, .seed = i, .begin = &begin };
		ck_assert_int_eq(
			pthread_create(&takers[i].thread, NULL, count_packets, &takers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		total += takers[i].total;
	}
	pthread_barrier_destroy(&begin);
	ck_assert_uint_ge(total, LIMIT);
	ck_assert_uint_lt(total, LIMIT + THREADS * VECTOR);
	gw_sa_free(sa);
}
END_TEST

// A heap against a plain array.
START_TEST(what_is_due_comes_in_order_of_time)
{
	enum { SAS = 64 };
	static struct gw_sa sas[SAS];
	uint64_t due[SAS];
	struct gw_expiry *expiry = gw_expiry_new();
	unsigned int seed = (unsigned int)_i;

	memset(sas, 0, sizeof(sas));
	for (int i = 0; i < SAS; i++)
		due[i] = UINT64_MAX;
	for (int round = 0; round < 2000; round++) {
		unsigned int i = (unsigned int)rand_r(&seed) % SAS;

		due[i] = rand_r(&seed) % 4 ? (uint64_t)rand_r(&seed) % 1000 : UINT64_MAX;
		ck_assert_int_eq(gw_expiry_set(expiry, &sas[i], due[i]), 0);
	}
	for (uint64_t now = 0; now < 1000; now += 10) {
		const struct gw_sa *sa;

		while ((sa = gw_expiry_take(expiry, now))) {
			ck_assert_uint_le(due[sa - sas], now);
			for (int i = 0; i < SAS; i++)
				ck_assert_uint_ge(due[i], due[sa - sas]);
			due[sa - sas] = UINT64_MAX;
		}
		for (int i = 0; i < SAS; i++)
			ck_assert_uint_gt(due[i], now);
	}
	gw_expiry_free(expiry);
}
END_TEST

// Numbers are lost once the window has passed them (D15).
// conformance: D15
START_TEST(a_number_is_lost_when_the_window_has_passed_it)
{
	static const struct {
		uint64_t start;
		uint64_t received[8]; // ends at 0
		uint64_t lost;
	} rows[] = {
		{ .received = { 1, 2, 3 } },
		{ .received = { 1, 3, 64 } },            // 2 may still come
		{ .received = { 1, 3, 65 }, .lost = 0 }, // 1 left, and it was received
		{ .received = { 1, 3, 66 }, .lost = 1 }, // 2 has left
		{ .received = { 1, 1000 }, .lost = 1000 - 64 - 1 },
		{ .received = { 1, 1000, 990 }, .lost = 1000 - 64 - 1 },
		{ .start = 500, .received = { 501, 510 } },
		{ .start = 500, .received = { 1000 }, .lost = 1000 - 64 - 500 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, 0x1000, 1);
		struct gw_sa *sa;

		spec.sequence = rows[i].start;
		sa = gw_sa_new(&spec, KIT_WORKERS, NULL);
		for (int n = 0; rows[i].received[n]; n++) {
			ck_assert_int_eq(
				gw_replay_record(sa->replay, rows[i].received[n]), GW_REPLAY_NEW);
			gw_replay_raise(sa->replay, rows[i].received[n]);
			sa->counters[n % KIT_WORKERS].received++;
		}
		ck_assert_uint_eq(gw_sa_lost(sa, KIT_WORKERS), rows[i].lost);
		gw_sa_free(sa);
	}
}
END_TEST

// The state of an earlier life with holes in its window: they may be filled, or be lost.
// conformance: D15
START_TEST(holes_of_an_earlier_life_count)
{
	uint8_t bitmap[8] = { 0xf5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, 0x1000, 1);
	struct gw_sa *sa;

	spec.sequence = 1000; // 999 and 997 are missing
	spec.replay_bitmap = bitmap;
	spec.replay_bitmap_bytes = sizeof(bitmap);
	sa = gw_sa_new(&spec, KIT_WORKERS, NULL);
	ck_assert_uint_eq(gw_sa_lost(sa, KIT_WORKERS), 0);
	ck_assert_int_eq(gw_replay_record(sa->replay, 999), GW_REPLAY_NEW);
	sa->counters[0].received++;
	ck_assert_uint_eq(gw_sa_lost(sa, KIT_WORKERS), 0);
	gw_replay_raise(sa->replay, 1100);
	ck_assert_uint_eq(gw_sa_lost(sa, KIT_WORKERS), 1100 - 64 - 1000 + 1);
	gw_sa_free(sa);
}
END_TEST

int main(void)
{
	TCase *limits = tcase_create("limits"), *time = tcase_create("time");
	Suite *suite = suite_create("ipsec_lifetime");

	tcase_add_test(limits, a_limit_of_packets_is_an_earlier_last_number);
	tcase_add_test(limits, bytes_are_given_up_to_the_limit_and_no_further);
	tcase_add_test(limits, inbound_packets_and_bytes_end_the_sa);
	tcase_add_test(limits, the_first_cause_stands);
	tcase_add_test(limits, a_key_has_limits_that_nobody_asked_for);
	tcase_add_test(limits, a_key_limit_ends_an_outbound_sa_with_esn);
	tcase_add_test(limits, bytes_are_exact_over_all_workers);
	tcase_add_test(limits, inbound_packets_are_exact_to_a_vector_of_each_worker);
	tcase_add_test(limits, a_number_is_lost_when_the_window_has_passed_it);
	tcase_add_test(limits, holes_of_an_earlier_life_count);
	tcase_add_test(time, time_runs_from_addition_and_from_first_use);
	tcase_add_loop_test(time, what_is_due_comes_in_order_of_time, 0, 8);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, time);
	return gw_test_run(suite, true);
}
