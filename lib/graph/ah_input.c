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
//   6. what is inside (decapsulate.h)

#include "graph/node.h"

#include "crypto/auth.h"
#include "graph/decapsulate.h"
#include "graph/open.h"
#include "ipsec/ah.h"

enum { EDGE_SPD_IN, EDGE_DROP };

static const struct gw_open_words words = {
	.sequence_zero = GW_DROP_AH_SEQUENCE_ZERO,
	.replay = GW_DROP_AH_REPLAY,
	.too_old = GW_DROP_AH_TOO_OLD,
	.integrity = GW_DROP_AH_INTEGRITY,
};

// What stands behind the packet while it is verified: room for the engine, the value, the headers.
#define KEPT_VALUE_AT   GW_CRYPTO_AUTH_BACK
#define KEPT_HEADERS_AT (KEPT_VALUE_AT + GW_CRYPTO_AUTH_MAX_VALUE)

// Steps 1 and 2. Returns the reason to drop the packet, or GW_DROP_COUNT.
static enum gw_drop check(struct gw_open_run *run, const struct gw_packet *packet,
	const uint8_t *ip, uint64_t *sequence)
{
	const struct gw_sa *sa = run->sa;
	const struct gw_ah_header *ah = (const struct gw_ah_header *)(ip + packet->header_bytes);
	uint32_t bytes = gw_ah_bytes_received(
		ah->length, packet->flow.family, (uint32_t)sa->iv_bytes + sa->icv_bytes);

	if (bytes == 0 || packet->header_bytes + bytes > packet->ip_bytes)
		return GW_DROP_AH_LENGTH;
	return gw_open_number(run, ah->sequence, &words, sequence);
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

// Step 6.
static enum gw_drop take_out(
	const struct gw_worker *worker, struct rte_mbuf *mbuf, struct gw_packet *packet)
{
	uint8_t *ah = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, packet->header_bytes);
	const struct gw_ah_header *header = (const struct gw_ah_header *)ah;
	uint32_t bytes = (header->length + 2u) * 4;

	return translate(gw_decapsulate(worker, mbuf, packet, ah + bytes,
		packet->ip_bytes - packet->header_bytes - bytes, header->next_header));
}

// Steps 4 to 6.
static uint8_t finish(const struct gw_worker *worker, struct gw_open_tally *tally,
	struct rte_mbuf *mbuf, const struct gw_crypto_auth_op *op)
{
	struct gw_packet *packet = gw_packet(mbuf);
	enum gw_drop reason;

	gw_open_tally(tally, worker, packet->sa);
	memcpy(op->message, op->message + op->bytes + KEPT_HEADERS_AT, packet->header_bytes);
	reason = gw_open_accept(worker, tally, op->status,
		gw_open_record_one(packet->sa, op->status, op->sequence), &words);
	if (unlikely(reason != GW_DROP_COUNT))
		return gw_to_drop(packet, reason, EDGE_DROP);
	reason = take_out(worker, mbuf, packet);
	return gw_open_finish(tally, mbuf, reason, op->bytes, EDGE_SPD_IN, EDGE_DROP);
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_crypto_auth_op ops[GW_VECTOR];
	struct gw_open_run run = {};
	struct gw_open_tally tally = {};
	uint16_t position[GW_VECTOR]; // of op i among the packets
	unsigned int ready = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf;
		enum gw_drop reason;
		uint64_t sequence;
		uint8_t *ip;

		gw_open_run(&run, worker, gw_packet(packets[i])->sa);
		mbuf = gw_open_take(&run, worker, &packets[i],
			(uint16_t)(KEPT_HEADERS_AT + gw_packet(packets[i])->header_bytes));
		if (unlikely(!mbuf)) {
			nexts[i] = EDGE_DROP;
			continue;
		}
		ip = rte_pktmbuf_mtod(mbuf, uint8_t *);
		reason = check(&run, gw_packet(mbuf), ip, &sequence);
		if (likely(reason == GW_DROP_COUNT) &&
			unlikely(!prepare(gw_packet(mbuf), ip, sequence, &ops[ready])))
			reason = GW_DROP_AH_HEADERS;
		if (unlikely(reason != GW_DROP_COUNT)) {
			nexts[i] = gw_to_drop(gw_packet(mbuf), reason, EDGE_DROP);
			continue;
		}
		position[ready++] = (uint16_t)i;
	}
	gw_crypto_auth_open(worker->crypto, ops, ready);
	for (unsigned int i = 0; i < ready; i++)
		nexts[position[i]] = finish(worker, &tally, packets[position[i]], &ops[i]);
	gw_open_flush(worker, &tally);
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
