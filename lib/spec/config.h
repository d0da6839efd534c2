// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "spec/interface.h"
#include "spec/policy.h"
#include "spec/port.h"
#include "spec/sa.h"

// The whole configuration of a gateway. gw_config_free wipes the keys in it.

#define GW_MAX_EAL_ARGUMENTS 32
#define GW_MAX_CPUS          64
#define GW_MAX_TCP_PORTS     8

// Later fragments in transit, against policies that look at ports (RFC 4301 section 7).
enum gw_fragments { GW_FRAGMENTS_STATEFUL, GW_FRAGMENTS_REFUSE };
// Whether workers work on inbound ESP packets that another one received.
enum gw_spread { GW_SPREAD_AUTO, GW_SPREAD_NEVER, GW_SPREAD_ALWAYS };
// Which code computes cryptography; the words of crypto.code, in the order of crypto's pins.
enum gw_crypto_code {
	GW_CRYPTO_CODE_MEASURED,
	GW_CRYPTO_CODE_VAES,
	GW_CRYPTO_CODE_AVX512,
	GW_CRYPTO_CODE_AVX2,
	GW_CRYPTO_CODE_AVX,
	GW_CRYPTO_CODE_SSE,
};
enum gw_idle { GW_IDLE_SLEEP, GW_IDLE_PAUSE, GW_IDLE_POLL };

struct gw_config {
	char log_level[16];

	// control
	char socket_path[108];           // sun_path's size
	char socket_group[GW_NAME_SIZE]; // "": root only
	char xfrm_path[108];             // of the socket for IKE daemons; "": none
	char vici_path[108];             // where charon tells names of SAs; "": nowhere
	uint32_t xfrm_grace_seconds;     // how long SAs and policies outlive their IKE daemon

	// memory
	bool huge; // false: no hugepages
	uint32_t memory_mb;
	uint32_t buffers;      // packet buffers in all
	uint16_t buffer_bytes; // data room of each, with headroom

	// workers
	uint16_t worker_cpus[GW_MAX_CPUS];
	unsigned int worker_count; // at least 1
	uint16_t control_cpu;
	enum gw_idle idle;
	enum gw_spread spread;

	// hardening
	bool lock_memory;
	bool drop_capabilities;
	bool filter_syscalls;

	// crypto
	enum gw_crypto_code crypto_code;

	// limits
	uint32_t max_sas;
	uint32_t max_policies;
	uint32_t max_routes;
	uint32_t max_neighbours;
	uint32_t neighbour_queue; // packets that wait for neighbour discovery, for one neighbour
	uint32_t sa_queue;        // packets that wait for an SA, for one reqid; 0: none does
	uint32_t sa_queue_seconds;
	uint32_t spi_hold_seconds; // how long an SPI that was allocated waits for its SA
	uint32_t acquire_seconds;  // how long an SA that was asked for is not asked for again
	uint32_t punt_pps;         // packets for the host a second, for one port
	uint32_t icmp_pps;         // ICMP errors a second, for one worker
	uint32_t flow_cache;       // entries for each worker and direction; a power of two, not 0

	uint16_t reassembly_bytes;  // longest packet for the gateway that is put together
	uint8_t reassembly_seconds; // how long a fragment waits for the others
	uint32_t fragment_flows;    // first fragments that are remembered; a power of two
	uint8_t fragment_seconds;   // how long each

	// path_mtu: what ICMP errors may do to the MTU of an SA's path
	bool path_mtu_learn;
	uint16_t path_mtu_floor; // of IPv4 paths, bytes
	uint32_t path_mtu_age_seconds;

	// udp_encapsulation (RFC 3948)
	uint16_t udp_keepalive_seconds; // of SAs that name none; 0: none is sent

	// tcp_encapsulation (RFC 9329)
	uint16_t tcp_listen[GW_MAX_TCP_PORTS];
	uint32_t tcp_listen_count;
	uint32_t tcp_connections; // at once
	uint32_t tcp_per_source;  // from one address, of those that have shown nothing authentic
	uint32_t tcp_unauthenticated_seconds;
	uint32_t tcp_keepalive_seconds;
	uint32_t tcp_dead_seconds;
	uint32_t tcp_write_bytes; // that wait for one connection
	uint16_t tcp_ike_port;    // UDP; 0: IKE is not relayed

	enum gw_fragments fragments;
	bool check_icmp_quotes; // of errors out of tunnels
	bool builtin_policies;  // IKE and neighbour discovery bypass the SPD

	char *eal_arguments[GW_MAX_EAL_ARGUMENTS];
	unsigned int eal_argument_count;

	struct gw_port_spec *ports;
	struct gw_interface_spec *interfaces;
	struct gw_sa_spec *sas;
	struct gw_policy_spec *policies;
	struct gw_route_spec *routes;
	struct gw_neighbour_spec *neighbours;
	unsigned int port_count, interface_count, sa_count, policy_count, route_count,
		neighbour_count;
};

// Reads a whole configuration tree and checks it as a whole: names that refer to each other,
// duplicates, the sizes of memory and buffers against the MTUs. On success *config is new and the
// caller's.
int gw_config_read(json_t *object, struct gw_config **config, struct gw_error *err);
void gw_config_free(struct gw_config *config); // NULL is allowed

// The second half of gw_config_read: whether the parts fit together.
int gw_config_check(const struct gw_config *config, struct gw_error *err);

// The fewest packet buffers that fill every queue of every port and leave each worker enough to
// work with.
uint64_t gw_config_least_buffers(const struct gw_config *config);
