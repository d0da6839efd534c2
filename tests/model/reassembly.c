// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Random fragments of a few datagrams against a model that marks bytes one by one. The table is
// large enough that nothing has to make way. conformance: I4

#include "net/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "run.h"

#define DATAGRAMS 6
#define UNITS     12  // of a datagram at most
#define UNIT      256 // bytes
#define STEPS     200000
#define TIMEOUT   400

// What a datagram is made of so far: for each unit the number of the fragment that holds it.
static struct model {
	bool known, given_up;
	uint64_t deadline;
	int holder[UNITS];
	struct {
		uint32_t first, count;
		bool last;
	} pieces[UNITS];
	int piece_count;
	uint32_t end; // units; 0: not known
} models[DATAGRAMS];
static uint32_t random_state = 1;
static unsigned int expected_released, released;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static void release(void *, void *, enum gw_reassembly_verdict)
{
	released++;
}

static enum gw_reassembly_verdict model_give_up(struct model *model)
{
	expected_released += (unsigned int)model->piece_count;
	model->piece_count = 0;
	model->given_up = true;
	return GW_REASSEMBLY_OVERLAP;
}

static enum gw_reassembly_verdict model_add(
	struct model *model, uint32_t first, uint32_t units, bool last, uint64_t now)
{
	uint32_t held = 0;

	if (!model->known) {
		memset(model, 0, sizeof(*model));
		memset(model->holder, -1, sizeof(model->holder));
		model->known = true;
		model->deadline = now + TIMEOUT;
	}
	if (model->given_up)
		return GW_REASSEMBLY_OVERLAP;
	for (int i = 0; i < model->piece_count; i++)
		if (model->pieces[i].first == first && model->pieces[i].count == units &&
			model->pieces[i].last == last)
			return GW_REASSEMBLY_DUPLICATE;
	for (uint32_t u = first; u < first + units; u++)
		if (model->holder[u] >= 0)
			return model_give_up(model);
	if (model->end && (last || first + units > model->end))
		return model_give_up(model);
	for (uint32_t u = first + units; last && u < UNITS; u++)
		if (model->holder[u] >= 0)
			return model_give_up(model);
	for (uint32_t u = first; u < first + units; u++)
		model->holder[u] = model->piece_count;
	model->pieces[model->piece_count].first = first;
	model->pieces[model->piece_count].count = units;
	model->pieces[model->piece_count++].last = last;
	if (last)
		model->end = first + units;
	while (held < UNITS && model->holder[held] >= 0)
		held++;
	if (!model->end || held < model->end)
		return GW_REASSEMBLY_HELD;
	model->known = false;
	return GW_REASSEMBLY_COMPLETE;
}

static void model_expire(uint64_t now)
{
	for (int d = 0; d < DATAGRAMS; d++) {
		if (!models[d].known || models[d].deadline > now)
			continue;
		expected_released += (unsigned int)models[d].piece_count;
		models[d].known = false;
	}
}

// The pieces come back in the order of their offsets, which their pointers tell.
static void check_order(void *const *packets, unsigned int count, const struct model *model)
{
	ck_assert_uint_eq(count, (unsigned int)model->piece_count);
	for (unsigned int i = 1; i < count; i++)
		ck_assert((char *)packets[i - 1] < (char *)packets[i]);
}

START_TEST(agrees)
{
	struct gw_reassembly_options options = { 4096, UNITS * UNIT, TIMEOUT };
	struct gw_reassembly *table = gw_reassembly_new(&options);
	unsigned int seen[GW_REASSEMBLY_TIMEOUT] = {};
	static char places[UNITS];
	uint64_t now = 1;

	ck_assert_ptr_nonnull(table);
	for (unsigned int step = 0; step < STEPS; step++) {
		uint32_t d = pick(DATAGRAMS), first, units, waiting = 0;
		void *packets[GW_REASSEMBLY_PIECES];
		struct gw_reassembly_fragment fragment = { .key = { .id = d }, .hash = d % 2 };
		enum gw_reassembly_verdict verdict, expected;
		unsigned int count = 0;
		bool last;

		// Mostly aligned, so that datagrams get complete now and then.
		first = pick(8) ? pick(UNITS / 3) * 3 : pick(UNITS);
		units = pick(8) && first + 3 <= UNITS ? 3 : 1 + pick(UNITS - first);
		last = first + units == UNITS ? pick(20) : !pick(30);
		now += pick(4);
		model_expire(now);
		fragment.offset = first * UNIT;
		fragment.bytes = units * UNIT;
		fragment.last = last;
		fragment.packet = &places[first];
		expected = model_add(&models[d], first, units, last, now);
		verdict = gw_reassembly_add(table, &fragment, now, release, NULL, packets, &count);
		ck_assert_msg(
			verdict == expected, "step %u: %d, expected %d", step, verdict, expected);
		if (verdict == GW_REASSEMBLY_COMPLETE)
			check_order(packets, count, &models[d]);
		ck_assert_uint_eq(released, expected_released);
		for (int i = 0; i < DATAGRAMS; i++)
			waiting += models[i].known ? (uint32_t)models[i].piece_count : 0;
		ck_assert_uint_eq(gw_reassembly_waiting(table), waiting);
		seen[verdict]++;
	}
	// Each verdict that can be met here was met often.
	ck_assert_uint_gt(seen[GW_REASSEMBLY_COMPLETE], STEPS / 1000);
	ck_assert_uint_gt(seen[GW_REASSEMBLY_DUPLICATE], STEPS / 1000);
	ck_assert_uint_gt(seen[GW_REASSEMBLY_OVERLAP], STEPS / 1000);
	gw_reassembly_free(table, release, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reassembly");
	TCase *tcase = tcase_create("model");

	tcase_add_test(tcase, agrees);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
