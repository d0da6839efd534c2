// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct event_base;

// An interface of the host whose other end is here.
//
// With a MAC address it is the shadow interface of one port: a Linux TAP with the port's name, MAC
// address and MTU. What the host sends comes out of it; what is for the host goes in. As a tunnel
// interface, a TUN, it holds IP packets instead of frames. Vanishes when it is freed.
struct gw_tap;

struct gw_tap_options {
	const char *name; // at most 15 bytes; refused when the interface exists
	bool tunnel;      // a TUN, without a MAC address
	uint8_t mac[6];
	uint16_t mtu;
	struct event_base *events;
	// A frame from the host, of at most MTU + 14 bytes (VLAN tag included), or a packet; valid
	// during the call. Longer frames, after someone has raised the interface's MTU, are
	// dropped.
	void (*frame)(void *ctx, const uint8_t *data, size_t size);
	void *ctx;
};

// The interface is up, with link-state carrier as gw_tap_carrier says (on at first). NULL with err
// filled.
struct gw_tap *gw_tap_new(const struct gw_tap_options *options, struct gw_error *err);
void gw_tap_free(struct gw_tap *tap); // NULL is allowed
// 0, or -errno when the host did not take the frame (-EAGAIN: its queue is full, -EIO: the
// interface is down).
int gw_tap_write(struct gw_tap *tap, const uint8_t *data, size_t size);
int gw_tap_carrier(struct gw_tap *tap, bool up);
int gw_tap_set_mtu(struct gw_tap *tap, uint16_t mtu); // 0 or -errno
int gw_tap_index(const struct gw_tap *tap);           // the kernel's interface index
