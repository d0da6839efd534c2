// Called by: worker; control core for packets that it owns
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "ipsec/sa.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "route/fib.h"
#include "stats/drop.h"

// What the nodes know about a packet, in the private area behind its mbuf. Its first line is
// cleared where the packet enters (port_rx, host_rx) or is made, so that nothing is left over from
// the packet before. The second is not touched for most packets, because a vector's lines fill half
// of the core's nearest cache: what is there is read only where a node before has written it, as
// the marks, or the edge that a packet came by, say.

enum gw_packet_mark {
	GW_MARK_AUTHORISED =
		1 << 0, // may leave an unprotected port: set by fast_out, esp_encrypt, ah_output, a
			// bypass rule, or the control core for a NAT keepalive, and by nobody else
	GW_MARK_FROM_HOST =
		1 << 1, // the host sent it through a TAP: TTL stays, a bypass keeps its frame
	GW_MARK_DECRYPTED = 1 << 2, // came out of ESP or AH; sa is the SA that carried it
	GW_MARK_SPD_OUT = 1 << 3,   // has passed the outbound SPD
	GW_MARK_OWN = 1 << 4,       // made here (ICMP error, ESP, AH): TTL stays
	GW_MARK_SEALED = 1 << 5,    // is an ESP or AH packet of ours
	GW_MARK_FRAME = 1 << 6,     // a whole Ethernet frame, ready to be sent on port
	GW_MARK_IN_UDP = 1 << 7,    // ESP that came in UDP, whose ports are in flow
	GW_MARK_DUMMY = 1 << 8,     // random bytes for the SA that flow and sequence (SPI) name
	GW_MARK_DEALT = 1 << 9,     // of a batch that was dealt: does not wait for one again
	GW_MARK_WAITS_SA = 1 << 12, // is held until there is an SA for it: sequence says which
	// A later fragment whose flow has what its first fragment showed.
	GW_MARK_FRAGMENT_KNOWN = 1 << 13,
	GW_MARK_REFUSED = 1 << 14, // to be dropped for the reason in drop, whatever policies say
	GW_MARK_IN_TCP = 1 << 15,  // ESP that came in TCP, by the connection in stream
};

struct gw_packet {
	// --- line 0: what nodes ask about every packet
	struct gw_sa *sa;     // up to spd_in the SA it came by; from spd_out on the SA it goes by
	uint16_t marks;       // enum gw_packet_mark
	uint8_t port;         // index of the port it came in by
	uint8_t side : 1;     // enum gw_side of that port
	uint8_t out_port : 7; // index of the port it leaves by
	// The (inner) packet at the front of the mbuf, where the parser writes it; header_bytes of
	// ESP in UDP leads to ESP. What only fragments have ends it, on line 1.
	union {
		struct gw_ip ip;
		struct gw_ip;
	};

	// --- line 1: what some packets have, and nobody else may read
	const struct gw_nexthop *nexthop; // for neighbour_hold
	uint64_t sequence;      // for what it waits (graph/acquire.h), or the SPI of a dummy packet
	uint64_t stream;        // with GW_MARK_IN_TCP: the number of the TCP connection
	uint32_t batch;         // with GW_MARK_DEALT: of the worker in whose hand it is
	uint16_t mtu;           // for icmp_error and ip_fragment
	uint8_t drop;           // enum gw_drop, for the drop and icmp_error nodes
	uint8_t icmp;           // enum gw_icmp_error, for the icmp_error node
	uint8_t resolve_family; // neighbour_hold: of the address to resolve, in flow.destination
} __rte_cache_aligned;

static_assert(offsetof(struct gw_packet, fragment_bytes) == 64, "line 0: asked of every packet");
static_assert(GW_MAX_PORTS <= 128, "out_port holds it");
static_assert(sizeof(struct gw_packet) <= 128, "two cache lines behind the mbuf");

#define GW_PACKET_PRIVATE_BYTES RTE_ALIGN_CEIL(sizeof(struct gw_packet), RTE_MBUF_PRIV_ALIGN)

static inline struct gw_packet *gw_packet(struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv(mbuf);
}

static inline void gw_packet_prefetch_for_write(struct rte_mbuf *mbuf)
{
	rte_prefetch0_write(gw_packet(mbuf));
}

// A fresh start: nothing is known but where it came from.
static inline struct gw_packet *gw_packet_init(struct rte_mbuf *mbuf, uint8_t port, uint8_t side)
{
	struct gw_packet *packet = gw_packet(mbuf);

	memset(packet, 0, RTE_CACHE_LINE_SIZE);
#ifdef __SANITIZE_ADDRESS__
	// Who reads what nobody has written shall be found.
	memset((uint8_t *)packet + RTE_CACHE_LINE_SIZE, 0xa5,
		sizeof(*packet) - RTE_CACHE_LINE_SIZE);
#endif
	packet->port = port;
	packet->side = side;
	return packet;
}

// Of packets for the host: what came out of the tunnels of an interface, and errors about what the
// host sent into it. An ESP packet to ourselves has only its inner packet's interface left.
static inline bool gw_packet_is_for_interface(const struct gw_packet *packet)
{
	return packet->flow.interface && !(packet->marks & GW_MARK_SEALED);
}
