// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// SAs by the kernel's XFRM protocol.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"
#include "ipsec/lifetime.h"
#include "route/local.h"
#include "xfrm/selector.h"

#define SEQUENCE_AHEAD (UINT64_C(1) << 20)

// The kernel's SAs have no direction. Ours is inbound when its SPI was allocated here, or when its
// destination is an address of this gateway.
static enum gw_direction direction_of(const struct gateway *gateway, const struct gw_sa_id *id)
{
	const struct gw_addr *destination = &id->destination;

	return gw_spi_is_held(gateway->ipsec, id) ||
			       gw_local_contains(gateway->dataplane.local, destination->family,
				       destination->bytes)
		       ? GW_DIRECTION_IN
		       : GW_DIRECTION_OUT;
}

const struct gw_xfrm_sa_extra *gateway_xfrm_sa_extra(
	const struct gateway *gateway, const struct gw_sa *sa)
{
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);

	return gw_xfrm_sa_book_find(gateway->xfrm->sas, &id);
}

static struct gw_sa *find_either(struct gateway *gateway, struct gw_sa_id *id)
{
	struct gw_sa *sa;

	id->direction = GW_DIRECTION_IN;
	sa = gw_sa_find(gateway->ipsec, id);
	if (sa)
		return sa;
	id->direction = GW_DIRECTION_OUT;
	return gw_sa_find(gateway->ipsec, id);
}

struct gw_sa *gateway_xfrm_sa_find(struct gateway *gateway, const struct gw_xfrm_request *request,
	const struct xfrm_usersa_id *wire)
{
	const struct xfrm_mark *mark = gw_xfrm_value(request, XFRMA_MARK);
	const struct gw_xfrm_sa_extra *extra;
	struct gw_sa_id id;
	struct gw_sa *sa;

	if (!gw_xfrm_sa_id_read(wire, &id))
		return NULL;
	sa = find_either(gateway, &id);
	extra = sa ? gateway_xfrm_sa_extra(gateway, sa) : NULL;
	if (extra && ((mark ? mark->v & mark->m : 0) & extra->mark.m) != extra->mark.v)
		return NULL;
	return sa;
}

static int no_such(struct gw_error *err)
{
	return gw_error_set(err, ESRCH, "there is no such SA");
}

static int set_reqid(struct gateway *gateway, const struct gateway_controller *owner,
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_usersa_info *info = request->body;
	struct gateway_pair pair = { .protocol = info->id.proto,
		.mode = info->mode,
		.if_id = gw_xfrm_u32(request, XFRMA_IF_ID, 0) };

	spec->reqid = gateway_xfrm_reqid(owner, info->reqid);
	if (spec->reqid)
		return 0;
	if (!gw_xfrm_addr_read(&info->saddr, info->family, &pair.source) ||
		!gw_xfrm_addr_read(&info->id.daddr, info->family, &pair.destination))
		return gw_error_set(
			err, EINVAL, "address family %u is neither IPv4 nor IPv6", info->family);
	spec->reqid = gateway_xfrm_pair(gateway->xfrm, &pair, err);
	return spec->reqid ? 0 : -ENOBUFS;
}

static int read_sa(struct gateway *gateway, const struct gateway_controller *owner,
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec,
	struct gw_xfrm_sa_extra *extra, struct gw_error *err)
{
	const struct xfrm_usersa_info *info = request->body;
	struct gw_sa_id id = { .protocol = (enum gw_protocol)info->id.proto,
		.spi = ntohl(info->id.spi) };
	int rc;

	memset(spec, 0, sizeof(*spec));
	if (!gw_xfrm_addr_read(&info->id.daddr, info->family, &id.destination))
		return gw_error_set(
			err, EINVAL, "address family %u is neither IPv4 nor IPv6", info->family);
	spec->direction = direction_of(gateway, &id);
	rc = set_reqid(gateway, owner, request, spec, err);
	if (!rc)
		rc = gw_xfrm_sa_read(request, spec, extra, err);
	if (!rc && owner)
		extra->owner = owner->number;
	return rc ? rc : gw_sa_spec_check(spec, err);
}

// A new description for an SA that is there: what it has counted goes on, unless the request says
// otherwise.
static int carry_on(const struct gw_sa *sa, const struct gw_xfrm_request *request,
	struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_replay_state_esn *ring = gw_xfrm_value(request, XFRMA_REPLAY_ESN_VAL);
	struct gw_sa_spec now;

	if (spec->sequence || (ring && (ring->seq | ring->oseq)))
		return 0;
	if (gw_sa_snapshot(sa, &now) != 0)
		return gw_error_set(err, ENOMEM, "out of memory");
	free(spec->replay_bitmap);
	spec->sequence = now.sequence;
	// The old one sends until the new one is there. (The database hands a counter mode over.)
	if (spec->direction == GW_DIRECTION_OUT && !gw_encryption_counts_ivs(spec->encryption))
		spec->sequence += SEQUENCE_AHEAD;
	spec->replay_bitmap = now.replay_bitmap;
	spec->replay_bitmap_bytes = now.replay_bitmap_bytes;
	now.replay_bitmap = NULL;
	gw_sa_spec_wipe(&now);
	return 0;
}

// Whether the SPI was given to an IKE daemon, who is still negotiating.
static bool is_larval(struct gateway *gateway, const struct xfrm_usersa_info *info)
{
	struct gw_xfrm_larval wanted = { .info = { .id = info->id, .family = info->family } };

	return info->id.spi && gw_xfrm_larval_book_match(gateway->xfrm->larvals, &wanted, 0);
}

// UPDSA makes an SA of an SPI that was allocated, or changes one that is there; NEWSA makes one.
static int stage(struct gateway *gateway, struct gw_txn *txn, const struct gw_xfrm_request *request,
	struct gw_sa_spec *spec, struct gw_error *err)
{
	struct gw_sa_id id = gw_sa_spec_id(spec);
	struct gw_sa *sa = gw_sa_find(gateway->ipsec, &id);
	bool update = request->header->nlmsg_type == XFRM_MSG_UPDSA;
	int rc = 0;

	if (update && !sa && !gw_spi_is_held(gateway->ipsec, &id))
		return no_such(err);
	if (!update && gw_spi_is_held(gateway->ipsec, &id) && is_larval(gateway, request->body))
		return gw_error_set(
			err, EEXIST, "SPI 0x%x was allocated: UPDSA makes its SA", id.spi);
	if (update && sa) {
		rc = carry_on(sa, request, spec, err);
		if (!rc)
			rc = gw_sa_delete(gateway->ipsec, txn, &id, err);
	}
	return rc ? rc : gw_sa_add(gateway->ipsec, txn, spec, GW_ORIGIN_XFRM, err);
}

int gateway_xfrm_sa_new(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct gateway_controller *owner = gateway_xfrm_owner(gateway, client);
	struct gw_xfrm_sa_extra extra = {};
	struct gw_sa_spec spec;
	struct gw_sa_id id;
	int rc = read_sa(gateway, owner, request, &spec, &extra, err);
	struct gw_txn *txn = rc ? NULL : gw_txn_new();

	if (!rc && !txn)
		rc = gw_error_set(err, ENOMEM, "out of memory");
	if (!rc)
		rc = stage(gateway, txn, request, &spec, err);
	id = gw_sa_spec_id(&spec);
	if (!rc && gw_xfrm_sa_book_put(gateway->xfrm->sas, &id, &extra) != 0)
		rc = gw_error_set(err, ENOMEM, "out of memory");
	if (txn && rc)
		gw_txn_abort(txn);
	else if (txn)
		gw_txn_commit(txn);
	if (!rc)
		gateway_xfrm_larval_settle(gateway, request);
	gw_sa_spec_wipe(&spec);
	gw_wipe(&extra, sizeof(extra));
	return rc;
}

static int delete_sa(struct gateway *gateway, const struct gw_sa_id *id, struct gw_error *err)
{
	struct gw_txn *txn = gw_txn_new();
	int rc;

	if (!txn)
		return gw_error_set(err, ENOMEM, "out of memory");
	rc = gw_sa_delete(gateway->ipsec, txn, id, err);
	if (rc)
		gw_txn_abort(txn);
	else
		gw_txn_commit(txn);
	return rc;
}

int gateway_xfrm_sa_delete(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_usersa_id *wire = request->body;
	struct gw_sa *sa = gateway_xfrm_sa_find(gateway, request, wire);
	const struct gw_xfrm_larval *larval;
	struct gw_sa_id id;

	if (sa) {
		id = gw_sa_spec_id(&sa->spec);
		return delete_sa(gateway, &id, err);
	}
	// A negotiation that failed gives its SPI back.
	larval = gateway_xfrm_larval_find(gateway, request, wire);
	if (!larval)
		return no_such(err);
	gateway_xfrm_larval_delete(gateway, larval);
	return 0;
}

static void use_of(struct gateway *gateway, const struct gw_sa *sa, struct gw_xfrm_sa_use *use)
{
	uint64_t now_ns = gw_clock_ns(), now = (uint64_t)time(NULL);
	struct gw_sa_totals totals;

	gw_sa_total(sa, gateway->dataplane.worker_count, &totals);
	*use = (struct gw_xfrm_sa_use){
		.bytes = totals.bytes,
		.packets = totals.packets,
		.added = now - (now_ns - sa->added_ns) / 1000000000u,
	};
	if (totals.last_used_ns)
		use->used = now - (now_ns - RTE_MIN(now_ns, totals.last_used_ns)) / 1000000000u;
	for (unsigned int i = 0; i < GW_SA_DROP_COUNT; i++) {
		if (gw_sa_drop_reason[i] == GW_DROP_ESP_REPLAY)
			use->replays = (uint32_t)totals.drops[i];
		else if (gw_sa_drop_reason[i] == GW_DROP_ESP_INTEGRITY)
			use->integrity_failures = (uint32_t)totals.drops[i];
	}
}

void gateway_xfrm_sa_describe(
	struct gateway *gateway, const struct gw_sa *sa, struct xfrm_usersa_info *info)
{
	struct gw_xfrm_sa_use use;

	use_of(gateway, sa, &use);
	gw_xfrm_sa_info_write(&sa->spec, gateway_xfrm_sa_extra(gateway, sa), &use, info);
}

int gateway_xfrm_sa_attributes(
	struct gateway *gateway, const struct gw_sa *sa, struct nl_msg *message)
{
	struct gw_xfrm_sa_use use;
	struct gw_sa_spec spec;
	int rc = gw_sa_snapshot(sa, &spec);

	if (rc)
		return rc;
	use_of(gateway, sa, &use);
	rc = gw_xfrm_sa_attributes_write(message, &spec, gateway_xfrm_sa_extra(gateway, sa), &use);
	gw_sa_spec_wipe(&spec);
	return rc;
}

struct flush {
	struct gateway *gateway;
	struct gw_txn *txn;
	uint8_t protocol;
	struct gw_error *err;
};

static int flush_one(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct flush *flush = ctx;
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);

	if (origin != GW_ORIGIN_XFRM || (flush->protocol && flush->protocol != sa->protocol))
		return 0;
	return gw_sa_delete(flush->gateway->ipsec, flush->txn, &id, flush->err);
}

// Those that came this way; what the configuration or an operator added stays.
int gateway_xfrm_sa_flush(struct gateway *gateway, struct gw_xfrm_client *,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_usersa_flush *wire = request->body;
	struct flush flush = { .gateway = gateway, .txn = gw_txn_new(), .err = err };
	int rc;

	if (!flush.txn)
		return gw_error_set(err, ENOMEM, "out of memory");
	flush.protocol = wire->proto == 255 ? 0 : wire->proto;
	rc = gw_sa_each(gateway->ipsec, flush_one, &flush);
	if (rc)
		gw_txn_abort(flush.txn);
	else
		gw_txn_commit(flush.txn);
	if (!rc)
		gateway_xfrm_larval_flush(gateway, flush.protocol);
	return rc;
}
