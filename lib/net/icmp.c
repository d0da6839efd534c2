// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ICMP errors about packets that cannot go on (RFC 792, RFC 1812 section 4.3.2, RFC 4443).
//
// Deviation: no error is sent about a later fragment of an IPv6 packet, though RFC 4443 would allow
// it: its first fragment is as long, and gets one.

#include "net/icmp.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ip.h>

#include "net/ip.h"

#define ICMP_BYTES     8    // type, code, checksum, and four bytes that depend on the type
#define LONGEST_V4     576  // RFC 1812 section 4.3.2.3
#define LONGEST_V6     1280 // RFC 4443 section 2.4 (c)
#define TOS_CONTROL    0xc0 // internetwork control (RFC 1812 section 4.3.2.5)
#define ERROR_TTL      64
#define V4_ANY_HEADERS (GW_IPV4_MIN_BYTES + ICMP_BYTES)
#define V6_ANY_HEADERS (GW_IPV6_BYTES + ICMP_BYTES)

struct icmp_header {
	uint8_t type;
	uint8_t code;
	rte_be16_t checksum;
	rte_be32_t parameter;
};
_Static_assert(sizeof(struct icmp_header) == ICMP_BYTES, "as on the wire");

struct kind {
	uint8_t type;
	uint8_t code;
};

static const struct kind kinds_v4[] = {
	[GW_ICMP_TTL_EXCEEDED] = { ICMP_TIME_EXCEEDED, ICMP_EXC_TTL },
	[GW_ICMP_TOO_BIG] = { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED },
	[GW_ICMP_NO_ROUTE] = { ICMP_DEST_UNREACH, ICMP_NET_UNREACH },
	[GW_ICMP_HOST_UNREACHABLE] = { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH },
	[GW_ICMP_ADMIN_PROHIBITED] = { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED },
};

static const struct kind kinds_v6[] = {
	[GW_ICMP_TTL_EXCEEDED] = { ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT },
	[GW_ICMP_TOO_BIG] = { ICMP6_PACKET_TOO_BIG, 0 },
	[GW_ICMP_NO_ROUTE] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE },
	[GW_ICMP_HOST_UNREACHABLE] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR },
	[GW_ICMP_ADMIN_PROHIBITED] = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN },
};

// A packet whose ICMP type cannot be seen may be an error too.
static bool may_be_icmp_error(const struct gw_flow *flow)
{
	uint16_t type = flow->source_port;

	if (flow->protocol == GW_PROTOCOL_OPAQUE)
		return true;
	if (flow->family == 4)
		return flow->protocol == IPPROTO_ICMP &&
		       (!flow->ports_known || type == ICMP_DEST_UNREACH ||
			       type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
			       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB);
	return flow->protocol == IPPROTO_ICMPV6 &&
	       (!flow->ports_known || type < ICMP6_INFOMSG_MASK || type == ND_REDIRECT);
}

// The error goes to the source, which has to be one host; and a packet to many would be answered by
// many gateways.
static bool is_between_hosts(const struct gw_flow *flow)
{
	static const uint8_t unspecified[16];

	if (flow->family == 4)
		return flow->source[0] != 0 && flow->source[0] < 0xe0 &&
		       flow->destination[0] < 0xe0;
	return memcmp(flow->source, unspecified, sizeof(unspecified)) != 0 &&
	       flow->destination[0] != 0xff;
}

bool gw_icmp_error_allowed(const void *packet, uint32_t size)
{
	struct gw_ip ip;

	if (gw_ip_parse(packet, size, UINT32_MAX, false, &ip) != GW_IP_OK)
		return false;
	return ip.fragment_offset == 0 && is_between_hosts(&ip.flow) &&
	       !may_be_icmp_error(&ip.flow);
}

static bool is_v4(const void *packet)
{
	return *(const uint8_t *)packet >> 4 == 4;
}

// Without padding that the link has added.
static uint32_t packet_bytes(const void *packet, uint32_t size)
{
	const uint8_t *data = packet;
	uint32_t total =
		is_v4(packet) ? gw_load_16(data + 2) : GW_IPV6_BYTES + gw_load_16(data + 4);

	return RTE_MIN(size, total);
}

uint32_t gw_icmp_error_bytes(const void *packet, uint32_t size)
{
	uint32_t quoted = packet_bytes(packet, size);

	if (is_v4(packet))
		return RTE_MIN(V4_ANY_HEADERS + quoted, (uint32_t)LONGEST_V4);
	return RTE_MIN(V6_ANY_HEADERS + quoted, (uint32_t)LONGEST_V6);
}

// An atomic datagram (RFC 6864): with DF set its identification means nothing and may be 0.
static void write_v4(
	uint8_t *out, const uint8_t *packet, const struct gw_addr *source, uint32_t bytes)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)out;
	struct icmp_header *icmp = (struct icmp_header *)(ip + 1);

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = TOS_CONTROL,
		.total_length = rte_cpu_to_be_16((uint16_t)bytes),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = ERROR_TTL,
		.next_proto_id = IPPROTO_ICMP,
	};
	memcpy(&ip->src_addr, source->bytes, sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, packet + offsetof(struct rte_ipv4_hdr, src_addr),
		sizeof(ip->dst_addr));
	ip->hdr_checksum = gw_checksum_finish(gw_checksum_20(ip));
	icmp->checksum = gw_checksum_finish(gw_checksum_add(0, icmp, bytes - GW_IPV4_MIN_BYTES));
}

// The checksum covers a pseudo header (RFC 8200 section 8.1).
static void write_v6(
	uint8_t *out, const uint8_t *packet, const struct gw_addr *source, uint32_t bytes)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)out;
	struct icmp_header *icmp = (struct icmp_header *)(ip + 1);
	uint32_t payload_bytes = bytes - GW_IPV6_BYTES;
	rte_be32_t pseudo[2] = { rte_cpu_to_be_32(payload_bytes), RTE_BE32(IPPROTO_ICMPV6) };
	uint32_t sum;

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = RTE_BE32(6u << 28 | TOS_CONTROL << 20),
		.payload_len = rte_cpu_to_be_16((uint16_t)payload_bytes),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = ERROR_TTL,
	};
	memcpy(ip->src_addr, source->bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, packet + offsetof(struct rte_ipv6_hdr, src_addr),
		sizeof(ip->dst_addr));
	sum = gw_checksum_add(0, ip->src_addr, sizeof(ip->src_addr) + sizeof(ip->dst_addr));
	sum = gw_checksum_add(sum, pseudo, sizeof(pseudo));
	icmp->checksum = gw_checksum_finish(gw_checksum_add(sum, icmp, payload_bytes));
}

uint32_t gw_icmp_error_build(void *out, const void *packet, uint32_t size,
	const struct gw_addr *source, enum gw_icmp_error error, uint32_t parameter)
{
	bool v4 = is_v4(packet);
	const struct kind *kind = v4 ? &kinds_v4[error] : &kinds_v6[error];
	uint32_t headers = v4 ? V4_ANY_HEADERS : V6_ANY_HEADERS;
	uint32_t bytes = gw_icmp_error_bytes(packet, size);
	struct icmp_header icmp = { .type = kind->type, .code = kind->code };

	// RFC 1191 section 4 has 16 bits for the MTU, RFC 4443 section 3.2 has 32.
	if (error == GW_ICMP_TOO_BIG)
		icmp.parameter =
			rte_cpu_to_be_32(v4 ? RTE_MIN(parameter, (uint32_t)UINT16_MAX) : parameter);
	memcpy((uint8_t *)out + headers - ICMP_BYTES, &icmp, sizeof(icmp));
	memcpy((uint8_t *)out + headers, packet, bytes - headers);
	if (v4)
		write_v4(out, packet, source, bytes);
	else
		write_v6(out, packet, source, bytes);
	return bytes;
}
