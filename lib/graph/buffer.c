// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "graph/buffer.h"

#include <errno.h>

#include "graph/packet.h"

int gw_buffer_trim(struct rte_mbuf *mbuf, uint32_t size)
{
	struct rte_mbuf *last = mbuf;
	uint32_t before = 0;
	uint16_t segments = 1;

	if (size > mbuf->pkt_len)
		return -EINVAL;
	while (before + last->data_len < size) {
		before += last->data_len;
		last = last->next;
		segments++;
	}
	rte_pktmbuf_free(last->next);
	last->next = NULL;
	last->data_len = (uint16_t)(size - before);
	mbuf->nb_segs = segments;
	mbuf->pkt_len = size;
	return 0;
}

struct rte_mbuf *gw_buffer_new(const struct gw_worker *worker, uint32_t size)
{
	const struct gw_dataplane *dataplane = worker->dataplane;
	struct rte_mempool *pool = dataplane->buffers;
	struct rte_mbuf *mbuf;

	if (size + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
		pool = dataplane->linear;
	if (size + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
		return NULL;
	mbuf = rte_pktmbuf_alloc(pool);
	if (mbuf)
		mbuf->data_off = RTE_PKTMBUF_HEADROOM;
	return mbuf;
}

void gw_buffer_read(const struct rte_mbuf *mbuf, uint32_t offset, uint32_t count, uint8_t *target)
{
	const void *data = rte_pktmbuf_read(mbuf, offset, count, target);

	if (data != target)
		memcpy(target, data, count);
}

static struct rte_mbuf *copy(const struct gw_worker *worker, struct rte_mbuf *mbuf, uint32_t offset,
	uint32_t count, uint16_t tailroom)
{
	struct rte_mbuf *clone;

	if (offset > mbuf->pkt_len || count > mbuf->pkt_len - offset)
		return NULL;
	clone = gw_buffer_new(worker, count + tailroom);
	if (!clone)
		return NULL;
	clone->port = mbuf->port;
	clone->data_len = (uint16_t)count;
	clone->pkt_len = count;
	gw_buffer_read(mbuf, offset, count, rte_pktmbuf_mtod(clone, uint8_t *));
	*gw_packet(clone) = *gw_packet(mbuf);
	return clone;
}

struct rte_mbuf *gw_buffer_replace(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, uint16_t tailroom)
{
	struct rte_mbuf *clone = copy(worker, mbuf, 0, mbuf->pkt_len, tailroom);

	if (clone)
		rte_pktmbuf_free(mbuf);
	return clone;
}

struct rte_mbuf *gw_buffer_copy(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, uint32_t offset, uint32_t count)
{
	return copy(worker, mbuf, offset, count, 0);
}
