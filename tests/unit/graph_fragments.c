// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Fragments before the SPD, through the whole graph: those of the host, and policies that change
// between two of one packet. conformance: G4, G9

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "base/txn.h"
#include "box_esp.h"
#include "graph/packet.h"
#include "net/checksum.h"
#include "run.h"

static struct box *box;

static void setup(void)
{
	box = box_new();
}

static void teardown(void)
{
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

// A piece of a UDP packet with this destination port, at offset.
static struct box_frame piece(unsigned int port, const char *source, const char *destination,
	uint16_t to_port, uint16_t offset, bool more)
{
	uint8_t payload[64] = {};
	struct box_frame frame;
	struct rte_ipv4_hdr *ip;

	if (offset == 0) {
		payload[1] = 99;
		payload[2] = (uint8_t)(to_port >> 8);
		payload[3] = (uint8_t)to_port;
	}
	frame = box_packet(port, source, destination, IPPROTO_UDP, payload, sizeof(payload));
	ip = (struct rte_ipv4_hdr *)box_ip(&frame);
	ip->packet_id = RTE_BE16(4711);
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = gw_checksum_finish(gw_checksum_20(ip));
	return frame;
}

// As app/esplanade/host.c does with a frame that the host sent through a TAP.
static void from_host(const struct box_frame *frame)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);

	ck_assert_ptr_nonnull(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->size), frame->data, frame->size);
	gw_packet_init(mbuf, BOX_WAN, GW_SIDE_UNPROTECTED)->marks = GW_MARK_FROM_HOST;
	ck_assert_int_eq(rte_ring_sp_enqueue(box->worker->from_control, mbuf), 0);
	box_walk(box);
}

static bool leaves(unsigned int port)
{
	struct box_frame out;

	return box_pull(box, port, out.data, sizeof(out.data)) != 0;
}

static const char bypass[] = "{\"direction\":\"out\",\"priority\":50,\"action\":\"bypass\","
			     "\"selector\":{\"source\":\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\","
			     "\"protocol\":\"udp\",\"destination_port\":500}}";

START_TEST(the_hosts_ike_leaves_in_fragments)
{
	struct box_frame first = piece(BOX_WAN, "10.9.0.1", "10.9.0.2", 500, 0, true);
	struct box_frame later = piece(BOX_WAN, "10.9.0.1", "10.9.0.2", 0, 64, true);
	struct box_frame last = piece(BOX_WAN, "10.9.0.1", "10.9.0.2", 0, 128, false);

	box_policy(box, bypass);
	from_host(&last);
	ck_assert(!leaves(BOX_WAN));
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_POLICY), 1);
	from_host(&first);
	ck_assert(leaves(BOX_WAN));
	from_host(&later);
	ck_assert(leaves(BOX_WAN));
	from_host(&last);
	ck_assert(leaves(BOX_WAN));
	// Another port's fragments do not.
	first = piece(BOX_WAN, "10.9.0.1", "10.9.0.2", 501, 0, true);
	from_host(&first);
	from_host(&last);
	ck_assert(!leaves(BOX_WAN));
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_POLICY), 3);
}
END_TEST

static void drop_policy(const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	struct gw_policy_spec spec;
	struct gw_txn *txn = gw_txn_new();
	struct gw_policy_id id;

	ck_assert_int_eq(gw_policy_spec_read(object, &spec, NULL), 0);
	id = gw_policy_spec_id(&spec);
	ck_assert_int_eq(gw_policy_delete(box->ipsec, txn, &id, NULL), 0);
	gw_txn_commit(txn);
	json_decref(object);
}

START_TEST(a_policy_that_changes_between_two_fragments)
{
	static const char discard[] =
		"{\"direction\":\"out\",\"priority\":40,\"action\":\"discard\",\"selector\":{"
		"\"source\":\"0.0.0.0/0\",\"destination\":\"0.0.0.0/0\",\"protocol\":\"udp\","
		"\"destination_port\":\"400-600\"}}";
	struct box_frame first = piece(BOX_LAN, "192.168.1.2", "10.9.0.2", 500, 0, true);
	struct box_frame later = piece(BOX_LAN, "192.168.1.2", "10.9.0.2", 0, 64, true);

	box_policy(box, bypass);
	box_push(box, BOX_LAN, first.data, first.size);
	for (unsigned int i = 0; i < 3; i++)
		box_push(box, BOX_LAN, later.data, later.size);
	box_walk(box);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert(leaves(BOX_WAN));
	box_policy(box, discard);
	box_push(box, BOX_LAN, later.data, later.size);
	box_walk(box);
	ck_assert(!leaves(BOX_WAN));
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_DISCARD), 1);
	drop_policy(discard);
	box_push(box, BOX_LAN, later.data, later.size);
	box_walk(box);
	ck_assert(leaves(BOX_WAN));
	drop_policy(bypass);
	box_push(box, BOX_LAN, later.data, later.size);
	box_walk(box);
	ck_assert(!leaves(BOX_WAN));
	ck_assert_uint_eq(box_drops(box, GW_DROP_SPD_OUT_NO_POLICY), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_fragments");
	TCase *tcase = tcase_create("fragments");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_hosts_ike_leaves_in_fragments);
	tcase_add_test(tcase, a_policy_that_changes_between_two_fragments);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
