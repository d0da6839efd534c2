// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

// Makes the directories above path that do not exist.
static int make_directory(const char *path, struct gw_error *err)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];

	snprintf(directory, sizeof(directory), "%s", path);
	for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		// Not through umask: a daemon started with a tight one would lock the group out.
		if (mkdir(directory, 0755) == 0)
			chmod(directory, 0755);
		else if (errno != EEXIST)
			return gw_error_set(err, errno, "cannot make the directory %s: %s",
				directory, strerror(errno));
		*slash = '/';
	}
	return 0;
}

// Makes way for a new socket: removes one that nobody listens on, refuses everything else.
static int remove_stale(const struct sockaddr_un *address, int type, struct gw_error *err)
{
	struct stat status;
	int fd, problem;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0
				       : gw_error_set(err, errno, "%s: %s", address->sun_path,
						 strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return gw_error_set(err, EEXIST,
			"%s exists and is not a socket: remove it, or name another path",
			address->sun_path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return gw_error_set(err, errno, "socket: %s", strerror(errno));
	problem = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	// EAGAIN: somebody listens, but is too busy to accept.
	if (problem == 0 || problem == EAGAIN)
		return gw_error_set(err, EADDRINUSE,
			"another daemon listens on %s: stop it, or give this one another path",
			address->sun_path);
	if (problem != ECONNREFUSED)
		return gw_error_set(err, problem, "cannot tell whether %s is in use: %s",
			address->sun_path, strerror(problem));
	if (unlink(address->sun_path) < 0)
		return gw_error_set(err, errno, "cannot remove the stale socket %s: %s",
			address->sun_path, strerror(errno));
	return 0;
}

static int find_group(const char *name, gid_t *group, struct gw_error *err)
{
	struct group *entry;

	*group = 0;
	if (!name[0])
		return 0;
	errno = 0;
	entry = getgrnam(name);
	if (!entry)
		return gw_error_set(err, ENOENT,
			"there is no group %s: make it (groupadd --system %s), or name another one "
			"in control.group",
			name, name);
	*group = entry->gr_gid;
	return 0;
}

// The file gets its mode in bind, through umask, and its group before listen: until then every
// connection is refused, so no stranger can slip in between.
static int bind_and_listen(struct gw_api_socket *made, const struct sockaddr_un *address,
	bool with_group, struct gw_error *err)
{
	mode_t previous = umask(0117);
	int rc = bind(made->fd, (const struct sockaddr *)address, sizeof(*address));
	int problem = errno;
	struct stat status;

	umask(previous);
	if (rc < 0)
		return gw_error_set(err, problem, "cannot make the socket %s: %s",
			address->sun_path, strerror(problem));
	if ((with_group && chown(address->sun_path, (uid_t)-1, made->group) < 0) ||
		listen(made->fd, BACKLOG) < 0 || lstat(address->sun_path, &status) < 0) {
		problem = errno;
		unlink(address->sun_path);
		return gw_error_set(err, problem, "cannot listen on %s: %s", address->sun_path,
			strerror(problem));
	}
	made->device = status.st_dev;
	made->inode = status.st_ino;
	return 0;
}

int gw_api_socket_open(struct gw_api_socket *made, int type, const char *path, const char *group,
	struct gw_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int rc;

	made->fd = -1;
	if (!path[0] || strlen(path) >= sizeof(address.sun_path))
		return gw_error_set(err, ENAMETOOLONG,
			"the control socket's path must have 1 to %zu bytes",
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	rc = find_group(group, &made->group, err);
	if (rc == 0)
		rc = make_directory(path, err);
	if (rc == 0)
		rc = remove_stale(&address, type, err);
	if (rc < 0)
		return rc;
	made->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made->fd < 0)
		return gw_error_set(err, errno, "socket: %s", strerror(errno));
	rc = bind_and_listen(made, &address, group[0] != '\0', err);
	if (rc < 0) {
		close(made->fd);
		made->fd = -1;
	}
	return rc;
}

void gw_api_socket_close(struct gw_api_socket *made, const char *path)
{
	struct stat status;

	if (made->fd < 0)
		return;
	if (lstat(path, &status) == 0 && status.st_dev == made->device &&
		status.st_ino == made->inode)
		unlink(path);
	close(made->fd);
	made->fd = -1;
}

// Supplementary groups of the peer, as they were when it connected.
static bool peer_in_group(int fd, gid_t group)
{
	socklen_t size = 0;
	bool found = false;
	gid_t *groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return false;
	groups = malloc(size);
	if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found |= groups[i] == group;
	free(groups);
	return found;
}

bool gw_api_peer_allowed(int fd, gid_t group)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	return group != 0 && (peer.gid == group || peer_in_group(fd, group));
}
