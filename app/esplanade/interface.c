// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Tunnel interfaces: each a TUN of the host whose other end is the SAs of one if_id. Workers see of
// an interface its number in routes and that it is up; packets of the host's own pass here.
//
// An interface exists from its addition until it is deleted or the gateway stops, whether there are
// SAs or not, so that routes and routing daemons may rely on it.

#include "esplanade/interface.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "esplanade/parts.h"
#include "ipsec/db.h"

// While there is no SA to tell: less than nearly all that may come leave of 1500 bytes.
#define FIRST_MTU 1400
#define LEAST_MTU 68 // RFC 791

#define FILES (2 * GW_MAX_INTERFACES) // that the process may open

struct gateway_interface *gateway_interface_find(const struct gateway *gateway, const char *name)
{
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		if (gateway->interfaces[i] && strcmp(gateway->interfaces[i]->spec.name, name) == 0)
			return gateway->interfaces[i];
	return NULL;
}

int gateway_link_index(void *ctx, const char *name)
{
	const struct gateway_interface *interface = gateway_interface_find(ctx, name);

	return interface ? gw_link_of_interface(interface->number) : gateway_port_index(ctx, name);
}

const char *gateway_link_name(void *ctx, uint16_t link)
{
	const struct gateway *gateway = ctx;
	uint16_t number = gw_interface_of_link(link);

	if (!number)
		return gateway_port_name(ctx, link);
	return number <= GW_MAX_INTERFACES && gateway->interfaces[number]
		       ? gateway->interfaces[number]->spec.name
		       : "?";
}

uint32_t gateway_interface_if_id(const struct gateway *gateway, uint16_t number)
{
	return number ? gw_ipsec_db_interfaces(gateway->ipsec)->if_ids[number] : 0;
}

static void packet_from_host(void *ctx, const uint8_t *data, size_t size)
{
	struct gateway_interface *interface = ctx;

	interface->from_host++;
	gateway_host_send(interface->gateway, interface->number, data, size);
}

int gateway_interface_write(struct gateway *gateway, uint16_t number, const void *data, size_t size)
{
	struct gateway_interface *interface = gateway->interfaces[number];
	int rc;

	if (!interface)
		return -ENODEV;
	rc = gw_tap_write(interface->tap, data, size);
	interface->to_host += rc == 0;
	return rc;
}

static int check_new(
	const struct gateway *gateway, const struct gw_interface_spec *spec, struct gw_error *err)
{
	if (gateway_link_index((void *)(uintptr_t)gateway, spec->name) >= 0)
		return gw_error_at(err, EEXIST, NULL, "name",
			"there is already a port or an interface \"%s\"", spec->name);
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		if (gateway->interfaces[i] && gateway->interfaces[i]->spec.if_id == spec->if_id)
			return gw_error_at(err, EEXIST, NULL, "if_id",
				"%u is that of the interface \"%s\" already", spec->if_id,
				gateway->interfaces[i]->spec.name);
	return 0;
}

// Relaxed: see ipsec/interface.h.
static void set_up(struct gateway *gateway, uint16_t number, bool up)
{
	atomic_store_explicit(&gateway->interface_states.up[number], up, memory_order_relaxed);
}

static void set_count(struct gateway *gateway)
{
	uint32_t count = 0;

	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		count += gateway->interfaces[i] != NULL;
	atomic_store_explicit(&gateway->interface_states.count, count, memory_order_relaxed);
}

void gateway_interface_admin(struct gateway *gateway, uint16_t number, bool up)
{
	if (!gateway->interfaces[number])
		return;
	gw_log_notice("interface %s: set %s by the administrator",
		gateway->interfaces[number]->spec.name, up ? "up" : "down");
	set_up(gateway, number, up);
}

static void forget(struct gateway_interface *interface)
{
	struct gateway *gateway = interface->gateway;

	set_up(gateway, interface->number, false);
	gateway->interfaces[interface->number] = NULL;
	set_count(gateway);
	gw_tap_free(interface->tap);
	gw_interface_put(gw_ipsec_db_interfaces(gateway->ipsec), interface->number);
	free(interface);
}

// Each interface is an open file, and there may be more than a service is given at first. What the
// system refuses to give shows when they run out.
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES)
		return;
	limit.rlim_cur = RTE_MIN((rlim_t)FILES, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

int gateway_interface_add(struct gateway *gateway, const struct gw_interface_spec *spec,
	enum gw_origin origin, struct gw_error *err)
{
	struct gateway_interface *interface;
	struct gw_tap_options options = {
		.name = spec->name,
		.tunnel = true,
		.mtu = FIRST_MTU,
		.events = gateway->events,
		.frame = packet_from_host,
	};
	int rc = check_new(gateway, spec, err);

	if (rc)
		return rc;
	raise_file_limit();
	interface = calloc(1, sizeof(*interface));
	if (!interface)
		return gw_error_set(err, ENOMEM, "no memory for an interface");
	rc = gw_interface_get(
		gw_ipsec_db_interfaces(gateway->ipsec), spec->if_id, &interface->number, err);
	if (rc) {
		free(interface);
		return rc;
	}
	interface->gateway = gateway;
	interface->spec = *spec;
	interface->origin = origin;
	interface->mtu = FIRST_MTU;
	gateway->interfaces[interface->number] = interface;
	options.ctx = interface;
	interface->tap = gw_tap_new(&options, err);
	rc = interface->tap ? gateway_host_mirror_interface(gateway, interface->number, err)
			    : -EINVAL;
	if (rc) {
		forget(interface);
		return rc;
	}
	set_count(gateway);
	set_up(gateway, interface->number, true);
	gateway->interface_mtu_stale = true;
	gw_log_notice("interface %s: if_id %u", spec->name, spec->if_id);
	return 0;
}

static int is_static_into(
	void *ctx, const struct gw_route_spec *spec, enum gw_route_origin origin, uint32_t)
{
	const struct gateway_interface *interface = ctx;

	return origin == GW_ROUTE_STATIC && strcmp(spec->port, interface->spec.name) == 0;
}

int gateway_interface_delete(struct gateway *gateway, const char *name, struct gw_error *err)
{
	struct gateway_interface *interface = gateway_interface_find(gateway, name);
	struct gw_error mirror = {};

	if (!interface)
		return gw_error_at(err, ENOENT, NULL, "name", "there is no interface \"%s\"", name);
	if (gw_route_each(gateway->routes, is_static_into, interface))
		return gw_error_at(err, EBUSY, NULL, "name",
			"static routes lead into \"%s\": delete them first", name);
	gw_log_notice("interface %s: deleted", name);
	// The kernel forgets its routes with the TUN, and the mirror needs the name to forget them.
	set_up(gateway, interface->number, false);
	gw_tap_free(interface->tap);
	interface->tap = NULL;
	if (gateway->netlink && gw_netlink_port_remove(gateway->netlink,
					gw_link_of_interface(interface->number), &mirror) != 0)
		gw_log_warning("interface %s: %s", name, mirror.text);
	forget(interface);
	return 0;
}

int gateway_interfaces_new(struct gateway *gateway, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;

	gateway->dataplane.interfaces = &gateway->interface_states;
	for (unsigned int i = 0; i < config->interface_count; i++) {
		int rc = gateway_interface_add(
			gateway, &config->interfaces[i], GW_ORIGIN_CONFIG, err);

		if (rc) {
			if (err->where[0])
				gw_error_within(err, "interfaces", (int)i);
			return rc;
		}
	}
	return 0;
}

void gateway_interfaces_free(struct gateway *gateway)
{
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++)
		if (gateway->interfaces[i])
			forget(gateway->interfaces[i]);
}

// The longest packets that the SAs of each interface take, so that Linux's own connections know.
static int note_mtu(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	uint16_t *mtus = ctx, mtu;

	if (!sa->interface || sa->direction != GW_DIRECTION_OUT)
		return 0;
	mtu = gw_sa_inner_mtu_now(sa);
	mtus[sa->interface] = RTE_MIN(mtus[sa->interface], RTE_MAX(mtu, (uint16_t)LEAST_MTU));
	return 0;
}

void gateway_interfaces_tick(struct gateway *gateway)
{
	uint16_t mtus[GW_MAX_INTERFACES + 1];

	if (!gateway->interface_mtu_stale)
		return;
	gateway->interface_mtu_stale = false;
	memset(mtus, 0xff, sizeof(mtus));
	gw_sa_each(gateway->ipsec, note_mtu, mtus);
	for (unsigned int i = 1; i <= GW_MAX_INTERFACES; i++) {
		struct gateway_interface *interface = gateway->interfaces[i];

		// Without SAs for a moment, it is likely what it was.
		if (!interface || mtus[i] == UINT16_MAX || mtus[i] == interface->mtu)
			continue;
		if (gw_tap_set_mtu(interface->tap, mtus[i]) != 0)
			gw_log_warning("interface %s: cannot set the MTU to %u",
				interface->spec.name, mtus[i]);
		interface->mtu = mtus[i];
	}
}
