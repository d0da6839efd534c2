// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The control core: sleeps in libevent's loop and wakes for the control socket, netlink, TAPs,
// signals and its timers. What workers hand over is fetched by a short timer, because a worker
// makes no system call to wake anybody: every millisecond while there is something, more rarely
// when there is not.

#include "esplanade/parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <event2/event.h>
#include <rte_ring.h>

#include "base/clock.h"
#include "base/log.h"
#include "esplanade/events.h"
#include "esplanade/xfrm.h"

#define BUSY_MS  1
#define QUIET_MS 5
// How long the short interval lasts after the last packet.
#define BUSY_NS 200000000u

static struct event *drain_timer, *second_timer, *signals[3];
static uint64_t last_busy_ns;

static void report(struct gateway *gateway, const struct gw_event *event)
{
	struct gw_sa_id id = {
		.direction = event->direction,
		.protocol = event->protocol,
		.spi = event->spi,
		.destination = event->destination,
	};
	struct gw_sa *sa;

	if (event->kind == GW_EVENT_ACQUIRE) {
		gateway_event_acquire(gateway, event);
		return;
	}
	if (event->kind == GW_EVENT_PATH_MTU) {
		gateway_path_mtu_told(gateway, event);
		return;
	}
	sa = gw_sa_find(gateway->ipsec, &id);
	if (!sa)
		return;
	if (event->kind == GW_EVENT_MAPPING)
		gateway_follow_moved(gateway, sa, &event->flow);
	else if (event->kind == GW_EVENT_STREAM)
		gateway_tcp_authentic(gateway, sa, event->stream);
	else if (event->bits & GW_SA_EVENT_ECN)
		gateway_ecn_suspect(sa);
	else
		gateway_expiry_report(gateway, sa, event);
}

static unsigned int drain_events(struct gateway *gateway)
{
	unsigned int count = 0;

	for (unsigned int w = 0; w < gateway->dataplane.worker_count; w++) {
		struct rte_ring *ring = gateway->dataplane.workers[w]->events;
		struct gw_event event;

		while (rte_ring_sc_dequeue_elem(ring, &event, sizeof(event)) == 0) {
			report(gateway, &event);
			count++;
		}
	}
	return count;
}

static void arm_drain(bool busy)
{
	struct timeval interval = { .tv_usec = (busy ? BUSY_MS : QUIET_MS) * 1000 };

	event_add(drain_timer, &interval);
}

static void on_drain(evutil_socket_t, short, void *ctx)
{
	struct gateway *gateway = ctx;
	uint64_t now = gw_clock_ns();

	if (gateway_host_drain(gateway) + drain_events(gateway) + gateway_tcp_drain(gateway))
		last_busy_ns = now;
	gateway_expiry_poll(gateway, now);
	gateway_follow_poll(gateway, now);
	gw_reclaim_poll(gateway->reclaim);
	gateway_tcp_poll(gateway, now);
	if (gateway->path_mtu_stale)
		gateway_path_mtu_refresh(gateway);
	arm_drain(now - last_busy_ns < BUSY_NS);
}

static void on_second(evutil_socket_t, short, void *ctx)
{
	static unsigned int seconds;
	struct gateway *gateway = ctx;

	gateway_ports_poll_links(gateway);
	gateway_host_tick(gateway);
	gateway_sa_hold_tick(gateway);
	gateway_tcp_tick(gateway);
	gateway_path_mtu_tick(gateway);
	gateway_interfaces_tick(gateway);
	gateway_keepalive_tick(gateway);
	gw_spi_expire(gateway->ipsec);
	gateway_xfrm_larval_tick(gateway);
	gateway_xfrm_names_tick(gateway);
	gateway_xfrm_owner_tick(gateway);
	if (++seconds % gateway->config->acquire_seconds == 0)
		gw_policy_rearm(gateway->ipsec);
}

static void on_stop(evutil_socket_t signal, short, void *ctx)
{
	struct gateway *gateway = ctx;

	gw_log_notice("signal %d: stopping", signal);
	event_base_loopbreak(gateway->events);
}

static void on_reload(evutil_socket_t, short, void *ctx)
{
	struct gw_error err = {};
	json_t *result = gateway_reload(ctx, &err);
	char text[600];

	if (!result)
		gw_log_error("reload: %s; nothing was changed",
			gw_error_string(&err, text, sizeof(text)));
	json_decref(result);
}

int gateway_control_new(struct gateway *gateway, struct gw_error *err)
{
	struct gw_api_server_options options = {
		.events = gateway->events,
		.path = gateway->config->socket_path,
		.group = gateway->config->socket_group,
		.methods = gateway_methods,
		.method_count = gateway_method_count,
		.ctx = gateway,
		.max_clients = 256,
	};
	struct timeval second = { .tv_sec = 1 };

	drain_timer = evtimer_new(gateway->events, on_drain, gateway);
	second_timer = event_new(gateway->events, -1, EV_PERSIST, on_second, gateway);
	signals[0] = evsignal_new(gateway->events, SIGINT, on_stop, gateway);
	signals[1] = evsignal_new(gateway->events, SIGTERM, on_stop, gateway);
	signals[2] = evsignal_new(gateway->events, SIGHUP, on_reload, gateway);
	if (!drain_timer || !second_timer || !signals[0] || !signals[1] || !signals[2])
		return gw_error_set(err, ENOMEM, "no memory for the event loop");
	for (size_t i = 0; i < RTE_DIM(signals); i++)
		event_add(signals[i], NULL);
	event_add(second_timer, &second);
	arm_drain(true);
	gateway->api = gw_api_server_new(&options, err);
	return gateway->api ? 0 : -EINVAL;
}

void gateway_control_run(struct gateway *gateway)
{
	event_base_dispatch(gateway->events);
}

void gateway_control_free(struct gateway *gateway)
{
	gw_api_server_free(gateway->api);
	gateway->api = NULL;
	for (size_t i = 0; i < RTE_DIM(signals); i++)
		if (signals[i])
			event_free(signals[i]);
	if (drain_timer)
		event_free(drain_timer);
	if (second_timer)
		event_free(second_timer);
	memset(signals, 0, sizeof(signals));
	drain_timer = second_timer = NULL;
}
