// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// AH, inbound (RFC 4302 section 3.4, RFC 4301 section 5.2): as esp_decrypt, but nothing is
// decrypted, and the headers before AH are covered too.
//
// For each packet:
//   1. lengths, before anything else is read
//   2. the 64-bit sequence number; refused if it was seen or is too old
//   3. IV, ICV and headers are kept behind the packet; in it, the value and what changes on the way
//      are zero
//   4. verify the ICV; the headers come back
//   5. record the number: of two copies in flight one wins
//   6. next header; in tunnel mode inner IP header and ECN (RFC 6040); in transport mode the
//      packet's own headers move up to its payload

#include "graph/node.h"

#include "crypto/auth.h"
#include "graph/buffer.h"
#include "graph/decapsulate.h"
#include "graph/expiry.h"
#include "graph/mss_clamp.h"
#include "ipsec/ah.h"
#include "ipsec/esp.h"

enum { EDGE_SPD_IN, EDGE_DROP };

// What stands behind the packet while it is verified: room for the engine, the value, the headers.
#define KEPT_VALUE_AT   GW_CRYPTO_AUTH_BACK
#define KEPT_HEADERS_AT (KEPT_VALUE_AT + GW_CRYPTO_AUTH_MAX_VALUE)

// Steps 1 and 2. Returns the reason to drop the packet, or GW_DROP_COUNT.
static enum gw_drop check(const struct gw_packet *packet, const uint8_t *ip, uint64_t *sequence)
{
	const struct gw_sa *sa = packet->sa;
	const struct gw_ah_header *ah = (const struct gw_ah_header *)(ip + packet->header_bytes);
	uint32_t bytes = gw_ah_bytes_received(
		ah->length, packet->flow.family, (uint32_t)sa->iv_bytes + sa->icv_bytes);
	uint64_t top;

	if (bytes == 0 || packet->header_bytes + bytes > packet->ip_bytes)
		return GW_DROP_AH_LENGTH;
	// Relaxed: a value a moment old only makes the window a little wider.
	top = atomic_load_explicit(&sa->replay->top, memory_order_relaxed);
	*sequence =
		gw_replay_infer(top, sa->replay->window, rte_be_to_cpu_32(ah->sequence), sa->esn);
	if (*sequence == 0)
		return GW_DROP_AH_SEQUENCE_ZERO;
	switch (gw_replay_check(sa->replay, *sequence)) {
	case GW_REPLAY_SEEN:
		return GW_DROP_AH_REPLAY;
	case GW_REPLAY_TOO_OLD:
		return GW_DROP_AH_TOO_OLD;
	default:
		return GW_DROP_COUNT;
	}
}

// Step 3. False when it cannot be known what the ICV covers.
static bool prepare(const struct gw_packet *packet, uint8_t *ip, uint64_t sequence,
	struct gw_crypto_auth_op *op)
{
	const struct gw_sa *sa = packet->sa;
	uint32_t value_bytes = (uint32_t)sa->iv_bytes + sa->icv_bytes;
	uint8_t *value = ip + packet->header_bytes + GW_AH_HEADER_BYTES;
	uint8_t *back = ip + packet->ip_bytes;

	*op = (struct gw_crypto_auth_op){
		.key = sa->key,
		.message = ip,
		.bytes = packet->ip_bytes,
		.value = back + KEPT_VALUE_AT,
		.sequence = sequence,
	};
	memcpy(op->value, value, value_bytes);
	memset(value, 0, value_bytes);
	memcpy(back + KEPT_HEADERS_AT, ip, packet->header_bytes);
	return gw_ah_cover(ip, packet->header_bytes);
}

// Reasons in AH's words.
static enum gw_drop translate(enum gw_drop reason)
{
	switch (reason) {
	case GW_DROP_ESP_INNER:
		return GW_DROP_AH_INNER;
	case GW_DROP_ESP_NEXT_HEADER:
		return GW_DROP_AH_NEXT_HEADER;
	default:
		return reason;
	}
}

static enum gw_drop take_out(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint8_t *ah = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, packet->header_bytes);
	const struct gw_ah_header *header = (const struct gw_ah_header *)ah;
	uint32_t bytes = (header->length + 2u) * 4;
	uint32_t data_bytes = packet->ip_bytes - packet->header_bytes - bytes;
	uint8_t next_header = header->next_header;

	if (packet->sa->mode == GW_MODE_TRANSPORT)
		return gw_decapsulate_transport(mbuf, packet, ah + bytes, data_bytes, next_header);
	switch (next_header) {
	case GW_ESP_NEXT_IPV4:
		return gw_decapsulate_tunnel(worker, mbuf, packet, ah + bytes, data_bytes, 4);
	case GW_ESP_NEXT_IPV6:
		return gw_decapsulate_tunnel(worker, mbuf, packet, ah + bytes, data_bytes, 6);
	default:
		return GW_DROP_AH_NEXT_HEADER;
	}
}

// Steps 4 to 6.
static enum gw_drop finish(const struct gw_worker *worker, struct rte_mbuf *mbuf,
	struct gw_packet *packet, const struct gw_crypto_auth_op *op)
{
	struct gw_sa *sa = packet->sa;

	memcpy(op->message, op->message + op->bytes + KEPT_HEADERS_AT, packet->header_bytes);
	if (unlikely(op->status != GW_CRYPTO_OK))
		return op->status == GW_CRYPTO_BAD_ICV ? GW_DROP_AH_INTEGRITY
						       : GW_DROP_CRYPTO_FAILED;
	switch (gw_replay_record(sa->replay, op->sequence)) {
	case GW_REPLAY_SEEN:
		return GW_DROP_AH_REPLAY;
	case GW_REPLAY_TOO_OLD:
		return GW_DROP_AH_TOO_OLD;
	default:
		break;
	}
	sa->counters[worker->index].received++;
	gw_replay_raise(sa->replay, op->sequence);
	return translate(take_out(worker, mbuf, packet));
}

// Whatever may be wrong inside: the peer sent it, once.
static bool is_authentic(enum gw_drop reason)
{
	switch (reason) {
	case GW_DROP_AH_INTEGRITY:
	case GW_DROP_CRYPTO_FAILED:
	case GW_DROP_AH_REPLAY:
	case GW_DROP_AH_TOO_OLD:
		return false;
	default:
		return true;
	}
}

static void count_packet(const struct gw_worker *worker, const struct gw_packet *packet)
{
	struct gw_sa_worker_counters *counters = &packet->sa->counters[worker->index];

	counters->packets++;
	counters->bytes += packet->ip_bytes;
	counters->last_used_ns = worker->now_ns;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_auth_op ops[GW_VECTOR];
	struct gw_expiry_tally tally = {};
	uint16_t position[GW_VECTOR]; // of op i among the packets
	unsigned int ready = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		uint64_t sequence;
		struct rte_mbuf *mbuf;
		enum gw_drop reason;
		uint8_t *ip;

		gw_node_prefetch(packets, i, count);
		mbuf = gw_buffer_own(
			worker, packets[i], 0, (uint16_t)(KEPT_HEADERS_AT + packet->header_bytes));
		if (unlikely(!mbuf)) {
			nexts[i] = gw_to_drop(packet, GW_DROP_NO_BUFFER, EDGE_DROP);
			continue;
		}
		packets[i] = mbuf;
		packet = gw_packet(mbuf);
		ip = rte_pktmbuf_mtod(mbuf, uint8_t *);
		reason = unlikely(gw_expiry_is_over(worker, packet->sa))
				 ? GW_DROP_SA_EXPIRED
				 : check(packet, ip, &sequence);
		if (likely(reason == GW_DROP_COUNT) &&
			unlikely(!prepare(packet, ip, sequence, &ops[ready])))
			reason = GW_DROP_AH_HEADERS;
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(packet, reason, EDGE_DROP);
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_auth_open(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++) {
		struct rte_mbuf *mbuf = packets[position[i]];
		struct gw_packet *packet = gw_packet(mbuf);
		enum gw_drop reason = finish(worker, mbuf, packet, &ops[i]);

		if (likely(is_authentic(reason)))
			gw_expiry_count(worker, &tally, packet->sa,
				reason == GW_DROP_COUNT ? packet->ip_bytes : ops[i].bytes);
		else if (reason == GW_DROP_AH_INTEGRITY)
			gw_expiry_forged(worker, packet->sa);
		if (likely(reason == GW_DROP_COUNT)) {
			count_packet(worker, packet);
			gw_mss_clamp(mbuf, packet);
			nexts[position[i]] = EDGE_SPD_IN;
		} else {
			nexts[position[i]] = gw_to_drop(packet, reason, EDGE_DROP);
		}
	}
	gw_expiry_flush(worker, &tally);
}

static uint16_t ah_input(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_ah_input = {
	.name = "ah_input",
	.process = ah_input,
	.edges = {
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_DROP] = "drop",
	},
};
