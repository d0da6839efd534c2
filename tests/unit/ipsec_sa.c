// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/sa.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "ipsec/esp.h"
#include "ipsec/key_limit.h"
#include "ipsec_kit.h"
#include "run.h"

// Each shape of ESP packet: IV, ICV and alignment.
static const struct shape {
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	uint8_t encryption_key_bytes;
	uint8_t integrity_key_bytes;
	uint8_t iv_bytes, icv_bytes, align_bytes;
	// Known inner MTUs of an outer packet of 1500 bytes.
	uint16_t mtu_ipv4, mtu_ipv6;
} shapes[] = {
	{ GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 20, 0, 8, 16, 4, 1446, 1426 },
	{ GW_ENCRYPTION_AES_GCM_16, GW_INTEGRITY_NONE, 36, 0, 8, 16, 4, 1446, 1426 },
	{ GW_ENCRYPTION_CHACHA20_POLY1305, GW_INTEGRITY_NONE, 36, 0, 8, 16, 4, 1446, 1426 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA2_256_128, 16, 32, 16, 16, 16, 1438, 1406 },
	{ GW_ENCRYPTION_AES_CBC, GW_INTEGRITY_HMAC_SHA1_96, 32, 20, 16, 12, 16, 1438, 1422 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA2_256_128, 0, 32, 0, 16, 4, 1454, 1434 },
	{ GW_ENCRYPTION_NULL, GW_INTEGRITY_HMAC_SHA1_96, 0, 20, 0, 12, 4, 1458, 1438 },
};

static struct gw_sa_spec shape_spec(const struct shape *shape, uint8_t family)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 0x01020304, 1);

	spec.encryption = shape->encryption;
	spec.integrity = shape->integrity;
	spec.encryption_key_bytes = shape->encryption_key_bytes;
	spec.integrity_key_bytes = shape->integrity_key_bytes;
	memset(spec.encryption_key, 0x11, sizeof(spec.encryption_key));
	memset(spec.integrity_key, 0x22, sizeof(spec.integrity_key));
	if (family == 6) {
		spec.source = kit_addr6(1);
		spec.destination = kit_addr6(2);
	}
	return spec;
}

static struct gw_sa *make(const struct gw_sa_spec *spec)
{
	struct gw_error err = {};
	struct gw_sa *sa = gw_sa_new(spec, KIT_WORKERS, &err);

	ck_assert_msg(sa, "%s", err.text);
	return sa;
}

START_TEST(hot_fields_follow_the_spec)
{
	const struct shape *shape = &shapes[_i];
	struct gw_sa_spec spec = shape_spec(shape, 4);
	struct gw_sa *sa;

	spec.reqid = 77;
	spec.dscp = 46;
	spec.df = GW_DF_SET;
	spec.esn = _i % 2;
	spec.sequence = 1000;
	sa = make(&spec);
	ck_assert_uint_eq(sa->spi, RTE_BE32(0x01020304));
	ck_assert_uint_eq(sa->reqid, 77);
	ck_assert_uint_eq(sa->direction, GW_DIRECTION_OUT);
	ck_assert_uint_eq(sa->esn, _i % 2);
	// With ESN the key of each of these is used up first, where it has a limit.
	ck_assert_uint_eq(
		sa->sequence_last, RTE_MIN(gw_sequence_last(_i % 2), gw_key_limit(&spec).packets));
	ck_assert_uint_eq(sa->iv_bytes, shape->iv_bytes);
	ck_assert_uint_eq(sa->icv_bytes, shape->icv_bytes);
	ck_assert_uint_eq(sa->align_bytes, shape->align_bytes);
	ck_assert_uint_eq(sa->df, GW_DF_SET);
	ck_assert_int_eq(sa->dscp, 46);
	ck_assert_ptr_null(sa->replay);
	ck_assert_uint_eq(atomic_load(&sa->sequence.used), 1000);
	ck_assert_uint_eq(atomic_load(&sa->path_mtu), 1500);
	gw_sa_free(sa);
}
END_TEST

// Lengths, ID, fragment field, TOS and checksum are the worker's.
START_TEST(outer_ipv4_template)
{
	static const uint8_t expected[20] = {
		0x45, 0, 0, 0, 0, 0, 0, 0, // version, header length
		64, 50, 0, 0,              // TTL, ESP
		192, 0, 2, 1,              // source
		192, 0, 2, 2,              // destination
	};
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4);
	struct gw_sa *sa;

	spec.df = GW_DF_SET;
	sa = make(&spec);
	ck_assert_uint_eq(sa->outer_family, 4);
	ck_assert_uint_eq(sa->outer_bytes, 20);
	ck_assert_mem_eq(sa->outer, expected, sizeof(expected));
	gw_sa_free(sa);
}
END_TEST

START_TEST(outer_ipv6_template)
{
	static const uint8_t expected[40] = {
		0x60,
		0,
		0,
		0,
		0,
		0,
		50,
		64, // version, next header ESP, hop limit
		0x20,
		0x01,
		0x0d,
		0xb8,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		1,
		0x20,
		0x01,
		0x0d,
		0xb8,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		2,
	};
	struct gw_sa_spec spec = shape_spec(&shapes[0], 6);
	struct gw_sa *sa = make(&spec);

	ck_assert_uint_eq(sa->outer_family, 6);
	ck_assert_uint_eq(sa->outer_bytes, 40);
	ck_assert_mem_eq(sa->outer, expected, sizeof(expected));
	gw_sa_free(sa);
}
END_TEST

// Behind either IP header: ports; length and checksum zero.
START_TEST(outer_udp_template)
{
	static const uint8_t expected[8] = { 0x11, 0x94, 0xee, 0x48 };
	struct gw_sa_spec spec = shape_spec(&shapes[0], _i ? 6 : 4);
	size_t ip_bytes = _i ? 40 : 20;
	struct gw_sa *sa;

	spec.encapsulation =
		(struct gw_encapsulation){ .source_port = 4500, .destination_port = 61000 };
	sa = make(&spec);
	ck_assert_uint_eq(sa->outer_bytes, ip_bytes + 8);
	ck_assert_uint_eq(sa->udp_bytes, 8);
	ck_assert_uint_eq(sa->outer[_i ? 6 : 9], 17);
	ck_assert_mem_eq(sa->outer + ip_bytes, expected, sizeof(expected));
	gw_sa_free(sa);
}
END_TEST

START_TEST(mappings_differ)
{
	struct gw_addr v4 = kit_addr4(1), v6 = kit_addr6(1);
	uint64_t of_v4 = gw_sa_mapping(4, v4.bytes, 4500), of_v6 = gw_sa_mapping(6, v6.bytes, 4500);

	ck_assert_uint_ne(of_v4, gw_sa_mapping(4, v4.bytes, 4501));
	ck_assert_uint_ne(of_v6, gw_sa_mapping(6, v6.bytes, 4501));
	for (unsigned int i = 0; i < 16 * 8; i++) {
		struct gw_addr other4 = v4, other6 = v6;

		other4.bytes[i / 8 % 4] ^= 1 << i % 8;
		other6.bytes[i / 8] ^= 1 << i % 8;
		ck_assert_uint_ne(of_v4, gw_sa_mapping(4, other4.bytes, 4500));
		ck_assert_uint_ne(of_v6, gw_sa_mapping(6, other6.bytes, 4500));
	}
}
END_TEST

// The sum over a header that is right, checksum included, is all ones (RFC 1071).
START_TEST(checksum_continues_from_the_template)
{
	static const enum gw_df dfs[] = { GW_DF_COPY, GW_DF_SET, GW_DF_CLEAR };
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4);
	uint8_t outer[40]; // room for either family, as in a packet

	for (unsigned int i = 0; i < 3 * 2 * 64; i++) {
		struct gw_esp_inner inner = { 4, (uint8_t)(i * 5), i / 3 % 2, 100, 0 };
		struct gw_sa *sa;

		spec.df = dfs[i % 3];
		spec.dscp = (int16_t)(i / 6) - 1;
		spec.source.bytes[3] = (uint8_t)(i * 7 + 1);
		sa = make(&spec);
		gw_esp_outer_write(sa, outer, &inner, 100 + i * 13, (uint16_t)(i * 257));
		ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(0, outer, 20)), 0);
		gw_sa_free(sa);
	}
}
END_TEST

// The definition: pad the packet as ESP does, and see whether it fits.
static uint16_t inner_mtu_by_trying(const struct shape *shape, unsigned int outer, unsigned int mtu)
{
	for (unsigned int inner = mtu; inner > 0; inner--) {
		unsigned int payload = inner;

		while ((payload + 2) % shape->align_bytes)
			payload++;
		if (outer + 8 + shape->iv_bytes + payload + 2 + shape->icv_bytes <= mtu)
			return (uint16_t)inner;
	}
	return 0;
}

START_TEST(inner_mtu_is_exact)
{
	const struct shape *shape = &shapes[_i];

	for (uint8_t family = 4; family <= 6; family += 2) {
		struct gw_sa_spec spec = shape_spec(shape, family);
		struct gw_sa *sa = make(&spec);
		unsigned int outer = family == 4 ? 20 : 40;

		for (unsigned int mtu = 0; mtu <= 2048; mtu++)
			ck_assert_uint_eq(gw_sa_inner_mtu(sa, (uint16_t)mtu),
				inner_mtu_by_trying(shape, outer, mtu));
		for (unsigned int mtu = UINT16_MAX - 64; mtu <= UINT16_MAX; mtu++)
			ck_assert_uint_eq(gw_sa_inner_mtu(sa, (uint16_t)mtu),
				inner_mtu_by_trying(shape, outer, mtu));
		ck_assert_uint_eq(
			gw_sa_inner_mtu(sa, 1500), family == 4 ? shape->mtu_ipv4 : shape->mtu_ipv6);
		gw_sa_free(sa);
		spec.encapsulation =
			(struct gw_encapsulation){ .source_port = 4500, .destination_port = 4500 };
		sa = make(&spec);
		for (unsigned int mtu = 0; mtu <= 2048; mtu++)
			ck_assert_uint_eq(gw_sa_inner_mtu(sa, (uint16_t)mtu),
				inner_mtu_by_trying(shape, outer + 8, mtu));
		gw_sa_free(sa);
	}
}
END_TEST

// In transport mode the header is the packet's own: what fits is it and the payload.
START_TEST(transport_mtu_is_exact)
{
	const struct shape *shape = &shapes[_i];

	for (unsigned int udp = 0; udp <= 8; udp += 8) {
		struct gw_sa_spec spec = shape_spec(shape, 6);
		struct gw_sa *sa;

		spec.mode = GW_MODE_TRANSPORT;
		if (udp)
			spec.encapsulation = (struct gw_encapsulation){ .source_port = 4500,
				.destination_port = 4500 };
		sa = make(&spec);
		for (unsigned int mtu = 0; mtu <= 2048; mtu++) {
			unsigned int payload = inner_mtu_by_trying(shape, 40 + udp, mtu);

			if (payload)
				ck_assert_uint_eq(gw_sa_inner_mtu(sa, (uint16_t)mtu), 40 + payload);
			payload = inner_mtu_by_trying(shape, 56 + udp, mtu);
			if (payload)
				ck_assert_uint_eq(
					gw_sa_transport_mtu(sa, 56, (uint16_t)mtu), 56 + payload);
		}
		ck_assert_uint_eq(gw_sa_inner_mtu(sa, 60), 0);
		gw_sa_free(sa);
	}
}
END_TEST

START_TEST(parts_do_not_share_lines)
{
	static const uint32_t windows[] = { 0, 32, 64, 100, 1024, 4096, 65536 };

	for (size_t i = 0; i < RTE_DIM(windows); i++) {
		struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, 0x1000, 1), kept;
		struct gw_sa *sa;
		uintptr_t end;

		spec.replay_window = windows[i];
		spec.selectors.count = (uint8_t)(i % (GW_MAX_SA_SELECTORS + 1));
		for (unsigned int k = 0; k < spec.selectors.count; k++)
			spec.selectors.items[k].protocol = (uint8_t)(k + 1);
		sa = make(&spec);
		gw_sa_spec_copy(&kept, &sa->spec);
		ck_assert(gw_sa_selectors_equal(&kept.selectors, &spec.selectors));
		end = (uintptr_t)&sa->spec + gw_sa_spec_bytes(spec.selectors.count);
		ck_assert_uint_eq((uintptr_t)sa % 64, 0);
		ck_assert_uint_ge((uintptr_t)sa->counters, end);
		ck_assert_uint_eq((uintptr_t)sa->counters % 64, 0);
		ck_assert_uint_ge((uintptr_t)sa->replay, (uintptr_t)(sa->counters + KIT_WORKERS));
		ck_assert_uint_eq((uintptr_t)sa->replay % 64, 0);
		ck_assert_uint_eq(sa->replay->window, windows[i]);
		gw_sa_free(sa);
	}
}
END_TEST

START_TEST(no_key_is_kept_beside_the_expanded_one)
{
	static const uint8_t zero[GW_MAX_INTEGRITY_KEY];
	struct gw_sa_spec spec = shape_spec(&shapes[3], 4), snapshot;
	struct gw_sa *sa = make(&spec);
	const size_t bytes = sa->allocated_bytes;

	ck_assert_uint_ge(spec.encryption_key_bytes, 16);
	ck_assert_uint_ge(spec.integrity_key_bytes, 16);
	ck_assert_ptr_null(memmem(sa, bytes, spec.encryption_key, spec.encryption_key_bytes));
	ck_assert_ptr_null(memmem(sa, bytes, spec.integrity_key, spec.integrity_key_bytes));
	ck_assert_int_eq(gw_sa_snapshot(sa, &snapshot), 0);
	ck_assert_mem_eq(snapshot.encryption_key, zero, sizeof(snapshot.encryption_key));
	ck_assert_uint_eq(snapshot.encryption_key_bytes, 0);
	gw_sa_spec_wipe(&snapshot);
	gw_sa_free(sa);
}
END_TEST

START_TEST(totals_are_sums_over_workers)
{
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4);
	struct gw_sa *sa = make(&spec);
	struct gw_sa_totals totals;

	sa->counters[0] = (struct gw_sa_worker_counters){ 3, 300, 50, 0 };
	sa->counters[1] = (struct gw_sa_worker_counters){ 4, 500, 40, 0 };
	gw_sa_count_drop(sa, GW_DROP_ESP_REPLAY);
	gw_sa_count_drop(sa, GW_DROP_ESP_REPLAY);
	gw_sa_count_drop(sa, GW_DROP_NO_ROUTE); // not an SA's
	gw_sa_total(sa, KIT_WORKERS, &totals);
	ck_assert_uint_eq(totals.packets, 7);
	ck_assert_uint_eq(totals.bytes, 800);
	ck_assert_uint_eq(totals.last_used_ns, 50);
	for (int i = 0; i < GW_SA_DROP_COUNT; i++)
		ck_assert_uint_eq(totals.drops[i], i == GW_SA_DROP_ESP_REPLAY ? 2 : 0);
	gw_sa_free(sa);
}
END_TEST

// Workers overshoot the end; what is handed over does not.
START_TEST(snapshot_of_the_sequence_stops_at_the_end)
{
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4), snapshot;
	struct gw_sa *sa = make(&spec);

	atomic_store(&sa->sequence.used, 12345);
	ck_assert_int_eq(gw_sa_snapshot(sa, &snapshot), 0);
	ck_assert_uint_eq(snapshot.sequence, 12345);
	atomic_store(&sa->sequence.used, GW_SEQUENCE_LAST + 700);
	ck_assert_int_eq(gw_sa_snapshot(sa, &snapshot), 0);
	ck_assert_uint_eq(snapshot.sequence, GW_SEQUENCE_LAST);
	gw_sa_free(sa);
}
END_TEST

START_TEST(a_bad_key_is_refused_without_a_leak)
{
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4);
	unsigned int pieces = kit_memory_pieces();
	struct gw_error err = {};

	spec.encryption_key_bytes = 19;
	ck_assert_ptr_null(gw_sa_new(&spec, KIT_WORKERS, &err));
	ck_assert_int_ne(err.code, 0);
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
}
END_TEST

START_TEST(without_memory_nothing_is_made)
{
	struct gw_sa_spec spec = shape_spec(&shapes[0], 4);
	unsigned int pieces = kit_memory_pieces();
	struct gw_error err = {};

	ck_assert_ptr_null(gw_sa_new(&spec, 100 * 1000 * 1000, &err)); // 6 GB of counters
	ck_assert_int_eq(err.code, ENOMEM);
	ck_assert_uint_eq(kit_memory_pieces(), pieces);
}
END_TEST

// The window of one SA becomes that of the next: the same numbers are new, seen and too old.
START_TEST(snapshot_of_the_window_round_trip)
{
	static const uint32_t windows[] = { 0, 32, 64, 4096 };
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_IN, 0x1000, 1), snapshot, kept;
	struct gw_sa *old, *new;

	spec.replay_window = windows[_i];
	old = make(&spec);
	for (uint64_t sequence = 1; sequence < 10000; sequence += 1 + sequence % 7)
		if (gw_replay_record(old->replay, sequence) == GW_REPLAY_NEW)
			gw_replay_raise(old->replay, sequence);
	ck_assert_int_eq(gw_sa_snapshot(old, &snapshot), 0);
	ck_assert_uint_eq(snapshot.replay_bitmap_bytes, windows[_i] / 8);
	ck_assert_uint_eq(snapshot.sequence, atomic_load(&old->replay->top));
	memcpy(snapshot.encryption_key, spec.encryption_key, sizeof(spec.encryption_key));
	snapshot.encryption_key_bytes = spec.encryption_key_bytes;
	new = make(&snapshot);
	gw_sa_spec_copy(&kept, &new->spec);
	ck_assert_ptr_null(kept.replay_bitmap); // snapshot's own is the caller's
	for (uint64_t sequence = 1; sequence < 10100; sequence++)
		ck_assert_int_eq(gw_replay_check(new->replay, sequence),
			gw_replay_check(old->replay, sequence));
	gw_sa_spec_wipe(&snapshot);
	gw_sa_free(old);
	gw_sa_free(new);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_sa");
	TCase *tcase = tcase_create("sa");

	tcase_add_loop_test(tcase, hot_fields_follow_the_spec, 0, RTE_DIM(shapes));
	tcase_add_test(tcase, outer_ipv4_template);
	tcase_add_test(tcase, outer_ipv6_template);
	tcase_add_loop_test(tcase, outer_udp_template, 0, 2);
	tcase_add_test(tcase, mappings_differ);
	tcase_add_test(tcase, checksum_continues_from_the_template);
	tcase_add_loop_test(tcase, inner_mtu_is_exact, 0, RTE_DIM(shapes));
	tcase_add_loop_test(tcase, transport_mtu_is_exact, 0, RTE_DIM(shapes));
	tcase_add_test(tcase, parts_do_not_share_lines);
	tcase_add_test(tcase, no_key_is_kept_beside_the_expanded_one);
	tcase_add_test(tcase, totals_are_sums_over_workers);
	tcase_add_test(tcase, snapshot_of_the_sequence_stops_at_the_end);
	tcase_add_loop_test(tcase, snapshot_of_the_window_round_trip, 0, 4);
	tcase_add_test(tcase, without_memory_nothing_is_made);
	tcase_add_test(tcase, a_bad_key_is_refused_without_a_leak);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
