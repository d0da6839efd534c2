// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// UDP for port 4500 of the gateway, and near it (RFC 3948): keepalives, IKE, ESP behind a right
// ICV, with any ports and lengths, from any address.
//   byte 0: bit 0 sealed, bit 1 IPv6, bit 2 transport mode, bit 3 the SA is one without UDP, bit 4
//   the
//           UDP length is as given, bit 5 the destination port is as given, bit 6 in two fragments,
//           bit 7 from another address
//   bytes 1 to 8: the UDP header     then what UDP carries, or what ESP does
// What has to hold is in world_finish. conformance: J2, J4, J7

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_udp.h>

#include "world.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SEALED = 1,
	OVER_IPV6 = 2,
	TRANSPORT = 4,
	BARE_SA = 8,
	ANY_LENGTH = 16,
	ANY_PORT = 32,
	CUT = 64,
	MOVED = 128
};

int LLVMFuzzerInitialize(int *, char ***)
{
	world_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_frame frame = { .size = 0 };
	uint8_t *ip = frame.data + RTE_ETHER_HDR_LEN, how;
	struct rte_udp_hdr *udp;
	unsigned int link;
	size_t bytes, at;
	bool v6;

	if (size < 1 + sizeof(*udp) || size > 1800)
		return 0;
	how = data[0];
	v6 = how & OVER_IPV6;
	link = how & TRANSPORT ? 4u + v6 : 2u * v6;
	if (!(how & BARE_SA))
		link += how & TRANSPORT ? 2 : WORLD_UDP_LINK;
	at = world_ip_bytes(v6 ? 6 : 4);
	udp = (struct rte_udp_hdr *)(ip + at);
	memcpy(udp, data + 1, sizeof(*udp));
	data += 1 + sizeof(*udp), size -= 1 + sizeof(*udp);
	bytes = size;
	if (how & SEALED)
		bytes = world_seal(link, data, size, (uint8_t *)(udp + 1));
	else
		memcpy(udp + 1, data, size);
	bytes += sizeof(*udp);
	if (!(how & ANY_PORT))
		udp->dst_port = RTE_BE16(4500);
	if (!(how & ANY_LENGTH))
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)bytes);
	world_front(&frame, link, IPPROTO_UDP, bytes);
	// The address that UDP's SAs in transport mode are for is the gateway's own.
	if (how & TRANSPORT && how & BARE_SA)
		world_front(&frame, 2u * v6, IPPROTO_UDP, bytes);
	if (how & MOVED) {
		ip[v6 ? 23 : 15] ^= udp->dgram_cksum & 0x0f;
		world_repair(ip, at + bytes);
	}
	world_push(BOX_WAN, &frame, how & CUT ? bytes / 2 : 0, false);
	world_finish();
	return 0;
}
