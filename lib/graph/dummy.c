// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Dummy packets (RFC 4303 section 2.6) on their way to an SA. The control core fills them with what
// nobody will read and names the SA; here it is looked up, because a packet in a queue may outlive
// its SA and so holds no pointer to one.

#include "graph/node.h"

#include <netinet/in.h>

#include "graph/expiry.h"

enum { EDGE_ESP_ENCRYPT, EDGE_DROP };

static void make_key(const struct gw_packet *packet, struct gw_sad_key *key)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->destination, packet->flow.destination, sizeof(key->destination));
	key->spi = (rte_be32_t)packet->sequence;
	key->family = packet->flow.family;
	key->protocol = IPPROTO_ESP;
	key->reserved = GW_DIRECTION_OUT;
}

static void step(struct rte_graph *, struct rte_node *node, void **packets, uint8_t *nexts,
	unsigned int count)
{
	const struct gw_worker *worker = gw_node_worker(node);
	struct gw_sad_key keys[GW_VECTOR];
	struct gw_sa *sas[GW_VECTOR];

	for (unsigned int i = 0; i < count; i++)
		make_key(gw_packet(packets[i]), &keys[i]);
	gw_sad_lookup(worker->dataplane->sad, keys, count, sas);
	for (unsigned int i = 0; i < count; i++) {
		struct gw_packet *packet = gw_packet(packets[i]);

		packet->sa = sas[i];
		if (!sas[i])
			nexts[i] = gw_to_drop(packet, GW_DROP_DUMMY_NO_SA, EDGE_DROP);
		else if (gw_expiry_is_over(worker, sas[i]))
			nexts[i] = gw_to_drop(packet, GW_DROP_SA_EXPIRED, EDGE_DROP);
		else
			nexts[i] = EDGE_ESP_ENCRYPT;
	}
}

static uint16_t dummy(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	return gw_node_run(graph, node, packets, count, step);
}

const struct gw_node gw_node_dummy = {
	.name = "dummy",
	.process = dummy,
	.edges = {
		[EDGE_ESP_ENCRYPT] = "esp_encrypt",
		[EDGE_DROP] = "drop",
	},
};
