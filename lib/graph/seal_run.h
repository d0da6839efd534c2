// Called by: worker (esp_encrypt)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/mss_clamp.h"
#include "graph/packet.h"
#include "ipsec/esp.h"
#include "ipsec/lifetime.h"

// ESP as most of it is: tunnel mode over IPv4 without TFC padding. What packets of an SA that
// follow each other have in common is looked up once; for each of them nothing is decided but
// whether it is one of these. The bytes are those that encapsulate() in esp_encrypt.c writes.

struct gw_seal_run {
	const struct gw_sa *sa;
	const uint8_t *template; // the outer header's
	uint16_t template_sum;
	uint32_t front; // bytes before the inner packet
};

// Whether the SA's next packets, whose sequence numbers go up to last, are of this kind: and none
// of them changes anything in the life of the SA.
static __rte_always_inline bool gw_seal_run_begin(
	struct gw_seal_run *run, const struct gw_sa *sa, uint64_t last)
{
	run->sa = sa;
	if (sa->mode != GW_MODE_TUNNEL || sa->outer_family != 4 || sa->tfc != GW_SIZE_OFF ||
		sa->align_bytes > 4 || (sa->limits & GW_LIMIT_USE) ||
		gw_lifetime_out_soft(sa, last) != GW_EXPIRY_NONE)
		return false;
	run->template = gw_sa_outer(sa, &run->template_sum);
	run->front = (uint32_t)sa->outer_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes;
	return true;
}

// One buffer of our own with room for all that any SA adds, and a frame's header.
static __rte_always_inline bool gw_seal_run_takes(
	const struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	return mbuf->nb_segs == 1 && RTE_MBUF_DIRECT(mbuf) && rte_mbuf_refcnt_read(mbuf) == 1 &&
	       mbuf->data_off >= GW_ESP_MAX_FRONT + RTE_ETHER_HDR_LEN &&
	       mbuf->data_off + mbuf->data_len + GW_ESP_MAX_BACK <= mbuf->buf_len &&
	       !(packet->marks & GW_MARK_DUMMY);
}

static __rte_always_inline void gw_seal_run_packet(const struct gw_seal_run *run,
	struct rte_mbuf *mbuf, struct gw_packet *packet, uint64_t sequence, struct gw_crypto_op *op)
{
	const struct gw_sa *sa = run->sa;
	const struct gw_esp_inner inner = {
		.family = packet->flow.family,
		.tos = packet->tos,
		.dont_fragment = packet->dont_fragment,
		.bytes = packet->ip_bytes,
	};
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *), *outer = ip - run->front;
	uint32_t padding = gw_esp_padding(inner.bytes, sa->align_bytes);
	uint32_t payload_bytes = inner.bytes + padding + GW_ESP_TRAILER_BYTES;
	uint32_t total_bytes = run->front + payload_bytes + sa->icv_bytes;
	bool whole = gw_esp_outer_df(sa, &inner);
	uint16_t id = (uint16_t)(sa->ipv4_id + sequence);
	uint64_t esp;

	gw_mss_clamp(mbuf, packet);
	gw_esp_trailer_write_short(
		ip + inner.bytes, padding, inner.family == 4 ? GW_ESP_NEXT_IPV4 : GW_ESP_NEXT_IPV6);
	gw_esp_ipv4_write(outer, run->template, run->template_sum, gw_esp_outer_tos(sa, inner.tos),
		total_bytes,
		whole ? (uint32_t)RTE_BE16(RTE_IPV4_HDR_DF_FLAG) << 16 : rte_cpu_to_be_16(id));
	if (sa->udp_bytes)
		gw_esp_udp_write(sa, run->template, outer + 20, total_bytes - 20);
	esp = sa->spi | (uint64_t)rte_cpu_to_be_32((uint32_t)sequence) << 32;
	memcpy(outer + sa->outer_bytes, &esp, sizeof(esp));

	mbuf->data_off -= (uint16_t)run->front;
	mbuf->data_len = (uint16_t)total_bytes;
	mbuf->pkt_len = total_bytes;
	packet->ip_bytes = total_bytes;
	packet->header_bytes = (uint16_t)(sa->outer_bytes - sa->udp_bytes);
	packet->dont_fragment = whole;

	op->key = sa->key;
	op->esp = outer + sa->outer_bytes;
	op->payload_bytes = payload_bytes;
	op->sequence = sequence;
}
