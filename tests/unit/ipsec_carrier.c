// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Which SA of a reqid carries a packet, while SAs with and without selectors come and go: against a
// list and gw_selector_matches. conformance: G4, G10

#include "ipsec/carrier.h"

#include <netinet/in.h>
#include <stdlib.h>

#define MAX_SAS 12
#include "ipsec_db_kit.h"
#include "run.h"

#define SAS   MAX_SAS
#define FLOWS 60
#define STEPS 400

static unsigned int seed;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)rand_r(&seed) % limit;
}

static struct gw_selector any_selector(void)
{
	struct gw_selector selector = {
		.source = { { 4, { 10, 0, 0, 0 } }, { 4, { 10, 0, 0, 255 } } },
		.destination = { { 4, { 10, 1, 1, 0 } }, { 4, { 10, 1, 1, 255 } } },
		.source_port = { 0, UINT16_MAX },
		.destination_port = { 0, UINT16_MAX },
	};

	if (below(2))
		selector.source.first.bytes[3] = selector.source.last.bytes[3] = (uint8_t)below(4);
	if (below(2)) {
		selector.protocol = IPPROTO_UDP;
		if (below(2))
			selector.destination_port.first = selector.destination_port.last =
				(uint16_t)below(3);
		else if (below(3) == 0)
			selector.source_port = (struct gw_port_range){ UINT16_MAX, 0 };
	}
	return selector;
}

static struct gw_flow any_flow(void)
{
	struct gw_flow flow = kit_flow(1);

	flow.source[3] = (uint8_t)below(4);
	flow.protocol = below(3) ? IPPROTO_UDP : IPPROTO_TCP;
	flow.ports_known = below(5) != 0;
	if (flow.ports_known)
		flow.destination_port = (uint16_t)below(3);
	return flow;
}

struct present {
	struct gw_sa_spec spec;
	uint32_t since;
};

static const struct present *model_find(
	const struct present *present, const struct gw_flow *flow, bool populated)
{
	const struct present *best = NULL;

	for (unsigned int i = 0; i < SAS; i++) {
		const struct gw_sa_selectors *selectors = &present[i].spec.selectors;
		bool matches = selectors->count == 0 && !populated;

		for (unsigned int s = 0; s < selectors->count; s++)
			matches |= gw_selector_matches(&selectors->items[s], flow);
		if (present[i].since && matches && (!best || present[i].since > best->since))
			best = &present[i];
	}
	return best;
}

static void check_all(const struct present *present, const struct gw_reqid *reqid,
	struct gw_carrier_cache *cache, const struct gw_flow *flows)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		bool populated = i % 2;
		const struct present *expected = model_find(present, &flows[i], populated);
		const struct gw_sa *sa = gw_carrier_find(reqid, cache, &flows[i], populated);

		ck_assert_ptr_eq(sa, expected ? find_sa(expected->spec) : NULL);
		ck_assert_ptr_eq(sa, gw_sa_carrier(kit.db, 1, &flows[i], populated));
	}
}

// rarely: how seldom an SA has selectors; the list comes and goes where few have.
START_TEST(agrees_with_the_model)
{
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	struct gw_carrier_cache *cache = gw_carrier_cache_new();
	struct present present[SAS] = {};
	struct gw_flow flows[FLOWS];
	const struct gw_reqid *reqid;

	seed = 100 + (unsigned int)_i;
	commit_policy(protect);
	reqid = find_policy(protect)->policy->carrier;
	for (unsigned int i = 0; i < FLOWS; i++)
		flows[i] = any_flow();
	for (uint32_t step = 1; step <= STEPS; step++) {
		struct present *one = &present[below(SAS)];

		if (one->since) {
			commit_delete(one->spec);
			one->since = 0;
		} else {
			one->spec = out_sa(0x1000 + step);
			one->spec.selectors.count =
				(uint8_t)(below(_i ? SAS : 2) == 0 ? 1 + below(3) : 0);
			for (unsigned int s = 0; s < one->spec.selectors.count; s++)
				one->spec.selectors.items[s] = any_selector();
			commit_sa(one->spec);
			one->since = step;
		}
		check_all(present, reqid, cache, flows);
		check_all(present, reqid, cache, flows); // remembered
		gw_reclaim_poll(kit.reclaim);
	}
	for (unsigned int i = 0; i < SAS; i++)
		if (present[i].since)
			commit_delete(present[i].spec);
	gw_carrier_cache_free(cache);
}
END_TEST

START_TEST(what_an_sa_should_have)
{
	struct gw_policy policy = { .populate = GW_POPULATE_SOURCE | GW_POPULATE_DESTINATION_PORT |
						GW_POPULATE_PROTOCOL };
	struct gw_policy_spec protect = kit_protect(GW_DIRECTION_OUT, 1, 1, 1);
	struct gw_flow flow = any_flow(), other, part;
	struct gw_selector wanted;

	policy.selector = protect.selector;
	flow.protocol = IPPROTO_UDP;
	flow.ports_known = 1;
	flow.source_port = 7;
	flow.destination_port = 53;
	wanted = gw_policy_wanted(&policy, &flow);
	ck_assert(gw_selector_matches(&wanted, &flow));
	ck_assert_uint_eq(wanted.protocol, IPPROTO_UDP);
	ck_assert(gw_port_range_any(&wanted.source_port));
	ck_assert_uint_eq(wanted.destination_port.first, 53);
	ck_assert_uint_eq(wanted.destination_port.last, 53);
	ck_assert_int_eq(gw_addr_compare(&wanted.source.first, &wanted.source.last), 0);
	ck_assert_int_ne(gw_addr_compare(&wanted.destination.first, &wanted.destination.last), 0);
	// What is not populated does not tell packets apart.
	other = flow;
	other.source_port = 8;
	other.destination[3] = 99;
	part = gw_flow_populated(&flow, policy.populate);
	other = gw_flow_populated(&other, policy.populate);
	ck_assert_mem_eq(&part, &other, sizeof(part));
	other.destination_port = 54;
	ck_assert_mem_ne(&part, &other, sizeof(part));
	// A packet that hides its ports wants an SA for those that do.
	flow.ports_known = flow.source_port = flow.destination_port = 0;
	wanted = gw_policy_wanted(&policy, &flow);
	ck_assert(gw_port_range_opaque(&wanted.destination_port));
	ck_assert(gw_selector_matches(&wanted, &flow));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_carrier");
	TCase *tcase = tcase_create("carrier");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, agrees_with_the_model, 0, 2);
	tcase_add_test(tcase, what_an_sa_should_have);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
