// Called by: worker (esp_decrypt and ah_input)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/engine.h"
#include "graph/buffer.h"
#include "graph/expiry.h"
#include "graph/mss_clamp.h"
#include "graph/node.h"
#include "ipsec/replay_view.h"

// What opening a packet is the same for with ESP and AH: the SA's end, the replay window, the
// counters. Each node first goes through its packets with gw_open_run, gw_open_take and
// gw_open_number, has the engine verify all of them, and then goes through them with gw_open_accept
// and gw_open_finish; esp_decrypt, whose packets are many, records their numbers in between, SA by
// SA (gw_open_record). Packets of one SA that follow each other share what is asked about the SA,
// and are counted together.

// The reasons to drop a packet in the words of one of the protocols.
struct gw_open_words {
	enum gw_drop sequence_zero, replay, too_old, integrity;
};

static __rte_always_inline enum gw_drop gw_open_verdict(
	enum gw_replay_verdict verdict, const struct gw_open_words *words)
{
	switch (verdict) {
	case GW_REPLAY_SEEN:
		return words->replay;
	case GW_REPLAY_TOO_OLD:
		return words->too_old;
	default:
		return GW_DROP_COUNT;
	}
}

// What packets of one SA that follow each other have in common on their way to the engine.
struct gw_open_run {
	struct gw_sa *sa; // NULL: none yet
	bool over;        // the SA has ended
	struct gw_replay_view window;
};

// Goes on to the SA of the next packet.
static __rte_always_inline void gw_open_run(
	struct gw_open_run *run, const struct gw_worker *worker, struct gw_sa *sa)
{
	if (likely(sa == run->sa))
		return;
	run->sa = sa;
	run->over = gw_expiry_is_over(worker, sa);
	gw_replay_look(&run->window, sa->replay);
}

// The run's next packet, at place, contiguous and ours alone with back bytes behind it, of an SA
// that has not ended. NULL: it is marked for the drop node.
static __rte_always_inline struct rte_mbuf *gw_open_take(
	const struct gw_open_run *run, const struct gw_worker *worker, void **place, uint16_t back)
{
	struct rte_mbuf *mbuf = gw_buffer_own(worker, *place, 0, back);

	if (unlikely(!mbuf)) {
		gw_packet(*place)->drop = GW_DROP_NO_BUFFER;
		return NULL;
	}
	*place = mbuf;
	if (unlikely(run->over)) {
		gw_packet(mbuf)->drop = GW_DROP_SA_EXPIRED;
		return NULL;
	}
	return mbuf;
}

// The 64-bit number for the 32 bits in the packet, unless it was seen or is too old.
static __rte_always_inline enum gw_drop gw_open_number(struct gw_open_run *run, rte_be32_t low,
	const struct gw_open_words *words, uint64_t *sequence)
{
	*sequence = gw_replay_number(&run->window, rte_be_to_cpu_32(low), run->sa->esn);
	if (unlikely(*sequence == 0))
		return words->sequence_zero;
	return gw_open_verdict(gw_replay_see(&run->window, *sequence), words);
}

// Records the number of an authentic packet, which then is the SA's highest or not: of two copies
// in flight one wins.
static inline enum gw_replay_verdict gw_open_record_one(
	struct gw_sa *sa, enum gw_crypto_status status, uint64_t sequence)
{
	enum gw_replay_verdict verdict = GW_REPLAY_NEW;

	if (likely(status == GW_CRYPTO_OK))
		gw_replay_record_all(sa->replay, &sequence, 1, &verdict);
	return verdict;
}

// The same for count ops, of which op i is of the packet at position[i]. Each SA has a key of its
// own: where that is the same, so is the SA.
static inline void gw_open_record(void **packets, const uint16_t *position,
	const struct gw_crypto_op *ops, unsigned int count, enum gw_replay_verdict *verdicts)
{
	uint64_t sequences[GW_VECTOR];

	for (unsigned int done = 0, run; done < count; done += run) {
		for (run = 0; done + run < count; run++) {
			const struct gw_crypto_op *op = &ops[done + run];

			if (op->status != GW_CRYPTO_OK || op->key != ops[done].key)
				break;
			sequences[run] = op->sequence;
		}
		if (likely(run))
			gw_replay_record_all(gw_packet(packets[position[done]])->sa->replay,
				sequences, run, verdicts + done);
		else
			run = 1; // not authentic: it has no verdict
	}
}

// What packets of one SA that follow each other carried.
struct gw_open_tally {
	struct gw_sa *sa;  // NULL: none yet
	uint32_t received; // authentic ones
	uint32_t packets;  // those of which the inner packet goes on
	uint64_t bytes;    // of these
	uint64_t lifetime_bytes;
};

static inline void gw_open_flush(const struct gw_worker *worker, const struct gw_open_tally *tally)
{
	struct gw_sa *sa = tally->sa;

	if (!tally->received)
		return;
	sa->counters[worker->index].received += tally->received;
	if (tally->packets)
		gw_sa_count_packets(
			sa, worker->index, tally->packets, tally->bytes, worker->now_ns);
	if (unlikely(sa->limits & (GW_LIMIT_BYTES | GW_LIMIT_PACKETS | GW_LIMIT_USE)))
		gw_expiry_count(worker, sa, tally->received, tally->lifetime_bytes);
}

// Goes on to the SA of the next packet. Whether it is another than before.
static __rte_always_inline bool gw_open_tally(
	struct gw_open_tally *tally, const struct gw_worker *worker, struct gw_sa *sa)
{
	if (likely(sa == tally->sa))
		return false;
	gw_open_flush(worker, tally);
	*tally = (struct gw_open_tally){ .sa = sa };
	return true;
}

// What the engine found, and the verdict about the number of an authentic packet of the tally's SA.
static __rte_always_inline enum gw_drop gw_open_accept(const struct gw_worker *worker,
	struct gw_open_tally *tally, enum gw_crypto_status status, enum gw_replay_verdict verdict,
	const struct gw_open_words *words)
{
	enum gw_drop reason;

	if (unlikely(status != GW_CRYPTO_OK)) {
		if (status != GW_CRYPTO_BAD_ICV)
			return GW_DROP_CRYPTO_FAILED;
		gw_expiry_forged(worker, tally->sa, words->integrity);
		return words->integrity;
	}
	reason = gw_open_verdict(verdict, words);
	if (likely(reason == GW_DROP_COUNT))
		tally->received++;
	return reason;
}

// The end of an authentic packet's way through the node: reason is why what was inside is dropped,
// or GW_DROP_COUNT; then it goes by edge in. Of what is dropped the SA's lifetime counts the bytes
// that were sealed: the peer sent them, once.
static __rte_always_inline uint8_t gw_open_finish(struct gw_open_tally *tally,
	struct rte_mbuf *mbuf, enum gw_drop reason, uint32_t sealed_bytes, uint8_t in, uint8_t drop)
{
	struct gw_packet *packet = gw_packet(mbuf);

	if (unlikely(reason != GW_DROP_COUNT)) {
		tally->lifetime_bytes += sealed_bytes;
		return gw_to_drop(packet, reason, drop);
	}
	tally->lifetime_bytes += packet->ip_bytes;
	tally->packets++;
	tally->bytes += packet->ip_bytes;
	gw_mss_clamp(mbuf, packet);
	return in;
}
