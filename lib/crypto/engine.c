// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A batch of ops is sorted, by pointers, into lanes: one for each class of algorithms and for
// each size that is computed in another way. Each lane then goes through its way at
// once. The caller's array keeps its order.

#include "crypto/engine.h"

#include <stdio.h>

#include <rte_malloc.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/internal.h"

#define NO_LANE        UINT16_MAX
#define PREFETCH_AHEAD 4

static_assert(GW_CRYPTO_LANES < NO_LANE, "a lane is 16 bits");

static int set_lane(struct gw_crypto_engine *engine, struct gw_crypto_lane *lane,
	const struct gw_crypto_choice *choice)
{
	IMB_MGR **manager = &engine->managers[choice->path];

	lane->way = choice->way;
	if (choice->way->own) {
		engine->own = true;
		return 0;
	}
	if (!*manager)
		*manager = gw_crypto_manager_new(choice->path);
	if (!*manager)
		return -1;
	lane->manager = *manager;
	return 0;
}

static int set_lanes(struct gw_crypto_engine *engine, unsigned int class, int direction)
{
	const struct gw_crypto_choice *choices = gw_crypto_plan(class)->choices[direction];
	uint16_t *lanes = engine->lane_of[direction][class];

	for (unsigned int size = 0; size < GW_CRYPTO_SIZES; size++) {
		unsigned int like = 0;

		if (!choices[size].way)
			continue;
		while (choices[like].way != choices[size].way ||
			choices[like].path != choices[size].path)
			like++;
		lanes[size] = class * GW_CRYPTO_SIZES + like;
		if (set_lane(engine, &engine->lanes[direction][lanes[size]], &choices[size]) < 0)
			return -1;
	}
	return 0;
}

struct gw_crypto_engine *gw_crypto_engine_new(void)
{
	struct gw_crypto_engine *engine =
		rte_zmalloc("crypto engine", sizeof(*engine), RTE_CACHE_LINE_SIZE);

	if (!engine) {
		gw_log_error("no memory for a crypto engine of %zu bytes: raise memory.size_mb",
			sizeof(*engine));
		return NULL;
	}
	engine->short_bytes = GW_CRYPTO_SHORT_BYTES;
	engine->medium_bytes = GW_CRYPTO_MEDIUM_BYTES;
	for (unsigned int class = 0; class < GW_CRYPTO_CLASSES; class ++) {
		if (set_lanes(engine, class, GW_CRYPTO_OPEN) < 0 ||
			set_lanes(engine, class, GW_CRYPTO_SEAL) < 0) {
			gw_crypto_engine_free(engine);
			return NULL;
		}
	}
	return engine;
}

void gw_crypto_engine_free(struct gw_crypto_engine *engine)
{
	if (!engine)
		return;
	for (int path = 0; path < GW_CRYPTO_PATH_COUNT; path++)
		gw_crypto_manager_free(engine->managers[path]);
	gw_wipe(engine, sizeof(*engine));
	rte_free(engine);
}

const char *gw_crypto_engine_name(
	const struct gw_crypto_engine *engine, char *buffer, unsigned int size)
{
	const char *separator = ", ";
	int used = snprintf(buffer, size, "IPsec-MB %s", imb_get_version_str());

	for (int path = GW_CRYPTO_PATH_COUNT - 1; path >= 0; path--) {
		if (!engine->managers[path] || used < 0 || (unsigned int)used >= size)
			continue;
		used += snprintf(
			buffer + used, size - used, "%s%s", separator, gw_crypto_path_name(path));
		separator = " and ";
	}
	if (engine->own && used > 0 && (unsigned int)used < size)
		snprintf(buffer + used, size - used, "%sVAES of our own", separator);
	return buffer;
}

// The op's lane; NO_LANE when its length is none that ESP can have, which the library, called
// without its own checks, must not see.
static inline uint16_t lane_of(
	const struct gw_crypto_engine *engine, const struct gw_crypto_op *op, bool seal)
{
	const unsigned int size = (op->payload_bytes > engine->short_bytes) +
				  (op->payload_bytes > engine->medium_bytes);
	const struct gw_crypto_key *key = op->key;

	if (op->payload_bytes == 0 ||
		op->payload_bytes > GW_CRYPTO_MAX_IV_AND_PAYLOAD - key->iv_bytes ||
		(op->payload_bytes & (key->align_bytes - 1)))
		return NO_LANE;
	return engine->lane_of[seal ? GW_CRYPTO_SEAL : GW_CRYPTO_OPEN][key->class][size];
}

// A batch of one lane, as most are: its lane, or NO_LANE where it is another kind.
static inline uint16_t only_lane(
	struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count, bool seal)
{
	const uint16_t lane = lane_of(engine, &ops[0], seal);

	for (unsigned int i = 0; i < count; i++) {
		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(ops[i + PREFETCH_AHEAD].key);
		// Packets that are alike go by one lane.
		if ((i == 0 || ops[i].key != ops[i - 1].key ||
			    ops[i].payload_bytes != ops[i - 1].payload_bytes) &&
			lane_of(engine, &ops[i], seal) != lane)
			return NO_LANE;
		ops[i].status = GW_CRYPTO_FAILED;
		engine->sorted[i] = &ops[i];
	}
	return lane;
}

// Sorts the batch into engine->sorted. Returns the number of lanes in use; used lists them, and
// lane_end says where each one's ops end.
static inline unsigned int sort(struct gw_crypto_engine *engine, struct gw_crypto_op *ops,
	unsigned int count, uint16_t *used, bool seal)
{
	unsigned int lanes = 0, end = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint16_t lane;

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(ops[i + PREFETCH_AHEAD].key);
		ops[i].status = GW_CRYPTO_FAILED;
		lane = lane_of(engine, &ops[i], seal);
		engine->op_lane[i] = lane;
		if (lane != NO_LANE && engine->lane_count[lane]++ == 0)
			used[lanes++] = lane;
	}
	for (unsigned int i = 0; i < lanes; i++) {
		engine->lane_end[used[i]] = end;
		end += engine->lane_count[used[i]];
	}
	for (unsigned int i = 0; i < count; i++)
		if (engine->op_lane[i] != NO_LANE)
			engine->sorted[engine->lane_end[engine->op_lane[i]]++] = &ops[i];
	return lanes;
}

static inline void run_lane(struct gw_crypto_engine *engine, unsigned int number,
	struct gw_crypto_op **ops, unsigned int count, bool seal)
{
	const struct gw_crypto_lane *lane = &engine->lanes[seal][number];

	if (seal)
		lane->way->seal(engine, lane->manager, ops, count);
	else
		lane->way->open(engine, lane->manager, ops, count);
}

static void run_lanes(
	struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count, bool seal)
{
	uint16_t used[GW_CRYPTO_LANES];
	unsigned int lanes = sort(engine, ops, count, used, seal);

	for (unsigned int l = 0; l < lanes; l++) {
		unsigned int members = engine->lane_count[used[l]];

		engine->lane_count[used[l]] = 0;
		run_lane(engine, used[l], &engine->sorted[engine->lane_end[used[l]] - members],
			members, seal);
	}
}

static inline void run(
	struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count, bool seal)
{
	for (unsigned int i = 0; i < count; i += GW_CRYPTO_BATCH) {
		unsigned int batch = RTE_MIN(count - i, GW_CRYPTO_BATCH);
		uint16_t lane = only_lane(engine, ops + i, batch, seal);

		if (likely(lane != NO_LANE))
			run_lane(engine, lane, engine->sorted, batch, seal);
		else
			run_lanes(engine, ops + i, batch, seal);
	}
}

void gw_crypto_seal(struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count)
{
	run(engine, ops, count, true);
}

void gw_crypto_open(struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count)
{
	run(engine, ops, count, false);
}

void gw_crypto_seal_keeping_iv(
	struct gw_crypto_engine *engine, struct gw_crypto_op *ops, unsigned int count)
{
	engine->keep_iv = true;
	run(engine, ops, count, true);
	engine->keep_iv = false;
}
