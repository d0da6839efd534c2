// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "json.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char protect[] = "{'direction':'out','action':'protect','reqid':7,"
			      "'selector':{'source':'10.1.0.0/16','destination':'10.2.0.0/16'}}";

static int read_patched(const char *patch, struct gw_policy_spec *spec, struct gw_error *err)
{
	json_t *json = gw_test_json_patched(protect, patch);
	int ret = gw_policy_spec_read(json, spec, err);

	json_decref(json);
	return ret;
}

START_TEST(defaults)
{
	struct gw_policy_spec spec;
	struct gw_error err = {};

	ck_assert_msg(read_patched("{}", &spec, &err) == 0, "%s: %s", err.where, err.text);
	ck_assert_int_eq(spec.direction, GW_DIRECTION_OUT);
	ck_assert_int_eq(spec.action, GW_ACTION_PROTECT);
	ck_assert_uint_eq(spec.priority, 0);
	ck_assert_uint_eq(spec.reqid, 7);
	ck_assert_uint_eq(spec.selector.source.first.bytes[1], 1);
	ck_assert_uint_eq(spec.selector.source.last.bytes[3], 255);
	ck_assert_uint_eq(spec.selector.protocol, GW_PROTOCOL_ANY);
	ck_assert(gw_port_range_any(&spec.selector.source_port));
	ck_assert(gw_port_range_any(&spec.selector.destination_port));
}
END_TEST

START_TEST(icmp_stands_where_ports_would)
{
	struct gw_policy_spec spec;
	struct gw_error err = {};

	ck_assert_int_eq(read_patched("{'selector':{'protocol':'icmp','icmp_type':'3-5',"
				      "'icmp_code':4}}",
				 &spec, &err),
		0);
	ck_assert_uint_eq(spec.selector.protocol, 1);
	ck_assert_uint_eq(spec.selector.source_port.first, 3);
	ck_assert_uint_eq(spec.selector.source_port.last, 5);
	ck_assert_uint_eq(spec.selector.destination_port.first, 4);
	ck_assert_uint_eq(spec.selector.destination_port.last, 4);
	ck_assert_int_eq(read_patched("{'selector':{'protocol':'icmp'}}", &spec, &err), 0);
	ck_assert(gw_port_range_any(&spec.selector.source_port));
	ck_assert(gw_port_range_any(&spec.selector.destination_port));
}
END_TEST

#define SELECTOR(text) "{'selector':{" text "}}"
#define V6             "'source':'2001:db8::/32','destination':'::/0'"

static const struct {
	const char *patch;
	const char *where;
	const char *words;
} refused[] = {
	{ "{'direction':null}", "direction", "is missing" },
	{ "{'direction':'fwd'}", "direction", "\"in\" or \"out\"" },
	{ "{'action':null}", "action", "is missing" },
	{ "{'action':'allow'}", "action", "\"discard\", \"bypass\" or \"protect\"" },
	{ "{'priority':-1}", "priority", "whole number" },
	{ "{'priority':4294967296}", "priority", "4294967295" },
	{ "{'reqid':null}", "reqid", "is missing" },
	{ "{'reqid':0}", "reqid", "from 1" },
	{ "{'action':'bypass'}", "reqid", "leave it out" },
	{ "{'action':'discard'}", "reqid", "leave it out" },
	{ "{'populate':[]}", "populate", "a list of fields" },
	{ "{'populate':'source'}", "populate", "a list of fields" },
	{ "{'populate':['sauce']}", "populate[0]", "\"source\"" },
	{ "{'populate':['source_port']}", "populate", "add \"protocol\"" },
	{ "{'direction':'in','populate':['source']}", "populate", "outbound protect" },
	{ "{'action':'bypass','reqid':null,'populate':['source']}", "populate",
		"outbound protect" },
	{ "{'selector':null}", "selector", "is missing" },
	{ "{'selector':'any'}", "selector", "group" },
	{ "{'templates':[]}", "templates", "the fields are" },
	{ SELECTOR("'source':null"), "selector.source", "is missing" },
	{ SELECTOR("'source':'10.1.0.1/16'"), "selector.source", "a prefix" },
	{ SELECTOR("'source':'10.1.0.9-10.1.0.1'"), "selector.source", "first-last" },
	{ SELECTOR("'source':'any'"), "selector.source", "a prefix" },
	{ SELECTOR("'destination':null"), "selector.destination", "is missing" },
	{ SELECTOR("'destination':'::/0'"), "selector.destination", "one family" },
	{ SELECTOR("'protocol':'tcpp'"), "selector.protocol", "\"tcp\"" },
	{ SELECTOR("'protocol':'TCP'"), "selector.protocol", "not \"TCP\"" },
	{ SELECTOR("'protocol':0"), "selector.protocol", "from 1 to 255" },
	{ SELECTOR("'protocol':256"), "selector.protocol", "from 1 to 255" },
	{ SELECTOR("'source_port':80"), "selector.source_port", "needs a protocol" },
	{ SELECTOR("'destination_port':80"), "selector.destination_port", "needs a protocol" },
	{ SELECTOR("'protocol':'gre','destination_port':80"), "selector.destination_port",
		"\"tcp\"" },
	{ SELECTOR("'protocol':'tcp','source_port':65536"), "selector.source_port", "65535" },
	{ SELECTOR("'protocol':'tcp','source_port':'80-'"), "selector.source_port", "first-last" },
	{ SELECTOR("'protocol':'tcp','source_port':'90-80'"), "selector.source_port",
		"first-last" },
	{ SELECTOR("'protocol':'tcp','source_port':'1-2-3'"), "selector.source_port",
		"first-last" },
	{ SELECTOR("'protocol':'tcp','source_port':[80]"), "selector.source_port", "a list" },
	{ SELECTOR("'protocol':'tcp','icmp_type':8"), "selector.icmp_type", "\"icmp\"" },
	{ SELECTOR("'icmp_code':0"), "selector.icmp_code", "\"icmp\"" },
	{ SELECTOR("'protocol':'icmp','source_port':8"), "selector.source_port", "icmp_type" },
	{ SELECTOR("'protocol':'icmp','destination_port':8"), "selector.destination_port",
		"icmp_type" },
	{ SELECTOR("'protocol':'icmp','icmp_type':256"), "selector.icmp_type", "255" },
	{ SELECTOR("'protocol':'icmp','icmp_code':0"), "selector.icmp_code", "icmp_type" },
	{ SELECTOR("'protocol':'icmp','icmp_code':'opaque'"), "selector.icmp_code", "icmp_type" },
	{ SELECTOR("'protocol':'icmp','icmp_type':'opaque','icmp_code':0"), "selector.icmp_code",
		"opaque" },
	{ SELECTOR("'protocol':'tcp','source_port':'opaque','destination_port':80"),
		"selector.destination_port", "make both opaque" },
	{ SELECTOR("'protocol':'tcp','source_port':'1-2','destination_port':'opaque'"),
		"selector.source_port", "make both opaque" },
	{ SELECTOR("'protocol':'opaque'"), "selector.protocol", "IPv6" },
	{ SELECTOR("'protocol':255"), "selector.protocol", "IPv6" },
	{ SELECTOR(V6 ",'protocol':'opaque','source_port':80"), "selector.source_port", "\"tcp\"" },
	{ SELECTOR("'protocol':'icmpv6'"), "selector.protocol", "IPv6" },
	{ SELECTOR(V6 ",'protocol':'icmp'"), "selector.protocol", "icmpv6" },
	{ SELECTOR("'sourceport':1"), "selector.sourceport", "did you mean \"source_port\"" },
};

START_TEST(refuses)
{
	struct gw_policy_spec spec;
	struct gw_error err = {};

	ck_assert_int_eq(read_patched(refused[_i].patch, &spec, &err), -EINVAL);
	ck_assert_str_eq(err.where, refused[_i].where);
	ck_assert_msg(strstr(err.text, refused[_i].words) != NULL, "%s", err.text);
}
END_TEST

static const struct {
	const char *patch;
	const char *words;
} round_trips[] = {
	{ "{}", "\"protocol\": \"any\"" },
	{ "{'name':'lab','priority':4294967295}", "4294967295" },
	{ "{'direction':'in'}", "\"direction\": \"in\"" },
	{ "{'action':'bypass','reqid':null}", "bypass" },
	{ "{'action':'discard','reqid':null}", "discard" },
	{ SELECTOR("'source':'10.0.0.1'"), "10.0.0.1" },
	{ SELECTOR("'source':'10.0.0.1-10.0.0.6'"), "10.0.0.1-10.0.0.6" },
	{ SELECTOR("'source':'0.0.0.0/0'"), "0.0.0.0/0" },
	{ SELECTOR(V6), "2001:db8::/32" },
	{ SELECTOR("'protocol':6"), "\"protocol\": \"tcp\"" },
	{ SELECTOR("'protocol':99"), "\"protocol\": 99" },
	{ SELECTOR("'protocol':'udp','source_port':500,'destination_port':'0-1023'"),
		"\"0-1023\"" },
	{ SELECTOR("'protocol':'tcp','source_port':'any','destination_port':'443'"),
		"\"destination_port\": 443" },
	{ SELECTOR("'protocol':'icmp','icmp_type':8,'icmp_code':0"), "\"icmp_code\": 0" },
	{ SELECTOR(V6 ",'protocol':'ipv6-icmp','icmp_type':'128-129'"), "\"icmpv6\"" },
	{ SELECTOR(V6 ",'protocol':'opaque'"), "\"protocol\": \"opaque\"" },
	{ "{'populate':['protocol','source_port','source']}",
		"[\"source\", \"protocol\", \"source_port\"]" },
	{ "{'populate':['destination_port'],'selector':{'protocol':'tcp'}}",
		"[\"destination_port\"]" },
	{ SELECTOR("'protocol':'tcp','source_port':'opaque'"), "\"source_port\": \"opaque\"" },
	{ SELECTOR("'destination_port':'opaque'"), "\"destination_port\": \"opaque\"" },
	{ SELECTOR("'protocol':'icmp','icmp_type':'opaque','icmp_code':'opaque'"),
		"\"icmp_code\": \"opaque\"" },
};

START_TEST(writes_what_it_read)
{
	struct gw_policy_spec first, second;
	struct gw_policy_id a, b;
	struct gw_error err = {};
	json_t *written;
	char *text;

	ck_assert_msg(read_patched(round_trips[_i].patch, &first, &err) == 0, "%s: %s", err.where,
		err.text);
	written = gw_policy_spec_write(&first);
	text = json_dumps(written, JSON_SORT_KEYS);
	ck_assert_msg(strstr(text, round_trips[_i].words) != NULL, "%s", text);
	free(text);
	ck_assert_msg(gw_policy_spec_read(written, &second, &err) == 0, "%s", err.text);
	a = gw_policy_spec_id(&first);
	b = gw_policy_spec_id(&second);
	ck_assert(gw_policy_id_equal(&a, &b));
	ck_assert_str_eq(first.name, second.name);
	ck_assert_int_eq(first.action, second.action);
	ck_assert_uint_eq(first.reqid, second.reqid);
	ck_assert_uint_eq(first.populate, second.populate);
	json_decref(written);
}
END_TEST

static const char *const different[] = {
	"{'direction':'in'}",
	"{'priority':1}",
	SELECTOR("'source':'10.1.0.0/17'"),
	SELECTOR("'source':'10.1.0.1-10.1.255.255'"),
	SELECTOR("'destination':'10.2.0.0-10.2.255.254'"),
	SELECTOR("'protocol':'tcp'"),
	SELECTOR("'protocol':'tcp','source_port':1"),
	SELECTOR("'protocol':'tcp','destination_port':1"),
	SELECTOR("'protocol':'tcp','destination_port':'1-2'"),
	SELECTOR("'protocol':'tcp','destination_port':'opaque'"),
};

// Name, action and reqid are no part of the identity; everything else is.
START_TEST(identity)
{
	json_t *json = gw_test_json("{'direction':'out','selector':{'source':'10.1.0.0/"
				    "16','destination':'10.2.0.0/16'}}");
	struct gw_policy_id given, other;
	struct gw_policy_spec spec;
	struct gw_error err = {};

	ck_assert_int_eq(gw_policy_id_read(json, &given, &err), 0);
	json_decref(json);
	ck_assert_int_eq(read_patched("{'name':'x','reqid':9}", &spec, &err), 0);
	other = gw_policy_spec_id(&spec);
	ck_assert(gw_policy_id_equal(&given, &other));
	for (size_t i = 0; i < COUNT(different); i++) {
		ck_assert_int_eq(read_patched(different[i], &spec, &err), 0);
		other = gw_policy_spec_id(&spec);
		ck_assert_msg(!gw_policy_id_equal(&given, &other), "%s", different[i]);
	}
}
END_TEST

// Policies of IKE daemons do not pass through the readers.
START_TEST(checks_values_out_of_range)
{
	struct gw_policy_spec good, spec;

	ck_assert_int_eq(read_patched("{}", &good, NULL), 0);
	spec = good;
	spec.direction = 2;
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.action = 3;
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.selector.source.last.family = 6;
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.selector.destination = (struct gw_range){};
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.selector.protocol = 6;
	spec.selector.source_port = (struct gw_port_range){ 2, 1 };
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.selector.protocol = 1;
	spec.selector.source_port = (struct gw_port_range){ 8, 300 };
	ck_assert_int_eq(gw_policy_spec_check(&spec, NULL), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spec_policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, icmp_stands_where_ports_would);
	tcase_add_loop_test(tcase, refuses, 0, COUNT(refused));
	tcase_add_loop_test(tcase, writes_what_it_read, 0, COUNT(round_trips));
	tcase_add_test(tcase, identity);
	tcase_add_test(tcase, checks_values_out_of_range);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
