// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm-preload/link.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "xfrm-preload/libc.h"
#include "xfrm/wire.h"

#define MOST_LINKS       64
#define MOST_DESCRIPTORS 65536
#define MOST_EPOLLS      4
#define MOST_GROUPS      31
#define RETRY_NS         300000000
#define PORT_SHIFT       22 // above the greatest process id

struct registration {
	int epoll; // -1: none
	struct epoll_event event;
};

struct link {
	int fd; // -1: free
	uint32_t port;
	uint32_t groups; // bit n: group n
	bool ext_ack;
	bool broken;
	int silent; // while broken: the other end of what stands in the connection's place; else -1
	struct registration registrations[MOST_EPOLLS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct link links[MOST_LINKS];
static unsigned int link_count; // of places in use, whether free or not
static bool mending;            // the thread runs
static _Atomic uint8_t ours[MOST_DESCRIPTORS];

static const char *path(void)
{
	const char *chosen = getenv("ESPLANADE_XFRM_SOCKET");

	return chosen && chosen[0] ? chosen : GW_XFRM_SOCKET;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsyslog(LOG_DAEMON | LOG_WARNING, format, arguments);
	va_end(arguments);
	va_start(arguments, format);
	fprintf(stderr, "esplanade-xfrm: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
}

bool link_is(int fd)
{
	// Relaxed: who uses a descriptor has it from whom opened it.
	return fd >= 0 && fd < MOST_DESCRIPTORS &&
	       atomic_load_explicit(&ours[fd], memory_order_relaxed);
}

static void mark(int fd, bool is)
{
	if (fd >= 0 && fd < MOST_DESCRIPTORS)
		atomic_store_explicit(&ours[fd], is, memory_order_relaxed);
}

// With the lock held.
static struct link *find(int fd)
{
	for (unsigned int i = 0; i < link_count; i++)
		if (links[i].fd == fd)
			return &links[i];
	return NULL;
}

static struct link *place(int fd)
{
	struct link *link = find(-1);

	if (!link && link_count < MOST_LINKS)
		link = &links[link_count++];
	if (!link)
		return NULL;
	*link = (struct link){ .fd = fd, .silent = -1 };
	for (int i = 0; i < MOST_EPOLLS; i++)
		link->registrations[i].epoll = -1;
	return link;
}

static bool tell(int fd, uint16_t type, const void *body, size_t size)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[NLMSG_SPACE(sizeof(struct gw_xfrm_hello))];
	} message = { .header = { .nlmsg_len = (uint32_t)NLMSG_LENGTH(size), .nlmsg_type = type } };

	memcpy(NLMSG_DATA(&message.header), body, size);
	return real()->send(fd, &message, message.header.nlmsg_len, MSG_NOSIGNAL) > 0;
}

static bool tell_u32(int fd, uint16_t type, uint32_t value)
{
	return tell(fd, type, &value, sizeof(value));
}

// A new connection that knows what the program has asked for. -1 with errno set.
static int connect_as(const struct link *link)
{
	struct gw_xfrm_hello hello = { .protocol = GW_XFRM_PROTOCOL, .port = link->port };
	const char *name = program_invocation_short_name;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = real()->socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool good;

	if (fd < 0)
		return -1;
	memcpy(hello.program, name, strnlen(name, sizeof(hello.program)));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path());
	good = real()->connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	       tell(fd, GW_XFRM_HELLO, &hello, sizeof(hello)) &&
	       (!link->ext_ack || tell_u32(fd, GW_XFRM_EXT_ACK, 1));
	for (uint32_t group = 1; good && group <= MOST_GROUPS; group++)
		if (link->groups >> group & 1)
			good = tell_u32(fd, GW_XFRM_JOIN, group);
	if (!good) {
		int problem = errno;

		real()->close(fd);
		errno = problem;
		return -1;
	}
	return fd;
}

// Puts fresh in the descriptor's place: the program's number stays, and with it its flags.
static bool put_in_place(struct link *link, int fresh)
{
	int closing = real()->fcntl(link->fd, F_GETFD), flags = real()->fcntl(link->fd, F_GETFL);
	bool good = real()->dup3(fresh, link->fd, closing & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;

	real()->close(fresh);
	if (!good)
		return false;
	real()->fcntl(link->fd, F_SETFL, flags & O_NONBLOCK);
	for (int i = 0; i < MOST_EPOLLS; i++)
		if (link->registrations[i].epoll >= 0)
			real()->epoll_ctl(link->registrations[i].epoll, EPOLL_CTL_ADD, link->fd,
				&link->registrations[i].event);
	return true;
}

static void end_silence(struct link *link)
{
	if (link->silent >= 0)
		real()->close(link->silent);
	link->silent = -1;
}

// Puts a socket on which nothing happens in the place of a broken connection. It takes nothing
// either: nobody would answer, and who asks waits for that.
static void fall_silent(struct link *link)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	shutdown(pair[0], SHUT_WR);
	link->silent = pair[1];
	link->broken = put_in_place(link, pair[0]);
	if (!link->broken)
		end_silence(link);
}

static bool mend(struct link *link)
{
	int fresh = connect_as(link);

	if (fresh < 0 || !put_in_place(link, fresh))
		return false;
	link->broken = false;
	end_silence(link);
	say("connected to the gateway's daemon again");
	return true;
}

static void *mend_all(void *)
{
	bool broken = true;

	while (broken) {
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
		pthread_mutex_lock(&lock);
		broken = false;
		for (unsigned int i = 0; i < link_count; i++)
			if (links[i].fd >= 0 && links[i].broken && !mend(&links[i]))
				broken = true;
		mending = broken;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void start_mending(void)
{
	sigset_t all, before;
	pthread_t thread;

	if (mending)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); // signals are the program's
	mending = pthread_create(&thread, NULL, mend_all, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (mending)
		pthread_detach(thread);
}

bool link_broken(int fd, bool again)
{
	struct link *link;
	bool whole = false;

	pthread_mutex_lock(&lock);
	link = find(fd);
	if (link && !link->broken) {
		say("the gateway's daemon at %s has gone: waiting for it", path());
		fall_silent(link);
	}
	if (link && link->broken && again)
		whole = mend(link);
	if (link && link->broken)
		start_mending();
	pthread_mutex_unlock(&lock);
	return whole;
}

int link_open(int flags)
{
	static unsigned int opened;
	struct link fresh = {}, *link;
	int fd, problem;

	pthread_mutex_lock(&lock);
	fresh.port = (uint32_t)getpid() | opened++ << PORT_SHIFT;
	pthread_mutex_unlock(&lock);
	fd = connect_as(&fresh);
	if (fd < 0) {
		problem = errno;
		say("cannot reach the gateway's daemon at %s: %s; start it, with "
		    "control.xfrm_socket set",
			path(), strerror(problem));
		errno = problem;
		return -1;
	}
	if (!(flags & SOCK_CLOEXEC))
		real()->fcntl(fd, F_SETFD, 0);
	if (flags & SOCK_NONBLOCK)
		real()->fcntl(fd, F_SETFL, O_NONBLOCK);
	pthread_mutex_lock(&lock);
	link = fd < MOST_DESCRIPTORS ? place(fd) : NULL;
	if (link)
		link->port = fresh.port;
	pthread_mutex_unlock(&lock);
	if (!link) {
		real()->close(fd);
		errno = EMFILE;
		return -1;
	}
	mark(fd, true);
	return fd;
}

void link_close(int fd)
{
	struct link *link;

	mark(fd, false);
	pthread_mutex_lock(&lock);
	link = find(fd);
	if (link) {
		end_silence(link);
		link->fd = -1;
	}
	pthread_mutex_unlock(&lock);
}

void link_copy(int fd, int copy)
{
	struct link *link, *other;

	if (copy < 0 || copy == fd)
		return;
	pthread_mutex_lock(&lock);
	link = find(fd);
	other = link ? place(copy) : NULL;
	if (other) {
		other->port = link->port;
		other->groups = link->groups;
		other->ext_ack = link->ext_ack;
	}
	pthread_mutex_unlock(&lock);
	mark(copy, other);
}

static uint32_t number_of(int fd, bool groups)
{
	struct link *link;
	uint32_t number;

	pthread_mutex_lock(&lock);
	link = find(fd);
	number = !link ? 0 : groups ? link->groups : link->port;
	pthread_mutex_unlock(&lock);
	return number;
}

uint32_t link_port(int fd)
{
	return number_of(fd, false);
}

uint32_t link_groups(int fd)
{
	return number_of(fd, true);
}

int link_join(int fd, uint32_t group, bool join)
{
	struct link *link;
	bool good = group > 0 && group <= MOST_GROUPS;

	if (!good) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&lock);
	link = find(fd);
	if (link) {
		link->groups = join ? link->groups | 1u << group : link->groups & ~(1u << group);
		// One that is broken joins when it is whole again.
		if (!link->broken)
			tell_u32(fd, join ? GW_XFRM_JOIN : GW_XFRM_LEAVE, group);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

int link_ext_ack(int fd, bool on)
{
	struct link *link;

	pthread_mutex_lock(&lock);
	link = find(fd);
	if (link) {
		link->ext_ack = on;
		if (!link->broken)
			tell_u32(fd, GW_XFRM_EXT_ACK, on);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

void link_epoll(int fd, int epoll, const struct epoll_event *event)
{
	struct registration *slot = NULL;
	struct link *link;

	pthread_mutex_lock(&lock);
	link = find(fd);
	for (int i = 0; link && i < MOST_EPOLLS; i++)
		if (link->registrations[i].epoll == epoll)
			slot = &link->registrations[i];
	for (int i = 0; link && !slot && i < MOST_EPOLLS; i++)
		if (link->registrations[i].epoll == -1)
			slot = &link->registrations[i];
	if (slot && event)
		*slot = (struct registration){ .epoll = epoll, .event = *event };
	else if (slot && slot->epoll == epoll)
		slot->epoll = -1;
	pthread_mutex_unlock(&lock);
}
