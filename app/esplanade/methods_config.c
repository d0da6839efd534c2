// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "base/clock.h"
#include "base/slab.h"
#include "crypto/engine.h"
#include "crypto/key.h"

json_t *gateway_config_reload(struct gw_rpc_call *call, json_t *params)
{
	return gateway_no_params(call, params) ? gateway_reload(call->ctx, call->err) : NULL;
}

static json_t *pool_object(const struct rte_mempool *pool)
{
	json_t *object = json_object();

	gateway_put_count(object, "total", pool->size);
	gateway_put_count(object, "in_use", rte_mempool_in_use_count(pool));
	return object;
}

static int count_route(void *count, const struct gw_route_spec *, enum gw_route_origin, uint32_t)
{
	++*(uint64_t *)count;
	return 0;
}

static int count_neighbour(void *count, const struct gw_neighbour_spec *, enum gw_route_origin)
{
	++*(uint64_t *)count;
	return 0;
}

// What of memory.size_mb is taken: by packet buffers, SAs and tables.
static json_t *memory_object(void)
{
	uint64_t total = 0, in_use = 0;
	json_t *object = json_object();

	for (unsigned int i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) != 0)
			continue;
		total += stats.heap_totalsz_bytes;
		in_use += stats.heap_allocsz_bytes;
	}
	in_use -= gw_slab_idle_bytes(&gw_slab_shared);
	gateway_put_count(object, "total_bytes", total);
	gateway_put_count(object, "in_use_bytes", in_use);
	return object;
}

static void put_counts(json_t *object, const struct gateway *gateway)
{
	uint64_t routes = 0, neighbours = 0;

	gw_route_each(gateway->routes, count_route, &routes);
	gw_neighbour_each(gateway->routes, count_neighbour, &neighbours);
	gateway_put_count(object, "workers", gateway->dataplane.worker_count);
	gateway_put_count(object, "ports", gateway->dataplane.port_count);
	gateway_put_count(object, "sas", gw_sa_count(gateway->ipsec));
	gateway_put_count(object, "policies", gw_policy_count(gateway->ipsec));
	gateway_put_count(object, "routes", routes);
	gateway_put_count(object, "neighbours", neighbours);
}

json_t *gateway_status_get(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	const struct gw_dataplane *dataplane = &gateway->dataplane;
	json_t *object;

	if (!gateway_no_params(call, params))
		return NULL;
	object = json_object();
	gateway_put(object, "version", json_string(GATEWAY_VERSION));
	gateway_put_count(object, "pid", (uint64_t)getpid());
	gateway_put_count(
		object, "uptime_seconds", (gw_clock_ns() - gateway->started_ns) / 1000000000u);
	gateway_put(object, "config", json_string(gateway->config_path));
	gateway_put(object, "log_level", json_string(gateway->config->log_level));
	gateway_put(object, "path_mtu",
		json_pack("{s:I, s:I}", "learned", (json_int_t)gateway->path_mtu_learned, "ignored",
			(json_int_t)gateway->path_mtu_ignored));
	gateway_put(object, "nat_keepalives",
		json_pack("{s:I, s:i}", "sent", (json_int_t)gateway->keepalives_sent, "seconds",
			gw_keepalives_standard(gateway->keepalives)));
	gateway_put(object, "hugepages", json_boolean(rte_eal_has_hugepages()));
	gateway_put(object, "memory", memory_object());
	gateway_put(object, "buffers", pool_object(dataplane->buffers));
	if (dataplane->linear != dataplane->buffers)
		gateway_put(object, "linear_buffers", pool_object(dataplane->linear));
	put_counts(object, gateway);
	if (gateway->netlink)
		gateway_put_count(
			object, "netlink_overruns", gw_netlink_overruns(gateway->netlink));
	return object;
}

static json_t *key_lengths(const struct gw_encryption *encryption)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RTE_DIM(encryption->key_bytes); i++)
		if (encryption->key_bytes[i])
			json_array_append_new(list,
				json_integer(encryption->key_bytes[i] + encryption->salt_bytes));
	return list;
}

static void put_integrity(json_t *suite, const struct gw_integrity *integrity)
{
	gateway_put(suite, "integrity", json_string(integrity->name));
	gateway_put(suite, "integrity_key_bytes", json_pack("[i]", integrity->key_bytes));
	gateway_put_count(suite, "icv_bytes", integrity->icv_bytes);
}

// One combination that an SA of ESP may use.
static json_t *esp_suite(enum gw_encryption_id e, enum gw_integrity_id i)
{
	const struct gw_encryption *encryption = &gw_encryptions[e];
	json_t *suite = json_pack("{s:s}", "protocol", gw_protocol_word(GW_PROTOCOL_ESP));

	gateway_put(suite, "encryption", json_string(encryption->name));
	gateway_put(suite, "encryption_key_bytes", key_lengths(encryption));
	if (encryption->aead)
		gateway_put_count(suite, "icv_bytes", encryption->icv_bytes);
	else
		put_integrity(suite, &gw_integrities[i]);
	gateway_put(suite, "usable", json_boolean(gw_crypto_usable(e, i)));
	return suite;
}

static void put_esp_suites(json_t *suites)
{
	for (int e = GW_ENCRYPTION_UNSET + 1; e < GW_ENCRYPTION_COUNT; e++) {
		if (gw_encryptions[e].aead) {
			json_array_append_new(suites, esp_suite(e, GW_INTEGRITY_NONE));
			continue;
		}
		for (int i = GW_INTEGRITY_NONE + 1; i < GW_INTEGRITY_COUNT; i++)
			json_array_append_new(suites, esp_suite(e, i));
	}
}

// AH's algorithms: those of integrity, which are the ones beside ESP's NULL encryption, and
// AES-GMAC, which counts as an encryption algorithm and whose key has a salt.
static json_t *ah_suite(enum gw_integrity_id i)
{
	const struct gw_encryption *gmac = &gw_encryptions[GW_ENCRYPTION_AES_GMAC];
	bool is_gmac = i == GW_INTEGRITY_NONE;
	json_t *suite = json_pack("{s:s}", "protocol", gw_protocol_word(GW_PROTOCOL_AH));

	if (is_gmac) {
		gateway_put(suite, "integrity", json_string(gmac->name));
		gateway_put(suite, "integrity_key_bytes", key_lengths(gmac));
		gateway_put_count(suite, "icv_bytes", gmac->icv_bytes);
	} else {
		put_integrity(suite, &gw_integrities[i]);
	}
	gateway_put(suite, "usable",
		json_boolean(gw_crypto_usable(
			is_gmac ? GW_ENCRYPTION_AES_GMAC : GW_ENCRYPTION_NULL, i)));
	return suite;
}

static void put_ah_suites(json_t *suites)
{
	for (int i = GW_INTEGRITY_NONE + 1; i < GW_INTEGRITY_COUNT; i++)
		json_array_append_new(suites, ah_suite(i));
	json_array_append_new(suites, ah_suite(GW_INTEGRITY_NONE));
}

json_t *gateway_crypto_list(struct gw_rpc_call *call, json_t *params)
{
	const struct gateway *gateway = call->ctx;
	char engine[80];
	json_t *suites;

	if (!gateway_no_params(call, params))
		return NULL;
	suites = json_array();
	put_esp_suites(suites);
	put_ah_suites(suites);
	return json_pack("{s:s, s:o}", "engine",
		gw_crypto_engine_name(
			gateway->dataplane.workers[0]->crypto, engine, sizeof(engine)),
		"suites", suites);
}
