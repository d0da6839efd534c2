// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl sa, espctl spi: security associations.

#include <inttypes.h>

#include <stdlib.h>

#include "api/message.h"
#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/table.h"
#include "espctl/values.h"

static const char *const directions[] = { "in", "out", NULL };
static const char *const protocols[] = { "esp", "ah", NULL };
static const char *const modes[] = { "tunnel", "transport", NULL };
static const char *const df_choices[] = { "copy", "set", "clear", NULL };
static const char *const fragmentation_choices[] = { "before", "after", NULL };
static const char *const ecn_choices[] = { "copy", "no", NULL };

#define DIRECTION                                                                                  \
	{                                                                                          \
		.word = "direction", .read = espctl_read_choice, .choices = directions,            \
		.required = true                                                                   \
	}
#define PROTOCOL                                                                                   \
	{                                                                                          \
		.word = "protocol", .read = espctl_read_choice, .choices = protocols               \
	}
#define SPI                                                                                        \
	{                                                                                          \
		.word = "spi", .read = espctl_read_number, .value = "SPI", .required = true        \
	}
#define DESTINATION                                                                                \
	{                                                                                          \
		.word = "destination", .alias = "dst", .read = espctl_read_text,                   \
		.value = "ADDRESS", .required = true                                               \
	}
#define REQID .word = "reqid", .read = espctl_read_number, .value = "N"

// With the names that `ip xfrm state add … limit` has for them.
#define LIMIT(w, a, m, v)                                                                          \
	{                                                                                          \
		.word = (w), .alias = (a), .member = "lifetime." m, .read = espctl_read_number,    \
		.value = (v)                                                                       \
	}

static const struct espctl_parameter add[] = {
	DIRECTION,
	SPI,
	{ .word = "source",
		.alias = "src",
		.read = espctl_read_text,
		.value = "ADDRESS",
		.required = true },
	DESTINATION,
	{ REQID, .required = true },
	{ .word = "if-id",
		.alias = "if_id",
		.member = "if_id",
		.read = espctl_read_number,
		.value = "N" },
	{ .word = "encryption",
		.read = espctl_read_encryption,
		.value = "ALGORITHM KEY",
		.choices = espctl_encryption_words },
	{ .word = "integrity",
		.alias = "auth",
		.read = espctl_read_integrity,
		.value = "ALGORITHM KEY",
		.choices = espctl_integrity_words },
	{ .word = "esn", .read = espctl_read_switch, .choices = espctl_switch_words },
	{ .word = "replay-window",
		.member = "replay_window",
		.read = espctl_read_number,
		.value = "PACKETS" },
	{ .word = "df", .read = espctl_read_choice, .choices = df_choices },
	{ .word = "fragmentation", .read = espctl_read_choice, .choices = fragmentation_choices },
	{ .word = "dscp", .read = espctl_read_numbers, .value = "copy|0..63|N,N,..." },
	{ .word = "inner-dscp",
		.member = "inner_dscp",
		.read = espctl_read_numbers,
		.value = "keep|copy|0..63|N,N,..." },
	{ .word = "ecn", .read = espctl_read_choice, .choices = ecn_choices },
	{ .word = "ttl", .read = espctl_read_number, .value = "1..255" },
	{ .word = "flow-label",
		.member = "flow_label",
		.read = espctl_read_number,
		.value = "copy|N" },
	{ .word = "tfc", .read = espctl_read_number, .value = "off|path_mtu|BYTES" },
	{ .word = "mss-clamp",
		.member = "mss_clamp",
		.read = espctl_read_number,
		.value = "off|auto|BYTES" },
	{ .word = "udp",
		.alias = "encap",
		.member = "encapsulation",
		.read = espctl_read_ports,
		.value = "PORT PORT" },
	{ .word = "tcp",
		.member = "encapsulation",
		.read = espctl_read_tcp,
		.value = "accept|connect PORT" },
	{ .word = "keepalive",
		.member = "encapsulation.keepalive",
		.read = espctl_read_number,
		.value = "default|SECONDS" },
	{ .word = "follow-peer",
		.member = "encapsulation.follow_peer",
		.read = espctl_read_switch,
		.choices = espctl_switch_words },
	LIMIT("soft-bytes", "byte-soft", "soft_bytes", "BYTES"),
	LIMIT("hard-bytes", "byte-hard", "hard_bytes", "BYTES"),
	LIMIT("soft-packets", "packet-soft", "soft_packets", "PACKETS"),
	LIMIT("hard-packets", "packet-hard", "hard_packets", "PACKETS"),
	LIMIT("soft-seconds", "time-soft", "soft_seconds", "SECONDS"),
	LIMIT("hard-seconds", "time-hard", "hard_seconds", "SECONDS"),
	LIMIT("soft-use-seconds", "time-use-soft", "soft_use_seconds", "SECONDS"),
	LIMIT("hard-use-seconds", "time-use-hard", "hard_use_seconds", "SECONDS"),
	LIMIT("used-bytes", NULL, "used_bytes", "BYTES"),
	LIMIT("used-packets", NULL, "used_packets", "PACKETS"),
	PROTOCOL,
	{ .word = "mode", .read = espctl_read_choice, .choices = modes },
	{ .word = "selectors", .read = espctl_read_json, .value = "JSON" },
	{ .word = "sequence", .read = espctl_read_number, .value = "N" },
	{ .word = "replay-bitmap",
		.member = "replay_bitmap",
		.read = espctl_read_text,
		.value = "HEX" },
	{ .word = "name", .read = espctl_read_text, .value = "TEXT" },
};

static const struct espctl_parameter identity[] = { DIRECTION, SPI, DESTINATION, PROTOCOL };

static const struct espctl_parameter send_dummy[] = {
	DIRECTION,
	SPI,
	DESTINATION,
	{ .word = "count", .read = espctl_read_number, .value = "N" },
	{ .word = "bytes", .read = espctl_read_number, .value = "BYTES" },
};

static const struct espctl_parameter update[] = {
	DIRECTION,
	SPI,
	DESTINATION,
	{ .word = "source", .alias = "src", .read = espctl_read_text, .value = "ADDRESS" },
	{ .word = "new-destination",
		.alias = "new-dst",
		.member = "new_destination",
		.read = espctl_read_text,
		.value = "ADDRESS" },
	{ .word = "udp",
		.alias = "encap",
		.member = "encapsulation",
		.read = espctl_read_ports,
		.value = "PORT PORT" },
	PROTOCOL,
};

static const struct espctl_parameter list[] = {
	{ .word = "direction", .read = espctl_read_choice, .choices = directions },
	{ REQID },
	{ .word = "offset", .read = espctl_read_number, .value = "N" },
	{ .word = "limit", .read = espctl_read_number, .value = "N" },
};
#define FLUSH_PARAMETERS 2 // of list

static uint64_t drop_total(const json_t *sa)
{
	json_t *drops = json_object_get(sa, "drops"), *count;
	const char *reason;
	uint64_t total = 0;

	json_object_foreach (drops, reason, count)
		total += (uint64_t)json_integer_value(count);
	return total;
}

// Its own, or what the IKE daemon calls it.
static void put_name(struct espctl_table *table, const json_t *sa)
{
	const char *child = espctl_member_text(sa, "child");

	if (*espctl_member_text(sa, "name") || !*child)
		espctl_table_cell(table, "%s", espctl_member_text(sa, "name"));
	else
		espctl_table_cell(table, "%s/%s", espctl_member_text(sa, "connection"), child);
}

static void print_list(const json_t *result, const json_t *, FILE *out)
{
	static const struct espctl_column columns[] = { { .title = "DIR" }, { .title = "SPI" },
		{ .title = "SOURCE" }, { .title = "DESTINATION" }, { "REQID", true },
		{ .title = "ENCRYPTION" }, { .title = "INTEGRITY" }, { .title = "ESN" },
		{ "SEQUENCE", true }, { "PACKETS", true }, { "BYTES", true }, { "DROPS", true },
		{ .title = "STATE" }, { .title = "NAME" } };
	struct espctl_table *table = espctl_table_new(columns, ESPCTL_COUNT(columns));
	char reqid[ESPCTL_MEMBER_SIZE], sequence[ESPCTL_MEMBER_SIZE], count[ESPCTL_COUNT_SIZE];
	const json_t *sa;
	size_t i;

	json_array_foreach (json_object_get(result, "sas"), i, sa) {
		espctl_table_cell(table, "%s", espctl_member_text(sa, "direction"));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "spi"));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "source"));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "destination"));
		espctl_table_cell(table, "%s", espctl_member_show(sa, "reqid", reqid));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "encryption.algorithm"));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "integrity.algorithm"));
		espctl_table_cell(
			table, "%s", json_is_true(espctl_member(sa, "esn")) ? "yes" : "no");
		espctl_table_cell(table, "%s", espctl_member_show(sa, "sequence", sequence));
		espctl_table_cell(table, "%s",
			espctl_count_format(espctl_member_count(sa, "packets"), count));
		espctl_table_cell(
			table, "%s", espctl_count_format(espctl_member_count(sa, "bytes"), count));
		espctl_table_cell(table, "%s", espctl_count_format(drop_total(sa), count));
		espctl_table_cell(table, "%s", espctl_member_text(sa, "state"));
		put_name(table, sa);
	}
	espctl_table_print(table, out);
}

static void line(FILE *out, const char *label, const char *text)
{
	if (*text)
		fprintf(out, "  %-14s %s\n", label, text);
}

static void print_selectors(const json_t *sa, FILE *out)
{
	const json_t *selector;
	size_t i;

	json_array_foreach (json_object_get(sa, "selectors"), i, selector) {
		char *text = gw_rpc_text(selector);

		line(out, "selector", text ? text : "");
		free(text);
	}
}

static void print_drops(const json_t *sa, FILE *out)
{
	json_t *drops = json_object_get(sa, "drops"), *count;
	const char *reason;

	json_object_foreach (drops, reason, count)
		fprintf(out, "  dropped        %" JSON_INTEGER_FORMAT " %s\n",
			json_integer_value(count), reason);
}

static void print_times(const json_t *sa, FILE *out)
{
	char text[ESPCTL_COUNT_SIZE];

	line(out, "age", espctl_duration_format(espctl_member_count(sa, "age_seconds"), text));
	line(out, "idle",
		json_is_integer(espctl_member(sa, "idle_seconds"))
			? espctl_duration_format(espctl_member_count(sa, "idle_seconds"), text)
			: "never used");
}

static void print_one(const json_t *sa, const json_t *, FILE *out)
{
	static const struct {
		const char *label, *member;
	} members[] = { { "name", "name" }, { "mode", "mode" }, { "reqid", "reqid" },
		{ "if_id", "if_id" }, { "encryption", "encryption.algorithm" },
		{ "integrity", "integrity.algorithm" }, { "esn", "esn" },
		{ "replay window", "replay_window" }, { "df", "df" },
		{ "fragmentation", "fragmentation" }, { "dscp", "dscp" },
		{ "inner dscp", "inner_dscp" }, { "ecn", "ecn" }, { "ttl", "ttl" },
		{ "flow label", "flow_label" }, { "ecn alarms", "ecn_alarms" }, { "tfc", "tfc" },
		{ "mss clamp", "mss_clamp" }, { "carrier", "encapsulation.protocol" },
		{ "connects", "encapsulation.connect" },
		{ "from port", "encapsulation.source_port" },
		{ "to port", "encapsulation.destination_port" },
		{ "keepalive", "encapsulation.keepalive" },
		{ "follow peer", "encapsulation.follow_peer" }, { "state", "state" },
		{ "origin", "origin" }, { "owner", "owner" }, { "owner process", "owner_process" },
		{ "connection", "connection" }, { "child", "child" },
		{ "owner gone, left", "owner_gone_seconds" }, { "sequence", "sequence" },
		{ "replay bitmap", "replay_bitmap" }, { "path mtu", "path_mtu" },
		{ "learned for", "path_mtu_learned_seconds" }, { "inner mtu", "inner_mtu" },
		{ "packets", "packets" }, { "bytes", "bytes" }, { "lost", "lost" },
		{ "soft bytes", "lifetime.soft_bytes" }, { "hard bytes", "lifetime.hard_bytes" },
		{ "soft packets", "lifetime.soft_packets" },
		{ "hard packets", "lifetime.hard_packets" },
		{ "soft seconds", "lifetime.soft_seconds" },
		{ "hard seconds", "lifetime.hard_seconds" },
		{ "soft use", "lifetime.soft_use_seconds" },
		{ "hard use", "lifetime.hard_use_seconds" },
		{ "used bytes", "lifetime.used_bytes" },
		{ "used packets", "lifetime.used_packets" } };
	char buffer[ESPCTL_MEMBER_SIZE];

	fprintf(out, "%s %s spi %s from %s to %s\n", espctl_member_text(sa, "direction"),
		espctl_member_text(sa, "protocol"), espctl_member_text(sa, "spi"),
		espctl_member_text(sa, "source"), espctl_member_text(sa, "destination"));
	for (size_t i = 0; i < ESPCTL_COUNT(members); i++)
		line(out, members[i].label, espctl_member_show(sa, members[i].member, buffer));
	print_selectors(sa, out);
	print_drops(sa, out);
	print_times(sa, out);
}

static const struct espctl_command sa_commands[] = {
	{ .verb = "list",
		.alias = "show",
		.method = "sa.list",
		ESPCTL_PARAMETERS(list),
		.standard = true,
		.paged = "sas",
		.print = print_list,
		.help = "Lists security associations." },
	{ .verb = "add",
		.method = "sa.add",
		ESPCTL_PARAMETERS(add),
		.help = "Adds a security association. KEY is 0x and hexadecimal digits, @FILE for "
			"a file that holds them, or - for a line of standard input." },
	{ .verb = "update",
		.method = "sa.update",
		ESPCTL_PARAMETERS(update),
		.help = "Gives a security association other addresses or UDP ports, without losing "
			"a packet or using a number twice." },
	{ .verb = "send-dummy",
		.method = "sa.send_dummy",
		ESPCTL_PARAMETERS(send_dummy),
		.help = "Sends dummy packets of a random length or of so many bytes by an outbound "
			"security association; the peer throws them away." },
	{ .verb = "delete",
		.method = "sa.delete",
		ESPCTL_PARAMETERS(identity),
		.help = "Deletes a security association." },
	{ .verb = "get",
		.method = "sa.get",
		ESPCTL_PARAMETERS(identity),
		.print = print_one,
		.help = "Shows a security association with its state." },
	{ .verb = "flush",
		.method = "sa.flush",
		.parameters = list,
		.parameter_count = FLUSH_PARAMETERS,
		.print = espctl_print_deleted,
		.help = "Deletes all security associations, or those of a direction or reqid." },
};

const struct espctl_family espctl_sa = {
	.word = "sa",
	.alias = "state",
	ESPCTL_COMMANDS(sa_commands),
	.help = "security associations",
};

static const struct espctl_parameter allocate[] = {
	{ .word = "destination",
		.alias = "dst",
		.read = espctl_read_text,
		.value = "ADDRESS",
		.required = true,
		.positional = true },
	PROTOCOL,
	{ .word = "first", .read = espctl_read_number, .value = "SPI" },
	{ .word = "last", .read = espctl_read_number, .value = "SPI" },
};

static void print_spi(const json_t *result, const json_t *, FILE *out)
{
	fprintf(out, "%s\n", espctl_member_text(result, "spi"));
}

static const struct espctl_command spi_commands[] = {
	{ .verb = "allocate",
		.method = "spi.allocate",
		ESPCTL_PARAMETERS(allocate),
		.print = print_spi,
		.help = "Sets a free SPI aside for an inbound SA that will be added within a "
			"minute." },
};

const struct espctl_family espctl_spi = {
	.word = "spi",
	ESPCTL_COMMANDS(spi_commands),
	.help = "security parameters indexes",
};
