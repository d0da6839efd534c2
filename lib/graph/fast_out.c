// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The short way out. What comes from the protected side and is as most packets are goes it in one
// node: a plain IPv4 packet of a flow that a PROTECT policy covers, whose SA is a tunnel as most
// are, whose peer is behind a known neighbour. eth_input, spd_out, esp_encrypt and ip_output would
// do the same to it, one after the other; each has its part of this node in a header that it shares
// with it. Whatever is not so goes to eth_input as it came.
//
// Once for packets that follow each other:
//   1. of one flow: read headers, ask the outbound SPD        (plain_frame.h, ipsec/spd.h)
//   2. of one policy: its SA, the SA's outer header, the way  (protect_run.h, seal_run.h, way.h)
// For each packet:
//   3. take a sequence number, one block for all packets of an SA in the vector
//   4. lower the TTL, write trailer and headers, the frame's included
//   5. encrypt, compute the ICV, all together

#include "graph/node.h"

#include <netinet/in.h>

#include "graph/plain_frame.h"
#include "graph/protect_run.h"
#include "graph/seal_run.h"
#include "graph/sequence_blocks.h"
#include "graph/shape.h"
#include "graph/spd_select.h"
#include "graph/way.h"
#include "net/tcp_mss.h"

enum { EDGE_ETH_INPUT, EDGE_PORT_TX, EDGE_DROP };

// Packets in one go: as many as a queue gives at once.
#define MOST 64

#define PREFETCH_AHEAD 4

// What packets of one policy that follow each other have in common.
struct run {
	struct gw_protect_run protect; // its sa is NULL: they go to eth_input
	struct gw_seal_run seal;
	const struct gw_way *way;
	unsigned int end; // behind the last of its packets in the vector

	// Those that it takes, which have moved to its front.
	unsigned int first, count;
	uint64_t bytes;
	struct gw_sequence_block numbers;
};

// Packets that may go the short way.
struct vector {
	unsigned int count;
	void *packets[MOST];
	uint8_t places[MOST]; // in the node's vector
	uint64_t slow;        // of those that go the long way (shape.h)

	// Of packets of one flow that follow each other, the first, and behind the last.
	unsigned int flow_count;
	void *firsts[MOST];
	uint8_t ends[MOST];

	unsigned int run_count;
	struct run runs[MOST];
	struct gw_way ways[MOST]; // of next hops that follow each other
};

// --- 1. flows

// Neither from nor to the box itself.
static inline bool leads_out(const struct gw_dataplane *dataplane, const struct gw_packet *packet)
{
	return !gw_local_contains(dataplane->local, 4, packet->flow.source) &&
	       !gw_local_contains(dataplane->local, 4, packet->flow.destination);
}

static void gather(const struct gw_dataplane *dataplane, void **packets, uint8_t *nexts,
	unsigned int count, struct vector *vector)
{
	struct gw_frame_shape shape = GW_FRAME_SHAPE_NONE;
	unsigned int kept = 0, flows = 0;

	vector->slow = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		bool own = gw_buffer_is_own(mbuf) && !(mbuf->ol_flags & GW_RARE_OFFLOADS);

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(
				(struct rte_mbuf *)packets[i + PREFETCH_AHEAD], void *));
		if (unlikely(!own || !gw_frame_shape_meets(&shape, mbuf, packet))) {
			if (!own ||
				!gw_plain_frame_read(
					mbuf, packet, dataplane->ports[packet->port]) ||
				!packet->flow.ports_known || !leads_out(dataplane, packet)) {
				nexts[i] = EDGE_ETH_INPUT;
				vector->slow |= gw_slow_frame(mbuf);
				continue;
			}
			shape = gw_frame_shape_of(mbuf, packet->port);
			if (flows)
				vector->ends[flows - 1] = (uint8_t)kept;
			vector->firsts[flows++] = mbuf;
		}
		vector->packets[kept] = mbuf;
		vector->places[kept++] = (uint8_t)i;
	}
	if (flows)
		vector->ends[flows - 1] = (uint8_t)kept;
	vector->count = kept;
	vector->flow_count = flows;
}

// --- 2. policies, SAs, ways

// What of a run there is to know before its route: its SA's peer.
static inline const uint8_t *begin(
	struct run *run, const struct gw_worker *worker, const struct gw_policy *policy)
{
	static const uint8_t nobody[4];
	const struct gw_sa *sa;

	gw_protect_run_begin(&run->protect, worker, policy);
	sa = run->protect.sa;
	if (!sa || sa->protocol != GW_PROTOCOL_ESP || sa->in_tcp ||
		!gw_seal_run_begin(&run->seal, sa)) {
		run->protect.sa = NULL;
		return nobody;
	}
	return run->seal.template + offsetof(struct rte_ipv4_hdr, dst_addr);
}

// An outer packet, which is no longer than the SA's path, needs not be cut, nor wait.
static inline bool is_open(const struct run *run)
{
	return run->way->known &&
	       run->way->port->mtu >=
		       atomic_load_explicit(&run->protect.sa->path_mtu, memory_order_relaxed);
}

static void choose(struct gw_worker *worker, struct vector *vector)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	const struct gw_flow *flows[MOST];
	const struct gw_policy *policies[MOST];
	const struct gw_nexthop *nexthops[MOST];
	const uint8_t *peers[MOST];
	unsigned int used = 0, ways = 0;

	if (unlikely(gw_interfaces_any(dataplane->interfaces)))
		gw_spd_select(dataplane, vector->firsts, vector->flow_count);
	for (unsigned int i = 0; i < vector->flow_count; i++)
		flows[i] = &gw_packet(vector->firsts[i])->flow;
	gw_spd_lookup(dataplane->spd_out, worker->flows_out, flows, vector->flow_count, policies);
	gw_prefetch_sas(worker, policies, vector->flow_count);
	for (unsigned int i = 0; i < vector->flow_count; i++) {
		if (i == 0 || policies[i] != policies[i - 1]) {
			peers[used] = begin(&vector->runs[used], worker, policies[i]);
			used++;
		}
		vector->runs[used - 1].end = vector->ends[i];
	}
	gw_fib_lookup(dataplane->fib, 4, peers, used, nexthops);
	for (unsigned int i = 0; i < used; i++) {
		struct run *run = &vector->runs[i];

		if (!run->protect.sa)
			continue;
		if (ways == 0 || nexthops[i] != vector->ways[ways - 1].nexthop)
			gw_way_begin(&vector->ways[ways++], dataplane, nexthops[i]);
		run->way = &vector->ways[ways - 1];
		if (!is_open(run))
			run->protect.sa = NULL;
	}
	vector->run_count = used;
}

// --- 3. packets

// What is sealed: op i is packet i's.
struct sealed {
	unsigned int count;
	void *packets[MOST];
	uint8_t places[MOST];
	struct gw_crypto_op ops[MOST];
};

static inline uint8_t *ip_of(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(mbuf, uint8_t *, RTE_ETHER_HDR_LEN);
}

// A TTL that lasts, a length that the tunnel takes, room; no SYN, whose segment size may change.
static __rte_always_inline bool takes(
	const struct run *run, struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	const uint8_t *ip = ip_of(mbuf);

	return ip[8] > 1 && packet->ip_bytes <= run->protect.mtu &&
	       gw_seal_run_has_room(mbuf, RTE_ETHER_HDR_LEN) &&
	       (ip[9] != IPPROTO_TCP || !gw_tcp_is_syn(ip + GW_IPV4_MIN_BYTES,
						packet->ip_bytes - GW_IPV4_MIN_BYTES));
}

// The frame becomes the one that leaves, but for the cryptography.
static __rte_always_inline void seal(const struct run *run, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint64_t sequence, struct gw_crypto_op *op)
{
	uint8_t *ip = ip_of(mbuf);
	const struct gw_esp_inner inner = {
		.family = 4,
		.tos = ip[1],
		.dont_fragment = ip[6] & GW_IPV4_DF >> 8,
		.bytes = packet->ip_bytes,
	};
	uint32_t total_bytes;
	bool whole;

	gw_ipv4_ttl_decrement(ip);
	total_bytes = gw_seal_run_write(&run->seal, ip, &inner, sequence, op, &whole);
	gw_way_header(run->way, ip - run->seal.front - RTE_ETHER_HDR_LEN, 4);
	gw_frame_forget_offloads(mbuf);
	mbuf->data_off -= (uint16_t)run->seal.front;
	mbuf->data_len = (uint16_t)(total_bytes + RTE_ETHER_HDR_LEN);
	mbuf->pkt_len = total_bytes + RTE_ETHER_HDR_LEN;
	packet->sa = run->protect.sa;
	packet->marks |= GW_MARK_SPD_OUT | GW_MARK_AUTHORISED | GW_MARK_OWN | GW_MARK_SEALED;
	packet->out_port = run->way->nexthop->port;
}

static void bounce(const struct vector *vector, unsigned int i, uint8_t *nexts)
{
	nexts[vector->places[i]] = EDGE_ETH_INPUT;
}

// Finds those of the run's packets, the vector's from first on, that it takes.
static __rte_always_inline void sift(
	struct run *run, struct vector *vector, unsigned int first, uint8_t *nexts)
{
	unsigned int kept = first;

	run->first = first;
	run->bytes = 0;
	for (unsigned int i = first; i < run->end; i++) {
		struct rte_mbuf *mbuf = vector->packets[i];
		const struct gw_packet *packet = gw_packet(mbuf);

		if (unlikely(!run->protect.sa || !takes(run, mbuf, packet) ||
			     (vector->slow && (vector->slow & gw_slow_frame(mbuf))))) {
			vector->slow |= gw_slow_frame(mbuf);
			bounce(vector, i, nexts);
			continue;
		}
		run->bytes += packet->ip_bytes;
		vector->packets[kept] = mbuf;
		vector->places[kept++] = vector->places[i];
	}
	run->count = kept - first;
}

static inline void count(
	const struct gw_worker *worker, const struct run *run, uint64_t packets, uint64_t bytes)
{
	*run->protect.counter += packets;
	gw_sa_count_packets(run->protect.sa, worker->index, packets, bytes, worker->now_ns);
}

// Counts what goes this way while the counters that were asked for are still near, and takes the
// numbers of all runs before any packet is touched: to add to a word that all workers share waits
// for every store before it.
static void number_all(const struct gw_worker *worker, struct vector *vector, uint8_t *nexts)
{
	unsigned int first = 0;

	for (unsigned int i = 0; i < vector->run_count; i++) {
		struct run *run = &vector->runs[i];

		sift(run, vector, first, nexts);
		if (likely(run->count))
			count(worker, run, run->count, run->bytes);
		first = run->end;
	}
	for (unsigned int i = 0; i < vector->run_count; i++) {
		struct run *run = &vector->runs[i];

		if (likely(run->count))
			gw_sequence_block_take(
				&run->numbers, run->protect.sa, run->count, run->bytes);
	}
}

// A packet that gets no number, or whose SA has no bytes left for it, is told so where all others
// are.
static void seal_run(const struct gw_worker *worker, struct run *run, struct vector *vector,
	uint8_t *nexts, struct sealed *sealed)
{
	struct gw_sa *sa = run->protect.sa;
	bool watched = gw_lifetime_out_soft(sa, run->numbers.next + run->count) != GW_EXPIRY_NONE;
	unsigned int done = sealed->count;

	for (unsigned int i = run->first; i < run->first + run->count; i++) {
		struct rte_mbuf *mbuf = vector->packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		uint64_t sequence = gw_sequence_block_give(&run->numbers, packet->ip_bytes);

		if (unlikely(sequence == 0)) {
			count(worker, run, UINT64_MAX, -(uint64_t)packet->ip_bytes);
			bounce(vector, i, nexts);
			continue;
		}
		if (unlikely(watched))
			gw_expiry_admit(worker, sa, sequence);
		seal(run, mbuf, packet, sequence, &sealed->ops[done]);
		sealed->packets[done] = mbuf;
		sealed->places[done++] = vector->places[i];
	}
	sealed->count = done;
}

static void seal_all(const struct gw_worker *worker, struct vector *vector, uint8_t *nexts,
	struct sealed *sealed)
{
	number_all(worker, vector, nexts);
	for (unsigned int i = 0; i < vector->run_count; i++)
		if (likely(vector->runs[i].count))
			seal_run(worker, &vector->runs[i], vector, nexts, sealed);
}

// A packet that was counted and is not to leave.
static __rte_noinline uint8_t failed(const struct gw_worker *worker, struct gw_packet *packet)
{
	gw_sa_count_packets(
		packet->sa, worker->index, UINT64_MAX, -(uint64_t)packet->ip_bytes, worker->now_ns);
	return gw_to_drop(packet, GW_DROP_CRYPTO_FAILED, EDGE_DROP);
}

static void step(struct gw_worker *worker, void **packets, uint8_t *nexts, unsigned int count)
{
	struct vector vector;
	struct sealed sealed;

	memset(nexts, EDGE_PORT_TX, count);
	gather(worker->dataplane, packets, nexts, count, &vector);
	if (vector.count == 0)
		return;
	choose(worker, &vector);
	sealed.count = 0;
	seal_all(worker, &vector, nexts, &sealed);
	gw_crypto_seal(worker->crypto, sealed.ops, sealed.count);
	for (unsigned int i = 0; i < sealed.count; i++)
		if (unlikely(sealed.ops[i].status != GW_CRYPTO_OK))
			nexts[sealed.places[i]] = failed(worker, gw_packet(sealed.packets[i]));
}

static uint16_t fast_out(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	uint8_t nexts[MOST];

	for (unsigned int done = 0; done < count;) {
		unsigned int chunk = RTE_MIN(count - done, (unsigned int)MOST);

		step(worker, packets + done, nexts, chunk);
		gw_node_forward(graph, node, packets + done, nexts, chunk);
		done += chunk;
	}
	return count;
}

const struct gw_node gw_node_fast_out = {
	.name = "fast_out",
	.process = fast_out,
	.edges = {
		[EDGE_ETH_INPUT] = "eth_input",
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_DROP] = "drop",
	},
};
