// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// rtnetlink(7) messages in the gateway's words. Messages come from the kernel, but every length is
// checked all the same.

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "linux/mirror.h"

#define USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

static bool find_port(const struct gw_mirror_ports *ports, int ifindex, struct gw_mirror_item *item,
	char name[GW_PORT_NAME_SIZE])
{
	for (unsigned int i = 0; i < ports->count; i++) {
		if (ports->ports[i].ifindex != ifindex)
			continue;
		item->port = ports->ports[i].index;
		if (name)
			memcpy(name, ports->ports[i].name, GW_PORT_NAME_SIZE);
		return true;
	}
	return false;
}

static uint8_t family_of(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

// An attribute that is an address of that family.
static bool read_addr(const struct nlattr *attribute, uint8_t family, struct gw_addr *addr)
{
	if (!attribute || !family || nla_len(attribute) != (int)gw_addr_bytes(family))
		return false;
	memset(addr, 0, sizeof(*addr));
	addr->family = family;
	memcpy(addr->bytes, nla_data(attribute), gw_addr_bytes(family));
	return true;
}

static bool read_u32(const struct nlattr *attribute, uint32_t *value)
{
	if (!attribute || nla_len(attribute) < (int)sizeof(*value))
		return false;
	memcpy(value, nla_data(attribute), sizeof(*value));
	return true;
}

static unsigned int parse_link(
	const struct gw_mirror_ports *ports, struct nlmsghdr *message, struct gw_mirror_item *item)
{
	const struct ifinfomsg *header = nlmsg_data(message);

	// A bridge reports its ports too, as another family.
	if (header->ifi_family != AF_UNSPEC || !find_port(ports, header->ifi_index, item, NULL))
		return 0;
	item->kind = GW_MIRROR_LINK;
	item->gone = message->nlmsg_type == RTM_DELLINK;
	item->present = !item->gone && (header->ifi_flags & IFF_UP);
	return 1;
}

// With a peer, the prefix is the peer's: our own address stands alone then.
static unsigned int parse_address(
	const struct gw_mirror_ports *ports, struct nlmsghdr *message, struct gw_mirror_item *item)
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	struct nlattr *attributes[IFA_MAX + 1];
	uint8_t family = family_of(header->ifa_family);
	struct gw_addr peer;

	if (!family || !find_port(ports, (int)header->ifa_index, item, NULL) ||
		nlmsg_parse(message, sizeof(*header), attributes, IFA_MAX, NULL) < 0)
		return 0;
	if (!read_addr(attributes[IFA_LOCAL], family, &item->address.addr) &&
		!read_addr(attributes[IFA_ADDRESS], family, &item->address.addr))
		return 0;
	if (header->ifa_prefixlen > 8 * gw_addr_bytes(family))
		return 0;
	item->address.length = header->ifa_prefixlen;
	if (read_addr(attributes[IFA_ADDRESS], family, &peer) &&
		!gw_addr_equal(&peer, &item->address.addr))
		item->address.length = (uint8_t)(8 * gw_addr_bytes(family));
	item->kind = GW_MIRROR_ADDRESS;
	item->present = message->nlmsg_type == RTM_NEWADDR;
	return 1;
}

// The next router: RTA_GATEWAY, or RTA_VIA when it is of the other family (RFC 8950). False when it
// is malformed.
static bool read_gateway(struct nlattr **attributes, uint8_t family, struct gw_addr *gateway)
{
	struct nlattr *via = attributes[RTA_VIA];
	const struct rtvia *data;

	if (attributes[RTA_GATEWAY])
		return read_addr(attributes[RTA_GATEWAY], family, gateway);
	if (!via)
		return true;
	if (nla_len(via) < (int)sizeof(*data))
		return false;
	data = nla_data(via);
	gateway->family = family_of(data->rtvia_family);
	if (!gateway->family ||
		nla_len(via) < (int)(sizeof(*data) + gw_addr_bytes(gateway->family)))
		return false;
	memcpy(gateway->bytes, data->rtvia_addr, gw_addr_bytes(gateway->family));
	return true;
}

static bool read_way(const struct gw_mirror_ports *ports, int ifindex, struct nlattr **attributes,
	struct gw_mirror_item *item)
{
	return !attributes[RTA_ENCAP_TYPE] && find_port(ports, ifindex, item, item->route.port) &&
	       read_gateway(attributes, item->route.destination.addr.family, &item->route.gateway);
}

static unsigned int parse_ways(const struct gw_mirror_ports *ports, struct nlattr *multipath,
	const struct gw_mirror_item *route, struct gw_mirror_item items[GW_MIRROR_ITEMS])
{
	const struct rtnexthop *way = nla_data(multipath);
	int left = nla_len(multipath);
	unsigned int count = 0;

	// RTNH_OK alone reads a length before it knows that there is one.
	while (count < GW_MIRROR_ITEMS && left >= (int)sizeof(*way) && RTNH_OK(way, left)) {
		struct nlattr *attributes[RTA_MAX + 1];
		int size = way->rtnh_len - (int)sizeof(*way);

		items[count] = *route;
		if (nla_parse(attributes, RTA_MAX, (struct nlattr *)RTNH_DATA(way), size, NULL) ==
				0 &&
			!(way->rtnh_flags & RTNH_F_DEAD) &&
			read_way(ports, way->rtnh_ifindex, attributes, &items[count]))
			count++;
		left -= NLMSG_ALIGN(way->rtnh_len);
		way = RTNH_NEXT(way);
	}
	return count;
}

// What we forward by: unicast and the kinds that drop, of the main table, for all traffic to the
// destination.
static bool concerns_us(const struct rtmsg *header, struct nlattr **attributes)
{
	uint32_t table = header->rtm_table;

	read_u32(attributes[RTA_TABLE], &table);
	if (table != RT_TABLE_MAIN || header->rtm_tos || header->rtm_src_len ||
		(header->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)))
		return false;
	switch (header->rtm_type) {
	case RTN_UNICAST:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return true;
	default:
		return false;
	}
}

static unsigned int parse_route(const struct gw_mirror_ports *ports, struct nlmsghdr *message,
	struct gw_mirror_item items[GW_MIRROR_ITEMS])
{
	const struct rtmsg *header = nlmsg_data(message);
	struct nlattr *attributes[RTA_MAX + 1];
	struct gw_mirror_item *item = &items[0], route;
	struct gw_prefix *destination = &item->route.destination;
	uint8_t family = family_of(header->rtm_family);
	uint32_t ifindex;

	if (!family || header->rtm_dst_len > 8 * gw_addr_bytes(family) ||
		nlmsg_parse(message, sizeof(*header), attributes, RTA_MAX, NULL) < 0 ||
		!concerns_us(header, attributes))
		return 0;
	item->kind = GW_MIRROR_ROUTE;
	item->present = message->nlmsg_type == RTM_NEWROUTE;
	destination->addr.family = family;
	destination->length = header->rtm_dst_len;
	if (attributes[RTA_DST] && !read_addr(attributes[RTA_DST], family, &destination->addr))
		return 0;
	read_u32(attributes[RTA_PRIORITY], &item->metric);
	if (header->rtm_type != RTN_UNICAST) {
		item->route.kind = GW_ROUTE_BLACKHOLE;
		return 1;
	}
	item->route.kind = GW_ROUTE_UNICAST;
	if (attributes[RTA_MULTIPATH]) {
		route = *item;
		return parse_ways(ports, attributes[RTA_MULTIPATH], &route, items);
	}
	return read_u32(attributes[RTA_OIF], &ifindex) &&
	       read_way(ports, (int)ifindex, attributes, item);
}

// Broadcast and multicast addresses have entries with group addresses, some have zeroes.
static bool is_station(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)) != 0;
}

static unsigned int parse_neighbour(
	const struct gw_mirror_ports *ports, struct nlmsghdr *message, struct gw_mirror_item *item)
{
	const struct ndmsg *header = nlmsg_data(message);
	struct nlattr *attributes[NDA_MAX + 1], *mac;

	if ((header->ndm_flags & NTF_PROXY) ||
		!find_port(ports, header->ndm_ifindex, item, item->neighbour.port) ||
		nlmsg_parse(message, sizeof(*header), attributes, NDA_MAX, NULL) < 0 ||
		!read_addr(attributes[NDA_DST], family_of(header->ndm_family),
			&item->neighbour.address))
		return 0;
	item->kind = GW_MIRROR_NEIGHBOUR;
	mac = attributes[NDA_LLADDR];
	if (mac && nla_len(mac) == sizeof(item->neighbour.mac))
		memcpy(item->neighbour.mac, nla_data(mac), sizeof(item->neighbour.mac));
	else
		mac = NULL;
	item->present = message->nlmsg_type == RTM_NEWNEIGH && (header->ndm_state & USABLE) &&
			mac && is_station(item->neighbour.mac);
	item->stale = header->ndm_state & NUD_STALE;
	return 1;
}

unsigned int gw_mirror_parse(const struct gw_mirror_ports *ports, struct nlmsghdr *message,
	struct gw_mirror_item items[GW_MIRROR_ITEMS])
{
	memset(&items[0], 0, sizeof(items[0]));
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return nlmsg_valid_hdr(message, sizeof(struct ifinfomsg))
			       ? parse_link(ports, message, items)
			       : 0;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return nlmsg_valid_hdr(message, sizeof(struct ifaddrmsg))
			       ? parse_address(ports, message, items)
			       : 0;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return nlmsg_valid_hdr(message, sizeof(struct rtmsg))
			       ? parse_route(ports, message, items)
			       : 0;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return nlmsg_valid_hdr(message, sizeof(struct ndmsg))
			       ? parse_neighbour(ports, message, items)
			       : 0;
	default:
		return 0;
	}
}
