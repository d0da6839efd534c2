// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "esplanade/gateway.h"

// buffers.c: the pools of packet buffers.
int gateway_buffers_new(struct gateway *gateway, struct gw_error *err);
// Says in the log how many buffers were not returned, which should be none; then frees the pools.
void gateway_buffers_free(struct gateway *gateway);

// port.c: finds, configures and starts the devices of the configuration's ports.
int gateway_ports_new(struct gateway *gateway, struct gw_error *err);
// Stops and closes them: frames on their way out are written first.
void gateway_ports_free(struct gateway *gateway);
// Looks at the links and tells whom it concerns; call it about once a second.
void gateway_ports_poll_links(struct gateway *gateway);
// Index of a port by name, or -1; and the other way.
int gateway_port_index(void *gateway, const char *name);
const char *gateway_port_name(void *gateway, uint16_t port);

// worker.c: the worker cores. new makes everything a worker needs and shares out the ports' queues;
// start lets them run.
int gateway_workers_new(struct gateway *gateway, struct gw_error *err);
int gateway_workers_start(struct gateway *gateway, struct gw_error *err);
// Takes nothing new in, lets the workers finish what they have, then stops them.
void gateway_workers_stop(struct gateway *gateway);
void gateway_workers_free(struct gateway *gateway);

// interface.c: tunnel interfaces. new makes those of the configuration, free unmakes all; tick is
// to be called about once a second.
int gateway_interfaces_new(struct gateway *gateway, struct gw_error *err);
void gateway_interfaces_free(struct gateway *gateway);
void gateway_interfaces_tick(struct gateway *gateway);
// A port's index, or an interface's link (route/fib.h), by name, or -1; and the other way.
int gateway_link_index(void *gateway, const char *name);
const char *gateway_link_name(void *gateway, uint16_t link);

// host.c: Linux as control plane: a TAP for each port that wants one, the mirror of the kernel's
// tables, packets that wait for neighbours.
int gateway_host_new(struct gateway *gateway, struct gw_error *err);
void gateway_host_free(struct gateway *gateway);
// Mirrors what the kernel has for an interface too, once the rest is mirrored.
int gateway_host_mirror_interface(struct gateway *gateway, uint16_t number, struct gw_error *err);
// Sends a packet that the host sent into an interface on its way to a worker.
void gateway_host_send(struct gateway *gateway, uint16_t number, const uint8_t *data, size_t size);
// What Linux sends because sockets were closed goes out, while workers still run.
void gateway_host_say_goodbye(struct gateway *gateway);
// Empties the workers' queues for the host: frames to the TAPs, packets into the hold. Returns how
// many there were.
unsigned int gateway_host_drain(struct gateway *gateway);
// Gives up on neighbours that do not answer, asks again for others; about once a second.
void gateway_host_tick(struct gateway *gateway);
// route_db's callback: the neighbour is known, its packets may go.
void gateway_host_neighbour_known(void *gateway, uint16_t port, const struct gw_addr *addr);

// expiry.c: lifetimes of SAs. changed is told of every SA that comes or goes; poll is to be called
// often, report with what a worker told of an SA.
void gateway_expiry_changed(struct gateway *gateway, struct gw_sa *sa, bool added);
void gateway_expiry_poll(struct gateway *gateway, uint64_t now_ns);
void gateway_expiry_report(struct gateway *gateway, struct gw_sa *sa, const struct gw_event *event);

// sa_hold.c: packets that wait for an SA. changed is told of the reqid of every outbound SA that
// comes or goes; tick is to be called about once a second.
void gateway_sa_hold_add(struct gateway *gateway, struct rte_mbuf *mbuf);
void gateway_sa_hold_changed(struct gateway *gateway, uint32_t reqid);
void gateway_sa_hold_tick(struct gateway *gateway);

// tcp.c: connections of TCP encapsulation (RFC 9329). changed is told of SAs that come, change or
// go; authentic when a worker found an authentic packet of an SA on another connection than before;
// drain sends what workers hand over and returns how many packets there were; poll is to be called
// often, tick about once a second.
int gateway_tcp_new(struct gateway *gateway, struct gw_error *err);
void gateway_tcp_free(struct gateway *gateway);
void gateway_tcp_changed(struct gateway *gateway, struct gw_sa *sa, bool gone);
void gateway_tcp_authentic(struct gateway *gateway, struct gw_sa *sa, uint64_t stream);
unsigned int gateway_tcp_drain(struct gateway *gateway);
void gateway_tcp_poll(struct gateway *gateway, uint64_t now_ns);
void gateway_tcp_tick(struct gateway *gateway);

// follow.c: peers of SAs in UDP that move. moved is told what a worker saw of an inbound SA; poll
// is to be called often.
void gateway_follow_moved(struct gateway *gateway, struct gw_sa *sa, const struct gw_flow *flow);
void gateway_follow_poll(struct gateway *gateway, uint64_t now_ns);
void gateway_follow_free(void);

// keepalive.c: NAT keepalives. changed is told of every SA that comes, goes or is updated; tick is
// to be called about once a second.
void gateway_keepalive_changed(struct gateway *gateway, struct gw_sa *sa, bool there);
void gateway_keepalive_tick(struct gateway *gateway);

// seed.c: built-in policies and what the configuration lists, in one transaction, before the
// workers start.
int gateway_seed(struct gateway *gateway, struct gw_error *err);

// path_mtu.c: tells SAs the MTU of the port that their outer packets leave by. The first suits
// route_db's callback.
void gateway_path_mtu_refresh(void *gateway);
void gateway_path_mtu_set(struct gateway *gateway, struct gw_sa *sa);
// A worker saw an ICMP error about the length of a packet of ours.
void gateway_path_mtu_told(struct gateway *gateway, const struct gw_event *event);
// Forgets what ICMP told long ago; about once a second.
void gateway_path_mtu_tick(struct gateway *gateway);

// xfrm.c: the kernel's XFRM protocol for IKE daemons and `ip xfrm`.
int gateway_xfrm_new(struct gateway *gateway, struct gw_error *err);
void gateway_xfrm_free(struct gateway *gateway);

// control.c: the control core's event loop: signals, timers, events of the workers. Returns when
// the gateway is to stop.
int gateway_control_new(struct gateway *gateway, struct gw_error *err);
void gateway_control_run(struct gateway *gateway);
void gateway_control_free(struct gateway *gateway);
