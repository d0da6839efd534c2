// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The short way in. What comes from the unprotected side and is as most packets are goes it in one
// node: ESP over IPv4, bare or in UDP, of an SA in tunnel mode, inside it a plain IPv4 packet that
// its policy covers, for a neighbour on the protected side. eth_input, sad_lookup,
// esp_decrypt, spd_in and ip_output would do the same to it, one after the other; each has its part
// of this node in a header that it shares with it. Before it is opened, whatever is not so goes to
// eth_input as it came; after that to spd_in, as esp_decrypt would pass it on.
//
// Once for packets that follow each other:
//   1. of one SA: read headers, find the SA, its end, its window  (plain_frame.h, open.h)
// For each packet:
//   2. lengths, alignment, the sequence number                    (open_esp.h)
//   3. verify the ICV and decrypt, all together
//   4. record the number
//   5. trailer, the inner header
// Once for inner packets of one flow that follow each other:
//   6. ask the inbound SPD, find the way                          (ipsec/spd.h, way.h)
// For each of them:
//   7. lower the TTL, write the frame's header

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_udp.h>

#include "graph/decapsulate.h"
#include "graph/nat_t.h"
#include "graph/open_esp.h"
#include "graph/shape.h"
#include "graph/way.h"
#include "net/tcp_mss.h"

enum { EDGE_ETH_INPUT, EDGE_SPD_IN, EDGE_PORT_TX, EDGE_DROP };

// Packets in one go: as many as a queue gives at once.
#define MOST 64

#define PREFETCH_AHEAD 4

#define ESP_IN_UDP (GW_IPV4_MIN_BYTES + sizeof(struct rte_udp_hdr))

// Packets that may go the short way, those of an SA that follow each other together.
struct outer {
	unsigned int count;
	void *packets[MOST];
	uint8_t places[MOST]; // in the node's vector
	uint64_t slow;        // of those that go the long way (shape.h)

	// Of packets of one SA that follow each other, the first, the SA, and behind the last.
	unsigned int run_count;
	void *firsts[MOST];
	struct gw_sa *sas[MOST]; // NULL: they go to eth_input
	uint8_t esp_at[MOST];    // bytes before the ESP header
	uint8_t ends[MOST];
};

// What goes through the engine: op i is packet i's.
struct opened {
	unsigned int count;
	void *packets[MOST];
	uint8_t places[MOST];
	struct gw_crypto_op ops[MOST];
};

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

// --- 1. SAs

static inline const uint8_t *ip_of(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
}

static inline rte_be32_t spi_at(const uint8_t *esp)
{
	rte_be32_t spi;

	memcpy(&spi, esp, sizeof(spi));
	return spi;
}

// Where ESP begins in a packet of ip_bytes, whose header is behind GW_IPV4_MIN_BYTES: bare, or in
// UDP for us (RFC 3948 section 2), which is no keepalive and no IKE. 0: nowhere.
static inline uint32_t esp_in_udp(const uint8_t *ip, uint32_t ip_bytes)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + GW_IPV4_MIN_BYTES);

	if (ip_bytes < ESP_IN_UDP + GW_ESP_HEADER_BYTES ||
		rte_be_to_cpu_16(udp->dgram_len) != ip_bytes - GW_IPV4_MIN_BYTES ||
		spi_at(ip + ESP_IN_UDP) == 0)
		return 0;
	return ESP_IN_UDP;
}

static inline uint32_t find_esp(
	const struct gw_dataplane *dataplane, struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	const struct gw_flow *flow = &packet->flow;

	if (gw_local_contains(dataplane->local, 4, flow->source))
		return 0;
	if (flow->protocol == IPPROTO_ESP)
		return packet->ip_bytes >= GW_IPV4_MIN_BYTES + GW_ESP_HEADER_BYTES
			       ? GW_IPV4_MIN_BYTES
			       : 0;
	if (flow->protocol != IPPROTO_UDP || !flow->ports_known ||
		flow->destination_port != GW_NAT_T_PORT ||
		!gw_local_contains(dataplane->local, 4, flow->destination))
		return 0;
	return esp_in_udp(ip_of(mbuf), packet->ip_bytes);
}

// Whether a packet of the flow of one in UDP with that SPI is ESP of the same SA.
static inline bool has_spi(struct rte_mbuf *mbuf, const struct gw_packet *packet, rte_be32_t spi)
{
	return esp_in_udp(ip_of(mbuf), packet->ip_bytes) && spi_at(ip_of(mbuf) + ESP_IN_UDP) == spi;
}

static void gather(const struct gw_dataplane *dataplane, void **packets, uint8_t *nexts,
	unsigned int count, struct outer *outer)
{
	struct gw_frame_shape shape = GW_FRAME_SHAPE_NONE;
	unsigned int kept = 0, runs = 0;
	rte_be32_t spi_in_udp = 0; // of the run's packets, where they are in UDP

	outer->slow = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		bool own = gw_buffer_is_own(mbuf) && !(mbuf->ol_flags & GW_RARE_OFFLOADS);

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(
				(struct rte_mbuf *)packets[i + PREFETCH_AHEAD], void *));
		if (unlikely(!own || !gw_frame_shape_meets(&shape, mbuf, packet) ||
			     (spi_in_udp && !has_spi(mbuf, packet, spi_in_udp)))) {
			if (!own ||
				!gw_plain_frame_read(
					mbuf, packet, dataplane->ports[packet->port]) ||
				!(outer->esp_at[runs] =
						(uint8_t)find_esp(dataplane, mbuf, packet))) {
				nexts[i] = EDGE_ETH_INPUT;
				outer->slow |= gw_slow_frame(mbuf);
				continue;
			}
			shape = gw_frame_shape_of(mbuf, packet->port);
			spi_in_udp = outer->esp_at[runs] == ESP_IN_UDP
					     ? spi_at(ip_of(mbuf) + ESP_IN_UDP)
					     : 0;
			if (runs)
				outer->ends[runs - 1] = (uint8_t)kept;
			outer->firsts[runs++] = mbuf;
		}
		outer->packets[kept] = mbuf;
		outer->places[kept++] = (uint8_t)i;
	}
	if (runs)
		outer->ends[runs - 1] = (uint8_t)kept;
	outer->count = kept;
	outer->run_count = runs;
}

// Whether its packets came as the SA says, bare or in UDP, from where its peer was seen last, and
// nothing of them but what is inside is to be looked at.
static bool suits(const struct gw_sa *sa, const struct gw_flow *flow, bool udp)
{
	if (!gw_open_is_plain(sa) || udp != (sa->udp_bytes != 0))
		return false;
	// Relaxed: see check_mapping in esp_decrypt.c, which tells of others.
	return !udp || atomic_load_explicit(&sa->mapping, memory_order_relaxed) ==
			       gw_sa_mapping(4, flow->source, flow->source_port);
}

static void find_sas(const struct gw_worker *worker, struct outer *outer)
{
	struct gw_sad_key keys[MOST];

	for (unsigned int i = 0; i < outer->run_count; i++) {
		const struct gw_flow *flow = &gw_packet(outer->firsts[i])->flow;

		keys[i] = (struct gw_sad_key){ .family = 4,
			.protocol = IPPROTO_ESP,
			.spi = spi_at(ip_of(outer->firsts[i]) + outer->esp_at[i]) };
		memcpy(keys[i].destination, flow->destination, sizeof(keys[i].destination));
	}
	gw_sad_lookup(worker->dataplane->sad, keys, outer->run_count, outer->sas);
	for (unsigned int i = 0; i < outer->run_count; i++) {
		if (!outer->sas[i] || suits(outer->sas[i], &gw_packet(outer->firsts[i])->flow,
					      outer->esp_at[i] == ESP_IN_UDP))
			continue;
		outer->sas[i] = NULL;
		outer->slow |= gw_slow_frame(outer->firsts[i]);
	}
}

// --- 2. packets in ESP

// A packet that the SA does not open is dropped here as esp_decrypt would drop it, for who judges
// it later may find another reason.
static void check_run(const struct gw_worker *worker, struct outer *outer, unsigned int run_index,
	unsigned int first, uint8_t *nexts, struct opened *opened)
{
	struct gw_sa *sa = outer->sas[run_index];
	struct gw_open_run run = {};
	unsigned int done = opened->count;
	uint32_t esp_at = outer->esp_at[run_index];

	if (sa)
		gw_open_run(&run, worker, sa);
	for (unsigned int i = first; i < outer->ends[run_index]; i++) {
		struct rte_mbuf *mbuf = outer->packets[i];
		struct gw_packet *packet = gw_packet(mbuf);
		uint8_t *ip = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, RTE_ETHER_HDR_LEN);
		enum gw_drop reason;

		if (unlikely(!sa || packet->ip_bytes < esp_at + GW_ESP_HEADER_BYTES ||
			     (outer->slow && (outer->slow & gw_slow_frame(mbuf))))) {
			nexts[outer->places[i]] = EDGE_ETH_INPUT;
			continue;
		}
		packet->sa = sa;
		reason = unlikely(run.over) ? GW_DROP_SA_EXPIRED
					    : gw_open_check(&run, ip, esp_at, packet->ip_bytes,
						      &opened->ops[done]);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[outer->places[i]] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		gw_frame_forget_offloads(mbuf);
		packet->tos = ip[1];
		opened->packets[done] = mbuf;
		opened->places[done++] = outer->places[i];
	}
	opened->count = done;
}

static void check_all(
	const struct gw_worker *worker, struct outer *outer, uint8_t *nexts, struct opened *opened)
{
	unsigned int first = 0;

	for (unsigned int i = 0; i < outer->run_count; i++) {
		check_run(worker, outer, i, first, nexts, opened);
		first = outer->ends[i];
	}
}

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
	return EDGE_SPD_IN;
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
	return EDGE_PORT_TX;
}

static bool is_plain_inside(const struct gw_packet *packet)
{
	return packet->flow.family == 4 && packet->header_bytes == GW_IPV4_MIN_BYTES &&
	       !gw_ip_is_fragment(&packet->ip) && gw_ipv4_is_ordinary[packet->flow.source[0]] &&
	       gw_ipv4_is_ordinary[packet->flow.destination[0]];
}

// Any other: with another ECN field than the outer header's, say, or more padding.
static __rte_noinline uint8_t take_out(const struct gw_worker *worker, struct gw_open_tally *tally,
	struct rte_mbuf *mbuf, uint8_t place, const struct gw_crypto_op *op, struct inner *inner,
	struct gw_shape *shape)
{
	struct gw_packet *packet = gw_packet(mbuf);
	enum gw_drop reason = gw_decapsulate_esp(worker, mbuf, packet, op);
	uint8_t next;

	next = gw_open_finish(tally, mbuf, reason, op->payload_bytes, EDGE_SPD_IN, EDGE_DROP);
	if (next != EDGE_SPD_IN)
		return next;
	if (is_plain_inside(packet))
		return keep(inner, mbuf, place, false, shape);
	return packet->flow.family == 4 ? go_alone(inner, mbuf) : EDGE_SPD_IN;
}

// Packets of one SA, ops first to end.
static void open_run(const struct gw_worker *worker, struct opened *opened, unsigned int first,
	unsigned int end, const enum gw_replay_verdict *verdicts, uint8_t *nexts,
	struct inner *inner)
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
			nexts[place] = gw_to_drop(packet, reason, EDGE_DROP);
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

static void open_all(
	const struct gw_worker *worker, struct opened *opened, uint8_t *nexts, struct inner *inner)
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
	packet->out_port = run->way.nexthop->port & (GW_MAX_PORTS - 1);
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

static void step(struct gw_worker *worker, void **packets, uint8_t *nexts, unsigned int count)
{
	struct outer outer;
	struct opened opened;
	struct inner inner;

	memset(nexts, EDGE_PORT_TX, count);
	gather(worker->dataplane, packets, nexts, count, &outer);
	if (outer.run_count == 0)
		return;
	find_sas(worker, &outer);
	opened.count = 0;
	check_all(worker, &outer, nexts, &opened);
	gw_crypto_open(worker->crypto, opened.ops, opened.count);
	inner.count = inner.flow_count = 0;
	inner.slow = 0;
	open_all(worker, &opened, nexts, &inner);
	if (inner.flow_count)
		send_all(worker, &inner, nexts);
}

static uint16_t fast_in(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);
	uint8_t nexts[MOST];

	for (unsigned int done = 0; done < count;) {
		unsigned int chunk = RTE_MIN(count - done, (unsigned int)MOST);

		// Dealt packets are opened by whoever has time.
		if (unlikely(worker->dealing))
			memset(nexts, EDGE_ETH_INPUT, chunk);
		else
			step(worker, packets + done, nexts, chunk);
		gw_node_forward(graph, node, packets + done, nexts, chunk);
		done += chunk;
	}
	return count;
}

const struct gw_node gw_node_fast_in = {
	.name = "fast_in",
	.process = fast_in,
	.edges = {
		[EDGE_ETH_INPUT] = "eth_input",
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_DROP] = "drop",
	},
};
