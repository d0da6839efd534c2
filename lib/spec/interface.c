// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/interface.h"

#include <string.h>

#include "spec/port_name.h"
#include "spec/reading.h"
#include "spec/tables.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define OFFSET(member) offsetof(struct gw_interface_spec, member)

static const struct gw_field interface_fields[] = {
	{ "name", gw_read_port_name, OFFSET(name), true, "Its name in Linux, where it is a TUN.",
		.type = "text of 1 to 15 letters, digits, dots, dashes and underscores" },
	{ "if_id", gw_read_u32, OFFSET(if_id), true,
		"The number of the SAs and policies that its traffic goes through.", .least = 1,
		.most = UINT32_MAX },
};

const struct gw_field_table gw_interface_fields = {
	"A tunnel interface: what Linux's or static routes lead into it is protected by the "
	"policies and SAs with its `if_id`, and what they bring in comes out of it.",
	interface_fields,
	COUNT(interface_fields),
};

int gw_interface_spec_read(json_t *object, struct gw_interface_spec *spec, struct gw_error *err)
{
	memset(spec, 0, sizeof(*spec));
	return gw_fields_read(object, NULL, interface_fields, COUNT(interface_fields), spec, err);
}

json_t *gw_interface_spec_write(const struct gw_interface_spec *spec)
{
	json_t *object = json_object();

	if (object && gw_json_put(object, "name", json_string(spec->name)) &&
		gw_json_put(object, "if_id", json_integer(spec->if_id)))
		return object;
	json_decref(object);
	return NULL;
}
