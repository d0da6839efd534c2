// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/sa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netlink/attr.h>

#include "base/secret.h"
#include "xfrm/algorithm.h"
#include "xfrm/selector.h"
#include "xfrm/state.h"

static int read_addresses(
	const struct xfrm_usersa_info *info, struct gw_sa_spec *spec, struct gw_error *err)
{
	if (!gw_xfrm_addr_read(&info->saddr, info->family, &spec->source) ||
		!gw_xfrm_addr_read(&info->id.daddr, info->family, &spec->destination))
		return gw_error_set(
			err, EINVAL, "address family %u is neither IPv4 nor IPv6", info->family);
	return 0;
}

static int read_kind(
	const struct xfrm_usersa_info *info, struct gw_sa_spec *spec, struct gw_error *err)
{
	if (info->id.proto != IPPROTO_ESP && info->id.proto != IPPROTO_AH)
		return gw_error_set(
			err, EPROTONOSUPPORT, "protocol %u is neither ESP nor AH", info->id.proto);
	spec->protocol = (enum gw_protocol)info->id.proto;
	if (info->mode != XFRM_MODE_TUNNEL && info->mode != XFRM_MODE_TRANSPORT)
		return gw_error_set(err, EPROTONOSUPPORT, "mode %u is neither tunnel nor transport",
			info->mode);
	spec->mode = info->mode == XFRM_MODE_TUNNEL ? GW_MODE_TUNNEL : GW_MODE_TRANSPORT;
	return 0;
}

static int read_encapsulation(
	const struct gw_xfrm_request *request, struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_encap_tmpl *encap = gw_xfrm_value(request, XFRMA_ENCAP);

	if (!encap)
		return 0;
	if (encap->encap_type != UDP_ENCAP_ESPINUDP)
		return gw_error_set(err, EOPNOTSUPP,
			"encapsulation type %u is not available here: UDP (espinudp) is",
			encap->encap_type);
	spec->encapsulation.source_port = ntohs(encap->encap_sport);
	spec->encapsulation.destination_port = ntohs(encap->encap_dport);
	if (spec->direction == GW_DIRECTION_OUT)
		spec->encapsulation.keepalive = GW_KEEPALIVE_DEFAULT;
	return 0;
}

// Offload to a network device: the kernel does without where the device cannot, unless the device
// is to do everything.
static int check_offload(const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_user_offload *offload = gw_xfrm_value(request, XFRMA_OFFLOAD_DEV);

	if (offload && offload->flags & XFRM_OFFLOAD_PACKET)
		return gw_error_set(
			err, EOPNOTSUPP, "there is no device here that does all of IPsec");
	return 0;
}

static void read_headers(const struct xfrm_usersa_info *info, uint32_t extra_flags, uint32_t tfc,
	struct gw_sa_spec *spec)
{
	spec->ecn = info->flags & XFRM_STATE_NOECN ? GW_ECN_MODE_NO : GW_ECN_MODE_COPY;
	spec->inner_dscp =
		info->flags & XFRM_STATE_DECAP_DSCP ? GW_INNER_DSCP_COPY : GW_INNER_DSCP_KEEP;
	spec->df = info->flags & XFRM_STATE_NOPMTUDISC ? GW_DF_CLEAR : GW_DF_COPY;
	spec->dscp = extra_flags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP ? 0 : GW_DSCP_COPY;
	if (spec->mode == GW_MODE_TUNNEL && spec->protocol == GW_PROTOCOL_ESP)
		spec->tfc = (uint16_t)(tfc < GW_SIZE_AUTO ? tfc : GW_SIZE_AUTO);
}

static void read_extra(const struct gw_xfrm_request *request, const struct gw_sa_spec *spec,
	struct gw_xfrm_sa_extra *extra)
{
	const struct xfrm_usersa_info *info = request->body;
	const struct xfrm_mark *mark = gw_xfrm_value(request, XFRMA_MARK);

	*extra = (struct gw_xfrm_sa_extra){
		.selector = info->sel,
		.sequence = info->seq,
		.reqid = info->reqid,
		.flags = info->flags,
		.extra_flags = gw_xfrm_u32(request, XFRMA_SA_EXTRA_FLAGS, 0),
		.set_mark = gw_xfrm_u32(request, XFRMA_SET_MARK, 0),
		.set_mark_mask = gw_xfrm_u32(request, XFRMA_SET_MARK_MASK, UINT32_MAX),
		.carried_bytes = spec->lifetime.used_bytes,
		.carried_packets = spec->lifetime.used_packets,
		.encryption_key_bytes = spec->encryption_key_bytes,
		.integrity_key_bytes = spec->integrity_key_bytes,
	};
	if (mark)
		extra->mark = *mark;
	memcpy(extra->encryption_key, spec->encryption_key, sizeof(extra->encryption_key));
	memcpy(extra->integrity_key, spec->integrity_key, sizeof(extra->integrity_key));
}

int gw_xfrm_sa_read(const struct gw_xfrm_request *request, struct gw_sa_spec *spec,
	struct gw_xfrm_sa_extra *extra, struct gw_error *err)
{
	const struct xfrm_usersa_info *info = request->body;
	int rc;

	spec->spi = ntohl(info->id.spi);
	spec->if_id = gw_xfrm_u32(request, XFRMA_IF_ID, 0);
	spec->esn = info->flags & XFRM_STATE_ESN;
	gw_xfrm_lifetime_read(&info->lft, &spec->lifetime);
	gw_xfrm_lifetime_used_read(request, (uint64_t)time(NULL), &spec->lifetime);
	rc = read_addresses(info, spec, err);
	if (!rc)
		rc = read_kind(info, spec, err);
	if (!rc)
		rc = gw_xfrm_algorithms_read(request, spec, err);
	if (!rc)
		rc = read_encapsulation(request, spec, err);
	if (!rc)
		rc = check_offload(request, err);
	if (!rc)
		rc = gw_xfrm_replay_read(request, info->replay_window, spec, err);
	if (rc)
		return rc;
	read_headers(info, gw_xfrm_u32(request, XFRMA_SA_EXTRA_FLAGS, 0),
		gw_xfrm_u32(request, XFRMA_TFCPAD, 0), spec);
	read_extra(request, spec, extra);
	return 0;
}

bool gw_xfrm_sa_id_read(const struct xfrm_usersa_id *wire, struct gw_sa_id *id)
{
	*id = (struct gw_sa_id){
		.protocol = (enum gw_protocol)wire->proto,
		.spi = ntohl(wire->spi),
	};
	return gw_xfrm_addr_read(&wire->daddr, wire->family, &id->destination);
}

static uint8_t flags_of(const struct gw_sa_spec *spec)
{
	return (uint8_t)((spec->ecn == GW_ECN_MODE_NO ? XFRM_STATE_NOECN : 0) |
			 (spec->inner_dscp == GW_INNER_DSCP_COPY ? XFRM_STATE_DECAP_DSCP : 0) |
			 (spec->df == GW_DF_CLEAR ? XFRM_STATE_NOPMTUDISC : 0) |
			 (spec->esn ? XFRM_STATE_ESN : 0));
}

void gw_xfrm_sa_info_write(const struct gw_sa_spec *spec, const struct gw_xfrm_sa_extra *extra,
	const struct gw_xfrm_sa_use *use, struct xfrm_usersa_info *info)
{
	*info = (struct xfrm_usersa_info){
		.id = { .spi = htonl(spec->spi), .proto = (uint8_t)spec->protocol },
		.sel.family = gw_xfrm_family(spec->source.family),
		.curlft = { .bytes = use->bytes + (extra ? extra->carried_bytes : 0),
			.packets = use->packets + (extra ? extra->carried_packets : 0),
			.add_time = use->added,
			.use_time = use->used },
		.stats = { .replay_window = use->replay_window_failures,
			.replay = use->replays,
			.integrity_failed = use->integrity_failures },
		.reqid = extra ? extra->reqid : spec->reqid,
		.family = gw_xfrm_family(spec->source.family),
		.mode = spec->mode == GW_MODE_TUNNEL ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT,
		.replay_window = (uint8_t)(!spec->esn && spec->direction == GW_DIRECTION_IN &&
							   spec->replay_window <= 32
						   ? spec->replay_window
						   : 0),
		.flags = extra ? extra->flags : flags_of(spec),
		.seq = extra ? extra->sequence : 0,
	};
	if (extra)
		info->sel = extra->selector;
	gw_xfrm_addr_write(&spec->source, &info->saddr);
	gw_xfrm_addr_write(&spec->destination, &info->id.daddr);
	gw_xfrm_lifetime_write(&spec->lifetime, &info->lft);
}

static int write_algorithms(
	struct nl_msg *message, const struct gw_sa_spec *spec, const struct gw_xfrm_sa_extra *extra)
{
	struct gw_sa_spec keyed;
	int rc;

	gw_sa_spec_copy(&keyed, spec);
	if (extra) {
		memcpy(keyed.encryption_key, extra->encryption_key, sizeof(keyed.encryption_key));
		memcpy(keyed.integrity_key, extra->integrity_key, sizeof(keyed.integrity_key));
		keyed.encryption_key_bytes = extra->encryption_key_bytes;
		keyed.integrity_key_bytes = extra->integrity_key_bytes;
	}
	rc = gw_xfrm_algorithms_write(message, &keyed);
	gw_wipe(&keyed, sizeof(keyed));
	return rc;
}

static int write_encapsulation(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	struct xfrm_encap_tmpl encap = {
		.encap_type = UDP_ENCAP_ESPINUDP,
		.encap_sport = htons(spec->encapsulation.source_port),
		.encap_dport = htons(spec->encapsulation.destination_port),
	};

	return nla_put(message, XFRMA_ENCAP, sizeof(encap), &encap);
}

static int write_marks(struct nl_msg *message, const struct gw_xfrm_sa_extra *extra)
{
	int rc = 0;

	if (extra->extra_flags)
		rc = nla_put_u32(message, XFRMA_SA_EXTRA_FLAGS, extra->extra_flags);
	if (rc == 0 && (extra->mark.v | extra->mark.m))
		rc = nla_put(message, XFRMA_MARK, sizeof(extra->mark), &extra->mark);
	if (rc == 0 && extra->set_mark)
		rc = nla_put_u32(message, XFRMA_SET_MARK, extra->set_mark);
	if (rc == 0 && extra->set_mark)
		rc = nla_put_u32(message, XFRMA_SET_MARK_MASK, extra->set_mark_mask);
	return rc;
}

int gw_xfrm_sa_attributes_write(struct nl_msg *message, const struct gw_sa_spec *spec,
	const struct gw_xfrm_sa_extra *extra, const struct gw_xfrm_sa_use *use)
{
	if (nla_put_u64(message, XFRMA_LASTUSED, use->used) < 0 ||
		write_algorithms(message, spec, extra) < 0 ||
		(gw_sa_spec_in_udp(spec) && write_encapsulation(message, spec) < 0) ||
		(spec->tfc && nla_put_u32(message, XFRMA_TFCPAD, spec->tfc) < 0) ||
		(spec->if_id && nla_put_u32(message, XFRMA_IF_ID, spec->if_id) < 0) ||
		gw_xfrm_replay_write(message, spec) < 0 ||
		(extra && write_marks(message, extra) < 0))
		return -ENOMEM;
	return 0;
}
