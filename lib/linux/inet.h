// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "net/addr.h"

// Addresses as sockets have them. Scoped IPv6 addresses have no place here.

// Returns the bytes that storage has afterwards.
socklen_t gw_inet_make(const struct gw_addr *addr, uint16_t port, struct sockaddr_storage *storage);

// Of another family than IPv4 and IPv6: addr->family is 0.
void gw_inet_read(const struct sockaddr_storage *storage, struct gw_addr *addr, uint16_t *port);
