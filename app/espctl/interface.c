// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl interface: tunnel interfaces, which routes lead into.

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"
#include "espctl/values.h"

static const struct espctl_parameter add[] = {
	{ .word = "name",
		.read = espctl_read_text,
		.value = "NAME",
		.required = true,
		.positional = true },
	{ .word = "if-id",
		.alias = "if_id",
		.member = "if_id",
		.read = espctl_read_number,
		.value = "N",
		.required = true },
};

static const struct espctl_parameter identity[] = {
	{ .word = "name",
		.read = espctl_read_text,
		.value = "NAME",
		.required = true,
		.positional = true },
};

static void print_interfaces(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "NAME" }, { "IF_ID", true },
		{ .title = "STATE" }, { "MTU", true }, { "TO HOST", true }, { "FROM HOST", true },
		{ .title = "ORIGIN" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char buffer[ESPCTL_MEMBER_SIZE], count[ESPCTL_COUNT_SIZE];
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(result, "interfaces"), i, entry) {
		espctl_table_cell(table, "%s", espctl_member_text(entry, "name"));
		espctl_table_cell(table, "%s", espctl_member_show(entry, "if_id", buffer));
		espctl_table_cell(
			table, "%s", json_is_true(espctl_member(entry, "up")) ? "up" : "down");
		espctl_table_cell(table, "%s", espctl_member_show(entry, "mtu", buffer));
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(entry, "to_host"), count));
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(entry, "from_host"), count));
		espctl_table_cell(table, "%s", espctl_member_text(entry, "origin"));
	}
	espctl_table_print(table, out);
}

static const struct espctl_command commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "interface.list",
		.standard = true,
		.print = print_interfaces,
		.help = "Lists the tunnel interfaces." },
	{ .verb = "add",
		.method = "interface.add",
		ESPCTL_PARAMETERS(add),
		.help = "Adds a tunnel interface: what routes lead into it is protected by the "
			"policies and SAs with this if-id." },
	{ .verb = "delete",
		.method = "interface.delete",
		ESPCTL_PARAMETERS(identity),
		.help = "Deletes a tunnel interface, and with it the kernel's routes into it." },
};

const struct espctl_family espctl_interface = {
	.word = "interface",
	ESPCTL_COMMANDS(commands),
	.help = "tunnel interfaces, which routes lead into",
};
