// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Puts fragments for the gateway itself together before anything else looks at them: ESP and AH are
// processed on whole packets alone (RFC 4303 section 3.4.1, RFC 4302 section 3.4.1), and so the
// policies for IKE see ports. net/reassembly.h decides; the whole packet is a copy in one buffer
// and enters ip_input like one from the wire.
//
// All fragments of a datagram meet on one worker, whichever received them: their addresses and
// identification choose it.

#include "graph/reassembly.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "graph/buffer.h"
#include "graph/node.h"
#include "ipsec/siphash.h"
#include "net/checksum.h"

enum { EDGE_IP_INPUT, EDGE_DROP };

// Where the parts of a fragment's headers are.
struct place {
	uint32_t front;   // bytes of headers that the whole packet has too
	uint32_t payload; // where the fragment's payload begins
	uint32_t next_at; // IPv6: the field that names the fragment header
	uint8_t next;     // IPv6: what that header names
	uint32_t id;
};

// Of the IPv6 fragment header. ip_input has proved the chain of headers as far as bytes; a fragment
// header that is out of reach is not found.
static bool find_v6(const uint8_t *ip, uint32_t bytes, struct place *place)
{
	uint8_t next = ip[offsetof(struct rte_ipv6_hdr, proto)];
	uint32_t at = sizeof(struct rte_ipv6_hdr);

	place->next_at = offsetof(struct rte_ipv6_hdr, proto);
	while (at + sizeof(struct rte_ipv6_fragment_ext) <= bytes && gw_ip_is_extension(next)) {
		if (next == IPPROTO_FRAGMENT) {
			place->front = at;
			place->payload = at + (uint32_t)sizeof(struct rte_ipv6_fragment_ext);
			place->next = ip[at];
			place->id = gw_load_32(ip + at + 4);
			return true;
		}
		place->next_at = at;
		next = ip[at];
		at += 8 + ip[at + 1] * 8u;
	}
	return false;
}

static bool find_place(struct rte_mbuf *mbuf, const struct gw_packet *packet, struct place *place)
{
	const uint8_t *ip = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	if (packet->flow.family == 6)
		return find_v6(ip, RTE_MIN(rte_pktmbuf_data_len(mbuf), packet->ip_bytes), place);
	place->front = place->payload = packet->header_bytes;
	place->id = gw_load_16(ip + offsetof(struct rte_ipv4_hdr, packet_id));
	return true;
}

static void describe(const struct gw_dataplane *dataplane, struct rte_mbuf *mbuf,
	const struct place *place, struct gw_reassembly_fragment *fragment)
{
	const struct gw_packet *packet = gw_packet(mbuf);
	struct gw_reassembly_key *key = &fragment->key;

	memset(fragment, 0, sizeof(*fragment));
	memcpy(key->source, packet->flow.source, sizeof(key->source));
	memcpy(key->destination, packet->flow.destination, sizeof(key->destination));
	key->id = place->id;
	key->family = packet->flow.family;
	key->protocol = packet->flow.family == 4 ? packet->flow.protocol : 0;
	fragment->hash = gw_siphash_128(dataplane->fragment_secret, key, sizeof(*key)).low;
	fragment->source_hash =
		gw_siphash_128(dataplane->fragment_secret, key->source, sizeof(key->source)).low;
	fragment->offset = packet->fragment_offset;
	fragment->bytes = packet->ip_bytes - place->payload;
	fragment->last = !packet->more_fragments;
	fragment->packet = mbuf;
}

// The fields of the IP header that tell a whole packet from its first fragment.
static void make_whole(uint8_t *ip, uint8_t family, const struct place *place, uint32_t bytes)
{
	struct rte_ipv4_hdr *v4 = (struct rte_ipv4_hdr *)ip;

	if (family == 6) {
		ip[place->next_at] = place->next;
		((struct rte_ipv6_hdr *)ip)->payload_len =
			rte_cpu_to_be_16((uint16_t)(bytes - sizeof(struct rte_ipv6_hdr)));
		return;
	}
	v4->total_length = rte_cpu_to_be_16((uint16_t)bytes);
	v4->fragment_offset &= RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	v4->hdr_checksum = 0;
	v4->hdr_checksum = gw_checksum_finish(gw_checksum_add(0, ip, place->front));
}

// RFC 3168 section 5.3: congestion that any fragment met has been met by the packet. -1: fragments
// of a transport that can take the mark and of one that cannot do not belong together.
static int combine_ecn(void *const *packets, unsigned int count)
{
	unsigned int seen = 0;

	for (unsigned int i = 0; i < count; i++)
		seen |= 1u << (gw_packet(packets[i])->tos & 3);
	if ((seen & 1) && seen != 1)
		return -1;
	return seen & 1 << 3 ? 3 : gw_packet(packets[0])->tos & 3;
}

// The whole packet, behind its first fragment's Ethernet header, in a buffer of its own; NULL with
// the reason when there is none.
static struct rte_mbuf *put_together(const struct gw_worker *worker, void *const *packets,
	unsigned int count, enum gw_drop *reason)
{
	const struct gw_packet *first = gw_packet(packets[0]);
	const uint8_t *ip = rte_pktmbuf_mtod((struct rte_mbuf *)packets[0], const uint8_t *);
	uint32_t bytes, at;
	struct rte_mbuf *whole;
	struct place place = {};
	int ecn;
	uint8_t *out;

	// They were found when the fragment came; the first one is here.
	if (!find_place(packets[0], first, &place)) {
		*reason = GW_DROP_IP_HEADER;
		return NULL;
	}
	ecn = combine_ecn(packets, count);
	bytes = place.front;
	for (unsigned int i = 0; i < count; i++)
		bytes += gw_packet(packets[i])->ip_bytes - gw_packet(packets[i])->header_bytes;
	if (ecn < 0 || bytes > worker->dataplane->reassembly.max_bytes) {
		*reason = ecn < 0 ? GW_DROP_FRAGMENT_ECN : GW_DROP_FRAGMENT_TOO_LONG;
		return NULL;
	}
	whole = gw_buffer_new(worker, RTE_ETHER_HDR_LEN + bytes);
	if (!whole) {
		*reason = GW_DROP_NO_BUFFER;
		return NULL;
	}
	out = (uint8_t *)rte_pktmbuf_append(whole, (uint16_t)(RTE_ETHER_HDR_LEN + bytes));
	memcpy(out, ip - RTE_ETHER_HDR_LEN, RTE_ETHER_HDR_LEN + place.front);
	at = RTE_ETHER_HDR_LEN + place.front;
	for (unsigned int i = 0; i < count; i++) {
		const struct gw_packet *packet = gw_packet(packets[i]);
		uint32_t payload = packet->ip_bytes - packet->header_bytes;

		gw_buffer_read(packets[i], packet->header_bytes, payload, out + at);
		at += payload;
	}
	whole->port = ((const struct rte_mbuf *)packets[0])->port;
	rte_pktmbuf_adj(whole, RTE_ETHER_HDR_LEN);
	out += RTE_ETHER_HDR_LEN;
	make_whole(out, first->flow.family, &place, bytes);
	gw_tos_set(out, (uint8_t)((first->tos & 0xfc) | ecn));
	gw_packet_init(whole, first->port, first->side)->flow.family = first->flow.family;
	return whole;
}

static enum gw_drop drop_reason(enum gw_reassembly_verdict verdict)
{
	switch (verdict) {
	case GW_REASSEMBLY_DUPLICATE:
		return GW_DROP_FRAGMENT_DUPLICATE;
	case GW_REASSEMBLY_OVERLAP:
		return GW_DROP_FRAGMENT_OVERLAP;
	case GW_REASSEMBLY_TINY:
		return GW_DROP_FRAGMENT_TINY;
	case GW_REASSEMBLY_TOO_LONG:
		return GW_DROP_FRAGMENT_TOO_LONG;
	case GW_REASSEMBLY_TIMEOUT:
		return GW_DROP_FRAGMENT_TIMEOUT;
	default:
		return GW_DROP_FRAGMENT_EVICTED;
	}
}

// Where fragments go that the table gives up.
struct to_drop {
	struct rte_graph *graph;
	struct rte_node *node;
	rte_edge_t edge;
};

static void drop_one(const struct to_drop *to, struct rte_mbuf *mbuf, enum gw_drop reason)
{
	gw_packet(mbuf)->drop = (uint8_t)reason;
	rte_node_enqueue_x1(to->graph, to->node, to->edge, mbuf);
}

static void release(void *ctx, void *packet, enum gw_reassembly_verdict why)
{
	drop_one(ctx, packet, drop_reason(why));
}

void gw_reassembly_tick(
	struct rte_graph *graph, struct rte_node *node, rte_edge_t edge, struct gw_worker *worker)
{
	struct to_drop to = { graph, node, edge };

	if (worker->reassembly && gw_reassembly_waiting(worker->reassembly))
		gw_reassembly_expire(worker->reassembly, worker->now_ns, release, &to);
}

static void complete(const struct to_drop *to, const struct gw_worker *worker, void **packets,
	unsigned int count)
{
	enum gw_drop reason = GW_DROP_NO_BUFFER;
	struct rte_mbuf *whole = put_together(worker, packets, count, &reason);

	if (!whole) {
		for (unsigned int i = 0; i < count; i++)
			drop_one(to, packets[i], reason);
		return;
	}
	rte_pktmbuf_free_bulk((struct rte_mbuf **)packets, count);
	rte_node_enqueue_x1(to->graph, to->node, EDGE_IP_INPUT, whole);
}

// Gives the frame, as it came, to the worker that collects its datagram.
static void hand_over(
	const struct to_drop *to, const struct gw_worker *target, struct rte_mbuf *mbuf)
{
	uint8_t port = gw_packet(mbuf)->port, side = gw_packet(mbuf)->side;

	rte_pktmbuf_prepend(mbuf, RTE_ETHER_HDR_LEN);
	gw_packet_init(mbuf, port, side);
	if (rte_ring_enqueue(target->from_workers, mbuf) != 0)
		drop_one(to, mbuf, GW_DROP_WORKER_QUEUE_FULL);
}

static void collect(const struct to_drop *to, struct gw_worker *worker, struct rte_mbuf *mbuf)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	void *packets[GW_REASSEMBLY_PIECES];
	struct gw_reassembly_fragment fragment;
	enum gw_reassembly_verdict verdict;
	unsigned int target, count;
	struct place place = {};

	if (!find_place(mbuf, gw_packet(mbuf), &place)) {
		drop_one(to, mbuf, GW_DROP_IP_HEADER);
		return;
	}
	describe(dataplane, mbuf, &place, &fragment);
	// Other bits than those that choose the chain.
	target = (unsigned int)((fragment.hash >> 32) % dataplane->worker_count);
	if (target != worker->index) {
		hand_over(to, dataplane->workers[target], mbuf);
		return;
	}
	gw_packet(mbuf)->header_bytes = (uint16_t)place.payload;
	verdict = gw_reassembly_add(worker->reassembly, &fragment, worker->now_ns, release,
		(void *)(uintptr_t)to, packets, &count);
	if (verdict == GW_REASSEMBLY_COMPLETE)
		complete(to, worker, packets, count);
	else if (verdict != GW_REASSEMBLY_HELD)
		drop_one(to, mbuf, drop_reason(verdict));
}

static uint16_t reassembly(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	const struct to_drop to = { graph, node, EDGE_DROP };

	for (uint16_t i = 0; i < count; i++)
		collect(&to, gw_node_worker(node), packets[i]);
	return count;
}

const struct gw_node gw_node_reassembly = {
	.name = "reassembly",
	.process = reassembly,
	.edges = {
		[EDGE_IP_INPUT] = "ip_input",
		[EDGE_DROP] = "drop",
	},
};
