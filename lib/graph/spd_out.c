// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Asks the outbound SPD about what wants to leave the protected side (RFC 4301 section 5.1):
// protect, bypass or discard. A packet to protect meets its SA here, and the tunnel's MTU: too
// long, it is cut before encryption or its sender told.

#include "graph/node.h"

#include "graph/acquire.h"
#include "graph/icmp_transit.h"
#include "graph/later_fragment.h"
#include "graph/protect_run.h"
#include "graph/seal.h"
#include "graph/spd_select.h"
#include "ipsec/carrier.h"
#include "ipsec/transport.h"
#include "net/checksum.h"

enum {
	EDGE_ESP_ENCRYPT,
	EDGE_AH_OUTPUT,
	EDGE_IP_OUTPUT,
	EDGE_IP_FRAGMENT,
	EDGE_ICMP_ERROR,
	EDGE_PORT_TX,
	EDGE_SA_HOLD,
	EDGE_DROP
};

// Whether the packet may live on; lowers its TTL if it is in transit.
static inline bool pass_ttl(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	if (packet->marks & (GW_MARK_FROM_HOST | GW_MARK_OWN | GW_MARK_DECRYPTED))
		return true; // the latter lost one when it came out of its tunnel
	if (packet->ttl <= 1)
		return false;
	gw_ttl_decrement(rte_pktmbuf_mtod(mbuf, void *));
	packet->ttl--;
	return true;
}

static uint8_t bypass(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	// No such policy is taken in; nothing leaves an interface in clear.
	if (unlikely(packet->flow.interface))
		return gw_to_drop(packet, GW_DROP_INTERFACE_NO_POLICY, EDGE_DROP);
	if (!pass_ttl(mbuf, packet))
		return gw_to_icmp(packet, GW_ICMP_TTL_EXCEEDED, 0, GW_DROP_IP_TTL, EDGE_ICMP_ERROR);
	packet->marks |= GW_MARK_AUTHORISED;
	if (packet->marks & GW_MARK_FROM_HOST) {
		// The host chose the next hop: its frame leaves as it is.
		rte_pktmbuf_prepend(mbuf, RTE_ETHER_HDR_LEN);
		return EDGE_PORT_TX;
	}
	return EDGE_IP_OUTPUT;
}

static uint8_t seal_edge(const struct gw_sa *sa)
{
	return gw_seal_edge(sa, EDGE_ESP_ENCRYPT, EDGE_AH_OUTPUT);
}

// RFC 4303 section 3.1.1: only whole packets between the SA's own addresses. The ESP packet is what
// is cut where the path is too narrow (section 3.3.4), unless its sender wants to be told.
static uint8_t protect_transport(struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const uint8_t *ip = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	const struct gw_sa *sa = packet->sa;
	struct gw_transport_point point;
	uint16_t mtu;

	if (packet->flow.family != sa->outer_family || !gw_sa_is_between(sa, ip))
		return gw_to_drop(packet, GW_DROP_ESP_TRANSPORT_ADDRESS, EDGE_DROP);
	if (packet->flow.protocol == GW_PROTOCOL_OPAQUE && !packet->fragment_offset)
		return gw_to_drop(packet, GW_DROP_IP_HEADER, EDGE_DROP); // headers out of reach
	if (packet->more_fragments || packet->fragment_offset ||
		!gw_transport_find(
			ip, RTE_MIN(rte_pktmbuf_data_len(mbuf), packet->ip_bytes), &point))
		return gw_to_drop(packet, GW_DROP_ESP_TRANSPORT_FRAGMENT, EDGE_DROP);
	if (!pass_ttl(mbuf, packet))
		return gw_to_icmp(packet, GW_ICMP_TTL_EXCEEDED, 0, GW_DROP_IP_TTL, EDGE_ICMP_ERROR);
	mtu = gw_sa_transport_mtu(
		sa, point.bytes, atomic_load_explicit(&sa->path_mtu, memory_order_relaxed));
	if (packet->flow.family == 6)
		mtu = RTE_MAX(mtu, (uint16_t)GW_IPV6_MIN_MTU);
	if (packet->ip_bytes <= mtu || (packet->flow.family == 4 && !packet->dont_fragment))
		return seal_edge(sa);
	return gw_to_icmp(packet, GW_ICMP_TOO_BIG, mtu, GW_DROP_ESP_TOO_BIG, EDGE_ICMP_ERROR);
}

static uint8_t protect_by(struct rte_mbuf *mbuf, struct gw_packet *packet, struct gw_sa *sa)
{
	uint16_t mtu;

	packet->sa = sa;
	if (sa->mode == GW_MODE_TRANSPORT)
		return protect_transport(mbuf, packet);
	if (!pass_ttl(mbuf, packet))
		return gw_to_icmp(packet, GW_ICMP_TTL_EXCEEDED, 0, GW_DROP_IP_TTL, EDGE_ICMP_ERROR);
	mtu = gw_sa_inner_mtu_now(sa);
	if (likely(packet->ip_bytes <= mtu))
		return seal_edge(sa);
	if (packet->flow.family == 6) {
		// Up to 1280 bytes pass whatever the path: the ESP packet is cut instead (RFC 8200
		// section 5).
		mtu = RTE_MAX(mtu, (uint16_t)GW_IPV6_MIN_MTU);
		if (packet->ip_bytes <= mtu)
			return seal_edge(sa);
	} else if (!packet->dont_fragment) {
		// The ESP packet is cut instead, unless its header says that it may not be.
		if (sa->fragment_after && !(sa->outer_family == 4 && sa->df == GW_DF_SET))
			return seal_edge(sa);
		packet->mtu = mtu;
		return EDGE_IP_FRAGMENT;
	}
	return gw_to_icmp(packet, GW_ICMP_TOO_BIG, mtu, GW_DROP_ESP_TOO_BIG, EDGE_ICMP_ERROR);
}

static uint8_t protect(struct gw_worker *worker, struct rte_mbuf *mbuf, struct gw_packet *packet,
	const struct gw_policy *policy)
{
	const struct gw_flow *flow = &packet->flow;
	struct gw_sa *sa =
		gw_carrier_find(policy->carrier, worker->carriers_out, flow, policy->populate != 0);

	// One that has ended is as good as none: until the control core has taken it away, and an
	// older one may take over.
	if (unlikely(!sa || gw_expiry_is_over(worker, sa))) {
		uint64_t wait = gw_acquire_raise(worker, policy, flow);

		if (!worker->dataplane->hold_for_sa)
			return gw_to_drop(packet, GW_DROP_SPD_OUT_NO_SA, EDGE_DROP);
		packet->marks |= GW_MARK_WAITS_SA;
		packet->sequence = wait;
		return EDGE_SA_HOLD;
	}
	return protect_by(mbuf, packet, sa);
}

// An ICMP error that no policy lets pass goes where the answers to its packet go (RFC 4301 section
// 6.2).
static uint8_t return_error(
	struct gw_worker *worker, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	struct gw_sa *sa = gw_icmp_transit_out(worker, mbuf, packet);

	return sa ? protect_by(mbuf, packet, sa)
		  : gw_to_drop(packet, GW_DROP_SPD_OUT_ICMP_ERROR, EDGE_DROP);
}

// Clear text must be what its policy means; what is protected may be another policy's where no
// fragment is told from another.
static bool is_hidden_from(const struct gw_worker *worker, const struct gw_packet *packet,
	const struct gw_policy *policy)
{
	const struct gw_dataplane *dataplane = worker->dataplane;

	if (policy->action == GW_ACTION_DISCARD ||
		(policy->action == GW_ACTION_PROTECT && !dataplane->first_fragments))
		return false;
	return gw_fragment_hides(dataplane->spd_out, packet, policy);
}

static __rte_noinline uint8_t decide(
	struct gw_worker *worker, struct rte_mbuf *mbuf, const struct gw_policy *policy)
{
	struct gw_packet *packet = gw_packet(mbuf);

	packet->sa = NULL; // one that carried the packet here has done its part
	packet->marks |= GW_MARK_SPD_OUT;
	if (unlikely(packet->marks & GW_MARK_REFUSED))
		return EDGE_DROP;
	if (unlikely(!policy || policy->action == GW_ACTION_DISCARD) &&
		gw_icmp_transit_is_stranded(packet, policy))
		return return_error(worker, mbuf, packet);
	if (unlikely(!policy))
		return gw_to_drop(packet,
			packet->flow.interface ? GW_DROP_INTERFACE_NO_POLICY
					       : GW_DROP_SPD_OUT_NO_POLICY,
			EDGE_DROP);
	policy->packets[worker->index * GW_POLICY_COUNTER_STRIDE]++;
	if (unlikely(gw_packet_may_hide(packet)) && is_hidden_from(worker, packet, policy))
		return gw_to_drop(packet, GW_DROP_SPD_OUT_FRAGMENT, EDGE_DROP);
	switch (policy->action) {
	case GW_ACTION_PROTECT:
		return protect(worker, mbuf, packet, policy);
	case GW_ACTION_BYPASS:
		return bypass(mbuf, packet);
	default:
		return gw_to_drop(packet, GW_DROP_SPD_OUT_DISCARD, EDGE_DROP);
	}
}

// Whether decide() would pass the packet on to run's SA as it is, with its TTL lowered.
static inline bool run_takes(const struct gw_protect_run *run, const struct gw_packet *packet)
{
	const uint16_t other =
		GW_MARK_REFUSED | GW_MARK_FROM_HOST | GW_MARK_OWN | GW_MARK_DECRYPTED;

	return run->sa && !(packet->marks & other) && packet->flow.ports_known && packet->ttl > 1 &&
	       packet->ip_bytes <= run->mtu;
}

static inline uint8_t run_protect(
	const struct gw_protect_run *run, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	packet->sa = run->sa;
	packet->marks |= GW_MARK_SPD_OUT;
	++*run->counter;
	gw_ttl_decrement(rte_pktmbuf_mtod(mbuf, void *));
	packet->ttl--;
	return seal_edge(run->sa);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	struct gw_worker *worker = gw_node_worker(node);
	const struct gw_flow *flows[GW_VECTOR];
	const struct gw_policy *policies[GW_VECTOR];
	struct gw_protect_run run;

	if (unlikely(gw_interfaces_any(worker->dataplane->interfaces)))
		gw_spd_select(worker->dataplane, packets, count);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if (unlikely(gw_packet_is_fragment(packet)))
			gw_fragment_meet(worker, worker->dataplane->spd_out, packet, 0);
		flows[i] = &packet->flow;
	}
	gw_spd_lookup(worker->dataplane->spd_out, worker->flows_out, flows, count, policies);
	gw_prefetch_sas(worker, policies, count);
	gw_protect_run_begin(&run, worker, policies[0]);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if (policies[i] != run.policy)
			gw_protect_run_begin(&run, worker, policies[i]);
		nexts[i] = likely(run_takes(&run, packet))
				   ? run_protect(&run, packets[i], packet)
				   : decide(worker, packets[i], policies[i]);
	}
}

static uint16_t spd_out(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_spd_out = {
	.name = "spd_out",
	.process = spd_out,
	.edges = {
		[EDGE_ESP_ENCRYPT] = "esp_encrypt",
		[EDGE_AH_OUTPUT] = "ah_output",
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_IP_FRAGMENT] = "ip_fragment",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_PORT_TX] = "port_tx",
		[EDGE_SA_HOLD] = "sa_hold",
		[EDGE_DROP] = "drop",
	},
};
