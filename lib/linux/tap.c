// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "linux/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <linux/if_tun.h>

#include "base/log.h"

#define CLONE_DEVICE "/dev/net/tun"
#define ETHER_BYTES  14
// Frames taken in one go, so that a host that floods one port does not starve the others.
#define FRAMES_EACH 64

struct gw_tap {
	char name[IFNAMSIZ];
	int fd;
	int index;
	size_t frame_max;
	struct event *readable;
	void (*frame)(void *ctx, const uint8_t *data, size_t size);
	void *ctx;
	bool told_too_long; // the log has said it once
	uint8_t buffer[];   // frame_max + 1 bytes: one more shows that a frame was longer
};

static void too_long(struct gw_tap *tap)
{
	if (!tap->told_too_long)
		gw_log_warning("%s: the host sends frames longer than %zu bytes, which are "
			       "dropped; set the interface's MTU to %zu again",
			tap->name, tap->frame_max, tap->frame_max - ETHER_BYTES);
	tap->told_too_long = true;
}

static void on_readable(evutil_socket_t, short, void *ctx)
{
	struct gw_tap *tap = ctx;

	for (unsigned int i = 0; i < FRAMES_EACH; i++) {
		ssize_t size = read(tap->fd, tap->buffer, tap->frame_max + 1);

		if (size < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			// Somebody deleted the interface: nothing will ever come out of it again.
			gw_log_error("%s: cannot read from the host any more: %s", tap->name,
				strerror(errno));
			event_del(tap->readable);
			return;
		}
		if ((size_t)size > tap->frame_max)
			too_long(tap);
		else
			tap->frame(tap->ctx, tap->buffer, (size_t)size);
	}
}

static int create(struct gw_tap *tap, bool tunnel, struct gw_error *err)
{
	struct ifreq request = {
		.ifr_flags = (short)((tunnel ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_TUN_EXCL),
	};

	tap->fd = open(CLONE_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0)
		return gw_error_set(err, errno,
			"cannot open " CLONE_DEVICE ": %s; TAPs need the tun driver, or set tap = "
			"false on the ports",
			strerror(errno));
	memcpy(request.ifr_name, tap->name, sizeof(request.ifr_name));
	if (ioctl(tap->fd, TUNSETIFF, &request) == 0)
		return 0;
	if (errno == EBUSY || errno == EEXIST)
		return gw_error_set(err, EEXIST,
			"there is already an interface %s; remove it, or give the port another "
			"name",
			tap->name);
	if (errno == EPERM)
		return gw_error_set(err, EPERM,
			"not allowed to make the TAP %s; it needs CAP_NET_ADMIN", tap->name);
	return gw_error_set(err, errno, "cannot make the TAP %s: %s", tap->name, strerror(errno));
}

static int ask(int control, unsigned long what, struct ifreq *request, const char *deed,
	struct gw_error *err)
{
	if (ioctl(control, what, request) == 0)
		return 0;
	return gw_error_set(err, errno, "cannot %s of the TAP %s: %s", deed, request->ifr_name,
		strerror(errno));
}

// MAC address before up, because the kernel makes its link-local IPv6 address from it.
static int set_up(struct gw_tap *tap, const struct gw_tap_options *options, struct gw_error *err)
{
	struct ifreq request = {};
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (control < 0)
		return gw_error_set(err, errno, "no socket: %s", strerror(errno));
	memcpy(request.ifr_name, tap->name, sizeof(request.ifr_name));
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, options->mac, sizeof(options->mac));
	rc = options->tunnel ? 0
			     : ask(control, SIOCSIFHWADDR, &request, "set the MAC address", err);
	if (!rc) {
		request.ifr_mtu = options->mtu;
		rc = ask(control, SIOCSIFMTU, &request, "set the MTU", err);
	}
	if (!rc)
		rc = ask(control, SIOCGIFINDEX, &request, "get the index", err);
	if (!rc) {
		tap->index = request.ifr_ifindex;
		rc = ask(control, SIOCGIFFLAGS, &request, "get the flags", err);
	}
	if (!rc) {
		request.ifr_flags |= IFF_UP;
		rc = ask(control, SIOCSIFFLAGS, &request, "set the flags", err);
	}
	close(control);
	return rc;
}

struct gw_tap *gw_tap_new(const struct gw_tap_options *options, struct gw_error *err)
{
	// The MTU of a tunnel changes.
	size_t frame_max = options->tunnel ? UINT16_MAX : (size_t)options->mtu + ETHER_BYTES;
	struct gw_tap *tap;

	if (strlen(options->name) >= IFNAMSIZ || !options->name[0]) {
		gw_error_set(err, EINVAL, "\"%s\" is no interface name; it has 1 to %d bytes",
			options->name, IFNAMSIZ - 1);
		return NULL;
	}
	tap = calloc(1, sizeof(*tap) + frame_max + 1);
	if (!tap) {
		gw_error_set(err, ENOMEM, "no memory for a TAP");
		return NULL;
	}
	strcpy(tap->name, options->name);
	tap->fd = -1;
	tap->frame_max = frame_max;
	tap->frame = options->frame;
	tap->ctx = options->ctx;
	if (create(tap, options->tunnel, err) != 0 || set_up(tap, options, err) != 0)
		goto fail;
	tap->readable = event_new(options->events, tap->fd, EV_READ | EV_PERSIST, on_readable, tap);
	if (tap->readable && event_add(tap->readable, NULL) == 0)
		return tap;
	gw_error_set(err, ENOMEM, "the event loop does not take the TAP %s", tap->name);
fail:
	gw_tap_free(tap);
	return NULL;
}

void gw_tap_free(struct gw_tap *tap)
{
	if (!tap)
		return;
	if (tap->readable)
		event_free(tap->readable);
	if (tap->fd >= 0)
		close(tap->fd);
	free(tap);
}

int gw_tap_write(struct gw_tap *tap, const uint8_t *data, size_t size)
{
	ssize_t written;

	do
		written = write(tap->fd, data, size);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : 0;
}

int gw_tap_carrier(struct gw_tap *tap, bool up)
{
	int carrier = up;

	return ioctl(tap->fd, TUNSETCARRIER, &carrier) < 0 ? -errno : 0;
}

int gw_tap_set_mtu(struct gw_tap *tap, uint16_t mtu)
{
	struct ifreq request = { .ifr_mtu = mtu };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (control < 0)
		return -errno;
	memcpy(request.ifr_name, tap->name, sizeof(request.ifr_name));
	if (ioctl(control, SIOCSIFMTU, &request) < 0)
		rc = -errno;
	close(control);
	return rc;
}

int gw_tap_index(const struct gw_tap *tap)
{
	return tap->index;
}
