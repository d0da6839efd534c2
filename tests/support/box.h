// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf_core.h>

#include "graph/worker.h"
#include "ipsec/db.h"
#include "route/db.h"

// A whole gateway in one thread: two ports made of rings, one worker whose graph the test walks
// itself, the real databases. Frames go in by box_push and come out by box_pull.
//
//   host 192.168.1.2, 2001:db8:1::2  --- lan (0) [ box ] wan (1) ---  peer 10.9.0.2, 2001:db8:9::2
//   behind the peer: 192.168.2.0/24, 2001:db8:2::/64
//
// DPDK must run (gw_test_run with eal, or a fuzz target's own start).

enum { BOX_LAN, BOX_WAN };

struct box {
	struct gw_dataplane dataplane;
	struct gw_worker *worker;
	struct gw_ipsec_db *ipsec;
	struct gw_route_db *routes;
	struct gw_reclaim *reclaim;
	struct rte_rcu_qsbr *qsbr;
	struct gw_interfaces interfaces;
	uint16_t interface;        // number of the one there is; 0: there is none
	struct rte_ring *in[2];    // frames for the port to receive
	struct rte_ring *out[2];   // frames that it sent
	unsigned int free_buffers; // in the pool at the start
	uint64_t offloads;         // what ports say of the frames that box_push brings
};

// A port says so of a TCP or UDP checksum that the gateway never asks about: the packet goes the
// long way for it (fast_out, fast_in), and nothing else changes.
#define BOX_LONG_WAY RTE_MBUF_F_RX_L4_CKSUM_BAD

struct box *box_new(void);
// Fails (false) when a packet buffer was lost.
bool box_free(struct box *box);

// Adds from the control socket's JSON; abort() when it is refused.
void box_sa(struct box *box, const char *json);
void box_policy(struct box *box, const char *json);
// Both ends of the tunnel between 192.168.1.0/24 and 192.168.2.0/24 and between 2001:db8:1::/64 and
// 2001:db8:2::/64: reqid 1, outbound SPI 0x1001, inbound 0x1002, AES-GCM with a key of zeros and
// ones.
void box_tunnel(struct box *box);

// A tunnel interface "esp0" with that if_id, for one box_interface; and a route that leaves by
// port, which may be one.
void box_interface(struct box *box, uint32_t if_id);
void box_route(struct box *box, const char *destination, const char *gateway, const char *port);

// One frame to receive; false when it is longer than a buffer.
bool box_push(struct box *box, unsigned int port, const void *frame, size_t size);
// Walks the graph until every queue is empty.
void box_walk(struct box *box);
// Gives back the fragments that wait for others.
void box_forget_fragments(struct box *box);
// The next frame the port sent: its size, or 0. At most size bytes are written.
size_t box_pull(struct box *box, unsigned int port, uint8_t *frame, size_t size);

uint64_t box_drops(const struct box *box, enum gw_drop reason);

extern const uint8_t box_macs[2][6];       // of the ports
extern const uint8_t box_neighbours[2][6]; // of the host and the peer
