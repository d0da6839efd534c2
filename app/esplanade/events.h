// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include "esplanade/gateway.h"

// What subscribers of the control socket are told. Nothing is built when nobody listens.
void gateway_event_acquire(struct gateway *gateway, const struct gw_event *event);
void gateway_event_expire(
	struct gateway *gateway, struct gw_sa *sa, bool hard, enum gw_expiry_cause cause);
// The first packet of the SA with congestion marks that nobody should make (RFC 6040 section 4.2).
void gateway_ecn_suspect(const struct gw_sa *sa);
// The peer of an inbound SA in UDP has moved from one place to another; followed: the SAs to it
// have gone with it.
struct gateway_place {
	struct gw_addr address;
	uint16_t port;
};
void gateway_event_mapping(struct gateway *gateway, const struct gw_sa *sa,
	const struct gateway_place *old, const struct gateway_place *fresh, bool followed);
// The path MTU of an outbound SA has been learned, or forgotten.
void gateway_event_path_mtu(struct gateway *gateway, const struct gw_sa *sa, bool learned);
void gateway_event_sa(struct gateway *gateway, struct gw_sa *sa, const char *change);
void gateway_event_policy(struct gateway *gateway, const struct gw_policy_spec *spec, bool added);
// A process that controls SAs over XFRM has "connected", is "gone", or what it left has been
// "dropped".
struct gateway_controller;
void gateway_event_controller(struct gateway *gateway, const struct gateway_controller *controller,
	const char *change, uint32_t sas, uint32_t policies);
void gateway_event_port(struct gateway *gateway, const struct gw_port *port, bool up);

// The word for a kind, one bit, on the control socket.
const char *gateway_event_word(enum gateway_event kind);
