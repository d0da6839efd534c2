// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The families in the order in which help shows them, and those of the tool itself: call, help,
// quit.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "espctl/families.h"
#include "espctl/help.h"
#include "espctl/session.h"
#include "espctl/values.h"

const struct espctl_family *const espctl_families[] = {
	&espctl_sa,
	&espctl_spi,
	&espctl_policy,
	&espctl_route,
	&espctl_neighbour,
	&espctl_port,
	&espctl_interface,
	&espctl_tcp,
	&espctl_worker,
	&espctl_node,
	&espctl_drops,
	&espctl_crypto,
	&espctl_status,
	&espctl_config,
	&espctl_monitor,
	&espctl_call,
	&espctl_help,
	&espctl_quit,
};
const size_t espctl_family_count = ESPCTL_COUNT(espctl_families);

void espctl_print_deleted(const json_t *result, const json_t *, FILE *out)
{
	fprintf(out, "%" JSON_INTEGER_FORMAT " deleted\n",
		json_integer_value(json_object_get(result, "deleted")));
}

// The method's name and parameters are values of the command.
static int finish_call(struct espctl_request *request, struct gw_error *err)
{
	const char *method = json_string_value(json_object_get(request->options, "method"));
	json_t *params = json_object_get(request->options, "params");

	if (strlen(method) >= sizeof(request->method))
		return gw_error_set(err, EINVAL, "no method has a name that long");
	if (params && !json_is_object(params))
		return gw_error_set(err, EINVAL, "params must be a JSON object: {…}");
	strcpy(request->method, method);
	if (params) {
		json_decref(request->params);
		request->params = json_incref(params);
	}
	return 0;
}

static void print_json(const json_t *result, const json_t *, FILE *out)
{
	json_dumpf(result, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', out);
}

static const struct espctl_parameter call_parameters[] = {
	{ .word = "method",
		.read = espctl_read_text,
		.value = "METHOD",
		.required = true,
		.positional = true,
		.local = true },
	{ .word = "params",
		.read = espctl_read_json,
		.value = "JSON",
		.positional = true,
		.local = true },
};

static const struct espctl_command call_commands[] = {
	{ ESPCTL_PARAMETERS(call_parameters), .standard = true, .finish = finish_call,
		.print = print_json,
		.help = "Calls any method of the control socket and prints its result as JSON; "
			"call method.list lists them." },
};

const struct espctl_family espctl_call = {
	.word = "call",
	ESPCTL_COMMANDS(call_commands),
	.help = "any method of the control socket",
};

static int run_help(struct espctl_session *, const struct espctl_request *request)
{
	const char *word = json_string_value(json_object_get(request->options, "command"));
	struct gw_error err = {};
	int index;

	if (!word) {
		espctl_help_all(stdout);
		return ESPCTL_DONE;
	}
	index = espctl_match(word, espctl_families, espctl_family_count, espctl_family_word,
		espctl_family_alias, &err);
	if (index < 0) {
		gw_error_set(&err, EINVAL, "there is no command \"%.64s\"", word);
		return espctl_usage_error(&err);
	}
	espctl_help_family(espctl_families[index], stdout);
	return ESPCTL_DONE;
}

static const struct espctl_parameter help_parameters[] = {
	{ .word = "command",
		.read = espctl_read_text,
		.value = "COMMAND",
		.positional = true,
		.local = true },
};

static const struct espctl_command help_commands[] = {
	{ ESPCTL_PARAMETERS(help_parameters), .standard = true, .alone = true, .run = run_help,
		.help = "Shows all commands, or one with its parameters." },
};

const struct espctl_family espctl_help = {
	.word = "help",
	ESPCTL_COMMANDS(help_commands),
	.help = "what can be said",
};

static int run_quit(struct espctl_session *session, const struct espctl_request *)
{
	session->over = true;
	return ESPCTL_DONE;
}

static const struct espctl_command quit_commands[] = {
	{ .standard = true,
		.alone = true,
		.run = run_quit,
		.help = "Ends an interactive session." },
};

const struct espctl_family espctl_quit = {
	.word = "quit",
	.alias = "exit",
	ESPCTL_COMMANDS(quit_commands),
	.help = "the end of an interactive session",
};
