// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The traffic that ICMP errors belong to (RFC 792, RFC 4443, RFC 4301 section 6.2).

#include "net/icmp_return.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include <rte_common.h>

#define ICMP_BYTES 8
#define MOST_CLAIM (GW_IPV6_BYTES + GW_IP_MAX_PACKET)

bool gw_icmp_is_error(const struct gw_flow *flow)
{
	uint16_t type = flow->source_port;

	if (!flow->ports_known)
		return false;
	if (flow->family == 4)
		return flow->protocol == IPPROTO_ICMP &&
		       (type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
			       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB);
	return flow->protocol == IPPROTO_ICMPV6 && type < ICMP6_INFOMSG_MASK;
}

// Requests and their answers have different types, and no ports that could be reversed.
static void reverse_icmp(struct gw_flow *flow)
{
	static const struct {
		uint8_t protocol;
		uint8_t request, reply;
	} pairs[] = {
		{ IPPROTO_ICMP, ICMP_ECHO, ICMP_ECHOREPLY },
		{ IPPROTO_ICMP, ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY },
		{ IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY },
	};

	for (unsigned int i = 0; i < RTE_DIM(pairs); i++) {
		if (flow->protocol != pairs[i].protocol)
			continue;
		if (flow->source_port == pairs[i].request)
			flow->source_port = pairs[i].reply;
		else if (flow->source_port == pairs[i].reply)
			flow->source_port = pairs[i].request;
		else
			continue;
		return;
	}
}

static struct gw_flow reverse(const struct gw_flow *flow)
{
	struct gw_flow reversed = *flow;

	memcpy(reversed.source, flow->destination, sizeof(reversed.source));
	memcpy(reversed.destination, flow->source, sizeof(reversed.destination));
	if (flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6) {
		reverse_icmp(&reversed);
		return reversed;
	}
	reversed.source_port = flow->destination_port;
	reversed.destination_port = flow->source_port;
	return reversed;
}

bool gw_icmp_return_flow(
	const struct gw_flow *error, const void *message, uint32_t size, struct gw_flow *answer)
{
	const uint8_t *quoted = (const uint8_t *)message + ICMP_BYTES;
	struct gw_ip about;

	// The quote holds the beginning of a packet that may claim any length.
	if (size <= ICMP_BYTES ||
		gw_ip_parse(quoted, size - ICMP_BYTES, MOST_CLAIM, false, &about) != GW_IP_OK ||
		about.flow.family != error->family ||
		memcmp(about.flow.source, error->destination, sizeof(error->destination)) != 0)
		return false;
	*answer = reverse(&about.flow);
	return true;
}
