// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/port.h"

#include <errno.h>
#include <stdlib.h>

#include "json.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char port[] = "{'name':'red0','device':'0000:01:00.0','side':'unprotected'}";
static const char route[] = "{'destination':'10.2.0.0/16','gateway':'192.0.2.2','port':'red0'}";
static const char neighbour[] = "{'port':'red0','address':'192.0.2.2','mac':'02:00:00:00:00:02'}";

enum kind { PORT, ROUTE, NEIGHBOUR };

union spec {
	struct gw_port_spec port;
	struct gw_route_spec route;
	struct gw_neighbour_spec neighbour;
};

static int read_json(enum kind kind, json_t *json, union spec *spec, struct gw_error *err)
{
	switch (kind) {
	case PORT:
		return gw_port_spec_read(json, &spec->port, err);
	case ROUTE:
		return gw_route_spec_read(json, &spec->route, err);
	default:
		return gw_neighbour_spec_read(json, &spec->neighbour, err);
	}
}

static int read_patched(enum kind kind, const char *patch, union spec *spec, struct gw_error *err)
{
	const char *const bases[] = { port, route, neighbour };
	json_t *json = gw_test_json_patched(bases[kind], patch);
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = read_json(kind, json, spec, err);
	json_decref(json);
	return ret;
}

static json_t *write_spec(enum kind kind, const union spec *spec)
{
	switch (kind) {
	case PORT:
		return gw_port_spec_write(&spec->port);
	case ROUTE:
		return gw_route_spec_write(&spec->route);
	default:
		return gw_neighbour_spec_write(&spec->neighbour);
	}
}

START_TEST(defaults)
{
	union spec spec;
	struct gw_error err = {};

	ck_assert_msg(read_patched(PORT, "{}", &spec, &err) == 0, "%s: %s", err.where, err.text);
	ck_assert_str_eq(spec.port.name, "red0");
	ck_assert_int_eq(spec.port.side, GW_SIDE_UNPROTECTED);
	ck_assert_uint_eq(spec.port.mtu, 1500);
	ck_assert_uint_eq(spec.port.rx_queues, 0);
	ck_assert_uint_eq(spec.port.rx_descriptors, 1024);
	ck_assert_uint_eq(spec.port.tx_descriptors, 1024);
	ck_assert_int_eq(spec.port.rss, GW_RSS_AUTO);
	ck_assert(!spec.port.has_mac);
	ck_assert(spec.port.tap);
	ck_assert_uint_eq(spec.port.address_count, 0);
}
END_TEST

#define ADDRESS "'192.0.2.1/24'"
#define FOUR    ADDRESS "," ADDRESS "," ADDRESS "," ADDRESS

static const struct {
	enum kind kind;
	const char *patch;
	const char *where;
	const char *words;
} refused[] = {
	{ PORT, "{'name':null}", "name", "is missing" },
	{ PORT, "{'name':''}", "name", "1 to 15" },
	{ PORT, "{'name':'..'}", "name", "Linux interfaces" },
	{ PORT, "{'name':'red 0'}", "name", "not \"red 0\"" },
	{ PORT, "{'name':'red/0'}", "name", "Linux interfaces" },
	{ PORT, "{'name':'red:0'}", "name", "Linux interfaces" },
	{ PORT, "{'name':'abcdefghijklmnop'}", "name", "1 to 15" },
	{ PORT, "{'name':5}", "name", "not 5" },
	{ PORT, "{'device':null}", "device", "is missing" },
	{ PORT, "{'device':''}", "device", "PCI address" },
	{ PORT, "{'device':'0000:01:00.8'}", "device", "0000:01:00.0" },
	{ PORT, "{'device':'01:00'}", "device", "PCI address" },
	{ PORT, "{'device':'net_tap0, iface=x'}", "device", "blanks" },
	{ PORT, "{'side':null}", "side", "is missing" },
	{ PORT, "{'side':'red'}", "side", "\"protected\" or \"unprotected\"" },
	{ PORT, "{'mtu':575}", "mtu", "from 576 to 9600" },
	{ PORT, "{'mtu':9601}", "mtu", "from 576 to 9600" },
	{ PORT, "{'mtu':'1500 '}", "mtu", "whole number" },
	{ PORT, "{'mtu':1279,'addresses':['2001:db8::1/64']}", "mtu", "1280" },
	{ PORT, "{'rx_queues':65}", "rx_queues", "64" },
	{ PORT, "{'rx_descriptors':63}", "rx_descriptors", "from 64" },
	{ PORT, "{'tx_descriptors':16385}", "tx_descriptors", "16384" },
	{ PORT, "{'rss':true}", "rss", "\"auto\"" },
	{ PORT, "{'mac':'02:00'}", "mac", "02:00:00:00:00:01" },
	{ PORT, "{'mac':'01:00:00:00:00:00'}", "mac", "one interface" },
	{ PORT, "{'mac':'00:00:00:00:00:00'}", "mac", "one interface" },
	{ PORT, "{'tap':'yes'}", "tap", "true or false" },
	{ PORT, "{'addresses':'192.0.2.1/24'}", "addresses", "a list" },
	{ PORT, "{'addresses':['192.0.2.1']}", "addresses[0]", "prefix length" },
	{ PORT, "{'addresses':['192.0.2.1/24','192.0.2.1/33']}", "addresses[1]", "prefix length" },
	{ PORT, "{'addresses':['224.0.0.1/4']}", "addresses[0]", "one host" },
	{ PORT, "{'addresses':['192.0.2.1/0']}", "addresses[0]", "one host" },
	{ PORT, "{'addresses':[" FOUR "," FOUR "," FOUR "," FOUR "," ADDRESS "]}", "addresses",
		"at most 16" },
	{ PORT, "{'mut':1500}", "mut", "did you mean \"mtu\"" },
	{ ROUTE, "{'destination':null}", "destination", "is missing" },
	{ ROUTE, "{'destination':'10.2.0.1/16'}", "destination", "beyond its length are zero" },
	{ ROUTE, "{'destination':'default'}", "destination", "a prefix such as" },
	{ ROUTE, "{'kind':'prohibit'}", "kind", "\"unicast\" or \"blackhole\"" },
	{ ROUTE, "{'gateway':'fe80::1'}", "gateway", "one family" },
	{ ROUTE, "{'gateway':'0.0.0.0'}", "gateway", "one router" },
	{ ROUTE, "{'port':null}", "port", "is missing" },
	{ ROUTE, "{'kind':'blackhole'}", "gateway", "leave gateway out" },
	{ ROUTE, "{'kind':'blackhole','gateway':null}", "port", "leave port out" },
	{ ROUTE, "{'metric':1}", "metric", "the fields are destination" },
	{ NEIGHBOUR, "{'port':null}", "port", "is missing" },
	{ NEIGHBOUR, "{'address':null}", "address", "is missing" },
	{ NEIGHBOUR, "{'address':'255.255.255.255'}", "address", "one host" },
	{ NEIGHBOUR, "{'mac':null}", "mac", "is missing" },
	{ NEIGHBOUR, "{'mac':'ff:ff:ff:ff:ff:ff'}", "mac", "one interface" },
};

START_TEST(refuses)
{
	union spec spec;
	struct gw_error err = {};

	ck_assert_int_eq(read_patched(refused[_i].kind, refused[_i].patch, &spec, &err), -EINVAL);
	ck_assert_str_eq(err.where, refused[_i].where);
	ck_assert_msg(strstr(err.text, refused[_i].words) != NULL, "%s", err.text);
}
END_TEST

static const struct {
	enum kind kind;
	const char *patch;
	const char *words;
} round_trips[] = {
	{ PORT, "{}", "\"tap\": true" },
	{ PORT, "{'name':'en.P0_a-9'}", "en.P0_a-9" },
	{ PORT, "{'device':'01:00.7','side':'protected'}", "01:00.7" },
	{ PORT, "{'device':'net_af_packet0,iface=eth1','tap':false}", "net_af_packet0,iface=eth1" },
	{ PORT, "{'mtu':9600,'rx_queues':4,'rx_descriptors':64,'tx_descriptors':'0x200'}", "512" },
	{ PORT, "{'rss':'software','mac':'02:AA:00:00:00:01'}", "02:aa:00:00:00:01" },
	{ PORT, "{'mtu':1280,'addresses':['192.0.2.1/24','2001:db8::1/64']}", "192.0.2.1/24" },
	{ PORT, "{'mtu':576,'addresses':['192.0.2.1/31']}", "192.0.2.1/31" },
	{ ROUTE, "{}", "192.0.2.2" },
	{ ROUTE, "{'gateway':null}", "red0" },
	{ ROUTE, "{'destination':'0.0.0.0/0'}", "0.0.0.0/0" },
	{ ROUTE, "{'destination':'::/0','gateway':'fe80::1'}", "fe80::1" },
	{ ROUTE, "{'kind':'blackhole','gateway':null,'port':null}", "blackhole" },
	{ NEIGHBOUR, "{}", "02:00:00:00:00:02" },
	{ NEIGHBOUR, "{'address':'fe80::2'}", "fe80::2" },
};

START_TEST(writes_what_it_read)
{
	enum kind kind = round_trips[_i].kind;
	union spec first, second = {};
	struct gw_error err = {};
	json_t *written;
	char *text;

	ck_assert_msg(read_patched(kind, round_trips[_i].patch, &first, &err) == 0, "%s: %s",
		err.where, err.text);
	written = write_spec(kind, &first);
	text = json_dumps(written, JSON_SORT_KEYS);
	ck_assert_msg(strstr(text, round_trips[_i].words) != NULL, "%s", text);
	free(text);
	ck_assert_msg(read_json(kind, written, &second, &err) == 0, "%s", err.text);
	ck_assert_mem_eq(&first, &second, sizeof(first));
	json_decref(written);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spec_port");
	TCase *tcase = tcase_create("port");

	tcase_add_test(tcase, defaults);
	tcase_add_loop_test(tcase, refuses, 0, COUNT(refused));
	tcase_add_loop_test(tcase, writes_what_it_read, 0, COUNT(round_trips));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
