// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/client.h"
#include "run.h"
#include "toy.h"

// A server in an event loop of its own thread, in a directory of its own. The test's thread plays
// the clients. What the test wants done in the loop goes there through a pipe.
struct fixture {
	char directory[64];
	char path[96];
	struct toy toy;
	unsigned int write_timeout_ms;
	struct event_base *events;
	struct gw_api_server *server;
	struct event *order;
	int orders[2];
	pthread_t thread;
};

// An order is one byte: 'q' ends the loop, any other is the kind of an event to publish.
static void on_order(evutil_socket_t fd, short, void *arg)
{
	struct fixture *fixture = arg;
	char order;

	ck_assert_int_eq(read(fd, &order, 1), 1);
	if (order == 'q') {
		event_base_loopbreak(fixture->events);
	} else {
		json_t *params = json_pack("{s:i}", "order", order);

		gw_api_publish(fixture->server, (uint32_t)order, params);
		json_decref(params);
	}
}

static void *loop(void *arg)
{
	struct fixture *fixture = arg;

	event_base_dispatch(fixture->events);
	return NULL;
}

static struct gw_api_server_options options_of(struct fixture *fixture)
{
	return (struct gw_api_server_options){
		.events = fixture->events,
		.path = fixture->path,
		.group = "",
		.methods = toy_methods,
		.method_count = toy_method_count,
		.ctx = &fixture->toy,
		.max_clients = 8,
		.write_timeout_ms = fixture->write_timeout_ms,
	};
}

static void give_order(struct fixture *fixture, char order)
{
	ck_assert_int_eq(write(fixture->orders[1], &order, 1), 1);
}

static struct fixture *start_with(unsigned int write_timeout_ms)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct gw_api_server_options options;
	struct gw_error err = {};

	fixture->write_timeout_ms = write_timeout_ms;
	strcpy(fixture->directory, "/tmp/gw-api-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/run/control.sock", fixture->directory);
	fixture->events = event_base_new();
	options = options_of(fixture);
	fixture->server = gw_api_server_new(&options, &err);
	ck_assert_msg(fixture->server != NULL, "%s", err.text);
	ck_assert_int_eq(pipe(fixture->orders), 0);
	fixture->order = event_new(
		fixture->events, fixture->orders[0], EV_READ | EV_PERSIST, on_order, fixture);
	event_add(fixture->order, NULL);
	ck_assert_int_eq(pthread_create(&fixture->thread, NULL, loop, fixture), 0);
	return fixture;
}

static struct fixture *start(void)
{
	return start_with(0);
}

static void stop(struct fixture *fixture)
{
	char directory[96];

	give_order(fixture, 'q');
	pthread_join(fixture->thread, NULL);
	gw_api_server_free(fixture->server);
	ck_assert_int_ne(access(fixture->path, F_OK), 0);
	event_free(fixture->order);
	event_base_free(fixture->events);
	close(fixture->orders[0]);
	close(fixture->orders[1]);
	snprintf(directory, sizeof(directory), "%s/run", fixture->directory);
	rmdir(directory);
	ck_assert_int_eq(rmdir(fixture->directory), 0);
	free(fixture);
}

static struct gw_api_client *connect_client(struct fixture *fixture)
{
	struct gw_error err = {};
	struct gw_api_client *client = gw_api_client_new(fixture->path, &err);

	ck_assert_msg(client != NULL, "%s", err.text);
	return client;
}

static int connect_raw(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

// All that comes until the server closes.
static size_t read_to_end(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while (used < size - 1 && (got = recv(fd, text + used, size - 1 - used, 0)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	return used;
}

// Whether a new client asks and gets its answer; err says why not.
static bool is_served(struct fixture *fixture, struct gw_error *err)
{
	struct gw_api_client *client = connect_client(fixture);
	json_t *result = gw_api_client_call(client, "number.alone", NULL, err);
	bool served = json_is_string(result);

	json_decref(result);
	gw_api_client_free(client);
	return served;
}

static void check_healthy(struct fixture *fixture)
{
	struct gw_error err = {};

	ck_assert_msg(is_served(fixture, &err), "%s", err.text);
}

START_TEST(calls_and_errors)
{
	struct fixture *fixture = start();
	struct gw_api_client *client = connect_client(fixture);
	json_t *params = json_pack("{s:i}", "n", 5), *result;
	struct gw_error err = {};
	struct stat status;

	result = gw_api_client_call(client, "number.add", params, &err);
	ck_assert_int_eq(json_integer_value(result), 5);
	json_decref(result);
	ck_assert_ptr_null(gw_api_client_call(client, "number.add", params, &err));
	ck_assert_int_eq(err.code, EEXIST);
	ck_assert_str_eq(err.where, "n");
	ck_assert_str_eq(err.text, "is there already");
	err = (struct gw_error){};
	ck_assert_ptr_null(gw_api_client_call(client, "number.eat", params, &err));
	ck_assert_int_eq(err.code, EINVAL);
	json_decref(params);
	ck_assert_int_eq(lstat(fixture->path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0660);
	gw_api_client_free(client);
	stop(fixture);
}
END_TEST

START_TEST(batches)
{
	struct fixture *fixture = start();
	struct gw_api_client *client = connect_client(fixture);
	json_t *calls = json_pack("[{s:s, s:{s:i}}, {s:s}]", "method", "number.add", "params", "n",
		1, "method", "number.list");
	struct gw_error err = {};
	json_t *results = gw_api_client_batch(client, calls, &err);

	ck_assert_msg(json_array_size(results) == 2, "%s", err.text);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_array_get(results, 0), "result")), 1);
	json_decref(results);
	results = gw_api_client_batch(client, calls, &err);
	ck_assert_int_eq(json_integer_value(json_object_get(
				 json_object_get(json_array_get(results, 0), "error"), "code")),
		EEXIST);
	json_decref(results);
	json_decref(calls);
	gw_api_client_free(client);
	stop(fixture);
}
END_TEST

START_TEST(a_large_reply_arrives_whole)
{
	struct fixture *fixture = start();
	struct gw_api_client *client = connect_client(fixture);
	json_t *params = json_pack("{s:i}", "bytes", 24 << 20), *result;
	struct gw_error err = {};

	result = gw_api_client_call(client, "number.fill", params, &err);
	ck_assert_msg(json_string_length(result) == 24 << 20, "%s", err.text);
	json_decref(result);
	json_decref(params);
	gw_api_client_free(client);
	stop(fixture);
}
END_TEST

static json_t *watch(struct gw_api_client *client, int kinds)
{
	json_t *params = json_pack("{s:i}", "kinds", kinds);
	json_t *result = gw_api_client_call(client, "number.watch", params, NULL);

	json_decref(params);
	return result;
}

START_TEST(events_go_to_subscribers)
{
	struct fixture *fixture = start();
	struct gw_api_client *both = connect_client(fixture), *one = connect_client(fixture);
	struct gw_error err = {};
	json_t *event;

	json_decref(watch(both, 3));
	json_decref(watch(one, 2));
	give_order(fixture, 1);
	give_order(fixture, 2);
	give_order(fixture, 4);
	for (int kind = 1; kind <= 2; kind++) {
		event = gw_api_client_event(both, -1, &err);
		ck_assert_int_eq(json_integer_value(json_object_get(event, "order")), kind);
		json_decref(event);
	}
	event = gw_api_client_event(one, -1, &err);
	ck_assert_int_eq(json_integer_value(json_object_get(event, "order")), 2);
	json_decref(event);

	// Kind 4 had no subscriber; a reply that comes after an event is still the call's.
	give_order(fixture, 2);
	json_decref(gw_api_client_call(both, "number.list", NULL, &err));
	event = gw_api_client_event(both, -1, &err);
	ck_assert_int_eq(json_integer_value(json_object_get(event, "order")), 2);
	json_decref(event);
	ck_assert_ptr_null(gw_api_client_event(both, 0, &err));
	ck_assert_int_eq(err.code, ETIMEDOUT);
	gw_api_client_free(both);
	gw_api_client_free(one);
	stop(fixture);
}
END_TEST

START_TEST(replies_come_in_order_and_after_half_close)
{
	struct fixture *fixture = start();
	int fd = connect_raw(fixture);
	char request[100], text[65536], *line = text;

	for (int i = 0; i < 500; i++) {
		int size = snprintf(request, sizeof(request),
			"{\"jsonrpc\":\"2.0\",\"method\":\"number.alone\",\"id\":%d}\n", i);

		ck_assert_int_eq(send(fd, request, (size_t)size, 0), size);
	}
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	read_to_end(fd, text, sizeof(text));
	for (int i = 0; i < 500; i++) {
		char *end = strchr(line, '\n');
		json_t *reply;

		ck_assert_msg(end != NULL, "reply %d is missing", i);
		reply = json_loadb(line, (size_t)(end - line), 0, NULL);
		ck_assert_int_eq(json_integer_value(json_object_get(reply, "id")), i);
		json_decref(reply);
		line = end + 1;
	}
	ck_assert_str_eq(line, "");
	close(fd);
	stop(fixture);
}
END_TEST

START_TEST(a_request_may_come_in_pieces)
{
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"number.alone\",\"id\":1}\n";
	struct fixture *fixture = start();
	int fd = connect_raw(fixture);
	char text[200];

	for (size_t i = 0; i < sizeof(request) - 1; i++)
		ck_assert_int_eq(send(fd, request + i, 1, 0), 1);
	shutdown(fd, SHUT_WR);
	read_to_end(fd, text, sizeof(text));
	ck_assert_str_eq(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"alone\"}\n");
	close(fd);
	stop(fixture);
}
END_TEST

START_TEST(too_long_a_line_is_refused)
{
	struct fixture *fixture = start();
	int fd = connect_raw(fixture);
	static char block[1 << 16];
	char text[400];
	ssize_t sent = 1;

	memset(block, ' ', sizeof(block));
	for (unsigned int i = 0; sent > 0 && i <= GW_RPC_MAX_MESSAGE / sizeof(block) + 1; i++)
		sent = send(fd, block, sizeof(block), MSG_NOSIGNAL);
	read_to_end(fd, text, sizeof(text));
	ck_assert_msg(strstr(text, "EMSGSIZE") != NULL, "%s", text);
	close(fd);
	check_healthy(fixture);
	stop(fixture);
}
END_TEST

// Sends requests with large replies and reads nothing, until the server has had enough.
START_TEST(a_client_that_never_reads_is_closed)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"method\":\"number.fill\","
				      "\"params\":{\"bytes\":4000000},\"id\":1}\n";
	struct fixture *fixture = start_with(100);
	int fd = connect_raw(fixture);
	struct pollfd watched = { .fd = fd };

	ck_assert_int_eq(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	ck_assert_int_eq(poll(&watched, 1, -1), 1);
	ck_assert(watched.revents & POLLHUP);
	close(fd);
	check_healthy(fixture);
	stop(fixture);
}
END_TEST

START_TEST(a_subscriber_that_never_reads_is_closed)
{
	struct fixture *fixture = start();
	struct gw_api_client *reader = connect_client(fixture);
	int fd = connect_raw(fixture);
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"method\":\"number.watch\","
				      "\"params\":{\"kinds\":1}}\n";
	struct pollfd watched = { .fd = fd };

	ck_assert_int_eq(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	while (poll(&watched, 1, 0) == 0)
		give_order(fixture, 1);
	ck_assert(watched.revents & POLLHUP);
	close(fd);
	gw_api_client_free(reader);
	check_healthy(fixture);
	stop(fixture);
}
END_TEST

START_TEST(clients_beyond_the_limit_are_refused)
{
	struct fixture *fixture = start();
	struct gw_api_client *clients[8], *ninth;
	struct gw_error err = {};

	for (int i = 0; i < 8; i++) {
		clients[i] = connect_client(fixture);
		json_decref(gw_api_client_call(clients[i], "number.list", NULL, &err));
	}
	ninth = connect_client(fixture);
	ck_assert_ptr_null(gw_api_client_call(ninth, "number.list", NULL, &err));
	ck_assert_int_eq(err.code, EUSERS);
	gw_api_client_free(ninth);
	gw_api_client_free(clients[3]);
	// The server may meet the new client before the end of the old one.
	while (!is_served(fixture, NULL))
		;
	for (int i = 0; i < 8; i++)
		if (i != 3)
			gw_api_client_free(clients[i]);
	stop(fixture);
}
END_TEST

// More connections than the server takes, all open at once and silent, then as many that come and
// go: a client with a request is served all the time.
START_TEST(many_connections)
{
	enum { MANY = 10000, AT_ONCE = 500 };
	struct fixture *fixture = start();
	int silent[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		silent[i] = connect_raw(fixture);
	check_healthy(fixture);
	for (int i = 0; i < AT_ONCE; i++)
		close(silent[i]);
	for (int i = 0; i < MANY; i++)
		close(connect_raw(fixture));
	check_healthy(fixture);
	stop(fixture);
}
END_TEST

START_TEST(a_listening_socket_is_not_replaced)
{
	struct fixture *fixture = start();
	struct gw_api_server_options options = options_of(fixture);
	struct gw_error err = {};

	ck_assert_ptr_null(gw_api_server_new(&options, &err));
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, fixture->path));
	check_healthy(fixture);
	stop(fixture);
}
END_TEST

// Leaves a socket file behind as a killed daemon would, and a plain file in its place.
START_TEST(a_stale_socket_is_replaced)
{
	struct fixture fixture = { .directory = "/tmp/gw-api-XXXXXX" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct gw_api_server_options options;
	struct gw_error err = {};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_ptr_nonnull(mkdtemp(fixture.directory));
	snprintf(fixture.path, sizeof(fixture.path), "%s/s", fixture.directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", fixture.directory);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	fixture.events = event_base_new();
	options = options_of(&fixture);
	fixture.server = gw_api_server_new(&options, &err);
	ck_assert_msg(fixture.server != NULL, "%s", err.text);
	gw_api_server_free(fixture.server);

	fclose(fopen(fixture.path, "w"));
	ck_assert_ptr_null(gw_api_server_new(&options, &err));
	ck_assert_int_eq(err.code, EEXIST);
	unlink(fixture.path);

	options.group = "no-such-group-here";
	err = (struct gw_error){};
	ck_assert_ptr_null(gw_api_server_new(&options, &err));
	ck_assert_int_eq(err.code, ENOENT);
	event_base_free(fixture.events);
	ck_assert_int_eq(rmdir(fixture.directory), 0);
}
END_TEST

START_TEST(no_daemon)
{
	struct gw_error err = {};

	ck_assert_ptr_null(gw_api_client_new("/tmp/gw-api-there-is-none", &err));
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/tmp/gw-api-there-is-none"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		calls_and_errors,
		batches,
		a_large_reply_arrives_whole,
		events_go_to_subscribers,
		replies_come_in_order_and_after_half_close,
		a_request_may_come_in_pieces,
		too_long_a_line_is_refused,
		a_client_that_never_reads_is_closed,
		a_subscriber_that_never_reads_is_closed,
		clients_beyond_the_limit_are_refused,
		many_connections,
		a_listening_socket_is_not_replaced,
		a_stale_socket_is_replaced,
		no_daemon,
	};
	Suite *suite = suite_create("api_server");
	TCase *tcase = tcase_create("socket");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
