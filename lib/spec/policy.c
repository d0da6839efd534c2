// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Policies as values. selector.c has their selectors.

#include "spec/policy.h"

#include <errno.h>
#include <string.h>

#include "spec/reading.h"
#include "spec/selector.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const gw_action_words[] = { "discard", "bypass", "protect", NULL };

#define OFFSET(member) offsetof(struct gw_policy_spec, member)

static const char *const populate_words[] = { "source", "destination", "protocol", "source_port",
	"destination_port", NULL };

static int read_populate(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint8_t *populate = target;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count == 0)
		return gw_value_wrong(value, name, err, "a list of fields of the selector");
	for (size_t i = 0; i < count; i++) {
		int choice, ret;

		ret = gw_read_word(json_array_get(value, i), NULL, populate_words, &choice, err);
		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
		*populate |= (uint8_t)(1 << choice);
	}
	return 0;
}

static json_t *write_populate(uint8_t populate)
{
	json_t *list = json_array();

	for (int i = 0; populate_words[i]; i++)
		if (populate & 1 << i)
			json_array_append_new(list, json_string(populate_words[i]));
	return list;
}

static const struct gw_field policy_fields[] = {
	{ "name", gw_read_name, OFFSET(name), false, "For people; it identifies nothing.",
		.standard = "\"\"" },
	{ "direction", NULL, OFFSET(direction), true,
		"`out` decides about traffic towards the unprotected side, `in` about traffic from "
		"it.",
		.words = gw_direction_words },
	{ "priority", gw_read_u32, OFFSET(priority), false,
		"The lowest number that matches decides; among equals the policy added first.",
		.standard = "0" },
	{ "action", NULL, OFFSET(action), true,
		"`protect` wants an SA, `bypass` lets clear text through, `discard` drops.",
		.words = gw_action_words },
	{ "selector", gw_read_selector, OFFSET(selector), true, "Which traffic it is about.",
		.table = &gw_selector_fields },
	{ "reqid", gw_read_u32, OFFSET(reqid), false,
		"With `protect`: the SAs that carry the traffic are those with the same number.",
		.least = 1, .most = UINT32_MAX },
	{ "if_id", gw_read_u32, OFFSET(if_id), false,
		"The tunnel interface whose traffic it decides about: what routes lead into it, "
		"and what comes out of SAs with the same number; 0 for all other traffic. It "
		"protects or discards, and never bypasses.",
		.standard = "0" },
	{ "populate", read_populate, OFFSET(populate), false,
		"Outbound, with `protect`: the fields of the selector that an SA has from the "
		"packet "
		"which asked for it (populate from packet, RFC 4301 section 4.4.1.2). Only SAs "
		"with "
		"`selectors` of their own carry the traffic, and each packet that none of them "
		"matches raises an acquire event with what the SA should have.",
		.type = "a list of \"source\", \"destination\", \"protocol\", \"source_port\" (of "
			"ICMP the type) and \"destination_port\" (of ICMP the code)" },
};

const struct gw_field_table gw_policy_fields = {
	"A policy of the SPD (RFC 4301 section 4.4.1). What no policy matches is discarded.",
	policy_fields,
	COUNT(policy_fields),
};

int gw_policy_spec_read(json_t *object, struct gw_policy_spec *spec, struct gw_error *err)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = gw_fields_read(object, NULL, policy_fields, COUNT(policy_fields), spec, err);
	return ret ? ret : gw_policy_spec_check(spec, err);
}

int gw_policy_spec_check(const struct gw_policy_spec *spec, struct gw_error *err)
{
	int ret;

	if (!gw_name_is_valid(spec->name))
		return gw_error_at(err, EINVAL, NULL, "name",
			"must be text of at most %d printable ASCII characters without quotes",
			GW_NAME_SIZE - 1);
	if (spec->direction > GW_DIRECTION_OUT)
		return gw_error_at(err, EINVAL, NULL, "direction", "must be \"in\" or \"out\"");
	if (spec->action > GW_ACTION_PROTECT)
		return gw_error_at(err, EINVAL, NULL, "action",
			"must be \"discard\", \"bypass\" or \"protect\"");
	if (spec->action == GW_ACTION_PROTECT && spec->reqid == 0)
		return gw_error_at(err, EINVAL, NULL, "reqid",
			"is missing: a protect policy needs the reqid of its SAs, 1 or more");
	if (spec->action != GW_ACTION_PROTECT && spec->reqid != 0)
		return gw_error_at(err, EINVAL, NULL, "reqid",
			"belongs to a protect policy; leave it out of a %s policy",
			gw_action_words[spec->action]);
	if (spec->if_id && spec->action == GW_ACTION_BYPASS)
		return gw_error_at(err, EINVAL, NULL, "if_id",
			"belongs to a tunnel interface, which nothing leaves in clear: protect or "
			"discard");
	if (spec->populate &&
		(spec->action != GW_ACTION_PROTECT || spec->direction != GW_DIRECTION_OUT))
		return gw_error_at(err, EINVAL, NULL, "populate",
			"belongs to an outbound protect policy; inbound, each SA's own selectors "
			"are looked at anyway");
	ret = gw_selector_check(&spec->selector, "selector", err);
	if (ret)
		return ret;
	if (spec->populate & (GW_POPULATE_SOURCE_PORT | GW_POPULATE_DESTINATION_PORT) &&
		!(spec->populate & GW_POPULATE_PROTOCOL) &&
		spec->selector.protocol == GW_PROTOCOL_ANY)
		return gw_error_at(err, EINVAL, NULL, "populate",
			"has a port without its protocol: add \"protocol\", or give the selector "
			"one");
	return 0;
}

json_t *gw_policy_spec_write(const struct gw_policy_spec *spec)
{
	json_t *object = json_object();
	bool done;

	done = object && gw_json_put(object, "name", json_string(spec->name)) &&
	       gw_json_put(object, "direction", json_string(gw_direction_words[spec->direction])) &&
	       gw_json_put(object, "priority", json_integer(spec->priority)) &&
	       gw_json_put(object, "action", json_string(gw_action_words[spec->action])) &&
	       gw_json_put(object, "selector", gw_selector_write(&spec->selector)) &&
	       (spec->action != GW_ACTION_PROTECT ||
		       gw_json_put(object, "reqid", json_integer(spec->reqid))) &&
	       (!spec->if_id || gw_json_put(object, "if_id", json_integer(spec->if_id))) &&
	       (!spec->populate || gw_json_put(object, "populate", write_populate(spec->populate)));
	if (done)
		return object;
	json_decref(object);
	return NULL;
}

#define ID_OFFSET(member) offsetof(struct gw_policy_id, member)

static const struct gw_field id_fields[] = {
	{ "direction", NULL, ID_OFFSET(direction), true, "The policy's direction.",
		.words = gw_direction_words },
	{ "priority", gw_read_u32, ID_OFFSET(priority), false, "The policy's priority.",
		.standard = "0" },
	{ "if_id", gw_read_u32, ID_OFFSET(if_id), false, "The policy's tunnel interface.",
		.standard = "0" },
	{ "selector", gw_read_selector, ID_OFFSET(selector), true, "The policy's selector.",
		.table = &gw_selector_fields },
};

int gw_policy_id_read(json_t *object, struct gw_policy_id *id, struct gw_error *err)
{
	int ret;

	memset(id, 0, sizeof(*id));
	ret = gw_fields_read(object, NULL, id_fields, COUNT(id_fields), id, err);
	return ret ? ret : gw_selector_check(&id->selector, "selector", err);
}

struct gw_policy_id gw_policy_spec_id(const struct gw_policy_spec *spec)
{
	return (struct gw_policy_id){
		.direction = spec->direction,
		.priority = spec->priority,
		.if_id = spec->if_id,
		.selector = spec->selector,
	};
}

bool gw_policy_id_equal(const struct gw_policy_id *a, const struct gw_policy_id *b)
{
	return gw_policy_id_compare(a, b) == 0;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int gw_policy_id_compare(const struct gw_policy_id *a, const struct gw_policy_id *b)
{
	int order = compare_numbers(a->direction, b->direction);

	if (order == 0)
		order = compare_numbers(a->priority, b->priority);
	if (order == 0)
		order = compare_numbers(a->if_id, b->if_id);
	return order ? order : gw_selector_compare(&a->selector, &b->selector);
}
