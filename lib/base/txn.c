// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/txn.h"

#include <errno.h>
#include <stdlib.h>

struct gw_txn {
	struct gw_txn_step *steps;
	size_t count;
	size_t room;
};

struct gw_txn *gw_txn_new(void)
{
	return calloc(1, sizeof(struct gw_txn));
}

int gw_txn_add(struct gw_txn *txn, const struct gw_txn_step *step)
{
	if (txn->count == txn->room) {
		size_t room = txn->room ? 2 * txn->room : 4;
		struct gw_txn_step *steps = reallocarray(txn->steps, room, sizeof(*steps));

		if (!steps)
			return -ENOMEM;
		txn->steps = steps;
		txn->room = room;
	}
	txn->steps[txn->count++] = *step;
	return 0;
}

static void txn_free(struct gw_txn *txn)
{
	free(txn->steps);
	free(txn);
}

void gw_txn_commit(struct gw_txn *txn)
{
	for (size_t i = 0; i < txn->count; i++)
		txn->steps[i].commit(txn->steps[i].owner, txn->steps[i].item);
	txn_free(txn);
}

void gw_txn_abort(struct gw_txn *txn)
{
	for (size_t i = txn->count; i-- > 0;)
		txn->steps[i].abort(txn->steps[i].owner, txn->steps[i].item);
	txn_free(txn);
}
