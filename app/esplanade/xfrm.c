// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/xfrm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "esplanade/parts.h"

#define MOST_CLIENTS     64
#define MOST_PAIRS       65536
#define FIRST_PAIR       0x80000000u // IKE daemons count their reqids from 1
#define LARVALS_EXPECTED 4096

static gateway_xfrm_handler *const handlers[XFRM_NR_MSGTYPES] = {
#define AT(type) [(type)-XFRM_MSG_BASE]
	AT(XFRM_MSG_NEWSA) = gateway_xfrm_sa_new,
	AT(XFRM_MSG_UPDSA) = gateway_xfrm_sa_new,
	AT(XFRM_MSG_DELSA) = gateway_xfrm_sa_delete,
	AT(XFRM_MSG_GETSA) = gateway_xfrm_sa_get,
	AT(XFRM_MSG_FLUSHSA) = gateway_xfrm_sa_flush,
	AT(XFRM_MSG_ALLOCSPI) = gateway_xfrm_spi_allocate,
	AT(XFRM_MSG_GETAE) = gateway_xfrm_state_get,
	AT(XFRM_MSG_NEWAE) = gateway_xfrm_state_set,
	AT(XFRM_MSG_GETSADINFO) = gateway_xfrm_sa_info,
	AT(XFRM_MSG_MIGRATE) = gateway_xfrm_migrate,
	AT(XFRM_MSG_NEWPOLICY) = gateway_xfrm_policy_new,
	AT(XFRM_MSG_UPDPOLICY) = gateway_xfrm_policy_new,
	AT(XFRM_MSG_DELPOLICY) = gateway_xfrm_policy_delete,
	AT(XFRM_MSG_GETPOLICY) = gateway_xfrm_policy_get,
	AT(XFRM_MSG_FLUSHPOLICY) = gateway_xfrm_policy_flush,
	AT(XFRM_MSG_GETSPDINFO) = gateway_xfrm_policy_info,
	AT(XFRM_MSG_GETDEFAULT) = gateway_xfrm_default_get,
#undef AT
};

static int serve(void *ctx, struct gw_xfrm_client *client, const struct gw_xfrm_request *request,
	struct gw_error *err)
{
	unsigned int type = request->header->nlmsg_type;
	gateway_xfrm_handler *handler = handlers[type - XFRM_MSG_BASE];
	char text[600];
	int rc;

	// The thresholds of the kernel's hash tables: there is nothing of the kind here.
	if (type == XFRM_MSG_NEWSPDINFO)
		return 0;
	if (!handler)
		return gw_error_set(err, EOPNOTSUPP, "message type %u is not served", type);
	rc = handler(ctx, client, request, err);
	gateway_xfrm_ike_sweep(ctx);
	// A daemon seldom logs more than a number: here stands why.
	if (rc && rc != -ESRCH && err && err->text[0])
		gw_log_notice("xfrm: request of type %u refused: %s", type,
			gw_error_string(err, text, sizeof(text)));
	return rc;
}

static bool same_pair(const struct gateway_pair *a, const struct gateway_pair *b)
{
	return a->protocol == b->protocol && a->mode == b->mode && a->if_id == b->if_id &&
	       gw_addr_equal(&a->source, &b->source) &&
	       gw_addr_equal(&a->destination, &b->destination);
}

static uint64_t hash_pair(const struct gateway_xfrm *xfrm, const struct gateway_pair *pair)
{
	struct {
		struct gw_addr source, destination;
		uint8_t protocol, mode;
		uint32_t if_id;
	} key = { pair->source, pair->destination, pair->protocol, pair->mode, pair->if_id };

	_Static_assert(sizeof(key) == 2 * sizeof(struct gw_addr) + 2 + sizeof(uint32_t),
		"hashed as bytes: no gaps");
	return gw_siphash_128(xfrm->secret, &key, sizeof(key)).low;
}

uint32_t gateway_xfrm_pair(
	struct gateway_xfrm *xfrm, const struct gateway_pair *pair, struct gw_error *err)
{
	uint64_t hash = hash_pair(xfrm, pair);
	struct gw_index_link *link = gw_index_first(&xfrm->pairs_by_ends, hash);
	struct gateway_pair *known;

	for (; link; link = gw_index_next(link)) {
		known = container_of(link, struct gateway_pair, by_ends);
		if (same_pair(known, pair))
			return known->reqid;
	}
	if (xfrm->pair_count >= MOST_PAIRS || !(known = malloc(sizeof(*known)))) {
		gw_error_set(err, ENOBUFS,
			"there are too many pairs of addresses without a reqid: give one");
		return 0;
	}
	*known = *pair;
	known->reqid = FIRST_PAIR + xfrm->pair_count++;
	gw_index_insert(&xfrm->pairs_by_ends, &known->by_ends, hash);
	TAILQ_INSERT_TAIL(&xfrm->pairs, known, next);
	return known->reqid;
}

int gateway_xfrm_new(struct gateway *gateway, struct gw_error *err)
{
	struct gw_xfrm_server_options options = {
		.events = gateway->events,
		.path = gateway->config->xfrm_path,
		.group = "",
		.max_clients = MOST_CLIENTS,
		.serve = serve,
		.controller = gateway_xfrm_controller,
		.ctx = gateway,
	};
	struct gateway_xfrm *xfrm = calloc(1, sizeof(*xfrm));

	if (!xfrm)
		return gw_error_set(err, ENOMEM, "out of memory");
	TAILQ_INIT(&xfrm->pairs);
	TAILQ_INIT(&xfrm->controllers);
	TAILQ_INIT(&xfrm->ike);
	TAILQ_INIT(&xfrm->ike_unused);
	TAILQ_INIT(&xfrm->names);
	if (gw_xfrm_policy_book_init(&xfrm->policies, gateway->config->max_policies) != 0) {
		free(xfrm);
		return gw_error_set(err, ENOMEM, "out of memory");
	}
	gateway->xfrm = xfrm;
	if (getrandom(xfrm->secret, sizeof(xfrm->secret), 0) != sizeof(xfrm->secret))
		return gw_error_set(err, EIO, "the kernel gives no random numbers");
	xfrm->sas = gw_xfrm_sa_book_new(gateway->config->max_sas);
	xfrm->larvals =
		gw_xfrm_larval_book_new(LARVALS_EXPECTED, gateway->config->spi_hold_seconds);
	if (!xfrm->sas || !xfrm->larvals ||
		gw_index_init(&xfrm->pairs_by_ends, MOST_PAIRS / 4) != 0 ||
		gateway_xfrm_ike_init(xfrm, gateway->config->max_policies) != 0)
		return gw_error_set(err, ENOMEM, "out of memory");
	xfrm->server = gw_xfrm_server_new(&options, err);
	if (!xfrm->server)
		return -EINVAL;
	if (gateway_xfrm_names_init(gateway, err) != 0)
		return -ENOMEM;
	gw_log_notice("IKE daemons may use %s", gateway->config->xfrm_path);
	return 0;
}

void gateway_xfrm_free(struct gateway *gateway)
{
	struct gateway_xfrm *xfrm = gateway->xfrm;
	struct gateway_pair *pair;

	if (!xfrm)
		return;
	gateway->xfrm = NULL;
	gw_xfrm_server_free(xfrm->server);
	gw_xfrm_sa_book_free(xfrm->sas);
	gw_xfrm_policy_book_fini(&xfrm->policies);
	gateway_xfrm_owner_free(xfrm);
	gateway_xfrm_ike_free(xfrm);
	gw_xfrm_larval_book_free(xfrm->larvals);
	gateway_xfrm_names_free(xfrm);
	while ((pair = TAILQ_FIRST(&xfrm->pairs))) {
		TAILQ_REMOVE(&xfrm->pairs, pair, next);
		free(pair);
	}
	gw_index_fini(&xfrm->pairs_by_ends);
	free(xfrm);
}
