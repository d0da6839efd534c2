// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Finds the SA of each ESP or AH packet by SPI, destination and protocol (RFC 4301 section 4.1);
// whether it came in UDP or TCP is no part of the key, but has to be as the SA says. ESP that is
// neither for a known SA nor for the box itself is transit traffic, which the inbound SPD judges:
// what came in UDP, as UDP.

#include "graph/node.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_udp.h>

#include "ipsec/ah.h"
#include "ipsec/esp.h"

enum { EDGE_ESP_DECRYPT, EDGE_DEAL, EDGE_AH_INPUT, EDGE_SPD_IN, EDGE_DROP };

static bool came_in_udp(const struct gw_packet *packet)
{
	return packet->marks & GW_MARK_IN_UDP;
}

static uint8_t transit(struct gw_packet *packet)
{
	if (came_in_udp(packet)) {
		packet->marks &= (uint16_t)~GW_MARK_IN_UDP;
		packet->header_bytes -= (uint16_t)sizeof(struct rte_udp_hdr);
	}
	return EDGE_SPD_IN;
}

static uint8_t unknown(const struct gw_worker *worker, struct gw_packet *packet, rte_be32_t spi)
{
	// What came in TCP never was a packet on the wire: it is nobody's transit traffic.
	if (!(packet->marks & GW_MARK_IN_TCP) &&
		!gw_local_contains(
			worker->dataplane->local, packet->flow.family, packet->flow.destination))
		return transit(packet);
	if (rte_be_to_cpu_32(spi) < GW_FIRST_SPI)
		return gw_to_drop(packet, GW_DROP_ESP_SPI_RESERVED, EDGE_DROP);
	return gw_to_drop(packet, GW_DROP_SA_UNKNOWN, EDGE_DROP);
}

static bool is_ah(const struct gw_packet *packet)
{
	return packet->flow.protocol == IPPROTO_AH;
}

// Fills the key of a packet; false when the ESP or AH header is out of reach.
static bool make_key(struct rte_mbuf *mbuf, const struct gw_packet *packet, struct gw_sad_key *key)
{
	const bool ah = is_ah(packet);
	const uint32_t bytes = ah ? sizeof(struct gw_ah_header) : sizeof(struct gw_esp_header);
	const uint32_t spi_at = ah ? offsetof(struct gw_ah_header, spi) : 0;

	memset(key, 0, sizeof(*key));
	if (packet->header_bytes + bytes > packet->ip_bytes ||
		packet->header_bytes + bytes > rte_pktmbuf_data_len(mbuf))
		return false;
	memcpy(&key->spi,
		rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, packet->header_bytes + spi_at),
		sizeof(key->spi));
	memcpy(key->destination, packet->flow.destination, sizeof(key->destination));
	key->family = packet->flow.family;
	key->protocol = ah ? IPPROTO_AH : IPPROTO_ESP;
	return true;
}

// In UDP, in TCP or bare, as the SA says.
static bool came_as_agreed(const struct gw_packet *packet, const struct gw_sa *sa)
{
	bool in_tcp = packet->marks & GW_MARK_IN_TCP;

	return came_in_udp(packet) == (sa->udp_bytes != 0) && in_tcp == sa->in_tcp;
}

static inline bool is_same(const struct gw_sad_key *a, const struct gw_sad_key *b)
{
	uint64_t x[3], y[3];

	static_assert(sizeof(x) == sizeof(*a), "a key is three words");
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

// Packets of one SA that follow each other share a look-up.
static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	const uint8_t esp = worker->dealing ? EDGE_DEAL : EDGE_ESP_DECRYPT;
	struct gw_sad_key keys[GW_VECTOR];
	struct gw_sa *sas[GW_VECTOR];
	uint16_t of[GW_VECTOR]; // which key is packet i's
	bool readable[GW_VECTOR];
	unsigned int used = 0;

	for (unsigned int i = 0; i < count; i++) {
		readable[i] = make_key(packets[i], gw_packet(packets[i]), &keys[used]);
		if (used == 0 || !is_same(&keys[used], &keys[used - 1]))
			used++;
		of[i] = (uint16_t)(used - 1);
	}
	gw_sad_lookup(worker->dataplane->sad, keys, used, sas);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);
		struct gw_sa *sa = sas[of[i]];

		packet->sa = readable[i] ? sa : NULL;
		if (unlikely(!readable[i]))
			nexts[i] = gw_to_drop(packet,
				is_ah(packet) ? GW_DROP_AH_LENGTH : GW_DROP_ESP_RUNT, EDGE_DROP);
		else if (unlikely(!sa))
			nexts[i] = unknown(worker, packet, keys[of[i]].spi);
		else if (unlikely(!came_as_agreed(packet, sa)))
			nexts[i] = gw_to_drop(packet, GW_DROP_ESP_ENCAPSULATION, EDGE_DROP);
		else
			nexts[i] = is_ah(packet) ? EDGE_AH_INPUT : esp;
	}
}

static uint16_t sad_lookup(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_sad_lookup = {
	.name = "sad_lookup",
	.process = sad_lookup,
	.edges = {
		[EDGE_ESP_DECRYPT] = "esp_decrypt",
		[EDGE_DEAL] = "deal",
		[EDGE_AH_INPUT] = "ah_input",
		[EDGE_SPD_IN] = "spd_in",
		[EDGE_DROP] = "drop",
	},
};
