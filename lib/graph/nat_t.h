// Called by: worker (eth_input and ip_input)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "graph/packet.h"

// What UDP for port 4500 is (RFC 3948 section 2).
enum gw_nat_t {
	GW_NAT_T_ESP,     // ESP, marked as such; header_bytes lead to it
	GW_NAT_T_OTHER,   // for the inbound SPD, as it came: IKE among it
	GW_NAT_T_REFUSED, // packet->drop says why
};

// UDP for port 4500 of a host behind the gateway: ESP for an SA in transport mode that the gateway
// has for that host, or anything else, among it ESP and IKE of the host's own. Where the SAD knows
// no such SA, the inbound SPD judges it as it came.
enum gw_nat_t gw_nat_t_for_host_behind(const struct rte_mbuf *mbuf, struct gw_packet *packet);

// UDP for port 4500 of ours (RFC 3948 section 2): a keepalive of one byte 0xff, IKE behind four
// zero bytes, or ESP, which begins with an SPI that is not zero. The checksum is not looked at, as
// section 2.2 leaves it to us: the ICV covers all that ESP has, and IKE goes on to the host's own
// UDP.
enum gw_nat_t gw_nat_t_for_us(const struct rte_mbuf *mbuf, struct gw_packet *packet);
