// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Cuts packets that are longer than the path: IPv4 before encryption or on its way, our own ESP
// packets after it (RFC 791, RFC 8200 section 4.5). Pieces are copies in buffers of their own and
// go where the whole packet would have gone.

#include "graph/node.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "graph/buffer.h"
#include "graph/seal.h"
#include "net/fragment.h"

enum { EDGE_ESP_ENCRYPT, EDGE_AH_OUTPUT, EDGE_IP_OUTPUT, EDGE_DROP };

// The piece of the packet's payload from offset on; NULL when there is no buffer.
static struct rte_mbuf *cut_piece(struct gw_worker *worker, struct rte_mbuf *whole, uint32_t offset,
	uint32_t bytes, bool last, uint32_t id)
{
	const struct gw_packet *packet = gw_packet(whole);
	uint32_t header_bytes = gw_fragment_header_bytes(packet->flow.family, packet->header_bytes);
	struct rte_mbuf *piece =
		gw_buffer_copy(worker, whole, packet->header_bytes + offset, bytes);
	struct gw_packet *meta;

	if (!piece)
		return NULL;
	// The copy has the standard room, which is enough for all but absurd chains of headers.
	// What is to be encrypted needs more; esp_encrypt makes it where it is missing.
	if (rte_pktmbuf_headroom(piece) < header_bytes + RTE_ETHER_HDR_LEN) {
		rte_pktmbuf_free(piece);
		return NULL;
	}
	gw_fragment_header_write((uint8_t *)rte_pktmbuf_prepend(piece, (uint16_t)header_bytes),
		rte_pktmbuf_mtod(whole, const uint8_t *), packet->flow.family, packet->header_bytes,
		&(struct gw_fragment){ .offset = offset, .bytes = bytes, .last = last, .id = id });
	meta = gw_packet(piece);
	meta->ip_bytes = piece->pkt_len;
	meta->fragment_offset = (uint16_t)(packet->fragment_offset + offset);
	meta->more_fragments = !last || packet->more_fragments;
	meta->header_bytes = (uint16_t)header_bytes;
	return piece;
}

// Cuts the whole packet into pieces; all or none. Returns how many, 0 when it cannot be done.
static unsigned int cut(struct gw_worker *worker, struct rte_mbuf *whole, struct rte_mbuf **pieces,
	unsigned int room)
{
	const struct gw_packet *packet = gw_packet(whole);
	uint32_t header_bytes = gw_fragment_header_bytes(packet->flow.family, packet->header_bytes);
	uint32_t payload = packet->ip_bytes - packet->header_bytes;
	uint32_t each, count = 0;
	uint32_t id = worker->fragment_id;

	if (packet->mtu < header_bytes + 8 || packet->header_bytes > rte_pktmbuf_data_len(whole))
		return 0;
	worker->fragment_id += (uint32_t)worker->dataplane->worker_count;
	each = (packet->mtu - header_bytes) & ~7u;
	if (payload > (uint64_t)each * room)
		return 0;
	for (uint32_t offset = 0; offset < payload && count < room; offset += each) {
		uint32_t bytes = RTE_MIN(each, payload - offset);
		bool last = offset + bytes == payload;
		struct rte_mbuf *piece = cut_piece(worker, whole, offset, bytes, last, id);

		if (!piece) {
			rte_pktmbuf_free_bulk(pieces, count);
			return 0;
		}
		pieces[count++] = piece;
	}
	return count;
}

static uint16_t ip_fragment(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);

	for (uint16_t i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		bool sealed = packet->marks & GW_MARK_SEALED;
		// Before the outbound SPD, sa is the one that the packet came by.
		bool protect = packet->sa && (packet->marks & GW_MARK_SPD_OUT) && !sealed;
		rte_edge_t next =
			protect ? gw_seal_edge(packet->sa, EDGE_ESP_ENCRYPT, EDGE_AH_OUTPUT)
				: EDGE_IP_OUTPUT;
		struct rte_mbuf *pieces[GW_VECTOR];
		unsigned int cuts = cut(worker, packets[i], pieces, GW_VECTOR);

		if (cuts == 0) {
			packet->drop = GW_DROP_FRAGMENT_FAILED;
			rte_node_enqueue_x1(graph, node, EDGE_DROP, packets[i]);
			continue;
		}
		rte_node_enqueue(graph, node, next, (void **)pieces, (uint16_t)cuts);
		rte_pktmbuf_free(packets[i]);
	}
	return count;
}

const struct gw_node gw_node_ip_fragment = {
	.name = "ip_fragment",
	.process = ip_fragment,
	.edges = {
		[EDGE_ESP_ENCRYPT] = "esp_encrypt",
		[EDGE_AH_OUTPUT] = "ah_output",
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_DROP] = "drop",
	},
};
