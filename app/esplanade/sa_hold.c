// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Packets of a policy that has no SA wait here, a few for each reqid and not for long, while the
// key exchange makes one (RFC 4301 section 4.4.1 leaves it open; dropping them costs the first
// connection a second or more). They go through the outbound SPD once more, so none leaves in
// clear.

#include "esplanade/parts.h"

#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "graph/packet.h"
#include "ipsec/lifetime.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static struct gw_addr key_of(uint32_t reqid)
{
	struct gw_addr key = { .family = 4 };

	memcpy(key.bytes, &reqid, sizeof(reqid));
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

static bool has_sa(struct gateway *gateway, uint32_t reqid)
{
	const struct gw_sa *sa = gw_sa_newest(gateway->ipsec, reqid);

	return sa && !gw_lifetime_ended(sa);
}

void gateway_sa_hold_add(struct gateway *gateway, struct rte_mbuf *mbuf)
{
	uint32_t reqid = (uint32_t)gw_packet(mbuf)->sequence;
	struct gw_addr key = key_of(reqid);

	// The SA may have come since the worker looked: nobody would tell a second time.
	if (has_sa(gateway, reqid))
		release(gateway, mbuf);
	else if (gw_hold_add(gateway->sa_hold, 0, &key, mbuf, gw_clock_ns()) == GW_HOLD_FULL)
		drop(gateway, mbuf, GW_DROP_SPD_OUT_HOLD_FULL);
}

void gateway_sa_hold_changed(struct gateway *gateway, uint32_t reqid)
{
	struct gw_addr key = key_of(reqid);

	if (gateway->sa_hold && has_sa(gateway, reqid))
		gw_hold_release(gateway->sa_hold, 0, &key, release, gateway);
}

static void give_up(void *ctx, struct rte_mbuf *mbuf)
{
	drop(ctx, mbuf, GW_DROP_SPD_OUT_HOLD_TIMEOUT);
}

static void wait_on(void *, uint8_t, const struct gw_addr *)
{
}

void gateway_sa_hold_tick(struct gateway *gateway)
{
	if (gateway->sa_hold)
		gw_hold_expire(gateway->sa_hold, gw_clock_ns(),
			gateway->config->sa_queue_seconds * NS_PER_SECOND, give_up, wait_on,
			gateway);
}
