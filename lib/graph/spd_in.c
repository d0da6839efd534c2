// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Asks the inbound SPD (RFC 4301 section 5.2). Two questions with one look-up: clear text passes
// only by a bypass rule (step 3), and a decrypted packet only if the policy that covers it is
// protected by the SA that carried it (step 4).

#include "graph/icmp_transit.h"
#include "graph/later_fragment.h"
#include "graph/node.h"

#include "ipsec/carrier.h"
#include "net/checksum.h"

enum { EDGE_IP_OUTPUT, EDGE_PUNT, EDGE_ICMP_ERROR, EDGE_DROP };

static bool is_for_sa(const struct gw_packet *packet, const struct gw_policy *policy)
{
	return policy && policy->action == GW_ACTION_PROTECT &&
	       policy->reqid == packet->sa->reqid &&
	       (!packet->sa->selectors || gw_sa_covers(packet->sa, &packet->flow));
}

static enum gw_drop verdict(const struct gw_worker *worker, const struct rte_mbuf *mbuf,
	const struct gw_packet *packet, const struct gw_policy *policy)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	bool hides = unlikely(gw_packet_may_hide(packet)) && policy &&
		     gw_fragment_hides(dataplane->spd_in, packet, policy);

	if (unlikely(packet->marks & GW_MARK_REFUSED))
		return (enum gw_drop)packet->drop;
	if (packet->marks & GW_MARK_DECRYPTED) {
		bool matches = is_for_sa(packet, policy);

		if (unlikely(gw_packet_is_icmp_error(packet)))
			return gw_icmp_transit_in(worker, mbuf, packet, policy, matches);
		if (!matches)
			return GW_DROP_SPD_IN_WRONG_SA;
		return unlikely(hides) && dataplane->first_fragments ? GW_DROP_SPD_IN_FRAGMENT
								     : GW_DROP_COUNT;
	}
	if (!policy)
		return GW_DROP_SPD_IN_NO_POLICY;
	switch (policy->action) {
	case GW_ACTION_BYPASS:
		return unlikely(hides) ? GW_DROP_SPD_IN_FRAGMENT : GW_DROP_COUNT;
	case GW_ACTION_PROTECT:
		return GW_DROP_SPD_IN_CLEAR;
	default:
		return GW_DROP_SPD_IN_DISCARD;
	}
}

// Multicast concerns the link it came by: an interface is one, another tunnel is not.
static bool is_multicast(const struct gw_flow *flow)
{
	return flow->family == 4
		       ? (flow->destination[0] & 0xf0) == 0xe0 || flow->destination[0] == 255
		       : flow->destination[0] == 0xff;
}

static uint8_t admit(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	const struct gw_flow *flow = &packet->flow;

	if (unlikely(flow->interface) &&
		unlikely(!gw_interface_is_up(worker->dataplane->interfaces, flow->interface)))
		return gw_to_drop(packet, GW_DROP_INTERFACE_DOWN, EDGE_DROP);
	if (unlikely(is_multicast(flow))) {
		if ((packet->marks & GW_MARK_DECRYPTED) && !flow->interface)
			return gw_to_drop(packet, GW_DROP_IP_MULTICAST, EDGE_DROP);
		return EDGE_PUNT;
	}
	if (unlikely(gw_local_contains(worker->dataplane->local, flow->family, flow->destination) ||
		     (flow->family == 6 && flow->destination[0] == 0xfe &&
			     (flow->destination[1] & 0xc0) == 0x80)))
		return EDGE_PUNT;
	if (unlikely(packet->ttl <= 1))
		return gw_to_icmp(packet, GW_ICMP_TTL_EXCEEDED, 0, GW_DROP_IP_TTL, EDGE_ICMP_ERROR);
	gw_ttl_decrement(rte_pktmbuf_mtod(mbuf, void *));
	packet->ttl--;
	// The SA has done its part: from here on a packet's SA is one to seal it with.
	packet->sa = NULL;
	return EDGE_IP_OUTPUT;
}

// What packets that one SA carried and one policy covers have in common where they belong together
// and the SA has nothing to say by itself: all that is left to ask is whether they are as most are.
struct run {
	const struct gw_policy *policy;
	const struct gw_sa *sa;
	uint64_t *counter; // NULL: it is to be decided about each packet
};

static void run_begin(struct run *run, const struct gw_worker *worker,
	const struct gw_policy *policy, const struct gw_sa *sa)
{
	*run = (struct run){ .policy = policy, .sa = sa };
	if (policy && sa && policy->action == GW_ACTION_PROTECT && policy->reqid == sa->reqid &&
		!sa->selectors)
		run->counter = &policy->packets[worker->index * GW_POLICY_COUNTER_STRIDE];
}

// Whether verdict() would let the packet pass.
static inline bool run_takes(const struct run *run, const struct gw_packet *packet)
{
	const uint16_t asked = GW_MARK_DECRYPTED | GW_MARK_REFUSED;

	return run->counter && (packet->marks & asked) == GW_MARK_DECRYPTED &&
	       packet->flow.ports_known && packet->flow.protocol != IPPROTO_ICMP &&
	       packet->flow.protocol != IPPROTO_ICMPV6;
}

static __rte_noinline enum gw_drop decide(const struct gw_worker *worker,
	const struct rte_mbuf *mbuf, const struct gw_packet *packet, const struct gw_policy *policy)
{
	if (policy)
		policy->packets[worker->index * GW_POLICY_COUNTER_STRIDE]++;
	return verdict(worker, mbuf, packet, policy);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	const struct gw_flow *flows[GW_VECTOR];
	const struct gw_policy *policies[GW_VECTOR];
	struct run run = {};

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		if (unlikely(gw_packet_is_fragment(packet)))
			gw_fragment_meet(worker, worker->dataplane->spd_in, packet,
				packet->marks & GW_MARK_DECRYPTED ? packet->sa->reqid : 0);
		flows[i] = &packet->flow;
	}
	gw_spd_lookup(worker->dataplane->spd_in, worker->flows_in, flows, count, policies);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		enum gw_drop reason = GW_DROP_COUNT;

		if (policies[i] != run.policy || packet->sa != run.sa)
			run_begin(&run, worker, policies[i], packet->sa);
		if (likely(run_takes(&run, packet)))
			++*run.counter;
		else
			reason = decide(worker, packets[i], packet, policies[i]);
		nexts[i] = likely(reason == GW_DROP_COUNT) ? admit(worker, packets[i], packet)
							   : gw_to_drop(packet, reason, EDGE_DROP);
	}
}

static uint16_t spd_in(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_spd_in = {
	.name = "spd_in",
	.process = spd_in,
	.edges = {
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_PUNT] = "punt",
		[EDGE_ICMP_ERROR] = "icmp_error",
		[EDGE_DROP] = "drop",
	},
};
