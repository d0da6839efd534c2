// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "base/error.h"
#include "espctl/words.h"

// What can be said to espctl: families ("sa") of commands ("add") with parameters ("spi"). Tables
// say it once, for reading commands, for help and for completion. Every word may be shortened as
// long as it stays unambiguous. Whether values make sense is the daemon's to judge.

struct espctl_parameter;
struct espctl_request;
struct espctl_session;

// Takes the words of one value; a new reference in *value, or a negative errno with err filled.
typedef int espctl_reader(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err);

struct espctl_parameter {
	const char *word;
	const char *alias;  // what ip(8) calls it; NULL: the same
	const char *member; // of the method's parameters, "selector.source"; NULL: as word
	espctl_reader *read;
	const char *value;          // what help calls the value; NULL: the choices, or nothing
	const char *const *choices; // NULL-terminated; of espctl_read_choice, else for completion
	bool required;
	bool positional; // the word before the value may be left out
	bool repeated;   // several values make a list; the parameter is positional
	bool local;      // for espctl itself: goes into options
};

struct espctl_command {
	const char *verb; // NULL: the family has but one command
	const char *alias;
	const char *method; // NULL: run, or finish, knows
	const struct espctl_parameter *parameters;
	size_t parameter_count;
	bool standard; // meant when no verb is given
	bool alone;    // has no place in a batch
	// The member of the result that holds a list which may be long: it is fetched in pages, by
	// offset and limit. NULL: there is none.
	const char *paged;
	// Prints a result for people; NULL: there is nothing to say.
	void (*print)(const json_t *result, const json_t *options, FILE *out);
	// Does it, instead of an ordinary call; an exit code.
	int (*run)(struct espctl_session *session, const struct espctl_request *request);
	// Last touch to a request.
	int (*finish)(struct espctl_request *request, struct gw_error *err);
	const char *help; // one sentence
};

struct espctl_family {
	const char *word;
	const char *alias;
	const struct espctl_command *commands;
	size_t command_count;
	const char *help;
};

#define ESPCTL_METHOD_SIZE 64

struct espctl_request {
	const struct espctl_command *command;
	char method[ESPCTL_METHOD_SIZE];
	json_t *params;  // an object; may hold keys, which jansson wipes as it frees them
	json_t *options; // an object
};

// commands.c: all of them.
extern const struct espctl_family *const espctl_families[];
extern const size_t espctl_family_count;

// Reads a whole command. 0, and request is to be freed; or a negative errno with err filled.
int espctl_parse(struct espctl_words *words, struct espctl_request *request, struct gw_error *err);
void espctl_request_free(struct espctl_request *request);

// The one of count names that begins with word; an exact match wins over longer ones. name is
// called with the index and may return NULL. -1 when there is none; -2 when there are several, and
// err lists them if it is given.
typedef const char *espctl_name(const void *list, size_t index);
int espctl_match(const char *word, const void *list, size_t count, espctl_name *name,
	espctl_name *alias, struct gw_error *err);

// Name and alias for lists of families, commands and parameters.
const char *espctl_family_word(const void *families, size_t index);
const char *espctl_family_alias(const void *families, size_t index);
const char *espctl_command_verb(const void *commands, size_t index);
const char *espctl_command_alias(const void *commands, size_t index);
const char *espctl_parameter_word(const void *parameters, size_t index);
const char *espctl_parameter_alias(const void *parameters, size_t index);
