// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <sys/queue.h>

#include "esplanade/gateway.h"
#include "xfrm/policy_book.h"
#include "xfrm/sa_book.h"
#include "xfrm/server.h"

// The kernel's XFRM protocol, served from the gateway's own databases. What comes over it and what
// comes over the control socket are one set of SAs and policies.

struct gateway_place;

struct gateway_xfrm {
	struct gw_xfrm_server *server;
	struct gw_xfrm_sa_book *sas;
	struct gw_xfrm_policy_book policies;
	TAILQ_HEAD(, gateway_pair) pairs;
	uint32_t pair_count;
	TAILQ_HEAD(, gateway_ike) ike; // xfrm_ike.c's
	uint32_t acquires;             // their numbers
};

// The kernel lets a template without a reqid take every SA between its addresses. Here each such
// pair has a reqid of its own.
struct gateway_pair {
	TAILQ_ENTRY(gateway_pair) next;
	struct gw_addr source, destination;
	uint8_t protocol, mode;
	uint32_t reqid;
};

typedef int gateway_xfrm_handler(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err);

// xfrm_sa.c
gateway_xfrm_handler gateway_xfrm_sa_new, gateway_xfrm_sa_delete, gateway_xfrm_sa_get,
	gateway_xfrm_sa_flush, gateway_xfrm_sa_info, gateway_xfrm_spi_allocate;
// xfrm_state.c
gateway_xfrm_handler gateway_xfrm_state_get, gateway_xfrm_state_set;
// xfrm_policy.c
gateway_xfrm_handler gateway_xfrm_policy_new, gateway_xfrm_policy_delete, gateway_xfrm_policy_get,
	gateway_xfrm_policy_flush, gateway_xfrm_policy_info, gateway_xfrm_default_get;

// The reqid for a pair of addresses that has none; 0 with err filled.
uint32_t gateway_xfrm_pair(
	struct gateway_xfrm *xfrm, const struct gateway_pair *pair, struct gw_error *err);

// A policy has gone, whoever deleted it: what stood for it over XFRM goes as well.
void gateway_xfrm_policy_deleted(struct gateway *gateway, const struct gw_policy_spec *spec);

// The SA that a request names, as the kernel finds it: one with a mark only for a request with
// that mark (XFRMA_MARK). NULL: there is none.
struct gw_sa *gateway_xfrm_sa_find(struct gateway *gateway, const struct gw_xfrm_request *request,
	const struct xfrm_usersa_id *wire);
// NULL: it did not come over XFRM.
const struct gw_xfrm_sa_extra *gateway_xfrm_sa_extra(
	const struct gateway *gateway, const struct gw_sa *sa);

// An SA in the kernel's form, and what follows that in a message.
struct nl_msg;
void gateway_xfrm_sa_describe(
	struct gateway *gateway, const struct gw_sa *sa, struct xfrm_usersa_info *info);
int gateway_xfrm_sa_attributes(
	struct gateway *gateway, const struct gw_sa *sa, struct nl_msg *message);

// xfrm_ike.c: before a policy comes, and when it has gone; the sweep takes what nothing holds any
// more, and must not run while a transaction is committed.
int gateway_xfrm_ike_hold(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec, struct gw_error *err);
void gateway_xfrm_ike_release(struct gateway *gateway, const struct gw_xfrm_policy *policy,
	const struct gw_policy_spec *spec);
void gateway_xfrm_ike_sweep(struct gateway *gateway);
void gateway_xfrm_ike_free(struct gateway_xfrm *xfrm);

// xfrm_event.c: what those are told who listen.
void gateway_xfrm_acquire(struct gateway *gateway, const struct gw_flow *flow, uint32_t reqid);
void gateway_xfrm_expire(struct gateway *gateway, const struct gw_sa *sa, bool hard);
void gateway_xfrm_mapping(struct gateway *gateway, const struct gw_sa *sa,
	const struct gateway_place *old, const struct gateway_place *fresh);
void gateway_xfrm_sa_changed(
	struct gateway *gateway, struct gw_sa *sa, enum gw_ipsec_change change);
void gateway_xfrm_policy_tell(
	struct gateway *gateway, const struct gw_xfrm_policy *policy, uint16_t type);
