// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AH from the peer behind a right ICV: what stands before it, in it and behind it is the mutants'.
// AH outbound is in outbound.c, whose world has links of AH.
//   byte 0: bit 0 transport mode, bit 1 IPv6, bit 2 the inner packet's lengths and checksum are
//   made
//           right, bit 3 in two fragments, bit 4 in the wrong order, bit 5 the ICV is wrong
//   byte 1: bytes of options or extension headers before AH, in units of 4 or 8
//   byte 2: IPv6: type of the first extension header
//   byte 3: next header of AH     byte 4: added to AH's length field    byte 5: reserved field
//   then the options, then what AH is around
// What has to hold is in world_finish. conformance: K2, K3, K4

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "ipsec/ah.h"
#include "world.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRANSPORT = 1, OVER_IPV6 = 2, REPAIR = 4, CUT = 8, REVERSED = 16, FORGED = 32 };
#define FRONT_BYTES 6
#define VALUE_BYTES 16

int LLVMFuzzerInitialize(int *, char ***)
{
	world_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_frame frame = { .size = 0 };
	uint8_t *ip = frame.data + RTE_ETHER_HDR_LEN;
	const uint8_t *front = data;
	struct gw_ah_header *ah;
	size_t options, at, ah_bytes;
	unsigned int link;
	bool v6;

	if (size < FRONT_BYTES || size > 1800)
		return 0;
	v6 = front[0] & OVER_IPV6;
	link = WORLD_AH_LINK + (front[0] & TRANSPORT ? 2 : 0) + v6;
	options = v6 ? front[1] % 16 * 8u : front[1] % 11 * 4u;
	data += FRONT_BYTES, size -= FRONT_BYTES;
	if (options > size)
		return 0;
	at = world_ip_bytes(v6 ? 6 : 4) + options;
	ah_bytes = gw_ah_bytes(v6 ? 6 : 4, VALUE_BYTES);
	world_front(&frame, link, v6 && options ? front[2] : IPPROTO_AH, ah_bytes + size);
	memcpy(ip + at - options, data, options);
	ah = (struct gw_ah_header *)(ip + at);
	gw_ah_write((uint8_t *)ah, front[3], ah_bytes, 0, 0);
	ah->length = (uint8_t)(ah->length + front[4]);
	ah->reserved = front[5];
	memcpy((uint8_t *)ah + ah_bytes, data + options, size - options);
	if (front[0] & REPAIR)
		world_repair((uint8_t *)ah + ah_bytes, size - options);
	if (!v6)
		ip[0] = (uint8_t)(0x45 + options / 4);
	size = at + ah_bytes + size - options;
	world_repair(ip, size);
	world_seal_ah(link, ip, size, at);
	if (front[0] & FORGED) {
		((uint8_t *)(ah + 1))[3] ^= 1;
		world_forged();
	}
	world_push(BOX_WAN, &frame, front[0] & CUT ? size / 2 : 0, front[0] & REVERSED);
	world_finish();
	return 0;
}
