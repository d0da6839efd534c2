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

#include "graph/seal.h"
#include "graph/seal_run.h"
#include "graph/sequence_blocks.h"
#include "ipsec/esp.h"
#include "ipsec/transport.h"

enum { EDGE_IP_OUTPUT, EDGE_TCP_OUTPUT, EDGE_DROP };

// The packet's bytes around the inner packet; returns the ESP header.
static uint8_t *encapsulate(struct rte_mbuf *mbuf, struct gw_packet *packet, uint32_t tfc,
	uint64_t sequence, uint32_t *payload_bytes)
{
	const struct gw_sa *sa = packet->sa;
	struct gw_esp_inner inner = gw_seal_inner(mbuf, packet);
	uint32_t padding = gw_esp_padding(packet->ip_bytes + tfc, sa->align_bytes);
	uint32_t front = sa->outer_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes;
	bool dummy = packet->marks & GW_MARK_DUMMY;
	uint8_t next_header = dummy               ? GW_ESP_NEXT_NONE
			      : inner.family == 4 ? GW_ESP_NEXT_IPV4
						  : GW_ESP_NEXT_IPV6;
	struct gw_esp_header *esp;
	uint8_t *trailer, *outer;

	if (unlikely(dummy))
		inner.flow_label = 0; // there is no header to take one from
	trailer = (uint8_t *)rte_pktmbuf_append(
		mbuf, (uint16_t)(tfc + padding + GW_ESP_TRAILER_BYTES + sa->icv_bytes));
	if (unlikely(tfc))
		memset(trailer, 0, tfc);
	gw_esp_trailer_write(trailer + tfc, padding, next_header);
	*payload_bytes = packet->ip_bytes + tfc + padding + GW_ESP_TRAILER_BYTES;

	outer = (uint8_t *)rte_pktmbuf_prepend(mbuf, (uint16_t)front);
	esp = (struct gw_esp_header *)(outer + sa->outer_bytes);
	esp->spi = sa->spi;
	esp->sequence = rte_cpu_to_be_32((uint32_t)sequence);
	gw_seal_outer(mbuf, packet, &inner, sequence);
	packet->header_bytes = (uint16_t)(sa->outer_bytes - sa->udp_bytes);
	return (uint8_t *)esp;
}

// In transport mode: ESP between the packet's headers, which spd_out has found to be sound, and
// what is behind them. Returns the ESP header, NULL when there is no place for one.
static uint8_t *insert(
	struct rte_mbuf *mbuf, struct gw_packet *packet, uint64_t sequence, uint32_t *payload_bytes)
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
	esp->sequence = rte_cpu_to_be_32((uint32_t)sequence);
	return (uint8_t *)esp;
}

// Over IPv4 the checksum stays zero (RFC 3948 section 2.1).
static void checksum_udp(struct rte_mbuf *mbuf, const struct gw_sa *sa, uint8_t *esp)
{
	if (unlikely(sa->udp_bytes && sa->outer_family == 6))
		gw_esp_udp_checksum(rte_pktmbuf_mtod(mbuf, const uint8_t *), esp - sa->udp_bytes);
}

static uint8_t finish(const struct gw_worker *worker, struct gw_seal_tally *tally,
	struct rte_mbuf *mbuf, const struct gw_crypto_op *op, uint32_t inner_bytes)
{
	struct gw_packet *packet = gw_packet(mbuf);
	const struct gw_sa *sa = packet->sa;

	if (unlikely(op->status != GW_CRYPTO_OK))
		return gw_to_drop(packet, GW_DROP_CRYPTO_FAILED, EDGE_DROP);
	checksum_udp(mbuf, sa, op->esp);
	gw_seal_finish(
		worker, tally, packet, sa->udp_bytes ? IPPROTO_UDP : IPPROTO_ESP, inner_bytes);
	return sa->in_tcp ? EDGE_TCP_OUTPUT : EDGE_IP_OUTPUT;
}

// Any packet, for the op. False: it is marked for the drop node.
static __rte_noinline bool prepare(
	const struct gw_worker *worker, void **place, uint64_t sequence, struct gw_crypto_op *op)
{
	struct gw_packet *packet = gw_packet(*place);
	uint32_t tfc = gw_sa_tfc_padding(packet->sa, packet->ip_bytes);
	struct rte_mbuf *mbuf = gw_seal_take(
		worker, place, sequence, GW_ESP_MAX_FRONT, (uint16_t)(GW_ESP_MAX_BACK + tfc));

	if (unlikely(!mbuf))
		return false;
	packet = gw_packet(mbuf);
	op->key = packet->sa->key;
	op->sequence = sequence;
	// A dummy packet has no headers of its own: those of the SA stand before it.
	op->esp = packet->sa->mode == GW_MODE_TRANSPORT && !(packet->marks & GW_MARK_DUMMY)
			  ? insert(mbuf, packet, sequence, &op->payload_bytes)
			  : encapsulate(mbuf, packet, tfc, sequence, &op->payload_bytes);
	if (unlikely(!op->esp))
		packet->drop = GW_DROP_IP_HEADER;
	return op->esp;
}

// A packet of the run.
static __rte_always_inline void prepare_run(const struct gw_seal_run *run, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint64_t sequence, struct gw_crypto_op *op)
{
	const struct gw_sa *sa = run->sa;
	const struct gw_esp_inner inner = {
		.family = packet->flow.family,
		.tos = packet->tos,
		.dont_fragment = packet->dont_fragment,
		.bytes = packet->ip_bytes,
	};
	uint32_t total_bytes;
	bool whole;

	gw_mss_clamp(mbuf, packet);
	total_bytes = gw_seal_run_write(
		run, rte_pktmbuf_mtod(mbuf, uint8_t *), &inner, sequence, op, &whole);
	mbuf->data_off -= (uint16_t)run->front;
	mbuf->data_len = (uint16_t)total_bytes;
	mbuf->pkt_len = total_bytes;
	packet->ip_bytes = total_bytes;
	packet->header_bytes = (uint16_t)(sa->outer_bytes - sa->udp_bytes);
	packet->dont_fragment = whole;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_op ops[GW_VECTOR];
	uint32_t inner_bytes[GW_VECTOR]; // of op i
	uint16_t position[GW_VECTOR];    // of op i among the packets
	uint64_t sequences[GW_VECTOR];
	struct gw_seal_tally tally = {};
	struct gw_seal_run run = {};
	bool plain = false; // packets of run.sa
	unsigned int ready = 0;

	gw_sequence_blocks_take(packets, count, sequences);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		// A run changes nothing in the life of its SA.
		if (packet->sa != run.sa)
			plain = gw_seal_run_begin(&run, packet->sa) &&
				gw_lifetime_out_soft(run.sa, sequences[i] + count) ==
					GW_EXPIRY_NONE;
		inner_bytes[ready] = packet->ip_bytes;
		if (likely(plain && sequences[i] && gw_buffer_is_own(packets[i]) &&
			    gw_seal_run_has_room(packets[i], 0) &&
			    !(packet->marks & GW_MARK_DUMMY))) {
			prepare_run(&run, packets[i], packet, sequences[i], &ops[ready]);
		} else if (unlikely(!prepare(worker, &packets[i], sequences[i], &ops[ready]))) {
			nexts[i] = EDGE_DROP;
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_seal(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++)
		nexts[position[i]] =
			finish(worker, &tally, packets[position[i]], &ops[i], inner_bytes[i]);
	gw_seal_flush(worker, &tally);
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
