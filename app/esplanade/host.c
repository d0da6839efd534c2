// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Linux as control plane. Each port that wants one has a TAP with its name, MAC address and MTU:
// what is for the box goes in, what the box sends comes out. The kernel's addresses, routes and
// neighbours on these TAPs are mirrored for the workers. Packets whose neighbour is unknown wait
// here while the kernel asks for it.

#include "esplanade/parts.h"

#include <errno.h>
#include <string.h>

#include <event2/event.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/interface.h"
#include "graph/packet.h"

#define HOLD_TIMEOUT_NS 3000000000u // as long as Linux's own three ARP requests
#define DRAIN           64
#define GOODBYE_TURNS   16 // each may take dozens of frames

// Which worker sends what the host says on a port: always the same, so that nothing is reordered.
static struct gw_worker *worker_for(struct gateway *gateway, uint16_t port)
{
	return gateway->dataplane.workers[port % gateway->dataplane.worker_count];
}

static void drop(struct gateway *gateway, struct rte_mbuf *packet, enum gw_drop reason)
{
	gw_count_drop(&gateway->counters, reason);
	rte_pktmbuf_free(packet);
}

struct tap_context {
	struct gateway *gateway;
	uint8_t port;
};
static struct tap_context tap_contexts[GW_MAX_PORTS];

// A copy of what the host sent; NULL: there is no room, and it is counted.
static struct rte_mbuf *take_in(struct gateway *gateway, const uint8_t *data, size_t size)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;
	struct rte_mempool *pool = dataplane->buffers;
	struct rte_mbuf *mbuf;
	char *room;

	if (size + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
		pool = dataplane->linear;
	mbuf = rte_pktmbuf_alloc(pool);
	if (!mbuf) {
		gw_count_drop(&gateway->counters, GW_DROP_NO_BUFFER);
		return NULL;
	}
	room = size <= UINT16_MAX ? rte_pktmbuf_append(mbuf, (uint16_t)size) : NULL;
	if (!room) {
		drop(gateway, mbuf, GW_DROP_HOST_FRAME);
		return NULL;
	}
	memcpy(room, data, size);
	return mbuf;
}

// A frame the host sent: on its way to a worker.
static void frame_from_host(void *ctx, const uint8_t *data, size_t size)
{
	const struct tap_context *context = ctx;
	struct gateway *gateway = context->gateway;
	struct rte_mbuf *mbuf = take_in(gateway, data, size);

	if (!mbuf)
		return;
	gw_packet_init(mbuf, context->port, gateway->dataplane.ports[context->port]->side)->marks =
		GW_MARK_FROM_HOST;
	if (rte_ring_sp_enqueue(worker_for(gateway, context->port)->from_control, mbuf) != 0)
		drop(gateway, mbuf, GW_DROP_WORKER_QUEUE_FULL);
}

// A packet that it sent into an interface comes from no port: it counts as one of the protected
// side.
void gateway_host_send(struct gateway *gateway, uint16_t number, const uint8_t *data, size_t size)
{
	struct rte_mbuf *mbuf = take_in(gateway, data, size);
	struct gw_packet *packet;

	if (!mbuf)
		return;
	packet = gw_packet_init(mbuf, 0, GW_SIDE_PROTECTED);
	packet->marks = GW_MARK_FROM_HOST;
	packet->flow.interface = number;
	if (rte_ring_sp_enqueue(worker_for(gateway, number)->from_control, mbuf) != 0)
		drop(gateway, mbuf, GW_DROP_WORKER_QUEUE_FULL);
}

static int tap_new(struct gateway *gateway, struct gw_port *port, struct gw_error *err)
{
	struct tap_context *context = &tap_contexts[port->index];
	struct gw_tap_options options = {
		.name = port->spec.name,
		.mtu = port->mtu,
		.events = gateway->events,
		.frame = frame_from_host,
		.ctx = context,
	};

	*context = (struct tap_context){ .gateway = gateway, .port = port->index };
	memcpy(options.mac, port->mac, sizeof(options.mac));
	gateway->taps[port->index] = gw_tap_new(&options, err);
	if (!gateway->taps[port->index])
		return -EINVAL;
	gw_tap_carrier(gateway->taps[port->index], atomic_load(&port->link_up));
	return 0;
}

// `ip link set NAME down` on the TAP stops the port as it would stop a NIC: nothing is sent on it.
// What it receives is still answered for by the policies, and the host sees none of it.
static void admin_changed(void *ctx, uint16_t index, bool up)
{
	struct gateway *gateway = ctx;
	uint16_t interface = gw_interface_of_link(index);
	struct gw_port *port;

	if (interface) {
		gateway_interface_admin(gateway, interface, up);
		return;
	}
	port = gateway->dataplane.ports[index];
	gw_log_notice("port %s: set %s by the administrator", port->spec.name, up ? "up" : "down");
	port->admin_down = !up;
	gateway_ports_poll_links(gateway);
}

static unsigned int list_mirrored(
	const struct gateway *gateway, struct gw_netlink_port ports[GW_MAX_LINKS])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < GW_MAX_PORTS; i++)
		if (gateway->taps[i])
			ports[count++] = (struct gw_netlink_port){
				.index = (uint16_t)i,
				.ifindex = gw_tap_index(gateway->taps[i]),
			};
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		if (gateway->interfaces[i])
			ports[count++] = (struct gw_netlink_port){
				.index = gw_link_of_interface((uint16_t)i),
				.ifindex = gw_tap_index(gateway->interfaces[i]->tap),
			};
	return count;
}

static int mirror_new(struct gateway *gateway, struct gw_error *err)
{
	struct gw_netlink_port mirrored[GW_MAX_LINKS];
	struct gw_netlink_options options = {
		.events = gateway->events,
		.routes = gateway->routes,
		.ports = mirrored,
		.port_count = list_mirrored(gateway, mirrored),
		.admin = admin_changed,
		.ctx = gateway,
	};

	if (options.port_count == 0)
		return 0;
	gateway->netlink = gw_netlink_new(&options, err);
	return gateway->netlink ? 0 : -EINVAL;
}

int gateway_host_new(struct gateway *gateway, struct gw_error *err)
{
	for (unsigned int i = 0; i < gateway->dataplane.port_count; i++) {
		struct gw_port *port = gateway->dataplane.ports[i];
		int rc = port->tap ? tap_new(gateway, port, err) : 0;

		if (rc)
			return rc;
	}
	gateway->mirrors = true;
	return mirror_new(gateway, err);
}

int gateway_host_mirror_interface(struct gateway *gateway, uint16_t number, struct gw_error *err)
{
	struct gw_netlink_port port = {
		.index = gw_link_of_interface(number),
		.ifindex = gw_tap_index(gateway->interfaces[number]->tap),
	};

	if (!gateway->mirrors)
		return 0; // gateway_host_new does it together with the rest
	return gateway->netlink ? gw_netlink_port_add(gateway->netlink, &port, err)
				: mirror_new(gateway, err);
}

void gateway_host_free(struct gateway *gateway)
{
	gw_netlink_free(gateway->netlink);
	gateway->netlink = NULL;
	for (unsigned int i = 0; i < GW_MAX_PORTS; i++) {
		gw_tap_free(gateway->taps[i]);
		gateway->taps[i] = NULL;
	}
}

// Linux has put it into the TAPs by now, from which a turn of the event loop takes some.
void gateway_host_say_goodbye(struct gateway *gateway)
{
	for (unsigned int i = 0; i < GOODBYE_TURNS; i++)
		event_base_loop(gateway->events, EVLOOP_NONBLOCK);
}

static void write_to_tap(struct gateway *gateway, struct rte_mbuf *mbuf)
{
	// Of chained packets; the control core alone comes here.
	static uint8_t frame[UINT16_MAX + RTE_ETHER_HDR_LEN];
	const struct gw_packet *packet = gw_packet(mbuf);
	uint16_t interface = gw_packet_is_for_interface(packet) ? packet->flow.interface : 0;
	struct gw_tap *tap = gateway->taps[packet->port];
	uint32_t size = rte_pktmbuf_pkt_len(mbuf);
	const void *data;

	if ((!tap && !interface) || size > sizeof(frame)) {
		drop(gateway, mbuf, GW_DROP_PUNT_NO_TAP);
		return;
	}
	data = rte_pktmbuf_read(mbuf, 0, size, frame);
	if ((interface ? gateway_interface_write(gateway, interface, data, size)
		       : gw_tap_write(tap, data, size)) != 0)
		drop(gateway, mbuf, GW_DROP_PUNT_QUEUE_FULL);
	else
		rte_pktmbuf_free(mbuf);
}

static void release(void *ctx, struct rte_mbuf *mbuf)
{
	struct gateway *gateway = ctx;

	if (rte_ring_sp_enqueue(
		    worker_for(gateway, gw_packet(mbuf)->out_port)->from_control, mbuf) != 0)
		drop(gateway, mbuf, GW_DROP_WORKER_QUEUE_FULL);
}

static void resolve(struct gateway *gateway, uint16_t port, const struct gw_addr *addr)
{
	if (gateway->netlink && gateway->taps[port])
		gw_netlink_resolve(gateway->netlink, port, addr);
}

static void hold(struct gateway *gateway, struct rte_mbuf *mbuf)
{
	const struct gw_packet *packet = gw_packet(mbuf);
	struct gw_addr addr = { .family = packet->resolve_family };
	uint8_t port = packet->out_port, mac[6];

	memcpy(addr.bytes, packet->flow.destination, gw_addr_bytes(addr.family));
	// The neighbour may have become known since the worker looked: nobody would tell a second
	// time.
	if (gw_neighbour_find(gateway->routes, port, &addr, mac)) {
		release(gateway, mbuf);
		return;
	}
	switch (gw_hold_add(gateway->hold, port, &addr, mbuf, gw_clock_ns())) {
	case GW_HOLD_FIRST:
		resolve(gateway, port, &addr);
		break;
	case GW_HOLD_QUEUED:
		break;
	default:
		drop(gateway, mbuf, GW_DROP_NEIGHBOUR_QUEUE_FULL);
	}
}

unsigned int gateway_host_drain(struct gateway *gateway)
{
	unsigned int total = 0;

	for (unsigned int w = 0; w < gateway->dataplane.worker_count; w++) {
		struct gw_worker *worker = gateway->dataplane.workers[w];
		void *packets[DRAIN];
		unsigned int count;

		count = rte_ring_sc_dequeue_burst(worker->punts, packets, DRAIN, NULL);
		for (unsigned int i = 0; i < count; i++)
			write_to_tap(gateway, packets[i]);
		total += count;
		count = rte_ring_sc_dequeue_burst(worker->holds, packets, DRAIN, NULL);
		for (unsigned int i = 0; i < count; i++) {
			if (gw_packet(packets[i])->marks & GW_MARK_WAITS_SA)
				gateway_sa_hold_add(gateway, packets[i]);
			else
				hold(gateway, packets[i]);
		}
		total += count;
	}
	return total;
}

void gateway_host_neighbour_known(void *ctx, uint16_t port, const struct gw_addr *addr)
{
	struct gateway *gateway = ctx;

	if (gateway->hold)
		gw_hold_release(gateway->hold, port, addr, release, gateway);
}

static void give_up(void *ctx, struct rte_mbuf *mbuf)
{
	drop(ctx, mbuf, GW_DROP_NEIGHBOUR_UNRESOLVED);
}

static void ask_again(void *ctx, uint16_t port, const struct gw_addr *addr)
{
	resolve(ctx, port, addr);
}

void gateway_host_tick(struct gateway *gateway)
{
	gw_hold_expire(gateway->hold, gw_clock_ns(), HOLD_TIMEOUT_NS, give_up, ask_again, gateway);
	if (gateway->netlink)
		gw_netlink_confirm(gateway->netlink);
}
