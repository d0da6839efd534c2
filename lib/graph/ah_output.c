// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AH, outbound (RFC 4302 section 3.3, RFC 4301 section 5.1.2): as esp_encrypt, but nothing is
// encrypted, and the headers before AH are covered too.
//
// For each packet:
//   1. make it contiguous and ours alone
//   2. take its sequence number and what it uses up of the SA's lifetime, one block for all packets
//      of an SA in the vector
//   3. AH and the outer IP header before the inner packet; in transport mode AH between the
//      packet's own headers and its payload
//   4. the headers are kept behind the packet; in it, what changes on the way is zero
//   5. compute IV and ICV; the headers come back

#include "graph/node.h"

#include <netinet/in.h>

#include "crypto/auth.h"
#include "graph/seal.h"
#include "graph/sequence_blocks.h"
#include "ipsec/ah.h"
#include "ipsec/transport.h"

enum { EDGE_IP_OUTPUT, EDGE_DROP };

#define KEPT_HEADERS_AT GW_CRYPTO_AUTH_BACK // behind the packet, after the engine's room

// Step 3, tunnel mode. Returns the bytes of the headers before AH.
static uint16_t encapsulate(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const struct gw_sa *sa = packet->sa;
	struct gw_esp_inner inner = gw_seal_inner(mbuf, packet);
	uint8_t next_header = inner.family == 4 ? GW_ESP_NEXT_IPV4 : GW_ESP_NEXT_IPV6;
	uint8_t *outer =
		(uint8_t *)rte_pktmbuf_prepend(mbuf, (uint16_t)(sa->outer_bytes + sa->ah_bytes));

	gw_ah_write(outer + sa->outer_bytes, next_header, sa->ah_bytes, sa->spi,
		(uint32_t)packet->sequence);
	gw_seal_outer(mbuf, packet, &inner, packet->sequence);
	return sa->outer_bytes;
}

// Step 3, transport mode, behind headers that spd_out has found to be sound. 0 when there is no
// place for AH.
static uint16_t insert(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const struct gw_sa *sa = packet->sa;
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *), *front;
	struct gw_transport_point point;

	if (!gw_transport_find(ip, packet->ip_bytes, &point))
		return 0;
	front = (uint8_t *)rte_pktmbuf_prepend(mbuf, sa->ah_bytes);
	memmove(front, ip, point.bytes);
	gw_ah_write(front + point.bytes, front[point.next_at], sa->ah_bytes, sa->spi,
		(uint32_t)packet->sequence);
	packet->ip_bytes = mbuf->pkt_len;
	gw_transport_header_set(front, &point, IPPROTO_AH, packet->ip_bytes);
	return point.bytes;
}

// Steps 3 and 4. Returns the reason to drop the packet, or GW_DROP_COUNT.
static enum gw_drop prepare(
	struct rte_mbuf *mbuf, struct gw_packet *packet, struct gw_crypto_auth_op *op)
{
	const struct gw_sa *sa = packet->sa;
	uint16_t header_bytes =
		sa->mode == GW_MODE_TRANSPORT ? insert(mbuf, packet) : encapsulate(mbuf, packet);
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *);

	if (header_bytes == 0)
		return GW_DROP_IP_HEADER;
	packet->header_bytes = header_bytes;
	*op = (struct gw_crypto_auth_op){
		.key = sa->key,
		.message = ip,
		.bytes = packet->ip_bytes,
		.value = ip + header_bytes + GW_AH_HEADER_BYTES,
		.sequence = packet->sequence,
	};
	memcpy(ip + packet->ip_bytes + KEPT_HEADERS_AT, ip, header_bytes);
	return gw_ah_cover(ip, header_bytes) ? GW_DROP_COUNT : GW_DROP_AH_HEADERS;
}

// Step 5.
static uint8_t finish(const struct gw_worker *worker, struct gw_seal_tally *tally,
	struct gw_packet *packet, const struct gw_crypto_auth_op *op, uint32_t inner_bytes)
{
	memcpy(op->message, op->message + op->bytes + KEPT_HEADERS_AT, packet->header_bytes);
	if (unlikely(op->status != GW_CRYPTO_OK))
		return gw_to_drop(packet, GW_DROP_CRYPTO_FAILED, EDGE_DROP);
	gw_seal_finish(worker, tally, packet, IPPROTO_AH, inner_bytes);
	return EDGE_IP_OUTPUT;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_auth_op ops[GW_VECTOR];
	uint32_t inner_bytes[GW_VECTOR]; // of op i
	uint16_t position[GW_VECTOR];    // of op i among the packets
	uint64_t sequences[GW_VECTOR];
	struct gw_seal_tally tally = {};
	unsigned int ready = 0;

	gw_sequence_blocks_take(packets, count, sequences);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		struct rte_mbuf *mbuf;
		enum gw_drop reason;

		// The headers to keep: the packet's own, or those of a tunnel.
		mbuf = gw_seal_take(worker, &packets[i], sequences[i], GW_AH_MAX_FRONT,
			(uint16_t)(KEPT_HEADERS_AT + packet->header_bytes + GW_IPV6_BYTES));
		if (unlikely(!mbuf)) {
			nexts[i] = EDGE_DROP;
			continue;
		}
		packet = gw_packet(mbuf);
		packet->sequence = sequences[i];
		inner_bytes[ready] = packet->ip_bytes;
		reason = prepare(mbuf, packet, &ops[ready]);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_auth_seal(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++)
		nexts[position[i]] = finish(
			worker, &tally, gw_packet(packets[position[i]]), &ops[i], inner_bytes[i]);
	gw_seal_flush(worker, &tally);
}

static uint16_t ah_output(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_ah_output = {
	.name = "ah_output",
	.process = ah_output,
	.edges = {
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_DROP] = "drop",
	},
};
