// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What the process gives up, each in a process of its own, because none takes anything back.
// conformance: N1, N2, N3

#include "linux/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

// Runs body in a child; it returns 0 or the number of what does not hold.
static int in_child(int (*body)(void))
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(body());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int no_core(void)
{
	struct rlimit limit;

	gw_confine_memory();
	getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_max != 0 ? 1 : prctl(PR_GET_DUMPABLE) != 0 ? 2 : 0;
}

static struct __user_cap_data_struct capabilities[2];

static void read_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	syscall(SYS_capget, &header, capabilities);
}

static bool has(unsigned int capability)
{
	return capabilities[capability / 32].permitted & 1u << capability % 32;
}

static int drop(bool devices)
{
	struct gw_error err = {};
	uint64_t before, after;

	read_capabilities();
	before = (uint64_t)capabilities[1].permitted << 32 | capabilities[0].permitted;
	if (gw_confine_capabilities(devices, &err) != 0)
		return 1;
	read_capabilities();
	after = (uint64_t)capabilities[1].permitted << 32 | capabilities[0].permitted;
	if (after & ~before)
		return 2;
	if (has(CAP_SYS_PTRACE) || has(CAP_SYS_MODULE) || has(CAP_DAC_OVERRIDE) ||
		has(CAP_SETUID) || has(CAP_SETPCAP))
		return 3;
	if ((before >> CAP_NET_ADMIN & 1) && !has(CAP_NET_ADMIN))
		return 4;
	if (has(CAP_SYS_ADMIN) != (devices && (before >> CAP_SYS_ADMIN & 1)))
		return 5;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 6;
}

static int drop_most(void)
{
	return drop(false);
}

static int drop_but_for_devices(void)
{
	return drop(true);
}

static int lock_or_say_why(void)
{
	struct gw_error err = {};
	struct rlimit limit;
	int rc = gw_confine_lock(&err);

	if (rc == 0)
		return err.text[0] ? 1 : 0;
	read_capabilities();
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (rc == -EPERM && err.text[0])
		return has(CAP_IPC_LOCK) || limit.rlim_cur == RLIM_INFINITY ? 2 : 0;
	return rc == -ENOSYS ? 0 : 3;
}

static bool fails(long result)
{
	return result == -1 && errno == EPERM;
}

static void *nothing(void *)
{
	return NULL;
}

static void *fork_here(void *)
{
	return (void *)(intptr_t)!fails(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

// What a gateway goes on doing, and what it never does.
static int filtered(void)
{
	char name[] = "true", *arguments[] = { name, NULL }, *none[] = { NULL };
	struct gw_error err = {};
	pthread_t thread;
	void *problem;
	int rc = gw_confine_syscalls(&err), fd;

	if (rc == -ENOTSUP)
		return 0; // sanitizers
	if (rc)
		return 1;
	if (!fails(execve("/bin/true", arguments, none)))
		return 2;
	if (!fails(fork()))
		return 3;
	if (!fails(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)))
		return 4;
	if (!fails(mount("none", "/mnt", "tmpfs", 0, NULL)))
		return 5;
	if (!fails(unshare(CLONE_NEWNET)) || !fails(setuid(0)))
		return 6;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 7;
	if (pthread_create(&thread, NULL, fork_here, NULL) != 0 ||
		pthread_join(thread, &problem) != 0 || problem)
		return 8;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || close(fd) != 0)
		return 9;
	free(malloc(1 << 20));
	return access("/", R_OK) == 0 ? 0 : 10;
}

static pthread_barrier_t ready, go;

static void *older_thread(void *)
{
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	return fork_here(NULL);
}

// Threads that were there before are under it too.
static int filtered_everywhere(void)
{
	struct gw_error err = {};
	pthread_t thread;
	void *problem;
	int rc;

	pthread_barrier_init(&ready, NULL, 2);
	pthread_barrier_init(&go, NULL, 2);
	if (pthread_create(&thread, NULL, older_thread, NULL) != 0)
		return 1;
	pthread_barrier_wait(&ready);
	rc = gw_confine_syscalls(&err);
	if (rc == -ENOTSUP)
		return 0;
	pthread_barrier_wait(&go);
	if (rc || pthread_join(thread, &problem) != 0)
		return 2;
	return problem ? 3 : 0;
}

static int (*const bodies[])(void) = { no_core, drop_most, drop_but_for_devices, lock_or_say_why,
	filtered, filtered_everywhere };

START_TEST(gives_up)
{
	ck_assert_int_eq(in_child(bodies[_i]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linux_confine");
	TCase *tcase = tcase_create("confine");

	tcase_add_loop_test(tcase, gives_up, 0, sizeof(bodies) / sizeof(bodies[0]));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
