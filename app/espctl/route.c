// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl route, espctl neighbour: the static ones are changed here, the kernel's with ip(8).

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"
#include "espctl/values.h"

static const char *const kinds[] = { "unicast", "blackhole", NULL };

static const struct espctl_parameter route[] = {
	{ .word = "destination",
		.alias = "dst",
		.read = espctl_read_text,
		.value = "PREFIX",
		.required = true,
		.positional = true },
	{ .word = "gateway", .alias = "via", .read = espctl_read_text, .value = "ADDRESS" },
	{ .word = "port", .alias = "dev", .read = espctl_read_text, .value = "PORT" },
	{ .word = "kind", .read = espctl_read_choice, .choices = kinds },
};

static void print_routes(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "DESTINATION" },
		{ .title = "GATEWAY" }, { .title = "PORT" }, { .title = "KIND" },
		{ .title = "ORIGIN" }, { "METRIC", true } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char buffer[ESPCTL_MEMBER_SIZE];
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(result, "routes"), i, entry)
		for (size_t column = 0; column < ESPCTL_COUNT(columns); column++) {
			static const char *const members[] = { "destination", "gateway", "port",
				"kind", "origin", "metric" };

			espctl_table_cell(
				table, "%s", espctl_member_show(entry, members[column], buffer));
		}
	espctl_table_print(table, out);
}

static const struct espctl_command route_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "route.list",
		.standard = true,
		.print = print_routes,
		.help = "Lists routes, static ones and the kernel's." },
	{ .verb = "add",
		.method = "route.add",
		ESPCTL_PARAMETERS(route),
		.help = "Adds a static route. Without gateway the destination is on link; a "
			"blackhole takes neither gateway nor port." },
	{ .verb = "delete",
		.method = "route.delete",
		ESPCTL_PARAMETERS(route),
		.help = "Deletes a static route, given as it was added." },
};

const struct espctl_family espctl_route = {
	.word = "route",
	ESPCTL_COMMANDS(route_commands),
	.help = "routes",
};

#define NEIGHBOUR                                                                                  \
	{ .word = "address",                                                                       \
		.alias = "to",                                                                     \
		.read = espctl_read_text,                                                          \
		.value = "ADDRESS",                                                                \
		.required = true,                                                                  \
		.positional = true },                                                              \
	{                                                                                          \
		.word = "port", .alias = "dev", .read = espctl_read_text, .value = "PORT",         \
		.required = true                                                                   \
	}

static const struct espctl_parameter neighbour[] = {
	NEIGHBOUR,
	{ .word = "mac",
		.alias = "lladdr",
		.read = espctl_read_text,
		.value = "MAC",
		.required = true },
};

static const struct espctl_parameter neighbour_identity[] = { NEIGHBOUR };

static void print_neighbours(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "ADDRESS" }, { .title = "PORT" },
		{ .title = "MAC" }, { .title = "ORIGIN" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(result, "neighbours"), i, entry) {
		espctl_table_cell(table, "%s", espctl_member_text(entry, "address"));
		espctl_table_cell(table, "%s", espctl_member_text(entry, "port"));
		espctl_table_cell(table, "%s", espctl_member_text(entry, "mac"));
		espctl_table_cell(table, "%s", espctl_member_text(entry, "origin"));
	}
	espctl_table_print(table, out);
}

static const struct espctl_command neighbour_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "neighbour.list",
		.standard = true,
		.print = print_neighbours,
		.help = "Lists neighbours, static ones and the kernel's." },
	{ .verb = "add",
		.method = "neighbour.add",
		ESPCTL_PARAMETERS(neighbour),
		.help = "Adds a static neighbour, or changes its MAC address." },
	{ .verb = "delete",
		.method = "neighbour.delete",
		ESPCTL_PARAMETERS(neighbour_identity),
		.help = "Deletes a static neighbour." },
};

const struct espctl_family espctl_neighbour = {
	.word = "neighbour",
	.alias = "neighbor",
	ESPCTL_COMMANDS(neighbour_commands),
	.help = "neighbours: MAC addresses of next hops",
};
