// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "crypto/engine.h"
#include "graph/packet.h"
#include "graph/worker.h"

// What comes out of ESP or AH, once it has been found authentic: data_bytes at data, which lie in
// the mbuf. In tunnel mode they are the inner packet, of the family that the next header names; in
// transport mode the packet's own headers move up to them. The result is checked like a packet from
// the wire. GW_DROP_COUNT, with the packet marked as decrypted, or the reason to drop it in ESP's
// words.
enum gw_drop gw_decapsulate(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint8_t *data, uint32_t data_bytes, uint8_t next_header);

// The same for ESP: the payload of an op that was opened, from its trailer on.
enum gw_drop gw_decapsulate_esp(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, const struct gw_crypto_op *op);

// Tunnel mode: the inner packet, whose header has been parsed into packet, is the packet from now
// on. One buffer of our own holds all of it.
static __rte_always_inline void gw_decapsulate_inner(
	struct rte_mbuf *mbuf, struct gw_packet *packet, const uint8_t *inner)
{
	packet->flow.interface = packet->sa->interface;
	mbuf->data_off = (uint16_t)(inner - (uint8_t *)mbuf->buf_addr);
	mbuf->data_len = (uint16_t)packet->ip_bytes;
	mbuf->pkt_len = packet->ip_bytes;
	mbuf->packet_type = 0;
	packet->marks |= GW_MARK_DECRYPTED;
}
