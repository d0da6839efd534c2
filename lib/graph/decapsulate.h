// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "graph/packet.h"
#include "graph/worker.h"

// What comes out of ESP or AH, once it has been found authentic; in esp_decrypt.c. Each returns
// GW_DROP_COUNT, with the packet marked as decrypted, or the reason to drop it in ESP's words.

// Tunnel mode: the inner packet of data_bytes at inner, of the family that the next header named.
enum gw_drop gw_decapsulate_tunnel(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, uint8_t *inner, uint32_t data_bytes, uint8_t family);

// Transport mode: data_bytes at data go together with the packet's own headers.
enum gw_drop gw_decapsulate_transport(struct rte_mbuf *mbuf, struct gw_packet *packet,
	uint8_t *data, uint32_t data_bytes, uint8_t next_header);
