// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/reclaim.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <rte_rcu_qsbr.h>

#include "base/slab.h"

struct waiting {
	STAILQ_ENTRY(waiting) next;
	uint64_t token; // the grace period that has to end
	void (*release)(void *);
	void *object;
};

struct gw_reclaim {
	struct rte_rcu_qsbr *qsbr;
	STAILQ_HEAD(, waiting) queue; // oldest first
	unsigned int count;
};

struct gw_reclaim *gw_reclaim_new(struct rte_rcu_qsbr *qsbr)
{
	struct gw_reclaim *reclaim = calloc(1, sizeof(*reclaim));

	if (reclaim) {
		reclaim->qsbr = qsbr;
		STAILQ_INIT(&reclaim->queue);
	}
	return reclaim;
}

void gw_reclaim_later(struct gw_reclaim *reclaim, void (*release)(void *), void *object)
{
	struct waiting *entry = gw_slab_take(&gw_slab_private, sizeof(*entry));

	if (!entry) {
		rte_rcu_qsbr_synchronize(reclaim->qsbr, RTE_QSBR_THRID_INVALID);
		release(object);
		return;
	}
	entry->token = rte_rcu_qsbr_start(reclaim->qsbr);
	entry->release = release;
	entry->object = object;
	STAILQ_INSERT_TAIL(&reclaim->queue, entry, next);
	reclaim->count++;
}

unsigned int gw_reclaim_poll(struct gw_reclaim *reclaim)
{
	struct waiting *entry;

	while ((entry = STAILQ_FIRST(&reclaim->queue)) &&
		rte_rcu_qsbr_check(reclaim->qsbr, entry->token, false) == 1) {
		STAILQ_REMOVE_HEAD(&reclaim->queue, next);
		reclaim->count--;
		entry->release(entry->object);
		gw_slab_give(&gw_slab_private, entry, sizeof(*entry));
	}
	return reclaim->count;
}

void gw_reclaim_free(struct gw_reclaim *reclaim)
{
	if (!reclaim)
		return;
	rte_rcu_qsbr_synchronize(reclaim->qsbr, RTE_QSBR_THRID_INVALID);
	gw_reclaim_poll(reclaim);
	free(reclaim);
}
