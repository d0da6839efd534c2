// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "vici/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <rte_common.h>

#include "run.h"
#include "spec/sa.h"
#include "vici_kit.h"

// A client, and a test that plays charon; they take turns in one thread.
struct fixture {
	char directory[64], path[96];
	struct event_base *events;
	struct gw_vici_client *client;
	int listener, charon;
	unsigned int children;
	struct gw_vici_child last;
};

static void note(void *ctx, const struct gw_vici_child *child)
{
	struct fixture *fixture = ctx;

	fixture->children++;
	fixture->last = *child;
}

static void listen_at(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	fixture->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fixture->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fixture->listener, 4), 0);
}

static void setup(struct fixture *fixture, bool listens)
{
	struct gw_vici_client_options options = {
		.path = fixture->path, .child = note, .ctx = fixture, .retry_ms = 5
	};
	struct gw_error err = {};

	memset(fixture, 0, sizeof(*fixture));
	fixture->listener = fixture->charon = -1;
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/esplanade-vici-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/vici", fixture->directory);
	if (listens)
		listen_at(fixture);
	fixture->events = options.events = event_base_new();
	fixture->client = gw_vici_client_new(&options, &err);
	ck_assert_ptr_nonnull(fixture->client);
}

static void teardown(struct fixture *fixture)
{
	gw_vici_client_free(fixture->client);
	event_base_free(fixture->events);
	if (fixture->charon >= 0)
		close(fixture->charon);
	if (fixture->listener >= 0)
		close(fixture->listener);
	unlink(fixture->path);
	rmdir(fixture->directory);
}

// Lets the client go on until it has nothing to do for a moment.
static void turn(struct fixture *fixture)
{
	event_base_loop(fixture->events, EVLOOP_NONBLOCK);
}

static void meet(struct fixture *fixture)
{
	fixture->charon = -1;
	while (fixture->charon < 0) {
		turn(fixture);
		fixture->charon = accept4(fixture->listener, NULL, NULL, SOCK_NONBLOCK);
	}
	turn(fixture);
}

static bool hung_up(struct fixture *fixture)
{
	uint8_t bytes[512];
	ssize_t size;

	turn(fixture);
	while ((size = recv(fixture->charon, bytes, sizeof(bytes), 0)) > 0)
		;
	return size == 0 || errno == ECONNRESET;
}

static void send_bytes(struct fixture *fixture, const void *bytes, size_t size)
{
	ck_assert_int_eq(send(fixture->charon, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static size_t event_packet(uint8_t *packet, const char *name, const struct vici_message *message)
{
	size_t name_bytes = strlen(name), size = 2 + name_bytes + message->size;

	packet[0] = packet[1] = 0;
	packet[2] = (uint8_t)(size >> 8);
	packet[3] = (uint8_t)size;
	packet[4] = GW_VICI_EVENT;
	packet[5] = (uint8_t)name_bytes;
	memcpy(packet + 6, name, name_bytes);
	memcpy(packet + 6 + name_bytes, message->bytes, message->size);
	return 4 + size;
}

START_TEST(it_asks_for_all_and_for_what_comes)
{
	static const uint8_t expected[] = "\0\0\0\x09\x03\x07list-sa"
					  "\0\0\0\x0e\x03\x0c"
					  "child-updown"
					  "\0\0\0\x0d\x03\x0b"
					  "child-rekey"
					  "\0\0\0\x0a\0\x08list-sas";
	struct fixture fixture;
	uint8_t bytes[256];

	setup(&fixture, true);
	meet(&fixture);
	ck_assert_int_eq(
		recv(fixture.charon, bytes, sizeof(bytes), 0), (ssize_t)sizeof(expected) - 1);
	ck_assert_int_eq(memcmp(bytes, expected, sizeof(expected) - 1), 0);
	teardown(&fixture);
}
END_TEST

// Byte by byte, and several at once.
START_TEST(it_hears_of_children)
{
	static const uint8_t confirmed[] = { 0, 0, 0, 1, 5, 0, 0, 0, 1, 1 };
	struct vici_message message = {}, rekey = {};
	struct fixture fixture;
	uint8_t packet[8192];
	size_t size;

	setup(&fixture, true);
	meet(&fixture);
	vici_site(&message);
	size = event_packet(packet, "list-sa", &message);
	for (size_t i = 0; i < size; i++) {
		ck_assert_uint_eq(fixture.children, 0);
		send_bytes(&fixture, packet + i, 1);
		turn(&fixture);
	}
	ck_assert_uint_eq(fixture.children, 1);
	ck_assert_uint_eq(fixture.last.spi_in, 0xc0ffee01);
	vici_rekey(&rekey);
	memcpy(packet, confirmed, sizeof(confirmed));
	size = sizeof(confirmed);
	size += event_packet(packet + size, "child-updown", &message);
	size += event_packet(packet + size, "of-others", &message);
	size += event_packet(packet + size, "child-rekey", &rekey);
	send_bytes(&fixture, packet, size);
	turn(&fixture);
	ck_assert_uint_eq(fixture.children, 3);
	ck_assert_uint_eq(fixture.last.spi_in, 0x2001);
	ck_assert(!hung_up(&fixture));
	teardown(&fixture);
}
END_TEST

// What it cannot read whole because it is long: the buffer grows with it.
START_TEST(it_hears_of_many_children)
{
	struct vici_message message = {};
	struct fixture fixture;
	uint8_t packet[8192];
	size_t size;

	setup(&fixture, true);
	meet(&fixture);
	for (unsigned int i = 0; i < 10; i++)
		vici_site(&message);
	size = event_packet(packet, "list-sa", &message);
	for (unsigned int i = 0; i < 200; i++) {
		send_bytes(&fixture, packet, size);
		if (i % 20 == 0)
			for (unsigned int j = 0; j < 20; j++)
				turn(&fixture);
	}
	for (unsigned int j = 0; j < 200; j++)
		turn(&fixture);
	ck_assert_uint_eq(fixture.children, 2000);
	teardown(&fixture);
}
END_TEST

START_TEST(it_comes_back)
{
	struct fixture fixture;

	setup(&fixture, false);
	for (unsigned int i = 0; i < 5; i++)
		turn(&fixture);
	listen_at(&fixture);
	for (unsigned int i = 0; i < 3; i++) {
		meet(&fixture);
		close(fixture.charon);
	}
	fixture.charon = -1;
	teardown(&fixture);
}
END_TEST

static const struct {
	const char *says;
	uint8_t bytes[16];
	size_t size;
} broken[] = {
	{ "a packet of no bytes", { 0, 0, 0, 0 }, 4 },
	{ "a packet of no kind", { 0, 0, 0, 1, 8 }, 5 },
	{ "a packet of four gigabytes", { 255, 255, 255, 255 }, 4 },
	{ "one more than the most", { 0, 8, 0, 1 }, 4 },
	{ "an event without a name", { 0, 0, 0, 1, 7 }, 5 },
	{ "an event whose name is longer than it", { 0, 0, 0, 3, 7, 9, 'x' }, 7 },
	{ "an event that is no message",
		{ 0, 0, 0, 10, 7, 7, 'l', 'i', 's', 't', '-', 's', 'a', 9 }, 14 },
};

START_TEST(it_leaves_one_that_speaks_otherwise)
{
	struct fixture fixture;

	setup(&fixture, true);
	meet(&fixture);
	send_bytes(&fixture, broken[_i].bytes, broken[_i].size);
	ck_assert_msg(hung_up(&fixture), "%s is taken", broken[_i].says);
	close(fixture.charon);
	meet(&fixture); // but tries again
	teardown(&fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vici_client");
	TCase *tcase = tcase_create("client");

	tcase_add_test(tcase, it_asks_for_all_and_for_what_comes);
	tcase_add_test(tcase, it_hears_of_children);
	tcase_add_test(tcase, it_hears_of_many_children);
	tcase_add_test(tcase, it_comes_back);
	tcase_add_loop_test(tcase, it_leaves_one_that_speaks_otherwise, 0, RTE_DIM(broken));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
