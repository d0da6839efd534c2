// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/grammar.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "espctl/complete.h"
#include "espctl/key.h"
#include "espctl/table.h"
#include "run.h"

#define LOOP(tcase, test, table)                                                                   \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

#define KEY "0x0102030405060708090a0b0c0d0e0f1011121314"
#define HEX "0102030405060708090a0b0c0d0e0f1011121314"

// What is typed, and the request it makes.
static const struct {
	const char *line;
	const char *method;
	const char *params; // JSON
} requests[] = {
	{ "sa", "sa.list", "{}" },
	{ "sa list", "sa.list", "{}" },
	{ "sa show", "sa.list", "{}" },
	{ "sa direction in", "sa.list", "{'direction':'in'}" },
	{ "sa list direction out reqid 7 offset 10 limit 5", "sa.list",
		"{'direction':'out','reqid':7,'offset':10,'limit':5}" },
	{ "sa add direction out spi 0x1001 source 10.9.0.1 destination 10.9.0.2 reqid 1 "
	  "encryption aes-gcm-16 " KEY " esn on replay-window 4096",
		"sa.add",
		"{'direction':'out','spi':4097,'source':'10.9.0.1','destination':'10.9.0.2',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},'esn':true,"
		"'replay_window':4096}" },
	{ "sa add dir in spi 4098 src 10.9.0.2 dst 10.9.0.1 reqid 1 enc aes-cbc " KEY
	  " auth hmac-sha1 " KEY " esn off df set dscp copy name 'west gate' sequence 9 "
	  "replay-bitmap ff",
		"sa.add",
		"{'direction':'in','spi':4098,'source':'10.9.0.2','destination':'10.9.0.1',"
		"'reqid':1,'encryption':{'algorithm':'aes-cbc','key':'" HEX "'},"
		"'integrity':{'algorithm':'hmac-sha1-96','key':'" HEX "'},'esn':false,"
		"'df':'set','dscp':'copy','name':'west gate','sequence':9,'replay_bitmap':'ff'}" },
	{ "sa add dir in spi 256 src 10.9.0.2 dst 10.9.0.1 reqid 1 enc null "
	  "dscp 1,2,0x3 inner-dscp keep ecn no ttl 9 flow-label copy",
		"sa.add",
		"{'direction':'in','spi':256,'source':'10.9.0.2','destination':'10.9.0.1',"
		"'reqid':1,'encryption':{'algorithm':'null'},'dscp':[1,2,3],"
		"'inner_dscp':'keep','ecn':'no','ttl':9,'flow_label':'copy'}" },
	{ "sa add dir in spi 256 src 10.9.0.2 dst 10.9.0.1 reqid 1 enc null "
	  "int hmac-sha2-256-128 " KEY,
		"sa.add",
		"{'direction':'in','spi':256,'source':'10.9.0.2','destination':'10.9.0.1',"
		"'reqid':1,'encryption':{'algorithm':'null'},"
		"'integrity':{'algorithm':'hmac-sha2-256-128','key':'" HEX "'}}" },
	{ "sa add dir in spi 256 src 10.9.0.2 dst 10.9.0.1 reqid 1 "
	  "enc rfc4106(gcm(aes)) " KEY,
		"sa.add",
		"{'direction':'in','spi':256,'source':'10.9.0.2','destination':'10.9.0.1',"
		"'reqid':1,'encryption':{'algorithm':'rfc4106(gcm(aes))','key':'" HEX "'}}" },
	{ "sa add dir out spi 256 src 10.9.0.1 dst 10.9.0.2 reqid 1 enc aes-gcm-16 " KEY
	  " udp 4500 0xf000 esn on",
		"sa.add",
		"{'direction':'out','spi':256,'source':'10.9.0.1','destination':'10.9.0.2',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},"
		"'encapsulation':{'source_port':4500,'destination_port':61440},'esn':true}" },
	{ "sa add dir out spi 256 src 10.9.0.1 dst 10.9.0.2 reqid 1 keepalive 30 enc "
	  "aes-gcm-16 " KEY " udp 4500 61000",
		"sa.add",
		"{'direction':'out','spi':256,'source':'10.9.0.1','destination':'10.9.0.2',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},"
		"'encapsulation':{'source_port':4500,'destination_port':61000,'keepalive':30}}" },
	{ "sa add dir out spi 256 src 10.9.0.1 dst 10.9.0.2 reqid 1 enc aes-gcm-16 " KEY
	  " tcp connect 443 esn on",
		"sa.add",
		"{'direction':'out','spi':256,'source':'10.9.0.1','destination':'10.9.0.2',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},"
		"'encapsulation':{'protocol':'tcp','connect':true,'destination_port':443},"
		"'esn':true}" },
	{ "sa add dir in spi 256 src 10.9.0.2 dst 10.9.0.1 reqid 1 enc aes-gcm-16 " KEY
	  " tcp accept",
		"sa.add",
		"{'direction':'in','spi':256,'source':'10.9.0.2','destination':'10.9.0.1',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},"
		"'encapsulation':{'protocol':'tcp'}}" },
	{ "tcp", "tcp.list", "{}" },
	{ "sa add dir out spi 256 src 10.9.0.1 dst 10.9.0.2 reqid 1 enc aes-gcm-16 " KEY
	  " soft-bytes 1 byte-hard 2 packet-soft 3 hard-packets 4 time-soft 5 time-hard 6 "
	  "time-use-soft 7 hard-use-seconds 8",
		"sa.add",
		"{'direction':'out','spi':256,'source':'10.9.0.1','destination':'10.9.0.2',"
		"'reqid':1,'encryption':{'algorithm':'aes-gcm-16','key':'" HEX "'},"
		"'lifetime':{'soft_bytes':1,'hard_bytes':2,'soft_packets':3,'hard_packets':4,"
		"'soft_seconds':5,'hard_seconds':6,'soft_use_seconds':7,'hard_use_seconds':8}}" },
	{ "sa get direction in spi 0xffffffff destination 2001:db8::1", "sa.get",
		"{'direction':'in','spi':4294967295,'destination':'2001:db8::1'}" },
	{ "sa del dir out spi 256 dst 10.9.0.2 protocol esp", "sa.delete",
		"{'direction':'out','spi':256,'destination':'10.9.0.2','protocol':'esp'}" },
	{ "sa flush", "sa.flush", "{}" },
	{ "sa flush dir in", "sa.flush", "{'direction':'in'}" },
	{ "spi allocate destination 10.9.0.1", "spi.allocate", "{'destination':'10.9.0.1'}" },
	{ "spi allocate 10.9.0.1 protocol ah", "spi.allocate",
		"{'destination':'10.9.0.1','protocol':'ah'}" },
	{ "spi a 10.9.0.1 first 0x1000 last 0x1fff", "spi.allocate",
		"{'destination':'10.9.0.1','first':4096,'last':8191}" },
	{ "policy", "policy.list", "{}" },
	{ "policy add direction out priority 100 action protect source 10.1.0.0/16 "
	  "destination 10.2.0.1-10.2.0.9 protocol tcp source-port 1024-65535 destination-port 443 "
	  "reqid 1",
		"policy.add",
		"{'direction':'out','priority':100,'action':'protect','selector':"
		"{'source':'10.1.0.0/16','destination':'10.2.0.1-10.2.0.9','protocol':'tcp',"
		"'source_port':'1024-65535','destination_port':443},'reqid':1}" },
	{ "pol add dir out act p src ::/0 dst ::/0 reqid 3 populate source,source_port",
		"policy.add",
		"{'direction':'out','action':'protect','selector':{'source':'::/0',"
		"'destination':'::/0'},'reqid':3,'populate':['source','source_port']}" },
	{ "pol add dir in prio 5 act b src ::/0 dst ::/0 proto icmpv6 icmp-type 128 icmp_code 0",
		"policy.add",
		"{'direction':'in','priority':5,'action':'bypass','selector':"
		"{'source':'::/0','destination':'::/0','protocol':'icmpv6','icmp_type':128,"
		"'icmp_code':0}}" },
	{ "policy delete direction in priority 5 source ::/0 destination ::/0 protocol 58",
		"policy.delete",
		"{'direction':'in','priority':5,'selector':{'source':'::/0','destination':'::/0',"
		"'protocol':58}}" },
	{ "policy flush builtin", "policy.flush", "{'builtin':true}" },
	{ "route add 10.2.0.0/16 gateway 10.9.0.2 port wan", "route.add",
		"{'destination':'10.2.0.0/16','gateway':'10.9.0.2','port':'wan'}" },
	{ "route add 10.2.0.0/16 via 10.9.0.2 dev wan", "route.add",
		"{'destination':'10.2.0.0/16','gateway':'10.9.0.2','port':'wan'}" },
	{ "route add destination 10.2.0.0/16 kind black", "route.add",
		"{'destination':'10.2.0.0/16','kind':'blackhole'}" },
	{ "route delete dead::/16 port lan", "route.delete",
		"{'destination':'dead::/16','port':'lan'}" },
	{ "neighbour add 10.9.0.2 port wan mac 02:00:00:00:00:02", "neighbour.add",
		"{'address':'10.9.0.2','port':'wan','mac':'02:00:00:00:00:02'}" },
	{ "neighbor add 10.9.0.2 lladdr 02:00:00:00:00:02 dev wan", "neighbour.add",
		"{'address':'10.9.0.2','port':'wan','mac':'02:00:00:00:00:02'}" },
	{ "neigh del 10.9.0.2 dev wan", "neighbour.delete", "{'address':'10.9.0.2','port':'wan'}" },
	{ "port", "port.list", "{}" },
	{ "worker list", "worker.list", "{}" },
	{ "node worker 1", "node.list", "{'worker':1}" },
	{ "drops", "drop.list", "{}" },
	{ "drops all", "drop.list", "{}" },
	{ "crypto", "crypto.list", "{}" },
	{ "crypto measured", "crypto.measured", "{}" },
	{ "status", "status.get", "{}" },
	{ "config reload", "config.reload", "{}" },
	{ "monitor", "event.subscribe", "{}" },
	{ "monitor acquire exp sa", "event.subscribe", "{'kinds':['acquire','expire','sa']}" },
	{ "call method.list", "method.list", "{}" },
	{ "call sa.list {'direction': 'in', 'limit': 3}", "sa.list",
		"{'direction':'in','limit':3}" },
	{ "  sa   list # all of them", "sa.list", "{}" },
	{ "sa list reqid many", "sa.list", "{'reqid':'many'}" },
	{ "sa list reqid 99999999999999999999", "sa.list", "{'reqid':'99999999999999999999'}" },
	{ "sa list reqid 0x", "sa.list", "{'reqid':'0x'}" },
	{ "sa list reqid -1", "sa.list", "{'reqid':'-1'}" },
};

// JSON here is written with single quotes, so that it can be read.
static char *with_double_quotes(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

static int parse_line(char *line, struct espctl_request *request, struct gw_error *err)
{
	struct espctl_words words;
	int rc = espctl_words_split(line, &words, err);

	if (rc == 0)
		rc = espctl_parse(&words, request, err);
	espctl_words_free(&words);
	return rc;
}

START_TEST(makes_request)
{
	char *line = strstr(requests[_i].line, "{'") ? with_double_quotes(requests[_i].line)
						     : strdup(requests[_i].line);
	char *expected_text = with_double_quotes(requests[_i].params), *got;
	json_t *expected = json_loads(expected_text, 0, NULL);
	struct espctl_request request;
	struct gw_error err = {};

	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(parse_line(line, &request, &err) == 0, "%s: %s", requests[_i].line, err.text);
	ck_assert_str_eq(request.method, requests[_i].method);
	got = json_dumps(request.params, JSON_COMPACT);
	ck_assert_msg(json_equal(request.params, expected), "%s", got);
	free(got);
	json_decref(expected);
	espctl_request_free(&request);
	free(expected_text);
	free(line);
}
END_TEST

// What is typed wrongly, and a piece of what is said about it.
static const struct {
	const char *line;
	const char *complaint;
} mistakes[] = {
	{ "", "no command" },
	{ "tunnel", "there is no command \"tunnel\"; there are sa, spi, policy" },
	{ "s", "may be any of sa, spi, status" },
	{ "p", "may be any of policy, port" },
	{ "config", "config is followed by nothing: reload" },
	{ "config write", "there is no config \"write\"; there are reload" },
	{ "sa list d", "direction is followed by nothing" },
	{ "sa add d in", "\"d\" may be any of direction, destination, df, dscp" },
	{ "sa add direction", "direction is followed by nothing" },
	{ "sa add direction sideways", "direction is one of in, out, not \"sideways\"" },
	{ "sa add direction in direction out", "direction is given twice" },
	{ "sa add direction in", "spi is missing" },
	{ "sa add colour green", "there is no parameter \"colour\"; there are direction, spi" },
	{ "sa add udp", "udp is followed by nothing" },
	{ "sa add udp 4500", "udp is followed by two ports" },
	{ "sa add esn maybe", "esn is one of off, on" },
	{ "sa add encryption", "encryption is followed by nothing" },
	{ "sa add encryption aes-cbc", "encryption aes-cbc is followed by no key" },
	{ "sa add encryption aes-cbc 0102", "a key is 0x and hexadecimal digits, @FILE, or -" },
	{ "sa add encryption aes-cbc 0x01zz", "the word after 0x holds no key" },
	{ "sa add encryption aes-cbc 0x", "the word after 0x holds no key" },
	{ "sa add encryption aes-cbc @/nonexistent", "cannot open the key file /nonexistent" },
	{ "sa list reqid", "reqid is followed by nothing" },
	{ "sa list name 'open", "a quote is not closed" },
	{ "port list lan", "nothing may follow here, not \"lan\"" },
	{ "monitor everything", "kinds is one of acquire, expire, sa, policy, port" },
	{ "route add", "destination is missing" },
	{ "call", "method is missing" },
	{ "call sa.list {\"a\":1", "braces and brackets do not match" },
	{ "call sa.list {\"a\":1}x", "braces and brackets do not match" },
	{ "call sa.list {\"a\"}", "params is not JSON" },
	{ "call sa.list [1]", "params must be a JSON object" },
	{ "policy delete direction in priority 1 source ::/0 destination ::/0 action bypass",
		"there is no parameter \"action\"" },
};

START_TEST(mistake)
{
	char *line = strdup(mistakes[_i].line);
	struct espctl_request request;
	struct gw_error err = {};

	ck_assert_int_lt(parse_line(line, &request, &err), 0);
	ck_assert_msg(strstr(err.text, mistakes[_i].complaint) != NULL, "%s: %s", mistakes[_i].line,
		err.text);
	free(line);
}
END_TEST

// What is refused because of a key must not show it.
START_TEST(errors_show_no_key)
{
	static const char *const lines[] = {
		"sa add encryption aes-cbc deadbeefdeadbeef",
		"sa add encryption aes-cbc 0xdeadbeefdeadbeefzz",
		"sa add encryption aes-cbc 0xdeadbeefdeadbeef esn what",
	};

	for (unsigned int i = 0; i < 3; i++) {
		char *line = strdup(lines[i]);
		struct espctl_request request;
		struct gw_error err = {};

		ck_assert_int_lt(parse_line(line, &request, &err), 0);
		ck_assert_ptr_null(strstr(err.text, "deadbeef"));
		free(line);
	}
}
END_TEST

START_TEST(a_typed_key_is_wiped)
{
	char word[] = KEY;
	struct gw_error err = {};
	json_t *key;

	ck_assert_int_eq(espctl_key_read(word, false, &key, &err), 0);
	ck_assert_str_eq(json_string_value(key), HEX);
	for (unsigned int i = 0; i < sizeof(word); i++)
		ck_assert_int_eq(word[i], 0);
	json_decref(key);
}
END_TEST

static const struct {
	const char *content;
	const char *key; // NULL: refused
} key_files[] = {
	{ HEX, HEX },
	{ HEX "\n", HEX },
	{ KEY "\n", HEX },
	{ "  " HEX " \r\n", HEX },
	{ "", NULL },
	{ "\n", NULL },
	{ "0x", NULL },
	{ HEX " " HEX, NULL },
	{ "not a key", NULL },
	{ "\x01\x02\x03", NULL },
};

START_TEST(key_file)
{
	char path[] = "/tmp/espctl-key-XXXXXX", word[40];
	size_t size = strlen(key_files[_i].content);
	struct gw_error err = {};
	json_t *key = NULL;
	int fd = mkstemp(path), rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, key_files[_i].content, size), (int)size);
	close(fd);
	snprintf(word, sizeof(word), "@%s", path);
	rc = espctl_key_read(word, false, &key, &err);
	unlink(path);
	if (!key_files[_i].key) {
		ck_assert_int_lt(rc, 0);
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_str_eq(json_string_value(key), key_files[_i].key);
	json_decref(key);
}
END_TEST

START_TEST(no_key_from_a_taken_stdin)
{
	char word[] = "-";
	struct gw_error err = {};
	json_t *key;

	ck_assert_int_lt(espctl_key_read(word, true, &key, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "@FILE"));
}
END_TEST

// Lines that the history must not keep, and lines that it should.
static const struct {
	const char *line;
	bool suspected;
} lines[] = {
	{ "sa add direction in encryption aes-gcm-16 " KEY, true },
	{ "sa add enc aes-gcm-16 0x1", true },
	{ "sa add auth hmac-sha1-96 0xff esn on", true },
	{ "sa add integrity x 0x", true },
	{ "sa add encryption aes-gcm-16 deadbeef", true },
	{ "sa add encryption aes-gcm-16 deadbeefdeadbeef", true },
	{ "call sa.add {\"encryption\":{\"key\":\"01\"}}", true },
	{ HEX, true },
	{ "sa add direction in encryption aes-gcm-16 @/etc/esplanade/a", false },
	{ "sa add direction in encryption aes-gcm-16 - esn on", false },
	{ "sa delete direction in spi 0x12345678 destination 10.9.0.1", false },
	{ "sa list", false },
	{ "neighbour add 10.9.0.2 mac 02:00:00:00:00:02 port wan", false },
	{ "sa get dir in spi 0x1001 dst 2001:db8:1234:5678:9abc:def0:1234:5678", false },
};

START_TEST(suspicion)
{
	ck_assert_msg(
		espctl_key_suspected(lines[_i].line) == lines[_i].suspected, "%s", lines[_i].line);
}
END_TEST

static void collect(void *ctx, const char *word)
{
	char *text = ctx;

	strcat(text, word);
	strcat(text, " ");
}

// What stands on the line, the last word being typed, and what may come.
static const struct {
	const char *line;
	const char *prefix;
	const char *offers;
} completions[] = {
	{ "", "s", "sa spi status " },
	{ "", "x", "" },
	{ "sa", "", "list add update send-dummy delete get flush direction reqid offset limit " },
	{ "config", "", "reload " },
	{ "sa add", "d", "direction destination df dscp " },
	{ "sa add direction in", "d", "destination df dscp " },
	{ "sa add direction", "", "in out " },
	{ "sa add", "u", "udp used-bytes used-packets " },
	{ "sa add udp 4500", "", "" },
	{ "sa add encryption", "aes",
		"aes-gcm-16 aes-gcm-12 aes-gcm-8 aes-ccm-16 aes-ccm-8 aes-gmac aes-gcm-16-iiv "
		"aes-ccm-8-iiv aes-cbc aes-ctr " },
	{ "sa add encryption aes-cbc", "", "" },
	{ "sa add encryption aes-cbc 0x01", "e", "esn ecn " },
	{ "sa add encryption null", "e", "esn ecn " },
	{ "policy add action", "", "protect bypass discard " },
	{ "monitor", "", "acquire expire sa policy port mapping path_mtu controller " },
	{ "monitor sa", "p", "policy port path_mtu " },
	{ "drops", "", "all " },
	{ "nonsense", "", "" },
};

START_TEST(completion)
{
	char *line = strdup(completions[_i].line), offers[600] = "";
	struct espctl_words words;
	char *none[1];

	ck_assert_int_eq(espctl_words_split(line, &words, NULL), 0);
	espctl_complete(words.words ? words.words : none, words.count, completions[_i].prefix,
		collect, offers);
	ck_assert_msg(strcmp(offers, completions[_i].offers) == 0, "%s: %s", completions[_i].line,
		offers);
	espctl_words_free(&words);
	free(line);
}
END_TEST

// Names in one list stay apart, required parameters can be given, choices exist where they are
// needed.
START_TEST(tables_are_sound)
{
	for (size_t f = 0; f < espctl_family_count; f++) {
		const struct espctl_family *family = espctl_families[f];

		ck_assert_ptr_nonnull(family->help);
		for (size_t c = 0; c < family->command_count; c++) {
			const struct espctl_command *command = &family->commands[c];

			ck_assert(command->method || command->run || command->finish);
			ck_assert_ptr_nonnull(command->help);
			ck_assert(command->verb || family->command_count == 1);
			for (size_t p = 0; p < command->parameter_count; p++) {
				ck_assert_ptr_nonnull(command->parameters[p].read);
				ck_assert_int_eq(
					espctl_match(command->parameters[p].word,
						command->parameters, command->parameter_count,
						espctl_parameter_word, espctl_parameter_alias,
						NULL),
					(int)p);
			}
		}
	}
}
END_TEST

static const struct {
	uint64_t count;
	const char *text;
} counts[] = {
	{ 0, "0" },
	{ 99999, "99999" },
	{ 100000, "100k" },
	{ 999499, "999k" },
	{ 999500, "1.00M" },
	{ 1234567, "1.23M" },
	{ 12345678, "12.3M" },
	{ 999999999, "1.00G" },
	{ UINT64_MAX, "18.4E" },
};

START_TEST(count_format)
{
	char buffer[ESPCTL_COUNT_SIZE];

	ck_assert_str_eq(espctl_count_format(counts[_i].count, buffer), counts[_i].text);
}
END_TEST

static const struct {
	uint64_t seconds;
	const char *text;
} durations[] = {
	{ 0, "0s" },
	{ 59, "59s" },
	{ 60, "1m 0s" },
	{ 3725, "1h 2m" },
	{ 86400 * 12 + 3600 * 4, "12d 4h" },
};

START_TEST(duration_format)
{
	char buffer[ESPCTL_COUNT_SIZE];

	ck_assert_str_eq(espctl_duration_format(durations[_i].seconds, buffer), durations[_i].text);
}
END_TEST

START_TEST(table_aligns)
{
	static const struct espctl_column columns[] = { { "NAME", false }, { "COUNT", true },
		{ "EMPTY", false }, { "END", false } };
	struct espctl_table *table = espctl_table_new(columns, 4);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	espctl_table_cell(table, "a");
	espctl_table_cell(table, "%d", 7);
	espctl_table_cell(table, "%s", "");
	espctl_table_cell(table, "x");
	espctl_table_cell(table, "longer");
	espctl_table_cell(table, "%d", 1234567);
	espctl_table_cell(table, "%s", "");
	espctl_table_cell(table, "%s", "");
	espctl_table_print(table, out);
	fclose(out);
	ck_assert_str_eq(text, "NAME      COUNT  END\n"
			       "a             7  x\n"
			       "longer  1234567\n");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("espctl_grammar");
	TCase *grammar = tcase_create("grammar");
	TCase *keys = tcase_create("keys");
	TCase *output = tcase_create("output");

	LOOP(grammar, makes_request, requests);
	LOOP(grammar, mistake, mistakes);
	LOOP(grammar, completion, completions);
	tcase_add_test(grammar, tables_are_sound);
	tcase_add_test(keys, errors_show_no_key);
	tcase_add_test(keys, a_typed_key_is_wiped);
	LOOP(keys, key_file, key_files);
	tcase_add_test(keys, no_key_from_a_taken_stdin);
	LOOP(keys, suspicion, lines);
	LOOP(output, count_format, counts);
	LOOP(output, duration_format, durations);
	tcase_add_test(output, table_aligns);
	suite_add_tcase(suite, grammar);
	suite_add_tcase(suite, keys);
	suite_add_tcase(suite, output);
	return gw_test_run(suite, false);
}
