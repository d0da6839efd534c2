// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Larval SAs: what stands in the kernel for an SA that is being negotiated. ALLOCSPI makes one with
// the SPI that it gives, a packet without an SA (ACQUIRE) one without an SPI. The SA takes its
// place; where none comes in time, listeners are told that it has come to its hard limit. Here they
// carry nothing and hold nothing: an SPI that was given is set aside in the database, for as long.
//
// As in the kernel a larval SA has no soft limit.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define LARVALS_EXPECTED 4096
#define NS_PER_SECOND    UINT64_C(1000000000)

struct gateway_larval {
	TAILQ_ENTRY(gateway_larval) next; // that which ends first is first
	struct gw_index_link by_id;
	struct xfrm_usersa_info info;
	uint64_t ends_ns;
};

static bool same_address(const xfrm_address_t *a, const xfrm_address_t *b, uint16_t family)
{
	return memcmp(a, b, family == AF_INET ? sizeof(a->a4) : sizeof(*a)) == 0;
}

static uint64_t hash_of(const struct gateway_xfrm *xfrm, const struct xfrm_usersa_info *info)
{
	struct {
		xfrm_address_t destination;
		uint32_t spi, protocol;
	} key = { .spi = info->id.spi, .protocol = info->id.proto };

	memcpy(&key.destination, &info->id.daddr,
		info->family == AF_INET ? sizeof(info->id.daddr.a4) : sizeof(key.destination));
	return gw_siphash_128(xfrm->secret, &key, sizeof(key)).low;
}

// Those without an SPI are told apart by what they were wanted for, as the kernel does.
static bool is_same(const struct xfrm_usersa_info *a, const struct xfrm_usersa_info *b)
{
	return a->family == b->family && a->id.spi == b->id.spi && a->id.proto == b->id.proto &&
	       same_address(&a->id.daddr, &b->id.daddr, a->family) &&
	       (a->id.spi != 0 || (a->mode == b->mode && a->reqid == b->reqid &&
					  same_address(&a->saddr, &b->saddr, a->family)));
}

static struct gateway_larval *find(struct gateway_xfrm *xfrm, const struct xfrm_usersa_info *info)
{
	struct gw_index_link *link = gw_index_first(&xfrm->larvals_by_id, hash_of(xfrm, info));

	for (; link; link = gw_index_next(link)) {
		struct gateway_larval *larval = container_of(link, struct gateway_larval, by_id);

		if (is_same(&larval->info, info))
			return larval;
	}
	return NULL;
}

static void drop(struct gateway_xfrm *xfrm, struct gateway_larval *larval)
{
	gw_index_remove(&xfrm->larvals_by_id, &larval->by_id);
	TAILQ_REMOVE(&xfrm->larvals, larval, next);
	free(larval);
}

// Nothing depends on one: without memory nobody will be told of its end.
void gateway_xfrm_larval_add(struct gateway *gateway, const struct xfrm_usersa_info *info)
{
	struct gateway_xfrm *xfrm = gateway->xfrm;
	uint32_t seconds = gateway->config->spi_hold_seconds;
	struct gateway_larval *larval = find(xfrm, info);

	if (larval)
		drop(xfrm, larval);
	larval = calloc(1, sizeof(*larval));
	if (!larval)
		return;
	larval->info = *info;
	larval->info.lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = XFRM_INF,
		.hard_byte_limit = XFRM_INF,
		.soft_packet_limit = XFRM_INF,
		.hard_packet_limit = XFRM_INF,
		.hard_add_expires_seconds = seconds,
	};
	larval->info.curlft.add_time = (uint64_t)time(NULL);
	larval->ends_ns = gw_clock_ns() + seconds * NS_PER_SECOND;
	gw_index_insert(&xfrm->larvals_by_id, &larval->by_id, hash_of(xfrm, info));
	TAILQ_INSERT_TAIL(&xfrm->larvals, larval, next);
}

void gateway_xfrm_larval_settle(struct gateway *gateway, const struct xfrm_usersa_info *info)
{
	struct xfrm_usersa_info wanted = *info;
	struct gateway_larval *larval = find(gateway->xfrm, info);

	if (larval)
		drop(gateway->xfrm, larval);
	wanted.id.spi = 0;
	larval = find(gateway->xfrm, &wanted);
	if (larval)
		drop(gateway->xfrm, larval);
}

void gateway_xfrm_larval_release(struct gateway *gateway, const struct xfrm_usersa_id *id)
{
	struct xfrm_usersa_info info = { .family = id->family,
		.id = { .daddr = id->daddr, .spi = id->spi, .proto = id->proto } };
	struct gateway_larval *larval = find(gateway->xfrm, &info);

	if (larval && id->spi)
		drop(gateway->xfrm, larval);
}

// An SPI's SA may have come over the control socket.
static bool has_come(struct gateway *gateway, const struct xfrm_usersa_info *info)
{
	struct xfrm_usersa_id wire = { .daddr = info->id.daddr,
		.spi = info->id.spi,
		.family = info->family,
		.proto = info->id.proto };
	struct gw_sa_id id;

	if (!info->id.spi || !gw_xfrm_sa_id_read(&wire, &id))
		return false;
	id.direction = GW_DIRECTION_IN;
	return gw_sa_find(gateway->ipsec, &id);
}

void gateway_xfrm_larval_tick(struct gateway *gateway)
{
	uint64_t now_ns = gw_clock_ns();
	struct gateway_larval *larval;

	if (!gateway->xfrm)
		return;
	while ((larval = TAILQ_FIRST(&gateway->xfrm->larvals)) && larval->ends_ns <= now_ns) {
		if (!has_come(gateway, &larval->info))
			gateway_xfrm_expire_larval(gateway, &larval->info);
		drop(gateway->xfrm, larval);
	}
}

int gateway_xfrm_larval_init(struct gateway_xfrm *xfrm)
{
	return gw_index_init(&xfrm->larvals_by_id, LARVALS_EXPECTED);
}

void gateway_xfrm_larval_free(struct gateway_xfrm *xfrm)
{
	struct gateway_larval *larval;

	while ((larval = TAILQ_FIRST(&xfrm->larvals)))
		drop(xfrm, larval);
	gw_index_fini(&xfrm->larvals_by_id);
}
