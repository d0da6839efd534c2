// Called by: worker (eth_input, ip_input, fast_in)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <rte_byteorder.h>
#include <rte_udp.h>

#include "graph/packet.h"
#include "ipsec/esp.h"

// What UDP for port 4500 is (RFC 3948 section 2).
enum gw_nat_t {
	GW_NAT_T_ESP,     // ESP, marked as such; header_bytes lead to it
	GW_NAT_T_OTHER,   // for the inbound SPD, as it came: IKE among it
	GW_NAT_T_REFUSED, // packet->drop says why
};

// The headers of ESP in UDP.
#define GW_NAT_T_ESP_BYTES (sizeof(struct rte_udp_hdr) + GW_ESP_HEADER_BYTES)

// Whether a UDP packet of bytes for port 4500, of which so many as GW_NAT_T_ESP_BYTES are there if
// it has them, is ESP: no keepalive, and no IKE.
static inline bool gw_nat_t_is_esp(const uint8_t *data, uint32_t bytes)
{
	const struct {
		struct rte_udp_hdr udp;
		struct gw_esp_header esp;
	} *headers = (const void *)data;

	return bytes >= sizeof(*headers) && rte_be_to_cpu_16(headers->udp.dgram_len) == bytes &&
	       headers->esp.spi != 0;
}

// UDP for port 4500 of a host behind the gateway: ESP for an SA in transport mode that the gateway
// has for that host, or anything else, among it ESP and IKE of the host's own. Where the SAD knows
// no such SA, the inbound SPD judges it as it came.
enum gw_nat_t gw_nat_t_for_host_behind(const struct rte_mbuf *mbuf, struct gw_packet *packet);

// UDP for port 4500 of ours (RFC 3948 section 2): a keepalive of one byte 0xff, IKE behind four
// zero bytes, or ESP, which begins with an SPI that is not zero. The checksum is not looked at, as
// section 2.2 leaves it to us: the ICV covers all that ESP has, and IKE goes on to the host's own
// UDP.
enum gw_nat_t gw_nat_t_for_us(const struct rte_mbuf *mbuf, struct gw_packet *packet);
