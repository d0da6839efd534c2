// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/decapsulate.h"

#include <netinet/in.h>

#include <rte_ring.h>

#include "ipsec/esp.h"
#include "ipsec/transport.h"

// RFC 6040 section 4.2: suspect marks are logged. The first of an SA is told, all are counted.
static void alarm_ecn(const struct gw_worker *worker, struct gw_sa *sa)
{
	struct gw_event event = {
		.kind = GW_EVENT_SA,
		.spi = rte_be_to_cpu_32(sa->spi),
		.bits = GW_SA_EVENT_ECN,
		.protocol = sa->protocol,
		.direction = sa->direction,
	};

	// Relaxed: a number for people; and whoever sets the bit first tells. Acquire: see
	// gw_sa_destination.
	atomic_fetch_add_explicit(&sa->ecn_alarms, 1, memory_order_relaxed);
	if (atomic_fetch_or_explicit(&sa->events, GW_SA_EVENT_ECN, memory_order_acquire) &
		GW_SA_EVENT_ECN)
		return;
	event.destination = gw_sa_destination(sa);
	if (rte_ring_sp_enqueue_elem(worker->events, &event, sizeof(event)) != 0)
		atomic_fetch_and_explicit(
			&sa->events, ~(uint32_t)GW_SA_EVENT_ECN, memory_order_relaxed);
}

// The inner packet's TOS where the outer one may change it. Where both have the same ECN field, it
// stays as it is (RFC 6040 figure 4), and nothing is suspect.
static enum gw_drop set_tos(
	const struct gw_worker *worker, struct gw_packet *packet, uint8_t outer_tos, uint8_t *inner)
{
	uint8_t tos;

	if (!gw_esp_inner_tos(packet->sa, packet->tos, outer_tos, &tos))
		return GW_DROP_ESP_ECN;
	if (unlikely(gw_ecn_is_suspect(packet->tos, outer_tos)))
		alarm_ecn(worker, packet->sa);
	if (tos != packet->tos) {
		packet->tos = tos;
		gw_tos_set(inner, tos);
	}
	return GW_DROP_COUNT;
}

// Tunnel mode: the inner packet of data_bytes at inner, as its own header describes it; TFC padding
// behind it goes.
static enum gw_drop take_out(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint8_t *inner, uint32_t data_bytes, uint8_t family)
{
	const uint8_t outer_tos = packet->tos;
	enum gw_drop reason;

	if (gw_ip_parse(inner, data_bytes, data_bytes, true, &packet->ip) != GW_IP_OK ||
		packet->flow.family != family)
		return GW_DROP_ESP_INNER;
	if (packet->sa->inner_dscp != GW_INNER_DSCP_KEEP ||
		unlikely((packet->tos ^ outer_tos) & GW_ECN_MASK)) {
		reason = set_tos(worker, packet, outer_tos, inner);
		if (unlikely(reason != GW_DROP_COUNT))
			return reason;
	}
	gw_decapsulate_inner(mbuf, packet, inner);
	return GW_DROP_COUNT;
}

// Transport mode: data_bytes at data with the packet's own headers in front. ESP does not cover
// these: the source has to be the SA's, except in UDP, where a NAT may have changed it and with it
// what the upper layer's checksum covers.
static __rte_noinline enum gw_drop put_together(struct rte_mbuf *mbuf, struct gw_packet *packet,
	uint8_t *data, uint32_t data_bytes, uint8_t next_header)
{
	const struct gw_sa *sa = packet->sa;
	uint8_t *headers = rte_pktmbuf_mtod(mbuf, uint8_t *);
	struct gw_transport_point point;
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
	if (gw_ip_parse(front, mbuf->pkt_len, mbuf->pkt_len, false, &packet->ip) != GW_IP_OK ||
		gw_ip_is_fragment(&packet->ip))
		return GW_DROP_ESP_INNER;
	if (sa->udp_bytes)
		gw_transport_checksum_repair(front, &packet->ip);
	packet->flow.interface = packet->sa->interface;
	mbuf->packet_type = 0;
	packet->marks |= GW_MARK_DECRYPTED;
	return GW_DROP_COUNT;
}

enum gw_drop gw_decapsulate(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint8_t *data, uint32_t data_bytes, uint8_t next_header)
{
	if (packet->sa->mode == GW_MODE_TRANSPORT)
		return put_together(mbuf, packet, data, data_bytes, next_header);
	if (unlikely(next_header != GW_ESP_NEXT_IPV4 && next_header != GW_ESP_NEXT_IPV6))
		return GW_DROP_ESP_NEXT_HEADER;
	return take_out(
		worker, mbuf, packet, data, data_bytes, next_header == GW_ESP_NEXT_IPV4 ? 4 : 6);
}

enum gw_drop gw_decapsulate_esp(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, const struct gw_crypto_op *op)
{
	uint8_t *payload = op->esp + GW_ESP_HEADER_BYTES + packet->sa->iv_bytes;
	uint8_t next_header;
	int32_t data_bytes = gw_esp_trailer_read(payload, op->payload_bytes, &next_header);

	if (unlikely(data_bytes < 0))
		return GW_DROP_ESP_PADDING;
	if (next_header == GW_ESP_NEXT_NONE)
		return GW_DROP_ESP_DUMMY;
	return gw_decapsulate(worker, mbuf, packet, payload, (uint32_t)data_bytes, next_header);
}
