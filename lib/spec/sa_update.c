// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/sa_update.h"

#include <errno.h>
#include <string.h>

#include "spec/fields.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define OFFSET(member) offsetof(struct gw_sa_update, member)

#define PORT_OFFSET(member) offsetof(struct gw_encapsulation, member)

static const struct gw_field port_fields[] = {
	{ "source_port", gw_read_u16, PORT_OFFSET(source_port), false,
		.help = "The new source port.", .least = 1, .most = UINT16_MAX },
	{ "destination_port", gw_read_u16, PORT_OFFSET(destination_port), false,
		.help = "The new destination port.", .least = 1, .most = UINT16_MAX },
};
static const struct gw_field_table port_table = {
	"Ports of the UDP or TCP header; one that is left out stays.",
	port_fields,
	COUNT(port_fields),
};

static const struct gw_field update_fields[] = {
	{ "source", gw_read_addr, OFFSET(source), false, .help = "The new source address." },
	{ "new_destination", gw_read_addr, OFFSET(new_destination), false,
		.help = "The new destination address." },
	{ "encapsulation", NULL, OFFSET(encapsulation), false, "New ports.", .table = &port_table },
};

// Moves the members that say which SA is meant from object to a new object.
static json_t *take_id(json_t *object)
{
	static const char *const names[] = { "direction", "protocol", "spi", "destination" };
	json_t *id = json_object();

	for (size_t i = 0; id && i < COUNT(names); i++) {
		json_t *value = json_object_get(object, names[i]);

		if (value && json_object_set(id, names[i], value) == 0)
			json_object_del(object, names[i]);
	}
	return id;
}

int gw_sa_update_read(json_t *object, struct gw_sa_update *update, struct gw_error *err)
{
	json_t *rest = json_copy(object), *id = take_id(rest);
	int rc;

	memset(update, 0, sizeof(*update));
	if (!rest || !id)
		rc = gw_error_set(err, ENOMEM, "out of memory");
	else
		rc = gw_sa_id_read(id, &update->id, err);
	if (rc == 0)
		rc = gw_fields_read(rest, NULL, update_fields, COUNT(update_fields), update, err);
	json_decref(rest);
	json_decref(id);
	return rc;
}

static int check_family(const struct gw_addr *address, const struct gw_sa_spec *spec,
	const char *name, struct gw_error *err)
{
	if (address->family == 0 || address->family == spec->source.family)
		return 0;
	return gw_error_at(err, EINVAL, NULL, name,
		"is IPv%d, but the SA is IPv%d and an update cannot change that: delete it and add "
		"it again",
		address->family, spec->source.family);
}

int gw_sa_update_merge(
	const struct gw_sa_update *update, struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_encapsulation *ports = &update->encapsulation;
	int rc = check_family(&update->source, spec, "source", err);

	if (rc == 0)
		rc = check_family(&update->new_destination, spec, "new_destination", err);
	if (rc)
		return rc;
	if ((ports->source_port || ports->destination_port) && !gw_sa_spec_is_encapsulated(spec))
		return gw_error_at(err, EINVAL, NULL, "encapsulation",
			"the SA is bare ESP and an update cannot change that: delete it and add it "
			"again");
	if (update->source.family)
		spec->source = update->source;
	if (update->new_destination.family)
		spec->destination = update->new_destination;
	if (ports->source_port)
		spec->encapsulation.source_port = ports->source_port;
	if (ports->destination_port)
		spec->encapsulation.destination_port = ports->destination_port;
	return gw_sa_spec_check_running(spec, err);
}
