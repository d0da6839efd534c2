// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ESP packets between workers and TCP connections. The workers know ESP behind an IP header only,
// so that what comes in TCP gets one, with the addresses of the connection's ends, and what goes
// loses it. It says nothing else: no congestion marks, no DSCP (RFC 9329 sections 9.3 and 9.5).

#include "esplanade/tcp.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "esplanade/parts.h"
#include "graph/packet.h"

#define DRAIN 256 // of each worker, in one go

// --- in

static uint16_t header_bytes(const struct gw_addr *addr)
{
	return addr->family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

static void write_ipv4(void *header, const struct tcp_connection *connection, uint16_t total)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(total),
		.time_to_live = GW_DEFAULT_TTL,
		.next_proto_id = IPPROTO_ESP,
	};

	memcpy(&ip.src_addr, connection->remote.bytes, sizeof(ip.src_addr));
	memcpy(&ip.dst_addr, connection->local.bytes, sizeof(ip.dst_addr));
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(header, &ip, sizeof(ip));
}

static void write_ipv6(void *header, const struct tcp_connection *connection, uint16_t payload)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = RTE_BE32(UINT32_C(6) << 28),
		.payload_len = rte_cpu_to_be_16(payload),
		.proto = IPPROTO_ESP,
		.hop_limits = GW_DEFAULT_TTL,
	};

	memcpy(ip.src_addr, connection->remote.bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, connection->local.bytes, sizeof(ip.dst_addr));
	memcpy(header, &ip, sizeof(ip));
}

// What ip_input would have found.
static void describe(struct rte_mbuf *mbuf, const struct tcp_connection *connection)
{
	const struct gw_dataplane *dataplane = &connection->gateway->dataplane;
	struct gw_packet *packet =
		gw_packet_init(mbuf, connection->port, dataplane->ports[connection->port]->side);
	unsigned int bytes = gw_addr_bytes(connection->remote.family);

	packet->marks = GW_MARK_IN_TCP;
	packet->stream = connection->id;
	packet->flow.family = connection->remote.family;
	packet->flow.protocol = IPPROTO_ESP;
	memcpy(packet->flow.source, connection->remote.bytes, bytes);
	memcpy(packet->flow.destination, connection->local.bytes, bytes);
	packet->flow.source_port = connection->remote_port;
	packet->flow.destination_port = connection->local_port;
	packet->ip_bytes = rte_pktmbuf_pkt_len(mbuf);
	packet->header_bytes = header_bytes(&connection->remote);
	packet->ttl = GW_DEFAULT_TTL;
}

static struct rte_mempool *pool_for(const struct gw_dataplane *dataplane, size_t size)
{
	size_t room = size + RTE_PKTMBUF_HEADROOM;

	if (room <= rte_pktmbuf_data_room_size(dataplane->buffers))
		return dataplane->buffers;
	return room <= rte_pktmbuf_data_room_size(dataplane->linear) ? dataplane->linear : NULL;
}

void gateway_tcp_packet_in(struct tcp_connection *connection, const uint8_t *esp, size_t size)
{
	struct gateway *gateway = connection->gateway;
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	uint16_t front = header_bytes(&connection->remote);
	struct rte_mempool *pool = pool_for(dataplane, front + size);
	struct gw_worker *worker;
	struct rte_mbuf *mbuf;
	uint8_t *room;

	if (!pool || front + size > UINT16_MAX) {
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_RECORD);
		return;
	}
	mbuf = rte_pktmbuf_alloc(pool);
	if (!mbuf) {
		gateway_tcp_connection_drop(connection, GW_DROP_NO_BUFFER);
		return;
	}
	room = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(front + size));
	if (connection->remote.family == 4)
		write_ipv4(room, connection, (uint16_t)(front + size));
	else
		write_ipv6(room, connection, (uint16_t)size);
	memcpy(room + front, esp, size);
	describe(mbuf, connection);
	// All of a connection by one worker: the stream has put them in order.
	worker = dataplane->workers[connection->id % dataplane->worker_count];
	if (rte_ring_sp_enqueue(worker->from_control, mbuf) == 0)
		return;
	gateway_tcp_connection_drop(connection, GW_DROP_WORKER_QUEUE_FULL);
	rte_pktmbuf_free(mbuf);
}

// --- out

static void packet_out(struct gateway *gateway, struct rte_mbuf *mbuf)
{
	const struct gw_packet *packet = gw_packet(mbuf);
	struct gw_addr peer = { .family = packet->flow.family };
	struct tcp_connection *connection;
	uint32_t size = rte_pktmbuf_data_len(mbuf) - packet->header_bytes;

	memcpy(peer.bytes, packet->flow.destination, gw_addr_bytes(peer.family));
	connection = gateway_tcp_path_connection(gateway->tcp, (uint32_t)packet->sequence, &peer);
	if (!connection) {
		gw_count_drop(&gateway->counters, GW_DROP_TCP_NO_CONNECTION);
	} else if (gw_stream_send(connection->stream,
			   rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, packet->header_bytes),
			   size) != 0) {
		gateway_tcp_connection_drop(connection, GW_DROP_TCP_BLOCKED);
	} else {
		connection->esp_out++;
		connection->bytes_out += size + GW_TCP_LENGTH_BYTES;
	}
	rte_pktmbuf_free(mbuf);
}

unsigned int gateway_tcp_drain(struct gateway *gateway)
{
	unsigned int total = 0;

	for (unsigned int w = 0; w < gateway->dataplane.worker_count; w++) {
		void *packets[DRAIN];
		unsigned int count = rte_ring_sc_dequeue_burst(
			gateway->dataplane.workers[w]->streams, packets, DRAIN, NULL);

		for (unsigned int i = 0; i < count; i++)
			packet_out(gateway, packets[i]);
		total += count;
	}
	return total;
}
