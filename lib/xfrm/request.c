// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/request.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

struct type {
	size_t body_bytes; // 0: no such request
	bool refused;      // the kernel has it, this daemon does not
	bool bare;         // a dump may come without the structure
};

// The fixed structure of each request. An attribute may follow that is not looked at.
static const struct type types[XFRM_NR_MSGTYPES] = {
#define AT(type) [(type)-XFRM_MSG_BASE]
	AT(XFRM_MSG_NEWSA) = { sizeof(struct xfrm_usersa_info) },
	AT(XFRM_MSG_UPDSA) = { sizeof(struct xfrm_usersa_info) },
	AT(XFRM_MSG_DELSA) = { sizeof(struct xfrm_usersa_id) },
	AT(XFRM_MSG_GETSA) = { sizeof(struct xfrm_usersa_id), .bare = true },
	AT(XFRM_MSG_NEWPOLICY) = { sizeof(struct xfrm_userpolicy_info) },
	AT(XFRM_MSG_UPDPOLICY) = { sizeof(struct xfrm_userpolicy_info) },
	AT(XFRM_MSG_DELPOLICY) = { sizeof(struct xfrm_userpolicy_id) },
	AT(XFRM_MSG_GETPOLICY) = { sizeof(struct xfrm_userpolicy_id), .bare = true },
	AT(XFRM_MSG_ALLOCSPI) = { sizeof(struct xfrm_userspi_info) },
	AT(XFRM_MSG_FLUSHSA) = { sizeof(struct xfrm_usersa_flush) },
	AT(XFRM_MSG_FLUSHPOLICY) = { NLMSG_ALIGNTO, .bare = true },
	AT(XFRM_MSG_GETAE) = { sizeof(struct xfrm_aevent_id) },
	AT(XFRM_MSG_NEWAE) = { sizeof(struct xfrm_aevent_id) },
	AT(XFRM_MSG_GETSADINFO) = { sizeof(uint32_t) },
	AT(XFRM_MSG_GETSPDINFO) = { sizeof(uint32_t) },
	AT(XFRM_MSG_NEWSPDINFO) = { sizeof(uint32_t) },
	AT(XFRM_MSG_MIGRATE) = { sizeof(struct xfrm_userpolicy_id) },
	AT(XFRM_MSG_ACQUIRE) = { sizeof(struct xfrm_user_acquire), .refused = true },
	AT(XFRM_MSG_EXPIRE) = { sizeof(struct xfrm_user_expire), .refused = true },
	AT(XFRM_MSG_POLEXPIRE) = { sizeof(struct xfrm_user_polexpire), .refused = true },
	AT(XFRM_MSG_SETDEFAULT) = { sizeof(struct xfrm_userpolicy_default), .refused = true },
	AT(XFRM_MSG_GETDEFAULT) = { sizeof(uint32_t) },
#undef AT
};

// The least that an attribute may be long.
static const struct nla_policy shapes[XFRMA_MAX + 1] = {
	[XFRMA_ALG_AUTH] = { .minlen = sizeof(struct xfrm_algo) },
	[XFRMA_ALG_CRYPT] = { .minlen = sizeof(struct xfrm_algo) },
	[XFRMA_ALG_COMP] = { .minlen = sizeof(struct xfrm_algo) },
	[XFRMA_ALG_AEAD] = { .minlen = sizeof(struct xfrm_algo_aead) },
	[XFRMA_ALG_AUTH_TRUNC] = { .minlen = sizeof(struct xfrm_algo_auth) },
	[XFRMA_ENCAP] = { .minlen = sizeof(struct xfrm_encap_tmpl) },
	[XFRMA_TMPL] = { .minlen = sizeof(struct xfrm_user_tmpl) },
	[XFRMA_LTIME_VAL] = { .minlen = sizeof(struct xfrm_lifetime_cur) },
	[XFRMA_REPLAY_VAL] = { .minlen = sizeof(struct xfrm_replay_state) },
	[XFRMA_REPLAY_ESN_VAL] = { .minlen = sizeof(struct xfrm_replay_state_esn) },
	[XFRMA_REPLAY_THRESH] = { .type = NLA_U32 },
	[XFRMA_ETIMER_THRESH] = { .type = NLA_U32 },
	[XFRMA_SRCADDR] = { .minlen = sizeof(xfrm_address_t) },
	[XFRMA_COADDR] = { .minlen = sizeof(xfrm_address_t) },
	[XFRMA_MARK] = { .minlen = sizeof(struct xfrm_mark) },
	[XFRMA_MIGRATE] = { .minlen = sizeof(struct xfrm_user_migrate) },
	[XFRMA_KMADDRESS] = { .minlen = sizeof(struct xfrm_user_kmaddress) },
	[XFRMA_POLICY_TYPE] = { .minlen = sizeof(struct xfrm_userpolicy_type) },
	[XFRMA_TFCPAD] = { .type = NLA_U32 },
	[XFRMA_SA_EXTRA_FLAGS] = { .type = NLA_U32 },
	[XFRMA_PROTO] = { .type = NLA_U8 },
	[XFRMA_ADDRESS_FILTER] = { .minlen = sizeof(struct xfrm_address_filter) },
	[XFRMA_OFFLOAD_DEV] = { .minlen = sizeof(struct xfrm_user_offload) },
	[XFRMA_SET_MARK] = { .type = NLA_U32 },
	[XFRMA_SET_MARK_MASK] = { .type = NLA_U32 },
	[XFRMA_IF_ID] = { .type = NLA_U32 },
	[XFRMA_MTIMER_THRESH] = { .type = NLA_U32 },
};

const void *gw_xfrm_value(const struct gw_xfrm_request *request, int type)
{
	return request->attributes[type] ? nla_data(request->attributes[type]) : NULL;
}

size_t gw_xfrm_value_bytes(const struct gw_xfrm_request *request, int type)
{
	return request->attributes[type] ? (size_t)nla_len(request->attributes[type]) : 0;
}

uint32_t gw_xfrm_u32(const struct gw_xfrm_request *request, int type, uint32_t otherwise)
{
	return request->attributes[type] ? nla_get_u32(request->attributes[type]) : otherwise;
}

static int check_key(const struct gw_xfrm_request *request, int type, const char *name,
	size_t structure_bytes, unsigned int key_bits, const char algorithm[64],
	struct gw_error *err)
{
	size_t bytes = gw_xfrm_value_bytes(request, type) - structure_bytes;

	if (!memchr(algorithm, '\0', 64))
		return gw_error_set(err, EINVAL, "%s: the algorithm's name does not end", name);
	if (key_bits % 8 || key_bits / 8 > bytes)
		return gw_error_set(err, EINVAL,
			"%s: a key of %u bits does not go into the %zu bytes that are there", name,
			key_bits, bytes);
	return 0;
}

static int check_algorithms(const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_algo_auth *trunc = gw_xfrm_value(request, XFRMA_ALG_AUTH_TRUNC);
	const struct xfrm_algo_aead *aead = gw_xfrm_value(request, XFRMA_ALG_AEAD);
	const struct xfrm_algo *crypt = gw_xfrm_value(request, XFRMA_ALG_CRYPT);
	const struct xfrm_algo *auth = gw_xfrm_value(request, XFRMA_ALG_AUTH);
	int rc = 0;

	if (trunc)
		rc = check_key(request, XFRMA_ALG_AUTH_TRUNC, "XFRMA_ALG_AUTH_TRUNC",
			sizeof(*trunc), trunc->alg_key_len, trunc->alg_name, err);
	if (!rc && aead)
		rc = check_key(request, XFRMA_ALG_AEAD, "XFRMA_ALG_AEAD", sizeof(*aead),
			aead->alg_key_len, aead->alg_name, err);
	if (!rc && crypt)
		rc = check_key(request, XFRMA_ALG_CRYPT, "XFRMA_ALG_CRYPT", sizeof(*crypt),
			crypt->alg_key_len, crypt->alg_name, err);
	if (!rc && auth)
		rc = check_key(request, XFRMA_ALG_AUTH, "XFRMA_ALG_AUTH", sizeof(*auth),
			auth->alg_key_len, auth->alg_name, err);
	return rc;
}

static int check_replay(const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_replay_state_esn *replay = gw_xfrm_value(request, XFRMA_REPLAY_ESN_VAL);
	size_t bytes = gw_xfrm_value_bytes(request, XFRMA_REPLAY_ESN_VAL);

	if (!replay)
		return 0;
	// Without a bitmap, as `ip xfrm` has it, nothing has been received.
	if (bytes > sizeof(*replay) &&
		replay->bmp_len > (bytes - sizeof(*replay)) / sizeof(uint32_t))
		return gw_error_set(err, EINVAL,
			"XFRMA_REPLAY_ESN_VAL: a bitmap of %u words does not go into %zu bytes",
			replay->bmp_len, bytes - sizeof(*replay));
	if (replay->replay_window > (uint64_t)replay->bmp_len * 32)
		return gw_error_set(err, EINVAL,
			"XFRMA_REPLAY_ESN_VAL: a window of %u has no room in a bitmap of %u words",
			replay->replay_window, replay->bmp_len);
	return 0;
}

static int check_attributes(const struct gw_xfrm_request *request, struct gw_error *err)
{
	int rc = check_algorithms(request, err);

	if (!rc)
		rc = check_replay(request, err);
	if (!rc && gw_xfrm_value_bytes(request, XFRMA_TMPL) % sizeof(struct xfrm_user_tmpl))
		rc = gw_error_set(err, EINVAL, "XFRMA_TMPL: not a whole number of templates");
	return rc;
}

static int parse_attributes(
	const uint8_t *data, size_t size, struct gw_xfrm_request *request, struct gw_error *err)
{
	// libnl leaves what it is given alone.
	struct nlattr **attributes = (struct nlattr **)request->attributes;
	struct nla_policy policy[XFRMA_MAX + 1];

	if (size == 0)
		return 0;
	memcpy(policy, shapes, sizeof(policy));
	if (nla_parse(attributes, XFRMA_MAX, (struct nlattr *)(uintptr_t)data, (int)size, policy) <
		0)
		return gw_error_set(err, EINVAL, "an attribute is shorter than its type needs");
	return check_attributes(request, err);
}

static const struct type *type_of(const struct nlmsghdr *header)
{
	unsigned int type = header->nlmsg_type;

	if (type < XFRM_MSG_BASE || type > XFRM_MSG_MAX || !types[type - XFRM_MSG_BASE].body_bytes)
		return NULL;
	return &types[type - XFRM_MSG_BASE];
}

int gw_xfrm_request_parse(
	const void *data, size_t size, struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct nlmsghdr *header = data;
	const struct type *type;
	size_t body, end;

	memset(request, 0, sizeof(*request));
	if (size < sizeof(*header))
		return gw_error_set(err, EINVAL, "%zu bytes are no netlink message", size);
	request->header = header;
	if (header->nlmsg_len < sizeof(*header) || header->nlmsg_len > size)
		return gw_error_set(
			err, EINVAL, "a message of %u bytes in %zu", header->nlmsg_len, size);
	type = type_of(header);
	if (!type)
		return gw_error_set(
			err, EINVAL, "message type %u is no request of XFRM", header->nlmsg_type);
	if (type->refused)
		return gw_error_set(err, EOPNOTSUPP, "message type %u is not supported here",
			header->nlmsg_type);
	body = header->nlmsg_len - sizeof(*header);
	if (body < type->body_bytes) {
		// With a body that is none, a dump has no attributes either.
		if (type->bare &&
			(header->nlmsg_flags & NLM_F_DUMP || type->body_bytes == NLMSG_ALIGNTO))
			return 0;
		return gw_error_set(err, EINVAL, "message type %u needs %zu bytes and has %zu",
			header->nlmsg_type, type->body_bytes, body);
	}
	request->body = (const uint8_t *)data + sizeof(*header);
	end = NLMSG_ALIGN(type->body_bytes);
	return end < body ? parse_attributes(
				    (const uint8_t *)request->body + end, body - end, request, err)
			  : 0;
}
