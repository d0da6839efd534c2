// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What of the configuration is fixed while the gateway runs.

#include <errno.h>
#include <string.h>

#include "esplanade/reload.h"

struct fixed {
	const char *name;
	size_t offset;
	size_t bytes; // 0: text, ending at a zero
};

#define NUMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define TEXT(type, member)   offsetof(type, member), 0

static const struct fixed fixed_parts[] = {
	{ "control.socket", TEXT(struct gw_config, socket_path) },
	{ "control.xfrm_socket", TEXT(struct gw_config, xfrm_path) },
	{ "control.vici_socket", TEXT(struct gw_config, vici_path) },
	{ "control.group", TEXT(struct gw_config, socket_group) },
	{ "memory.huge", NUMBER(struct gw_config, huge) },
	{ "memory.size_mb", NUMBER(struct gw_config, memory_mb) },
	{ "memory.buffers", NUMBER(struct gw_config, buffers) },
	{ "memory.buffer_bytes", NUMBER(struct gw_config, buffer_bytes) },
	{ "workers.cpus", NUMBER(struct gw_config, worker_count) },
	{ "workers.control_cpu", NUMBER(struct gw_config, control_cpu) },
	{ "workers.idle", NUMBER(struct gw_config, idle) },
	{ "hardening.lock_memory", NUMBER(struct gw_config, lock_memory) },
	{ "hardening.drop_capabilities", NUMBER(struct gw_config, drop_capabilities) },
	{ "hardening.filter_syscalls", NUMBER(struct gw_config, filter_syscalls) },
	{ "workers.spread", NUMBER(struct gw_config, spread) },
	{ "crypto.code", NUMBER(struct gw_config, crypto_code) },
	{ "limits.sas", NUMBER(struct gw_config, max_sas) },
	{ "limits.policies", NUMBER(struct gw_config, max_policies) },
	{ "limits.routes", NUMBER(struct gw_config, max_routes) },
	{ "limits.neighbours", NUMBER(struct gw_config, max_neighbours) },
	{ "limits.neighbour_queue", NUMBER(struct gw_config, neighbour_queue) },
	{ "limits.sa_queue", NUMBER(struct gw_config, sa_queue) },
	{ "limits.sa_queue_seconds", NUMBER(struct gw_config, sa_queue_seconds) },
	{ "limits.spi_hold_seconds", NUMBER(struct gw_config, spi_hold_seconds) },
	{ "limits.acquire_seconds", NUMBER(struct gw_config, acquire_seconds) },
	{ "limits.punt_pps", NUMBER(struct gw_config, punt_pps) },
	{ "limits.icmp_pps", NUMBER(struct gw_config, icmp_pps) },
	{ "limits.flow_cache", NUMBER(struct gw_config, flow_cache) },
	{ "limits.reassembly_bytes", NUMBER(struct gw_config, reassembly_bytes) },
	{ "limits.reassembly_seconds", NUMBER(struct gw_config, reassembly_seconds) },
	{ "limits.fragment_flows", NUMBER(struct gw_config, fragment_flows) },
	{ "limits.fragment_seconds", NUMBER(struct gw_config, fragment_seconds) },
	{ "fragments", NUMBER(struct gw_config, fragments) },
	{ "path_mtu.learn", NUMBER(struct gw_config, path_mtu_learn) },
	{ "check_icmp_quotes", NUMBER(struct gw_config, check_icmp_quotes) },
	{ "tcp_encapsulation.listen", NUMBER(struct gw_config, tcp_listen) },
	{ "builtin_policies", NUMBER(struct gw_config, builtin_policies) },
	{ "eal", NUMBER(struct gw_config, eal_argument_count) },
};

static const struct fixed fixed_port_parts[] = {
	{ "name", TEXT(struct gw_port_spec, name) },
	{ "device", TEXT(struct gw_port_spec, device) },
	{ "side", NUMBER(struct gw_port_spec, side) },
	{ "mtu", NUMBER(struct gw_port_spec, mtu) },
	{ "rx_queues", NUMBER(struct gw_port_spec, rx_queues) },
	{ "rx_descriptors", NUMBER(struct gw_port_spec, rx_descriptors) },
	{ "tx_descriptors", NUMBER(struct gw_port_spec, tx_descriptors) },
	{ "rss", NUMBER(struct gw_port_spec, rss) },
	{ "mac", NUMBER(struct gw_port_spec, has_mac) },
	{ "mac", NUMBER(struct gw_port_spec, mac) },
	{ "tap", NUMBER(struct gw_port_spec, tap) },
};

static bool differs(const struct fixed *part, const void *old, const void *fresh)
{
	const char *a = (const char *)old + part->offset, *b = (const char *)fresh + part->offset;

	return part->bytes ? memcmp(a, b, part->bytes) != 0 : strcmp(a, b) != 0;
}

static int refuse(struct gw_error *err, const char *name)
{
	return gw_error_at(err, EBUSY, NULL, name,
		"needs a restart to change: restart the gateway, or take the change back");
}

static int ports_allowed(
	const struct gw_config *old, const struct gw_config *fresh, struct gw_error *err)
{
	if (old->port_count != fresh->port_count)
		return refuse(err, "ports");
	for (unsigned int p = 0; p < old->port_count; p++) {
		for (size_t i = 0; i < RTE_DIM(fixed_port_parts); i++) {
			if (!differs(&fixed_port_parts[i], &old->ports[p], &fresh->ports[p]))
				continue;
			refuse(err, fixed_port_parts[i].name);
			gw_error_within(err, "ports", (int)p);
			return -EBUSY;
		}
	}
	return 0;
}

int gateway_reload_allowed(
	const struct gw_config *old, const struct gw_config *fresh, struct gw_error *err)
{
	for (size_t i = 0; i < RTE_DIM(fixed_parts); i++)
		if (differs(&fixed_parts[i], old, fresh))
			return refuse(err, fixed_parts[i].name);
	for (unsigned int i = 0; i < old->worker_count; i++)
		if (old->worker_cpus[i] != fresh->worker_cpus[i])
			return refuse(err, "workers.cpus");
	for (unsigned int i = 0; i < old->eal_argument_count; i++)
		if (strcmp(old->eal_arguments[i], fresh->eal_arguments[i]) != 0)
			return refuse(err, "eal");
	return ports_allowed(old, fresh, err);
}
