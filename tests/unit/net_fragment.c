// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/fragment.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "net/checksum.h"
#include "run.h"

static struct rte_ipv4_hdr whole_v4(void)
{
	return (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.total_length = RTE_BE16(3000),
		.packet_id = RTE_BE16(77),
		.time_to_live = 63,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = RTE_BE32(0xc0000201),
		.dst_addr = RTE_BE32(0xc0000202),
	};
}

START_TEST(v4_fields)
{
	static const struct {
		uint16_t field; // of the whole packet, host order
		struct gw_fragment fragment;
		uint16_t expected;
	} table[] = {
		{ 0, { .offset = 0, .bytes = 1480 }, RTE_IPV4_HDR_MF_FLAG },
		{ 0, { .offset = 1480, .bytes = 1480 }, RTE_IPV4_HDR_MF_FLAG | 185 },
		{ 0, { .offset = 2960, .bytes = 20, .last = true }, 370 },
		// A fragment that is cut again keeps its place and its more-fragments flag.
		{ RTE_IPV4_HDR_MF_FLAG | 100, { .offset = 80, .bytes = 20, .last = true },
			RTE_IPV4_HDR_MF_FLAG | 110 },
	};

	for (size_t i = 0; i < RTE_DIM(table); i++) {
		struct rte_ipv4_hdr header = whole_v4(), out;

		header.fragment_offset = rte_cpu_to_be_16(table[i].field);
		gw_fragment_header_write(
			(uint8_t *)&out, (uint8_t *)&header, 4, sizeof(header), &table[i].fragment);
		ck_assert_uint_eq(rte_be_to_cpu_16(out.fragment_offset), table[i].expected);
		ck_assert_uint_eq(rte_be_to_cpu_16(out.total_length), 20 + table[i].fragment.bytes);
		ck_assert_uint_eq(out.packet_id, header.packet_id);
		ck_assert_uint_eq(rte_ipv4_cksum(&out), 0);
	}
}
END_TEST

// RFC 791 section 3.1: record route (7) is not copied, the router alert (148) is.
START_TEST(v4_options)
{
	uint8_t header[36], out[36];
	const uint8_t options[16] = { 7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0, 0 };
	struct gw_fragment first = { .offset = 0, .bytes = 8 },
			   second = { .offset = 8, .bytes = 8, .last = true };
	struct rte_ipv4_hdr fixed = whole_v4();

	fixed.version_ihl = 0x49;
	memcpy(header, &fixed, 20);
	memcpy(header + 20, options, 16);
	gw_fragment_header_write(out, header, 4, sizeof(header), &first);
	ck_assert_mem_eq(out + 20, options, 16);
	gw_fragment_header_write(out, header, 4, sizeof(header), &second);
	ck_assert_mem_eq(out + 20, ((uint8_t[]){ 1, 1, 1, 1, 1, 1, 1, 1, 148, 4, 0, 0, 0 }), 13);
	ck_assert_uint_eq(gw_checksum_finish(gw_checksum_add(0, out, sizeof(out))), 0);
}
END_TEST

// The fragment header stands behind the headers that every piece has, and the last of them names
// it.
START_TEST(v6_extension_headers)
{
	uint8_t header[40 + 8 + 16] = { 0x60 }, out[sizeof(header) + 8];
	struct gw_fragment fragment = { .offset = 800, .bytes = 100, .last = true, .id = 9 };

	header[6] = 0;       // hop-by-hop options
	header[40] = 43;     // then a routing header
	header[48] = 50;     // then ESP
	header[48 + 1] = 1;  // of 16 bytes
	header[48 + 15] = 7; // the end of it
	gw_fragment_header_write(out, header, 6, sizeof(header), &fragment);
	ck_assert_uint_eq(out[6], 0);
	ck_assert_uint_eq(out[40], 43);
	ck_assert_uint_eq(out[48], 44);
	ck_assert_uint_eq(out[48 + 15], 7);
	ck_assert_mem_eq(out + sizeof(header), ((uint8_t[]){ 50, 0, 3, 0x20, 0, 0, 0, 9 }), 8);
	ck_assert_uint_eq(out[4] << 8 | out[5], 8 + 16 + 8 + 100);
}
END_TEST

// Lengths that lie must not be followed.
START_TEST(v4_bad_options)
{
	uint8_t header[24], out[24];
	struct gw_fragment second = { .offset = 8, .bytes = 8, .last = true };
	struct rte_ipv4_hdr fixed = whole_v4();

	fixed.version_ihl = 0x46;
	memcpy(header, &fixed, 20);
	for (unsigned int length = 0; length < 256; length++) {
		if (length >= 2 && length <= 4)
			continue;
		memcpy(header + 20, (uint8_t[]){ 7, (uint8_t)length, 9, 9 }, 4);
		gw_fragment_header_write(out, header, 4, sizeof(header), &second);
		ck_assert_mem_eq(out + 20, ((uint8_t[]){ 1, 1, 1, 1 }), 4);
	}
}
END_TEST

START_TEST(v6_header)
{
	struct rte_ipv6_hdr header = {
		.vtc_flow = RTE_BE32(0x60000000), .proto = IPPROTO_ESP, .hop_limits = 64
	};
	struct gw_fragment fragment = { .offset = 1448, .bytes = 100, .id = 0x01020304 };
	uint8_t out[48];
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)out;
	struct rte_ipv6_fragment_ext *extension = (struct rte_ipv6_fragment_ext *)(ip + 1);

	ck_assert_uint_eq(gw_fragment_header_bytes(6, sizeof(header)), sizeof(out));
	gw_fragment_header_write(out, (uint8_t *)&header, 6, sizeof(header), &fragment);
	ck_assert_uint_eq(ip->proto, IPPROTO_FRAGMENT);
	ck_assert_uint_eq(rte_be_to_cpu_16(ip->payload_len), 108);
	ck_assert_uint_eq(extension->next_header, IPPROTO_ESP);
	ck_assert_uint_eq(rte_be_to_cpu_16(extension->frag_data), 1448 | 1);
	ck_assert_uint_eq(rte_be_to_cpu_32(extension->id), 0x01020304);
	fragment.last = true;
	gw_fragment_header_write(out, (uint8_t *)&header, 6, sizeof(header), &fragment);
	ck_assert_uint_eq(rte_be_to_cpu_16(extension->frag_data), 1448);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_fragment");
	TCase *tcase = tcase_create("headers");

	tcase_add_test(tcase, v4_fields);
	tcase_add_test(tcase, v4_options);
	tcase_add_test(tcase, v4_bad_options);
	tcase_add_test(tcase, v6_extension_headers);
	tcase_add_test(tcase, v6_header);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
