// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Rekeying under traffic (RFC 7296 section 2.8): the old and the new inbound SA both take packets,
// the switch of the outbound one loses and reorders none. conformance: L2

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include "box_esp.h"
#include "run.h"

#define OLD_OUT 4097
#define OLD_IN  4098
#define NEW_OUT 5001
#define NEW_IN  5002

static struct box *box;
static struct box_peer old_peer, new_peer;

static void setup(void)
{
	box = box_new();
	box_tunnel(box);
	old_peer = box_peer_new();
	new_peer = box_peer_with(9, 8);
}

static void teardown(void)
{
	box_peer_free(&old_peer);
	box_peer_free(&new_peer);
	ck_assert_msg(box_free(box), "packet buffers were lost");
}

static void add_new(bool out)
{
	char json[512], key[41] = "";

	for (int i = 0; i < 20; i++)
		strcat(key, out ? "08" : "09");
	snprintf(json, sizeof(json),
		"{\"direction\":\"%s\",\"spi\":%d,\"source\":\"10.9.0.%d\",\"destination\":"
		"\"10.9.0.%d\",\"reqid\":1,\"encryption\":{\"algorithm\":\"aes-gcm-16\",\"key\":"
		"\"%s\"}}",
		out ? "out" : "in", out ? NEW_OUT : NEW_IN, out ? 1 : 2, out ? 2 : 1, key);
	box_sa(box, json);
}

static void delete_sa(uint32_t spi, const char *destination, enum gw_direction direction)
{
	struct gw_sa_id id = { .direction = direction, .protocol = GW_PROTOCOL_ESP, .spi = spi };
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {};

	ck_assert(gw_addr_parse(destination, &id.destination));
	ck_assert_msg(gw_sa_delete(box->ipsec, txn, &id, &err) == 0, "%s", err.text);
	gw_txn_commit(txn);
}

static void push_out(uint32_t number)
{
	struct box_frame frame =
		box_packet(BOX_LAN, "192.168.1.2", "192.168.2.2", 99, &number, sizeof(number));

	ck_assert(box_push(box, BOX_LAN, frame.data, frame.size));
}

// The SPI that packet number went out with.
static uint32_t pull_out(uint32_t number)
{
	uint8_t frame[2048], *esp = frame + RTE_ETHER_HDR_LEN + 20, next_header;
	size_t bytes = box_pull(box, BOX_WAN, frame, sizeof(frame));
	const uint8_t *inner;
	uint32_t spi;

	ck_assert_msg(bytes > RTE_ETHER_HDR_LEN + 20, "packet %u is lost", number);
	memcpy(&spi, esp, sizeof(spi));
	spi = rte_be_to_cpu_32(spi);
	ck_assert_int_eq(box_open(spi == OLD_OUT ? &old_peer : &new_peer, esp,
				 bytes - RTE_ETHER_HDR_LEN - 20, &inner, &next_header),
		24);
	ck_assert_msg(memcmp(inner + 20, &number, sizeof(number)) == 0,
		"another packet where number %u should be", number);
	return spi;
}

// Packets wait in the port when the SAs change, and go by those that are there when they are taken.
START_TEST(outbound_switch)
{
	uint32_t pushed = 0, pulled = 0;

	for (unsigned int round = 0; round < 12; round++) {
		for (unsigned int i = 0; i < 40; i++)
			push_out(pushed++);
		if (round == 4)
			add_new(true);
		if (round == 8)
			delete_sa(OLD_OUT, "10.9.0.2", GW_DIRECTION_OUT);
		box_walk(box);
		while (pulled < pushed)
			ck_assert_uint_eq(pull_out(pulled++), round < 4 ? OLD_OUT : NEW_OUT);
	}
}
END_TEST

// The peer may begin with the new SA or go on with the old one, packet by packet.
static void push_in(uint32_t number, bool by_new)
{
	static uint32_t sequences[2];
	struct box_frame inner =
		box_packet(BOX_LAN, "192.168.2.2", "192.168.1.2", 99, &number, sizeof(number));
	struct box_frame frame;
	uint8_t esp[256];
	size_t bytes = box_seal(by_new ? &new_peer : &old_peer, by_new ? NEW_IN : OLD_IN,
		++sequences[by_new], box_ip(&inner), inner.size - RTE_ETHER_HDR_LEN, 4, esp);

	frame = box_packet(BOX_WAN, "10.9.0.2", "10.9.0.1", 50, esp, bytes);
	ck_assert(box_push(box, BOX_WAN, frame.data, frame.size));
}

static void pull_in(uint32_t number)
{
	uint8_t frame[2048];

	ck_assert_msg(box_pull(box, BOX_LAN, frame, sizeof(frame)) == RTE_ETHER_HDR_LEN + 24,
		"packet %u is lost", number);
	ck_assert_mem_eq(frame + RTE_ETHER_HDR_LEN + 20, &number, sizeof(number));
}

START_TEST(inbound_overlap)
{
	uint32_t pushed = 0, pulled = 0;

	for (unsigned int round = 0; round < 12; round++) {
		bool overlap = round >= 4 && round < 8;

		if (round == 4)
			add_new(false);
		for (unsigned int i = 0; i < 40; i++, pushed++)
			push_in(pushed, overlap ? i % 3 == 1 : round >= 8);
		if (round == 8)
			delete_sa(OLD_IN, "10.9.0.1", GW_DIRECTION_IN);
		box_walk(box);
		while (pulled < pushed)
			pull_in(pulled++);
	}
	// What comes by the old one now is late.
	push_in(pushed, false);
	box_walk(box);
	ck_assert_uint_eq(box_drops(box, GW_DROP_SA_UNKNOWN), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_rekey");
	TCase *tcase = tcase_create("box");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, outbound_switch);
	tcase_add_test(tcase, inbound_overlap);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
