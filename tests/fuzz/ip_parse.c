// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IP headers from the wire. The first byte says how much of the packet lies in the first segment;
// the rest is the packet. What the parser accepts has to be consistent, and the ICMP error about it
// has to be one the parser accepts.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/icmp.h"
#include "net/ip.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_ip(const struct gw_ip *ip, uint32_t length)
{
	require(ip->flow.family == 4 || ip->flow.family == 6);
	require(ip->ip_bytes <= length);
	require(ip->header_bytes >= (ip->flow.family == 4 ? 20 : 40));
	require(ip->header_bytes <= ip->ip_bytes);
	require(ip->fragment_offset % 8 == 0);
	require(ip->flow.ports_known ||
		(ip->flow.source_port == 0 && ip->flow.destination_port == 0));
	require(!ip->flow.ports_known || ip->fragment_offset == 0);
	require(!gw_ip_is_extension(ip->flow.protocol) || ip->flow.family == 4);
}

static void check_error(const void *packet, uint32_t size, const struct gw_ip *about)
{
	struct gw_addr source = { .family = about->flow.family, .bytes = { 192, 0, 2, 1 } };
	uint32_t bytes = gw_icmp_error_bytes(packet, size);
	uint8_t *out = malloc(bytes);
	struct gw_ip ip;

	require(gw_icmp_error_build(out, packet, size, &source, GW_ICMP_TOO_BIG, 1400) == bytes);
	require(gw_ip_parse(out, bytes, bytes, true, &ip) == GW_IP_OK);
	require(ip.ip_bytes == bytes);
	require(memcmp(ip.flow.destination, about->flow.source, sizeof(ip.flow.destination)) == 0);
	require(!gw_icmp_error_allowed(out, bytes));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	uint32_t size, packet_bytes;
	uint8_t *segment;
	struct gw_ip ip;

	if (length < 1 || length > 70000)
		return 0;
	packet_bytes = (uint32_t)length - 1;
	size = data[0] == 0xff || data[0] > packet_bytes ? packet_bytes : data[0];
	// Memory of exactly that size, so that a read beyond it is seen.
	segment = malloc(size ? size : 1);
	memcpy(segment, data + 1, size);
	if (gw_ip_parse(segment, size, packet_bytes, false, &ip) == GW_IP_OK) {
		check_ip(&ip, packet_bytes);
		if (gw_icmp_error_allowed(segment, size))
			check_error(segment, size, &ip);
	}
	gw_ip_parse(segment, size, packet_bytes, true, &ip);
	free(segment);
	return 0;
}
