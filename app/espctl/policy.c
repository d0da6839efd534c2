// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl policy: the security policy database.

#include <string.h>

#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"
#include "espctl/values.h"

static const char *const directions[] = { "in", "out", NULL };
static const char *const actions[] = { "protect", "bypass", "discard", NULL };
static const char *const protocols[] = { "any", "tcp", "udp", "icmp", "icmpv6", "sctp", "opaque",
	NULL };

// What identifies a policy.
#define IDENTITY                                                                                   \
	{ .word = "direction",                                                                     \
		.read = espctl_read_choice,                                                        \
		.choices = directions,                                                             \
		.required = true },                                                                \
		{ .word = "priority", .read = espctl_read_number, .value = "N" },                  \
		{ .word = "source",                                                                \
			.alias = "src",                                                            \
			.member = "selector.source",                                               \
			.read = espctl_read_text,                                                  \
			.value = "PREFIX|FIRST-LAST",                                              \
			.required = true },                                                        \
		{ .word = "destination",                                                           \
			.alias = "dst",                                                            \
			.member = "selector.destination",                                          \
			.read = espctl_read_text,                                                  \
			.value = "PREFIX|FIRST-LAST",                                              \
			.required = true },                                                        \
		{ .word = "protocol",                                                              \
			.member = "selector.protocol",                                             \
			.read = espctl_read_number,                                                \
			.value = "PROTOCOL",                                                       \
			.choices = protocols },                                                    \
		{ .word = "source-port",                                                           \
			.alias = "sport",                                                          \
			.member = "selector.source_port",                                          \
			.read = espctl_read_number,                                                \
			.value = "PORT|FIRST-LAST|opaque" },                                       \
		{ .word = "destination-port",                                                      \
			.alias = "dport",                                                          \
			.member = "selector.destination_port",                                     \
			.read = espctl_read_number,                                                \
			.value = "PORT|FIRST-LAST|opaque" },                                       \
		{ .word = "icmp-type",                                                             \
			.alias = "type",                                                           \
			.member = "selector.icmp_type",                                            \
			.read = espctl_read_number,                                                \
			.value = "TYPE|FIRST-LAST" },                                              \
	{                                                                                          \
		.word = "icmp-code", .alias = "code", .member = "selector.icmp_code",              \
		.read = espctl_read_number, .value = "CODE|FIRST-LAST"                             \
	}

static const struct espctl_parameter identity[] = { IDENTITY };

static const struct espctl_parameter add[] = {
	IDENTITY,
	{ .word = "action", .read = espctl_read_choice, .choices = actions, .required = true },
	{ .word = "reqid", .read = espctl_read_number, .value = "N" },
	{ .word = "populate", .read = espctl_read_list, .value = "FIELD,FIELD,..." },
	{ .word = "name", .read = espctl_read_text, .value = "TEXT" },
};

static const struct espctl_parameter list[] = {
	{ .word = "direction", .read = espctl_read_choice, .choices = directions },
	{ .word = "offset", .read = espctl_read_number, .value = "N" },
	{ .word = "limit", .read = espctl_read_number, .value = "N" },
};

static const struct espctl_parameter flush[] = {
	{ .word = "direction", .read = espctl_read_choice, .choices = directions },
	{ .word = "builtin", .read = espctl_read_flag },
};

// A port, or for ICMP the type or code; "any" is left out.
static void cell(
	struct espctl_table *table, const json_t *policy, const char *ports, const char *icmp)
{
	char buffer[ESPCTL_MEMBER_SIZE];
	const char *text = espctl_member_show(policy, ports, buffer);

	if (!*text)
		text = espctl_member_show(policy, icmp, buffer);
	espctl_table_cell(table, "%s", strcmp(text, "any") == 0 ? "" : text);
}

static void print_policies(const json_t *policies, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "DIR" }, { "PRIORITY", true },
		{ .title = "ACTION" }, { "REQID", true }, { .title = "SOURCE" },
		{ .title = "DESTINATION" }, { .title = "PROTOCOL" }, { .title = "FROM PORT/TYPE" },
		{ .title = "TO PORT/CODE" }, { "PACKETS", true }, { .title = "OWNER" },
		{ .title = "NAME" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char buffer[ESPCTL_MEMBER_SIZE], count[ESPCTL_COUNT_SIZE];
	const json_t *policy;
	size_t i;

	json_array_foreach (policies, i, policy) {
		espctl_table_cell(table, "%s", espctl_member_text(policy, "direction"));
		espctl_table_cell(table, "%s", espctl_member_show(policy, "priority", buffer));
		espctl_table_cell(table, "%s", espctl_member_text(policy, "action"));
		espctl_table_cell(table, "%s", espctl_member_show(policy, "reqid", buffer));
		espctl_table_cell(table, "%s", espctl_member_text(policy, "selector.source"));
		espctl_table_cell(table, "%s", espctl_member_text(policy, "selector.destination"));
		espctl_table_cell(
			table, "%s", espctl_member_show(policy, "selector.protocol", buffer));
		cell(table, policy, "selector.source_port", "selector.icmp_type");
		cell(table, policy, "selector.destination_port", "selector.icmp_code");
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(policy, "packets"), count));
		espctl_table_cell(table, "%s", espctl_member_text(policy, "owner"));
		espctl_table_cell(table, "%s", espctl_member_text(policy, "name"));
	}
	espctl_table_print(table, out);
}

static void print_list(const json_t *result, const json_t *, FILE *out)
{
	print_policies(json_object_get(result, "policies"), out);
}

static void print_one(const json_t *result, const json_t *, FILE *out)
{
	json_t *one = json_pack("[O]", result);

	print_policies(one, out);
	json_decref(one);
}

static const struct espctl_command commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "policy.list",
		ESPCTL_PARAMETERS(list),
		.standard = true,
		.paged = "policies",
		.print = print_list,
		.help = "Lists policies in the order in which they decide." },
	{ .verb = "add",
		.method = "policy.add",
		ESPCTL_PARAMETERS(add),
		.help = "Adds a policy; the lowest priority that matches decides. A protect policy "
			"names by reqid the SAs that carry its traffic." },
	{ .verb = "delete",
		.method = "policy.delete",
		ESPCTL_PARAMETERS(identity),
		.help = "Deletes the policy with this direction, priority and selector." },
	{ .verb = "get",
		.method = "policy.get",
		ESPCTL_PARAMETERS(identity),
		.print = print_one,
		.help = "Shows one policy." },
	{ .verb = "flush",
		.method = "policy.flush",
		ESPCTL_PARAMETERS(flush),
		.print = espctl_print_deleted,
		.help = "Deletes all policies, or those of a direction; with builtin, also the "
			"gateway's own." },
};

const struct espctl_family espctl_policy = {
	.word = "policy",
	ESPCTL_COMMANDS(commands),
	.help = "policies: what is protected, bypassed or discarded",
};
