// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The objects of the control socket. The first byte says which kind is read, the rest is JSON. What
// is accepted is written, read again and must be written the same.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "spec/config.h"
#include "spec/fields.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static json_t *pass_port(json_t *json, struct gw_error *err)
{
	struct gw_port_spec spec;

	return gw_port_spec_read(json, &spec, err) ? NULL : gw_port_spec_write(&spec);
}

static json_t *pass_route(json_t *json, struct gw_error *err)
{
	struct gw_route_spec spec;

	return gw_route_spec_read(json, &spec, err) ? NULL : gw_route_spec_write(&spec);
}

static json_t *pass_neighbour(json_t *json, struct gw_error *err)
{
	struct gw_neighbour_spec spec;

	return gw_neighbour_spec_read(json, &spec, err) ? NULL : gw_neighbour_spec_write(&spec);
}

static json_t *pass_policy(json_t *json, struct gw_error *err)
{
	struct gw_policy_spec spec;

	return gw_policy_spec_read(json, &spec, err) ? NULL : gw_policy_spec_write(&spec);
}

static void copy_key(json_t *from, json_t *to, const char *member)
{
	json_t *key = json_object_get(json_object_get(from, member), "key");

	require(!json_object_get(json_object_get(to, member), "key"));
	if (key)
		json_object_set(json_object_get(to, member), "key", key);
}

// The keys, which are not written, are put back.
static json_t *pass_sa(json_t *json, struct gw_error *err)
{
	struct gw_sa_spec spec;
	json_t *written;

	if (gw_sa_spec_read(json, &spec, err))
		return NULL;
	written = gw_sa_spec_write(&spec);
	gw_sa_spec_wipe(&spec);
	copy_key(json, written, "encryption");
	copy_key(json, written, "integrity");
	return written;
}

static void read_ids(json_t *json)
{
	struct gw_policy_id policy;
	struct gw_sa_id sa;

	if (gw_sa_id_read(json, &sa, NULL) == 0)
		require(gw_sa_id_equal(&sa, &sa));
	if (gw_policy_id_read(json, &policy, NULL) == 0)
		require(gw_policy_id_equal(&policy, &policy));
}

static void read_config(json_t *json)
{
	struct gw_config *config = NULL;
	struct gw_error err = {};

	if (gw_config_read(json, &config, &err))
		require(err.code > 0 && !config);
	gw_config_free(config);
}

static void round_trip(json_t *(*pass)(json_t *, struct gw_error *), json_t *json)
{
	struct gw_error err = {};
	json_t *first = pass(json, &err), *second;

	if (!first) {
		require(err.code > 0 && err.text[0]);
		return;
	}
	second = pass(first, &err);
	require(second && json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerInitialize(int *, char ***)
{
	gw_fields_wipe_on_free();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static json_t *(*const passes[])(json_t *, struct gw_error *) = { pass_sa, pass_policy,
		pass_port, pass_route, pass_neighbour };
	const unsigned int kinds = sizeof(passes) / sizeof(passes[0]);
	json_t *json;

	if (length < 1 || length > 65536)
		return 0;
	json = json_loadb((const char *)data + 1, length - 1, JSON_DECODE_ANY, NULL);
	if (!json)
		return 0;
	if (data[0] % (kinds + 2) < kinds)
		round_trip(passes[data[0] % (kinds + 2)], json);
	else if (data[0] % (kinds + 2) == kinds)
		read_ids(json);
	else
		read_config(json);
	json_decref(json);
	return 0;
}
