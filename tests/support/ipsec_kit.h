// Called by: tests of the ipsec room
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <string.h>

#include <check.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "base/reclaim.h"
#include "base/slab.h"
#include "crypto/manager.h"
#include "crypto/plan.h"
#include "ipsec/db.h"

// SAs and policies that differ by a number or two, and a database to put them in.

#define KIT_WORKERS 2
#define KIT_THREADS 8

static inline struct gw_addr kit_addr4(uint8_t last)
{
	return (struct gw_addr){ .family = 4, .bytes = { 192, 0, 2, last } };
}

static inline struct gw_addr kit_addr6(uint8_t last)
{
	return (struct gw_addr){
		.family = 6,
		.bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = last },
	};
}

// AES-GCM with a key made from key, between 192.0.2.1 and 192.0.2.2.
static inline struct gw_sa_spec kit_sa(enum gw_direction direction, uint32_t spi, uint32_t key)
{
	struct gw_sa_spec spec = {
		.direction = direction,
		.protocol = GW_PROTOCOL_ESP,
		.mode = GW_MODE_TUNNEL,
		.spi = spi,
		.source = kit_addr4(direction == GW_DIRECTION_OUT ? 1 : 2),
		.destination = kit_addr4(direction == GW_DIRECTION_OUT ? 2 : 1),
		.reqid = 1,
		.encryption = GW_ENCRYPTION_AES_GCM_16,
		.encryption_key_bytes = 20,
		.replay_window = direction == GW_DIRECTION_IN ? 64 : 0,
		.dscp = -1,
	};

	memset(spec.encryption_key, 0x5a, spec.encryption_key_bytes);
	memcpy(spec.encryption_key, &key, sizeof(key));
	return spec;
}

// Bypass of traffic from 10.0.0.0/8 to 10.1.net.0/24.
static inline struct gw_policy_spec kit_policy(
	enum gw_direction direction, uint32_t priority, uint8_t net)
{
	return (struct gw_policy_spec){
		.direction = direction,
		.priority = priority,
		.action = GW_ACTION_BYPASS,
		.selector = {
			.source = { { 4, { 10, 0, 0, 0 } }, { 4, { 10, 255, 255, 255 } } },
			.destination = { { 4, { 10, 1, net, 0 } }, { 4, { 10, 1, net, 255 } } },
			.source_port = { 0, UINT16_MAX },
			.destination_port = { 0, UINT16_MAX },
		},
	};
}

static inline struct gw_policy_spec kit_protect(
	enum gw_direction direction, uint32_t priority, uint8_t net, uint32_t reqid)
{
	struct gw_policy_spec spec = kit_policy(direction, priority, net);

	spec.action = GW_ACTION_PROTECT;
	spec.reqid = reqid;
	return spec;
}

static inline struct rte_rcu_qsbr *kit_qsbr_new(void)
{
	struct rte_rcu_qsbr *qsbr =
		rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(KIT_THREADS), RTE_CACHE_LINE_SIZE);

	ck_assert_ptr_nonnull(qsbr);
	ck_assert_int_eq(rte_rcu_qsbr_init(qsbr, KIT_THREADS), 0);
	return qsbr;
}

// The crypto room makes its tables with the first key that needs them and keeps them.
static inline void kit_warm_up(void)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 0x1000, 0);
	struct gw_sa *sa = gw_sa_new(&spec, 1, NULL);

	for (int path = 0; path < GW_CRYPTO_PATH_COUNT; path++) {
		uint64_t features = gw_crypto_path_features(path);

		if ((gw_crypto_plan_features() & features) == features)
			ck_assert_ptr_nonnull(gw_crypto_manager_shared(path));
	}
	ck_assert_ptr_nonnull(sa);
	gw_sa_free(sa);
}

// How many pieces of DPDK's memory are in use, of slabs each object: the same before and after says
// that all came back.
static inline unsigned int kit_memory_pieces(void)
{
	struct rte_malloc_socket_stats stats;

	ck_assert_int_eq(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.alloc_count - gw_slab_shared.chunks + gw_slab_shared.objects;
}

struct kit_db {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_ipsec_db *db;
	unsigned int pieces; // before it was made
};

static inline void kit_db_open(struct kit_db *kit, uint32_t max_sas, uint32_t max_policies,
	void (*changed)(void *ctx, enum gw_ipsec_change change, struct gw_sa *sa,
		const struct gw_policy_spec *policy),
	void *ctx)
{
	struct gw_ipsec_db_options options = {
		.max_sas = max_sas,
		.max_policies = max_policies,
		.spi_hold_seconds = 60,
		.workers = KIT_WORKERS,
		.changed = changed,
		.ctx = ctx,
	};
	struct gw_error err = {};

	kit_warm_up();
	kit->pieces = kit_memory_pieces();
	kit->qsbr = options.qsbr = kit_qsbr_new();
	kit->reclaim = options.reclaim = gw_reclaim_new(kit->qsbr);
	kit->db = gw_ipsec_db_new(&options, &err);
	ck_assert_msg(kit->db, "%s", err.text);
}

static inline void kit_db_close(struct kit_db *kit)
{
	gw_ipsec_db_free(kit->db);
	gw_reclaim_free(kit->reclaim);
	rte_free(kit->qsbr);
	ck_assert_uint_eq(kit_memory_pieces(), kit->pieces);
}

// What a worker finds in the SAD for an inbound SA's id.
static inline struct gw_sa *kit_sad_find(const struct gw_sad *sad, const struct gw_sa_id *id)
{
	struct gw_sad_key key;
	struct gw_sa *sa;

	gw_sad_key_make(&key, rte_cpu_to_be_32(id->spi), (uint8_t)id->protocol, &id->destination);
	gw_sad_lookup(sad, &key, 1, &sa);
	return sa;
}

// A packet from 10.0.0.1 to 10.1.net.1.
static inline struct gw_flow kit_flow(uint8_t net)
{
	return (struct gw_flow){
		.source = { 10, 0, 0, 1 },
		.destination = { 10, 1, net, 1 },
		.family = 4,
		.protocol = 17,
		.ports_known = 1,
	};
}

// What a worker finds in the SPD for it.
static inline const struct gw_policy *kit_spd_find(const struct gw_spd *spd, uint8_t net)
{
	const struct gw_flow flow = kit_flow(net), *flows[] = { &flow };
	const struct gw_policy *policy;

	gw_spd_lookup(spd, NULL, flows, 1, &policy);
	return policy;
}
