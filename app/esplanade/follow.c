// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Peers of SAs in UDP that move: another address or port, because a NAT between changed its mind.
// Each change is told; where the inbound SA has follow_peer, what goes out to the peer goes with it
// (RFC 7296 section 2.23). The change takes the same way as sa.update's: keys, sequence numbers and
// windows go on.
//
// Whoever can hold back a peer's newest packet and send it on from elsewhere moves the peer until
// its next packet comes. So a change is made at most once a second for an SA, and so many in all.

#include "esplanade/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/events.h"

#define APART_NS        UINT64_C(1000000000)
#define MOST_PER_SECOND 200

// SAs whose turn comes later. At most one for each SA that was ever told of and not taken yet, and
// named by id, because the SA may be deleted meanwhile.
struct waiting {
	STAILQ_ENTRY(waiting) next;
	struct gw_sa_id id;
	uint64_t due_ns;
};
static STAILQ_HEAD(, waiting) queue = STAILQ_HEAD_INITIALIZER(queue);
static struct gw_bucket bucket;

struct move {
	struct gateway *gateway;
	struct gw_txn *txn;
	const struct gw_sa *in;
	struct gateway_place old, fresh;
	struct gw_error err;
};

// The SAs that send to where the peer was, from where it sends to.
static int stage_out(void *ctx, const struct gw_sa *sa)
{
	struct move *move = ctx;
	struct gw_sa_update update = {
		.id = gw_sa_spec_id(&sa->spec),
		.new_destination = move->fresh.address,
		.encapsulation.destination_port = move->fresh.port,
	};

	if (!sa->udp_bytes || sa->spec.encapsulation.destination_port != move->old.port ||
		!gw_addr_equal(&sa->spec.destination, &move->old.address) ||
		!gw_addr_equal(&sa->spec.source, &move->in->spec.destination))
		return 0;
	return gw_sa_update(move->gateway->ipsec, move->txn, &update, &move->err);
}

static int stage(struct move *move)
{
	struct gw_ipsec_db *db = move->gateway->ipsec;
	struct gw_sa_update update = {
		.id = gw_sa_spec_id(&move->in->spec),
		.source = move->fresh.address,
		.encapsulation.source_port = move->fresh.port,
	};
	int rc = gw_sa_update(db, move->txn, &update, &move->err);

	return rc ? rc : gw_sa_each_out(db, move->in->reqid, move->in->interface, stage_out, move);
}

// In transport mode the address is the packets' own, which policies and hosts count on: only the
// port is followed.
static bool may_follow(const struct move *move)
{
	return move->in->spec.encapsulation.follow_peer &&
	       (move->in->mode == GW_MODE_TUNNEL ||
		       gw_addr_equal(&move->old.address, &move->fresh.address));
}

static bool follow(struct move *move)
{
	char text[600];

	move->txn = gw_txn_new();
	if (move->txn && stage(move) == 0) {
		gw_txn_commit(move->txn);
		return true;
	}
	gw_log_warning("the peer of the inbound SA with SPI 0x%08x has moved and cannot be "
		       "followed: %s",
		move->in->spec.spi,
		move->txn ? gw_error_string(&move->err, text, sizeof(text)) : "out of memory");
	if (move->txn)
		gw_txn_abort(move->txn);
	return false;
}

static void take(struct gateway *gateway, struct gw_sa *sa, uint64_t now_ns)
{
	struct move move = {
		.gateway = gateway,
		.in = sa,
		.old = { sa->peer, sa->peer_port },
		.fresh = { sa->seen, sa->seen_port },
	};
	bool followed;

	sa->follow_waits = false;
	if (gw_addr_equal(&sa->peer, &sa->seen) && sa->peer_port == sa->seen_port)
		return; // it came back
	sa->followed_ns = now_ns;
	followed = may_follow(&move) && follow(&move);
	gateway_event_mapping(gateway, sa, &move.old, &move.fresh, followed);
	sa->peer = move.fresh.address;
	sa->peer_port = move.fresh.port;
}

// Without memory the change is told and followed when the peer moves again.
static void wait(struct gw_sa *sa, uint64_t due_ns)
{
	struct waiting *waiting = malloc(sizeof(*waiting));

	if (!waiting)
		return;
	*waiting = (struct waiting){ .id = gw_sa_spec_id(&sa->spec), .due_ns = due_ns };
	STAILQ_INSERT_TAIL(&queue, waiting, next);
	sa->follow_waits = true;
}

static bool is_turn(const struct gw_sa *sa, uint64_t now_ns)
{
	if (!sa->spec.encapsulation.follow_peer)
		return true;
	return STAILQ_EMPTY(&queue) && now_ns - sa->followed_ns >= APART_NS &&
	       gw_bucket_take(&bucket, now_ns, MOST_PER_SECOND);
}

void gateway_follow_moved(struct gateway *gateway, struct gw_sa *sa, const struct gw_flow *flow)
{
	uint64_t now_ns = gw_clock_ns();

	sa->seen = (struct gw_addr){ .family = flow->family };
	memcpy(sa->seen.bytes, flow->source, sizeof(sa->seen.bytes));
	sa->seen_port = flow->source_port;
	if (sa->follow_waits)
		return;
	if (is_turn(sa, now_ns))
		take(gateway, sa, now_ns);
	else
		wait(sa, RTE_MAX(now_ns, sa->followed_ns + APART_NS));
}

void gateway_follow_poll(struct gateway *gateway, uint64_t now_ns)
{
	struct waiting *waiting;

	while ((waiting = STAILQ_FIRST(&queue))) {
		struct gw_sa *sa = gw_sa_find(gateway->ipsec, &waiting->id);

		if (sa && sa->follow_waits) {
			if (now_ns < waiting->due_ns ||
				!gw_bucket_take(&bucket, now_ns, MOST_PER_SECOND))
				return;
			take(gateway, sa, now_ns);
		}
		STAILQ_REMOVE_HEAD(&queue, next);
		free(waiting);
	}
}

void gateway_follow_free(void)
{
	struct waiting *waiting;

	while ((waiting = STAILQ_FIRST(&queue))) {
		STAILQ_REMOVE_HEAD(&queue, next);
		free(waiting);
	}
}
