// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spd.h"

#include <errno.h>
#include <netinet/in.h>

#include "run.h"
#include "spd_kit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NONE         -1

#define MAX_POLICIES 12
#define MAX_FLOWS    20

struct question {
	struct flow_words flow;
	int answer; // index of a policy, or NONE
};

struct scene {
	const char *name;
	struct policy_words policies[MAX_POLICIES];
	struct question questions[MAX_FLOWS];
};

static const struct scene scenes[] = {
	{ .name = "an empty SPD decides nothing",
		.questions = { { { "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 1, 2 }, NONE } } },
	{ .name = "the lower priority wins, however general",
		.policies = { { "10.0.0.0/8", "10.0.0.0/8", .priority = 20 },
			{ NULL, NULL, .priority = 10 } },
		.questions = { { { "10.0.0.1", "10.0.0.2", IPPROTO_TCP, 1, 2 }, 1 } } },
	{ .name = "the more specific wins only by its priority",
		.policies = { { "10.0.0.0/8", NULL, .priority = 20 },
			{ "10.1.0.0/16", NULL, .priority = 10 },
			{ "10.1.1.0/24", NULL, .priority = 15 } },
		.questions = { { { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 1 },
			{ { "10.1.2.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 1 },
			{ { "10.2.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 0 },
			{ { "11.2.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, NONE } } },
	{ .name = "among equals the first one added wins",
		.policies = { { "10.0.0.0/9", NULL, .priority = 5 },
			{ "10.0.0.0/8", NULL, .priority = 5 },
			{ "10.0.0.0/8", NULL, .priority = 5 } },
		.questions = { { { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 0 },
			{ { "10.200.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 1 } } },
	{ .name = "an exception in a list of the same key",
		.policies = { { "10.0.0.0/8", NULL, IPPROTO_TCP, .destination_port = { 1, 1023 },
				      .priority = 30 },
			{ "10.0.0.0/8", NULL, IPPROTO_TCP, .destination_port = { 20, 25 },
				.priority = 10 },
			{ "10.0.0.0/8", NULL, IPPROTO_TCP, .priority = 40 },
			{ "10.0.0.0/8", NULL, IPPROTO_TCP, .destination_port = { 24, 30 },
				.priority = 20 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 22 }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 25 }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 26 }, 3 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 30 }, 3 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 31 }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 1 }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 0 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 9, 1024 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 9, 22 }, NONE } } },
	{ .name = "each interface has an SPD of its own",
		.policies = { { NULL, NULL, .priority = 1, .interface = 7 },
			{ NULL, NULL, .priority = 2 },
			{ "10.0.0.0/8", NULL, .priority = 3, .interface = 0x107 },
			{ "10.1.0.0/16", NULL, .priority = 1, .interface = 0x107 } },
		.questions = { { { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 1 },
			{ { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2, .interface = 7 }, 0 },
			{ { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2, .interface = 0x107 }, 3 },
			{ { "10.2.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2, .interface = 0x107 }, 2 },
			{ { "11.2.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2, .interface = 0x107 }, NONE },
			{ { "10.1.1.1", "1.1.1.1", IPPROTO_TCP, 1, 2, .interface = 0x207 },
				NONE } } },
	{ .name = "both ends of an address range",
		.policies = { { "10.0.0.5-10.0.2.9", "192.0.2.7-192.0.2.8", .priority = 1 } },
		.questions = { { { "10.0.0.4", "192.0.2.7", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "10.0.0.5", "192.0.2.7", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "10.0.0.255", "192.0.2.8", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "10.0.1.77", "192.0.2.8", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "10.0.2.9", "192.0.2.8", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "10.0.2.10", "192.0.2.8", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "10.0.1.77", "192.0.2.6", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "10.0.1.77", "192.0.2.9", IPPROTO_UDP, 1, 2 }, NONE } } },
	{ .name = "the ends of the address space",
		.policies = { { "0.0.0.0-0.0.0.0", NULL, .priority = 1 },
			{ "255.255.255.255", NULL, .priority = 1 },
			{ "0.0.0.1-255.255.255.254", NULL, .priority = 1 } },
		.questions = { { { "0.0.0.0", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "255.255.255.255", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "0.0.0.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 2 },
			{ { "255.255.255.254", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 2 },
			{ { "128.0.0.0", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 2 } } },
	{ .name = "adjacent ranges do not run into each other",
		.policies = { { "10.0.0.0-10.0.0.99", NULL, .priority = 5 },
			{ "10.0.0.100-10.0.0.199", NULL, .priority = 5 },
			{ "10.0.0.200-10.0.0.255", NULL, .priority = 5 } },
		.questions = { { { "10.0.0.99", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 0 },
			{ { "10.0.0.100", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "10.0.0.199", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "10.0.0.200", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 2 },
			{ { "10.0.1.0", "1.1.1.1", IPPROTO_UDP, 1, 2 }, NONE } } },
	{ .name = "source and destination are not the same",
		.policies = { { "10.0.1.0/24", "10.0.2.0/24", IPPROTO_UDP, { 5, 5 }, { 7, 7 },
			.priority = 1 } },
		.questions = { { { "10.0.1.1", "10.0.2.1", IPPROTO_UDP, 5, 7 }, 0 },
			{ { "10.0.2.1", "10.0.1.1", IPPROTO_UDP, 7, 5 }, NONE },
			{ { "10.0.1.1", "10.0.2.1", IPPROTO_UDP, 7, 5 }, NONE },
			{ { "10.0.2.1", "10.0.1.1", IPPROTO_UDP, 5, 7 }, NONE } } },
	{ .name = "protocols, and any",
		.policies = { { NULL, NULL, IPPROTO_TCP, .priority = 1 },
			{ NULL, NULL, IPPROTO_GRE, .priority = 2 },
			{ NULL, "192.0.2.0/24", .priority = 3 } },
		.questions = { { { "10.0.0.1", "192.0.2.1", IPPROTO_TCP, 1, 2 }, 0 },
			{ { "10.0.0.1", "192.0.2.1", IPPROTO_GRE }, 1 },
			{ { "10.0.0.1", "192.0.2.1", IPPROTO_UDP, 1, 2 }, 2 },
			{ { "10.0.0.1", "192.0.2.1", 255 }, 2 },
			{ { "10.0.0.1", "192.0.2.1", 0 }, 2 },
			{ { "10.0.0.1", "192.0.3.1", IPPROTO_UDP, 1, 2 }, NONE } } },
	{ .name = "one port is exact, a range has two ends, any has none",
		.policies = { { NULL, NULL, IPPROTO_UDP, .destination_port = { 500, 500 },
				      .priority = 1 },
			{ NULL, NULL, IPPROTO_UDP, .source_port = { 500, 500 }, .priority = 2 },
			{ NULL, NULL, IPPROTO_UDP, { 1000, 2000 }, { 3000, 4000 }, .priority = 3 },
			{ NULL, NULL, IPPROTO_UDP, { 0, 65534 }, { 65535, 65535 },
				.priority = 4 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 500, 500 }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 500, 501 }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 499, 501 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 1000, 4000 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 2000, 3000 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 999, 3000 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 2001, 3000 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 1000, 4001 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 65534, 65535 }, 3 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 65535, 65535 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 500, 500 }, NONE } } },
	{ .name = "OPAQUE ports match OPAQUE, which no port does",
		.policies = { { NULL, NULL, IPPROTO_UDP, .source_port = { 65535, 0 }, .priority = 1 }, { NULL, "1.1.1.0/24", .source_port = { 65535, 0 }, .destination_port = { 65535, 0 }, .priority = 2 }, { NULL, "1.1.1.0/24", .priority = 3 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, .opaque = true }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 0, 0 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 65535, 0 }, 2 },
			{ { "10.0.0.1", "2.1.1.1", IPPROTO_UDP, 65535, 65535 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_GRE, .opaque = true }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_TCP, 1, 2 }, 2 } } },
	{ .name = "a protocol that cannot be seen matches OPAQUE and ANY",
		.policies = { { "2001:db8::/32", NULL, 255, .priority = 1 },
			{ "2001:db8::/32", NULL, IPPROTO_TCP, .priority = 2 },
			{ "2001:db8::/32", "2001:db8:1::/48", .priority = 3 } },
		.questions = { { { "2001:db8::1", "2001:db8:1::1", 255, .opaque = true }, 0 },
			{ { "2001:db8::1", "2001:db8:1::1", IPPROTO_TCP, .opaque = true }, 1 },
			{ { "2001:db8::1", "2001:db8:1::1", IPPROTO_UDP, .opaque = true }, 2 } } },
	{ .name = "OPAQUE ports match ANY, and port 0 is a port",
		.policies = { { NULL, NULL, IPPROTO_UDP, { 0, 0 }, { 0, 0 }, .exact_zero = true,
				      .priority = 1 },
			{ NULL, NULL, IPPROTO_UDP, .destination_port = { 0, 65534 },
				.priority = 2 },
			{ NULL, "1.1.1.0/24", IPPROTO_UDP, .priority = 3 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 0, 0 }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 0, 1 }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 0, 65535 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 0, 0, .opaque = true }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 77, 88, .opaque = true }, 2 },
			{ { "10.0.0.1", "2.1.1.1", IPPROTO_UDP, 0, 0, .opaque = true }, NONE } } },
	{ .name = "type and code of ICMP stand where ports would",
		.policies = { { NULL, NULL, IPPROTO_ICMP, { 8, 8 }, .priority = 1 },
			{ NULL, NULL, IPPROTO_ICMP, { 3, 3 }, { 4, 4 }, .priority = 2 },
			{ NULL, NULL, IPPROTO_ICMP, { 3, 3 }, { 0, 3 }, .exact_zero = true,
				.priority = 3 },
			{ NULL, "2001:db8::/32", IPPROTO_ICMPV6, { 133, 137 }, .priority = 4 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 8, 0 }, 0 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 0, 0 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 3, 4 }, 1 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 3, 3 }, 2 },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 3, 5 }, NONE },
			{ { "10.0.0.1", "1.1.1.1", IPPROTO_ICMP, 8, 0, .opaque = true }, NONE },
			{ { "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 135, 0 }, 3 },
			{ { "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 138, 0 }, NONE } } },
	{ .name = "the best of a shape improves when a better policy comes",
		.policies = { { "10.1.1.0/24", NULL, .priority = 30 },
			{ "10.0.0.0/16", NULL, .priority = 10 },
			{ "10.0.1.0/24", NULL, .priority = 5 } },
		.questions = { { { "10.0.1.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 2 },
			{ { "10.0.2.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "10.1.1.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 0 } } },
	{ .name = "a worse match in a shape visited later changes nothing",
		.policies = { { "10.1.1.0/24", NULL, .priority = 1 },
			{ "10.0.1.0/24", NULL, .priority = 10 },
			{ "10.9.0.0/16", NULL, .priority = 5 },
			{ "10.0.0.0/16", NULL, .priority = 20 } },
		.questions = { { { "10.0.1.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "10.0.2.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 3 } } },
	{ .name = "a better match in a shape visited later decides",
		.policies = { { "10.1.1.0/24", NULL, .priority = 1 },
			{ "10.0.1.0/24", NULL, .priority = 20 },
			{ "10.9.0.0/16", NULL, .priority = 5 },
			{ "10.0.0.0/16", NULL, .priority = 10 } },
		.questions = { { { "10.0.1.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 3 },
			{ { "10.1.1.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 0 } } },
	{ .name = "families never mix",
		.policies = { { "::/0", "::/0", .priority = 1 },
			{ "10.0.0.0/8", NULL, .priority = 2 } },
		.questions = { { { "10.0.0.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, 1 },
			{ { "11.0.0.1", "1.1.1.1", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "a00:1::", "101:101::", IPPROTO_UDP, 1, 2 }, 0 } } },
	{ .name = "IPv4's any does not cover IPv6, nor the same leading bytes",
		.policies = { { "0.0.0.0/0", "0.0.0.0/0", .priority = 1 },
			{ "10.0.0.0/8", NULL, .priority = 0 } },
		.questions = { { { "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "a00:1::", "101:101::", IPPROTO_UDP, 1, 2 }, NONE },
			{ { "::", "::", IPPROTO_UDP, 1, 2 }, NONE } } },
	{ .name = "IPv6 prefixes and ranges",
		.policies = { { "2001:db8::5-2001:db8::1:3", "2001:db8:1::/48", .priority = 2 },
			{ "2001:db8::/32", "2001:db8:1:2:3:4:5:6", .priority = 1 },
			{ "::/0", "8000::/1", .priority = 3 } },
		.questions = { { { "2001:db8::5", "2001:db8:1::9", IPPROTO_TCP, 1, 2 }, 0 },
			{ { "2001:db8::4", "2001:db8:1::9", IPPROTO_TCP, 1, 2 }, NONE },
			{ { "2001:db8::1:3", "2001:db8:1::9", IPPROTO_TCP, 1, 2 }, 0 },
			{ { "2001:db8::1:4", "2001:db8:1::9", IPPROTO_TCP, 1, 2 }, NONE },
			{ { "2001:db8::ffff", "2001:db8:1:2:3:4:5:6", IPPROTO_TCP, 1, 2 }, 1 },
			{ { "2001:db8::1:4", "2001:db8:1:2:3:4:5:7", IPPROTO_TCP, 1, 2 }, NONE },
			{ { "::", "ffff::", IPPROTO_TCP, 1, 2 }, 2 },
			{ { "::", "7fff::", IPPROTO_TCP, 1, 2 }, NONE } } },
};

static unsigned int policy_count(const struct scene *scene)
{
	unsigned int count = 0;

	while (count < MAX_POLICIES &&
		(scene->policies[count].source || scene->policies[count].destination ||
			scene->policies[count].priority))
		count++;
	return count;
}

static int index_of(const struct gw_policy *policy, const struct gw_policy *policies)
{
	return policy ? (int)(policy - policies) : NONE;
}

static void ask(const struct scene *scene, const struct gw_spd *spd, struct gw_flow_cache *cache,
	const struct gw_policy *policies)
{
	for (unsigned int i = 0; i < MAX_FLOWS && scene->questions[i].flow.source; i++) {
		const struct question *question = &scene->questions[i];
		struct gw_flow flow = flow_from(&question->flow);
		int answer = index_of(look_up_one(spd, cache, &flow), policies);

		if (answer != question->answer)
			ck_abort_msg("%s: flow %u meets policy %d, not %d", scene->name, i, answer,
				question->answer);
	}
}

// The definition itself is held against the scenes, because the models trust it.
static void ask_definition(const struct scene *scene, const struct gw_policy *policies)
{
	unsigned int count = policy_count(scene);

	for (unsigned int i = 0; i < MAX_FLOWS && scene->questions[i].flow.source; i++) {
		struct gw_flow flow = flow_from(&scene->questions[i].flow);
		int best = NONE;

		for (unsigned int p = 0; p < count; p++)
			if (policies[p].interface == flow.interface &&
				gw_selector_matches(&policies[p].selector, &flow) &&
				(best == NONE || policies[p].priority < policies[best].priority))
				best = (int)p;
		ck_assert_msg(best == scene->questions[i].answer, "%s: flow %u", scene->name, i);
	}
}

START_TEST(scenes_are_decided_rightly)
{
	const struct scene *scene = &scenes[_i];
	const unsigned int count = policy_count(scene);
	struct gw_policy policies[MAX_POLICIES];
	struct gw_flow_cache *cache = gw_flow_cache_new(64);
	struct spd_kit kit;

	for (unsigned int i = 0; i < count; i++)
		policy_from(&scene->policies[i], i, &policies[i]);
	ask_definition(scene, policies);
	spd_kit_open(&kit, 64);
	// In both orders: what was inserted first must not matter.
	for (unsigned int backwards = 0; backwards < 2; backwards++) {
		for (unsigned int i = 0; i < count; i++) {
			struct gw_policy *policy = &policies[backwards ? count - 1 - i : i];

			ck_assert_int_eq(gw_spd_insert(kit.spd, policy), 0);
		}
		ask(scene, kit.spd, NULL, policies);
		ask(scene, kit.spd, cache, policies);
		ask(scene, kit.spd, cache, policies);
		for (unsigned int i = 0; i < count; i++)
			gw_spd_remove(kit.spd, &policies[i]);
		for (unsigned int i = 0; i < MAX_FLOWS && scene->questions[i].flow.source; i++) {
			struct gw_flow flow = flow_from(&scene->questions[i].flow);

			ck_assert_ptr_null(look_up_one(kit.spd, cache, &flow));
			ck_assert_ptr_null(look_up_one(kit.spd, NULL, &flow));
		}
	}
	spd_kit_close(&kit);
	gw_flow_cache_free(cache);
}
END_TEST

START_TEST(a_vector_is_decided_flow_by_flow)
{
	enum { VECTOR = 256 };
	static struct gw_flow flows[VECTOR];
	const struct gw_flow *pointers[VECTOR];
	const struct gw_policy *answers[VECTOR];
	struct gw_flow_cache *cache = gw_flow_cache_new(64);
	struct gw_policy policies[3];
	struct spd_kit kit;

	policy_from(&(struct policy_words){ "10.0.0.0/25", NULL, .priority = 1 }, 0, &policies[0]);
	policy_from(&(struct policy_words){ "10.0.0.64-10.0.0.200", NULL, .priority = 2 }, 1,
		&policies[1]);
	policy_from(
		&(struct policy_words){ "2001:db8::/32", NULL, .priority = 0 }, 2, &policies[2]);
	spd_kit_open(&kit, 64);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(gw_spd_insert(kit.spd, &policies[i]), 0);
	for (unsigned int i = 0; i < VECTOR; i++) {
		flows[i] = tcp_flow("10.0.0.0", "1.1.1.1", 1, 2);
		flows[i].source[3] = (uint8_t)i;
		if (i % 5 == 0)
			flows[i] = tcp_flow("2001:db8::1", "2001:db8::2", 1, 2);
		pointers[i] = &flows[i];
	}
	for (unsigned int count = 0; count <= VECTOR; count++) {
		struct gw_flow_cache *used = count % 3 ? cache : NULL;

		memset(answers, 0xa5, sizeof(answers));
		gw_spd_lookup(kit.spd, used, pointers, count, answers);
		for (unsigned int i = 0; i < count; i++) {
			int expected = i % 5 == 0 ? 2 : i < 128 ? 0 : i <= 200 ? 1 : NONE;

			if (index_of(answers[i], policies) != expected)
				ck_abort_msg("flow %u of %u", i, count);
		}
		if (count < VECTOR)
			ck_assert_uint_eq((uintptr_t)answers[count], UINT64_C(0xa5a5a5a5a5a5a5a5));
	}
	spd_kit_close(&kit);
	gw_flow_cache_free(cache);
}
END_TEST

// conformance: G4
// One flow, one line: every change of the SPD must be seen through a warm cache.
START_TEST(a_change_is_seen_through_the_cache)
{
	struct gw_flow_cache *cache = gw_flow_cache_new(1);
	struct gw_flow flow = tcp_flow("10.0.0.1", "1.1.1.1", 1, 2);
	struct gw_flow other = tcp_flow("10.0.0.1", "1.1.1.1", 1, 3);
	struct gw_policy general, special;
	struct spd_kit kit;

	policy_from(&(struct policy_words){ NULL, NULL, .priority = 9 }, 0, &general);
	policy_from(&(struct policy_words){ NULL, NULL, IPPROTO_TCP, .destination_port = { 2, 2 },
			    .priority = 1 },
		1, &special);
	spd_kit_open(&kit, 64);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(look_up_one(kit.spd, cache, &flow));
		ck_assert_ptr_null(look_up_one(kit.spd, cache, &flow));
		ck_assert_int_eq(gw_spd_insert(kit.spd, &general), 0);
		ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &general);
		ck_assert_int_eq(gw_spd_insert(kit.spd, &special), 0);
		ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &special);
		// Two flows on one line.
		ck_assert_ptr_eq(look_up_one(kit.spd, cache, &other), &general);
		ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &special);
		gw_spd_remove(kit.spd, &special);
		ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &general);
		gw_spd_remove(kit.spd, &general);
		ck_assert_ptr_null(look_up_one(kit.spd, cache, &flow));
		gw_reclaim_poll(kit.reclaim);
	}
	spd_kit_close(&kit);
	gw_flow_cache_free(cache);
}
END_TEST

START_TEST(changes_between_begin_and_commit_come_together)
{
	struct gw_flow_cache *cache = gw_flow_cache_new(64);
	struct gw_flow flow = tcp_flow("10.0.0.1", "1.1.1.1", 1, 2);
	struct gw_policy before, after, never;
	struct spd_kit kit;

	policy_from(&(struct policy_words){ NULL, NULL, .priority = 5 }, 0, &before);
	policy_from(&(struct policy_words){ "10.0.0.0/8", NULL, .priority = 7 }, 1, &after);
	policy_from(&(struct policy_words){ "10.0.0.0/9", NULL, .priority = 1 }, 2, &never);
	spd_kit_open(&kit, 64);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &before), 0);
	gw_spd_begin(kit.spd);
	gw_spd_remove(kit.spd, &before);
	ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &before);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &after), 0);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &never), 0);
	ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &before);
	gw_spd_remove(kit.spd, &never);
	gw_reclaim_poll(kit.reclaim);
	ck_assert_ptr_eq(look_up_one(kit.spd, NULL, &flow), &before);
	gw_spd_commit(kit.spd);
	ck_assert_ptr_eq(look_up_one(kit.spd, cache, &flow), &after);
	gw_reclaim_poll(kit.reclaim);
	ck_assert_ptr_eq(look_up_one(kit.spd, NULL, &flow), &after);
	// Open when it is freed: nothing may be lost.
	gw_spd_begin(kit.spd);
	gw_spd_remove(kit.spd, &after);
	spd_kit_close(&kit);
	gw_flow_cache_free(cache);
}
END_TEST

struct cost {
	const char *source;
	const char *destination;
	int expected;
};

static const struct cost costs[] = {
	{ "10.0.0.0/8", "0.0.0.0/0", 1 },
	{ "10.0.0.1", "10.0.0.2", 1 },
	{ "10.0.0.1-10.0.0.6", "10.0.0.2", 4 },
	{ "10.0.0.1-10.0.0.6", "10.0.0.1-10.0.0.6", 16 },
	{ "0.0.0.1-255.255.255.254", "10.0.0.2", 62 },
	{ "0.0.0.1-255.255.255.254", "0.0.0.1-255.255.255.254", 62 * 62 },
	{ "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "::/0", 254 },
	{ "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		"::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", -E2BIG },
};

START_TEST(cost_is_what_a_policy_takes)
{
	const struct cost *row = &costs[_i];
	struct gw_error err = {};
	struct gw_policy policy;
	struct spd_kit kit;

	policy_from(
		&(struct policy_words){ row->source, row->destination, .priority = 1 }, 0, &policy);
	ck_assert_int_eq(gw_spd_cost(&policy.selector, &err), row->expected);
	ck_assert_int_eq(err.code, row->expected < 0 ? E2BIG : 0);
	ck_assert(row->expected > 0 || strstr(err.text, "254 and 254"));
	spd_kit_open(&kit, 0);
	ck_assert_uint_ge(gw_spd_capacity(kit.spd), GW_SPD_MAX_COST);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &policy), row->expected < 0 ? -E2BIG : 0);
	gw_spd_remove(kit.spd, &policy);
	spd_kit_close(&kit);
}
END_TEST

// Fills the table, finds it full, and finds room again as soon as something goes.
START_TEST(the_capacity_is_there_and_no_more)
{
	const uint32_t wide_cost = 62 * 62;
	struct gw_policy *policies, wide;
	struct spd_kit kit;
	uint32_t capacity;

	policy_from(&(struct policy_words){ "0.0.0.1-255.255.255.254", "0.0.0.1-255.255.255.254",
			    .priority = 1 },
		0, &wide);
	spd_kit_open(&kit, 10);
	capacity = gw_spd_capacity(kit.spd);
	policies = calloc(capacity + 1, sizeof(*policies));
	for (uint32_t i = 0; i <= capacity; i++) {
		policy_from(&(struct policy_words){ "10.0.0.0", NULL, .priority = i + 2 }, i + 1,
			&policies[i]);
		policies[i].selector.source.first.bytes[1] = (uint8_t)(i >> 16);
		policies[i].selector.source.first.bytes[2] = (uint8_t)(i >> 8);
		policies[i].selector.source.first.bytes[3] = (uint8_t)i;
		policies[i].selector.source.last = policies[i].selector.source.first;
	}
	for (unsigned int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < capacity; i++)
			if (gw_spd_insert(kit.spd, &policies[i]) != 0)
				ck_abort_msg("no room for policy %u of %u", i, capacity);
		ck_assert_int_eq(gw_spd_insert(kit.spd, &policies[capacity]), -ENOSPC);
		ck_assert_int_eq(gw_spd_insert(kit.spd, &wide), -ENOSPC);
		for (uint32_t i = 0; i < capacity; i++) {
			struct gw_flow flow = tcp_flow("10.0.0.0", "1.1.1.1", 1, 2);

			memcpy(flow.source, policies[i].selector.source.first.bytes, 4);
			if (look_up_one(kit.spd, NULL, &flow) != &policies[i])
				ck_abort_msg("policy %u is lost", i);
		}
		for (uint32_t i = 0; i < wide_cost; i++)
			gw_spd_remove(kit.spd, &policies[i]);
		ck_assert_int_eq(gw_spd_insert(kit.spd, &wide), 0);
		gw_spd_remove(kit.spd, &wide);
		for (uint32_t i = wide_cost; i < capacity; i++)
			gw_spd_remove(kit.spd, &policies[i]);
	}
	spd_kit_close(&kit);
	free(policies);
}
END_TEST

START_TEST(a_policy_that_is_not_there_is_left_alone)
{
	struct gw_policy policy;
	struct spd_kit kit;

	policy_from(&(struct policy_words){ NULL, NULL, .priority = 5 }, 0, &policy);
	spd_kit_open(&kit, 4);
	gw_spd_remove(kit.spd, &policy);
	ck_assert_int_eq(gw_spd_insert(kit.spd, &policy), 0);
	gw_spd_remove(kit.spd, &policy);
	gw_spd_remove(kit.spd, &policy);
	spd_kit_close(&kit);
}
END_TEST

START_TEST(too_many_policies_are_refused_with_a_remedy)
{
	struct gw_error err = {};
	struct spd_kit kit;

	spd_kit_open(&kit, 1);
	ck_assert_ptr_null(gw_spd_new("spd_huge", UINT32_MAX, kit.qsbr, kit.reclaim, &err));
	ck_assert_int_eq(err.code, ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "limits.policies"));
	spd_kit_close(&kit);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_spd");
	TCase *tcase = tcase_create("spd");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, scenes_are_decided_rightly, 0, COUNT(scenes));
	tcase_add_test(tcase, a_vector_is_decided_flow_by_flow);
	tcase_add_test(tcase, a_change_is_seen_through_the_cache);
	tcase_add_test(tcase, changes_between_begin_and_commit_come_together);
	tcase_add_loop_test(tcase, cost_is_what_a_policy_takes, 0, COUNT(costs));
	tcase_add_test(tcase, the_capacity_is_there_and_no_more);
	tcase_add_test(tcase, a_policy_that_is_not_there_is_left_alone);
	tcase_add_test(tcase, too_many_policies_are_refused_with_a_remedy);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
