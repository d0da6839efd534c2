// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/fast_inside.h"

#include <netinet/in.h>

#include "graph/decapsulate.h"
#include "graph/open_esp.h"
#include "graph/shape.h"
#include "graph/way.h"
#include "net/tcp_mss.h"

#define MOST GW_FAST_IN_MOST

// Inner packets that spd_in would be asked about.
struct inner {
	unsigned int count;
	void *packets[MOST];
	uint8_t places[MOST];
	uint64_t slow; // of those that go the long way

	// Of packets of one SA and flow that follow each other, the first, and behind the last.
	unsigned int flow_count;
	void *firsts[MOST];
	uint8_t ends[MOST];
};

// --- 4. and 5. what was inside

static inline const uint8_t *ip_inside(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, const uint8_t *);
}

// Whether the opened packet has plain IPv4 inside: it is that packet then. shape is of the one
// before, and known where this one has it too, whose header is then not in packet.
static __rte_always_inline bool take_out_plain(struct rte_mbuf *mbuf, struct gw_packet *packet,
	const struct gw_crypto_op *op, const struct gw_shape *shape, bool *known)
{
	const uint8_t *ip = gw_open_payload(op, packet->sa);
	uint32_t bytes = gw_open_plain_bytes(op, ip, packet->tos), total_bytes = 0;

	if (bytes >= GW_SHAPE_BYTES)
		total_bytes = gw_shape_meets(shape, ip, bytes, true);
	*known = total_bytes != 0;
	if (likely(*known))
		packet->ip_bytes = total_bytes;
	else if (!bytes || !gw_ipv4_is_plain(ip) ||
		 gw_ipv4_parse_plain(ip, bytes, bytes, true, &packet->ip) != GW_IP_OK)
		return false;
	gw_decapsulate_inner(mbuf, packet, ip);
	return true;
}

static void read_inside(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	gw_ipv4_parse_plain(
		ip_inside(mbuf), packet->ip_bytes, packet->ip_bytes, false, &packet->ip);
	packet->flow.interface = packet->sa->interface;
}

static inline bool is_syn(struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	const uint8_t *ip = ip_inside(mbuf);

	return ip[9] == IPPROTO_TCP &&
	       gw_tcp_is_syn(ip + GW_IPV4_MIN_BYTES, packet->ip_bytes - GW_IPV4_MIN_BYTES);
}

// What spd_in can be asked about once for many: policies see all of it, and it is no error that
// they judge by its quote. A SYN's segment size may change.
static inline bool is_simple(struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	return packet->flow.ports_known && packet->flow.protocol != IPPROTO_ICMP &&
	       !is_syn(mbuf, packet);
}

// By itself to spd_in, and others between its hosts behind it.
static uint8_t go_alone(struct inner *inner, struct rte_mbuf *mbuf)
{
	inner->slow |= gw_slow_bit(gw_shape_load(ip_inside(mbuf) + 12));
	return GW_FAST_IN_SPD_IN;
}

// The packet, whose header has been read unless it is known, goes on with the vector's other inner
// ones, or alone.
static __rte_always_inline uint8_t keep(struct inner *inner, struct rte_mbuf *mbuf, uint8_t place,
	bool known, struct gw_shape *shape)
{
	struct gw_packet *packet = gw_packet(mbuf);

	if (unlikely(known ? is_syn(mbuf, packet) : !is_simple(mbuf, packet))) {
		if (known)
			read_inside(mbuf, packet);
		gw_mss_clamp(mbuf, packet);
		return go_alone(inner, mbuf);
	}
	if (unlikely(!known)) {
		*shape = gw_shape_of(ip_inside(mbuf));
		if (inner->flow_count)
			inner->ends[inner->flow_count - 1] = (uint8_t)inner->count;
		inner->firsts[inner->flow_count++] = mbuf;
	}
	inner->packets[inner->count] = mbuf;
	inner->places[inner->count++] = place;
	return GW_FAST_IN_PORT_TX;
}

static bool is_plain_inside(const struct gw_packet *packet)
{
	return packet->flow.family == 4 && packet->header_bytes == GW_IPV4_MIN_BYTES &&
	       !gw_ip_is_fragment(&packet->ip) && gw_ipv4_is_ordinary[packet->flow.source[0]] &&
	       gw_ipv4_is_ordinary[packet->flow.destination[0]];
}

// Any other: with another ECN field than the outer header's, say, or IPv6.
static __rte_noinline uint8_t take_out(const struct gw_worker *worker, struct gw_open_tally *tally,
	struct rte_mbuf *mbuf, uint8_t place, const struct gw_crypto_op *op, struct inner *inner,
	struct gw_shape *shape)
{
	struct gw_packet *packet = gw_packet(mbuf);
	enum gw_drop reason = gw_decapsulate_esp(worker, mbuf, packet, op);
	uint8_t next;

	next = gw_open_finish(
		tally, mbuf, reason, op->payload_bytes, GW_FAST_IN_SPD_IN, GW_FAST_IN_DROP);
	if (next != GW_FAST_IN_SPD_IN)
		return next;
	if (is_plain_inside(packet))
		return keep(inner, mbuf, place, false, shape);
	return packet->flow.family == 4 ? go_alone(inner, mbuf) : GW_FAST_IN_SPD_IN;
}

// Packets of one SA, ops first to end.
static void open_run(const struct gw_worker *worker, struct gw_fast_opened *opened,
	unsigned int first, unsigned int end, const enum gw_replay_verdict *verdicts,
	uint8_t *nexts, struct inner *inner)
{
	struct gw_open_tally tally = { .sa = gw_packet(opened->packets[first])->sa };
	struct gw_shape shape = GW_SHAPE_NONE;

	for (unsigned int i = first; i < end; i++) {
		const struct gw_crypto_op *op = &opened->ops[i];
		struct rte_mbuf *mbuf = opened->packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		uint8_t place = opened->places[i];
		enum gw_drop reason;
		bool known;

		reason =
			gw_open_accept(worker, &tally, op->status, verdicts[i], &gw_esp_open_words);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[place] = gw_to_drop(packet, reason, GW_FAST_IN_DROP);
			continue;
		}
		if (unlikely(!take_out_plain(mbuf, packet, op, &shape, &known))) {
			nexts[place] = take_out(worker, &tally, mbuf, place, op, inner, &shape);
			continue;
		}
		tally.packets++;
		tally.bytes += packet->ip_bytes;
		tally.lifetime_bytes += packet->ip_bytes;
		nexts[place] = keep(inner, mbuf, place, known, &shape);
	}
	gw_open_flush(worker, &tally);
}

static void open_all(const struct gw_worker *worker, struct gw_fast_opened *opened, uint8_t *nexts,
	struct inner *inner)
{
	enum gw_replay_verdict verdicts[MOST];
	uint16_t position[MOST];

	for (unsigned int i = 0; i < opened->count; i++)
		position[i] = (uint16_t)i;
	gw_open_record(opened->packets, position, opened->ops, opened->count, verdicts);
	for (unsigned int first = 0, end; first < opened->count; first = end) {
		const struct gw_crypto_key *key = opened->ops[first].key;

		for (end = first + 1; end < opened->count && opened->ops[end].key == key;)
			end++;
		open_run(worker, opened, first, end, verdicts, nexts, inner);
	}
	if (inner->flow_count)
		inner->ends[inner->flow_count - 1] = (uint8_t)inner->count;
}

// --- 6. and 7. inner packets

// What packets of a flow that one SA carried have in common.
struct run {
	uint64_t *counter; // of the policy; NULL: they go to spd_in
	uint16_t mtu;
	struct gw_way way;
};

// Whether spd_in and ip_output would send packets of the flow on to a neighbour on the protected
// side, with no more to ask than whether each is too long or at the end of its life.
static bool begin(struct run *run, const struct gw_worker *worker, const struct gw_packet *first,
	const struct gw_policy *policy, const struct gw_nexthop *nexthop)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	const struct gw_flow *flow = &first->flow;
	const struct gw_sa *sa = first->sa;

	run->counter = NULL;
	if (!policy || policy->action != GW_ACTION_PROTECT || policy->reqid != sa->reqid ||
		sa->selectors || gw_local_contains(dataplane->local, 4, flow->destination) ||
		(flow->interface && !gw_interface_is_up(dataplane->interfaces, flow->interface)))
		return false;
	gw_way_begin(&run->way, dataplane, nexthop);
	if (!run->way.known || run->way.port->side != GW_SIDE_PROTECTED)
		return false;
	run->mtu = run->way.port->mtu;
	run->counter = &policy->packets[worker->index * GW_POLICY_COUNTER_STRIDE];
	return true;
}

static __rte_always_inline bool pass_on(
	const struct run *run, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *);

	if (unlikely(ip[8] <= 1 || packet->ip_bytes > run->mtu))
		return false;
	gw_ipv4_ttl_decrement(ip);
	gw_way_header(&run->way, ip - RTE_ETHER_HDR_LEN, 4);
	mbuf->data_off -= RTE_ETHER_HDR_LEN;
	mbuf->data_len += RTE_ETHER_HDR_LEN;
	mbuf->pkt_len += RTE_ETHER_HDR_LEN;
	packet->sa = NULL; // it has done its part
	packet->out_port = run->way.nexthop->port;
	return true;
}

static inline bool is_slow(const struct inner *inner, struct rte_mbuf *mbuf)
{
	return inner->slow && (inner->slow & gw_slow_bit(gw_shape_load(ip_inside(mbuf) + 12)));
}

static void send_run(const struct run *run, struct inner *inner, unsigned int first,
	unsigned int end, uint8_t *nexts)
{
	unsigned int sent = 0;

	for (unsigned int i = first; i < end; i++) {
		struct rte_mbuf *mbuf = inner->packets[i];
		struct gw_packet *packet = gw_packet(mbuf);

		if (likely(run->counter && !is_slow(inner, mbuf) && pass_on(run, mbuf, packet))) {
			sent++;
			continue;
		}
		read_inside(mbuf, packet);
		nexts[inner->places[i]] = go_alone(inner, mbuf);
	}
	if (run->counter)
		*run->counter += sent;
}

static void send_all(struct gw_worker *worker, struct inner *inner, uint8_t *nexts)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	const struct gw_flow *flows[MOST];
	const struct gw_policy *policies[MOST];
	const struct gw_nexthop *nexthops[MOST];
	const uint8_t *destinations[MOST];
	unsigned int first = 0;

	for (unsigned int i = 0; i < inner->flow_count; i++) {
		flows[i] = &gw_packet(inner->firsts[i])->flow;
		destinations[i] = flows[i]->destination;
	}
	gw_spd_lookup(dataplane->spd_in, worker->flows_in, flows, inner->flow_count, policies);
	gw_fib_lookup(dataplane->fib, 4, destinations, inner->flow_count, nexthops);
	for (unsigned int i = 0; i < inner->flow_count; i++) {
		struct run run;

		begin(&run, worker, gw_packet(inner->firsts[i]), policies[i], nexthops[i]);
		send_run(&run, inner, first, inner->ends[i], nexts);
		first = inner->ends[i];
	}
}

void gw_fast_inside(struct gw_worker *worker, struct gw_fast_opened *opened, uint8_t *nexts)
{
	struct inner inner;

	inner.count = inner.flow_count = 0;
	inner.slow = 0;
	open_all(worker, opened, nexts, &inner);
	if (inner.flow_count)
		send_all(worker, &inner, nexts);
}
