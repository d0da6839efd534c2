// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The MTU of the path to a peer: that of the port the ESP packets leave by, lowered for a while by
// what routers tell about packets that we sent (RFC 4301 section 8.2.1).

#include "esplanade/parts.h"

#include <netinet/in.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/events.h"
#include "ipsec/path_mtu.h"

static uint16_t route_mtu(struct gateway *gateway, const struct gw_addr *peer)
{
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	const uint8_t *address = peer->bytes;
	const struct gw_nexthop *nexthop;
	uint16_t least = UINT16_MAX;

	gw_fib_lookup(dataplane->fib, peer->family, &address, 1, &nexthop);
	if (nexthop->kind == GW_NEXTHOP_FORWARD || nexthop->kind == GW_NEXTHOP_RESOLVE)
		return dataplane->ports[nexthop->port]->mtu;
	// No route yet: no port would take more than the least of them.
	for (unsigned int i = 0; i < dataplane->port_count; i++)
		if (dataplane->ports[i]->side == GW_SIDE_UNPROTECTED)
			least = RTE_MIN(least, dataplane->ports[i]->mtu);
	return least == UINT16_MAX ? 1500 : least;
}

// An inbound SA has its peer's path too: what we tell its senders to send fits into the way back.
static const struct gw_addr *peer_of(const struct gw_sa *sa)
{
	return sa->direction == GW_DIRECTION_OUT ? &sa->spec.destination : &sa->spec.source;
}

void gateway_path_mtu_set(struct gateway *gateway, struct gw_sa *sa)
{
	gateway->interface_mtu_stale |= sa->interface != 0;
	gw_path_mtu_set_route(sa, route_mtu(gateway, peer_of(sa)));
}

static int refresh(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	gateway_path_mtu_set(ctx, sa);
	return 0;
}

void gateway_path_mtu_refresh(void *ctx)
{
	struct gateway *gateway = ctx;

	gateway->path_mtu_stale = false;
	gw_sa_each(gateway->ipsec, refresh, gateway);
}

// What outbound SAs learned since the last tick, for the inbound SAs beside them: these walk over
// all SAs, so that it is done together, and what does not fit waits until it is told again.
#define MOST_LESSONS 16

static struct lesson {
	uint32_t reqid;
	struct gw_addr peer;
	uint16_t mtu;
} lessons[MOST_LESSONS];
static unsigned int lesson_count;

static struct gw_path_mtu_rules rules_of(const struct gateway *gateway)
{
	return (struct gw_path_mtu_rules){
		.floor_v4 = gateway->config->path_mtu_floor,
		.age_seconds = gateway->config->path_mtu_age_seconds,
	};
}

void gateway_path_mtu_told(struct gateway *gateway, const struct gw_event *event)
{
	struct gw_path_mtu_rules rules = rules_of(gateway);
	struct gw_icmp_quote quote = {
		.flow = event->flow,
		.spi = event->spi,
		.sequence = event->sequence,
		.mtu = event->mtu,
	};
	struct gw_sa_id id = {
		.direction = GW_DIRECTION_OUT,
		.protocol = GW_PROTOCOL_ESP,
		.spi = event->spi,
		.destination = event->destination,
	};
	struct gw_sa *sa;

	if (event->flow.protocol != IPPROTO_UDP)
		id.protocol = (enum gw_protocol)event->flow.protocol;
	sa = gw_sa_find(gateway->ipsec, &id);
	if (!sa || !gw_path_mtu_is_of(sa, &quote) ||
		!gw_path_mtu_learn(sa, event->mtu, &rules, gw_clock_ns())) {
		gateway->path_mtu_ignored++;
		return;
	}
	gateway->path_mtu_learned++;
	gateway->interface_mtu_stale |= sa->interface != 0;
	gw_log_info("the path of the outbound SA with SPI 0x%08x takes %u bytes", sa->spec.spi,
		sa->told_mtu);
	gateway_event_path_mtu(gateway, sa, true);
	if (lesson_count < MOST_LESSONS)
		lessons[lesson_count++] = (struct lesson){
			.reqid = sa->reqid,
			.peer = sa->spec.destination,
			.mtu = event->mtu,
		};
}

struct tick {
	struct gateway *gateway;
	struct gw_path_mtu_rules rules;
	uint64_t now_ns;
};

static int tick_one(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	const struct tick *tick = ctx;

	if (gw_path_mtu_age(sa, tick->now_ns) && sa->direction == GW_DIRECTION_OUT) {
		tick->gateway->interface_mtu_stale |= sa->interface != 0;
		gateway_event_path_mtu(tick->gateway, sa, false);
	}
	for (unsigned int i = 0; sa->direction == GW_DIRECTION_IN && i < lesson_count; i++)
		if (sa->reqid == lessons[i].reqid &&
			gw_addr_equal(&sa->spec.source, &lessons[i].peer))
			gw_path_mtu_learn(sa, lessons[i].mtu, &tick->rules, tick->now_ns);
	return 0;
}

void gateway_path_mtu_tick(struct gateway *gateway)
{
	struct tick tick = {
		.gateway = gateway,
		.rules = rules_of(gateway),
		.now_ns = gw_clock_ns(),
	};

	// Nothing was ever learned: a million SAs need no look.
	if (gateway->path_mtu_learned)
		gw_sa_each(gateway->ipsec, tick_one, &tick);
	lesson_count = 0;
}
