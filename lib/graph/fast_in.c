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
//
// 4 to 7 are in fast_inside.c.

#include "graph/node.h"

#include <netinet/in.h>

#include "graph/fast_inside.h"
#include "graph/nat_t.h"
#include "graph/open_esp.h"
#include "graph/shape.h"

#define MOST GW_FAST_IN_MOST

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

static inline bool is_esp_in_udp(const uint8_t *ip, uint32_t ip_bytes)
{
	return gw_nat_t_is_esp(ip + GW_IPV4_MIN_BYTES, ip_bytes - GW_IPV4_MIN_BYTES);
}

// Where ESP begins in a packet: behind its header, or in UDP for us. 0: nowhere.
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
	return is_esp_in_udp(ip_of(mbuf), packet->ip_bytes) ? ESP_IN_UDP : 0;
}

// Whether a packet of the flow of one in UDP with that SPI is ESP of the same SA.
static inline bool has_spi(struct rte_mbuf *mbuf, const struct gw_packet *packet, rte_be32_t spi)
{
	return is_esp_in_udp(ip_of(mbuf), packet->ip_bytes) &&
	       spi_at(ip_of(mbuf) + ESP_IN_UDP) == spi;
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
				nexts[i] = GW_FAST_IN_ETH_INPUT;
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
	unsigned int first, uint8_t *nexts, struct gw_fast_opened *opened)
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
			nexts[outer->places[i]] = GW_FAST_IN_ETH_INPUT;
			continue;
		}
		packet->sa = sa;
		reason = unlikely(run.over) ? GW_DROP_SA_EXPIRED
					    : gw_open_check(&run, ip, esp_at, packet->ip_bytes,
						      &opened->ops[done]);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[outer->places[i]] = gw_to_drop(packet, reason, GW_FAST_IN_DROP);
			continue;
		}
		gw_frame_forget_offloads(mbuf);
		packet->tos = ip[1];
		opened->packets[done] = mbuf;
		opened->places[done++] = outer->places[i];
	}
	opened->count = done;
}

static void check_all(const struct gw_worker *worker, struct outer *outer, uint8_t *nexts,
	struct gw_fast_opened *opened)
{
	unsigned int first = 0;

	for (unsigned int i = 0; i < outer->run_count; i++) {
		check_run(worker, outer, i, first, nexts, opened);
		first = outer->ends[i];
	}
}

static void step(struct gw_worker *worker, void **packets, uint8_t *nexts, unsigned int count)
{
	struct outer outer;
	struct gw_fast_opened opened;

	memset(nexts, GW_FAST_IN_PORT_TX, count);
	gather(worker->dataplane, packets, nexts, count, &outer);
	if (outer.run_count == 0)
		return;
	find_sas(worker, &outer);
	opened.count = 0;
	check_all(worker, &outer, nexts, &opened);
	gw_crypto_open(worker->crypto, opened.ops, opened.count);
	gw_fast_inside(worker, &opened, nexts);
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
			memset(nexts, GW_FAST_IN_ETH_INPUT, chunk);
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
		[GW_FAST_IN_ETH_INPUT] = "eth_input",
		[GW_FAST_IN_SPD_IN] = "spd_in",
		[GW_FAST_IN_PORT_TX] = "port_tx",
		[GW_FAST_IN_DROP] = "drop",
	},
};
