// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl port: the gateway's ports.

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"

static void link_cell(struct espctl_table *table, const json_t *port)
{
	const json_t *speed = espctl_member(port, "link.speed_mbps");

	if (!json_is_true(espctl_member(port, "link.up")))
		espctl_table_cell(table, "down");
	else if (json_integer_value(speed) > 0)
		espctl_table_cell(
			table, "up %" JSON_INTEGER_FORMAT " Mb/s", json_integer_value(speed));
	else
		espctl_table_cell(table, "up");
}

static void count_cells(struct espctl_table *table, const json_t *port)
{
	static const char *const members[] = { "rx_packets", "rx_bytes", "tx_packets", "tx_bytes",
		"punted", "from_host", "device_counters.rx_missed" };
	char count[ESPCTL_COUNT_SIZE];

	for (size_t i = 0; i < ESPCTL_COUNT(members); i++)
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(port, members[i]), count));
}

static void print_addresses(const json_t *ports, FILE *out)
{
	const json_t *port, *address;
	size_t i, j;

	json_array_foreach (ports, i, port) {
		const json_t *addresses = json_object_get(port, "addresses");

		if (json_array_size(addresses) == 0)
			continue;
		fprintf(out, "%s:", espctl_member_text(port, "name"));
		json_array_foreach (addresses, j, address)
			fprintf(out, " %s", json_string_value(address));
		fputc('\n', out);
	}
}

static void print_ports(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "PORT" }, { .title = "SIDE" },
		{ .title = "LINK" }, { .title = "MAC" }, { "MTU", true }, { "QUEUES", true },
		{ "RX PACKETS", true }, { "RX BYTES", true }, { "TX PACKETS", true },
		{ "TX BYTES", true }, { "TO HOST", true }, { "FROM HOST", true },
		{ "MISSED", true }, { .title = "DEVICE" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char buffer[ESPCTL_MEMBER_SIZE];
	const json_t *ports = json_object_get(result, "ports"), *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		espctl_table_cell(table, "%s", espctl_member_text(port, "name"));
		espctl_table_cell(table, "%s", espctl_member_text(port, "side"));
		link_cell(table, port);
		espctl_table_cell(table, "%s", espctl_member_text(port, "mac"));
		espctl_table_cell(table, "%s", espctl_member_show(port, "mtu", buffer));
		espctl_table_cell(table, "%s", espctl_member_show(port, "rx_queues", buffer));
		count_cells(table, port);
		espctl_table_cell(table, "%s", espctl_member_text(port, "device"));
	}
	espctl_table_print(table, out);
	print_addresses(ports, out);
}

static const struct espctl_command commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "port.list",
		.standard = true,
		.print = print_ports,
		.help = "Lists ports with their links and counters." },
};

const struct espctl_family espctl_port = {
	.word = "port",
	ESPCTL_COMMANDS(commands),
	.help = "ports",
};
