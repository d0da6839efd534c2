// Called by: any thread
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

// The program's XFRM sockets: each is a connection to the gateway's daemon. When the daemon goes, a
// socket stays what it is to the program, silent; a thread of this library connects it again when
// the daemon is back, and joins the groups that the program had joined.

// A connection in place of a netlink socket; flags: SOCK_CLOEXEC, SOCK_NONBLOCK. -1 with errno set.
int link_open(int flags);
// Whether fd is one. Cheap: asked for every descriptor that the program touches.
bool link_is(int fd);
void link_close(int fd);
// copy is another descriptor of the same connection.
void link_copy(int fd, int copy);

uint32_t link_port(int fd);
uint32_t link_groups(int fd);
// 0 or -1 with errno set.
int link_join(int fd, uint32_t group, bool join);
int link_ext_ack(int fd, bool on);
// What the program registered at an epoll instance; event NULL: no more.
void link_epoll(int fd, int epoll, const struct epoll_event *event);

// Called when the connection is found broken, by the call in which it was. True: it is whole again
// and the call may be tried anew. again: the program is sending, so that it is worth a try at once.
bool link_broken(int fd, bool again);
