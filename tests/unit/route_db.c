// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "route/db.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "nexthop.h"
#include "run.h"

#define MAX_ROUTES     8
#define MAX_NEIGHBOURS 4

static const char *const port_names[] = { "lan", "wan" };

struct bench {
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_route_db *db;
	unsigned int known_calls;
	struct gw_addr known;
	unsigned int changed_calls;
};

static int port_index(void *, const char *name)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(name, port_names[i]) == 0)
			return i;
	return -1;
}

static const char *port_name(void *, uint16_t port)
{
	return port < 2 ? port_names[port] : "?";
}

static void neighbour_known(void *ctx, uint16_t, const struct gw_addr *addr)
{
	struct bench *bench = ctx;

	bench->known_calls++;
	bench->known = *addr;
}

static void routes_changed(void *ctx)
{
	struct bench *bench = ctx;

	bench->changed_calls++;
}

static void bench_start(struct bench *bench)
{
	struct gw_route_db_options options = {
		.max_routes = MAX_ROUTES,
		.max_neighbours = MAX_NEIGHBOURS,
		.port_index = port_index,
		.port_name = port_name,
		.neighbour_known = neighbour_known,
		.routes_changed = routes_changed,
		.ctx = bench,
	};

	memset(bench, 0, sizeof(*bench));
	bench->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, 4096);
	ck_assert_int_eq(rte_rcu_qsbr_init(bench->qsbr, 1), 0);
	bench->reclaim = options.reclaim = gw_reclaim_new(bench->qsbr);
	bench->db = gw_route_db_new(&options, NULL);
	ck_assert_ptr_nonnull(bench->db);
}

static void bench_stop(struct bench *bench)
{
	gw_route_db_free(bench->db);
	gw_reclaim_free(bench->reclaim);
	free(bench->qsbr);
}

// One change as text. Words: "route|blackhole DESTINATION [via GATEWAY] [dev PORT] [metric N]",
// "neighbour ADDRESS dev PORT mac MAC", "address PREFIX dev PORT"; "+" or "-" in front, then "s"
// (static) or "k" (kernel).
struct parsed {
	struct gw_route_spec route;
	struct gw_neighbour_spec neighbour;
	struct gw_prefix prefix;
	enum gw_route_origin origin;
	uint32_t metric;
	char what[16];
	bool add;
};

static void parse_word(struct parsed *parsed, const char *key, const char *value)
{
	if (strcmp(key, "via") == 0)
		ck_assert(gw_addr_parse(value, &parsed->route.gateway));
	else if (strcmp(key, "dev") == 0)
		snprintf(parsed->route.port, sizeof(parsed->route.port), "%s", value);
	else if (strcmp(key, "mac") == 0)
		ck_assert(gw_mac_parse(value, parsed->neighbour.mac));
	else if (strcmp(key, "metric") == 0)
		parsed->metric = (uint32_t)atoi(value);
	else
		ck_abort_msg("%s", key);
}

static struct parsed parse(const char *text)
{
	struct parsed parsed = {};
	char sign, origin, subject[64], rest[160] = "", *save, *key;

	ck_assert_int_ge(sscanf(text, "%c%c %15s %63s %159[^\n]", &sign, &origin, parsed.what,
				 subject, rest),
		4);
	parsed.add = sign == '+';
	parsed.origin = origin == 'k' ? GW_ROUTE_KERNEL : GW_ROUTE_STATIC;
	ck_assert(gw_prefix_parse(subject, false, &parsed.prefix));
	for (key = strtok_r(rest, " ", &save); key; key = strtok_r(NULL, " ", &save))
		parse_word(&parsed, key, strtok_r(NULL, " ", &save));
	parsed.route.destination = parsed.prefix;
	if (strcmp(parsed.what, "blackhole") == 0)
		parsed.route.kind = GW_ROUTE_BLACKHOLE;
	parsed.neighbour.address = parsed.prefix.addr;
	memcpy(parsed.neighbour.port, parsed.route.port, sizeof(parsed.neighbour.port));
	return parsed;
}

static int stage(struct bench *bench, struct gw_txn *txn, const char *text, struct gw_error *err)
{
	struct parsed p = parse(text);
	int port = port_index(NULL, p.route.port);

	if (strcmp(p.what, "neighbour") == 0)
		return p.add ? gw_neighbour_add(bench->db, txn, &p.neighbour, p.origin, err)
			     : gw_neighbour_delete(bench->db, txn, &p.neighbour, p.origin, err);
	if (strcmp(p.what, "address") == 0)
		return p.add ? gw_port_address_add(
				       bench->db, txn, (uint8_t)port, &p.prefix, p.origin, err)
			     : gw_port_address_delete(
				       bench->db, txn, (uint8_t)port, &p.prefix, p.origin, err);
	return p.add ? gw_route_add(bench->db, txn, &p.route, p.origin, p.metric, err)
		     : gw_route_delete(bench->db, txn, &p.route, p.origin, p.metric, err);
}

static int apply(struct bench *bench, const char *text)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {};
	int rc = stage(bench, txn, text, &err);

	ck_assert_int_eq(err.code, -rc);
	ck_assert_msg(rc == 0 || err.text[0], "%s", text);
	gw_txn_commit(txn);
	return rc;
}

static const struct gw_nexthop *lookup(struct bench *bench, const char *text)
{
	struct gw_addr addr;
	const uint8_t *bytes = addr.bytes;
	const struct gw_nexthop *nexthop = NULL;

	ck_assert(gw_addr_parse(text, &addr));
	gw_fib_lookup(gw_route_db_fib(bench->db), addr.family, &bytes, 1, &nexthop);
	return nexthop;
}

static const char *answer(struct bench *bench, const char *text)
{
	return gw_test_nexthop(gw_route_db_fib(bench->db), port_names, text);
}

#define M1 "02:00:00:00:00:01"
#define M2 "02:00:00:00:00:02"

// "?ADDRESS" is a lookup, whose answer is in expect; anything else a change that has to give rc.
struct line {
	const char *text;
	const char *expect;
	int rc;
};

static const struct {
	const char *name;
	struct line lines[24];
} stories[] = {
	{
		.name = "a static address is local and its prefix connected",
		.lines = {
			{ "+s address 10.0.0.1/24 dev lan" },
			{ "?10.0.0.1", "local" }, { "?10.0.0.2", "lan resolve" },
			{ "?10.0.1.1", "none" },
			{ "-s address 10.0.0.1/24 dev lan" },
			{ "?10.0.0.1", "none" }, { "?10.0.0.2", "none" },
			{ "-s address 10.0.0.1/24 dev lan", .rc = -ENOENT },
		},
	},
	{
		.name = "a kernel address is local; the kernel's route says what is connected",
		.lines = {
			{ "+k address 10.0.0.1/24 dev lan" },
			{ "?10.0.0.1", "local" }, { "?10.0.0.2", "none" },
			{ "+k route 10.0.0.0/24 dev lan" },
			{ "?10.0.0.1", "local" }, { "?10.0.0.2", "lan resolve" },
			{ "-k route 10.0.0.0/24 dev lan" }, { "?10.0.0.2", "none" },
		},
	},
	{
		.name = "an address of both origins stays until both are gone",
		.lines = {
			{ "+k address 10.0.0.1/24 dev lan" }, { "+s address 10.0.0.1/24 dev lan" },
			{ "+s address 10.0.0.1/24 dev lan", .rc = -EEXIST },
			{ "-s address 10.0.0.1/24 dev lan" }, { "?10.0.0.1", "local" },
			{ "-k address 10.0.0.1/24 dev lan" }, { "?10.0.0.1", "none" },
		},
	},
	{
		.name = "a neighbour on link is forwarded to once it is known",
		.lines = {
			{ "+s address 10.0.0.1/24 dev lan" },
			{ "+k neighbour 10.0.0.5 dev lan mac " M1 },
			{ "?10.0.0.5", "lan " M1 }, { "?10.0.0.6", "lan resolve" },
			{ "+k neighbour 10.0.0.5 dev lan mac " M2 }, { "?10.0.0.5", "lan " M2 },
			{ "+s neighbour 10.0.0.5 dev lan mac " M1 }, { "?10.0.0.5", "lan " M1 },
			{ "-s neighbour 10.0.0.5 dev lan" }, { "?10.0.0.5", "lan " M2 },
			{ "-k neighbour 10.0.0.5 dev lan" }, { "?10.0.0.5", "lan resolve" },
			{ "-k neighbour 10.0.0.5 dev lan", .rc = -ENOENT },
		},
	},
	{
		.name = "a neighbour does not draw traffic that is routed elsewhere",
		.lines = {
			{ "+s address 10.0.0.1/24 dev lan" }, { "+s address 192.0.2.1/24 dev wan" },
			{ "+k neighbour 10.0.0.5 dev wan mac " M1 }, { "?10.0.0.5", "lan resolve" },
			{ "+k neighbour 198.51.100.1 dev wan mac " M1 }, { "?198.51.100.1", "none" },
			{ "+s route 198.51.100.0/24 via 192.0.2.2 dev wan" },
			{ "?198.51.100.1", "wan resolve 192.0.2.2" },
		},
	},
	{
		.name = "all routes through a gateway follow its neighbour",
		.lines = {
			{ "+s route 10.1.0.0/16 via 192.0.2.2 dev wan" },
			{ "+k route 10.2.0.0/16 via 192.0.2.2 dev wan metric 5" },
			{ "?10.1.0.1", "wan resolve 192.0.2.2" },
			{ "+k neighbour 192.0.2.2 dev wan mac " M1 },
			{ "?10.1.0.1", "wan " M1 }, { "?10.2.0.1", "wan " M1 },
			{ "+k neighbour 192.0.2.2 dev lan mac " M2 }, { "?10.1.0.1", "wan " M1 },
			{ "-k neighbour 192.0.2.2 dev wan" },
			{ "?10.2.0.1", "wan resolve 192.0.2.2" },
			{ "-s route 10.1.0.0/16 dev wan" }, { "?10.1.0.1", "none" },
			{ "?10.2.0.1", "wan resolve 192.0.2.2" },
		},
	},
	{
		.name = "static before kernel, then the lower metric, then the older",
		.lines = {
			{ "+k route 10.0.0.0/8 via 192.0.2.1 dev wan metric 1" },
			{ "+k route 10.0.0.0/8 via 192.0.2.2 dev wan" },
			{ "+k route 10.0.0.0/8 via 192.0.2.3 dev wan" },
			{ "?10.0.0.1", "wan resolve 192.0.2.2" },
			{ "+s route 10.0.0.0/8 dev lan metric 7" }, { "?10.0.0.1", "lan resolve" },
			{ "-s route 10.0.0.0/8 dev lan metric 7" },
			{ "-k route 10.0.0.0/8 via 192.0.2.2 dev wan" },
			{ "?10.0.0.1", "wan resolve 192.0.2.3" },
			{ "-k route 10.0.0.0/8 via 192.0.2.3 dev wan" },
			{ "?10.0.0.1", "wan resolve 192.0.2.1" },
		},
	},
	{
		.name = "one static route for a destination and metric",
		.lines = {
			{ "+s route 10.0.0.0/8 via 192.0.2.1 dev wan" },
			{ "+s route 10.0.0.0/8 via 192.0.2.2 dev wan", .rc = -EEXIST },
			{ "+s route 10.0.0.0/8 via 192.0.2.2 dev wan metric 1" },
			{ "-s route 10.0.0.0/8 via 192.0.2.9 dev wan", .rc = -ENOENT },
			{ "-k route 10.0.0.0/8 dev wan", .rc = -ENOENT },
			{ "-s route 10.0.0.0/8" }, { "?10.0.0.1", "wan resolve 192.0.2.2" },
		},
	},
	{
		.name = "kernel routes alike are one",
		.lines = {
			{ "+k route 10.0.0.0/8 via 192.0.2.1 dev wan" },
			{ "+k route 10.0.0.0/8 via 192.0.2.1 dev wan", .rc = -EEXIST },
			{ "+k route 10.0.0.0/8 via 192.0.2.1 dev lan" },
		},
	},
	{
		.name = "a blackhole drops, and gives way to longer routes",
		.lines = {
			{ "+s blackhole 10.0.0.0/8" }, { "+s route 10.1.0.0/16 dev lan" },
			{ "?10.2.0.1", "blackhole" }, { "?10.1.0.1", "lan resolve" },
			{ "+s blackhole ::/0" }, { "?2001:db8::1", "blackhole" },
			{ "-s blackhole 10.0.0.0/8" }, { "?10.2.0.1", "none" },
		},
	},
	{
		.name = "our own address wins over a host route",
		.lines = {
			{ "+s route 10.0.0.1/32 via 192.0.2.1 dev wan" },
			{ "+k address 10.0.0.1/24 dev lan" }, { "?10.0.0.1", "local" },
			{ "-k address 10.0.0.1/24 dev lan" },
			{ "?10.0.0.1", "wan resolve 192.0.2.1" },
		},
	},
	{
		.name = "link-local: not forwarded to, but a gateway on its own port",
		.lines = {
			{ "+s address fe80::a/64 dev wan" }, { "+s address fe80::a/64 dev lan" },
			{ "?fe80::a", "local" }, { "?fe80::1", "none" },
			{ "+k neighbour fe80::1 dev wan mac " M1 }, { "?fe80::1", "none" },
			{ "+k route ::/0 via fe80::1 dev wan metric 9" },
			{ "?2001:db8::1", "wan " M1 },
			{ "+k route ::/0 via fe80::1 dev lan metric 8" },
			{ "?2001:db8::1", "lan resolve fe80::1" },
			{ "-s address fe80::a/64 dev wan" }, { "?fe80::a", "local" },
		},
	},
	{
		.name = "host bits of a destination do not matter",
		.lines = {
			{ "+s route 10.1.2.3/8 dev lan" }, { "?10.9.9.9", "lan resolve" },
			{ "+s route 10.4.0.0/8 dev wan", .rc = -EEXIST },
			{ "-s route 10.0.0.0/8 dev lan" }, { "?10.9.9.9", "none" },
		},
	},
	{
		.name = "what cannot be",
		.lines = {
			{ "+s route 10.0.0.0/8 dev dmz", .rc = -ENODEV },
			{ "+s route 10.0.0.0/8 via 192.0.2.1", .rc = -EINVAL },
			{ "+s neighbour 10.0.0.1 dev dmz mac " M1, .rc = -ENODEV },
			{ "+s neighbour 10.0.0.1 dev lan mac 01:00:5e:00:00:01", .rc = -EINVAL },
			{ "+k neighbour 10.0.0.1 dev lan mac ff:ff:ff:ff:ff:ff", .rc = -EINVAL },
			{ "+k neighbour 10.0.0.1 dev lan mac 00:00:00:00:00:00", .rc = -EINVAL },
		},
	},
};

START_TEST(story)
{
	struct bench bench;

	bench_start(&bench);
	for (const struct line *line = stories[_i].lines; line->text; line++) {
		if (line->text[0] == '?')
			ck_assert_msg(strcmp(answer(&bench, line->text + 1), line->expect) == 0,
				"%s: %s: %s, not %s", stories[_i].name, line->text,
				answer(&bench, line->text + 1), line->expect);
		else
			ck_assert_msg(apply(&bench, line->text) == line->rc, "%s: %s",
				stories[_i].name, line->text);
	}
	bench_stop(&bench);
}
END_TEST

START_TEST(nothing_before_commit_and_nothing_after_abort)
{
	struct gw_error err = {};
	struct gw_txn *txn;
	struct bench bench;

	bench_start(&bench);
	ck_assert_int_eq(apply(&bench, "+s route 10.0.0.0/8 dev lan"), 0);
	ck_assert_int_eq(apply(&bench, "+k neighbour 10.0.0.9 dev lan mac " M1), 0);
	for (int round = 0; round < 3; round++) {
		txn = gw_txn_new();
		ck_assert_int_eq(stage(&bench, txn, "+s address 10.0.0.1/24 dev wan", &err), 0);
		ck_assert_int_eq(stage(&bench, txn, "-s route 10.0.0.0/8 dev lan", &err), 0);
		ck_assert_int_eq(
			stage(&bench, txn, "+s route 10.0.0.0/8 via 10.0.0.7 dev wan", &err), 0);
		ck_assert_int_eq(
			stage(&bench, txn, "+k neighbour 10.0.0.9 dev lan mac " M2, &err), 0);
		ck_assert_int_eq(
			stage(&bench, txn, "+k neighbour 10.0.0.8 dev lan mac " M2, &err), 0);
		ck_assert_int_eq(stage(&bench, txn, "-k neighbour 10.0.0.8 dev lan", &err), 0);
		ck_assert_str_eq(answer(&bench, "10.0.0.1"), "lan resolve");
		ck_assert_str_eq(answer(&bench, "10.0.0.9"), "lan " M1);
		if (round < 2)
			gw_txn_abort(txn);
		else
			gw_txn_commit(txn);
	}
	ck_assert_str_eq(answer(&bench, "10.0.0.1"), "local");
	ck_assert_str_eq(answer(&bench, "10.0.0.9"), "wan resolve");
	ck_assert_str_eq(answer(&bench, "10.1.0.9"), "wan resolve 10.0.0.7");
	bench_stop(&bench);
}
END_TEST

START_TEST(limits)
{
	struct bench bench;
	char text[80];

	bench_start(&bench);
	for (int i = 0; i < MAX_ROUTES; i++) {
		snprintf(text, sizeof(text), "+s route 10.%d.0.0/16 dev lan", i);
		ck_assert_int_eq(apply(&bench, text), 0);
	}
	ck_assert_int_eq(apply(&bench, "+s route 10.99.0.0/16 dev lan"), -ENOSPC);
	for (int i = 0; i < MAX_NEIGHBOURS; i++) {
		snprintf(text, sizeof(text), "+s neighbour 10.0.0.%d dev lan mac " M1, i);
		ck_assert_int_eq(apply(&bench, text), 0);
	}
	ck_assert_int_eq(apply(&bench, "+s neighbour 10.0.0.99 dev lan mac " M1), -ENOSPC);
	ck_assert_int_eq(apply(&bench, "+s neighbour 10.0.0.1 dev lan mac " M2), 0);
	ck_assert_int_eq(apply(&bench, "-s neighbour 10.0.0.0 dev lan"), 0);
	ck_assert_int_eq(apply(&bench, "+s neighbour 10.0.0.99 dev lan mac " M1), 0);
	ck_assert_str_eq(answer(&bench, "10.0.0.99"), "lan " M1);
	bench_stop(&bench);
}
END_TEST

START_TEST(callbacks)
{
	struct bench bench;
	struct gw_addr addr;
	uint8_t mac[6];

	bench_start(&bench);
	gw_addr_parse("10.0.0.5", &addr);
	ck_assert_int_eq(apply(&bench, "+s route 10.0.0.0/8 dev lan"), 0);
	ck_assert_uint_eq(bench.changed_calls, 1);
	ck_assert_int_eq(apply(&bench, "+s address 10.0.0.1/8 dev lan"), 0);
	ck_assert_uint_eq(bench.changed_calls, 2);
	ck_assert(!gw_neighbour_find(bench.db, 0, &addr, mac));
	ck_assert_int_eq(apply(&bench, "+k neighbour 10.0.0.5 dev lan mac " M2), 0);
	ck_assert_uint_eq(bench.known_calls, 1);
	ck_assert(gw_addr_equal(&bench.known, &addr));
	ck_assert(gw_neighbour_find(bench.db, 0, &addr, mac));
	ck_assert_int_eq(mac[5], 2);
	ck_assert(!gw_neighbour_find(bench.db, 1, &addr, mac));
	bench_stop(&bench);
}
END_TEST

static int ask(void *ctx, uint16_t port, const struct gw_addr *)
{
	unsigned int *asked = ctx;

	ck_assert_uint_eq(port, 0);
	(*asked)++;
	return 0;
}

START_TEST(stale_neighbours_are_asked_about_when_used)
{
	struct gw_neighbour_spec spec = { .port = "lan" };
	unsigned int asked = 0;
	struct bench bench;

	bench_start(&bench);
	gw_addr_parse("10.0.0.5", &spec.address);
	apply(&bench, "+s route 10.0.0.0/8 dev lan");
	apply(&bench, "+k neighbour 10.0.0.5 dev lan mac " M2);
	atomic_store(lookup(&bench, "10.0.0.5")->used, 1);
	gw_neighbour_ask_stale(bench.db, ask, &asked);
	ck_assert_uint_eq(asked, 0);
	gw_neighbour_set_stale(bench.db, 0, &spec.address, true);
	gw_neighbour_ask_stale(bench.db, ask, &asked);
	ck_assert_uint_eq(asked, 0);
	atomic_store(lookup(&bench, "10.0.0.5")->used, 1);
	gw_neighbour_ask_stale(bench.db, ask, &asked);
	ck_assert_uint_eq(asked, 1);
	atomic_store(lookup(&bench, "10.0.0.5")->used, 1);
	gw_neighbour_ask_stale(bench.db, ask, &asked);
	ck_assert_uint_eq(asked, 1);
	ck_assert(gw_neighbour_was_used(bench.db, &spec));
	ck_assert(!gw_neighbour_was_used(bench.db, &spec));
	bench_stop(&bench);
}
END_TEST

static int list_route(
	void *ctx, const struct gw_route_spec *spec, enum gw_route_origin origin, uint32_t metric)
{
	char destination[GW_ADDR_STRLEN + 4], gateway[GW_ADDR_STRLEN] = "-", *text = ctx;

	if (spec->gateway.family)
		gw_addr_format(&spec->gateway, gateway);
	sprintf(text + strlen(text), "%c%d %s %s %s %u;", origin == GW_ROUTE_KERNEL ? 'k' : 's',
		spec->kind, gw_prefix_format(&spec->destination, destination), gateway, spec->port,
		metric);
	return 0;
}

static int list_neighbour(
	void *ctx, const struct gw_neighbour_spec *spec, enum gw_route_origin origin)
{
	char address[GW_ADDR_STRLEN], mac[18], *text = ctx;

	sprintf(text + strlen(text), "%c %s %s %s;", origin == GW_ROUTE_KERNEL ? 'k' : 's',
		gw_addr_format(&spec->address, address), spec->port, gw_mac_format(spec->mac, mac));
	return 0;
}

static int list_address(
	void *ctx, uint16_t port, const struct gw_prefix *address, enum gw_route_origin origin)
{
	char prefix[GW_ADDR_STRLEN + 4], *text = ctx;

	sprintf(text + strlen(text), "%c %u %s;", origin == GW_ROUTE_KERNEL ? 'k' : 's', port,
		gw_prefix_format(address, prefix));
	return strcmp(prefix, "10.0.0.1/24") == 0 ? 0 : 17;
}

START_TEST(lists)
{
	char text[512] = "";
	struct bench bench;

	bench_start(&bench);
	apply(&bench, "+s address 10.0.0.1/24 dev lan");
	apply(&bench, "+k address 10.9.0.1/24 dev lan");
	apply(&bench, "+k address 10.8.0.1/24 dev lan");
	apply(&bench, "+s blackhole 10.0.0.0/8");
	apply(&bench, "+k route 2001:db8::/32 via fe80::1 dev wan metric 1024");
	apply(&bench, "+s neighbour 10.0.0.9 dev lan mac " M1);
	apply(&bench, "+k neighbour 10.0.0.9 dev lan mac " M2);
	gw_route_each(bench.db, list_route, text);
	ck_assert_str_eq(text, "s1 10.0.0.0/8 -  0;k0 2001:db8::/32 fe80::1 wan 1024;");
	text[0] = '\0';
	gw_neighbour_each(bench.db, list_neighbour, text);
	ck_assert_str_eq(text, "s 10.0.0.9 lan " M1 ";k 10.0.0.9 lan " M2 ";");
	text[0] = '\0';
	ck_assert_int_eq(gw_port_address_each(bench.db, list_address, text), 17);
	ck_assert_str_eq(text, "s 0 10.0.0.1/24;k 0 10.9.0.1/24;");
	bench_stop(&bench);
}
END_TEST

START_TEST(sources_and_local_set)
{
	struct gw_addr source;
	struct bench bench;

	bench_start(&bench);
	apply(&bench, "+k address fe80::1/64 dev wan");
	ck_assert(gw_local_source(gw_route_db_local(bench.db), 1, 6, &source));
	ck_assert_int_eq(source.bytes[0], 0xfe);
	apply(&bench, "+k address 2001:db8::1/64 dev wan");
	ck_assert(gw_local_source(gw_route_db_local(bench.db), 1, 6, &source));
	ck_assert_int_eq(source.bytes[0], 0x20);
	ck_assert(gw_local_contains(gw_route_db_local(bench.db), 6, source.bytes));
	apply(&bench, "-k address 2001:db8::1/64 dev wan");
	ck_assert(!gw_local_contains(gw_route_db_local(bench.db), 6, source.bytes));
	ck_assert(gw_local_source(gw_route_db_local(bench.db), 1, 6, &source));
	ck_assert_int_eq(source.bytes[0], 0xfe);
	ck_assert(!gw_local_source(gw_route_db_local(bench.db), 1, 4, &source));
	bench_stop(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route_db");
	TCase *tcase = tcase_create("db");

	tcase_add_loop_test(tcase, story, 0, sizeof(stories) / sizeof(stories[0]));
	tcase_add_test(tcase, nothing_before_commit_and_nothing_after_abort);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, callbacks);
	tcase_add_test(tcase, stale_neighbours_are_asked_about_when_used);
	tcase_add_test(tcase, lists);
	tcase_add_test(tcase, sources_and_local_set);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
