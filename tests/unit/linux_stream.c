// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A stream against a socket of the test.

// conformance: J21, J24

#include "linux/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "linux/inet.h"
#include "run.h"

#define WRITE_BYTES 100000

static struct event_base *events;
static struct gw_stream *stream;
static int there; // the peer's socket
static unsigned int opened, ended;
static char log_text[400]; // a letter for each record and its size

static void on_opened(void *)
{
	opened++;
}

static void on_record(void *, enum gw_tcp_record kind, const uint8_t *payload, size_t size)
{
	size_t used = strlen(log_text);
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += payload[i];
	snprintf(log_text + used, sizeof(log_text) - used, "%c%zu:%u ", "MEIKRB"[kind], size, sum);
}

static void on_ended(void *, const char *why)
{
	ck_assert_str_ne(why, "");
	ended++;
}

static const struct gw_stream_handler handler = { on_opened, on_record, on_ended };

static struct gw_stream_options options(void)
{
	return (struct gw_stream_options){
		.events = events,
		.handler = &handler,
		.write_bytes = WRITE_BYTES,
		.keepalive_seconds = 10,
		.dead_seconds = 30,
	};
}

static void setup(void)
{
	events = event_base_new();
	stream = NULL;
	there = -1;
	opened = ended = 0;
	log_text[0] = '\0';
}

static void teardown(void)
{
	gw_stream_free(stream);
	if (there >= 0)
		close(there);
	event_base_free(events);
}

static void turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(events, EVLOOP_NONBLOCK);
}

static void accepted(void)
{
	struct gw_stream_options with = options();
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	there = pair[1];
	stream = gw_stream_accept(&with, pair[0]);
	ck_assert_ptr_nonnull(stream);
}

static void say(const void *data, size_t size)
{
	ck_assert_int_eq(send(there, data, size, MSG_NOSIGNAL), (ssize_t)size);
	turn();
}

#define IN_BYTES(text) text, sizeof(text) - 1

static const struct talk {
	const char *what, *bytes;
	size_t size;
	const char *log;
	bool ends;
} talks[] = {
	{ "a prefix alone", IN_BYTES("IKETCP"), "", false },
	{ "half a prefix", IN_BYTES("IKE"), "", false },
	{ "another prefix", IN_BYTES("IKETCQ"), "", true },
	{ "another prefix at its first byte", IN_BYTES("G"), "", true },
	{ "ESP", IN_BYTES("IKETCP\0\6\1\2\3\4"), "E4:10 ", false },
	{ "IKE", IN_BYTES("IKETCP\0\7\0\0\0\0\5"), "I5:5 ", false },
	{ "some of each", IN_BYTES("IKETCP\0\6\1\2\3\4\0\3\377\0\2\0\7\0\0\0\0\5\0\6\1\1\1\1"),
		"E4:10 K1:255 R0:0 I5:5 E4:4 ", false },
	{ "a length of 0", IN_BYTES("IKETCP\0\6\1\2\3\4\0\0\0\6\1\1\1\1"), "E4:10 ", true },
	{ "a length of 1", IN_BYTES("IKETCP\0\1"), "", true },
	{ "the prefix again", IN_BYTES("IKETCPIKETCP"), "", false }, // a length of 0x494b
};

START_TEST(what_comes_at_once)
{
	accepted();
	say(talks[_i].bytes, talks[_i].size);
	ck_assert_str_eq(log_text, talks[_i].log);
	ck_assert_msg(ended == talks[_i].ends, "%s", talks[_i].what);
}
END_TEST

START_TEST(what_comes_byte_by_byte)
{
	accepted();
	for (size_t i = 0; i < talks[_i].size && !ended; i++)
		say(talks[_i].bytes + i, 1);
	ck_assert_str_eq(log_text, talks[_i].log);
	ck_assert_msg(ended == talks[_i].ends, "%s", talks[_i].what);
}
END_TEST

START_TEST(the_longest_record)
{
	uint8_t *data = calloc(1, 65535 + GW_TCP_PREFIX_BYTES);

	accepted();
	memcpy(data, GW_TCP_PREFIX "\xff\xff\x01", GW_TCP_PREFIX_BYTES + 3);
	for (size_t at = 0; at < 65535 + GW_TCP_PREFIX_BYTES;) {
		size_t size = 65535 + GW_TCP_PREFIX_BYTES - at;
		ssize_t sent = send(there, data + at, size, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		turn();
	}
	ck_assert_str_eq(log_text, "E65533:1 ");
	free(data);
}
END_TEST

// It is not the gateway that says the prefix where the peer opened the connection.
START_TEST(what_is_sent)
{
	uint8_t data[100];

	accepted();
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"abcd", 4), 0);
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"", 0), 0);
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"ef", 2), 0);
	turn();
	ck_assert_int_eq(recv(there, data, sizeof(data), 0), 12);
	ck_assert_mem_eq(data, "\0\6abcd\0\2\0\4ef", 12);
}
END_TEST

START_TEST(what_waits_is_bounded_and_whole)
{
	static uint8_t payload[9998];
	size_t sent = 0, got = 0;
	uint8_t data[4096];
	ssize_t size;

	accepted();
	ck_assert_int_eq(gw_stream_send(stream, payload, 65534), -EMSGSIZE);
	while (gw_stream_send(stream, payload, sizeof(payload)) == 0)
		sent++;
	ck_assert_uint_eq(sent, WRITE_BYTES / (sizeof(payload) + 2));
	ck_assert_int_eq(gw_stream_send(stream, payload, sizeof(payload)), -ENOBUFS);
	ck_assert_uint_eq(gw_stream_waiting(stream), WRITE_BYTES);
	for (turn(); (size = recv(there, data, sizeof(data), MSG_DONTWAIT)) > 0; turn())
		got += (size_t)size;
	ck_assert_uint_eq(got, WRITE_BYTES);
	ck_assert_uint_eq(gw_stream_waiting(stream), 0);
}
END_TEST

START_TEST(the_end_is_told_once)
{
	accepted();
	say(IN_BYTES("IKETCP\0\6\1\2\3\4\0\6\1"));
	close(there);
	there = -1;
	turn();
	ck_assert_uint_eq(ended, 1);
	ck_assert_str_eq(log_text, "E4:10 ");
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"abcd", 4), -ENOTCONN);
	turn();
	ck_assert_uint_eq(ended, 1);
}
END_TEST

// A listening socket on the loopback; its port.
static int listener(uint16_t *port)
{
	struct gw_addr loopback, addr;
	struct sockaddr_storage storage;
	socklen_t bytes;
	int fd;

	ck_assert(gw_addr_parse("127.0.0.1", &loopback));
	bytes = gw_inet_make(&loopback, 0, &storage);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&storage, bytes), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&storage, &bytes), 0);
	gw_inet_read(&storage, &addr, port);
	ck_assert(gw_addr_equal(&addr, &loopback));
	return fd;
}

START_TEST(the_originator_says_the_prefix)
{
	struct gw_stream_options with = options();
	struct gw_addr loopback;
	struct gw_error err = {};
	uint8_t data[100];
	uint16_t port;
	int fd = listener(&port);

	ck_assert(gw_addr_parse("127.0.0.1", &loopback));
	stream = gw_stream_connect(&with, &loopback, &loopback, port, &err);
	ck_assert_msg(stream != NULL, "%s", err.text);
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"abcd", 4), -ENOTCONN);
	there = accept(fd, NULL, NULL);
	close(fd);
	while (!opened && !ended)
		event_base_loop(events, EVLOOP_ONCE);
	ck_assert_uint_eq(opened, 1);
	ck_assert_int_eq(gw_stream_send(stream, (const uint8_t *)"abcd", 4), 0);
	turn();
	ck_assert_int_eq(recv(there, data, 12, MSG_WAITALL), 12);
	ck_assert_mem_eq(data, "IKETCP\0\6abcd", 12);
	// The other side says none.
	ck_assert_int_eq(send(there, "\0\6\1\2\3\4", 6, 0), 6);
	while (!log_text[0] && !ended)
		event_base_loop(events, EVLOOP_ONCE);
	ck_assert_str_eq(log_text, "E4:10 ");
}
END_TEST

START_TEST(nobody_is_there)
{
	struct gw_stream_options with = options();
	struct gw_addr loopback, foreign;
	struct gw_error err = {};
	uint16_t port;

	ck_assert(gw_addr_parse("127.0.0.1", &loopback));
	ck_assert(gw_addr_parse("198.51.100.1", &foreign));
	close(listener(&port));
	ck_assert_ptr_null(gw_stream_connect(&with, &foreign, &loopback, port, &err));
	ck_assert_str_ne(err.text, "");
	stream = gw_stream_connect(&with, &loopback, &loopback, port, &err);
	while (stream && !ended)
		event_base_loop(events, EVLOOP_ONCE);
	ck_assert_uint_eq(opened, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linux_stream");
	TCase *tcase = tcase_create("stream");
	int count = sizeof(talks) / sizeof(talks[0]);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_comes_at_once, 0, count);
	tcase_add_loop_test(tcase, what_comes_byte_by_byte, 0, count);
	tcase_add_test(tcase, the_longest_record);
	tcase_add_test(tcase, what_is_sent);
	tcase_add_test(tcase, what_waits_is_bounded_and_whole);
	tcase_add_test(tcase, the_end_is_told_once);
	tcase_add_test(tcase, the_originator_says_the_prefix);
	tcase_add_test(tcase, nobody_is_there);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
