// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm-preload/libc.h"

#include <dlfcn.h>
#include <pthread.h>

static struct real functions;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
#define FIND(name) functions.name = (typeof(functions.name))dlsym(RTLD_NEXT, #name)
	FIND(socket);
	FIND(close);
	FIND(dup);
	FIND(dup2);
	FIND(dup3);
	FIND(fcntl);
	FIND(bind);
	FIND(connect);
	FIND(getsockname);
	FIND(setsockopt);
	FIND(getsockopt);
	FIND(send);
	FIND(sendto);
	FIND(sendmsg);
	FIND(write);
	FIND(writev);
	FIND(recv);
	FIND(recvfrom);
	FIND(recvmsg);
	FIND(read);
	FIND(epoll_ctl);
#undef FIND
}

const struct real *real(void)
{
	pthread_once(&once, find);
	return &functions;
}
