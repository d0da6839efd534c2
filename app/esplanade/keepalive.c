// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// NAT keepalives: made here and handed to a worker, which routes and sends them like packets that
// waited for a neighbour. They are the gateway's own, so that no policy is asked.

#include "esplanade/parts.h"

#include <netinet/in.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "base/log.h"
#include "graph/packet.h"

void gateway_keepalive_changed(struct gateway *gateway, struct gw_sa *sa, bool there)
{
	if (!there)
		gw_keepalives_remove(gateway->keepalives, sa);
	else if (gw_keepalives_add(gateway->keepalives, sa, gw_clock_ns()) != 0)
		gw_log_error("no memory for the keepalives of the SA with SPI 0x%08x: none is sent",
			sa->spec.spi);
}

static void describe(struct rte_mbuf *mbuf, const struct gw_sa *sa)
{
	struct gw_packet *packet = gw_packet_init(mbuf, 0, GW_SIDE_UNPROTECTED);

	packet->marks = GW_MARK_AUTHORISED | GW_MARK_OWN | GW_MARK_SEALED | GW_MARK_SPD_OUT;
	packet->flow.family = sa->outer_family;
	packet->flow.protocol = IPPROTO_UDP;
	packet->ip_bytes = mbuf->pkt_len;
	packet->header_bytes = (uint16_t)(sa->outer_bytes - sa->udp_bytes);
}

static void send_one(void *ctx, struct gw_sa *sa)
{
	struct gateway *gateway = ctx;
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(dataplane->buffers);
	struct gw_worker *worker;
	char *room;

	if (!mbuf) {
		gw_count_drop(&gateway->counters, GW_DROP_NO_BUFFER);
		return;
	}
	room = rte_pktmbuf_append(mbuf, (uint16_t)(sa->outer_bytes + GW_KEEPALIVE_BYTES));
	gw_keepalive_write(sa, (uint8_t *)room);
	describe(mbuf, sa);
	worker = dataplane->workers[gateway->keepalives_sent % dataplane->worker_count];
	if (rte_ring_sp_enqueue(worker->from_control, mbuf) == 0) {
		gateway->keepalives_sent++;
		return;
	}
	gw_count_drop(&gateway->counters, GW_DROP_WORKER_QUEUE_FULL);
	rte_pktmbuf_free(mbuf);
}

void gateway_keepalive_tick(struct gateway *gateway)
{
	gw_keepalives_tick(gateway->keepalives, gateway->dataplane.worker_count, gw_clock_ns(),
		send_one, gateway);
}
