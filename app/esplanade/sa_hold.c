// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets of a policy that has no SA wait here, a few for each SA that is asked for and not for
// long, while the key exchange makes one (RFC 4301 section 4.4.1 leaves it open; dropping them
// costs the first connection a second or more). They go through the outbound SPD once more, so none
// leaves in clear.

#include "esplanade/parts.h"

#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "graph/acquire.h"
#include "graph/packet.h"
#include "ipsec/lifetime.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static struct gw_addr key_of(const struct rte_mbuf *mbuf)
{
	const struct gw_packet *packet = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)mbuf);
	struct gw_addr key = { .family = 6 };

	memcpy(key.bytes, &packet->sequence, sizeof(packet->sequence));
	return key;
}

static void drop(struct gateway *gateway, struct rte_mbuf *mbuf, enum gw_drop reason)
{
	gw_count_drop(&gateway->counters, reason);
	rte_pktmbuf_free(mbuf);
}

static void release(void *ctx, struct rte_mbuf *mbuf)
{
	struct gateway *gateway = ctx;
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	struct gw_worker *worker =
		dataplane->workers[gw_packet(mbuf)->port % dataplane->worker_count];

	if (rte_ring_sp_enqueue(worker->from_control, mbuf) != 0)
		drop(gateway, mbuf, GW_DROP_WORKER_QUEUE_FULL);
}

static bool has_sa(void *ctx, const struct rte_mbuf *mbuf)
{
	const struct gw_packet *packet = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)mbuf);
	struct gateway *gateway = ctx;
	const struct gw_sa *sa = gw_sa_carrier(gateway->ipsec, gw_wait_reqid(packet->sequence),
		&packet->flow, gw_wait_populated(packet->sequence));

	return sa && !gw_lifetime_ended(sa);
}

void gateway_sa_hold_add(struct gateway *gateway, struct rte_mbuf *mbuf)
{
	struct gw_addr key = key_of(mbuf);

	// The SA may have come since the worker looked: nobody would tell a second time.
	if (has_sa(gateway, mbuf))
		release(gateway, mbuf);
	else if (gw_hold_add(gateway->sa_hold, 0, &key, mbuf, gw_clock_ns()) == GW_HOLD_FULL)
		drop(gateway, mbuf, GW_DROP_SPD_OUT_HOLD_FULL);
}

struct change {
	struct gateway *gateway;
	uint32_t reqid;
};

static bool has_sa_now(void *ctx, const struct rte_mbuf *mbuf)
{
	const struct gw_packet *packet = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)mbuf);
	const struct change *change = ctx;

	return gw_wait_reqid(packet->sequence) == change->reqid && has_sa(change->gateway, mbuf);
}

static void release_one(void *ctx, struct rte_mbuf *mbuf)
{
	const struct change *change = ctx;

	release(change->gateway, mbuf);
}

void gateway_sa_hold_changed(struct gateway *gateway, uint32_t reqid)
{
	struct change change = { gateway, reqid };

	if (gateway->sa_hold)
		gw_hold_release_ready(gateway->sa_hold, has_sa_now, release_one, &change);
}

static void give_up(void *ctx, struct rte_mbuf *mbuf)
{
	drop(ctx, mbuf, GW_DROP_SPD_OUT_HOLD_TIMEOUT);
}

static void wait_on(void *, uint16_t, const struct gw_addr *)
{
}

void gateway_sa_hold_tick(struct gateway *gateway)
{
	if (gateway->sa_hold)
		gw_hold_expire(gateway->sa_hold, gw_clock_ns(),
			gateway->config->sa_queue_seconds * NS_PER_SECOND, give_up, wait_on,
			gateway);
}
