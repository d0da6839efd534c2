// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl worker, node, drops: what the workers count.

#include <inttypes.h>
#include <string.h>

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"
#include "espctl/values.h"

#define TEXT_WIDTH 96

// "lan:0 wan:0"
static void queues_cell(struct espctl_table *table, const json_t *worker)
{
	const json_t *queues = json_object_get(worker, "rx_queues"), *queue;
	char text[256] = "";
	size_t i;

	json_array_foreach (queues, i, queue) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s:%" PRIu64, used ? " " : "",
			espctl_member_text(queue, "port"), espctl_member_count(queue, "queue"));
	}
	espctl_table_cell(table, "%s", text);
}

static void print_workers(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { "WORKER", true }, { "CPU", true },
		{ .title = "QUEUES" }, { "POLLS", true }, { "IDLE", true }, { "SLEEPS", true },
		{ "DEALT", true }, { "HELPED", true } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char count[ESPCTL_COUNT_SIZE];
	const json_t *worker;
	size_t i;

	json_array_foreach (json_object_get(result, "workers"), i, worker) {
		uint64_t polls = espctl_member_count(worker, "polls");
		uint64_t idle = espctl_member_count(worker, "idle_polls");

		espctl_table_cell(table, "%" PRIu64, espctl_member_count(worker, "worker"));
		espctl_table_cell(table, "%" PRIu64, espctl_member_count(worker, "cpu"));
		queues_cell(table, worker);
		espctl_table_cell(table, "%s", espctl_count_format(polls, count));
		espctl_table_cell(
			table, "%.1f%%", polls ? 100.0 * (double)idle / (double)polls : 0.0);
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(worker, "sleeps"), count));
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(worker, "dealt"), count));
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(worker, "helped"), count));
	}
	espctl_table_print(table, out);
}

static const struct espctl_command worker_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "worker.list",
		.standard = true,
		.print = print_workers,
		.help = "Lists workers: their queues, and how many polls found nothing." },
};

const struct espctl_family espctl_worker = {
	.word = "worker",
	ESPCTL_COMMANDS(worker_commands),
	.help = "worker cores",
};

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0.0;
}

static void print_nodes(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "NODE" }, { "PACKETS", true },
		{ "VECTORS", true }, { "PACKETS/VECTOR", true }, { "CYCLES/PACKET", true } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char count[ESPCTL_COUNT_SIZE];
	const json_t *node;
	size_t i;

	json_array_foreach (json_object_get(result, "nodes"), i, node) {
		uint64_t packets = espctl_member_count(node, "packets");
		uint64_t vectors = espctl_member_count(node, "vectors");

		espctl_table_cell(table, "%s", espctl_member_text(node, "name"));
		espctl_table_cell(table, "%s", espctl_count_format(packets, count));
		espctl_table_cell(table, "%s", espctl_count_format(vectors, count));
		espctl_table_cell(table, "%.1f", ratio(packets, vectors));
		espctl_table_cell(
			table, "%.0f", ratio(espctl_member_count(node, "cycles"), packets));
	}
	espctl_table_print(table, out);
}

static const struct espctl_parameter node_parameters[] = {
	{ .word = "worker", .read = espctl_read_number, .value = "N" },
};

static const struct espctl_command node_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "node.list",
		ESPCTL_PARAMETERS(node_parameters),
		.standard = true,
		.print = print_nodes,
		.help = "Lists the nodes of the graph with their load, of all workers or of one." },
};

const struct espctl_family espctl_node = {
	.word = "node",
	ESPCTL_COMMANDS(node_commands),
	.help = "nodes of the graph",
};

static void print_drops(const json_t *result, const json_t *options, FILE *out)
{
	bool all = json_is_true(json_object_get(options, "all")), any = false;
	const json_t *drop;
	size_t i;

	json_array_foreach (json_object_get(result, "drops"), i, drop) {
		uint64_t packets = espctl_member_count(drop, "packets");

		if (!packets && !all)
			continue;
		any = true;
		fprintf(out, "%s: %" PRIu64 " packet%s (%s)\n", espctl_member_text(drop, "name"),
			packets, packets == 1 ? "" : "s", espctl_member_text(drop, "severity"));
		espctl_wrap(espctl_member_text(drop, "meaning"), 4, TEXT_WIDTH, out);
		espctl_wrap(espctl_member_text(drop, "remedy"), 4, TEXT_WIDTH, out);
	}
	if (!any)
		fputs("No packet was dropped.\n", out);
}

static const struct espctl_parameter drop_parameters[] = {
	{ .word = "all", .read = espctl_read_flag, .local = true },
};

static const struct espctl_command drop_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "drop.list",
		ESPCTL_PARAMETERS(drop_parameters),
		.standard = true,
		.print = print_drops,
		.help = "Says why packets were dropped and what to do about it; with all, also "
			"the reasons that have not occurred." },
};

const struct espctl_family espctl_drops = {
	.word = "drops",
	ESPCTL_COMMANDS(drop_commands),
	.help = "why packets were dropped",
};
