// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Which ICMP errors about the length of a packet an SA believes, and for how long. conformance: I5

#include "ipsec/path_mtu.h"

#include <netinet/in.h>
#include <stdatomic.h>

#include "ipsec_kit.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

#define SPI    0x01020304u
#define RECENT GW_PATH_MTU_RECENT
#define SECOND UINT64_C(1000000000)

static struct gw_sa *make(const struct gw_sa_spec *spec)
{
	struct gw_error err = {};
	struct gw_sa *sa = gw_sa_new(spec, KIT_WORKERS, &err);

	ck_assert_msg(sa, "%s", err.text);
	return sa;
}

// An error and the SA it may be about.
static const struct doubt {
	const char *what;
	uint64_t used;
	uint32_t sequence;
	bool six, udp, esn, inbound, other_spi, other_source, other_destination, other_family;
	uint8_t protocol;       // 0: the SA's
	uint16_t port_distance; // of the source port
	bool believed;
} doubts[] = {
	{ .what = "the latest", 1000, 1000, .believed = true },
	{ .what = "the first", 1000, 1, .believed = true },
	{ .what = "none was sent", 0, 0 },
	{ .what = "number 0", 1000, 0 },
	{ .what = "one not sent yet", 1000, 1001 },
	{ .what = "far ahead", 1000, 0x80000000 },
	{ .what = "the oldest recent one", RECENT + 500, 501, .believed = true },
	{ .what = "older than recent", RECENT + 500, 500 },
	{ .what = "the lower half has wrapped",
		UINT64_C(0x200000005),
		0xfffffff0,
		.esn = true,
		.believed = true },
	{ .what = "beyond the last number", UINT64_C(0x100000005), 0xffffffff, .believed = true },
	{ .what = "another SPI", 1000, 1000, .other_spi = true },
	{ .what = "another source", 1000, 1000, .other_source = true },
	{ .what = "another destination", 1000, 1000, .other_destination = true },
	{ .what = "another family", 1000, 1000, .other_family = true },
	{ .what = "another protocol", 1000, 1000, .protocol = IPPROTO_AH },
	{ .what = "UDP where ESP is bare", 1000, 1000, .protocol = IPPROTO_UDP },
	{ .what = "an inbound SA", 1000, 1000, .inbound = true },
	{ .what = "IPv6", 1000, 1000, .six = true, .believed = true },
	{ .what = "IPv6, another source", 1000, 1000, .six = true, .other_source = true },
	{ .what = "in UDP", 1000, 1000, .udp = true, .believed = true },
	{ .what = "in UDP, another port", 1000, 1000, .udp = true, .port_distance = 1 },
	{ .what = "bare where ESP is in UDP", 1000, 1000, .udp = true, .protocol = IPPROTO_ESP },
};

START_TEST(only_our_own_recent_packets_count)
{
	const struct doubt *d = &doubts[_i];
	struct gw_sa_spec spec = kit_sa(d->inbound ? GW_DIRECTION_IN : GW_DIRECTION_OUT, SPI, 1);
	struct gw_icmp_quote quote = { .spi = SPI + d->other_spi, .sequence = d->sequence };
	struct gw_sa *sa;

	spec.esn = d->esn;
	if (d->six) {
		spec.source = kit_addr6(1);
		spec.destination = kit_addr6(2);
	}
	if (d->udp)
		spec.encapsulation =
			(struct gw_encapsulation){ .source_port = 4500, .destination_port = 61000 };
	sa = make(&spec);
	atomic_store(&sa->sequence.used, d->used);
	quote.flow.family = (uint8_t)(spec.source.family ^ (d->other_family ? 2 : 0));
	quote.flow.protocol = d->udp ? IPPROTO_UDP : IPPROTO_ESP;
	if (d->protocol)
		quote.flow.protocol = d->protocol;
	quote.flow.source_port = (uint16_t)(4500 + d->port_distance);
	quote.flow.destination_port = 61000;
	memcpy(quote.flow.source, spec.source.bytes, 16);
	memcpy(quote.flow.destination, spec.destination.bytes, 16);
	quote.flow.source[d->six ? 15 : 3] ^= d->other_source ? 64 : 0;
	quote.flow.destination[d->six ? 15 : 3] ^= d->other_destination ? 64 : 0;
	ck_assert_msg(gw_path_mtu_is_of(sa, &quote) == d->believed, "%s", d->what);
	gw_sa_free(sa);
}
END_TEST

static const struct gw_path_mtu_rules rules = { .floor_v4 = 576, .age_seconds = 10 };

// Told one after the other, a second apart, each with the path MTU that is to follow.
static const struct step {
	uint16_t told;
	uint16_t route;        // not 0: the route's MTU changes before
	uint8_t after_seconds; // not 0: time that passes before
	uint16_t v4, v6;       // the path's MTU then
} steps[] = {
	{ .told = 1400, .v4 = 1400, .v6 = 1400 },
	{ .told = 1450, .v4 = 1400, .v6 = 1400 }, // never raised
	{ .told = 1300, .v4 = 1300, .v6 = 1300 },
	{ .told = 1400, .after_seconds = 8, .v4 = 1300, .v6 = 1300 },
	{ .told = 1500, .after_seconds = 2, .v4 = 1500, .v6 = 1500 }, // aged, and not below
	{ .told = 100, .v4 = 576, .v6 = 1280 },
	{ .told = 576, .after_seconds = 9, .v4 = 576, .v6 = 1280 }, // lasts longer
	{ .told = 9000, .after_seconds = 9, .v4 = 576, .v6 = 1280 },
	{ .told = 1490, .route = 9000, .after_seconds = 2, .v4 = 1490, .v6 = 1490 },
	{ .told = 1490, .route = 1400, .v4 = 1400, .v6 = 1400 },
	{ .told = 1490, .route = 1500, .v4 = 1490, .v6 = 1490 }, // still believed
	{ .told = 9000, .route = 9000, .after_seconds = 20, .v4 = 9000, .v6 = 9000 },
};

START_TEST(it_is_lowered_and_ages)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, SPI, 1);
	uint64_t now = 77 * SECOND;
	struct gw_sa *sa;

	if (_i) {
		spec.source = kit_addr6(1);
		spec.destination = kit_addr6(2);
	}
	sa = make(&spec);
	gw_path_mtu_set_route(sa, 1500);
	for (size_t i = 0; i < RTE_DIM(steps); i++) {
		const struct step *step = &steps[i];

		now += step->after_seconds * SECOND;
		gw_path_mtu_age(sa, now);
		if (step->route)
			gw_path_mtu_set_route(sa, step->route);
		gw_path_mtu_learn(sa, step->told, &rules, now);
		ck_assert_msg(atomic_load(&sa->path_mtu) == (_i ? step->v6 : step->v4),
			"step %zu: %u", i, atomic_load(&sa->path_mtu));
	}
	gw_sa_free(sa);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipsec_path_mtu");
	TCase *tcase = tcase_create("path");

	LOOP(tcase, only_our_own_recent_packets_count, doubts);
	tcase_add_loop_test(tcase, it_is_lowered_and_ages, 0, 2);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
