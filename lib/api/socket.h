// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

// The file side of a socket for control: making it without a moment at which a stranger could use
// it, and asking who is at the other end.

struct gw_api_socket {
	int fd;       // listening, non-blocking
	gid_t group;  // whose members may connect; 0: root's alone
	dev_t device; // of the file, to recognise it when it is removed
	ino_t inode;
};

// type: SOCK_STREAM or SOCK_SEQPACKET. 0 or a negative errno with err filled; then nothing is left
// behind but the directory.
int gw_api_socket_open(struct gw_api_socket *made, int type, const char *path, const char *group,
	struct gw_error *err);
// Removes the file, unless another one has taken its place, and closes.
void gw_api_socket_close(struct gw_api_socket *made, const char *path);

// Whether the peer of a connection is root, the daemon's own user or a member of group.
bool gw_api_peer_allowed(int fd, gid_t group);
