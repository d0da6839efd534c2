// Called by: worker
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "graph/worker.h"

// Cuts the packet to size bytes at its end, over as many segments as that takes. -EINVAL when it is
// shorter.
int gw_buffer_trim(struct rte_mbuf *mbuf, uint32_t size);

// Copies count bytes from offset of a chain to target; the caller has proved that they are there.
void gw_buffer_read(const struct rte_mbuf *mbuf, uint32_t offset, uint32_t count, uint8_t *target);

// An empty contiguous buffer with the usual headroom and room for size bytes; NULL when there is
// none.
struct rte_mbuf *gw_buffer_new(const struct gw_worker *worker, uint32_t size);

// A copy in a new contiguous buffer, meta data included, with mbuf freed. NULL when there is no
// buffer: mbuf is then still the caller's.
struct rte_mbuf *gw_buffer_replace(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, uint16_t tailroom);

// One contiguous buffer that nobody else holds. References and segments stand in one word of the
// mbuf.
static __rte_always_inline bool gw_buffer_is_own(const struct rte_mbuf *mbuf)
{
	const uint64_t looked_at = UINT64_C(0xffffffff0000), one_of_each = UINT64_C(0x100010000);
	uint64_t word;

	static_assert(offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2,
		"the word's second part");
	static_assert(offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, data_off) + 4,
		"its third");
	memcpy(&word, &mbuf->data_off, sizeof(word));
	return (rte_le_to_cpu_64(word) & looked_at) == one_of_each && RTE_MBUF_DIRECT(mbuf);
}

// Crypto works in place on one contiguous buffer that nobody else holds. Returns mbuf itself when
// it is such a buffer with head and tail room to spare, or what gw_buffer_replace returns.
static inline struct rte_mbuf *gw_buffer_own(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, uint16_t headroom, uint16_t tailroom)
{
	if (likely(gw_buffer_is_own(mbuf) && rte_pktmbuf_headroom(mbuf) >= headroom &&
		    rte_pktmbuf_tailroom(mbuf) >= tailroom))
		return mbuf;
	return gw_buffer_replace(worker, mbuf, tailroom);
}

// A copy in a contiguous buffer of its own, meta data included, with bytes from offset on: count of
// them. NULL when there is no buffer.
struct rte_mbuf *gw_buffer_copy(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, uint32_t offset, uint32_t count);
