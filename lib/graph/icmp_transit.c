// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ICMP errors in transit (RFC 4301 section 6.2). A router on the way is in no traffic selector, so
// its errors would be lost; and in a tunnel whose selectors let any ICMP pass, whoever is behind
// the peer could send errors about traffic that the tunnel does not carry. Both are judged by what
// the error quotes:
//
//   outbound  an error that no policy lets pass takes the SA that the answers to the packet it is
//             about would take; no SA is asked for
//   inbound   an error that the policies or the SA's selectors do not let pass has to be about a
//             packet whose answers come by this SA; with check_icmp_quotes any error has to be
//
// A policy that discards and names ICMP is meant for errors and holds. One that discards whatever
// comes is the end of the SPD written down, which says nothing about errors.
//
// Only the first fragment of an error shows the quote. A later one passes where the policies let it
// pass by what the first one showed; its packet is of no use without the first.

#include "graph/icmp_transit.h"

#include "graph/expiry.h"
#include "ipsec/carrier.h"

// The flow of answers to the packet that the error is about.
static bool read_answer(
	const struct rte_mbuf *mbuf, const struct gw_packet *packet, struct gw_flow *answer)
{
	uint8_t copy[GW_ICMP_RETURN_BYTES];
	uint32_t size = RTE_MIN(mbuf->pkt_len, packet->ip_bytes);
	const void *message;

	if (packet->fragment_offset || size <= packet->header_bytes)
		return false;
	size = RTE_MIN(size - packet->header_bytes, (uint32_t)sizeof(copy));
	message = rte_pktmbuf_read(mbuf, packet->header_bytes, size, copy);
	if (!message || !gw_icmp_return_flow(&packet->flow, message, size, answer))
		return false;
	answer->interface = packet->flow.interface; // the same SPD is asked
	return true;
}

// Nothing is remembered: errors are few, and what they quote is chosen by who sends them.
static const struct gw_policy *ask(const struct gw_spd *spd, const struct gw_flow *flow)
{
	const struct gw_policy *policy;

	gw_spd_lookup(spd, NULL, &flow, 1, &policy);
	return policy && policy->action == GW_ACTION_PROTECT ? policy : NULL;
}

static bool means_icmp(const struct gw_policy *policy)
{
	return policy->action == GW_ACTION_DISCARD &&
	       (policy->selector.protocol == IPPROTO_ICMP ||
		       policy->selector.protocol == IPPROTO_ICMPV6);
}

static bool is_of_sa(
	const struct gw_worker *worker, const struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	const struct gw_policy *policy;
	struct gw_flow answer;

	if (!read_answer(mbuf, packet, &answer))
		return false;
	policy = ask(worker->dataplane->spd_in, &answer);
	return policy && policy->reqid == packet->sa->reqid && gw_sa_covers(packet->sa, &answer);
}

enum gw_drop gw_icmp_transit_in(const struct gw_worker *worker, const struct rte_mbuf *mbuf,
	const struct gw_packet *packet, const struct gw_policy *policy, bool matches)
{
	if (matches && (!worker->dataplane->check_icmp_quotes || packet->fragment_offset))
		return GW_DROP_COUNT;
	if (!matches && policy && means_icmp(policy))
		return GW_DROP_SPD_IN_DISCARD;
	return is_of_sa(worker, mbuf, packet) ? GW_DROP_COUNT : GW_DROP_SPD_IN_ICMP_ERROR;
}

bool gw_icmp_transit_is_stranded(const struct gw_packet *packet, const struct gw_policy *policy)
{
	return gw_packet_is_icmp_error(packet) &&
	       (!policy || (policy->action == GW_ACTION_DISCARD && !means_icmp(policy)));
}

struct gw_sa *gw_icmp_transit_out(
	struct gw_worker *worker, const struct rte_mbuf *mbuf, const struct gw_packet *packet)
{
	const struct gw_policy *policy;
	struct gw_flow answer;
	struct gw_sa *sa;

	if (!read_answer(mbuf, packet, &answer))
		return NULL;
	policy = ask(worker->dataplane->spd_out, &answer);
	if (!policy)
		return NULL;
	sa = gw_carrier_find(policy->carrier, worker->carriers_out, &answer, policy->populate != 0);
	return sa && !gw_expiry_is_over(worker, sa) ? sa : NULL;
}
