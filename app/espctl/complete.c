// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/complete.h"

#include <stdbool.h>
#include <string.h>

#define MOST_PARAMETERS 64

struct completion {
	char *const *words;
	int count;
	int next;
	const char *prefix;
	void (*found)(void *ctx, const char *word);
	void *ctx;
};

static void offer(const struct completion *completion, const char *word)
{
	if (word && strncmp(word, completion->prefix, strlen(completion->prefix)) == 0)
		completion->found(completion->ctx, word);
}

static void offer_choices(
	const struct completion *completion, const struct espctl_parameter *parameter)
{
	for (size_t i = 0; parameter->choices && parameter->choices[i]; i++)
		offer(completion, parameter->choices[i]);
}

// How many words the value of a parameter has; a key follows an algorithm.
static int value_words(const struct espctl_parameter *parameter, const char *first)
{
	if (!parameter->value && !parameter->choices)
		return 0;
	if (parameter->value && strchr(parameter->value, ' ') && first &&
		strcmp(first, "null") != 0)
		return 2;
	return 1;
}

// Walks over what is there; true when the last word stands in a value, whose choices it offers.
static bool in_value(
	struct completion *completion, const struct espctl_command *command, bool *given)
{
	while (completion->next < completion->count) {
		const char *word = completion->words[completion->next++];
		const char *first = completion->next < completion->count
					    ? completion->words[completion->next]
					    : NULL;
		int index = espctl_match(word, command->parameters, command->parameter_count,
			espctl_parameter_word, espctl_parameter_alias, NULL);

		if (index < 0)
			continue; // a value without its word
		given[index] = true;
		completion->next += value_words(&command->parameters[index], first);
		if (completion->next <= completion->count)
			continue;
		if (!first)
			offer_choices(completion, &command->parameters[index]);
		return true;
	}
	return false;
}

static void offer_parameters(struct completion *completion, const struct espctl_command *command)
{
	bool given[MOST_PARAMETERS] = {};

	if (in_value(completion, command, given))
		return;
	for (size_t i = 0; i < command->parameter_count; i++) {
		const struct espctl_parameter *parameter = &command->parameters[i];

		if (parameter->positional)
			offer_choices(completion, parameter);
		if (!given[i] && !parameter->repeated)
			offer(completion, parameter->word);
	}
}

static void offer_verbs(const struct completion *completion, const struct espctl_family *family)
{
	for (size_t i = 0; i < family->command_count; i++)
		if (family->command_count > 1 || !family->commands[i].standard)
			offer(completion, family->commands[i].verb);
}

static const struct espctl_command *standard_command(const struct espctl_family *family)
{
	for (size_t i = 0; i < family->command_count; i++)
		if (family->commands[i].standard)
			return &family->commands[i];
	return NULL;
}

static void complete_in(struct completion *completion, const struct espctl_family *family)
{
	const struct espctl_command *command = standard_command(family);
	int index = -1;

	if (completion->next == completion->count)
		offer_verbs(completion, family);
	else
		index = espctl_match(completion->words[completion->next], family->commands,
			family->command_count, espctl_command_verb, espctl_command_alias, NULL);
	if (index >= 0) {
		completion->next++;
		command = &family->commands[index];
	}
	if (command)
		offer_parameters(completion, command);
}

void espctl_complete(char *const *words, int count, const char *prefix,
	void (*found)(void *ctx, const char *word), void *ctx)
{
	struct completion completion = {
		.words = words, .count = count, .prefix = prefix, .found = found, .ctx = ctx
	};
	int index;

	if (count == 0) {
		for (size_t i = 0; i < espctl_family_count; i++)
			offer(&completion, espctl_families[i]->word);
		return;
	}
	index = espctl_match(words[0], espctl_families, espctl_family_count, espctl_family_word,
		espctl_family_alias, NULL);
	completion.next = 1;
	if (index >= 0)
		complete_in(&completion, espctl_families[index]);
}
