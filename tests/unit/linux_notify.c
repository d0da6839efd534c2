// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "linux/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run.h"

// A service manager's socket of that name, as NOTIFY_SOCKET gives it.
static int manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void hears(int fd, const char *expected)
{
	char text[100] = {};

	ck_assert_int_eq(recv(fd, text, sizeof(text) - 1, 0), (int)strlen(expected));
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), -1);
}

START_TEST(by_a_file)
{
	char directory[] = "/tmp/notify-XXXXXX", path[50];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	fd = manager(path);
	ck_assert_int_eq(gw_notify("READY=1"), 0);
	hears(fd, "READY=1");
	close(fd);
	ck_assert_int_eq(gw_notify("READY=1"), -ECONNREFUSED);
	unlink(path);
	ck_assert_int_eq(gw_notify("READY=1"), -ENOENT);
	rmdir(directory);
}
END_TEST

START_TEST(by_a_name_without_a_file)
{
	char name[50];
	int fd;

	snprintf(name, sizeof(name), "@esplanade-notify-%d", (int)getpid());
	fd = manager(name);
	ck_assert_int_eq(gw_notify("STOPPING=1"), 0);
	hears(fd, "STOPPING=1");
	close(fd);
}
END_TEST

START_TEST(nobody_wants_to_know)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(gw_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(gw_notify("READY=1"), 0);
}
END_TEST

START_TEST(no_such_name)
{
	char name[200];

	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	ck_assert_int_eq(gw_notify("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	ck_assert_int_eq(gw_notify("READY=1"), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linux_notify");
	TCase *tcase = tcase_create("notify");

	tcase_add_test(tcase, by_a_file);
	tcase_add_test(tcase, by_a_name_without_a_file);
	tcase_add_test(tcase, nobody_wants_to_know);
	tcase_add_test(tcase, no_such_name);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
