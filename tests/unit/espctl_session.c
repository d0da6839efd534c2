// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/server.h"
#include "run.h"
#include "toy.h"

#define LONG_LIST 2345

// A list that is longer than any page.
static json_t *sa_list(struct gw_rpc_call *, json_t *params)
{
	json_int_t first = json_integer_value(json_object_get(params, "offset"));
	json_int_t limit = json_integer_value(json_object_get(params, "limit"));
	json_t *list = json_array();

	for (json_int_t i = first; i < LONG_LIST && i < first + limit; i++)
		json_array_append_new(list, json_pack("{s:I}", "reqid", i));
	return json_pack("{s:o, s:i}", "sas", list, "total", LONG_LIST);
}

#define MOST_METHODS 16

// The tool against the toy server, which runs in a thread of its own; what the tool prints is
// caught in files.
struct fixture {
	char directory[64];
	char path[96];
	struct toy toy;
	struct gw_rpc_method methods[MOST_METHODS]; // the toy's, and sa.list
	struct event_base *events;
	struct gw_api_server *server;
	struct event *stop;
	int stop_pipe[2];
	pthread_t thread;
	struct espctl_session session;
	char out[4096];
	char err[4096];
};

static void on_stop(evutil_socket_t, short, void *arg)
{
	event_base_loopbreak(arg);
}

static void *loop(void *arg)
{
	event_base_dispatch(arg);
	return NULL;
}

static struct fixture *start(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct gw_api_server_options options = {
		.group = "",
		.methods = fixture->methods,
		.method_count = toy_method_count + 1,
		.max_clients = 4,
	};
	struct gw_error err = {};

	ck_assert_uint_lt(toy_method_count, MOST_METHODS);
	memcpy(fixture->methods, toy_methods, toy_method_count * sizeof(toy_methods[0]));
	fixture->methods[toy_method_count] =
		(struct gw_rpc_method){ .name = "sa.list", .handle = sa_list };
	strcpy(fixture->directory, "/tmp/espctl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->directory);
	options.events = fixture->events = event_base_new();
	options.path = fixture->path;
	options.ctx = &fixture->toy;
	fixture->server = gw_api_server_new(&options, &err);
	ck_assert_msg(fixture->server != NULL, "%s", err.text);
	ck_assert_int_eq(pipe(fixture->stop_pipe), 0);
	fixture->stop = event_new(
		fixture->events, fixture->stop_pipe[0], EV_READ, on_stop, fixture->events);
	event_add(fixture->stop, NULL);
	ck_assert_int_eq(pthread_create(&fixture->thread, NULL, loop, fixture->events), 0);
	fixture->session.socket = fixture->path;
	return fixture;
}

static void stop_server(struct fixture *fixture)
{
	if (!fixture->server)
		return;
	ck_assert_int_eq(write(fixture->stop_pipe[1], "q", 1), 1);
	pthread_join(fixture->thread, NULL);
	gw_api_server_free(fixture->server);
	event_free(fixture->stop);
	event_base_free(fixture->events);
	close(fixture->stop_pipe[0]);
	close(fixture->stop_pipe[1]);
	fixture->server = NULL;
}

static void stop(struct fixture *fixture)
{
	espctl_session_end(&fixture->session);
	stop_server(fixture);
	ck_assert_int_eq(rmdir(fixture->directory), 0);
	free(fixture);
}

// A file in place of one of the program's outputs.
struct catcher {
	int fd;
	int saved;
	FILE *file;
};

static struct catcher catch_output(int fd)
{
	struct catcher catcher = { .fd = fd, .saved = dup(fd), .file = tmpfile() };

	fflush(NULL);
	dup2(fileno(catcher.file), fd);
	return catcher;
}

static void release_output(struct catcher *catcher, char *text, size_t size)
{
	fflush(NULL);
	dup2(catcher->saved, catcher->fd);
	close(catcher->saved);
	rewind(catcher->file);
	text[fread(text, 1, size - 1, catcher->file)] = '\0';
	fclose(catcher->file);
}

static enum espctl_exit run_line(struct fixture *fixture, const char *text)
{
	struct catcher out = catch_output(STDOUT_FILENO), err = catch_output(STDERR_FILENO);
	char *line = strdup(text);
	struct espctl_words words;
	enum espctl_exit code;

	ck_assert_int_eq(espctl_words_split(line, &words, NULL), 0);
	code = espctl_run(&fixture->session, &words);
	espctl_words_free(&words);
	free(line);
	release_output(&out, fixture->out, sizeof(fixture->out));
	release_output(&err, fixture->err, sizeof(fixture->err));
	return code;
}

static enum espctl_exit run_batch(struct fixture *fixture, const char *text)
{
	struct catcher out = catch_output(STDOUT_FILENO), err = catch_output(STDERR_FILENO);
	char path[96];
	enum espctl_exit code;
	FILE *file;

	snprintf(path, sizeof(path), "%s/batch", fixture->directory);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	code = espctl_batch(&fixture->session, path);
	unlink(path);
	release_output(&out, fixture->out, sizeof(fixture->out));
	release_output(&err, fixture->err, sizeof(fixture->err));
	return code;
}

START_TEST(exit_codes)
{
	struct fixture *fixture = start();

	ck_assert_int_eq(run_line(fixture, "call number.add {\"n\":3}"), ESPCTL_DONE);
	ck_assert_str_eq(fixture->out, "3\n");
	ck_assert_str_eq(fixture->err, "");
	ck_assert_int_eq(run_line(fixture, "call number.add {\"n\":3}"), ESPCTL_REFUSED);
	ck_assert_str_eq(fixture->out, "");
	ck_assert_str_eq(fixture->err, "espctl: n: is there already\n");
	ck_assert_int_eq(run_line(fixture, "cal"), ESPCTL_USAGE);
	ck_assert_str_eq(fixture->err, "espctl: method is missing\n");
	ck_assert_int_eq(run_line(fixture, "policy list"), ESPCTL_REFUSED);
	ck_assert_int_eq(run_line(fixture, "call --json number.list"), ESPCTL_DONE);
	ck_assert_str_eq(fixture->out, "[\n  3\n]\n");
	ck_assert(!fixture->session.json);
	stop_server(fixture);
	ck_assert_int_eq(run_line(fixture, "call number.list"), ESPCTL_UNREACHABLE);
	ck_assert_int_eq(run_line(fixture, "call number.list"), ESPCTL_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(fixture->err, "no daemon listens on"));
	stop(fixture);
}
END_TEST

// A long list comes in pages and is shown as one; who asks for a part gets the part.
START_TEST(long_lists_are_paged)
{
	struct fixture *fixture = start();
	struct espctl_request request;
	struct espctl_words words;
	char line[] = "sa list", part[] = "sa list offset 2000 limit 1000";
	struct gw_error err = {};
	json_t *result, *list;

	ck_assert_int_eq(espctl_words_split(line, &words, &err), 0);
	ck_assert_int_eq(espctl_parse(&words, &request, &err), 0);
	result = espctl_call_method(&fixture->session, &request, &err);
	list = json_object_get(result, "sas");
	ck_assert_uint_eq(json_array_size(list), LONG_LIST);
	for (size_t i = 0; i < LONG_LIST; i++)
		ck_assert_int_eq(
			json_integer_value(json_object_get(json_array_get(list, i), "reqid")),
			(json_int_t)i);
	json_decref(result);
	espctl_request_free(&request);
	espctl_words_free(&words);

	ck_assert_int_eq(espctl_words_split(part, &words, &err), 0);
	ck_assert_int_eq(espctl_parse(&words, &request, &err), 0);
	result = espctl_call_method(&fixture->session, &request, &err);
	ck_assert_uint_eq(json_array_size(json_object_get(result, "sas")), LONG_LIST - 2000);
	json_decref(result);
	espctl_request_free(&request);
	espctl_words_free(&words);
	stop(fixture);
}
END_TEST

START_TEST(a_batch_is_applied_whole)
{
	struct fixture *fixture = start();

	ck_assert_int_eq(run_batch(fixture, "# numbers\n"
					    "call number.add {\"n\":1}\n"
					    "\n"
					    "   call number.add {\"n\":2}   # another\n"),
		ESPCTL_DONE);
	ck_assert_str_eq(fixture->out, "1\n2\n");
	ck_assert_uint_eq(fixture->toy.committed, 6);
	ck_assert_int_eq(run_batch(fixture, "# nothing\n\n"), ESPCTL_DONE);
	stop(fixture);
}
END_TEST

START_TEST(or_not_at_all)
{
	struct fixture *fixture = start();
	char expected[300];

	ck_assert_int_eq(run_batch(fixture, "call number.add {\"n\":1}\n"
					    "# the next one is wrong\n"
					    "call number.add {\"n\":99}\n"
					    "call number.add {\"n\":2}\n"),
		ESPCTL_REFUSED);
	snprintf(expected, sizeof(expected),
		"%s/batch:3: n: must be 0 to 63\n%s/batch: nothing was applied\n",
		fixture->directory, fixture->directory);
	ck_assert_str_eq(fixture->err, expected);
	ck_assert_str_eq(fixture->out, "");
	ck_assert_uint_eq(fixture->toy.committed, 0);
	stop(fixture);
}
END_TEST

// Each line that makes no sense is named, and nothing is sent.
START_TEST(a_batch_is_read_whole_first)
{
	struct fixture *fixture = start();
	char piece[120];

	ck_assert_int_eq(run_batch(fixture, "call number.add {\"n\":1}\n"
					    "sa paint\n"
					    "monitor\n"
					    "config reload\n"
					    "call number.add {\"n\"\n"),
		ESPCTL_USAGE);
	for (int line = 2; line <= 5; line++) {
		snprintf(piece, sizeof(piece), "%s/batch:%d: ", fixture->directory, line);
		ck_assert_msg(strstr(fixture->err, piece) != NULL, "%s", fixture->err);
	}
	snprintf(piece, sizeof(piece), "batch:1: ");
	ck_assert_ptr_null(strstr(fixture->err, piece));
	ck_assert_uint_eq(fixture->toy.staged, 0);
	stop(fixture);
}
END_TEST

START_TEST(a_batch_that_is_not_there)
{
	struct fixture *fixture = start();
	struct catcher err = catch_output(STDERR_FILENO);
	enum espctl_exit code = espctl_batch(&fixture->session, "/nonexistent");

	release_output(&err, fixture->err, sizeof(fixture->err));
	ck_assert_int_eq(code, ESPCTL_USAGE);
	ck_assert_ptr_nonnull(strstr(fixture->err, "cannot open /nonexistent"));
	stop(fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("espctl_session");
	TCase *tcase = tcase_create("session");

	tcase_add_test(tcase, exit_codes);
	tcase_add_test(tcase, long_lists_are_paged);
	tcase_add_test(tcase, a_batch_is_applied_whole);
	tcase_add_test(tcase, or_not_at_all);
	tcase_add_test(tcase, a_batch_is_read_whole_first);
	tcase_add_test(tcase, a_batch_that_is_not_there);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
