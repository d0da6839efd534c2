// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl tcp: the connections of TCP encapsulation (RFC 9329).

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"

static void peer_cell(struct espctl_table *table, const json_t *connection)
{
	char port[ESPCTL_MEMBER_SIZE];

	espctl_table_cell(table, "%s port %s", espctl_member_text(connection, "remote.address"),
		espctl_member_show(connection, "remote.port", port));
}

// An originator that waits has no more than a reason.
static void state_cell(struct espctl_table *table, const json_t *connection)
{
	const char *problem = espctl_member_text(connection, "problem");

	if (*problem)
		espctl_table_cell(
			table, "%s: %s", espctl_member_text(connection, "state"), problem);
	else
		espctl_table_cell(table, "%s", espctl_member_text(connection, "state"));
}

static void reqids_cell(struct espctl_table *table, const json_t *connection)
{
	const json_t *list = json_object_get(connection, "reqids");
	size_t count = json_array_size(list);

	if (count == 0)
		espctl_table_cell(table, "-");
	else
		espctl_table_cell(table, "%" JSON_INTEGER_FORMAT "%s",
			json_integer_value(json_array_get(list, 0)), count > 1 ? ", …" : "");
}

static void print_connections(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "PEER" }, { .title = "ROLE" },
		{ .title = "REQIDS" }, { "AGE", true }, { "ESP IN", true }, { "ESP OUT", true },
		{ "IKE IN", true }, { "IKE OUT", true }, { "WAITING", true }, { "DROPPED", true },
		{ .title = "STATE" } };
	static const char *const counts[] = { "esp_in", "esp_out", "ike_in", "ike_out",
		"waiting_bytes", "dropped" };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	const json_t *connections = json_object_get(result, "connections"), *connection;
	char text[ESPCTL_COUNT_SIZE];
	size_t i;

	json_array_foreach (connections, i, connection) {
		peer_cell(table, connection);
		espctl_table_cell(table, "%s", espctl_member_text(connection, "role"));
		reqids_cell(table, connection);
		espctl_table_cell(table, "%s",
			espctl_duration_format(espctl_member_count(connection, "seconds"), text));
		for (size_t c = 0; c < ESPCTL_COUNT(counts); c++)
			espctl_table_cell(table, "%s",
				espctl_count_format(
					espctl_member_count(connection, counts[c]), text));
		state_cell(table, connection);
	}
	espctl_table_print(table, out);
}

static const struct espctl_command commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "tcp.list",
		.standard = true,
		.print = print_connections,
		.help = "Lists the connections of TCP encapsulation with their counters." },
};

const struct espctl_family espctl_tcp = {
	.word = "tcp",
	ESPCTL_COMMANDS(commands),
	.help = "connections of TCP encapsulation",
};
