// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_20       "00112233445566778899aabbccddeeff01020304"
#define OTHER_KEY_20 "ffeeddccbbaa9988776655443322110001020304"

// A configuration without fault; each line counts.
static const char sound[] =
	/* 1 */
	"# Two ports, one tunnel.\n"
	/* 2 */ "log = { level = \"info\"; };\n"
	/* 3 */ "memory = { huge = false; size_mb = 128; buffers = 16384; buffer_bytes = 2176; };\n"
	/* 4 */ "workers = { cpus = [1, 2]; control_cpu = 1; idle = \"pause\"; };\n"
	/* 5 */ "limits = { sas = 2; policies = 2; routes = 2; neighbours = 2; flow_cache = 1024; "
	"};\n"
	/* 6 */ "control = { socket = \"/run/gw.sock\"; group = \"netdev\"; };\n"
	/* 7 */ "eal = [\"--log-level\", \"lib.eal:error\"];\n"
	/* 8 */ "builtin_policies = false;\n"
	/* 9 */ "ports = (\n"
	/* 10 */ "  { name = \"black0\"; device = \"net_null0\"; side = \"unprotected\"; mtu = "
	"1500;\n"
	/* 11 */ "    addresses = (\"192.0.2.1/24\",\n"
	/* 12 */ "      \"2001:db8::1/64\"); },\n"
	/* 13 */ "  { name = \"red0\"; device = \"net_null1\"; side = \"protected\"; tap = false; "
	"});\n"
	/* 14 */ "sas = (\n"
	/* 15 */ "  { direction = \"out\"; spi = 0x1001; source = \"192.0.2.1\"; reqid = 1;\n"
	/* 16 */ "    destination = \"192.0.2.2\";\n"
	/* 17 */ "    encryption = { algorithm = \"aes-gcm-16\";\n"
	/* 18 */ "      key = \"" KEY_20 "\"; }; },\n"
	/* 19 */ "  { direction = \"out\"; spi = 0x1002; source = \"192.0.2.1\"; reqid = 2; esn = "
	"true;\n"
	/* 20 */ "    destination = \"192.0.2.2\"; sequence = 0x1ffffffff;\n"
	/* 21 */ "    encryption = { algorithm = \"aes-gcm-16\"; key = \"" OTHER_KEY_20
	"\"; }; });\n"
	/* 22 */ "policies = (\n"
	/* 23 */ "  { direction = \"out\"; priority = 10; action = \"protect\"; reqid = 1;\n"
	/* 24 */ "    selector = { source = \"10.1.0.0/16\"; destination = \"10.2.0.0/16\"; }; },\n"
	/* 25 */ "  { direction = \"out\"; priority = 20; action = \"discard\";\n"
	/* 26 */ "    selector = { source = \"10.1.0.0/16\"; destination = \"10.2.0.0/16\"; }; "
	"});\n"
	/* 27 */ "routes = ( { destination = \"10.2.0.0/16\"; gateway = \"192.0.2.2\"; port = "
	"\"black0\"; },\n"
	/* 28 */ "  { destination = \"10.3.0.0/16\"; kind = \"blackhole\"; });\n"
	/* 29 */ "neighbours = ( { port = \"black0\"; address = \"192.0.2.2\"; mac = "
	"\"02:00:00:00:00:02\"; },\n"
	/* 30 */ "  { port = \"red0\"; address = \"10.1.0.9\"; mac = \"02:00:00:00:00:03\"; });\n";

// sound with the first text in place of the second; to be freed.
static char *replaced(const char *from, const char *to)
{
	const char *at = strstr(sound, from);
	char *text = NULL;

	ck_assert_msg(at != NULL, "%s", from);
	ck_assert_int_gt(
		asprintf(&text, "%.*s%s%s", (int)(at - sound), sound, to, at + strlen(from)), 0);
	return text;
}

START_TEST(reads_everything)
{
	struct gw_error err = {};
	struct gw_config *config = gw_conf_parse(sound, "sound", &err);

	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_str_eq(config->log_level, "info");
	ck_assert(!config->huge);
	ck_assert_uint_eq(config->memory_mb, 128);
	ck_assert_uint_eq(config->buffers, 16384);
	ck_assert_uint_eq(config->worker_count, 2);
	ck_assert_uint_eq(config->worker_cpus[1], 2);
	ck_assert_uint_eq(config->control_cpu, 1);
	ck_assert_int_eq(config->idle, GW_IDLE_PAUSE);
	ck_assert_uint_eq(config->max_sas, 2);
	ck_assert_uint_eq(config->flow_cache, 1024);
	ck_assert_str_eq(config->socket_path, "/run/gw.sock");
	ck_assert_str_eq(config->socket_group, "netdev");
	ck_assert_uint_eq(config->eal_argument_count, 2);
	ck_assert_str_eq(config->eal_arguments[1], "lib.eal:error");
	ck_assert(!config->builtin_policies);
	ck_assert_uint_eq(config->port_count, 2);
	ck_assert_str_eq(config->ports[0].name, "black0");
	ck_assert_uint_eq(config->ports[0].address_count, 2);
	ck_assert(!config->ports[1].tap);
	ck_assert_uint_eq(config->sa_count, 2);
	ck_assert_uint_eq(config->sas[1].spi, 0x1002);
	ck_assert(config->sas[1].esn);
	ck_assert_uint_eq(config->sas[1].sequence, UINT64_C(0x1ffffffff));
	ck_assert_uint_eq(config->policy_count, 2);
	ck_assert_int_eq(config->policies[1].action, GW_ACTION_DISCARD);
	ck_assert_uint_eq(config->route_count, 2);
	ck_assert_int_eq(config->routes[1].kind, GW_ROUTE_BLACKHOLE);
	ck_assert_uint_eq(config->neighbour_count, 2);
	ck_assert_uint_eq(config->neighbours[1].mac[5], 3);
	gw_config_free(config);
}
END_TEST

START_TEST(defaults)
{
	struct gw_error err = {};
	struct gw_config *config = gw_conf_parse(
		"ports = ( { name = \"p\"; device = \"net_null0\"; side = \"protected\"; } );",
		"least", &err);

	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_str_eq(config->log_level, "info");
	ck_assert_str_eq(config->socket_path, "/run/esplanade/control.sock");
	ck_assert_str_eq(config->socket_group, "");
	ck_assert(config->huge);
	ck_assert_uint_eq(config->memory_mb, 1024);
	ck_assert_uint_eq(config->buffers, 32768);
	ck_assert_uint_eq(config->buffer_bytes, 2176);
	ck_assert_uint_eq(config->worker_count, 1);
	ck_assert_uint_eq(config->worker_cpus[0], 1);
	ck_assert_uint_eq(config->control_cpu, 0);
	ck_assert_int_eq(config->idle, GW_IDLE_SLEEP);
	ck_assert_uint_eq(config->max_sas, 16384);
	ck_assert_uint_eq(config->max_policies, 16384);
	ck_assert_uint_eq(config->max_routes, 65536);
	ck_assert_uint_eq(config->max_neighbours, 8192);
	ck_assert_uint_eq(config->neighbour_queue, 64);
	ck_assert_uint_eq(config->punt_pps, 10000);
	ck_assert_uint_eq(config->icmp_pps, 1000);
	ck_assert_uint_eq(config->flow_cache, 65536);
	ck_assert(config->builtin_policies);
	ck_assert_uint_eq(config->eal_argument_count, 0);
	ck_assert_uint_eq(config->sa_count, 0);
	gw_config_free(config);
}
END_TEST

START_TEST(the_flow_cache_goes_with_the_policies)
{
	static const struct {
		const char *limits;
		uint32_t entries;
	} rows[] = {
		{ "policies = 100;", 65536 },
		{ "policies = 16384;", 65536 },
		{ "policies = 16385;", 131072 },
		{ "policies = 1000000;", 524288 },
		{ "policies = 1000000; flow_cache = 0;", 524288 },
		{ "policies = 1000000; flow_cache = 1024;", 1024 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_error err = {};
		struct gw_config *config;
		char text[256];

		snprintf(text, sizeof(text),
			"ports = ( { name = \"p\"; device = \"net_null0\"; side = "
			"\"protected\"; } ); limits = { %s };",
			rows[i].limits);
		config = gw_conf_parse(text, "limits", &err);
		ck_assert_msg(config != NULL, "%s", err.text);
		ck_assert_uint_eq(config->flow_cache, rows[i].entries);
		gw_config_free(config);
	}
}
END_TEST

static const struct {
	const char *from; // NULL: to is the whole text
	const char *to;
	unsigned int line;
	const char *words;
} broken[] = {
	// What libconfig refuses, or should.
	{ NULL, "ports = (", 1, "syntax error" },
	{ NULL, "ports = ( { name = \"p\" } ", 1, "syntax error" },
	{ NULL, "\n\nports == 1;", 3, "syntax error" },
	{ NULL, "a = \"b\" 5;", 1, "syntax error" },
	{ NULL, "a = 5 \"b\";", 1, "syntax error" },
	{ NULL, "\n\"a\" = 5;", 2, "syntax error" },
	{ NULL, "ports = [1, true];", 1, "list, between ( )" },
	{ NULL, "a = 1;\nb = 2;\na = 3;", 3, "duplicate setting name: each name may stand once" },
	{ NULL, "log = { level = \"info\n};\n", 1, "a string is not closed" },
	{ NULL, "log = { level = \"info", 1, "a string is not closed" },
	{ NULL, "\n/* ports\n\n = ();\n", 2, "never closed" },
	{ NULL, "a = 99999999999999999999;", 1, "64 bits" },
	{ NULL, "\na = 0x1ffffffffffffffff;", 2, "64 bits" },
	{ NULL, "a = -9223372036854775809;", 1, "64 bits" },
	{ NULL, "a = 1111111111111111111111111111111111111111111111111111111111111111;", 1,
		"between \"" },
	{ NULL, "a = ((((((((((((((((((1))))))))))))))))));", 1, "nested more than 16 deep" },
	{ NULL, "\na = \"\\x00\";", 2, "zero byte" },
	{ NULL, "a = \"\xff\";", 1, "UTF-8" },
	{ NULL, "a = 1;\n@include \"/nonexistent/file\"\n", 2, "No such file" },
	{ NULL, "@include \"/\"\n", 1, "not a regular file" },
	{ NULL, "@include file\n", 1, "between \"" },
	{ NULL, "@include \"\"\n", 1, "name a file" },
	{ NULL, "\x80 = 1;", 1, "syntax error" },
	// Members and their types.
	{ NULL, "", 1, "ports: is missing" },
	{ NULL, "port = ();", 1, "port: there is no such field; did you mean \"ports\"?" },
	{ "log =", "lgo =", 2, "lgo: there is no such field; did you mean \"log\"?" },
	{ "{ level = \"info\"; }", "\"info\"", 2,
		"log: must be a group of named values, not \"info\"" },
	{ "\"info\"", "\"verbose\"", 2, "log.level: must be \"error\", \"warning\"" },
	{ "level =", "levels =", 2, "did you mean \"level\"" },
	{ "huge = false", "huge = 0", 3, "memory.huge: must be true or false, not 0" },
	{ "huge = false", "hugh = false", 3, "memory.hugh: there is no such field" },
	{ "size_mb = 128", "size_mb = 63", 3, "from 64" },
	{ "size_mb = 128", "size_mb = 128.5", 3, "not 128.5" },
	{ "size_mb = 128", "size_mb = 4294967424", 3, "not 4294967424" },
	{ "size_mb = 128", "size_mb = 64", 3, "memory.size_mb: 64 MB cannot hold 16384 buffers" },
	{ "buffers = 16384", "buffers = 1023", 3, "from 1024" },
	{ "buffers = 16384", "buffers = 10239", 3,
		"memory.buffers: 10239 buffers cannot fill all "
		"queues; 10240 is the least" },
	{ "buffer_bytes = 2176", "buffer_bytes = 1000", 3, "from 1152" },
	{ "[1, 2]", "1", 4, "workers.cpus: must be a list of 1 to 64 CPU numbers" },
	{ "[1, 2]", "[]", 4, "workers.cpus" },
	{ "[1, 2]", "[1, 1]", 4, "names CPU 1 twice" },
	{ "[1, 2]", "[1,\n-2]", 5, "workers.cpus[1]: must be a whole number" },
	{ "control_cpu = 1", "control_cpu = 1024", 4, "from 0 to 1023" },
	{ "\"pause\"", "\"halt\"", 4, "\"sleep\", \"pause\" or \"poll\"" },
	{ "sas = 2;", "sas = 0;", 5, "limits.sas: must be a whole number from 1" },
	{ "sas = 2;", "sas = 1;", 14, "sas: has 2 entries, but limits.sas is 1" },
	{ "policies = 2;", "policies = 1;", 22, "limits.policies is 1" },
	{ "routes = 2;", "routes = 1;", 27, "limits.routes is 1" },
	{ "neighbours = 2;", "neighbours = 1;", 29, "limits.neighbours is 1" },
	{ "1024;", "1000;", 5, "limits.flow_cache: must be a power of two" },
	{ "1024;", "33554432;", 5, "to 16777216" },
	{ "\"/run/gw.sock\"", "\"\"", 6, "control.socket: must be the path" },
	{ "\"netdev\"", "5", 6, "control.group: must be text" },
	{ "[\"--log-level\", \"lib.eal:error\"]", "\"--log-level\"", 7, "eal: must be a list" },
	{ "\"lib.eal:error\"", "\"\"", 7, "eal[1]: must be an argument" },
	{ "builtin_policies = false", "builtin_policies = \"no\"", 8, "true or false" },
	// Ports.
	{ NULL, "ports = ();", 1, "one port at least" },
	{ NULL, "ports = { name = \"p\"; };", 1, "ports: must be a list of groups" },
	{ NULL, "ports = (1);", 1, "ports[0]: must be a group" },
	{ "name = \"black0\"; ", "", 10, "ports[0].name: is missing" },
	{ "\"black0\"", "\"black zero\"", 10, "Linux interfaces" },
	{ "\"black0\"", "\"red0\"", 13, "ports[1].name: \"red0\" is the name of ports[0] too" },
	{ "net_null1", "net_null0", 13, "is the device of ports[0] (\"black0\") too" },
	{ "net_null1", "net_null0,copy=1", 13, "is the device of ports[0]" },
	{ "net_null0", "net null0", 10, "ports[0].device: must be a PCI address" },
	{ "\"unprotected\"", "\"outside\"", 10, "\"protected\" or \"unprotected\"" },
	{ "mtu = 1500", "mtu = 9601", 10, "from 576 to 9600" },
	{ "mtu = 1500", "mtu = 1279", 10, "IPv6 needs 1280" },
	{ "2001:db8::1/64", "2001:db8::1", 12, "ports[0].addresses[1]: must be an address with" },
	{ "tap = false", "tap = 0", 13, "ports[1].tap: must be true or false" },
	{ "tap = false", "addresses = [\"192.0.2.1/32\"]", 13, "an address of ports[0]" },
	{ "tap = false", "rx_queue = 2", 13, "did you mean \"rx_queues\"" },
	// SAs.
	{ "spi = 0x1001", "spi = 255", 15, "sas[0].spi: must be a whole number from 256" },
	{ "spi = 0x1001", "spi = 4294967552", 15, "not 4294967552" },
	{ "spi = 0x1001", "spi = -1", 15, "not -1" },
	{ "spi = 0x1001", "spi = 0x1002", 19, "sas[1].spi: sas[0] has the same direction, SPI" },
	{ OTHER_KEY_20, KEY_20, 21, "sas[1].encryption.key: sas[0] encrypts under the same key" },
	{ "aes-gcm-16\"; key = \"" OTHER_KEY_20, "aes-gcm-8\"; key = \"" KEY_20, 21,
		"sas[1].encryption.key: sas[0] encrypts under the same key" },
	{ KEY_20, "00", 18, "sas[0].encryption.key: has 1 bytes; aes-gcm-16 takes 20, 28 or 36" },
	{ KEY_20, "secret", 18, "hexadecimal" },
	{ "\"aes-gcm-16\"", "\"aes-gcm\"", 17, "must be \"aes-gcm-16\"" },
	{ "\"aes-gcm-16\"", "\"aes-cbc\"", 18, "16, 24 or 32" },
	{ "reqid = 1;\n    destination", "\n    destination", 15, "sas[0].reqid: is missing" },
	{ "esn = true;", "", 20, "sas[1].sequence: is above 4294967295" },
	{ "sequence = 0x1ffffffff", "sequence = 18446744073709551615; sequence_ = 1", 20,
		"did you mean \"sequence\"" },
	{ "esn = true", "direction_ = 1", 19, "did you mean \"direction\"" },
	{ "destination = \"192.0.2.2\";", "destination = \"2001:db8::2\";", 16, "one family" },
	// Policies.
	{ "reqid = 1;\n    selector", "\n    selector", 23, "policies[0].reqid: is missing" },
	{ "\"discard\"", "\"discard\"; reqid = 1", 25, "leave it out of a discard policy" },
	{ "priority = 20", "priority = 10", 26, "policies[1].selector: policies[0] has the same" },
	{ "\"10.1.0.0/16\"", "\"10.1.0.1/16\"", 24,
		"policies[0].selector.source: must be a prefix" },
	{ "\"10.2.0.0/16\"; }; }", "\"::/0\"; }; }", 24, "selector.destination: and source" },
	{ "\"10.2.0.0/16\"; }; }", "\"10.2.0.0/16\";\n source_port = 80; }; }", 25,
		"selector.source_port: needs a protocol" },
	// Routes and neighbours.
	{ "port = \"black0\"; },", "port = \"black1\"; },", 27,
		"routes[0].port: there is no port \"black1\"; the ports are black0, red0" },
	{ "\"10.3.0.0/16\"; kind = \"blackhole\"", "\"10.2.0.0/16\"; kind = \"blackhole\"", 28,
		"routes[1].destination: routes[0] has the same destination" },
	{ "kind = \"blackhole\"", "kind = \"unicast\"", 28, "routes[1].port: is missing" },
	{ "port = \"red0\"", "port = \"blue0\"", 30,
		"neighbours[1].port: there is no port \"blue0\"" },
	{ "port = \"red0\"; address = \"10.1.0.9\"", "port = \"black0\"; address = \"192.0.2.2\"",
		30, "neighbours[1].address: neighbours[0] is the same address" },
	{ "02:00:00:00:00:03", "03:00:00:00:00:03", 30, "neighbours[1].mac" },
};

START_TEST(names_file_line_and_remedy)
{
	char *text =
		broken[_i].from ? replaced(broken[_i].from, broken[_i].to) : strdup(broken[_i].to);
	char place[32];
	struct gw_error err = {};

	snprintf(place, sizeof(place), "broken.conf:%u: ", broken[_i].line);
	ck_assert_ptr_null(gw_conf_parse(text, "broken.conf", &err));
	ck_assert_int_gt(err.code, 0);
	ck_assert_str_eq(err.where, "");
	ck_assert_msg(strncmp(err.text, place, strlen(place)) == 0, "not %s: %s", place, err.text);
	ck_assert_msg(strstr(err.text, broken[_i].words) != NULL, "%s", err.text);
	ck_assert_ptr_null(strstr(err.text, "001122"));
	free(text);
}
END_TEST

static const struct {
	const char *from;
	const char *to;
} sound_too[] = {
	{ "log = { level = \"info\"; };", "log : { level : \"info\" }" },
	{ "size_mb = 128", "size_mb = \"0x80\"" },
	{ "size_mb = 128", "size_mb = 0x80L" },
	{ "size_mb = 128", "size_mb = +128" },
	{ "size_mb = 128", "size_mb = /* more */ 128 // enough\n" },
	{ "buffers = 16384", "buffers = 10240" },
	{ "huge = false", "huge = FALSE" },
	{ "[1, 2]", "(\"0x1\", 2)" },
	{ "spi = 0x1001", "spi = 4294967295" },
	{ "spi = 0x1001", "spi = 0xffffffffL" },
	{ "spi = 0x1001", "spi = \"0x80000001\"" },
	{ "sequence = 0x1ffffffff", "sequence = 18446744073709551615" },
	{ "sequence = 0x1ffffffff", "sequence = 0xFFFFFFFFFFFFFFFFL" },
	{ "\"" KEY_20 "\"",
		"\"001122334455667788\"\n \"99aabbccddeeff01\" # the salt follows\n\"020304\"" },
	{ "\"" KEY_20 "\"", "\"\\x30\\x30"
			    "112233445566778899aabbccddeeff01020304\"" },
	// A key that differs in its salt alone makes other nonces.
	{ OTHER_KEY_20, "00112233445566778899aabbccddeeff01020305" },
	// The SAs of a reqid may come from an IKE daemon later.
	{ "reqid = 1;\n    selector", "reqid = 77;\n    selector" },
	{ "direction = \"out\"; spi = 0x1002", "direction = \"in\"; spi = 0x1001" },
	{ "net_null1", "net_null10" },
	{ "net_null1", "0000:00:1f.6" },
	{ "\"10.3.0.0/16\"", "\"10.2.0.0/17\"" },
	{ "port = \"red0\"; address = \"10.1.0.9\"", "port = \"red0\"; address = \"192.0.2.2\"" },
};

START_TEST(takes)
{
	char *text = replaced(sound_too[_i].from, sound_too[_i].to);
	struct gw_error err = {};
	struct gw_config *config = gw_conf_parse(text, "sound.conf", &err);

	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_uint_eq(config->sa_count, 2);
	gw_config_free(config);
	free(text);
}
END_TEST

START_TEST(numbers_keep_all_bits)
{
	char *text = replaced("sequence = 0x1ffffffff", "sequence = 18446744073709551615");
	struct gw_error err = {};
	struct gw_config *config = gw_conf_parse(text, "sound.conf", &err);

	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_uint_eq(config->sas[1].sequence, UINT64_MAX);
	gw_config_free(config);
	free(text);
}
END_TEST

START_TEST(zero_bytes)
{
	static const char text[] = "a = 1;\n\0b = 2;";
	struct gw_error err = {};

	ck_assert_ptr_null(gw_conf_parse_bytes(text, sizeof(text), "zero", &err));
	ck_assert_str_eq(err.text, "zero:2: there is a zero byte; a configuration is text");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("conf");

	tcase_add_test(tcase, reads_everything);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, the_flow_cache_goes_with_the_policies);
	tcase_add_loop_test(tcase, names_file_line_and_remedy, 0, COUNT(broken));
	tcase_add_loop_test(tcase, takes, 0, COUNT(sound_too));
	tcase_add_test(tcase, numbers_keep_all_bits);
	tcase_add_test(tcase, zero_bytes);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
