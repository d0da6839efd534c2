// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Stateful fragment checking (RFC 4301 section 7, approach 3), or none, as the configuration says.
//
// What is remembered is what the first fragment showed, not what became of it: a later fragment
// meets the SPD of its own moment, with its packet's ports. So a policy that changes between two
// fragments of one packet is in force for the second, cached or not.
//
// Clear text and what each reqid's SAs carry are apart, as are the two directions: fragments that
// somebody sends in clear cannot speak for those in a tunnel.
//
// A later fragment that comes before its first one, or long after it, is judged by what it shows
// itself: where no policy of more precedence looks at what it hides that is exact, and else it is
// dropped. It is not held: senders have sent fragments in order for decades, and who holds them
// holds them for an attacker first.

#include "graph/later_fragment.h"

#include "ipsec/siphash.h"
#include "net/first_fragment.h"

// The bytes that are hashed: no gaps.
struct datagram {
	uint8_t source[16], destination[16];
	uint32_t id;
	uint32_t reqid;
	uint8_t family;
	uint8_t protocol; // IPv4 only (RFC 8200 section 4.5)
	uint16_t interface;
	uint8_t inbound;
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct datagram) == 48, "hashed as bytes");

static struct gw_first_fragment_key key_of(const struct gw_dataplane *dataplane, bool inbound,
	const struct gw_packet *packet, uint32_t reqid)
{
	struct datagram datagram = {
		.id = packet->fragment_id,
		.reqid = reqid,
		.family = packet->flow.family,
		.protocol = packet->flow.family == 4 ? packet->flow.protocol : 0,
		.inbound = inbound,
		.interface = packet->flow.interface,
	};

	memcpy(datagram.source, packet->flow.source, sizeof(datagram.source));
	memcpy(datagram.destination, packet->flow.destination, sizeof(datagram.destination));
	return (struct gw_first_fragment_key){
		.datagram =
			gw_siphash_128(dataplane->fragment_secret, &datagram, sizeof(datagram)).low,
		.source = gw_siphash_128(
			dataplane->fragment_secret, datagram.source, sizeof(datagram.source))
				  .low,
	};
}

// A first fragment whose upper-layer header lies in a later one has nothing to tell.
static void learn(const struct gw_worker *worker, const struct gw_packet *packet,
	const struct gw_first_fragment_key *key)
{
	const struct gw_flow *flow = &packet->flow;
	struct gw_first_fragment fragment = {
		.source_port = flow->source_port,
		.destination_port = flow->destination_port,
		.protocol = flow->protocol,
		.ports_known = flow->ports_known,
		.bytes = packet->fragment_bytes,
	};

	if (!gw_flow_hides(flow, false))
		gw_first_fragment_learn(
			worker->dataplane->first_fragments, key, &fragment, worker->now_ns);
}

// Who has a policy for what is OPAQUE means later fragments by it (RFC 4301 section 7, approach 2).
static bool is_meant_opaque(const struct gw_spd *spd, const struct gw_flow *flow)
{
	const struct gw_policy *policy;

	if (!gw_spd_knows_opaque(spd, flow))
		return false;
	gw_spd_lookup(spd, NULL, &flow, 1, &policy);
	return policy && gw_selector_means_opaque(&policy->selector);
}

void gw_fragment_meet(const struct gw_worker *worker, const struct gw_spd *spd,
	struct gw_packet *packet, uint32_t reqid)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	struct gw_first_fragment fragment;
	struct gw_first_fragment_key key;

	// One that waited for an SA knows already.
	if (!dataplane->first_fragments || packet->marks & GW_MARK_FRAGMENT_KNOWN)
		return;
	key = key_of(dataplane, spd == dataplane->spd_in, packet, reqid);
	if (packet->fragment_offset == 0) {
		learn(worker, packet, &key);
		return;
	}
	if (!gw_first_fragment_find(dataplane->first_fragments, &key, worker->now_ns, &fragment))
		return;
	// It would overwrite what the first one showed (RFC 4301 section 7, RFC 3128, RFC 5722).
	if (packet->fragment_offset < fragment.bytes) {
		packet->marks |= GW_MARK_REFUSED;
		packet->drop = GW_DROP_FRAGMENT_OVERLAP;
		return;
	}
	if (is_meant_opaque(spd, &packet->flow))
		return;
	packet->flow.protocol = fragment.protocol;
	packet->flow.source_port = fragment.source_port;
	packet->flow.destination_port = fragment.destination_port;
	packet->flow.ports_known = fragment.ports_known;
	packet->marks |= GW_MARK_FRAGMENT_KNOWN;
}

bool gw_fragment_hides(
	const struct gw_spd *spd, const struct gw_packet *packet, const struct gw_policy *policy)
{
	const struct gw_flow *flow = &packet->flow;
	unsigned int hidden = gw_flow_hides(flow, flow->family == 6 && packet->fragment_offset);

	return hidden && gw_spd_may_hide(spd, flow, hidden, policy);
}
