// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/sa_header.h"

#include <errno.h>
#include <string.h>

#define MOST_DSCP       63
#define MOST_FLOW_LABEL 0xfffff

const char *const gw_ecn_words[] = { "copy", "no", NULL };

static bool is_word(json_t *value, const char *word)
{
	return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

// A map says for each DSCP, 0 first, which one takes its place.
static int read_map(json_t *list, const char *name, uint8_t *map, struct gw_error *err)
{
	json_t *entry;
	size_t i;

	if (json_array_size(list) != GW_DSCP_COUNT)
		return gw_error_at(err, EINVAL, list, name,
			"has %zu numbers; a map has %d, one for each DSCP, 0 first",
			json_array_size(list), GW_DSCP_COUNT);
	json_array_foreach (list, i, entry) {
		uint64_t number;

		if (gw_read_number(entry, name, 0, MOST_DSCP, &number, NULL) != 0)
			return gw_error_at(err, EINVAL, entry, name,
				"must have whole numbers from 0 to %d; number %zu is not one",
				MOST_DSCP, i);
		map[i] = (uint8_t)number;
	}
	return 0;
}

int gw_read_dscp(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;
	uint64_t number;

	if (is_word(value, "copy")) {
		spec->dscp = GW_DSCP_COPY;
		return 0;
	}
	if (json_is_array(value)) {
		spec->dscp = GW_DSCP_MAP;
		return read_map(value, name, spec->dscp_map, err);
	}
	if (gw_read_number(value, name, 0, MOST_DSCP, &number, NULL) != 0)
		return gw_value_wrong(value, name, err,
			"\"copy\", a whole number from 0 to 63 or a list of %d", GW_DSCP_COUNT);
	spec->dscp = (int16_t)number;
	return 0;
}

int gw_read_inner_dscp(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;
	uint64_t number;

	if (json_is_array(value)) {
		spec->inner_dscp = GW_INNER_DSCP_MAP;
		return read_map(value, name, spec->dscp_map, err);
	}
	if (is_word(value, "keep") || is_word(value, "copy")) {
		spec->inner_dscp = is_word(value, "copy") ? GW_INNER_DSCP_COPY : GW_INNER_DSCP_KEEP;
		return 0;
	}
	if (gw_read_number(value, name, 0, MOST_DSCP, &number, NULL) != 0)
		return gw_value_wrong(value, name, err,
			"\"keep\", \"copy\", a whole number from 0 to 63 or a list of %d",
			GW_DSCP_COUNT);
	spec->inner_dscp = GW_INNER_DSCP_SET;
	memset(spec->dscp_map, (int)number, sizeof(spec->dscp_map));
	return 0;
}

int gw_read_flow_label(json_t *value, const char *name, void *target, struct gw_error *err)
{
	int32_t *label = target;
	uint64_t number;

	if (is_word(value, "copy")) {
		*label = GW_FLOW_LABEL_COPY;
		return 0;
	}
	if (gw_read_number(value, name, 0, MOST_FLOW_LABEL, &number, NULL) != 0)
		return gw_value_wrong(value, name, err, "\"copy\" or a whole number from 0 to %d",
			MOST_FLOW_LABEL);
	*label = (int32_t)number;
	return 0;
}

static int refuse(const char *member, const char *rule, struct gw_error *err)
{
	return gw_error_at(err, EINVAL, NULL, member, "%s", rule);
}

// Transport mode has no outer header.
static int check_transport(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const char *rule = "is about the outer header of a tunnel; leave it out in transport mode";

	if (spec->dscp != GW_DSCP_COPY)
		return refuse("dscp", rule, err);
	if (spec->inner_dscp != GW_INNER_DSCP_KEEP)
		return refuse("inner_dscp", rule, err);
	if (spec->ecn != GW_ECN_MODE_COPY)
		return refuse("ecn", rule, err);
	if (spec->ttl && spec->ttl != GW_DEFAULT_TTL)
		return refuse("ttl", rule, err);
	if (spec->flow_label)
		return refuse("flow_label", rule, err);
	return 0;
}

static bool map_is_right(const uint8_t *map)
{
	for (unsigned int i = 0; i < GW_DSCP_COUNT; i++)
		if (map[i] > MOST_DSCP)
			return false;
	return true;
}

int gw_sa_header_check(const struct gw_sa_spec *spec, struct gw_error *err)
{
	if (spec->dscp < GW_DSCP_MAP || spec->dscp > MOST_DSCP || !map_is_right(spec->dscp_map))
		return refuse("dscp",
			"must be \"copy\", a whole number from 0 to 63 or a list of 64 of these",
			err);
	if (spec->inner_dscp > GW_INNER_DSCP_SET)
		return refuse("inner_dscp",
			"must be \"keep\", \"copy\", a whole number from 0 to 63 or a list of 64",
			err);
	if (spec->ecn > GW_ECN_MODE_NO)
		return refuse("ecn", "must be \"copy\" or \"no\"", err);
	if (spec->flow_label < GW_FLOW_LABEL_COPY || spec->flow_label > MOST_FLOW_LABEL)
		return refuse(
			"flow_label", "must be \"copy\" or a whole number from 0 to 1048575", err);
	if (spec->mode == GW_MODE_TRANSPORT)
		return check_transport(spec, err);
	if (spec->direction == GW_DIRECTION_OUT && spec->inner_dscp != GW_INNER_DSCP_KEEP)
		return refuse("inner_dscp",
			"is about packets that come out of the tunnel; leave it out of an outbound "
			"SA",
			err);
	if (spec->direction == GW_DIRECTION_IN && spec->dscp == GW_DSCP_MAP)
		return refuse("dscp",
			"has a map for packets that go into the tunnel; of an inbound SA "
			"inner_dscp "
			"takes one",
			err);
	return 0;
}

static json_t *write_map(const uint8_t *map)
{
	json_t *list = json_array();

	for (unsigned int i = 0; list && i < GW_DSCP_COUNT; i++) {
		if (json_array_append_new(list, json_integer(map[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *write_dscp(const struct gw_sa_spec *spec)
{
	if (spec->dscp == GW_DSCP_MAP)
		return write_map(spec->dscp_map);
	return spec->dscp == GW_DSCP_COPY ? json_string("copy") : json_integer(spec->dscp);
}

static json_t *write_inner_dscp(const struct gw_sa_spec *spec)
{
	if (spec->inner_dscp == GW_INNER_DSCP_MAP)
		return write_map(spec->dscp_map);
	return spec->inner_dscp == GW_INNER_DSCP_SET ? json_integer(spec->dscp_map[0])
						     : json_string("copy");
}

bool gw_sa_header_write(json_t *object, const struct gw_sa_spec *spec)
{
	return gw_json_put(object, "dscp", write_dscp(spec)) &&
	       (spec->inner_dscp == GW_INNER_DSCP_KEEP ||
		       gw_json_put(object, "inner_dscp", write_inner_dscp(spec))) &&
	       (spec->ecn == GW_ECN_MODE_COPY ||
		       gw_json_put(object, "ecn", json_string(gw_ecn_words[spec->ecn]))) &&
	       (!spec->ttl || spec->ttl == GW_DEFAULT_TTL ||
		       gw_json_put(object, "ttl", json_integer(spec->ttl))) &&
	       (!spec->flow_label || gw_json_put(object, "flow_label",
					     spec->flow_label == GW_FLOW_LABEL_COPY
						     ? json_string("copy")
						     : json_integer(spec->flow_label)));
}
