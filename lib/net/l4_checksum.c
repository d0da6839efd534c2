// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/l4_checksum.h"

#include <netinet/in.h>

#include "net/checksum.h"

// Where the checksum stands, and what is there at least; 0: not ours to make.
static uint32_t field_at(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 0;
}

void gw_l4_checksum_complete(uint8_t *packet, const struct gw_ip *ip)
{
	uint32_t at = field_at(ip->flow.protocol), bytes = ip->ip_bytes - ip->header_bytes;
	uint32_t address_bytes = ip->flow.family == 4 ? 4 : 16;
	const uint8_t rest[4] = { (uint8_t)(bytes >> 8), (uint8_t)bytes, 0, ip->flow.protocol };
	uint8_t *data = packet + ip->header_bytes;
	uint16_t checksum = 0;
	uint32_t sum;

	if (at == 0 || gw_ip_is_fragment(ip) || bytes < at + 2)
		return;
	memcpy(data + at, &checksum, sizeof(checksum));
	sum = gw_checksum_add(0, ip->flow.source, address_bytes);
	sum = gw_checksum_add(sum, ip->flow.destination, address_bytes);
	sum = gw_checksum_add(sum, rest, sizeof(rest));
	checksum = gw_checksum_finish(gw_checksum_add(sum, data, bytes));
	// UDP has no other way to say zero.
	if (checksum == 0 && ip->flow.protocol == IPPROTO_UDP)
		checksum = 0xffff;
	memcpy(data + at, &checksum, sizeof(checksum));
}
