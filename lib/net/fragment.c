// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/fragment.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "net/checksum.h"

#define OPTION_COPIED 0x80
#define OPTION_END    0
#define OPTION_NOP    1

uint32_t gw_fragment_header_bytes(uint8_t family, uint32_t header_bytes)
{
	return family == 4 ? header_bytes
			   : header_bytes + (uint32_t)sizeof(struct rte_ipv6_fragment_ext);
}

// Options without the copied flag belong to the first fragment alone.
static void blank_uncopied_options(uint8_t *options, uint32_t size)
{
	for (uint32_t at = 0; at < size;) {
		uint32_t length;

		if (options[at] == OPTION_END)
			return;
		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		length = at + 1 < size ? options[at + 1] : 0;
		if (length < 2 || length > size - at) {
			memset(options + at, OPTION_NOP, size - at);
			return;
		}
		if (!(options[at] & OPTION_COPIED))
			memset(options + at, OPTION_NOP, length);
		at += length;
	}
}

static void write_v4(uint8_t *out, const uint8_t *header, uint32_t header_bytes,
	const struct gw_fragment *fragment)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)out;
	uint16_t field;

	memcpy(out, header, header_bytes);
	field = rte_be_to_cpu_16(ip->fragment_offset);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(header_bytes + fragment->bytes));
	ip->fragment_offset =
		rte_cpu_to_be_16((uint16_t)((field + fragment->offset / 8) |
					    (fragment->last ? 0 : RTE_IPV4_HDR_MF_FLAG)));
	if (fragment->offset || (field & RTE_IPV4_HDR_OFFSET_MASK))
		blank_uncopied_options(out + sizeof(*ip), header_bytes - (uint32_t)sizeof(*ip));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = gw_checksum_finish(gw_checksum_add(0, out, header_bytes));
}

static void write_v6(uint8_t *out, const uint8_t *header, uint32_t header_bytes,
	const struct gw_fragment *fragment)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)out;
	struct rte_ipv6_fragment_ext *extension =
		(struct rte_ipv6_fragment_ext *)(out + header_bytes);
	uint8_t *next = &ip->proto;

	memcpy(out, header, header_bytes);
	// The last of the headers names the fragment header. Each has a length in units of 8 bytes.
	for (uint32_t at = sizeof(*ip); at + 8 <= header_bytes; at += 8 + next[1] * 8u)
		next = out + at;
	extension->next_header = *next;
	extension->reserved = 0;
	extension->frag_data = rte_cpu_to_be_16((uint16_t)(fragment->offset | !fragment->last));
	extension->id = rte_cpu_to_be_32(fragment->id);
	*next = IPPROTO_FRAGMENT;
	ip->payload_len = rte_cpu_to_be_16(
		(uint16_t)(header_bytes - sizeof(*ip) + sizeof(*extension) + fragment->bytes));
}

void gw_fragment_header_write(uint8_t *out, const uint8_t *header, uint8_t family,
	uint32_t header_bytes, const struct gw_fragment *fragment)
{
	if (family == 4)
		write_v4(out, header, header_bytes, fragment);
	else
		write_v6(out, header, header_bytes, fragment);
}
