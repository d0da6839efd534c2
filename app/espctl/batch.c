// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A file of commands as one JSON-RPC batch: the daemon applies all of it or nothing.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/client.h"
#include "base/secret.h"
#include "espctl/session.h"

struct step {
	struct espctl_request request;
	unsigned int line;
};

struct batch {
	const char *path; // for messages
	bool from_stdin;
	struct step *steps;
	size_t count;
};

static enum espctl_exit complain(
	const struct batch *batch, unsigned int line, const struct gw_error *err)
{
	char text[600];

	fprintf(stderr, "%s:%u: %s\n", batch->path, line, gw_error_string(err, text, sizeof(text)));
	return ESPCTL_USAGE;
}

static int check_step(const struct espctl_request *request, struct gw_error *err)
{
	if (request->command->alone || request->command->run)
		return gw_error_set(
			err, EINVAL, "this command has no place in a batch: give it by itself");
	return 0;
}

static int add_step(struct batch *batch, const struct espctl_request *request, unsigned int line,
	struct gw_error *err)
{
	struct step *steps = realloc(batch->steps, (batch->count + 1) * sizeof(*steps));

	if (!steps)
		return gw_error_set(err, ENOMEM, "out of memory");
	batch->steps = steps;
	steps[batch->count++] = (struct step){ *request, line };
	return 0;
}

// Line is wiped: it may hold a key.
static int read_line(
	struct batch *batch, char *line, size_t size, unsigned int number, struct gw_error *err)
{
	struct espctl_request request;
	struct espctl_words words;
	int rc;

	rc = espctl_words_split(line, &words, err);
	words.stdin_taken = batch->from_stdin;
	if (rc == 0 && words.count > 0) {
		rc = espctl_parse(&words, &request, err);
		if (rc == 0 && ((rc = check_step(&request, err)) < 0 ||
				       (rc = add_step(batch, &request, number, err)) < 0))
			espctl_request_free(&request);
	}
	espctl_words_free(&words);
	gw_wipe(line, size);
	return rc;
}

static enum espctl_exit read_all(struct batch *batch, FILE *file)
{
	enum espctl_exit code = ESPCTL_DONE;
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;

	// One complaint a line, so that a file is mended in one go.
	while (getline(&line, &room, file) >= 0) {
		struct gw_error err = {};

		if (read_line(batch, line, room, ++number, &err) < 0)
			code = complain(batch, number, &err);
	}
	free(line);
	return code;
}

static json_t *make_calls(const struct batch *batch)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < batch->count; i++)
		json_array_append_new(
			calls, json_pack("{s:s, s:O}", "method", batch->steps[i].request.method,
				       "params", batch->steps[i].request.params));
	return calls;
}

// What stands in the way of the batch; changes that failed only because of others are not named.
static bool print_errors(const struct batch *batch, const json_t *replies)
{
	bool failed = false;
	const json_t *reply;
	size_t i;

	json_array_foreach (replies, i, reply) {
		const json_t *error = json_object_get(reply, "error");
		const json_t *where = json_object_get(json_object_get(error, "data"), "where");

		if (!error)
			continue;
		failed = true;
		if (json_integer_value(json_object_get(error, "code")) == ECANCELED)
			continue;
		fprintf(stderr, "%s:%u: %s%s%s\n", batch->path, batch->steps[i].line,
			where ? json_string_value(where) : "", where ? ": " : "",
			json_string_value(json_object_get(error, "message")));
	}
	return failed;
}

static enum espctl_exit finish(
	const struct espctl_session *session, const struct batch *batch, const json_t *replies)
{
	const json_t *reply;
	size_t i;

	if (print_errors(batch, replies)) {
		fprintf(stderr, "%s: nothing was applied\n", batch->path);
		return ESPCTL_REFUSED;
	}
	json_array_foreach (replies, i, reply)
		espctl_print(session, &batch->steps[i].request, json_object_get(reply, "result"));
	return ESPCTL_DONE;
}

static enum espctl_exit send_batch(struct espctl_session *session, const struct batch *batch)
{
	struct gw_error err = {};
	struct gw_api_client *client;
	json_t *calls, *replies;
	enum espctl_exit code;

	if (batch->count == 0)
		return ESPCTL_DONE;
	client = espctl_connection(session, &err);
	if (!client)
		return espctl_failed(session, &err);
	calls = make_calls(batch);
	replies = gw_api_client_batch(client, calls, &err);
	code = replies ? finish(session, batch, replies) : espctl_failed(session, &err);
	json_decref(calls);
	json_decref(replies);
	return code;
}

enum espctl_exit espctl_batch(struct espctl_session *session, const char *path)
{
	struct batch batch = { .path = path, .from_stdin = strcmp(path, "-") == 0 };
	FILE *file = batch.from_stdin ? stdin : fopen(path, "re");
	enum espctl_exit code;

	if (!file) {
		fprintf(stderr, "espctl: cannot open %s: %s\n", path, strerror(errno));
		return ESPCTL_USAGE;
	}
	if (batch.from_stdin)
		batch.path = "standard input";
	code = read_all(&batch, file);
	if (!batch.from_stdin)
		fclose(file);
	if (code == ESPCTL_DONE)
		code = send_batch(session, &batch);
	for (size_t i = 0; i < batch.count; i++)
		espctl_request_free(&batch.steps[i].request);
	free(batch.steps);
	return code;
}
