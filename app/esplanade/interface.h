// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "esplanade/gateway.h"
#include "ipsec/interface.h"
#include "spec/interface.h"

struct gateway_interface {
	struct gateway *gateway;
	struct gw_interface_spec spec;
	enum gw_origin origin;
	uint16_t number; // of its if_id (ipsec/interface.h)
	uint16_t mtu;    // that it was given last
	struct gw_tap *tap;
	uint64_t to_host; // packets
	uint64_t from_host;
};

// NULL: there is none of that name.
struct gateway_interface *gateway_interface_find(const struct gateway *gateway, const char *name);

// At once, in no transaction. 0 or a negative errno with err filled: -EEXIST, -ENOENT, -ENOSPC;
// -EBUSY: static routes lead into it.
int gateway_interface_add(struct gateway *gateway, const struct gw_interface_spec *spec,
	enum gw_origin origin, struct gw_error *err);
int gateway_interface_delete(struct gateway *gateway, const char *name, struct gw_error *err);

// The if_id of a number; 0 for 0.
uint32_t gateway_interface_if_id(const struct gateway *gateway, uint16_t number);

// Hands the host a packet that came out of the interface's tunnels: 0 or a negative errno.
int gateway_interface_write(
	struct gateway *gateway, uint16_t number, const void *data, size_t size);

// The administrator set it up or down, or deleted it.
void gateway_interface_admin(struct gateway *gateway, uint16_t number, bool up);
