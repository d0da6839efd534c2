// Called by: worker (esp_decrypt, fast_in)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/open.h"
#include "ipsec/esp.h"

// Opening ESP (RFC 4303 section 3.4): what is looked at before the cryptography, and what the
// payload of most packets shows after it.

static const struct gw_open_words gw_esp_open_words = {
	.sequence_zero = GW_DROP_ESP_SEQUENCE_ZERO,
	.replay = GW_DROP_ESP_REPLAY,
	.too_old = GW_DROP_ESP_TOO_OLD,
	.integrity = GW_DROP_ESP_INTEGRITY,
};

// Lengths and alignment, then the number, of a packet of ip_bytes at ip whose ESP header, which is
// there, is behind header_bytes. The reason to drop it, or GW_DROP_COUNT with the op filled.
static __rte_always_inline enum gw_drop gw_open_check(struct gw_open_run *run, uint8_t *ip,
	uint32_t header_bytes, uint32_t ip_bytes, struct gw_crypto_op *op)
{
	const struct gw_sa *sa = run->sa;
	const struct gw_esp_header *esp = (const struct gw_esp_header *)(ip + header_bytes);
	uint32_t overhead = header_bytes + GW_ESP_HEADER_BYTES + sa->iv_bytes + sa->icv_bytes;

	if (ip_bytes < overhead + GW_ESP_TRAILER_BYTES)
		return GW_DROP_ESP_RUNT;
	op->key = sa->key;
	op->esp = ip + header_bytes;
	op->payload_bytes = ip_bytes - overhead;
	if (op->payload_bytes & (sa->align_bytes - 1u))
		return GW_DROP_ESP_UNALIGNED;
	return gw_open_number(run, esp->sequence, &gw_esp_open_words, &op->sequence);
}

static inline uint8_t *gw_open_payload(const struct gw_crypto_op *op, const struct gw_sa *sa)
{
	return op->esp + GW_ESP_HEADER_BYTES + sa->iv_bytes;
}

// Whether nothing of a packet of the SA but what is inside is to be looked at, where
// gw_open_plain_bytes has found it; and where the peer is, if the SA is in UDP.
static inline bool gw_open_is_plain(const struct gw_sa *sa)
{
	return sa->mode == GW_MODE_TUNNEL && !sa->in_tcp && sa->inner_dscp == GW_INNER_DSCP_KEEP;
}

// ESP as most of it is: IPv4 inside, with the ECN field of the outer packet. Its bytes, or 0 where
// it is something else.
static __rte_always_inline uint32_t gw_open_plain_bytes(
	const struct gw_crypto_op *op, const uint8_t *inner, uint8_t outer_tos)
{
	uint8_t next_header;
	int32_t data_bytes;

	if (op->payload_bytes < GW_IPV4_MIN_BYTES + GW_ESP_TRAILER_BYTES)
		return 0;
	data_bytes = gw_esp_trailer_read_short(inner, op->payload_bytes, &next_header);
	if (unlikely(data_bytes < 0)) // more padding than alignment to four bytes needs
		data_bytes = gw_esp_trailer_read(inner, op->payload_bytes, &next_header);
	if (data_bytes < GW_IPV4_MIN_BYTES || next_header != GW_ESP_NEXT_IPV4 ||
		((inner[1] ^ outer_tos) & GW_ECN_MASK))
		return 0;
	return (uint32_t)data_bytes;
}
