// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <netlink/msg.h>

#include "run.h"

// A server whose requests are answered by their type; server and clients take turns in one thread.
struct fixture {
	char directory[64], path[96];
	struct event_base *events;
	struct gw_xfrm_server *server;
	unsigned int served;
	unsigned int dumps_freed;
};

struct count {
	struct gw_xfrm_dump dump;
	struct fixture *fixture;
	uint32_t next, last;
};

static bool count_on(struct gw_xfrm_dump *dump, struct gw_xfrm_client *client)
{
	struct count *count = (struct count *)dump;

	if (count->next > count->last)
		return false;
	gw_xfrm_reply_send(client, gw_xfrm_reply_new(client, XFRM_MSG_NEWSA, &count->next,
					   sizeof(count->next), NLM_F_MULTI));
	count->next++;
	return true;
}

static void count_free(struct gw_xfrm_dump *dump)
{
	((struct count *)dump)->fixture->dumps_freed++;
	free(dump);
}

#define LIST 20000u

static int serve(void *ctx, struct gw_xfrm_client *client, const struct gw_xfrm_request *request,
	struct gw_error *err)
{
	struct fixture *fixture = ctx;

	fixture->served++;
	if (request->header->nlmsg_type == XFRM_MSG_GETSA) {
		struct count *count = calloc(1, sizeof(*count));

		*count = (struct count){ { count_on, count_free }, fixture, 1, LIST };
		gw_xfrm_dump_start(client, &count->dump);
		return 0;
	}
	if (request->header->nlmsg_type == XFRM_MSG_FLUSHSA)
		return 0;
	return gw_error_set(err, ESRCH, "not found, and here stands why");
}

static void setup(struct fixture *fixture, unsigned int max_clients)
{
	struct gw_xfrm_server_options options = { .path = fixture->path,
		.group = "",
		.max_clients = max_clients,
		.serve = serve,
		.ctx = fixture };
	struct gw_error err = {};

	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/xfrm_server.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->directory);
	options.events = fixture->events = event_base_new();
	fixture->server = gw_xfrm_server_new(&options, &err);
	ck_assert_msg(fixture->server, "%s", err.text);
}

static void teardown(struct fixture *fixture)
{
	gw_xfrm_server_free(fixture->server);
	event_base_free(fixture->events);
	ck_assert_int_ne(access(fixture->path, F_OK), 0);
	rmdir(fixture->directory);
}

// Lets the server do what there is to do.
static void turn(struct fixture *fixture)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(fixture->events, EVLOOP_NONBLOCK);
}

static int dial(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn(fixture);
	return fd;
}

static void put(int fd, uint16_t type, uint16_t flags, const void *body, size_t size)
{
	struct nl_msg *message = gw_xfrm_event_new(type, body, size);

	nlmsg_hdr(message)->nlmsg_flags = flags;
	nlmsg_hdr(message)->nlmsg_seq = 77;
	ck_assert_int_gt(
		send(fd, nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len, MSG_NOSIGNAL), 0);
	nlmsg_free(message);
}

static void put_u32(int fd, uint16_t type, uint32_t value)
{
	put(fd, type, 0, &value, sizeof(value));
}

static int greeted(struct fixture *fixture)
{
	struct gw_xfrm_hello hello = { GW_XFRM_PROTOCOL, 4711, "" };
	int fd = dial(fixture);

	put(fd, GW_XFRM_HELLO, 0, &hello, sizeof(hello));
	turn(fixture);
	return fd;
}

union packet {
	struct nlmsghdr header;
	uint8_t bytes[8192];
};

// 0: nothing is there; the end of the connection counts as -1.
static ssize_t get(struct fixture *fixture, int fd, union packet *packet)
{
	ssize_t size;

	turn(fixture);
	size = recv(fd, packet, sizeof(*packet), 0);
	if (size < 0)
		return errno == EAGAIN ? 0 : -1;
	return size ? size : -1;
}

static const struct nlmsgerr *error_of(const union packet *packet)
{
	ck_assert_uint_eq(packet->header.nlmsg_type, NLMSG_ERROR);
	ck_assert_uint_eq(packet->header.nlmsg_seq, 77);
	ck_assert_uint_eq(packet->header.nlmsg_pid, 4711);
	return NLMSG_DATA(&packet->header);
}

START_TEST(acknowledgements_and_errors)
{
	const struct xfrm_usersa_id id = {};
	struct fixture fixture;
	union packet packet;
	int fd;

	setup(&fixture, 4);
	fd = greeted(&fixture);
	put(fd, XFRM_MSG_FLUSHSA, NLM_F_REQUEST, &(uint32_t){ 0 }, 4);
	ck_assert_int_eq(get(&fixture, fd, &packet), 0);
	put(fd, XFRM_MSG_FLUSHSA, NLM_F_REQUEST | NLM_F_ACK, &(uint32_t){ 0 }, 4);
	ck_assert_int_gt(get(&fixture, fd, &packet), 0);
	ck_assert_int_eq(error_of(&packet)->error, 0);
	put(fd, XFRM_MSG_DELSA, NLM_F_REQUEST, &id, sizeof(id));
	ck_assert_int_eq(get(&fixture, fd, &packet), NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	ck_assert_int_eq(error_of(&packet)->error, -ESRCH);
	put_u32(fd, GW_XFRM_EXT_ACK, 1);
	put(fd, XFRM_MSG_DELSA, NLM_F_REQUEST, &id, sizeof(id));
	ck_assert_int_gt(get(&fixture, fd, &packet), NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	ck_assert_ptr_nonnull(memmem(&packet, packet.header.nlmsg_len, "here stands why", 15));
	// No request, no answer.
	put(fd, XFRM_MSG_DELSA, 0, &id, sizeof(id));
	ck_assert_int_eq(get(&fixture, fd, &packet), 0);
	close(fd);
	teardown(&fixture);
}
END_TEST

START_TEST(who_does_not_say_hello_is_not_served)
{
	struct fixture fixture;
	union packet packet;
	int fd;

	setup(&fixture, 4);
	fd = dial(&fixture);
	put(fd, XFRM_MSG_FLUSHSA, NLM_F_REQUEST | NLM_F_ACK, &(uint32_t){ 0 }, 4);
	ck_assert_int_eq(get(&fixture, fd, &packet), 0);
	ck_assert_uint_eq(fixture.served, 0);
	put(fd, GW_XFRM_HELLO, 0, &(struct gw_xfrm_hello){ GW_XFRM_PROTOCOL + 1, 1, "" }, 8);
	ck_assert_int_eq(get(&fixture, fd, &packet), -1);
	close(fd);
	teardown(&fixture);
}
END_TEST

// A list that is longer than the socket holds waits for its reader, and requests wait for its end.
START_TEST(a_list_waits_for_its_reader)
{
	struct fixture fixture;
	union packet packet;
	uint32_t number;
	int fd;

	setup(&fixture, 4);
	fd = greeted(&fixture);
	put(fd, XFRM_MSG_GETSA, NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK, NULL, 0);
	put(fd, XFRM_MSG_FLUSHSA, NLM_F_REQUEST | NLM_F_ACK, &(uint32_t){ 0 }, 4);
	turn(&fixture);
	ck_assert_uint_eq(fixture.served, 1);
	for (uint32_t i = 1; i <= LIST; i++) {
		ck_assert_int_gt(get(&fixture, fd, &packet), 0);
		memcpy(&number, NLMSG_DATA(&packet.header), sizeof(number));
		ck_assert_uint_eq(number, i);
		ck_assert(packet.header.nlmsg_flags & NLM_F_MULTI);
	}
	ck_assert_int_gt(get(&fixture, fd, &packet), 0);
	ck_assert_uint_eq(packet.header.nlmsg_type, NLMSG_DONE);
	ck_assert_int_gt(get(&fixture, fd, &packet), 0);
	ck_assert_int_eq(error_of(&packet)->error, 0);
	ck_assert_uint_eq(fixture.served, 2);
	ck_assert_uint_eq(fixture.dumps_freed, 1);
	// Who goes in the middle of one.
	put(fd, XFRM_MSG_GETSA, NLM_F_REQUEST | NLM_F_DUMP, NULL, 0);
	turn(&fixture);
	close(fd);
	turn(&fixture);
	turn(&fixture);
	teardown(&fixture);
	ck_assert_uint_eq(fixture.dumps_freed, 2);
}
END_TEST

static void tell(struct fixture *fixture, unsigned int group, uint32_t value)
{
	const uint32_t body[1000] = { value };

	gw_xfrm_event_send(
		fixture->server, group, gw_xfrm_event_new(XFRM_MSG_EXPIRE, body, sizeof(body)));
}

START_TEST(groups)
{
	struct fixture fixture;
	union packet packet;
	int a, b;

	setup(&fixture, 4);
	a = greeted(&fixture);
	b = greeted(&fixture);
	ck_assert(!gw_xfrm_listened(fixture.server, XFRMNLGRP_EXPIRE));
	put_u32(a, GW_XFRM_JOIN, XFRMNLGRP_EXPIRE);
	put_u32(b, GW_XFRM_JOIN, XFRMNLGRP_ACQUIRE);
	put_u32(b, GW_XFRM_JOIN, 32);
	put_u32(b, GW_XFRM_JOIN, 0);
	turn(&fixture);
	ck_assert(gw_xfrm_listened(fixture.server, XFRMNLGRP_EXPIRE));
	tell(&fixture, XFRMNLGRP_EXPIRE, 5);
	ck_assert_int_gt(get(&fixture, a, &packet), 0);
	ck_assert_uint_eq(packet.header.nlmsg_type, XFRM_MSG_EXPIRE);
	ck_assert_uint_eq(packet.header.nlmsg_seq, 0);
	ck_assert_int_eq(get(&fixture, b, &packet), 0);
	put_u32(a, GW_XFRM_LEAVE, XFRMNLGRP_EXPIRE);
	turn(&fixture);
	ck_assert(!gw_xfrm_listened(fixture.server, XFRMNLGRP_EXPIRE));
	close(a);
	close(b);
	teardown(&fixture);
}
END_TEST

// Who never reads costs a bounded amount of memory, keeps nobody else waiting, and is told of the
// loss when it reads again.
START_TEST(a_listener_that_never_reads)
{
	struct fixture fixture;
	union packet packet;
	bool told = false;
	int lazy, eager;

	setup(&fixture, 4);
	lazy = greeted(&fixture);
	eager = greeted(&fixture);
	put_u32(lazy, GW_XFRM_JOIN, XFRMNLGRP_EXPIRE);
	put_u32(eager, GW_XFRM_JOIN, XFRMNLGRP_EXPIRE);
	turn(&fixture);
	for (uint32_t i = 0; i < 10000; i++) {
		tell(&fixture, XFRMNLGRP_EXPIRE, i);
		ck_assert_int_gt(recv(eager, &packet, sizeof(packet), 0), 0);
	}
	while (get(&fixture, lazy, &packet) > 0)
		;
	tell(&fixture, XFRMNLGRP_EXPIRE, 1);
	while (get(&fixture, lazy, &packet) > 0)
		told |= packet.header.nlmsg_type == NLMSG_OVERRUN;
	ck_assert(told);
	close(lazy);
	close(eager);
	teardown(&fixture);
}
END_TEST

START_TEST(ten_clients_where_four_may_be)
{
	struct fixture fixture;
	union packet packet;
	int fds[10], refused = 0;

	setup(&fixture, 4);
	for (int i = 0; i < 10; i++)
		fds[i] = dial(&fixture);
	for (int i = 0; i < 10; i++)
		refused += get(&fixture, fds[i], &packet) < 0;
	ck_assert_int_eq(refused, 6);
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	turn(&fixture);
	fds[0] = greeted(&fixture);
	put(fds[0], XFRM_MSG_FLUSHSA, NLM_F_REQUEST | NLM_F_ACK, &(uint32_t){ 0 }, 4);
	ck_assert_int_gt(get(&fixture, fds[0], &packet), 0);
	close(fds[0]);
	teardown(&fixture);
}
END_TEST

// Lengths that lie, and several messages in one packet.
START_TEST(packets_of_all_kinds)
{
	struct nlmsghdr headers[3] = {};
	struct fixture fixture;
	union packet packet;
	int fd;

	setup(&fixture, 4);
	fd = greeted(&fixture);
	for (uint32_t length = 0; length < 64; length += 5) {
		headers[0] = (struct nlmsghdr){ length, XFRM_MSG_FLUSHSA, NLM_F_REQUEST, 77, 0 };
		send(fd, headers, sizeof(headers[0]), 0);
		send(fd, headers, 3, 0);
	}
	turn(&fixture);
	while (get(&fixture, fd, &packet) > 0)
		ck_assert_int_eq(error_of(&packet)->error, -EINVAL);
	ck_assert_uint_eq(fixture.served, 0);
	for (int i = 0; i < 3; i++)
		headers[i] = (struct nlmsghdr){ sizeof(headers[i]), XFRM_MSG_FLUSHPOLICY,
			NLM_F_REQUEST, 77, 0 };
	send(fd, headers, sizeof(headers), 0);
	turn(&fixture);
	ck_assert_uint_eq(fixture.served, 3);
	close(fd);
	teardown(&fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xfrm_server");
	TCase *tcase = tcase_create("server");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, acknowledgements_and_errors);
	tcase_add_test(tcase, who_does_not_say_hello_is_not_served);
	tcase_add_test(tcase, a_list_waits_for_its_reader);
	tcase_add_test(tcase, groups);
	tcase_add_test(tcase, a_listener_that_never_reads);
	tcase_add_test(tcase, ten_clients_where_four_may_be);
	tcase_add_test(tcase, packets_of_all_kinds);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
