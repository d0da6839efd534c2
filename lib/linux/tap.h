// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct event_base;

// The shadow interface of one port: a Linux TAP with the port's name, MAC address and MTU. What the
// host sends comes out of it; what is for the host goes in. Vanishes when it is freed.
struct gw_tap;

struct gw_tap_options {
	const char *name; // at most 15 bytes; refused when the interface exists
	uint8_t mac[6];
	uint16_t mtu;
	struct event_base *events;
	// A frame from the host, of at most MTU + 14 bytes (VLAN tag included); valid during the
	// call. Longer ones, after someone has raised the interface's MTU, are dropped.
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
int gw_tap_index(const struct gw_tap *tap); // the kernel's interface index
