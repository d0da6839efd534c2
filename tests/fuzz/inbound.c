// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets from the unprotected side through the whole graph. The first byte chooses how:
//   even     a frame as it is, by the port that bit 1 names
//   odd      the rest is an ESP payload (inner packet, padding, trailer) of an inbound SA, sealed
//   with
//            its own key, so that mutants reach the parsers behind the ICV
//     bit 1  transport mode              bit 4  its IP checksum and length are made right
//     bit 2  in UDP                      bit 5  the ESP packet comes in two fragments,
//     bit 3  over IPv6                   bit 6  in the wrong order
//     bit 7  twice: the second is a replay
//     bits 1 and 4: by the links with implicit IVs, in TCP (bit 3) or with selectors (bit 2)
//     instead
// What has to hold is in world_finish. conformance: A4, F1, I4, M10

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
	TRANSPORT = 2,
	IN_UDP = 4,
	OVER_IPV6 = 8,
	REPAIR = 16,
	CUT = 32,
	REVERSED = 64,
	TWICE = 128
};

int LLVMFuzzerInitialize(int *, char ***)
{
	world_new();
	return 0;
}

static void push_sealed(uint8_t how, uint8_t *payload, size_t size)
{
	unsigned int link = (how & IN_UDP ? 1 : 0) + (how & OVER_IPV6 ? 2 : 0);
	struct world_frame frame = { .size = 0 };
	struct rte_udp_hdr *udp;
	size_t bytes, front;

	if (how & TRANSPORT && how & REPAIR) {
		link = how & IN_UDP      ? WORLD_NARROW_LINK
		       : how & OVER_IPV6 ? WORLD_TCP_LINK
					 : WORLD_IMPLICIT_LINK;
		how &= (uint8_t)~IN_UDP;
		if (size > 6)
			world_repair(payload, size - 2 - payload[size - 2] % (size - 2));
	} else if (how & TRANSPORT) // the links in transport mode stand in another order
		link = 4 + (how & OVER_IPV6 ? 1 : 0) + (how & IN_UDP ? 2 : 0);
	else if (how & REPAIR && size > 6)
		world_repair(payload, size - 2 - payload[size - 2] % (size - 2));
	front = RTE_ETHER_HDR_LEN + world_ip_bytes(world_links[link].family);
	udp = (struct rte_udp_hdr *)(frame.data + front);
	if (how & IN_UDP)
		front += sizeof(*udp);
	bytes = world_seal(link, payload, size, frame.data + front);
	if (bytes == 0)
		return;
	if (how & IN_UDP) {
		bytes += sizeof(*udp);
		// Ports that change now and then: the peer moves.
		udp->src_port = rte_cpu_to_be_16((uint16_t)(4500 + bytes / 64 % 3));
		udp->dst_port = RTE_BE16(4500);
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)bytes);
	}
	world_front(&frame, link, how & IN_UDP ? IPPROTO_UDP : IPPROTO_ESP, bytes);
	for (unsigned int i = 0; i < (how & TWICE ? 2 : 1); i++)
		if (world_links[link].tcp)
			world_push_record(&frame);
		else
			world_push(BOX_WAN, &frame, how & CUT ? bytes / 2 : 0, how & REVERSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t payload[WORLD_FRAME_BYTES];

	if (size < 2 || size > 1800)
		return 0;
	memcpy(payload, data + 1, size - 1);
	if (data[0] & SEALED)
		push_sealed(data[0], payload, size - 1);
	else
		world_receive(data[0] & 2 ? BOX_WAN : BOX_LAN, payload, size - 1);
	world_finish();
	return 0;
}
