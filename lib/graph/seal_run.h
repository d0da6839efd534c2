// Called by: worker (esp_encrypt, fast_out)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/buffer.h"
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

// Whether the SA's packets are of this kind.
static __rte_always_inline bool gw_seal_run_begin(struct gw_seal_run *run, const struct gw_sa *sa)
{
	run->sa = sa;
	if (sa->mode != GW_MODE_TUNNEL || sa->outer_family != 4 || sa->tfc != GW_SIZE_OFF ||
		(sa->limits & GW_LIMIT_USE))
		return false;
	run->template = gw_sa_outer(sa, &run->template_sum);
	run->front = (uint32_t)sa->outer_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes;
	return true;
}

// Whether one buffer of our own has room for all that any SA adds, and a frame's header, where an
// inner packet begins before bytes from the front.
static __rte_always_inline bool gw_seal_run_has_room(const struct rte_mbuf *mbuf, uint32_t before)
{
	return mbuf->data_off + before >= GW_ESP_MAX_FRONT + RTE_ETHER_HDR_LEN &&
	       mbuf->data_off + mbuf->data_len + GW_ESP_MAX_BACK <= mbuf->buf_len;
}

// The bytes around the packet at ip, and the op that seals it. Returns those of the outer packet;
// whole: it may not be cut.
static __rte_always_inline uint32_t gw_seal_run_write(const struct gw_seal_run *run, uint8_t *ip,
	const struct gw_esp_inner *inner, uint64_t sequence, struct gw_crypto_op *op, bool *whole)
{
	const struct gw_sa *sa = run->sa;
	uint8_t *outer = ip - run->front;
	uint32_t padding = gw_esp_padding(inner->bytes, sa->align_bytes);
	uint32_t payload_bytes = inner->bytes + padding + GW_ESP_TRAILER_BYTES;
	uint32_t total_bytes = run->front + payload_bytes + sa->icv_bytes;
	uint16_t id = (uint16_t)(sa->ipv4_id + sequence);
	uint8_t next_header = inner->family == 4 ? GW_ESP_NEXT_IPV4 : GW_ESP_NEXT_IPV6;
	uint64_t esp;

	*whole = gw_esp_outer_df(sa, inner);
	if (sa->align_bytes <= 4)
		gw_esp_trailer_write_short(ip + inner->bytes, padding, next_header);
	else
		gw_esp_trailer_write_block(ip + inner->bytes, padding, next_header);
	gw_esp_ipv4_write(outer, run->template, run->template_sum, gw_esp_outer_tos(sa, inner->tos),
		total_bytes,
		*whole ? (uint32_t)RTE_BE16(RTE_IPV4_HDR_DF_FLAG) << 16 : rte_cpu_to_be_16(id));
	if (sa->udp_bytes)
		gw_esp_udp_write(sa, run->template, outer + 20, total_bytes - 20);
	esp = sa->spi | (uint64_t)rte_cpu_to_be_32((uint32_t)sequence) << 32;
	memcpy(outer + sa->outer_bytes, &esp, sizeof(esp));

	op->key = sa->key;
	op->esp = outer + sa->outer_bytes;
	op->payload_bytes = payload_bytes;
	op->sequence = sequence;
	return total_bytes;
}
