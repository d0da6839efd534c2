// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Answers a packet that cannot go on with an ICMP error to its source (RFC 1812 section 4.3, RFC
// 4443), then lets the drop node count and free it. Errors are limited to a rate, and none is sent
// about what must not be answered.

#include "graph/node.h"

#include "net/icmp.h"

enum { EDGE_IP_OUTPUT, EDGE_DROP };

// The gateway's address on the interface whose packet it is, or on the port it came in by. A packet
// out of a tunnel came in by a port whose address its sender's policy does not cover: for it an
// address of the protected side, as a host behind us would use.
static bool choose_source(const struct gw_dataplane *dataplane, const struct gw_packet *packet,
	struct gw_addr *source)
{
	if (packet->flow.interface &&
		gw_local_source(dataplane->local, gw_link_of_interface(packet->flow.interface),
			packet->flow.family, source))
		return true;
	if (!(packet->marks & GW_MARK_DECRYPTED))
		return gw_local_source(dataplane->local, packet->port, packet->flow.family, source);
	for (unsigned int i = 0; i < dataplane->port_count; i++)
		if (dataplane->ports[i]->side == GW_SIDE_PROTECTED &&
			gw_local_source(dataplane->local, (uint8_t)i, packet->flow.family, source))
			return true;
	return false;
}

static struct rte_mbuf *make_error(const struct gw_worker *worker, struct rte_mbuf *about)
{
	const struct gw_packet *packet = gw_packet(about);
	const void *data = rte_pktmbuf_mtod(about, const void *);
	uint32_t size = RTE_MIN(rte_pktmbuf_data_len(about), packet->ip_bytes);
	struct gw_packet *meta;
	struct rte_mbuf *error;
	struct gw_addr source;
	uint32_t bytes;

	if (!choose_source(worker->dataplane, packet, &source))
		return NULL;
	error = rte_pktmbuf_alloc(worker->dataplane->buffers);
	if (!error)
		return NULL;
	bytes = gw_icmp_error_bytes(data, size);
	if (bytes > rte_pktmbuf_tailroom(error)) {
		rte_pktmbuf_free(error);
		return NULL;
	}
	bytes = gw_icmp_error_build(
		rte_pktmbuf_mtod(error, void *), data, size, &source, packet->icmp, packet->mtu);
	rte_pktmbuf_append(error, (uint16_t)bytes);
	meta = gw_packet_init(error, packet->port, packet->side);
	meta->marks = GW_MARK_OWN;
	if (gw_ip_parse(rte_pktmbuf_mtod(error, void *), bytes, bytes, false, &meta->ip) !=
		GW_IP_OK) {
		rte_pktmbuf_free(error);
		return NULL;
	}
	// The host hears about its own packets where it sent them.
	if (packet->marks & GW_MARK_FROM_HOST)
		meta->flow.interface = packet->flow.interface;
	return error;
}

static uint16_t icmp_error(
	struct rte_graph *graph, struct rte_node *node, void **packets, uint16_t count)
{
	struct gw_worker *worker = gw_node_worker(node);

	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *about = packets[i];
		struct gw_packet *packet = gw_packet(about);
		uint32_t size = RTE_MIN(rte_pktmbuf_data_len(about), packet->ip_bytes);
		struct rte_mbuf *error;

		if (!gw_icmp_error_allowed(rte_pktmbuf_mtod(about, const void *), size))
			continue;
		if (!gw_bucket_take(
			    &worker->icmp_bucket, worker->now_ns, worker->dataplane->icmp_pps)) {
			packet->drop = GW_DROP_ICMP_RATE;
			continue;
		}
		error = make_error(worker, about);
		if (error)
			rte_node_enqueue_x1(graph, node, EDGE_IP_OUTPUT, error);
	}
	rte_node_enqueue(graph, node, EDGE_DROP, packets, count);
	return count;
}

const struct gw_node gw_node_icmp_error = {
	.name = "icmp_error",
	.process = icmp_error,
	.edges = {
		[EDGE_IP_OUTPUT] = "ip_output",
		[EDGE_DROP] = "drop",
	},
};
