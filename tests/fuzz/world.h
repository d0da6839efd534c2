// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "box.h"

// The world of the fuzz targets that push packets through a whole gateway: tests/support/box.h with
// an SA each way of every kind (a link), and policies that protect, bypass and discard.
//
//   link i: outbound SPI 4097 + 4i, inbound 4098 + 4i
//     tunnels: 192.168.1.0/24 and 2001:db8:1::/64 to 192.168.(2 + i).0/24 and 2001:db8:(2 + i)::/64
//     transport mode: between source and destination, seen from the gateway
//     the narrow one has SAs only, with selectors, for the traffic of the link it helps: UDP whose
//     far port is below 10000
//   192.168.1.4 to 10.9.0.2: TCP port 80 by link 0, all else bypassed; back: bypassed
//   192.168.1.0/24 to 203.0.113.0/24: discarded

struct world_link {
	bool ah, transport, udp;
	bool tcp;       // ESP in TCP
	bool implicit;  // IVs (RFC 8750)
	bool narrow;    // of WORLD_HELPED
	uint8_t family; // of the outer header
	const char *source, *destination;
};

enum {
	WORLD_UDP_LINK = 1,
	WORLD_HELPED = 2,
	WORLD_AH_LINK = 8,
	WORLD_IMPLICIT_LINK = 12,
	WORLD_TCP_LINK,
	WORLD_NARROW_LINK,
	WORLD_LINKS
};
#define WORLD_NARROW_PORT   10000
#define WORLD_IN_SPI(link)  (4098u + 4u * (link))
#define WORLD_OUT_SPI(link) (4097u + 4u * (link))
extern const struct world_link world_links[WORLD_LINKS];

#define WORLD_FRAME_BYTES 2048

// A frame that is being made. The Ethernet header is always there.
struct world_frame {
	uint8_t data[WORLD_FRAME_BYTES];
	size_t size;
};

// abort() unless it holds: a finding.
#define world_require(condition) world_claim(condition, #condition, __LINE__)
void world_claim(bool holds, const char *claim, int line);

// Starts DPDK and builds the world, which is never torn down; abort() when anything is left that
// LeakSanitizer takes for lost.
struct box *world_new(void);

// Writes an Ethernet header and an IP header from the link's peer to its other end, for what
// follows of bytes, and sets the frame's size.
void world_front(struct world_frame *frame, unsigned int link, uint8_t protocol, size_t bytes);
void world_repair(uint8_t *ip, size_t size); // version stays; lengths and IPv4 checksum get right
size_t world_ip_bytes(uint8_t family);       // of a header without options

// Writes ESP with a right ICV at esp: size bytes of data, cut to what aligns, as payload and
// trailer. The sequence number is the next. Returns its bytes, or 0 when there is nothing to seal.
size_t world_seal(unsigned int link, const uint8_t *data, size_t size, uint8_t *esp);
// Makes an AH of the link at ah, which begins at offset at of the IP packet, right: SPI, the next
// sequence number, ICV over size bytes.
void world_seal_ah(unsigned int link, uint8_t *ip, size_t size, size_t at);

// The packet just sealed is forged: its ICV was made wrong, nothing of it may come through.
void world_forged(void);

// Receives a frame, which need not be one; world_received: one that the target handed over itself.
void world_receive(unsigned int port, const uint8_t *frame, size_t size);
void world_received(unsigned int port);
// Receives the frame; with cut (0: whole) as two fragments, the first of so many bytes behind the
// IP header, rounded down to 8, and in this order or the other.
void world_push(unsigned int port, const struct world_frame *frame, size_t cut, bool reversed);

// Hands over the IP packet in the frame as what came by a TCP connection.
void world_push_record(const struct world_frame *frame);
// Asks for a dummy packet of so many bytes to be sent by a link's outbound SA.
void world_push_dummy(unsigned int link, size_t bytes);

// Walks the graph and checks all that comes out: the unprotected port and TCP connections are sent
// nothing but what is sealed with the right key between the SA's addresses, whole or in fragments
// that make a whole, or bypassed; the protected port sends nothing but
// what the SA of a packet that came in carries, once for each that was sealed, and without one what
// came bypassed or by the protected port itself; besides, the gateway's own errors. Headers are
// sound, no buffer is lost.
void world_finish(void);
