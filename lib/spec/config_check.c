// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Whether the parts of a configuration fit together: what each part must be by itself was checked
// when it was read.

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "spec/config.h"
#include "spec/duplicate.h"
#include "stats/counters.h"

// A worker's vector, its cache of free buffers and what waits in queues between the threads, in
// packets.
#define WORKER_PACKETS 1024
#define HEADROOM       128 // of each buffer
// What a buffer costs beside its data room: the mbuf, its private area and the pool's own header.
#define BUFFER_OVERHEAD 320
// What the gateway needs beside buffers to start at all.
#define OTHER_MEMORY_MB 32
// Buffers for packets that were put together from fragments.
#define WHOLE_PACKETS  512
#define ETHERNET_BYTES 18 // header and a VLAN tag

static int refuse(struct gw_error *err, const char *list, unsigned int index, const char *member,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

static int refuse(struct gw_error *err, const char *list, unsigned int index, const char *member,
	const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;
	int ret;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ret = gw_error_at(err, EINVAL, NULL, member, "%s", text);
	gw_error_within(err, list, (int)index);
	return ret;
}

// The part of a device that EAL knows it by: of a PCI address without its usual domain, of a
// virtual device without its arguments.
static const char *device_key(const char *device, size_t *length)
{
	if (strncmp(device, "0000:", 5) == 0)
		device += 5;
	*length = strcspn(device, ",");
	return device;
}

static bool same_device(const char *a, const char *b)
{
	size_t a_length, b_length;

	a = device_key(a, &a_length);
	b = device_key(b, &b_length);
	return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

static int check_port_pair(const struct gw_config *config, unsigned int first, unsigned int second,
	struct gw_error *err)
{
	const struct gw_port_spec *a = &config->ports[first], *b = &config->ports[second];

	if (strcmp(a->name, b->name) == 0)
		return refuse(err, "ports", second, "name",
			"\"%s\" is the name of ports[%u] too; each port needs its own", b->name,
			first);
	if (same_device(a->device, b->device))
		return refuse(err, "ports", second, "device",
			"is the device of ports[%u] (\"%s\") too; each port needs its own", first,
			a->name);
	for (unsigned int i = 0; i < a->address_count; i++)
		for (unsigned int j = 0; j < b->address_count; j++)
			if (gw_addr_equal(&a->addresses[i].addr, &b->addresses[j].addr))
				return refuse(err, "ports", second, "addresses",
					"[%u] is an address of ports[%u] (\"%s\") too; each port "
					"needs its "
					"own",
					j, first, a->name);
	return 0;
}

static int check_ports(const struct gw_config *config, struct gw_error *err)
{
	if (config->port_count == 0)
		return gw_error_at(
			err, EINVAL, NULL, "ports", "is empty; a gateway needs one port at least");
	if (config->port_count > GW_MAX_PORTS)
		return gw_error_at(err, EINVAL, NULL, "ports",
			"has %u ports; at most %d can be used", config->port_count, GW_MAX_PORTS);
	for (unsigned int j = 1; j < config->port_count; j++) {
		for (unsigned int i = 0; i < j; i++) {
			int ret = check_port_pair(config, i, j, err);

			if (ret)
				return ret;
		}
	}
	return 0;
}

// One name space with the ports: Linux has all of them.
static int check_interface(const struct gw_config *config, unsigned int index, struct gw_error *err)
{
	const struct gw_interface_spec *spec = &config->interfaces[index];

	for (unsigned int i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].name, spec->name) == 0)
			return refuse(err, "interfaces", index, "name",
				"\"%s\" is the name of ports[%u] too; each interface needs its own",
				spec->name, i);
	for (unsigned int i = 0; i < index; i++) {
		const struct gw_interface_spec *other = &config->interfaces[i];

		if (strcmp(other->name, spec->name) == 0)
			return refuse(err, "interfaces", index, "name",
				"\"%s\" is the name of interfaces[%u] too; each interface needs "
				"its "
				"own",
				spec->name, i);
		if (other->if_id == spec->if_id)
			return refuse(err, "interfaces", index, "if_id",
				"%u is that of interfaces[%u] (\"%s\") too; each interface needs "
				"its own",
				spec->if_id, i, other->name);
	}
	return 0;
}

static int check_interfaces(const struct gw_config *config, struct gw_error *err)
{
	int ret = 0;

	if (config->interface_count > GW_MAX_INTERFACES)
		return gw_error_at(err, EINVAL, NULL, "interfaces",
			"has %u interfaces; there may be %d", config->interface_count,
			GW_MAX_INTERFACES);
	for (unsigned int i = 0; ret == 0 && i < config->interface_count; i++)
		ret = check_interface(config, i, err);
	return ret;
}

static int check_workers(const struct gw_config *config, struct gw_error *err)
{
	for (unsigned int j = 1; j < config->worker_count; j++) {
		for (unsigned int i = 0; i < j; i++) {
			if (config->worker_cpus[i] == config->worker_cpus[j])
				return gw_error_at(err, EINVAL, NULL, "workers.cpus",
					"names CPU %u twice; each worker needs its own",
					config->worker_cpus[j]);
		}
	}
	return 0;
}

uint64_t gw_config_least_buffers(const struct gw_config *config)
{
	uint64_t buffers = 0, segments = 1, room = config->buffer_bytes - HEADROOM;

	for (unsigned int i = 0; i < config->port_count; i++) {
		const struct gw_port_spec *port = &config->ports[i];
		uint64_t queues = port->rx_queues ? port->rx_queues : config->worker_count;
		uint64_t needed = (port->mtu + ETHERNET_BYTES + room - 1) / room;

		buffers += queues * port->rx_descriptors;
		buffers += (uint64_t)config->worker_count * port->tx_descriptors;
		if (needed > segments)
			segments = needed;
	}
	return buffers + config->worker_count * segments * WORKER_PACKETS;
}

static int check_memory(const struct gw_config *config, struct gw_error *err)
{
	uint64_t least = gw_config_least_buffers(config);
	uint64_t bytes = (uint64_t)config->buffers * (config->buffer_bytes + BUFFER_OVERHEAD);
	uint64_t whole = (uint64_t)WHOLE_PACKETS * config->reassembly_bytes;
	uint64_t least_mb = ((bytes + whole) >> 20) + 1 + OTHER_MEMORY_MB;

	if (config->buffers < least)
		return gw_error_at(err, EINVAL, NULL, "memory.buffers",
			"%" PRIu32 " buffers cannot fill all queues; %" PRIu64
			" is the least for these ports and workers, or make the queues shorter",
			config->buffers, least);
	if (config->memory_mb < least_mb)
		return gw_error_at(err, EINVAL, NULL, "memory.size_mb",
			"%" PRIu32 " MB cannot hold %" PRIu32 " buffers of %u bytes; %" PRIu64
			" is the least, or take fewer buffers",
			config->memory_mb, config->buffers, config->buffer_bytes, least_mb);
	return 0;
}

static int check_limit(const char *list, unsigned int count, const char *limit, uint32_t most,
	struct gw_error *err)
{
	if (count <= most)
		return 0;
	return gw_error_at(err, EINVAL, NULL, list,
		"has %u entries, but limits.%s is %" PRIu32 "; raise the limit or take some away",
		count, limit, most);
}

static int check_limits(const struct gw_config *config, struct gw_error *err)
{
	int ret = check_limit("sas", config->sa_count, "sas", config->max_sas, err);

	if (ret == 0)
		ret = check_limit(
			"policies", config->policy_count, "policies", config->max_policies, err);
	if (ret == 0)
		ret = check_limit("routes", config->route_count, "routes", config->max_routes, err);
	if (ret == 0)
		ret = check_limit("neighbours", config->neighbour_count, "neighbours",
			config->max_neighbours, err);
	return ret;
}

// A file is read again at each start. With an implicit IV the same key and the same numbers would
// meet again, which gives the plaintext away: so the file has to say where the numbers go on.
static int check_implicit_ivs(const struct gw_config *config, struct gw_error *err)
{
	for (unsigned int i = 0; i < config->sa_count; i++) {
		const struct gw_sa_spec *sa = &config->sas[i];

		if (sa->direction == GW_DIRECTION_OUT && sa->sequence == 0 &&
			gw_encryption_has_implicit_iv(sa->encryption))
			return refuse(err, "sas", i, "sequence",
				"is missing: %s takes its IVs from the sequence number (RFC 8750), "
				"so "
				"that a key must never start again; give the last number that was "
				"used with it, take an algorithm that sends its IVs, or leave the "
				"SA "
				"to key exchange",
				gw_encryptions[sa->encryption].name);
	}
	return 0;
}

static bool has_port(const struct gw_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].name, name) == 0)
			return true;
	return false;
}

static bool has_interface(const struct gw_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->interface_count; i++)
		if (strcmp(config->interfaces[i].name, name) == 0)
			return true;
	return false;
}

static int refuse_port(const struct gw_config *config, const char *list, unsigned int index,
	const char *name, struct gw_error *err)
{
	char names[200] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < config->port_count && used < sizeof(names); i++)
		used += snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			config->ports[i].name);
	return refuse(
		err, list, index, "port", "there is no port \"%s\"; the ports are %s", name, names);
}

static int check_references(const struct gw_config *config, struct gw_error *err)
{
	for (unsigned int i = 0; i < config->route_count; i++) {
		const char *port = config->routes[i].port;

		if (port[0] && !has_port(config, port) && !has_interface(config, port))
			return refuse_port(config, "routes", i, port, err);
	}
	for (unsigned int i = 0; i < config->neighbour_count; i++) {
		const char *port = config->neighbours[i].port;

		if (!has_port(config, port))
			return refuse_port(config, "neighbours", i, port, err);
	}
	return 0;
}

int gw_config_check(const struct gw_config *config, struct gw_error *err)
{
	int (*const checks[])(const struct gw_config *, struct gw_error *) = {
		check_ports,
		check_interfaces,
		check_workers,
		check_memory,
		check_limits,
		check_references,
		check_implicit_ivs,
		gw_config_check_duplicates,
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		ret = checks[i](config, err);
	return ret;
}
