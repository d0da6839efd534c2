// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Static routes and static neighbours as values.

#include <errno.h>
#include <string.h>

#include "spec/port.h"
#include "spec/port_name.h"
#include "spec/reading.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kind_words[] = { "unicast", "blackhole", NULL };

#define ROUTE_OFFSET(member) offsetof(struct gw_route_spec, member)

static const struct gw_field route_fields[] = {
	{ "destination", gw_read_prefix, ROUTE_OFFSET(destination), true,
		.help = "Where it leads." },
	{ "kind", NULL, ROUTE_OFFSET(kind), false, "`blackhole` drops what it matches.",
		.standard = "\"unicast\"", .words = kind_words },
	{ "gateway", gw_read_addr, ROUTE_OFFSET(gateway), false,
		.help = "The next router, of the destination's family; without it the destination "
			"is on "
			"link." },
	{ "port", gw_read_port_name, ROUTE_OFFSET(port), false,
		"The port to leave by; a unicast route needs it.", .type = "the name of a port" },
};

const struct gw_field_table gw_route_fields = {
	"A static route.",
	route_fields,
	COUNT(route_fields),
};

static int check_route(const struct gw_route_spec *spec, struct gw_error *err)
{
	if (spec->kind == GW_ROUTE_BLACKHOLE) {
		if (spec->gateway.family)
			return gw_error_at(err, EINVAL, NULL, "gateway",
				"a blackhole route leads nowhere; leave gateway out");
		if (spec->port[0])
			return gw_error_at(err, EINVAL, NULL, "port",
				"a blackhole route leads nowhere; leave port out");
		return 0;
	}
	if (!spec->port[0])
		return gw_error_at(err, EINVAL, NULL, "port",
			"is missing; it must be the name of the port to leave by");
	if (!spec->gateway.family)
		return 0;
	if (!gw_addr_is_unicast(&spec->gateway))
		return gw_error_at(err, EINVAL, NULL, "gateway",
			"must be the address of one router: not unspecified, loopback, multicast "
			"or "
			"broadcast");
	if (spec->gateway.family != spec->destination.addr.family)
		return gw_error_at(err, EINVAL, NULL, "gateway",
			"is IPv%d, but destination is IPv%d; both must be of one family",
			spec->gateway.family, spec->destination.addr.family);
	return 0;
}

int gw_route_spec_read(json_t *object, struct gw_route_spec *spec, struct gw_error *err)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = gw_fields_read(object, NULL, route_fields, COUNT(route_fields), spec, err);
	return ret ? ret : check_route(spec, err);
}

json_t *gw_route_spec_write(const struct gw_route_spec *spec)
{
	char destination[GW_ADDR_STRLEN + 4], gateway[GW_ADDR_STRLEN];
	json_t *object = json_object();
	bool done;

	gw_prefix_format(&spec->destination, destination);
	done = object && gw_json_put(object, "destination", json_string(destination)) &&
	       gw_json_put(object, "kind", json_string(kind_words[spec->kind])) &&
	       (!spec->gateway.family ||
		       gw_json_put(object, "gateway",
			       json_string(gw_addr_format(&spec->gateway, gateway)))) &&
	       (!spec->port[0] || gw_json_put(object, "port", json_string(spec->port)));
	if (done)
		return object;
	json_decref(object);
	return NULL;
}

#define NEIGHBOUR_OFFSET(member) offsetof(struct gw_neighbour_spec, member)

static const struct gw_field neighbour_fields[] = {
	{ "port", gw_read_port_name, NEIGHBOUR_OFFSET(port), true, "The port it is behind.",
		.type = "the name of a port" },
	{ "address", gw_read_addr, NEIGHBOUR_OFFSET(address), true, .help = "Its IP address." },
	{ "mac", gw_read_unicast_mac, NEIGHBOUR_OFFSET(mac), true, "Its MAC address.",
		.type = "a MAC address such as \"02:00:00:00:00:01\"" },
};

const struct gw_field_table gw_neighbour_fields = {
	"A static neighbour.",
	neighbour_fields,
	COUNT(neighbour_fields),
};

int gw_neighbour_spec_read(json_t *object, struct gw_neighbour_spec *spec, struct gw_error *err)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = gw_fields_read(object, NULL, neighbour_fields, COUNT(neighbour_fields), spec, err);
	if (ret == 0 && !gw_addr_is_unicast(&spec->address))
		ret = gw_error_at(err, EINVAL, NULL, "address",
			"must be the address of one host: not unspecified, loopback, multicast or "
			"broadcast");
	return ret;
}

json_t *gw_neighbour_spec_write(const struct gw_neighbour_spec *spec)
{
	char address[GW_ADDR_STRLEN], mac[18];
	json_t *object = json_object();
	bool done;

	done = object && gw_json_put(object, "port", json_string(spec->port)) &&
	       gw_json_put(
		       object, "address", json_string(gw_addr_format(&spec->address, address))) &&
	       gw_json_put(object, "mac", json_string(gw_mac_format(spec->mac, mac)));
	if (done)
		return object;
	json_decref(object);
	return NULL;
}
