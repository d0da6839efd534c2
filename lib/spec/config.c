// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The whole configuration: its sections and lists. config_check.c tells whether the parts fit
// together.

#include "spec/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec/config_lists.h"
#include "spec/reading.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST_CPU     1023 // as many as Linux's cpu_set_t holds

#define FLOW_CACHE_LEAST 65536u
#define FLOW_CACHE_MOST  524288u

#define OFFSET(member) offsetof(struct gw_config, member)

static const char *const log_words[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const fragments_words[] = { "stateful", "refuse", NULL };
static const char *const spread_words[] = { "auto", "never", "always", NULL };
static const char *const code_words[] = { "measured", "vaes", "avx512", "avx2", "avx", "sse",
	NULL };
static const char *const idle_words[] = { "sleep", "pause", "poll", NULL };

static int read_log_level(json_t *value, const char *name, void *target, struct gw_error *err)
{
	int choice, ret;

	ret = gw_read_word(value, name, log_words, &choice, err);
	if (ret == 0)
		strcpy(target, log_words[choice]); // the longest word is shorter than log_level
	return ret;
}

static const struct gw_field log_fields[] = {
	{ "level", read_log_level, OFFSET(log_level), false, "The least important messages to log.",
		.standard = "\"info\"",
		.type = "\"error\", \"warning\", \"notice\", \"info\" or \"debug\"" },
};
static const struct gw_field_table log_table = { "The log.", log_fields, COUNT(log_fields) };

static int read_socket_path(json_t *value, const char *name, void *target, struct gw_error *err)
{
	char *path = target;
	int ret =
		gw_read_text(value, name, path, sizeof(((struct gw_config *)0)->socket_path), err);

	if (ret == 0 && !path[0])
		return gw_value_wrong(value, name, err,
			"the path of a socket such as \"/run/esplanade/control.sock\"");
	return ret;
}

static const struct gw_field control_fields[] = {
	{ "xfrm_socket", NULL, OFFSET(xfrm_path), false,
		"Where IKE daemons and `ip xfrm` find the gateway in place of the kernel, through "
		"the "
		"preload library; empty: nowhere.",
		.standard = "\"\"", .text_size = sizeof(((struct gw_config *)0)->xfrm_path) },
	{ "xfrm_grace_seconds", gw_read_u32, OFFSET(xfrm_grace_seconds), false,
		"How long the SAs and policies of an IKE daemon stay in force after it has gone "
		"without taking them away.",
		.standard = "300", .least = 0, .most = 604800 },
	{ "vici_socket", NULL, OFFSET(vici_path), false,
		"Where strongSwan's charon tells what its CHILD_SAs are called, which `espctl sa "
		"list` and `espctl sa get` then say; empty: nowhere. Without `xfrm_socket`, and "
		"where nobody listens, it means nothing.",
		.standard = "\"/run/charon.vici\"",
		.text_size = sizeof(((struct gw_config *)0)->vici_path) },
	{ "socket", read_socket_path, OFFSET(socket_path), false, "Where the control socket is.",
		.standard = "\"/run/esplanade/control.sock\"",
		.type = "text of at most 107 characters" },
	{ "group", NULL, OFFSET(socket_group), false,
		"The group whose members may use it; without one, only root may.",
		.standard = "\"\"", .text_size = GW_NAME_SIZE },
};
static const struct gw_field_table control_table = { "The control socket.", control_fields,
	COUNT(control_fields) };

static const struct gw_field memory_fields[] = {
	{ "huge", gw_read_bool, OFFSET(huge), false,
		"Whether memory comes from hugepages; without them everything works, more slowly.",
		.standard = "true" },
	{ "size_mb", gw_read_u32, OFFSET(memory_mb), false,
		"Megabytes for packets, SAs and tables.", .standard = "1024", .least = 64,
		.most = 1048576 },
	{ "buffers", gw_read_u32, OFFSET(buffers), false, "Packet buffers in all.",
		.standard = "32768", .least = 1024, .most = 16777216 },
	{ "buffer_bytes", gw_read_u16, OFFSET(buffer_bytes), false,
		"Bytes of each buffer, of which 128 are headroom; a longer packet takes several.",
		.standard = "2176", .least = 1152, .most = 16512 },
};
static const struct gw_field_table memory_table = { "Memory.", memory_fields,
	COUNT(memory_fields) };

static const struct gw_field hardening_fields[] = {
	{ "lock_memory", gw_read_bool, OFFSET(lock_memory), false,
		"Whether memory that is in use, keys among it, is never swapped out, where the "
		"process may lock memory.",
		.standard = "true" },
	{ "drop_capabilities", gw_read_bool, OFFSET(drop_capabilities), false,
		"Whether the process gives up, before it starts, those of its capabilities that it "
		"does not need.",
		.standard = "true" },
	{ "filter_syscalls", gw_read_bool, OFFSET(filter_syscalls), false,
		"Whether system calls fail, once everything has started, that execute programs, "
		"start processes, look into others, mount, load modules, or change user or "
		"namespace.",
		.standard = "true" },
};
static const struct gw_field_table hardening_table = { "What the process gives up.",
	hardening_fields, COUNT(hardening_fields) };

// The target is the whole configuration.
static int read_cpus(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_config *config = target;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count == 0 || count > GW_MAX_CPUS)
		return gw_value_wrong(value, name, err,
			"a list of 1 to %d CPU numbers such as [1, 2]", GW_MAX_CPUS);
	for (size_t i = 0; i < count; i++) {
		uint64_t cpu;
		int ret = gw_read_number(json_array_get(value, i), NULL, 0, MOST_CPU, &cpu, err);

		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
		config->worker_cpus[i] = (uint16_t)cpu;
	}
	config->worker_count = (unsigned int)count;
	return 0;
}

static const struct gw_field worker_fields[] = {
	{ "cpus", read_cpus, 0, false, "One worker runs on each of these CPUs.", .standard = "[1]",
		.type = "a list of 1 to 64 CPU numbers" },
	{ "control_cpu", gw_read_u16, OFFSET(control_cpu), false,
		"The CPU of the control core, which sleeps most of the time; it may be a worker's.",
		.standard = "0", .least = 0, .most = MOST_CPU },
	{ "idle", NULL, OFFSET(idle), false,
		"What a worker without packets does: `sleep` gives the CPU away, `pause` spares "
		"power "
		"but keeps it, `poll` has the least latency.",
		.standard = "\"sleep\"", .words = idle_words },
	{ "spread", NULL, OFFSET(spread), false,
		"Whether workers work on inbound ESP packets that another one received, so that "
		"one SA may use all of them: `auto` when that one is overloaded and they are not, "
		"`never`, or `always`, to try it. It pays where cryptography is most of the work, "
		"as with AES-CBC and HMAC, and costs where it is not, as with AES-GCM on a CPU "
		"with VAES. SAs whose replay window is smaller than 1024 packets stay with their "
		"worker.",
		.standard = "\"never\"", .words = spread_words },
};
static const struct gw_field_table worker_table = { "The threads that move packets.", worker_fields,
	COUNT(worker_fields) };

static const struct gw_field crypto_fields[] = {
	{ "code", NULL, OFFSET(crypto_code), false,
		"Which code computes cryptography: `measured` takes what is fastest on this CPU "
		"for "
		"each algorithm, direction and length, found out at start; `vaes` is AES-GCM of "
		"our own, "
		"the others are IPsec-MB's code paths. Algorithms that the code named here does "
		"not "
		"have are measured. A CPU that lacks it is an error.",
		.standard = "\"measured\"", .words = code_words },
};
static const struct gw_field_table crypto_table = { "Cryptography.", crypto_fields,
	COUNT(crypto_fields) };

static int read_power_of_two(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint32_t *entries = target;
	int ret = gw_read_u32(value, name, entries, err);

	if (ret == 0 && (*entries & (*entries - 1)))
		return gw_value_wrong(value, name, err, "a power of two such as 65536");
	return ret;
}

// A flow's place is the only one that it may have: with as many places as flows, a third of them
// lose theirs to another.
static uint32_t flow_cache_for(uint32_t policies)
{
	uint32_t entries = FLOW_CACHE_LEAST;

	while (entries < FLOW_CACHE_MOST && entries / 4 < policies)
		entries *= 2;
	return entries;
}

static const struct gw_field limit_fields[] = {
	{ "sas", gw_read_u32, OFFSET(max_sas), false, "SAs at once.", .standard = "16384",
		.least = 1, .most = 2097152 },
	{ "policies", gw_read_u32, OFFSET(max_policies), false, "Policies at once.",
		.standard = "16384", .least = 1, .most = 1048576 },
	{ "routes", gw_read_u32, OFFSET(max_routes), false,
		"Routes at once, those of Linux included.", .standard = "65536", .least = 1,
		.most = 4194304 },
	{ "neighbours", gw_read_u32, OFFSET(max_neighbours), false,
		"Neighbours at once, those of Linux included.", .standard = "8192", .least = 1,
		.most = 1048576 },
	{ "neighbour_queue", gw_read_u32, OFFSET(neighbour_queue), false,
		"Packets that wait for the MAC address of one neighbour.", .standard = "64",
		.least = 1, .most = 4096 },
	{ "sa_queue", gw_read_u32, OFFSET(sa_queue), false,
		"Packets that wait for one SA that was asked for; 0: they are dropped.",
		.standard = "0", .least = 0, .most = 4096 },
	{ "sa_queue_seconds", gw_read_u32, OFFSET(sa_queue_seconds), false, "How long they wait.",
		.standard = "3", .least = 1, .most = 60 },
	{ "spi_hold_seconds", gw_read_u32, OFFSET(spi_hold_seconds), false,
		"How long an SPI that was allocated waits for its SA: as long as IKE daemons take "
		"at most.",
		.standard = "165", .least = 1, .most = 3600 },
	{ "acquire_seconds", gw_read_u32, OFFSET(acquire_seconds), false,
		"How long after an acquire event packets that want the same SA raise no other.",
		.standard = "10", .least = 1, .most = 3600 },
	{ "punt_pps", gw_read_u32, OFFSET(punt_pps), false,
		"Packets a second from one port to Linux.", .standard = "10000", .least = 1,
		.most = 10000000 },
	{ "icmp_pps", gw_read_u32, OFFSET(icmp_pps), false,
		"ICMP errors a second that one worker sends.", .standard = "1000", .least = 1,
		.most = 1000000 },
	{ "flow_cache", read_power_of_two, OFFSET(flow_cache), false,
		"Policy decisions that each worker remembers in each direction, 64 bytes for each; "
		"a power of two. 0: four for each of `policies`, at least 65536 and at most "
		"524288.",
		.standard = "0", .least = 0, .most = 16777216 },
	{ "reassembly_bytes", gw_read_u16, OFFSET(reassembly_bytes), false,
		"The longest packet for the gateway that is put together from fragments.",
		.standard = "9216", .least = 1500, .most = 65000 },
	{ "reassembly_seconds", gw_read_u8, OFFSET(reassembly_seconds), false,
		"How long a fragment for the gateway waits for the others.", .standard = "15",
		.least = 1, .most = 120 },
	{ "fragment_flows", read_power_of_two, OFFSET(fragment_flows), false,
		"With `fragments` stateful: packets whose first fragment is remembered, a "
		"sixteenth "
		"of them of one source; a power of two.",
		.standard = "16384", .least = 64, .most = 4194304 },
	{ "fragment_seconds", gw_read_u8, OFFSET(fragment_seconds), false,
		"How long a first fragment is remembered.", .standard = "5", .least = 1,
		.most = 60 },
};
static const struct gw_field_table limit_table = { "Limits.", limit_fields, COUNT(limit_fields) };

static const struct gw_field path_mtu_fields[] = {
	{ "learn", gw_read_bool, OFFSET(path_mtu_learn), false,
		"Whether an SA's path MTU is lowered by ICMP errors that quote a packet which the "
		"SA sent lately (RFC 4301 section 8.2.1). Without it they are ICMP like any other.",
		.standard = "true" },
	{ "floor", gw_read_u16, OFFSET(path_mtu_floor), false,
		"Bytes below which no ICMP error brings an IPv4 path; IPv6 never goes below 1280.",
		.standard = "576", .least = 68, .most = 1500 },
	{ "age_seconds", gw_read_u32, OFFSET(path_mtu_age_seconds), false,
		"How long what an ICMP error told is believed; then the route's MTU is tried "
		"again.",
		.standard = "600", .least = 1, .most = 86400 },
};
static const struct gw_field_table path_mtu_table = { "The MTU of the paths of SAs.",
	path_mtu_fields, COUNT(path_mtu_fields) };

static const struct gw_field udp_fields[] = {
	{ "keepalive_seconds", gw_read_u16, OFFSET(udp_keepalive_seconds), false,
		"After how much silence towards a peer a keepalive is sent (RFC 3948 section 4) "
		"for SAs whose own `keepalive` is `default`, those of IKE daemons among them; 0: "
		"none is.",
		.standard = "20", .least = 0, .most = GW_MAX_KEEPALIVE },
};
static const struct gw_field_table udp_table = { "ESP in UDP (RFC 3948).", udp_fields,
	COUNT(udp_fields) };

// The target is the whole configuration.
static int read_tcp_ports(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_config *config = target;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > GW_MAX_TCP_PORTS)
		return gw_value_wrong(value, name, err,
			"a list of at most %d TCP ports such as [4500]", GW_MAX_TCP_PORTS);
	for (size_t i = 0; i < count; i++) {
		uint64_t port;
		int ret = gw_read_number(json_array_get(value, i), NULL, 1, UINT16_MAX, &port, err);

		for (size_t j = 0; ret == 0 && j < i; j++)
			if (config->tcp_listen[j] == port)
				ret = gw_error_at(err, EINVAL, json_array_get(value, i), NULL,
					"is there twice");
		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
		config->tcp_listen[i] = (uint16_t)port;
	}
	config->tcp_listen_count = (uint32_t)count;
	return 0;
}

static const struct gw_field tcp_fields[] = {
	{ "listen", read_tcp_ports, 0, false,
		"TCP ports of the gateway's addresses on which peers may connect; built-in "
		"policies "
		"let TCP from and to them through.",
		.standard = "[]", .type = "a list of at most 8 ports" },
	{ "connections", gw_read_u32, OFFSET(tcp_connections), false,
		"Connections at once. When one more comes, the oldest that has shown nothing "
		"authentic makes way; if there is none, the new one is closed.",
		.standard = "1024", .least = 1, .most = 65536 },
	{ "per_source", gw_read_u32, OFFSET(tcp_per_source), false,
		"Connections at once from one address that have shown nothing authentic yet.",
		.standard = "16", .least = 1, .most = 65536 },
	{ "unauthenticated_seconds", gw_read_u32, OFFSET(tcp_unauthenticated_seconds), false,
		"How long a connection may stay on which no authentic ESP packet of an SA that "
		"exists has come, and no answer of the IKE daemon has gone.",
		.standard = "30", .least = 1, .most = 3600 },
	{ "keepalive_seconds", gw_read_u32, OFFSET(tcp_keepalive_seconds), false,
		"After how much silence TCP asks whether the peer is still there.",
		.standard = "60", .least = 1, .most = 7200 },
	{ "dead_seconds", gw_read_u32, OFFSET(tcp_dead_seconds), false,
		"How long a peer may leave what was sent to it, or TCP's question, without an "
		"answer until its connection is over.",
		.standard = "30", .least = 1, .most = 3600 },
	{ "write_bytes", gw_read_u32, OFFSET(tcp_write_bytes), false,
		"Bytes that may wait to be written to one connection; what comes then is dropped.",
		.standard = "262144", .least = 65536, .most = 16777216 },
	{ "ike_port", gw_read_u16, OFFSET(tcp_ike_port), false,
		"The UDP port on which the host's IKE daemon takes messages with the non-ESP "
		"marker; 0: IKE messages in TCP are dropped.",
		.standard = "4500", .least = 0, .most = UINT16_MAX },
};
static const struct gw_field_table tcp_table = {
	"TCP encapsulation of ESP and IKE (RFC 9329) for peers whose networks let nothing else "
	"through. SAs use it whose `encapsulation` says so.",
	tcp_fields,
	COUNT(tcp_fields),
};

// The target is the whole configuration.
static int read_eal(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_config *config = target;
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > GW_MAX_EAL_ARGUMENTS)
		return gw_value_wrong(value, name, err,
			"a list of at most %d texts such as [\"--log-level\", \"lib.eal:debug\"]",
			GW_MAX_EAL_ARGUMENTS);
	for (size_t i = 0; i < count; i++) {
		json_t *argument = json_array_get(value, i);
		char text[256];
		int ret = gw_read_text(argument, NULL, text, sizeof(text), err);

		if (ret == 0 && !text[0])
			ret = gw_value_wrong(argument, NULL, err, "an argument of EAL");
		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
		config->eal_arguments[i] = strdup(text);
		if (!config->eal_arguments[i])
			return gw_error_at(err, ENOMEM, value, name, "there is no memory for it");
		config->eal_argument_count++;
	}
	return 0;
}

static const struct gw_field config_fields[] = {
	{ "log", NULL, 0, false, "The log.", .standard = "{}", .table = &log_table },
	{ "control", NULL, 0, false, "The control socket.", .standard = "{}",
		.table = &control_table },
	{ "memory", NULL, 0, false, "Memory.", .standard = "{}", .table = &memory_table },
	{ "eal", read_eal, 0, false,
		"Further arguments for DPDK's environment abstraction layer, each a text.",
		.type = "a list of at most 32 texts" },
	{ "workers", NULL, 0, false, "The threads that move packets.", .standard = "{}",
		.table = &worker_table },
	{ "hardening", NULL, 0, false, "What the process gives up.", .standard = "{}",
		.table = &hardening_table },
	{ "crypto", NULL, 0, false, "Cryptography.", .standard = "{}", .table = &crypto_table },
	{ "limits", NULL, 0, false, "Limits.", .standard = "{}", .table = &limit_table },
	{ "path_mtu", NULL, 0, false, "The MTU of the paths of SAs.", .standard = "{}",
		.table = &path_mtu_table },
	{ "udp_encapsulation", NULL, 0, false, "ESP in UDP.", .standard = "{}",
		.table = &udp_table },
	{ "tcp_encapsulation", NULL, 0, false, "ESP and IKE in TCP.", .standard = "{}",
		.table = &tcp_table },
	{ "fragments", NULL, OFFSET(fragments), false,
		"How later fragments in transit meet policies that look at ports, which only the "
		"first fragment shows (RFC 4301 section 7). `stateful`: as their first one does. "
		"`refuse`: by what they show themselves, and none is bypassed that may hide what a "
		"policy protects or discards.",
		.standard = "\"stateful\"", .words = fragments_words },
	{ "check_icmp_quotes", gw_read_bool, OFFSET(check_icmp_quotes), false,
		"Whether an ICMP error out of a tunnel that policies let pass has to quote a "
		"packet whose answers the same SA carries (RFC 4301 section 6.2). One that they do "
		"not let pass always has to.",
		.standard = "true" },
	{ "builtin_policies", gw_read_bool, OFFSET(builtin_policies), false,
		"Whether IKE and neighbour discovery bypass the SPD by policies that the gateway "
		"adds "
		"itself.",
		.standard = "true" },
	{ "ports", gw_read_ports, 0, true, "The ports, one at least.", .table = &gw_port_fields,
		.type = "a list of ports" },
	{ "interfaces", gw_read_interfaces, 0, false,
		"Tunnel interfaces, for tunnels that routes lead into.",
		.table = &gw_interface_fields, .type = "a list of interfaces" },
	{ "sas", gw_read_sas, 0, false, "Security associations with manual keys.",
		.table = &gw_sa_fields, .type = "a list of SAs" },
	{ "policies", gw_read_policies, 0, false, "The security policy database.",
		.table = &gw_policy_fields, .type = "a list of policies" },
	{ "routes", gw_read_routes, 0, false,
		"Static routes, for a rig that Linux knows nothing of.", .table = &gw_route_fields,
		.type = "a list of routes" },
	{ "neighbours", gw_read_neighbours, 0, false, "Static neighbours, likewise.",
		.table = &gw_neighbour_fields, .type = "a list of neighbours" },
};

const struct gw_field_table gw_config_fields = {
	"The configuration.",
	config_fields,
	COUNT(config_fields),
};

int gw_config_read(json_t *object, struct gw_config **config, struct gw_error *err)
{
	struct gw_config *fresh = calloc(1, sizeof(*fresh));
	int ret;

	if (!fresh)
		return gw_error_set(err, ENOMEM, "there is no memory for the configuration");
	ret = gw_fields_read(object, NULL, config_fields, COUNT(config_fields), fresh, err);
	if (ret == 0 && fresh->flow_cache == 0)
		fresh->flow_cache = flow_cache_for(fresh->max_policies);
	if (ret == 0)
		ret = gw_config_check(fresh, err);
	if (ret)
		gw_config_free(fresh);
	else
		*config = fresh;
	return ret;
}

void gw_config_free(struct gw_config *config)
{
	if (!config)
		return;
	for (unsigned int i = 0; i < config->eal_argument_count; i++)
		free(config->eal_arguments[i]);
	for (unsigned int i = 0; i < config->sa_count; i++)
		gw_sa_spec_wipe(&config->sas[i]);
	free(config->ports);
	free(config->interfaces);
	free(config->sas);
	free(config->policies);
	free(config->routes);
	free(config->neighbours);
	free(config);
}
