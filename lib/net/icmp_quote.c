// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Quotes in ICMP errors (RFC 792, RFC 4443 section 3.2). Routers change the quoted header on the
// packet's way (TTL, checksum, TOS), so that what is compared is only what none may change.

#include "net/icmp_quote.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "net/checksum.h"

#define ICMP_BYTES 8
#define UDP_BYTES  8
#define AH_SPI_AT  4 // RFC 4302 section 2
#define NAT_T_PORT 4500
#define MOST_CLAIM (GW_IPV6_BYTES + GW_IP_MAX_PACKET)
#define LEAST_V4   68   // RFC 791: every link carries that
#define LEAST_V6   1280 // RFC 8200 section 5

bool gw_icmp_is_too_big(const struct gw_flow *flow)
{
	if (!flow->ports_known)
		return false;
	if (flow->family == 4)
		return flow->protocol == IPPROTO_ICMP && flow->source_port == ICMP_DEST_UNREACH &&
		       flow->destination_port == ICMP_FRAG_NEEDED;
	return flow->protocol == IPPROTO_ICMPV6 && flow->source_port == ICMP6_PACKET_TOO_BIG;
}

static bool checksum_is_right(const uint8_t *packet, uint32_t header_bytes, uint32_t size)
{
	uint32_t sum = 0, icmp_bytes = size - header_bytes;

	if (packet[0] >> 4 == 6) { // RFC 8200 section 8.1
		const uint8_t rest[8] = { [2] = (uint8_t)(icmp_bytes >> 8),
			[3] = (uint8_t)icmp_bytes,
			[7] = IPPROTO_ICMPV6 };

		sum = gw_checksum_add(0, packet + 8, 32);
		sum = gw_checksum_add(sum, rest, sizeof(rest));
	}
	return gw_checksum_finish(gw_checksum_add(sum, packet + header_bytes, icmp_bytes)) == 0;
}

// A router from before RFC 1191 does not tell: the next lower of the lengths that links have (RFC
// 1191 section 7.1).
static uint16_t plateau_below(uint32_t bytes)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

	for (unsigned int i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < bytes)
			return plateaus[i];
	return LEAST_V4;
}

// 0: it tells nothing that could be meant.
static uint32_t told_mtu(const uint8_t *icmp, const struct gw_ip *about)
{
	uint32_t mtu;

	if (about->flow.family == 6) {
		mtu = gw_load_32(icmp + 4);
		// RFC 8201 section 4: less is to be discarded.
		return mtu < LEAST_V6 ? 0 : mtu;
	}
	mtu = gw_load_16(icmp + 6);
	return mtu < LEAST_V4 ? plateau_below(about->ip_bytes) : mtu;
}

// The SPI and the number behind it; at counts from data, of which there are bytes.
static bool read_spi(const uint8_t *data, uint32_t bytes, uint32_t at, struct gw_icmp_quote *quote)
{
	if (bytes < at + 8)
		return false;
	quote->spi = gw_load_32(data + at);
	quote->sequence = gw_load_32(data + at + 4);
	return quote->spi != 0;
}

static bool read_ipsec(const uint8_t *data, uint32_t bytes, struct gw_icmp_quote *quote)
{
	const struct gw_flow *flow = &quote->flow;

	switch (flow->protocol) {
	case IPPROTO_ESP:
		return read_spi(data, bytes, 0, quote);
	case IPPROTO_AH:
		return read_spi(data, bytes, AH_SPI_AT, quote);
	case IPPROTO_UDP:
		return flow->ports_known &&
		       (flow->source_port == NAT_T_PORT || flow->destination_port == NAT_T_PORT) &&
		       read_spi(data, bytes, UDP_BYTES, quote);
	default:
		return false;
	}
}

bool gw_icmp_quote_read(
	const void *packet, uint32_t header_bytes, uint32_t size, struct gw_icmp_quote *quote)
{
	const uint8_t *bytes = packet;
	const uint8_t *icmp = bytes + header_bytes, *inside = icmp + ICMP_BYTES;
	uint32_t inside_bytes, mtu;
	struct gw_ip about;

	if (size < header_bytes + ICMP_BYTES || !checksum_is_right(bytes, header_bytes, size))
		return false;
	inside_bytes = size - header_bytes - ICMP_BYTES;
	// The quote holds the beginning of a packet that may claim any length.
	if (gw_ip_parse(inside, inside_bytes, MOST_CLAIM, false, &about) != GW_IP_OK ||
		about.flow.family != bytes[0] >> 4 || about.fragment_offset ||
		about.header_bytes > inside_bytes)
		return false;
	*quote = (struct gw_icmp_quote){ .flow = about.flow };
	if (!read_ipsec(inside + about.header_bytes, inside_bytes - about.header_bytes, quote))
		return false;
	mtu = told_mtu(icmp, &about);
	if (mtu == 0 || mtu >= about.ip_bytes)
		return false;
	quote->mtu = (uint16_t)mtu;
	return true;
}
