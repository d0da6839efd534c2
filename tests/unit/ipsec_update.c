// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "ipsec/esp.h"
#include "ipsec_db_kit.h"
#include "net/checksum.h"
#include "run.h"

// SAs changed in place: they go on where they were, under new addresses and ports.

static struct gw_sa_spec in_udp(struct gw_sa_spec spec)
{
	spec.encapsulation = (struct gw_encapsulation){ .source_port = GW_NAT_T_PORT,
		.destination_port = GW_NAT_T_PORT };
	return spec;
}

static int update(struct gw_txn *txn, struct gw_sa_spec spec, struct gw_sa_update update)
{
	struct gw_error err = {};

	update.id = gw_sa_spec_id(&spec);
	return gw_sa_update(kit.db, txn, &update, &err);
}

static void commit_update(struct gw_sa_spec spec, struct gw_sa_update change)
{
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(update(txn, spec, change), 0);
	gw_txn_commit(txn);
}

static struct gw_sa_spec at(struct gw_sa_spec spec, uint8_t destination)
{
	spec.destination = kit_addr4(destination);
	return spec;
}

// The headers of one packet of 100 bytes.
static void headers(const struct gw_sa *sa, uint8_t outer[48])
{
	const struct gw_esp_inner inner = { .family = 4, .bytes = 60 };

	gw_esp_outer_write(sa, outer, &inner, 100, 0);
}

static bool is_whole(const uint8_t *outer, uint8_t source, uint8_t destination, uint16_t port)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)outer;
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	return outer[15] == source && outer[19] == destination &&
	       rte_be_to_cpu_16(udp->dst_port) == port &&
	       gw_checksum_finish(gw_checksum_add(0, ip, sizeof(*ip))) == 0;
}

// conformance: E1
START_TEST(an_outbound_sa_goes_on)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 20, 2, 1);
	struct gw_sa_spec spec = in_udp(out_sa(0x1000));
	uint8_t outer[48];
	struct gw_sa *sa;

	commit_policy(protect);
	commit_sa(spec);
	sa = find_sa(spec);
	atomic_store(&sa->sequence.used, 4711);
	sa->told_mtu = 1000;
	commit_update(spec, (struct gw_sa_update){ .new_destination = kit_addr4(9),
				    .encapsulation.destination_port = 61000 });
	ck_assert_ptr_null(find_sa(spec));
	ck_assert_ptr_eq(find_sa(at(spec, 9)), sa);
	ck_assert_ptr_eq(newest(protect), sa);
	ck_assert_uint_eq(atomic_load(&sa->sequence.used), 4711);
	ck_assert_uint_eq(sa->told_mtu, 0);
	headers(sa, outer);
	ck_assert(is_whole(outer, 1, 9, 61000));
	commit_update(at(spec, 9), (struct gw_sa_update){ .source = kit_addr4(8) });
	headers(sa, outer);
	ck_assert(is_whole(outer, 8, 9, 61000));
	commit_delete(at(spec, 9));
	ck_assert_ptr_null(newest(protect));
}
END_TEST

START_TEST(an_inbound_sa_goes_on)
{
	struct gw_sa_spec spec = in_udp(in_sa(0x1000)), moved = at(spec, 7);
	struct gw_sa_id id = gw_sa_spec_id(&spec), new_id = gw_sa_spec_id(&moved);
	struct gw_sa *sa;

	commit_sa(spec);
	sa = find_sa(spec);
	ck_assert_int_eq(gw_replay_record(sa->replay, 5), GW_REPLAY_NEW);
	commit_update(spec, (struct gw_sa_update){ .source = kit_addr4(3),
				    .new_destination = kit_addr4(7),
				    .encapsulation.source_port = 1024 });
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &id));
	ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(kit.db), &new_id), sa);
	ck_assert_int_eq(gw_replay_record(sa->replay, 5), GW_REPLAY_SEEN);
	// The peer is where it is expected now: nothing to tell.
	ck_assert_uint_eq(atomic_load(&sa->mapping), gw_sa_mapping(4, kit_addr4(3).bytes, 1024));
	ck_assert_uint_eq(sa->peer_port, 1024);
	commit_delete(moved);
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &new_id));
}
END_TEST

START_TEST(an_abort_undoes_updates)
{
	struct gw_sa_spec in = in_sa(0x1000), out = out_sa(0x1000);
	struct gw_txn *txn;

	stock();
	txn = gw_txn_new();
	ck_assert_int_eq(
		update(txn, in, (struct gw_sa_update){ .new_destination = kit_addr4(7) }), 0);
	ck_assert_int_eq(
		update(txn, at(in, 7), (struct gw_sa_update){ .new_destination = kit_addr4(8) }),
		0);
	ck_assert_int_eq(update(txn, out, (struct gw_sa_update){ .source = kit_addr4(6) }), 0);
	ck_assert_int_eq(delete_sa(txn, at(in, 8), NULL), 0);
	gw_txn_abort(txn);
	ck_assert_ptr_nonnull(find_sa(in));
	ck_assert_ptr_null(find_sa(at(in, 8)));
	ck_assert_uint_eq(find_sa(out)->spec.source.bytes[3], 1);
	commit_delete(in);
	commit_delete(out);
}
END_TEST

START_TEST(a_transaction_sees_its_updates)
{
	struct gw_sa_spec spec = in_sa(0x1000), other = at(in_sa(0x1000), 7);
	struct gw_sa_spec fresh = same_in();
	struct gw_sa_id id = gw_sa_spec_id(&spec), third = { 0 };
	const struct gw_sa_update to_7 = { .new_destination = kit_addr4(7) };
	const struct gw_sa_update to_8 = { .new_destination = kit_addr4(8) };
	struct gw_txn *txn = gw_txn_new();
	struct gw_sa *sa;

	stock();
	sa = find_sa(spec);
	ck_assert_int_eq(update(txn, in_sa(0x9999), to_7), -ENOENT);
	ck_assert_int_eq(update(txn, spec, to_7), 0);
	ck_assert_int_eq(update(txn, spec, to_7), -ENOENT);
	ck_assert_int_eq(add_sa(txn, other, NULL), -EEXIST);
	ck_assert_int_eq(update(txn, other, to_8), 0);
	// The old id is free for another.
	ck_assert_int_eq(add_sa(txn, fresh, NULL), 0);
	ck_assert_int_eq(update(txn, fresh, to_8), -EEXIST);
	gw_txn_commit(txn);
	third = id;
	third.destination = kit_addr4(8);
	ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(kit.db), &third), sa);
	ck_assert_ptr_eq(kit_sad_find(gw_ipsec_db_sad(kit.db), &id), find_sa(fresh));
	ck_assert_ptr_ne(find_sa(fresh), sa);
	// Updated and deleted at once: gone.
	txn = gw_txn_new();
	ck_assert_int_eq(update(txn, at(spec, 8), to_7), 0);
	ck_assert_int_eq(delete_sa(txn, other, NULL), 0);
	gw_txn_commit(txn);
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &third));
	third.destination = kit_addr4(7);
	ck_assert_ptr_null(kit_sad_find(gw_ipsec_db_sad(kit.db), &third));
	ck_assert_uint_eq(gw_sa_count(kit.db), 2);
}
END_TEST

START_TEST(what_does_not_suit_is_refused)
{
	struct gw_sa_spec bare = out_sa(0x1000), udp = in_udp(in_sa(0x1000));
	struct gw_txn *txn = gw_txn_new();

	commit_sa(bare);
	commit_sa(udp);
	ck_assert_int_eq(update(txn, bare, (struct gw_sa_update){ .encapsulation.source_port = 1 }),
		-EINVAL);
	ck_assert_int_eq(
		update(txn, bare, (struct gw_sa_update){ .source = kit_addr6(1) }), -EINVAL);
	ck_assert_int_eq(
		update(txn, bare, (struct gw_sa_update){ .source = kit_addr4(2) }), -EINVAL);
	ck_assert_int_eq(
		update(txn, udp, (struct gw_sa_update){ .encapsulation.destination_port = 1 }),
		-EINVAL);
	gw_txn_abort(txn);
}
END_TEST

struct reader {
	const struct gw_sa *sa;
	unsigned int thread;
	_Atomic bool stop;
	unsigned int torn;
};

static void *read_headers(void *arg)
{
	struct reader *reader = arg;

	rte_rcu_qsbr_thread_register(kit.qsbr, reader->thread);
	rte_rcu_qsbr_thread_online(kit.qsbr, reader->thread);
	while (!atomic_load(&reader->stop)) {
		uint8_t outer[48];

		headers(reader->sa, outer);
		if (!is_whole(outer, outer[19], outer[19], (uint16_t)(outer[19] * 257)))
			reader->torn += !is_whole(outer, 1, 2, GW_NAT_T_PORT);
		rte_rcu_qsbr_quiescent(kit.qsbr, reader->thread);
	}
	rte_rcu_qsbr_thread_offline(kit.qsbr, reader->thread);
	rte_rcu_qsbr_thread_unregister(kit.qsbr, reader->thread);
	return NULL;
}

// conformance: B6
// Each of a worker's packets has one template or the other, whole.
START_TEST(no_header_is_torn)
{
	struct gw_sa_spec spec = in_udp(out_sa(0x1000)), want;
	struct reader reader = { .thread = 1 };
	pthread_t thread;

	commit_sa(spec);
	reader.sa = find_sa(spec);
	gw_sa_spec_copy(&want, &reader.sa->spec);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_headers, &reader), 0);
	for (unsigned int i = 0; i < 500; i++) {
		uint8_t end = (uint8_t)(10 + i % 200);

		want.source = want.destination = kit_addr4(end);
		want.encapsulation.destination_port = (uint16_t)(end * 257);
		gw_sa_move((struct gw_sa *)(uintptr_t)reader.sa, &want, kit.qsbr);
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(reader.torn, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_update");
	TCase *tests = tcase_create("update");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_outbound_sa_goes_on);
	tcase_add_test(tests, an_inbound_sa_goes_on);
	tcase_add_test(tests, an_abort_undoes_updates);
	tcase_add_test(tests, a_transaction_sees_its_updates);
	tcase_add_test(tests, what_does_not_suit_is_refused);
	tcase_add_test(tests, no_header_is_torn);
	suite_add_tcase(suite, tests);
	return gw_test_run(suite, true);
}
