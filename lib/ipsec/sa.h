// Called by: both (each field says who)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "base/error.h"
#include "crypto/key.h"
#include "ipsec/limits.h"
#include "ipsec/replay.h"
#include "ipsec/sequence.h"
#include "spec/sa.h"
#include "stats/counters.h"

struct rte_rcu_qsbr;

// A security association at run time. The hot part of each direction has cache lines of its own;
// what workers write never shares a line with what they only read. Life: gw_sa_new (control) →
// published in the SAD or its reqid → withdrawn → gw_sa_free after the grace period, when no worker
// can hold it.

struct gw_sa_worker_counters {
	uint64_t packets;      // worker: wo, control: ro
	uint64_t bytes;        // of inner packets; worker: wo, control: ro
	uint64_t last_used_ns; // worker: wo, control: ro; gw_clock_ns at vector granularity
	uint64_t received;     // inbound: numbers recorded in the window; worker: wo, control: ro
} __rte_cache_aligned;

struct gw_sa {
	// --- line 0: what every packet reads. control: wo before publication, worker: ro
	const struct gw_crypto_key *key;
	struct gw_replay *replay;               // inbound
	struct gw_sa_worker_counters *counters; // one for each worker
	uint32_t reqid;
	rte_be32_t spi;
	uint64_t sequence_last; // outbound: the last number that may be used
	bool in_tcp;            // packets go to the control core, which has the connections
	uint8_t direction;      // enum gw_direction
	uint8_t esn;
	uint8_t iv_bytes;
	uint8_t icv_bytes;
	uint8_t align_bytes;
	uint8_t outer_family;    // 4 or 6
	uint8_t outer_bytes;     // of the template: IP, and UDP where there is one
	uint8_t udp_bytes;       // of these, the UDP header's: 8, or 0 where ESP stands bare
	uint8_t df;              // enum gw_df
	uint16_t interface;      // whose packets it carries (ipsec/interface.h); 0: of none
	int16_t dscp;            // as in the specification; the map is spec.dscp_map
	uint8_t inner_dscp;      // enum gw_inner_dscp; inbound
	uint8_t ecn;             // enum gw_ecn_mode; outbound
	bool fragment_after : 1; // long packets are cut after encryption
	bool label_copied : 1;   // the outer flow label is the inner one
	uint8_t mode;            // enum gw_mode
	uint8_t protocol;        // enum gw_protocol
	uint8_t ah_bytes;        // of AH with its value and padding; 0 for ESP
	// Which of the two outer header templates is in force: 0: outer, 1: other. control: wo at
	// any time (release), worker: ro (acquire, once a packet)
	_Atomic uint8_t outer_turn;
	uint8_t limits; // bits of enum gw_limit: what workers have to look at
	// enum gw_expiry_cause: why the SA has ended, 0 while it lives. Set once, by whoever finds
	// it, and for good; any thread: rw
	_Atomic uint8_t expired;
	uint8_t selectors; // how many it has of its own, in spec; 0: what its policies cover

	// --- line 1: outbound header template. control: wo before publication, worker: ro
	// In transport mode its addresses are compared and its UDP header is used.
	uint8_t outer[48] __rte_cache_aligned; // lengths, IPv4 ID and DF, TOS and checksums zero
	// Bytes of the outer packet, and what of them an inner one may have (gw_sa_inner_mtu).
	// control: wo at any time, both by gw_sa_path_mtu_set; worker: ro
	_Atomic uint16_t path_mtu;
	_Atomic uint16_t inner_mtu;
	uint16_t ipv4_checksum; // of the template, to continue from (network order, not
				// complemented sum folded)
	uint16_t tfc;           // bytes to pad inner packets to, GW_SIZE_OFF or GW_SIZE_AUTO
	uint64_t sequence_soft; // outbound: from this number on the SA should be renewed

	// --- line 2: worker: rw
	struct gw_sequence sequence __rte_cache_aligned; // outbound
	// Outbound: how far the IPv4 ID, where DF is clear, is ahead of the sequence number.
	// control: wo before publication
	uint16_t ipv4_id;
	_Atomic uint32_t events; // bits of enum gw_sa_event raised and not yet told
	// Inbound in UDP: digest (gw_sa_mapping) of the peer's address and port as last seen in an
	// authentic packet, so that each change is told once; in TCP the number of the connection,
	// 0: none yet (the control core takes it back when that ends).
	_Atomic uint64_t mapping;
	// Inbound: packets whose ECN fields outside and inside RFC 6040 section 4.2 finds suspect,
	// and which went on all the same.
	_Atomic uint64_t ecn_alarms;    // relaxed: a number for people
	_Atomic uint64_t used_bytes;    // where limits has BYTES
	_Atomic uint64_t used_packets;  // inbound, where limits has PACKETS
	_Atomic uint64_t first_used_ns; // where limits has USE; 0: not yet
	_Atomic uint64_t deadline_ns;   // where limits has TIME: when the SA ends

	// --- line 3: drops are rare, so all workers share them. worker: rw (relaxed), control: ro
	_Atomic uint64_t drops[GW_SA_DROP_COUNT] __rte_cache_aligned;

	// --- line 4: read where limits says so, and of a SYN. control: wo before publication,
	// worker: ro
	struct gw_sa_limits limit __rte_cache_aligned;
	uint16_t mss_clamp; // bytes, GW_SIZE_OFF or GW_SIZE_AUTO

	// --- line 5: the template of an SA whose addresses or ports were changed in place an odd
	// number of times. control: wo while not in force, worker: ro
	struct gw_sa_other_outer {
		uint8_t bytes[48];
		uint16_t ipv4_checksum;
	} other __rte_cache_aligned;

	// --- cold. control: rw, worker: never
	uint64_t added_ns __rte_cache_aligned;
	uint32_t expiry_place;     // gw_expiry's own
	uint32_t allocated_bytes;  // of the whole, to be given back
	uint64_t missing_at_start; // inbound: numbers in the window not received at first
	// Inbound in UDP or TCP: where the peer was when a mapping event last told; at first as in
	// spec.
	struct gw_addr peer;
	uint16_t peer_port;
	// Where it was seen last, when it was last followed, and whether that has to wait.
	uint16_t seen_port;
	bool follow_waits;
	struct gw_addr seen;
	uint64_t followed_ns;
	uint64_t outer_token; // of RCU, when the template last changed; 0: it never did
	// ipsec/keepalive.h's own: where the SA's packets go in UDP, and the SAs that share it.
	struct gw_keepalive_path *keepalive;
	TAILQ_ENTRY(gw_sa) keepalive_link;
	// ipsec/path_mtu.h: bytes that the route to the peer takes, and those that ICMP told of
	// (0: none), with their end.
	uint16_t route_mtu;
	uint16_t told_mtu;
	uint64_t told_until_ns;

	// With no more selectors than it has and nothing behind them, keys least of all: so it is
	// the last and copied by gw_sa_spec_copy alone. Of it workers read dscp_map and selectors
	// alone: addresses and ports change under them (gw_sa_move), and they take these from the
	// template.
	struct gw_sa_spec spec;
} __rte_cache_aligned;

static_assert(offsetof(struct gw_sa, key) == 0, "line 0: read by every packet");
static_assert(offsetof(struct gw_sa, selectors) < 64, "line 0: read by every packet");
static_assert(offsetof(struct gw_sa, outer) == 64, "line 1: the outer header template");
static_assert(offsetof(struct gw_sa, sequence_soft) < 128, "line 1: the outer header template");
static_assert(offsetof(struct gw_sa, sequence) == 128, "line 2: written by workers");
static_assert(offsetof(struct gw_sa, deadline_ns) < 192, "line 2: written by workers");
static_assert(offsetof(struct gw_sa, drops) == 192, "line 3: written by workers, rarely");

enum gw_sa_event {
	GW_SA_EVENT_SOFT = 1, // the SA should be renewed
	GW_SA_EVENT_HARD = 2, // it has ended
	GW_SA_EVENT_USED = 4, // its first packet came, which starts its time
	GW_SA_EVENT_ECN = 8,  // the first ECN alarm
};

// Control core. Checks nothing that gw_sa_spec_check checked. Keys are expanded; the copy in
// sa->spec has none. NULL with err filled.
struct gw_sa *gw_sa_new(const struct gw_sa_spec *spec, unsigned int workers, struct gw_error *err);
// Control core, after the grace period: wipes and frees. Suits gw_reclaim_later.
void gw_sa_free(void *sa);

// Control core: gives a published SA the addresses and ports of spec, which differs from the SA's
// own in nothing else: same family, UDP or not as before. Workers go on with key, numbers, window
// and counters, and each packet has the one or the other template whole. Waits for the workers if
// the change before is so fresh that one may still read that one's template. What the SA has told
// it tells again where it still holds, since the control core may have taken the SA for unknown.
void gw_sa_move(struct gw_sa *sa, const struct gw_sa_spec *spec, struct rte_rcu_qsbr *qsbr);

// Control core: spec with the state of this moment (sequence, replay bitmap); the caller wipes it.
// 0 or -ENOMEM.
int gw_sa_snapshot(const struct gw_sa *sa, struct gw_sa_spec *spec);

// The outer header template in force, and its checksum where that is wanted. Good until the
// worker's next quiescent state; who builds a packet asks once. Acquire: partner of the release in
// gw_sa_move.
static inline const uint8_t *gw_sa_outer(const struct gw_sa *sa, uint16_t *ipv4_checksum)
{
	bool other = atomic_load_explicit(&sa->outer_turn, memory_order_acquire) != 0;

	if (ipv4_checksum)
		*ipv4_checksum = other ? sa->other.ipv4_checksum : sa->ipv4_checksum;
	return other ? sa->other.bytes : sa->outer;
}

// The destination of the SA as events name it. A worker that tells of a change sets its mark in the
// SA first (acquire) and asks then: either the template is the new one, or gw_sa_move wipes the
// mark away again (release) and the change is told once more.
static inline struct gw_addr gw_sa_destination(const struct gw_sa *sa)
{
	const uint8_t *outer = gw_sa_outer(sa, NULL);
	struct gw_addr destination = { .family = sa->outer_family };

	if (sa->outer_family == 4)
		memcpy(destination.bytes, outer + 16, 4);
	else
		memcpy(destination.bytes, outer + 24, 16);
	return destination;
}

// Whether a packet of the SA's family at ip has the source address, or both addresses, of the SA.
static inline bool gw_sa_is_source(const struct gw_sa *sa, const uint8_t *ip)
{
	const uint8_t *outer = gw_sa_outer(sa, NULL);

	return sa->outer_family == 4 ? memcmp(ip + 12, outer + 12, 4) == 0
				     : memcmp(ip + 8, outer + 8, 16) == 0;
}

static inline bool gw_sa_is_between(const struct gw_sa *sa, const uint8_t *ip)
{
	const uint8_t *outer = gw_sa_outer(sa, NULL);

	return sa->outer_family == 4 ? memcmp(ip + 12, outer + 12, 8) == 0
				     : memcmp(ip + 8, outer + 8, 32) == 0;
}

// Control core: inbound, numbers that left the replay window without having been received, since
// the SA was added. Off by what workers have in hand while packets come. 0 without a window.
uint64_t gw_sa_lost(const struct gw_sa *sa, unsigned int workers);

struct gw_sa_totals {
	uint64_t packets;
	uint64_t bytes;
	uint64_t last_used_ns; // 0: never
	uint64_t drops[GW_SA_DROP_COUNT];
};
void gw_sa_total(const struct gw_sa *sa, unsigned int workers, struct gw_sa_totals *totals);

// Bytes of the largest inner packet that leaves as an outer packet of at most path_mtu bytes (RFC
// 4301 section 8.2.1). At least 0; the same for both inner families. In transport mode: of the
// largest packet without options or extension headers. In TCP, which cuts the stream into segments
// itself, path_mtu: a record may be longer than a segment, and no inner packet need be cut.
uint16_t gw_sa_inner_mtu(const struct gw_sa *sa, uint16_t path_mtu);
// Any thread: the same for the path as it is known now.
static inline uint16_t gw_sa_inner_mtu_now(const struct gw_sa *sa)
{
	return atomic_load_explicit(&sa->inner_mtu, memory_order_relaxed);
}

// Control core: the path carries outer packets of so many bytes.
void gw_sa_path_mtu_set(struct gw_sa *sa, uint16_t path_mtu);
// The same for a packet in transport mode with header_bytes before ESP or AH.
uint16_t gw_sa_transport_mtu(const struct gw_sa *sa, uint32_t header_bytes, uint16_t path_mtu);

// Worker: TFC padding behind an inner packet in tunnel mode, in bytes (RFC 4303 section 2.7).
static inline uint32_t gw_sa_tfc_padding(const struct gw_sa *sa, uint32_t inner_bytes)
{
	uint32_t goal;

	if (sa->tfc == GW_SIZE_OFF)
		return 0;
	goal = RTE_MIN(sa->tfc, gw_sa_inner_mtu_now(sa));
	return inner_bytes < goal ? goal - inner_bytes : 0;
}

// Worker: the maximum segment size of TCP over a family that the SA's mss_clamp, which is not off,
// allows.
uint16_t gw_sa_mss(const struct gw_sa *sa, uint8_t family);

// What sa->mapping is at first, or after a change in place.
uint64_t gw_sa_first_mapping(const struct gw_sa_spec *spec);

// Address (16 bytes, of an IPv4 address the first four) and UDP port of a peer in one word that an
// atomic can hold. IPv4 fits exactly; of two IPv6 addresses one in 2^64 pairs looks alike, and then
// an event that tells of the change is missing, no more.
static inline uint64_t gw_sa_mapping(uint8_t family, const uint8_t *address, uint16_t port)
{
	uint64_t high, low;

	memcpy(&high, address, sizeof(high));
	memcpy(&low, address + sizeof(high), sizeof(low));
	if (family == 4)
		return (uint64_t)port << 48 | (uint32_t)high;
	high = (high ^ port) * UINT64_C(0x9e3779b97f4a7c15);
	return (high ^ high >> 32 ^ low) * UINT64_C(0xff51afd7ed558ccd);
}

// Worker: counts inner packets that the SA carried.
static inline void gw_sa_count_packets(
	struct gw_sa *sa, unsigned int worker, uint64_t packets, uint64_t bytes, uint64_t now_ns)
{
	struct gw_sa_worker_counters *counters = &sa->counters[worker];

	counters->packets += packets;
	counters->bytes += bytes;
	counters->last_used_ns = now_ns;
}

// Worker: counts a drop for the SA; reasons of scope BOX are ignored.
static inline void gw_sa_count_drop(struct gw_sa *sa, enum gw_drop reason)
{
	int index = gw_drop_sa_index[reason];

	if (index >= 0)
		__atomic_fetch_add((uint64_t *)&sa->drops[index], 1, __ATOMIC_RELAXED);
}
