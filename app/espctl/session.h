// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/error.h"
#include "espctl/grammar.h"
#include "espctl/words.h"

// Exit codes.
enum espctl_exit {
	ESPCTL_DONE = 0,
	ESPCTL_REFUSED = 1,     // by the gateway
	ESPCTL_USAGE = 2,       // the command makes no sense
	ESPCTL_UNREACHABLE = 3, // no connection, or it broke
};

// One run of the tool.
struct espctl_session {
	const char *socket;
	bool json;
	bool over;                    // somebody said quit
	struct gw_api_client *client; // NULL: not connected; made when first needed
};

// The connection, or NULL with err filled.
struct gw_api_client *espctl_connection(struct espctl_session *session, struct gw_error *err);
void espctl_session_end(struct espctl_session *session);

// Reads and carries out one command; says on standard error what went wrong.
enum espctl_exit espctl_run(struct espctl_session *session, struct espctl_words *words);

// Calls a method that may answer a long list, page by page where command says so.
json_t *espctl_call_method(
	struct espctl_session *session, const struct espctl_request *request, struct gw_error *err);

// Prints a result for people or, with --json, as it is.
void espctl_print(const struct espctl_session *session, const struct espctl_request *request,
	const json_t *result);

// Prints "espctl: where: text" and tells the exit code of a failed call; a broken connection is
// given up.
enum espctl_exit espctl_failed(struct espctl_session *session, const struct gw_error *err);
enum espctl_exit espctl_usage_error(const struct gw_error *err);

// batch.c: all commands in a file, or in standard input ("-"), as one batch.
enum espctl_exit espctl_batch(struct espctl_session *session, const char *path);

// interactive.c: reads commands from the terminal until its end or quit.
enum espctl_exit espctl_interactive(struct espctl_session *session);
