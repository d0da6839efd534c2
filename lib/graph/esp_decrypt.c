// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP, inbound (RFC 4303 section 3.4, RFC 4301 section 5.2): replay check, cryptography over the
// whole vector, then the inner packet is taken out, or in transport mode put together, and checked
// like one from the wire.
//
// For each packet:
//   1. lengths and alignment, before anything else is read
//   2. the 64-bit sequence number; refused if it was seen or is too old
//   3. verify the ICV and decrypt
//   4. record the number: of two copies in flight one wins
//   5. in UDP or TCP: has the peer moved, or does it use another connection?
//   6. trailer; in tunnel mode inner IP header and ECN (RFC 6040); in transport mode the packet's
//   own
//      headers move up to its payload

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_ring.h>

#include "graph/buffer.h"
#include "graph/decapsulate.h"
#include "graph/expiry.h"
#include "graph/mss_clamp.h"
#include "ipsec/esp.h"
#include "ipsec/transport.h"
#include "net/checksum.h"

enum { EDGE_SPD_IN, EDGE_DROP };

// Steps 1 and 2. Returns the reason to drop the packet, or GW_DROP_COUNT.
static enum gw_drop check(const struct gw_packet *packet, const uint8_t *ip, uint64_t top,
	uint64_t *sequence, uint32_t *payload_bytes)
{
	const struct gw_sa *sa = packet->sa;
	const struct gw_esp_header *esp = (const struct gw_esp_header *)(ip + packet->header_bytes);
	uint32_t overhead =
		packet->header_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes + sa->icv_bytes;

	if (packet->ip_bytes < overhead + GW_ESP_TRAILER_BYTES)
		return GW_DROP_ESP_RUNT;
	*payload_bytes = packet->ip_bytes - overhead;
	if (*payload_bytes & (sa->align_bytes - 1u))
		return GW_DROP_ESP_UNALIGNED;
	*sequence =
		gw_replay_infer(top, sa->replay->window, rte_be_to_cpu_32(esp->sequence), sa->esn);
	if (*sequence == 0)
		return GW_DROP_ESP_SEQUENCE_ZERO;
	switch (gw_replay_check(sa->replay, *sequence)) {
	case GW_REPLAY_SEEN:
		return GW_DROP_ESP_REPLAY;
	case GW_REPLAY_TOO_OLD:
		return GW_DROP_ESP_TOO_OLD;
	default:
		return GW_DROP_COUNT;
	}
}

// RFC 6040 section 4.2: suspect marks are logged. The first of an SA is told, all are counted.
static void alarm_ecn(const struct gw_worker *worker, struct gw_sa *sa)
{
	struct gw_event event = {
		.kind = GW_EVENT_SA,
		.spi = rte_be_to_cpu_32(sa->spi),
		.bits = GW_SA_EVENT_ECN,
		.protocol = sa->protocol,
		.destination = sa->spec.destination,
		.direction = sa->direction,
	};

	// Relaxed: a number for people; and whoever sets the bit first tells.
	atomic_fetch_add_explicit(&sa->ecn_alarms, 1, memory_order_relaxed);
	if (atomic_fetch_or_explicit(&sa->events, GW_SA_EVENT_ECN, memory_order_relaxed) &
		GW_SA_EVENT_ECN)
		return;
	if (rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) != 0)
		atomic_fetch_and_explicit(
			&sa->events, ~(uint32_t)GW_SA_EVENT_ECN, memory_order_relaxed);
}

// The inner packet of data_bytes at inner, as its own header describes it; TFC padding behind it
// goes.
enum gw_drop gw_decapsulate_tunnel(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint8_t *inner, uint32_t data_bytes, uint8_t family)
{
	struct gw_ip ip;
	uint8_t tos;

	if (gw_ip_parse(inner, data_bytes, data_bytes, true, &ip) != GW_IP_OK ||
		ip.flow.family != family)
		return GW_DROP_ESP_INNER;
	packet->outer_tos = packet->tos;
	if (!gw_esp_inner_tos(packet->sa, ip.tos, packet->tos, &tos))
		return GW_DROP_ESP_ECN;
	if (unlikely(gw_ecn_is_suspect(ip.tos, packet->tos)))
		alarm_ecn(worker, packet->sa);
	if (tos != ip.tos) {
		ip.tos = tos;
		gw_tos_set(inner, tos);
	}
	gw_packet_set_ip(packet, &ip);
	rte_pktmbuf_adj(mbuf, (uint16_t)(inner - rte_pktmbuf_mtod(mbuf, uint8_t *)));
	rte_pktmbuf_trim(mbuf, (uint16_t)(mbuf->pkt_len - ip.total_bytes));
	mbuf->packet_type = 0;
	packet->marks |= GW_MARK_DECRYPTED;
	return GW_DROP_COUNT;
}

// Transport mode: data_bytes at data with the packet's own headers in front. ESP does not cover
// these: the source has to be the SA's, except in UDP, where a NAT may have changed it and with it
// what the upper layer's checksum covers.
enum gw_drop gw_decapsulate_transport(struct rte_mbuf *mbuf, struct gw_packet *packet,
	uint8_t *data, uint32_t data_bytes, uint8_t next_header)
{
	const struct gw_sa *sa = packet->sa;
	uint8_t *headers = rte_pktmbuf_mtod(mbuf, uint8_t *);
	struct gw_transport_point point;
	struct gw_ip ip;
	uint8_t *front;

	// Headers for nodes on the way and for reassembly belong before ESP.
	if (packet->flow.family == 6 &&
		(next_header == IPPROTO_HOPOPTS || next_header == IPPROTO_FRAGMENT))
		return GW_DROP_ESP_NEXT_HEADER;
	if (!sa->udp_bytes && !gw_sa_is_source(sa, headers))
		return GW_DROP_ESP_TRANSPORT_ADDRESS;
	if (!gw_transport_point_at(headers, packet->header_bytes - sa->udp_bytes, &point))
		return GW_DROP_ESP_INNER;
	front = data - point.bytes;
	memmove(front, headers, point.bytes);
	gw_transport_header_set(front, &point, next_header, point.bytes + data_bytes);
	rte_pktmbuf_adj(mbuf, (uint16_t)(front - headers));
	rte_pktmbuf_trim(mbuf, (uint16_t)(mbuf->pkt_len - point.bytes - data_bytes));
	if (gw_ip_parse(front, mbuf->pkt_len, mbuf->pkt_len, false, &ip) != GW_IP_OK ||
		gw_ip_is_fragment(&ip))
		return GW_DROP_ESP_INNER;
	if (sa->udp_bytes)
		gw_transport_checksum_repair(front, &ip);
	gw_packet_set_ip(packet, &ip);
	mbuf->packet_type = 0;
	packet->marks |= GW_MARK_DECRYPTED;
	return GW_DROP_COUNT;
}

// Step 5. A NAT may give the peer another address or port at any time. That is believed only from
// the newest authentic packet, so that neither a forger nor one that comes late moves anything, and
// it is told, once for each change; where packets to the peer go in UDP stays the key exchange's to
// say. In TCP they go by the connection that was used last (RFC 9329 section 6.1).
static void check_mapping(
	const struct gw_worker *worker, const struct gw_packet *packet, uint64_t sequence)
{
	const struct gw_flow *flow = &packet->flow;
	struct gw_sa *sa = packet->sa;
	uint64_t now = sa->in_tcp ? packet->stream
				  : gw_sa_mapping(flow->family, flow->source, flow->source_port);
	// Relaxed here and below: the word is all there is, nothing else is read with it.
	uint64_t before = atomic_load_explicit(&sa->mapping, memory_order_relaxed);
	struct gw_event event = {
		.kind = sa->in_tcp ? GW_EVENT_STREAM : GW_EVENT_MAPPING,
		.stream = packet->stream,
		.spi = rte_be_to_cpu_32(sa->spi),
		.destination = sa->spec.destination,
		.direction = sa->direction,
		.protocol = sa->protocol,
		.flow = *flow,
	};

	if (now == before ||
		sequence < atomic_load_explicit(&sa->replay->top, memory_order_relaxed))
		return;
	if (!atomic_compare_exchange_strong_explicit(
		    &sa->mapping, &before, now, memory_order_relaxed, memory_order_relaxed))
		return;
	// A full ring: the next packet finds the change again.
	if (rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) != 0)
		atomic_store_explicit(&sa->mapping, before, memory_order_relaxed);
}

// Steps 4 to 6.
static enum gw_drop finish(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, const struct gw_crypto_op *op)
{
	struct gw_sa *sa = packet->sa;
	uint8_t *payload = op->esp + GW_ESP_HEADER_BYTES + sa->iv_bytes;
	uint8_t next_header;
	int32_t data_bytes;

	if (unlikely(op->status != GW_CRYPTO_OK))
		return op->status == GW_CRYPTO_BAD_ICV ? GW_DROP_ESP_INTEGRITY
						       : GW_DROP_CRYPTO_FAILED;
	switch (gw_replay_record(sa->replay, op->sequence)) {
	case GW_REPLAY_SEEN:
		return GW_DROP_ESP_REPLAY;
	case GW_REPLAY_TOO_OLD:
		return GW_DROP_ESP_TOO_OLD;
	default:
		break;
	}
	sa->counters[worker->index].received++;
	gw_replay_raise(sa->replay, op->sequence);
	if (sa->udp_bytes || sa->in_tcp)
		check_mapping(worker, packet, op->sequence);
	data_bytes = gw_esp_trailer_read(payload, op->payload_bytes, &next_header);
	if (unlikely(data_bytes < 0))
		return GW_DROP_ESP_PADDING;
	if (next_header == GW_ESP_NEXT_NONE)
		return GW_DROP_ESP_DUMMY;
	if (sa->mode == GW_MODE_TRANSPORT)
		return gw_decapsulate_transport(
			mbuf, packet, payload, (uint32_t)data_bytes, next_header);
	switch (next_header) {
	case GW_ESP_NEXT_IPV4:
		return gw_decapsulate_tunnel(
			worker, mbuf, packet, payload, (uint32_t)data_bytes, 4);
	case GW_ESP_NEXT_IPV6:
		return gw_decapsulate_tunnel(
			worker, mbuf, packet, payload, (uint32_t)data_bytes, 6);
	default:
		return GW_DROP_ESP_NEXT_HEADER;
	}
}

// Whatever may be wrong inside: the peer sent it, once.
static bool is_authentic(enum gw_drop reason)
{
	switch (reason) {
	case GW_DROP_ESP_INTEGRITY:
	case GW_DROP_CRYPTO_FAILED:
	case GW_DROP_ESP_REPLAY:
	case GW_DROP_ESP_TOO_OLD:
		return false;
	default:
		return true;
	}
}

static void count_packet(const struct gw_worker *worker, const struct gw_packet *packet)
{
	struct gw_sa_worker_counters *counters = &packet->sa->counters[worker->index];

	counters->packets++;
	counters->bytes += packet->ip_bytes;
	counters->last_used_ns = worker->now_ns;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_op ops[GW_VECTOR];
	struct gw_expiry_tally tally = {};
	uint16_t position[GW_VECTOR]; // of op i among the packets
	unsigned int ready = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		struct gw_crypto_op *op = &ops[ready];
		struct rte_mbuf *mbuf;
		enum gw_drop reason;
		uint8_t *ip;

		gw_node_prefetch(packets, i, count);
		mbuf = gw_buffer_own(worker, packets[i], 0, 0);
		if (unlikely(!mbuf)) {
			nexts[i] = gw_to_drop(packet, GW_DROP_NO_BUFFER, EDGE_DROP);
			continue;
		}
		packets[i] = mbuf;
		packet = gw_packet(mbuf);
		if (unlikely(gw_expiry_is_over(worker, packet->sa))) {
			nexts[i] = gw_to_drop(packet, GW_DROP_SA_EXPIRED, EDGE_DROP);
			continue;
		}
		ip = rte_pktmbuf_mtod(mbuf, uint8_t *);
		// Relaxed: a value a moment old only makes the window a little wider.
		reason = check(packet, ip,
			atomic_load_explicit(&packet->sa->replay->top, memory_order_relaxed),
			&op->sequence, &op->payload_bytes);
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		op->key = packet->sa->key;
		op->esp = ip + packet->header_bytes;
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_open(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++) {
		struct rte_mbuf *mbuf = packets[position[i]];
		struct gw_packet *packet = gw_packet(mbuf);
		enum gw_drop reason = finish(worker, mbuf, packet, &ops[i]);

		if (likely(is_authentic(reason)))
			gw_expiry_count(worker, &tally, packet->sa,
				reason == GW_DROP_COUNT ? packet->ip_bytes : ops[i].payload_bytes);
		else if (reason == GW_DROP_ESP_INTEGRITY)
			gw_expiry_forged(worker, packet->sa);
		if (likely(reason == GW_DROP_COUNT)) {
			count_packet(worker, packet);
			gw_mss_clamp(mbuf, packet);
			nexts[position[i]] = EDGE_SPD_IN;
		} else {
			nexts[position[i]] = gw_to_drop(packet, reason, EDGE_DROP);
		}
	}
	gw_expiry_flush(worker, &tally);
}

static uint16_t esp_decrypt(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_esp_decrypt = {
	.name = "esp_decrypt",
	.process = esp_decrypt,
	.edges = {
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_DROP] = "drop",
	},
};
