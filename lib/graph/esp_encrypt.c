// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP, outbound (RFC 4303 section 3.3, RFC 4301 section 5.1.2): numbers, trailers and
// headers packet by packet, the cryptography over the whole vector, packets of all SAs together.
//
// For each packet:
//   1. make it contiguous and ours alone
//   2. take its sequence number and what it uses up of the SA's lifetime, one block for all
//      packets of an SA in the vector
//   3. behind the inner packet, or in transport mode behind the payload: TFC padding where the SA
//      wants it, padding, pad length, next header, room for the ICV
//   4. before it: IV (written by the engine), SPI and sequence number, UDP header where the SA has
//      one (RFC 3948), outer IP header; in transport mode the packet's own headers move to the
//      front
//   5. encrypt, compute the ICV; over IPv6 then the UDP checksum

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_ether.h>

#include "graph/buffer.h"
#include "graph/expiry.h"
#include "graph/mss_clamp.h"
#include "graph/sequence_blocks.h"
#include "ipsec/esp.h"
#include "ipsec/transport.h"

enum { EDGE_IP_OUTPUT, EDGE_TCP_OUTPUT, EDGE_DROP };

// The packet's bytes around the inner packet; returns the ESP header.
static uint8_t *encapsulate(
	struct rte_mbuf *mbuf, struct gw_packet *packet, uint32_t tfc, uint32_t *payload_bytes)
{
	struct gw_sa *sa = packet->sa;
	struct gw_esp_inner inner = {
		.family = packet->flow.family,
		.tos = packet->tos,
		.dont_fragment = packet->dont_fragment,
		.bytes = packet->ip_bytes,
		.flow_label = gw_esp_flow_label(sa, rte_pktmbuf_mtod(mbuf, uint8_t *)),
	};
	uint32_t padding = gw_esp_padding(packet->ip_bytes + tfc, sa->align_bytes);
	uint32_t front = sa->outer_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes;
	uint8_t next_header = inner.family == 4 ? GW_ESP_NEXT_IPV4 : GW_ESP_NEXT_IPV6;
	struct gw_esp_header *esp;
	uint8_t *trailer, *outer;
	uint16_t id = 0;

	trailer = (uint8_t *)rte_pktmbuf_append(
		mbuf, (uint16_t)(tfc + padding + GW_ESP_TRAILER_BYTES + sa->icv_bytes));
	memset(trailer, 0, tfc);
	gw_esp_trailer_write(trailer + tfc, padding, next_header);
	*payload_bytes = packet->ip_bytes + tfc + padding + GW_ESP_TRAILER_BYTES;

	outer = (uint8_t *)rte_pktmbuf_prepend(mbuf, (uint16_t)front);
	esp = (struct gw_esp_header *)(outer + sa->outer_bytes);
	esp->spi = sa->spi;
	esp->sequence = rte_cpu_to_be_32((uint32_t)packet->sequence);
	if (sa->outer_family == 4 && !gw_esp_outer_df(sa, &inner))
		id = (uint16_t)atomic_fetch_add_explicit(&sa->ipv4_id, 1, memory_order_relaxed);
	packet->ip_bytes = mbuf->pkt_len;
	gw_esp_outer_write(sa, outer, &inner, packet->ip_bytes, rte_cpu_to_be_16(id));
	packet->dont_fragment = sa->outer_family == 4 && gw_esp_outer_df(sa, &inner);
	packet->header_bytes = (uint16_t)(sa->outer_bytes - sa->udp_bytes);
	return (uint8_t *)esp;
}

// In transport mode: ESP between the packet's headers, which spd_out has found to be sound, and
// what is behind them. Returns the ESP header, NULL when there is no place for one.
static uint8_t *insert(struct rte_mbuf *mbuf, struct gw_packet *packet, uint32_t *payload_bytes)
{
	const struct gw_sa *sa = packet->sa;
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *), *trailer, *front;
	struct gw_transport_point point;
	struct gw_esp_header *esp;
	uint32_t data_bytes, padding;

	if (!gw_transport_find(ip, packet->ip_bytes, &point))
		return NULL;
	data_bytes = packet->ip_bytes - point.bytes;
	padding = gw_esp_padding(data_bytes, sa->align_bytes);
	trailer = (uint8_t *)rte_pktmbuf_append(
		mbuf, (uint16_t)(padding + GW_ESP_TRAILER_BYTES + sa->icv_bytes));
	gw_esp_trailer_write(trailer, padding, ip[point.next_at]);
	*payload_bytes = data_bytes + padding + GW_ESP_TRAILER_BYTES;

	front = (uint8_t *)rte_pktmbuf_prepend(
		mbuf, (uint16_t)(sa->udp_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes));
	memmove(front, ip, point.bytes);
	packet->ip_bytes = mbuf->pkt_len;
	packet->header_bytes = point.bytes;
	gw_transport_header_set(
		front, &point, sa->udp_bytes ? IPPROTO_UDP : IPPROTO_ESP, packet->ip_bytes);
	if (sa->udp_bytes)
		gw_esp_udp_write(sa, gw_sa_outer(sa, NULL), front + point.bytes,
			packet->ip_bytes - point.bytes);
	esp = (struct gw_esp_header *)(front + point.bytes + sa->udp_bytes);
	esp->spi = sa->spi;
	esp->sequence = rte_cpu_to_be_32((uint32_t)packet->sequence);
	return (uint8_t *)esp;
}

// Over IPv4 the checksum stays zero (RFC 3948 section 2.1).
static void checksum_udp(struct rte_mbuf *mbuf, const struct gw_sa *sa, uint8_t *esp)
{
	if (unlikely(sa->udp_bytes && sa->outer_family == 6))
		gw_esp_udp_checksum(rte_pktmbuf_mtod(mbuf, const uint8_t *), esp - sa->udp_bytes);
}

// From here on the packet is the gateway's own.
static void become_outer(struct gw_packet *packet)
{
	packet->flow.family = packet->sa->outer_family;
	packet->flow.protocol = packet->sa->udp_bytes ? IPPROTO_UDP : IPPROTO_ESP;
	packet->more_fragments = 0;
	packet->fragment_offset = 0;
	packet->marks |= GW_MARK_AUTHORISED | GW_MARK_OWN | GW_MARK_SEALED;
}

// Counts runs of packets of one SA together.
static void count_packets(const struct gw_worker *worker, void **packets,
	const uint32_t *inner_bytes, const uint8_t *nexts, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct gw_sa_worker_counters *counters;

		if (nexts[i] == EDGE_DROP)
			continue;
		counters = &gw_packet(packets[i])->sa->counters[worker->index];
		counters->packets++;
		counters->bytes += inner_bytes[i];
		counters->last_used_ns = worker->now_ns;
	}
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_op ops[GW_VECTOR];
	uint32_t inner_bytes[GW_VECTOR];
	uint16_t position[GW_VECTOR]; // of op i among the packets
	unsigned int ready = 0;

	gw_sequence_blocks_take(packets, count);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		struct rte_mbuf *mbuf;
		enum gw_drop reason;
		uint32_t tfc;

		gw_node_prefetch(packets, i, count);
		reason = gw_expiry_admit(worker, packet);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		tfc = gw_sa_tfc_padding(packet->sa, packet->ip_bytes);
		mbuf = gw_buffer_own(worker, packets[i], GW_ESP_MAX_FRONT + RTE_ETHER_HDR_LEN,
			(uint16_t)(GW_ESP_MAX_BACK + tfc));
		if (unlikely(!mbuf)) {
			nexts[i] = gw_to_drop(packet, GW_DROP_NO_BUFFER, EDGE_DROP);
			continue;
		}
		packets[i] = mbuf;
		packet = gw_packet(mbuf);
		inner_bytes[i] = packet->ip_bytes;
		gw_mss_clamp(mbuf, packet);
		ops[ready].key = packet->sa->key;
		ops[ready].sequence = packet->sequence;
		ops[ready].esp =
			packet->sa->mode == GW_MODE_TRANSPORT
				? insert(mbuf, packet, &ops[ready].payload_bytes)
				: encapsulate(mbuf, packet, tfc, &ops[ready].payload_bytes);
		if (unlikely(!ops[ready].esp)) {
			nexts[i] = gw_to_drop(packet, GW_DROP_IP_HEADER, EDGE_DROP);
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_seal(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++) {
		struct gw_packet *packet = gw_packet(packets[position[i]]);

		if (likely(ops[i].status == GW_CRYPTO_OK)) {
			checksum_udp(packets[position[i]], packet->sa, ops[i].esp);
			become_outer(packet);
			nexts[position[i]] = packet->sa->in_tcp ? EDGE_TCP_OUTPUT : EDGE_IP_OUTPUT;
		} else {
			nexts[position[i]] = gw_to_drop(packet, GW_DROP_CRYPTO_FAILED, EDGE_DROP);
		}
	}
	count_packets(worker, packets, inner_bytes, nexts, count);
}

static uint16_t esp_encrypt(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_esp_encrypt = {
	.name = "esp_encrypt",
	.process = esp_encrypt,
	.edges = {
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_TCP_OUTPUT] = "tcp_output",
		[EDGE_DROP] = "drop",
	},
};
