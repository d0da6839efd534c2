// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl status, crypto, config: the gateway as a whole.

#include <inttypes.h>
#include <string.h>

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"

static void pool_line(const json_t *status, const char *label, const char *member, FILE *out)
{
	const json_t *pool = json_object_get(status, member);

	if (pool)
		fprintf(out, "%-16s %" PRIu64 " of %" PRIu64 " in use\n", label,
			espctl_member_count(pool, "in_use"), espctl_member_count(pool, "total"));
}

static void path_mtu_line(const json_t *status, FILE *out)
{
	const json_t *errors = json_object_get(status, "path_mtu");

	if (errors)
		fprintf(out, "%-16s %" PRIu64 " learned, %" PRIu64 " ignored\n", "path mtu",
			espctl_member_count(errors, "learned"),
			espctl_member_count(errors, "ignored"));
}

static void keepalive_line(const json_t *status, FILE *out)
{
	const json_t *keepalives = json_object_get(status, "nat_keepalives");

	if (keepalives)
		fprintf(out, "%-16s %" PRIu64 " sent\n", "nat keepalives",
			espctl_member_count(keepalives, "sent"));
}

static void memory_line(const json_t *status, FILE *out)
{
	const json_t *memory = json_object_get(status, "memory");

	if (memory)
		fprintf(out, "%-16s %" PRIu64 " of %" PRIu64 " MB in use\n", "memory",
			espctl_member_count(memory, "in_use_bytes") >> 20,
			espctl_member_count(memory, "total_bytes") >> 20);
}

static void print_status(const json_t *status, const json_t *, FILE *out)
{
	static const char *const members[] = { "version", "pid", "config", "log_level", "hugepages",
		"workers", "ports", "sas", "policies", "routes", "neighbours", "netlink_overruns" };
	char buffer[ESPCTL_MEMBER_SIZE], duration[ESPCTL_COUNT_SIZE];

	for (size_t i = 0; i < ESPCTL_COUNT(members); i++) {
		const char *text = espctl_member_show(status, members[i], buffer);
		char label[24];

		if (!*text)
			continue;
		snprintf(label, sizeof(label), "%s", members[i]);
		for (char *p = label; *p; p++)
			if (*p == '_')
				*p = ' ';
		fprintf(out, "%-16s %s\n", label, text);
	}
	fprintf(out, "%-16s %s\n", "uptime",
		espctl_duration_format(espctl_member_count(status, "uptime_seconds"), duration));
	memory_line(status, out);
	pool_line(status, "buffers", "buffers", out);
	path_mtu_line(status, out);
	keepalive_line(status, out);
	pool_line(status, "linear buffers", "linear_buffers", out);
}

static const struct espctl_command status_commands[] = {
	{ .verb = "show",
		.alias = "get",
		.method = "status.get",
		.standard = true,
		.print = print_status,
		.help = "Shows version, uptime, memory and how much of everything there is." },
};

const struct espctl_family espctl_status = {
	.word = "status",
	ESPCTL_COMMANDS(status_commands),
	.help = "the gateway as a whole",
};

// "16 or 32"; lengths count the salt.
static void lengths_cell(struct espctl_table *table, const json_t *lengths)
{
	char text[64] = "";
	const json_t *length;
	size_t i;

	json_array_foreach (lengths, i, length) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%" JSON_INTEGER_FORMAT,
			used ? " or " : "", json_integer_value(length));
	}
	espctl_table_cell(table, "%s", text);
}

static void print_crypto(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "PROTOCOL" },
		{ .title = "ENCRYPTION" }, { "KEY BYTES", true }, { .title = "INTEGRITY" },
		{ "KEY BYTES", true }, { "ICV BYTES", true }, { .title = "USABLE" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char buffer[ESPCTL_MEMBER_SIZE];
	const json_t *suite;
	size_t i;

	json_array_foreach (json_object_get(result, "suites"), i, suite) {
		espctl_table_cell(table, "%s", espctl_member_text(suite, "protocol"));
		espctl_table_cell(table, "%s", espctl_member_text(suite, "encryption"));
		lengths_cell(table, json_object_get(suite, "encryption_key_bytes"));
		espctl_table_cell(table, "%s", espctl_member_text(suite, "integrity"));
		lengths_cell(table, json_object_get(suite, "integrity_key_bytes"));
		espctl_table_cell(table, "%s", espctl_member_show(suite, "icv_bytes", buffer));
		espctl_table_cell(table, "%s",
			json_is_true(espctl_member(suite, "usable")) ? "yes"
								     : "no: self-test failed");
	}
	fprintf(out, "%s\n", espctl_member_text(result, "engine"));
	espctl_table_print(table, out);
}

// The costs of one direction; a star is at those that were chosen.
static void cost_cells(struct espctl_table *table, const json_t *cycles, const json_t *chosen)
{
	const json_t *cost;
	size_t i;

	json_array_foreach (cycles, i, cost) {
		const char *star = json_is_true(json_array_get(chosen, i)) ? "* " : "";

		if (json_is_integer(cost))
			espctl_table_cell(
				table, "%s%" JSON_INTEGER_FORMAT, star, json_integer_value(cost));
		else
			espctl_table_cell(table, "failed");
	}
}

static void print_measured(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "ENCRYPTION" },
		{ .title = "INTEGRITY" }, { .title = "CODE" }, { "SEAL SHORT", true },
		{ "MEDIUM", true }, { "LONG", true }, { "OPEN SHORT", true }, { "MEDIUM", true },
		{ "LONG", true } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	const json_t *bytes = json_object_get(result, "payload_bytes"), *code;
	size_t i;

	json_array_foreach (json_object_get(result, "codes"), i, code) {
		espctl_table_cell(table, "%s", espctl_member_text(code, "encryption"));
		espctl_table_cell(table, "%s", espctl_member_text(code, "integrity"));
		espctl_table_cell(table, "%s", espctl_member_text(code, "code"));
		cost_cells(table, json_object_get(code, "seal_cycles"),
			json_object_get(code, "seal_chosen"));
		cost_cells(table, json_object_get(code, "open_cycles"),
			json_object_get(code, "open_chosen"));
	}
	fprintf(out,
		"Cycles per packet of %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
		" and %" JSON_INTEGER_FORMAT " bytes; *: chosen\n",
		json_integer_value(json_array_get(bytes, 0)),
		json_integer_value(json_array_get(bytes, 1)),
		json_integer_value(json_array_get(bytes, 2)));
	espctl_table_print(table, out);
}

static const struct espctl_command crypto_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "crypto.list",
		.standard = true,
		.print = print_crypto,
		.help = "Lists the algorithms and whether each passed its self-test." },
	{ .verb = "measured",
		.method = "crypto.measured",
		.print = print_measured,
		.help = "Lists what each code that can compute them costs, and what was chosen." },
};

const struct espctl_family espctl_crypto = {
	.word = "crypto",
	ESPCTL_COMMANDS(crypto_commands),
	.help = "algorithms",
};

static void print_reload(const json_t *result, const json_t *, FILE *out)
{
	bool changed = false;
	const char *name;
	json_t *count;

	json_object_foreach ((json_t *)result, name, count) {
		if (json_integer_value(count) == 0)
			continue;
		fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, changed ? ", " : "", name,
			json_integer_value(count));
		changed = true;
	}
	fputs(changed ? "\n" : "The configuration is as it was.\n", out);
}

static const struct espctl_command config_commands[] = {
	{ .verb = "reload",
		.method = "config.reload",
		.alone = true,
		.print = print_reload,
		.help = "Reads the configuration file again and applies what differs, all of it or "
			"nothing." },
};

const struct espctl_family espctl_config = {
	.word = "config",
	ESPCTL_COMMANDS(config_commands),
	.help = "the configuration",
};
