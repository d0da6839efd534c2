// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets from the protected side, and from the host itself, through policies, fragmentation, ESP
// and AH to the unprotected port. Byte 0 chooses how, byte 1 the addresses and the size, then comes
// an IP packet (byte 1: bits 0-3 the link or what is no link's, bit 4 in two fragments, bits 5-7
// the size):
//   bits 0-1  the other port's MTU: 1500, 1280 for IPv6's sake, 576, 9000
//   bit 2     lengths and checksum are left as they are
//   bit 3     addresses are left as they are
//   bit 4     the host sends it through the TAP
//   bits 5-6  the buffer: one, two, in segments of 7 bytes, shared with somebody; of the host's:
//   the
//             last is a dummy packet instead, two fragments come in this order or, with bit 6
//             alone, the other
//   bit 7     comes twice: for caches
// What has to hold is in world_finish. conformance: G5, I2, I7, M1, M10

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "graph/packet.h"
#include "world.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AS_IS = 4, ANY_ADDRESS = 8, FROM_HOST = 16, TWICE = 128 };
enum { CUT = 16 }; // of byte 1
enum { WHOLE, HALVES, PIECES, SHARED };
// From here on what byte 1 names is bypassed, if even, or discarded; the narrow link has no traffic
// of its own.
enum { NO_LINK = WORLD_NARROW_LINK };
_Static_assert(NO_LINK <= 14, "both are in four bits");

static const uint16_t mtus[4] = { 1500, 1280, 576, 9000 };
// What a packet grows to, with zeros.
static const uint16_t sizes[8] = { 0, 0, 200, 700, 1280, 1400, 1480, 1500 };

static struct box *box;

int LLVMFuzzerInitialize(int *, char ***)
{
	box = world_new();
	return 0;
}

// To the far side of tunnel i or the ends of SA i in transport mode; else to what is bypassed or
// discarded.
static void set_addresses(uint8_t *ip, unsigned int i)
{
	bool v6 = ip[0] >> 4 == 6;
	char near[40], far[40];
	struct gw_addr source, destination;

	snprintf(near, sizeof(near), v6 ? "2001:db8:1::2" : "192.168.1.2");
	if (i >= NO_LINK)
		snprintf(near, sizeof(near), v6 ? "2001:db8:1::4" : "192.168.1.4");
	if (i >= NO_LINK)
		snprintf(far, sizeof(far),
			v6      ? "2001:db8:9::2"
			: i % 2 ? "203.0.113.1"
				: "10.9.0.2");
	else if (!world_links[i].transport || (world_links[i].family == 6) != v6)
		snprintf(far, sizeof(far), v6 ? "2001:db8:%x::2" : "192.168.%u.2", 2 + i);
	else
		snprintf(near, sizeof(near), "%s", world_links[i].source),
			snprintf(far, sizeof(far), "%s", world_links[i].destination);
	world_require(gw_addr_parse(near, &source) && gw_addr_parse(far, &destination));
	memcpy(ip + (v6 ? 8 : 12), source.bytes, v6 ? 16 : 4);
	memcpy(ip + (v6 ? 24 : 16), destination.bytes, v6 ? 16 : 4);
}

static struct rte_mbuf *segment(const uint8_t *data, size_t bytes)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(box->dataplane.buffers);

	world_require(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)bytes), data, bytes);
	return mbuf;
}

static struct rte_mbuf *buffer_of(unsigned int shape, const uint8_t *data, size_t size)
{
	size_t first = shape == HALVES   ? size / 2
		       : shape == PIECES ? RTE_MIN(size, (size_t)62)
					 : size;
	struct rte_mbuf *head = segment(data, first);

	for (size_t at = first; at < size;) {
		size_t bytes = shape == PIECES ? RTE_MIN(size - at, (size_t)7) : size - at;

		world_require(rte_pktmbuf_chain(head, segment(data + at, bytes)) == 0);
		at += bytes;
	}
	return head;
}

static void push(uint8_t how, const struct world_frame *frame)
{
	unsigned int shape = how & FROM_HOST ? WHOLE : how >> 5 & 3;
	struct rte_mbuf *mbuf = buffer_of(shape, frame->data, frame->size);
	struct rte_ring *ring = box->in[BOX_LAN];

	if (!(how & FROM_HOST))
		world_received(BOX_LAN);
	if (how & FROM_HOST) {
		gw_packet_init(mbuf, BOX_WAN, GW_SIDE_UNPROTECTED)->marks = GW_MARK_FROM_HOST;
		ring = box->worker->from_control;
	}
	if (shape == SHARED)
		rte_mbuf_refcnt_update(mbuf, 1);
	world_require(rte_ring_enqueue(ring, mbuf) == 0);
	if (shape != SHARED)
		return;
	box_walk(box);
	// Routers write Ethernet header, TTL and its checksum; the payload is not theirs.
	if (frame->size > RTE_ETHER_HDR_LEN + 40)
		world_require(memcmp((uint8_t *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM +
					      RTE_ETHER_HDR_LEN + 40,
				      frame->data + RTE_ETHER_HDR_LEN + 40,
				      frame->size - RTE_ETHER_HDR_LEN - 40) == 0);
	rte_pktmbuf_free(mbuf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_frame frame = { .size = 0 };
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame.data;
	uint8_t *ip = (uint8_t *)(ether + 1), how;

	if (size < 2 + 20 || size > 1800)
		return 0;
	how = data[0];
	memcpy(ip, data + 2, size - 2);
	size = RTE_MAX(size - 2, (size_t)sizes[data[1] >> 5]);
	box->dataplane.ports[BOX_WAN]->mtu = mtus[how & 3];
	if (how & FROM_HOST) // which knows the MTU of its TAP
		size = RTE_MIN(size, (size_t)mtus[how & 3]);
	if (!(how & ANY_ADDRESS) && size >= world_ip_bytes(ip[0] >> 4 == 6 ? 6 : 4))
		set_addresses(ip, data[1] & 15);
	if (!(how & AS_IS))
		world_repair(ip, size);
	memcpy(&ether->dst_addr, box_macs[BOX_LAN], 6);
	ether->ether_type =
		ip[0] >> 4 == 6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	frame.size = RTE_ETHER_HDR_LEN + size;
	if (how & FROM_HOST && (how >> 5 & 3) == SHARED) {
		unsigned int link = (data[1] & 15u) % WORLD_LINKS;

		if (!world_links[link].ah)
			world_push_dummy(link, size);
		world_finish();
		return 0;
	}
	for (unsigned int i = 0; i < (how & TWICE ? 2 : 1); i++)
		if (data[1] & CUT)
			world_push(BOX_LAN, &frame, size / 2, (how >> 5 & 3) == PIECES);
		else
			push(how, &frame);
	world_finish();
	return 0;
}
