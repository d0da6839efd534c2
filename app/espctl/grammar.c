// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/grammar.h"

#include <errno.h>
#include <string.h>

#define MOST_PARAMETERS 64

const char *espctl_family_word(const void *families, size_t index)
{
	return ((const struct espctl_family *const *)families)[index]->word;
}

const char *espctl_family_alias(const void *families, size_t index)
{
	return ((const struct espctl_family *const *)families)[index]->alias;
}

const char *espctl_command_verb(const void *commands, size_t index)
{
	return ((const struct espctl_command *)commands)[index].verb;
}

const char *espctl_command_alias(const void *commands, size_t index)
{
	return ((const struct espctl_command *)commands)[index].alias;
}

const char *espctl_parameter_word(const void *parameters, size_t index)
{
	return ((const struct espctl_parameter *)parameters)[index].word;
}

const char *espctl_parameter_alias(const void *parameters, size_t index)
{
	return ((const struct espctl_parameter *)parameters)[index].alias;
}

// Dashes and underscores are one: members of JSON objects may be typed as they are.
static bool begins_with(const char *name, const char *word)
{
	for (; *word; name++, word++)
		if (*name != *word && !(*name == '-' && *word == '_'))
			return false;
	return true;
}

static bool is_exactly(const char *name, const char *word)
{
	return name && begins_with(name, word) && strlen(name) == strlen(word);
}

static void say_ambiguous(
	const char *word, const void *list, size_t count, espctl_name *name, struct gw_error *err)
{
	char names[256] = "";

	for (size_t i = 0; i < count; i++) {
		const char *candidate = name(list, i);
		size_t used = strlen(names);

		if (candidate && begins_with(candidate, word))
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				candidate);
	}
	gw_error_set(err, EINVAL, "\"%s\" may be any of %s", word, names);
}

int espctl_match(const char *word, const void *list, size_t count, espctl_name *name,
	espctl_name *alias, struct gw_error *err)
{
	int found = -1;

	for (size_t i = 0; i < count; i++)
		if (is_exactly(name(list, i), word) || (alias && is_exactly(alias(list, i), word)))
			return (int)i;
	for (size_t i = 0; i < count; i++) {
		const char *candidate = name(list, i);

		if (!*word || !candidate || !begins_with(candidate, word))
			continue;
		if (found >= 0) {
			say_ambiguous(word, list, count, name, err);
			return -2;
		}
		found = (int)i;
	}
	return found;
}

static void list_names(const void *list, size_t count, espctl_name *name, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(text);

		if (name(list, i))
			snprintf(text + used, size - used, "%s%s", used ? ", " : "", name(list, i));
	}
}

// word is NULL when nothing was typed.
static int unknown(const char *what, const char *word, const void *list, size_t count,
	espctl_name *name, struct gw_error *err)
{
	char names[320];

	list_names(list, count, name, names, sizeof(names));
	if (!word)
		return gw_error_set(err, EINVAL, "%s is followed by nothing: %s", what, names);
	if (!names[0])
		return gw_error_set(err, EINVAL, "nothing may follow here, not \"%.64s\"", word);
	return gw_error_set(
		err, EINVAL, "there is no %s \"%.64s\"; there are %s", what, word, names);
}

static const struct espctl_family *parse_family(struct espctl_words *words, struct gw_error *err)
{
	const char *word = espctl_words_take(words);
	int index;

	if (!word) {
		gw_error_set(err, EINVAL, "no command: espctl help lists them");
		return NULL;
	}
	index = espctl_match(word, espctl_families, espctl_family_count, espctl_family_word,
		espctl_family_alias, err);
	if (index == -1)
		unknown("command", word, espctl_families, espctl_family_count, espctl_family_word,
			err);
	return index < 0 ? NULL : espctl_families[index];
}

static const struct espctl_command *parse_verb(
	const struct espctl_family *family, struct espctl_words *words, struct gw_error *err)
{
	const char *word = espctl_words_peek(words);
	int index = -1;

	if (word)
		index = espctl_match(word, family->commands, family->command_count,
			espctl_command_verb, espctl_command_alias, err);
	if (index == -2)
		return NULL;
	if (index >= 0) {
		espctl_words_take(words);
		return &family->commands[index];
	}
	for (size_t i = 0; i < family->command_count; i++)
		if (family->commands[i].standard)
			return &family->commands[i];
	unknown(family->word, word, family->commands, family->command_count, espctl_command_verb,
		err);
	return NULL;
}

// The parameter that the next word begins, and that word taken unless it is already the value.
static int parse_parameter(const struct espctl_command *command, struct espctl_words *words,
	const bool *given, struct gw_error *err)
{
	const char *word = espctl_words_peek(words);
	int index = espctl_match(word, command->parameters, command->parameter_count,
		espctl_parameter_word, espctl_parameter_alias, err);

	if (index == -2)
		return -EINVAL;
	if (index >= 0) {
		espctl_words_take(words);
		return index;
	}
	for (size_t i = 0; i < command->parameter_count; i++) {
		const struct espctl_parameter *parameter = &command->parameters[i];

		if (parameter->positional && (!given[i] || parameter->repeated))
			return (int)i;
	}
	return unknown("parameter", word, command->parameters, command->parameter_count,
		espctl_parameter_word, err);
}

// Where a value goes: its object is made if need be. name is the last part of its path.
static json_t *target_of(
	const struct espctl_parameter *parameter, struct espctl_request *request, const char **name)
{
	const char *path = parameter->member ? parameter->member : parameter->word;
	json_t *object = parameter->local ? request->options : request->params;
	const char *dot = strchr(path, '.');

	if (dot) {
		char outer[32];

		snprintf(outer, sizeof(outer), "%.*s", (int)(dot - path), path);
		if (!json_object_get(object, outer))
			json_object_set_new(object, outer, json_object());
		object = json_object_get(object, outer);
		path = dot + 1;
	}
	*name = path;
	return object;
}

// Several parameters may fill one object, whichever comes first.
static int put_member(json_t *object, const char *name, json_t *value)
{
	json_t *before = json_object_get(object, name);
	int rc;

	if (!json_is_object(before) || !json_is_object(value))
		return json_object_set_new(object, name, value);
	rc = json_object_update(before, value);
	json_decref(value);
	return rc;
}

static int put_value(const struct espctl_parameter *parameter, struct espctl_request *request,
	json_t *value, struct gw_error *err)
{
	const char *name;
	json_t *object = target_of(parameter, request, &name);
	int rc;

	if (parameter->repeated) {
		if (!json_object_get(object, name))
			json_object_set_new(object, name, json_array());
		rc = json_array_append_new(json_object_get(object, name), value);
	} else {
		rc = put_member(object, name, value);
	}
	return rc ? gw_error_set(err, ENOMEM, "out of memory") : 0;
}

static int parse_parameters(
	struct espctl_words *words, struct espctl_request *request, struct gw_error *err)
{
	const struct espctl_command *command = request->command;
	bool given[MOST_PARAMETERS] = {};

	while (espctl_words_peek(words)) {
		int index = parse_parameter(command, words, given, err);
		json_t *value = NULL;
		int rc;

		if (index < 0)
			return index;
		if (given[index] && !command->parameters[index].repeated)
			return gw_error_set(
				err, EINVAL, "%s is given twice", command->parameters[index].word);
		given[index] = true;
		rc = command->parameters[index].read(
			&command->parameters[index], words, &value, err);
		if (rc == 0)
			rc = put_value(&command->parameters[index], request, value, err);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < command->parameter_count; i++)
		if (command->parameters[i].required && !given[i])
			return gw_error_set(
				err, EINVAL, "%s is missing", command->parameters[i].word);
	return 0;
}

int espctl_parse(struct espctl_words *words, struct espctl_request *request, struct gw_error *err)
{
	const struct espctl_family *family;
	int rc = -EINVAL;

	*request = (struct espctl_request){ .params = json_object(), .options = json_object() };
	family = parse_family(words, err);
	if (family)
		request->command = parse_verb(family, words, err);
	if (request->command) {
		if (request->command->method)
			snprintf(request->method, sizeof(request->method), "%s",
				request->command->method);
		rc = parse_parameters(words, request, err);
	}
	if (rc == 0 && request->command->finish)
		rc = request->command->finish(request, err);
	if (rc)
		espctl_request_free(request);
	return rc;
}

void espctl_request_free(struct espctl_request *request)
{
	json_decref(request->params);
	json_decref(request->options);
	*request = (struct espctl_request){};
}
