// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <rte_rcu_qsbr.h>

#include "ipsec/spd.h"

// An SPD with all that it needs, and words for policies and flows.

#define KIT_MAX_THREADS 8

struct spd_kit {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_spd *spd;
};

// A table's name is free again only when its memory is, so each has its own.
static inline void spd_kit_open(struct spd_kit *kit, uint32_t size)
{
	static unsigned int serial;
	struct gw_error err = {};
	char name[16];

	snprintf(name, sizeof(name), "spd%u", serial++);
	kit->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(KIT_MAX_THREADS));
	ck_assert_int_eq(rte_rcu_qsbr_init(kit->qsbr, KIT_MAX_THREADS), 0);
	kit->reclaim = gw_reclaim_new(kit->qsbr);
	kit->spd = gw_spd_new(name, size, kit->qsbr, kit->reclaim, &err);
	ck_assert_msg(kit->spd, "%s", err.text);
}

static inline void spd_kit_close(struct spd_kit *kit)
{
	gw_spd_free(kit->spd);
	gw_reclaim_free(kit->reclaim);
	free(kit->qsbr);
}

// A policy in few words. Ports are { first, last }; both 0: ANY, unless exact_zero says that port 0
// is meant.
struct policy_words {
	const char *source;      // NULL: any address of the family of destination, or IPv4
	const char *destination; // likewise
	uint8_t protocol;
	struct gw_port_range source_port;
	struct gw_port_range destination_port;
	bool exact_zero;
	uint32_t priority;
	uint16_t interface;
};

static inline void range_from(const char *text, const char *other, struct gw_range *range)
{
	if (!text)
		text = other && strchr(other, ':') ? "::/0" : "0.0.0.0/0";
	ck_assert_msg(gw_range_parse(text, range), "\"%s\" is no range", text);
}

static inline struct gw_port_range ports_from(struct gw_port_range range, bool exact_zero)
{
	if (range.first == 0 && range.last == 0 && !exact_zero)
		range.last = UINT16_MAX;
	return range;
}

static inline void policy_from(
	const struct policy_words *words, uint32_t order, struct gw_policy *policy)
{
	*policy = (struct gw_policy){
		.priority = words->priority, .order = order, .interface = words->interface
	};
	range_from(words->source, words->destination, &policy->selector.source);
	range_from(words->destination, words->source, &policy->selector.destination);
	policy->selector.protocol = words->protocol;
	policy->selector.source_port = ports_from(words->source_port, words->exact_zero);
	policy->selector.destination_port = ports_from(words->destination_port, words->exact_zero);
}

struct flow_words {
	const char *source;
	const char *destination;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	bool opaque;
	uint16_t interface;
};

static inline struct gw_flow flow_from(const struct flow_words *words)
{
	struct gw_flow flow = { .protocol = words->protocol,
		.source_port = words->source_port,
		.destination_port = words->destination_port,
		.ports_known = !words->opaque,
		.interface = words->interface };
	struct gw_addr source, destination;

	ck_assert(gw_addr_parse(words->source, &source));
	ck_assert(gw_addr_parse(words->destination, &destination));
	flow.family = source.family;
	memcpy(flow.source, source.bytes, sizeof(flow.source));
	memcpy(flow.destination, destination.bytes, sizeof(flow.destination));
	return flow;
}

static inline struct gw_flow tcp_flow(const char *source, const char *destination,
	uint16_t source_port, uint16_t destination_port)
{
	const struct flow_words words = { source, destination, IPPROTO_TCP, source_port,
		destination_port, .opaque = false };

	return flow_from(&words);
}

static inline const struct gw_policy *look_up_one(
	const struct gw_spd *spd, struct gw_flow_cache *cache, const struct gw_flow *flow)
{
	const struct gw_policy *policy;

	gw_spd_lookup(spd, cache, &flow, 1, &policy);
	return policy;
}
