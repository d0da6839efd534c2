// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/path_mtu.h"

#include <netinet/in.h>
#include <stdatomic.h>

#define SECOND_NS UINT64_C(1000000000)

static bool is_recent(const struct gw_sa *sa, uint32_t sequence)
{
	// Relaxed: a packet that is quoted was sent long before its error comes back.
	uint64_t used = RTE_MIN(
		atomic_load_explicit(&sa->sequence.used, memory_order_relaxed), sa->sequence_last);
	uint32_t back = (uint32_t)used - sequence;

	return back < GW_PATH_MTU_RECENT && back < used;
}

static bool same_ports(const struct gw_sa *sa, const struct gw_flow *flow)
{
	const struct gw_encapsulation *ports = &sa->spec.encapsulation;

	if (sa->in_tcp)
		return false; // the packets on the wire are TCP's, and so is what ICMP says of them
	if (!sa->udp_bytes)
		return flow->protocol == sa->spec.protocol;
	return flow->protocol == IPPROTO_UDP && flow->source_port == ports->source_port &&
	       flow->destination_port == ports->destination_port;
}

bool gw_path_mtu_is_of(const struct gw_sa *sa, const struct gw_icmp_quote *quote)
{
	const struct gw_flow *flow = &quote->flow;
	unsigned int bytes = gw_addr_bytes(sa->outer_family);

	return sa->direction == GW_DIRECTION_OUT && flow->family == sa->outer_family &&
	       memcmp(flow->source, sa->spec.source.bytes, bytes) == 0 &&
	       memcmp(flow->destination, sa->spec.destination.bytes, bytes) == 0 &&
	       same_ports(sa, flow) && quote->spi == sa->spec.spi && is_recent(sa, quote->sequence);
}

static void publish(struct gw_sa *sa)
{
	uint16_t mtu = sa->route_mtu;

	if (sa->told_mtu && sa->told_mtu < mtu)
		mtu = sa->told_mtu;
	// Relaxed: a packet that meets the old value is cut or refused as it would have been a
	// moment ago.
	gw_sa_path_mtu_set(sa, mtu);
}

void gw_path_mtu_set_route(struct gw_sa *sa, uint16_t mtu)
{
	sa->route_mtu = mtu;
	publish(sa);
}

bool gw_path_mtu_learn(
	struct gw_sa *sa, uint16_t mtu, const struct gw_path_mtu_rules *rules, uint64_t now_ns)
{
	uint16_t floor = sa->outer_family == 4 ? rules->floor_v4 : GW_PATH_MTU_FLOOR_V6;
	uint16_t before = sa->told_mtu;

	mtu = RTE_MAX(mtu, floor);
	if (mtu >= sa->route_mtu || (before && mtu > before))
		return false;
	sa->told_mtu = mtu;
	sa->told_until_ns = now_ns + rules->age_seconds * SECOND_NS;
	publish(sa);
	return mtu != before;
}

bool gw_path_mtu_age(struct gw_sa *sa, uint64_t now_ns)
{
	if (!sa->told_mtu || now_ns < sa->told_until_ns)
		return false;
	sa->told_mtu = 0;
	publish(sa);
	return true;
}
