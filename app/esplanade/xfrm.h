// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <sys/queue.h>

#include "esplanade/gateway.h"
#include "ipsec/index.h"
#include "ipsec/siphash.h"
#include "xfrm/larval.h"
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
	struct gw_index pairs_by_ends;
	uint32_t pair_count;
	TAILQ_HEAD(gateway_ike_list, gateway_ike) ike, ike_unused; // xfrm_ike.c's
	struct gw_index ike_by_path;                               // both
	struct gw_xfrm_larval_book *larvals;
	struct gw_vici_client *vici; // xfrm_names.c's, as what follows; NULL: nobody tells
	TAILQ_HEAD(, gateway_name) names;
	struct gw_index names_by_spi;
	uint32_t name_count;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES]; // of these indexes
	uint32_t acquires;                       // their numbers
	TAILQ_HEAD(, gateway_controller) controllers;
	uint32_t last_controller; // its number
};

// A process that negotiates SAs: an IKE daemon. What it adds is its own.
struct gateway_controller {
	TAILQ_ENTRY(gateway_controller) next;
	struct gw_xfrm_peer peer;
	uint32_t number;
	uint32_t epoch;         // of its reqids
	unsigned int listeners; // its sockets that listen to acquires; 0: it has gone
	uint64_t gone_ns;       // and when
};

// The kernel lets a template without a reqid take every SA between its addresses. Here each such
// pair has a reqid of its own.
struct gateway_pair {
	TAILQ_ENTRY(gateway_pair) next;
	struct gw_index_link by_ends;
	struct gw_addr source, destination;
	uint8_t protocol, mode;
	uint32_t if_id;
	uint32_t reqid;
};

typedef int gateway_xfrm_handler(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err);

// xfrm_sa.c
gateway_xfrm_handler gateway_xfrm_sa_new, gateway_xfrm_sa_delete, gateway_xfrm_sa_flush;
// xfrm_list.c
gateway_xfrm_handler gateway_xfrm_sa_get, gateway_xfrm_sa_info;
// xfrm_larval.c
gateway_xfrm_handler gateway_xfrm_spi_allocate;
// xfrm_state.c
gateway_xfrm_handler gateway_xfrm_state_get, gateway_xfrm_state_set;
// xfrm_policy.c
gateway_xfrm_handler gateway_xfrm_policy_new, gateway_xfrm_policy_delete, gateway_xfrm_policy_get,
	gateway_xfrm_policy_flush, gateway_xfrm_policy_info, gateway_xfrm_default_get;

// xfrm_owner.c
void gateway_xfrm_controller(void *ctx, const struct gw_xfrm_peer *peer, bool here);
// The controller that the client's process is, or the one of that number; NULL: none.
const struct gateway_controller *gateway_xfrm_owner(
	const struct gateway *gateway, const struct gw_xfrm_client *client);
const struct gateway_controller *gateway_xfrm_owner_at(
	const struct gateway *gateway, uint32_t number);
// The reqid here of an owner's reqid; owner may be NULL.
uint32_t gateway_xfrm_reqid(const struct gateway_controller *owner, uint32_t reqid);
// The number of the controller that an SA or a policy belongs to; 0: none.
uint32_t gateway_xfrm_sa_owner(const struct gateway *gateway, const struct gw_sa *sa);
uint32_t gateway_xfrm_policy_owner(
	const struct gateway *gateway, const struct gw_policy_spec *spec);
void gateway_xfrm_owner_tick(struct gateway *gateway);
void gateway_xfrm_owner_free(struct gateway_xfrm *xfrm);

// xfrm_migrate.c
gateway_xfrm_handler gateway_xfrm_migrate;

// The policy that DELPOLICY, GETPOLICY or MIGRATE names: by its number, or by direction and
// selector. NULL with err filled.
struct gw_xfrm_policy_record *gateway_xfrm_policy_find(
	struct gateway *gateway, const struct gw_xfrm_request *request, struct gw_error *err);

// The reqid for a pair of addresses that has none; 0 with err filled.
uint32_t gateway_xfrm_pair(
	struct gateway_xfrm *xfrm, const struct gateway_pair *pair, struct gw_error *err);

// xfrm_policy.c: stages the deletion of what came from an owner; what another one needs as well
// only changes hands. 0 or a negative errno.
int gateway_xfrm_policies_drop(struct gateway *gateway, struct gw_txn *txn, uint32_t owner);

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
int gateway_xfrm_ike_init(struct gateway_xfrm *xfrm, uint32_t max_policies); // 0 or -ENOMEM
void gateway_xfrm_ike_free(struct gateway_xfrm *xfrm);

// xfrm_larval.c: SAs that are being negotiated. One begins with ALLOCSPI or ACQUIRE, and ends when
// the SA is there (come; settle: by NEWSA), when it is deleted, or by time, which is told.
void gateway_xfrm_larval_acquire(struct gateway *gateway, const struct gw_xfrm_larval *larval);
void gateway_xfrm_larval_come(struct gateway *gateway, const struct gw_sa *sa);
void gateway_xfrm_larval_settle(struct gateway *gateway, const struct gw_xfrm_request *request);
// The one that a request names, as gateway_xfrm_sa_find.
const struct gw_xfrm_larval *gateway_xfrm_larval_find(const struct gateway *gateway,
	const struct gw_xfrm_request *request, const struct xfrm_usersa_id *wire);
// Takes one away that was found, and gives its SPI back.
void gateway_xfrm_larval_delete(struct gateway *gateway, const struct gw_xfrm_larval *larval);
void gateway_xfrm_larval_flush(struct gateway *gateway, uint8_t protocol); // 0: all
void gateway_xfrm_larval_tick(struct gateway *gateway);

// xfrm_names.c: what charon calls its SAs. follow: the SA of that SPI has this destination now.
int gateway_xfrm_names_init(struct gateway *gateway, struct gw_error *err);
void gateway_xfrm_name_follow(struct gateway *gateway, const struct gw_sa_id *id);
void gateway_xfrm_names_tick(struct gateway *gateway);
void gateway_xfrm_names_free(struct gateway_xfrm *xfrm);

// xfrm_event.c: what those are told who listen.
void gateway_xfrm_acquire(struct gateway *gateway, const struct gw_flow *flow, uint32_t reqid);
void gateway_xfrm_expire(struct gateway *gateway, const struct gw_sa *sa, bool hard);
void gateway_xfrm_larval_expired(struct gateway *gateway, const struct gw_xfrm_larval *larval);
void gateway_xfrm_larval_deleted(struct gateway *gateway, const struct gw_xfrm_larval *larval);
void gateway_xfrm_mapping(struct gateway *gateway, const struct gw_sa *sa,
	const struct gateway_place *old, const struct gateway_place *fresh);
void gateway_xfrm_sa_changed(
	struct gateway *gateway, struct gw_sa *sa, enum gw_ipsec_change change);
void gateway_xfrm_policy_tell(
	struct gateway *gateway, const struct gw_xfrm_policy *policy, uint16_t type);
