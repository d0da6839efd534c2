// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Lets an unmodified program that drives the kernel's IPsec (an IKE daemon, `ip xfrm`) drive the
// gateway: its netlink sockets of the family NETLINK_XFRM, and nothing else, are connections to the
// gateway's daemon. Everything here has the C library's name and meaning.
//
// ESPLANADE_XFRM_SOCKET    where the daemon listens, if not at the usual place
// ESPLANADE_XFRM_PROGRAMS  names of programs, between spaces, in which this is to act; the others
//                          pass it on to their children. Without it: in this program, and not in
//                          its children.

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "xfrm-preload/libc.h"
#include "xfrm-preload/link.h"

#define EXPORT __attribute__((visibility("default")))

static bool acts;

static bool is_listed(const char *names, const char *name)
{
	size_t length = strlen(name);

	while (*names) {
		size_t word = strcspn(names, " ");

		if (word == length && strncmp(names, name, length) == 0)
			return true;
		names += word;
		names += strspn(names, " ");
	}
	return false;
}

// The library leaves LD_PRELOAD to the program's children as it was without it.
static void leave_environment(void)
{
	const char *list = getenv("LD_PRELOAD");
	char *rest, *next, *word;
	size_t used = 0;

	if (!list)
		return;
	next = strdup(list);
	rest = calloc(1, strlen(list) + 1);
	for (char *cursor = next; next && rest && (word = strsep(&cursor, " :"));) {
		if (!word[0] || strstr(word, "esplanade-xfrm"))
			continue;
		if (used)
			rest[used++] = ':';
		memcpy(rest + used, word, strlen(word));
		used += strlen(word);
	}
	if (used)
		setenv("LD_PRELOAD", rest, 1);
	else
		unsetenv("LD_PRELOAD");
	free(next);
	free(rest);
}

__attribute__((constructor)) static void begin(void)
{
	const char *programs = getenv("ESPLANADE_XFRM_PROGRAMS");

	acts = !programs || is_listed(programs, program_invocation_short_name);
	if (acts)
		leave_environment();
}

EXPORT int socket(int domain, int type, int protocol)
{
	if (acts && domain == AF_NETLINK && protocol == NETLINK_XFRM)
		return link_open(type & (SOCK_CLOEXEC | SOCK_NONBLOCK));
	return real()->socket(domain, type, protocol);
}

EXPORT int close(int fd)
{
	if (link_is(fd))
		link_close(fd);
	return real()->close(fd);
}

EXPORT int dup(int fd)
{
	int copy = real()->dup(fd);

	if (link_is(fd))
		link_copy(fd, copy);
	return copy;
}

EXPORT int dup2(int fd, int copy)
{
	if (fd != copy && link_is(copy))
		link_close(copy);
	copy = real()->dup2(fd, copy);
	if (link_is(fd))
		link_copy(fd, copy);
	return copy;
}

EXPORT int dup3(int fd, int copy, int flags)
{
	if (fd != copy && link_is(copy))
		link_close(copy);
	copy = real()->dup3(fd, copy, flags);
	if (link_is(fd))
		link_copy(fd, copy);
	return copy;
}

EXPORT int fcntl(int fd, int command, ...)
{
	va_list arguments;
	void *argument;
	int result;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	result = real()->fcntl(fd, command, argument);
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && link_is(fd))
		link_copy(fd, result);
	return result;
}

EXPORT int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_nl *netlink = (const struct sockaddr_nl *)address;

	if (!link_is(fd))
		return real()->bind(fd, address, size);
	if (size < sizeof(*netlink) || netlink->nl_family != AF_NETLINK) {
		errno = EINVAL;
		return -1;
	}
	for (uint32_t group = 1; group < 32; group++)
		if (netlink->nl_groups >> (group - 1) & 1 && link_join(fd, group, true) != 0)
			return -1;
	return 0;
}

EXPORT int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return link_is(fd) ? 0 : real()->connect(fd, address, size);
}

static void write_address(struct sockaddr *address, socklen_t *size, uint32_t port, uint32_t groups)
{
	struct sockaddr_nl netlink = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups >> 1
	};

	if (!address || !size)
		return;
	memcpy(address, &netlink, *size < sizeof(netlink) ? *size : sizeof(netlink));
	*size = sizeof(netlink);
}

EXPORT int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	if (!link_is(fd))
		return real()->getsockname(fd, address, size);
	write_address(address, size, link_port(fd), link_groups(fd));
	return 0;
}

// An IKE daemon's sockets are to pass the kernel's policies. Where nothing has ever opened the
// kernel's own XFRM, it has neither policies nor the module that takes this request: EINVAL.
static int set_other_option(int fd, int level, int option, const void *value, socklen_t size)
{
	int result = real()->setsockopt(fd, level, option, value, size);
	bool bypass = (level == IPPROTO_IP && option == IP_XFRM_POLICY) ||
		      (level == IPPROTO_IPV6 && option == IPV6_XFRM_POLICY);

	return result != 0 && errno == EINVAL && acts && bypass &&
			       size >= sizeof(struct xfrm_userpolicy_info)
		       ? 0
		       : result;
}

EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	int number = 0;

	if (!link_is(fd) || level != SOL_NETLINK)
		return set_other_option(fd, level, option, value, size);
	if (size >= sizeof(number))
		memcpy(&number, value, sizeof(number));
	switch (option) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		return link_join(fd, (uint32_t)number, option == NETLINK_ADD_MEMBERSHIP);
	case NETLINK_EXT_ACK:
		return link_ext_ack(fd, number);
	default:
		return 0; // the rest are hints, or is so already (NETLINK_CAP_ACK)
	}
}

EXPORT int getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	if (!link_is(fd) || level != SOL_NETLINK)
		return real()->getsockopt(fd, level, option, value, size);
	errno = ENOPROTOOPT;
	return -1;
}

// Whether a call that sent, with this result, is to be made again.
static bool send_again(int fd, ssize_t result)
{
	if (result >= 0 || (errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN))
		return false;
	if (link_broken(fd, true))
		return true;
	errno = ECONNREFUSED;
	return false;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr bare;
	ssize_t sent;

	if (!link_is(fd))
		return real()->sendmsg(fd, message, flags);
	bare = *message;
	bare.msg_name = NULL;
	bare.msg_namelen = 0;
	do
		sent = real()->sendmsg(fd, &bare, flags | MSG_NOSIGNAL);
	while (send_again(fd, sent));
	return sent;
}

static ssize_t send_one(int fd, const void *data, size_t size, int flags)
{
	struct iovec piece = { (void *)(uintptr_t)data, size };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	return sendmsg(fd, &message, flags);
}

EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	if (!link_is(fd))
		return real()->sendto(fd, data, size, flags, address, address_size);
	return send_one(fd, data, size, flags);
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
	return link_is(fd) ? send_one(fd, data, size, flags) : real()->send(fd, data, size, flags);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	return link_is(fd) ? send_one(fd, data, size, 0) : real()->write(fd, data, size);
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)pieces,
		.msg_iovlen = (size_t)count };

	return link_is(fd) ? sendmsg(fd, &message, 0) : real()->writev(fd, pieces, count);
}

// Where events were lost a netlink socket says ENOBUFS, once, in place of a datagram.
static bool is_overrun(const struct msghdr *message, ssize_t size)
{
	struct nlmsghdr header;

	if (size < (ssize_t)sizeof(header) || message->msg_iovlen == 0 ||
		message->msg_iov[0].iov_len < sizeof(header))
		return false;
	memcpy(&header, message->msg_iov[0].iov_base, sizeof(header));
	return header.nlmsg_type == NLMSG_OVERRUN;
}

static ssize_t tell_overrun(int fd, int flags)
{
	struct msghdr nothing = {};

	if (flags & MSG_PEEK)
		real()->recvmsg(fd, &nothing, MSG_DONTWAIT);
	errno = ENOBUFS;
	return -1;
}

// The end of a connection is none of a netlink socket: it says that nothing is there, and what was
// asked for is lost. Whoever waits, waits on.
static ssize_t receive(int fd, struct msghdr *message, int flags)
{
	ssize_t size = real()->recvmsg(fd, message, flags);

	if (is_overrun(message, size))
		return tell_overrun(fd, flags);
	if (size > 0 || (size < 0 && errno != ECONNRESET && errno != EPIPE))
		return size;
	link_broken(fd, false);
	errno = fcntl(fd, F_GETFL) & O_NONBLOCK || flags & MSG_DONTWAIT ? EAGAIN : ECONNRESET;
	return -1;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct msghdr bare;
	ssize_t size;

	if (!link_is(fd))
		return real()->recvmsg(fd, message, flags);
	bare = *message;
	bare.msg_name = NULL;
	bare.msg_namelen = 0;
	size = receive(fd, &bare, flags);
	if (size < 0)
		return size;
	if (message->msg_name)
		write_address(message->msg_name, &message->msg_namelen, 0, 0);
	message->msg_controllen = 0;
	message->msg_flags = bare.msg_flags;
	return size;
}

EXPORT ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address,
	socklen_t *address_size)
{
	struct iovec piece = { data, size };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t received;

	if (!link_is(fd))
		return real()->recvfrom(fd, data, size, flags, address, address_size);
	received = receive(fd, &message, flags);
	if (received >= 0)
		write_address(address, address_size, 0, 0);
	return received;
}

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
	return link_is(fd) ? recvfrom(fd, data, size, flags, NULL, NULL)
			   : real()->recv(fd, data, size, flags);
}

EXPORT ssize_t read(int fd, void *data, size_t size)
{
	return link_is(fd) ? recvfrom(fd, data, size, 0, NULL, NULL) : real()->read(fd, data, size);
}

// What programs that were built with _FORTIFY_SOURCE call in place of these.
EXPORT ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);
EXPORT ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags)
{
	if (size > room)
		abort();
	return recv(fd, data, size, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
	struct sockaddr *address, socklen_t *address_size);
EXPORT ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
	struct sockaddr *address, socklen_t *address_size)
{
	if (size > room)
		abort();
	return recvfrom(fd, data, size, flags, address, address_size);
}

EXPORT ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
EXPORT ssize_t __read_chk(int fd, void *data, size_t size, size_t room)
{
	if (size > room)
		abort();
	return read(fd, data, size);
}

EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int result = real()->epoll_ctl(epoll, operation, fd, event);

	if (result == 0 && link_is(fd))
		link_epoll(fd, epoll, operation == EPOLL_CTL_DEL ? NULL : event);
	return result;
}
