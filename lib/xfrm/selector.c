// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/selector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

bool gw_xfrm_addr_read(const xfrm_address_t *address, uint16_t family, struct gw_addr *addr)
{
	*addr = (struct gw_addr){};
	if (family != AF_INET && family != AF_INET6)
		return false;
	addr->family = family == AF_INET ? 4 : 6;
	memcpy(addr->bytes, address, gw_addr_bytes(addr->family));
	return true;
}

void gw_xfrm_addr_write(const struct gw_addr *addr, xfrm_address_t *address)
{
	memset(address, 0, sizeof(*address));
	memcpy(address, addr->bytes, sizeof(addr->bytes));
}

uint16_t gw_xfrm_family(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

// The addresses of a prefix whose host bits may be anything.
static int read_prefix(const xfrm_address_t *address, uint16_t family, uint8_t length,
	struct gw_range *range, struct gw_error *err)
{
	if (!gw_xfrm_addr_read(address, family, &range->first))
		return gw_error_set(
			err, EINVAL, "address family %u is neither IPv4 nor IPv6", family);
	if (length > 8 * gw_addr_bytes(range->first.family))
		return gw_error_set(err, EINVAL, "a prefix of %u bits is too long", length);
	range->last = range->first;
	for (unsigned int bit = length; bit < 8 * gw_addr_bytes(range->first.family); bit++) {
		range->first.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		range->last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	}
	return 0;
}

// A mask that leaves the low bits free is a range; any other is not.
static int read_ports(
	uint16_t port, uint16_t mask, struct gw_port_range *range, struct gw_error *err)
{
	uint16_t rest = (uint16_t)~mask;

	if (rest & (rest + 1))
		return gw_error_set(err, EOPNOTSUPP, "the port mask 0x%04x is no range", mask);
	range->first = port & mask;
	range->last = (uint16_t)((port & mask) | rest);
	return 0;
}

int gw_xfrm_selector_read(const struct xfrm_selector *wire, uint16_t family,
	struct gw_selector *selector, struct gw_error *err)
{
	int rc;

	*selector = (struct gw_selector){ .protocol = wire->proto };
	if (wire->ifindex)
		return gw_error_set(
			err, EOPNOTSUPP, "selectors by interface are not available here");
	if (wire->family)
		family = wire->family;
	rc = read_prefix(&wire->saddr, family, wire->prefixlen_s, &selector->source, err);
	if (!rc)
		rc = read_prefix(
			&wire->daddr, family, wire->prefixlen_d, &selector->destination, err);
	if (!rc)
		rc = read_ports(
			ntohs(wire->sport), ntohs(wire->sport_mask), &selector->source_port, err);
	if (!rc)
		rc = read_ports(ntohs(wire->dport), ntohs(wire->dport_mask),
			&selector->destination_port, err);
	return rc;
}

static uint8_t common_bits(const struct gw_range *range)
{
	unsigned int bits = 8 * gw_addr_bytes(range->first.family), length = 0;

	while (length < bits && !((range->first.bytes[length / 8] ^ range->last.bytes[length / 8]) &
					(0x80u >> length % 8)))
		length++;
	return (uint8_t)length;
}

static uint16_t common_mask(const struct gw_port_range *range)
{
	uint16_t mask = 0xffff;

	while ((range->first & mask) != (range->last & mask))
		mask = (uint16_t)(mask << 1);
	return mask;
}

void gw_xfrm_selector_write(const struct gw_selector *selector, struct xfrm_selector *wire)
{
	uint16_t source = common_mask(&selector->source_port);
	uint16_t destination = common_mask(&selector->destination_port);

	*wire = (struct xfrm_selector){
		.family = gw_xfrm_family(selector->source.first.family),
		.prefixlen_s = common_bits(&selector->source),
		.prefixlen_d = common_bits(&selector->destination),
		.proto = selector->protocol,
		.sport = htons(selector->source_port.first & source),
		.sport_mask = htons(source),
		.dport = htons(selector->destination_port.first & destination),
		.dport_mask = htons(destination),
	};
	gw_xfrm_addr_write(&selector->source.first, &wire->saddr);
	gw_xfrm_addr_write(&selector->destination.first, &wire->daddr);
}

void gw_xfrm_selector_of_flow(const struct gw_flow *flow, struct xfrm_selector *wire)
{
	uint8_t bits = flow->family == 4 ? 32 : 128;

	*wire = (struct xfrm_selector){
		.family = gw_xfrm_family(flow->family),
		.prefixlen_s = bits,
		.prefixlen_d = bits,
		.proto = flow->protocol,
	};
	memcpy(&wire->saddr, flow->source, bits / 8);
	memcpy(&wire->daddr, flow->destination, bits / 8);
	if (flow->ports_known) {
		wire->sport = htons(flow->source_port);
		wire->dport = htons(flow->destination_port);
		wire->sport_mask = wire->dport_mask = 0xffff;
	}
}
