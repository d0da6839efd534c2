// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// sa.send_dummy: dummy packets (RFC 4303 section 2.6) for an outbound SA. Random bytes are put into
// packet buffers here; a worker seals them with the SA like any packet.

#include "esplanade/methods.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_mbuf.h>
#include <rte_random.h>
#include <rte_ring.h>

#include "graph/packet.h"

#define MOST_AT_ONCE  512 // half of what a worker's queue holds
#define RANDOM_LENGTH UINT16_MAX

struct order {
	struct gateway *gateway;
	struct gw_sa_id id;
	uint32_t count;
	uint16_t bytes; // of each, or RANDOM_LENGTH
	uint16_t most;
};

static const struct gw_field fields[] = {
	{ .name = "count",
		.read = gw_read_u32,
		.offset = offsetof(struct order, count),
		.least = 1,
		.most = MOST_AT_ONCE,
		.help = "How many to send." },
	{ .name = "bytes",
		.read = gw_read_u16,
		.offset = offsetof(struct order, bytes),
		.least = 0,
		.most = RANDOM_LENGTH - 1,
		.help = "How long each is inside; left out: a random length that fits the path." },
};

static struct rte_mbuf *make(const struct order *order)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(order->gateway->dataplane.linear);
	uint16_t bytes = order->bytes == RANDOM_LENGTH ? (uint16_t)rte_rand_max(order->most + 1u)
						       : order->bytes;
	struct gw_packet *packet;
	void *room;

	if (!mbuf)
		return NULL;
	room = rte_pktmbuf_append(mbuf, bytes);
	if (!room || getrandom(room, bytes, 0) != bytes) {
		rte_pktmbuf_free(mbuf);
		return NULL;
	}
	packet = gw_packet_init(mbuf, 0, GW_SIDE_PROTECTED);
	packet->marks = GW_MARK_DUMMY | GW_MARK_OWN | GW_MARK_SPD_OUT;
	packet->sequence = rte_cpu_to_be_32(order->id.spi);
	packet->flow.family = order->id.destination.family;
	packet->flow.protocol = IPPROTO_NONE;
	memcpy(packet->flow.destination, order->id.destination.bytes,
		sizeof(packet->flow.destination));
	packet->ip_bytes = bytes;
	packet->dont_fragment = 1;
	return mbuf;
}

static void commit(void *, void *item)
{
	struct order *order = item;
	struct gateway *gateway = order->gateway;
	struct rte_ring *ring = gateway->dataplane.workers[0]->from_control;

	for (uint32_t i = 0; i < order->count; i++) {
		struct rte_mbuf *mbuf = make(order);

		if (!mbuf) {
			gw_count_drop(&gateway->counters, GW_DROP_NO_BUFFER);
		} else if (rte_ring_sp_enqueue(ring, mbuf) != 0) {
			gw_count_drop(&gateway->counters, GW_DROP_WORKER_QUEUE_FULL);
			rte_pktmbuf_free(mbuf);
		}
	}
	free(order);
}

static void drop_order(void *, void *item)
{
	free(item);
}

// Moves the members that are not the SA's id from params to a new object.
static json_t *take_rest(json_t *params)
{
	json_t *rest = json_object();

	for (size_t i = 0; i < RTE_DIM(fields); i++) {
		json_t *value = json_object_get(params, fields[i].name);

		if (value && json_object_set(rest, fields[i].name, value) == 0)
			json_object_del(params, fields[i].name);
	}
	return rest;
}

static int read(json_t *params, struct order *order, struct gw_error *err)
{
	json_t *id = json_copy(params), *rest = take_rest(id);
	int rc = gw_sa_id_read(id, &order->id, err);

	if (rc == 0)
		rc = gw_fields_read(rest, NULL, fields, RTE_DIM(fields), order, err);
	json_decref(id);
	json_decref(rest);
	return rc;
}

// The largest payload of the SA that its path takes.
static uint16_t largest(const struct gw_sa *sa)
{
	uint16_t mtu = gw_sa_inner_mtu_now(sa);
	uint16_t own = sa->mode == GW_MODE_TRANSPORT ? sa->outer_bytes - sa->udp_bytes : 0;

	return mtu > own ? (uint16_t)(mtu - own) : 0;
}

static int check(struct gateway *gateway, struct order *order, struct gw_error *err)
{
	struct gw_sa *sa = gw_sa_find(gateway->ipsec, &order->id);

	if (!sa)
		return gw_error_set(err, ENOENT,
			"there is no such SA: compare direction, spi and destination with sa.list");
	if (sa->direction != GW_DIRECTION_OUT || sa->protocol != GW_PROTOCOL_ESP)
		return gw_error_set(err, EINVAL,
			"dummy packets leave by outbound SAs of ESP (RFC 4303 section 2.6)");
	order->most = largest(sa);
	if (order->bytes != RANDOM_LENGTH && order->bytes > order->most)
		return gw_error_at(err, EINVAL, NULL, "bytes",
			"is %u, but the SA's path takes %u inside at most", order->bytes,
			order->most);
	return gw_sa_reach(gateway->ipsec, &order->id, err);
}

json_t *gateway_sa_send_dummy(struct gw_rpc_call *call, json_t *params)
{
	struct order *order = calloc(1, sizeof(*order));
	struct gw_txn_step step = { commit, drop_order, NULL, order };

	if (!order) {
		gw_error_set(call->err, ENOMEM, "out of memory");
		return NULL;
	}
	*order = (struct order){ .gateway = call->ctx, .count = 1, .bytes = RANDOM_LENGTH };
	if (read(params, order, call->err) != 0 || check(call->ctx, order, call->err) != 0) {
		free(order);
		return NULL;
	}
	if (gw_txn_add(call->txn, &step) < 0) {
		free(order);
		gw_error_set(call->err, ENOMEM, "out of memory");
		return NULL;
	}
	return gateway_result("sent", order->count);
}
