// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/help.h"

#include <stdarg.h>
#include <string.h>

#include "espctl/table.h"

#define WIDTH 80

// "direction in|out", "[name TEXT]", "[destination] ADDRESS", "[[kinds] acquire|…]..."
static void format_parameter(const struct espctl_parameter *parameter, char *text, size_t size)
{
	char value[160] = "", word[48];

	if (parameter->value)
		snprintf(value, sizeof(value), " %s", parameter->value);
	for (size_t i = 0; !parameter->value && parameter->choices && parameter->choices[i]; i++) {
		size_t used = strlen(value);

		snprintf(value + used, sizeof(value) - used, "%s%s", i ? "|" : " ",
			parameter->choices[i]);
	}
	snprintf(word, sizeof(word), parameter->positional ? "[%s]" : "%s", parameter->word);
	snprintf(text, size, parameter->required ? "%s%s%s" : "[%s%s]%s", word, value,
		parameter->repeated ? "..." : "");
}

// A command with its parameters, broken between them.
static void print_usage(
	const struct espctl_family *family, const struct espctl_command *command, FILE *out)
{
	unsigned int at = (unsigned int)fprintf(out, "  %s", family->word);

	if (command->verb)
		at += (unsigned int)fprintf(
			out, command->standard ? " [%s]" : " %s", command->verb);
	for (size_t i = 0; i < command->parameter_count; i++) {
		char text[256];

		format_parameter(&command->parameters[i], text, sizeof(text));
		if (at + 1 + strlen(text) > WIDTH)
			at = (unsigned int)fprintf(out, "\n     ") - 1;
		at += (unsigned int)fprintf(out, " %s", text);
	}
	fputc('\n', out);
}

void espctl_help_family(const struct espctl_family *family, FILE *out)
{
	for (size_t i = 0; i < family->command_count; i++) {
		print_usage(family, &family->commands[i], out);
		espctl_wrap(family->commands[i].help, 6, WIDTH, out);
	}
}

void espctl_help_all(FILE *out)
{
	fputs("usage: espctl [-s SOCKET] [--json] COMMAND\n"
	      "       espctl [-s SOCKET] [--json] -f FILE|-\n\n",
		out);
	for (size_t i = 0; i < espctl_family_count; i++) {
		const struct espctl_family *family = espctl_families[i];
		char verbs[128] = "";

		for (size_t j = 0; j < family->command_count; j++) {
			size_t used = strlen(verbs);

			if (family->command_count > 1 || !family->commands[j].standard)
				snprintf(verbs + used, sizeof(verbs) - used, "%s%s",
					used ? "|" : "", family->commands[j].verb);
		}
		fprintf(out, "  %-10s %-30s %s\n", family->word, verbs, family->help);
	}
	fputs("\nWords may be shortened. help COMMAND says more.\n", out);
}
