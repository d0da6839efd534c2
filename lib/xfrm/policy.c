// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <netlink/attr.h>

#include "xfrm/selector.h"

static int read_action(
	const struct xfrm_userpolicy_info *info, struct gw_policy_spec *spec, struct gw_error *err)
{
	if (info->dir >= XFRM_POLICY_MAX)
		return gw_error_set(
			err, EINVAL, "direction %u is none of in, out and fwd", info->dir);
	spec->direction = info->dir == XFRM_POLICY_OUT ? GW_DIRECTION_OUT : GW_DIRECTION_IN;
	if (info->action != XFRM_POLICY_ALLOW && info->action != XFRM_POLICY_BLOCK)
		return gw_error_set(
			err, EINVAL, "action %u is neither allow nor block", info->action);
	spec->action = info->action == XFRM_POLICY_BLOCK ? GW_ACTION_DISCARD : GW_ACTION_BYPASS;
	spec->priority = info->priority;
	return 0;
}

static int check_template(const struct xfrm_user_tmpl *template, struct gw_error *err)
{
	if (template->id.proto != IPPROTO_ESP && template->id.proto != IPPROTO_AH)
		return gw_error_set(err, EPROTONOSUPPORT,
			"a template of protocol %u is neither ESP nor AH", template->id.proto);
	if (template->mode != XFRM_MODE_TUNNEL && template->mode != XFRM_MODE_TRANSPORT)
		return gw_error_set(err, EPROTONOSUPPORT,
			"a template of mode %u is neither tunnel nor transport", template->mode);
	return 0;
}

// One that may be left out, as compression is, is left out. Two that must be there would be nested.
static int read_templates(
	const struct gw_xfrm_request *request, struct gw_xfrm_policy *policy, struct gw_error *err)
{
	const struct xfrm_user_tmpl *templates = gw_xfrm_value(request, XFRMA_TMPL);
	size_t count = gw_xfrm_value_bytes(request, XFRMA_TMPL) / sizeof(*templates);

	for (size_t i = 0; i < count; i++) {
		int rc;

		if (templates[i].optional)
			continue;
		if (policy->protects)
			return gw_error_set(err, EOPNOTSUPP,
				"several templates, one around the other, are not available here");
		rc = check_template(&templates[i], err);
		if (rc)
			return rc;
		policy->template = templates[i];
		policy->protects = true;
	}
	return 0;
}

static int check_rest(const struct gw_xfrm_request *request, const struct gw_xfrm_policy *policy,
	struct gw_error *err)
{
	const struct xfrm_userpolicy_type *type = gw_xfrm_value(request, XFRMA_POLICY_TYPE);

	if (type && gw_xfrm_value_bytes(request, XFRMA_POLICY_TYPE) >= sizeof(type->type) &&
		type->type != XFRM_POLICY_TYPE_MAIN)
		return gw_error_set(err, EOPNOTSUPP, "sub-policies are not available here");
	if (policy->mark.v | policy->mark.m)
		return gw_error_set(err, EOPNOTSUPP,
			"policies by mark are not available here: packets have no marks; use "
			"if_id, and an "
			"interface with it");
	return 0;
}

int gw_xfrm_policy_read(const struct gw_xfrm_request *request, struct gw_xfrm_policy *policy,
	struct gw_policy_spec *spec, struct gw_error *err)
{
	const struct xfrm_mark *mark = gw_xfrm_value(request, XFRMA_MARK);
	int rc;

	memset(policy, 0, sizeof(*policy));
	memset(spec, 0, sizeof(*spec));
	policy->info = *(const struct xfrm_userpolicy_info *)request->body;
	policy->if_id = gw_xfrm_u32(request, XFRMA_IF_ID, 0);
	if (mark)
		policy->mark = *mark;
	rc = read_action(&policy->info, spec, err);
	if (!rc)
		rc = gw_xfrm_selector_read(&policy->info.sel, 0, &spec->selector, err);
	if (!rc)
		rc = read_templates(request, policy, err);
	if (!rc)
		rc = check_rest(request, policy, err);
	spec->if_id = policy->if_id;
	if (rc || spec->action == GW_ACTION_DISCARD || !policy->protects)
		return rc;
	spec->action = GW_ACTION_PROTECT;
	spec->reqid = policy->template.reqid;
	return 0;
}

void gw_xfrm_policy_of_spec(const struct gw_policy_spec *spec, struct gw_xfrm_policy *policy)
{
	*policy = (struct gw_xfrm_policy){
		.info = { .priority = spec->priority,
			.dir = spec->direction == GW_DIRECTION_OUT ? XFRM_POLICY_OUT
								   : XFRM_POLICY_IN,
			.action = spec->action == GW_ACTION_DISCARD ? XFRM_POLICY_BLOCK
								    : XFRM_POLICY_ALLOW,
			.lft = { XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF } },
		.protects = spec->action == GW_ACTION_PROTECT,
		.if_id = spec->if_id,
	};
	gw_xfrm_selector_write(&spec->selector, &policy->info.sel);
	if (!policy->protects)
		return;
	policy->template = (struct xfrm_user_tmpl){
		.id.proto = IPPROTO_ESP,
		.family = policy->info.sel.family,
		.reqid = spec->reqid,
		.mode = XFRM_MODE_TUNNEL,
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX,
	};
}

int gw_xfrm_policy_attributes_write(struct nl_msg *message, const struct gw_xfrm_policy *policy)
{
	int rc = 0;

	if (policy->protects)
		rc = nla_put(message, XFRMA_TMPL, sizeof(policy->template), &policy->template);
	if (rc == 0 && (policy->mark.v | policy->mark.m))
		rc = nla_put(message, XFRMA_MARK, sizeof(policy->mark), &policy->mark);
	if (rc == 0 && policy->if_id)
		rc = nla_put_u32(message, XFRMA_IF_ID, policy->if_id);
	return rc < 0 ? -ENOMEM : 0;
}
