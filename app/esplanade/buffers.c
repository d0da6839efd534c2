// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/parts.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/log.h"
#include "graph/packet.h"
#include "ipsec/esp.h"

#define CACHE        256
#define LINEAR_COUNT 2048
// Where only fragments that were put together need them; spec/config_check.c counts on it.
#define WHOLE_COUNT 512

// Bytes of the longest frame that any port may have to send, with what ESP adds; of a packet of
// least bytes at least.
static uint32_t longest_frame(const struct gw_config *config, uint32_t least)
{
	uint32_t mtu = 0;

	for (unsigned int i = 0; i < config->port_count; i++)
		mtu = RTE_MAX(mtu, (uint32_t)config->ports[i].mtu);
	mtu = RTE_MAX(mtu, least);
	return mtu + RTE_ETHER_HDR_LEN + GW_ESP_MAX_FRONT + GW_ESP_MAX_BACK;
}

static struct rte_mempool *pool_new(
	const char *name, uint32_t count, uint32_t data_room, struct gw_error *err)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(name, count, RTE_MIN(CACHE, count / 8),
		GW_PACKET_PRIVATE_BYTES, (uint16_t)data_room, SOCKET_ID_ANY);

	if (!pool)
		gw_error_set(err, rte_errno ? rte_errno : ENOMEM,
			"no memory for %u packet buffers of %u bytes (%s): raise memory.size_mb or "
			"lower "
			"memory.buffers",
			count, data_room, rte_strerror(rte_errno));
	return pool;
}

int gateway_buffers_new(struct gateway *gateway, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	uint32_t longest = RTE_PKTMBUF_HEADROOM + longest_frame(config, 0);
	uint32_t whole = RTE_PKTMBUF_HEADROOM + longest_frame(config, config->reassembly_bytes);
	struct gw_dataplane *dataplane = &gateway->dataplane;

	dataplane->buffers = pool_new("buffers", config->buffers, config->buffer_bytes, err);
	if (!dataplane->buffers)
		return -ENOMEM;
	dataplane->linear = dataplane->buffers;
	if (whole <= config->buffer_bytes)
		return 0;
	dataplane->linear = pool_new(
		"linear", longest <= config->buffer_bytes ? WHOLE_COUNT : LINEAR_COUNT, whole, err);
	return dataplane->linear ? 0 : -ENOMEM;
}

static void pool_free(struct rte_mempool *pool)
{
	unsigned int missing = rte_mempool_in_use_count(pool);

	if (missing)
		gw_log_error("%u packet buffers of pool %s were not returned", missing, pool->name);
	else
		gw_log_info("all packet buffers of pool %s were returned", pool->name);
	rte_mempool_free(pool);
}

void gateway_buffers_free(struct gateway *gateway)
{
	struct gw_dataplane *dataplane = &gateway->dataplane;

	if (dataplane->linear && dataplane->linear != dataplane->buffers)
		pool_free(dataplane->linear);
	if (dataplane->buffers)
		pool_free(dataplane->buffers);
	dataplane->buffers = dataplane->linear = NULL;
}
