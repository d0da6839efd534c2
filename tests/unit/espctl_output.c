// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

// A command, a result as docs/control-api.md has it (with single quotes), and what people see.
static const struct {
	const char *line;
	const char *result;
	const char *shown;
} outputs[] = {
	{ "sa list",
		"{'sas':[{'name':'west','direction':'out','protocol':'esp','mode':'tunnel',"
		"'spi':'0x00001001','source':'10.9.0.1','destination':'10.9.0.2','reqid':1,"
		"'encryption':{'algorithm':'aes-cbc'},'integrity':{'algorithm':'hmac-sha1-96'},"
		"'esn':true,'sequence':7,'state':'active','packets':1234567,'bytes':42,"
		"'drops':{'esp_replay':2,'esp_integrity':3}}],'total':1}",
		"DIR  SPI         SOURCE    DESTINATION  REQID  ENCRYPTION  INTEGRITY     ESN  "
		"SEQUENCE  PACKETS  BYTES  DROPS  STATE   NAME\n"
		"out  0x00001001  10.9.0.1  10.9.0.2         1  aes-cbc     hmac-sha1-96  yes  "
		"       7    1.23M     42      5  active  west\n" },
	{ "sa get direction in spi 256 destination ::1",
		"{'direction':'in','protocol':'esp','spi':'0x00000100','source':'::2',"
		"'destination':'::1','reqid':3,'encryption':{'algorithm':'aes-gcm-16'},"
		"'sequence':'18446744073709551615','esn':false,'drops':{'esp_replay':2},"
		"'age_seconds':61,'idle_seconds':null}",
		"in esp spi 0x00000100 from ::2 to ::1\n"
		"  reqid          3\n"
		"  encryption     aes-gcm-16\n"
		"  esn            no\n"
		"  sequence       18446744073709551615\n"
		"  dropped        2 esp_replay\n"
		"  age            1m 1s\n"
		"  idle           never used\n" },
	{ "interface",
		"{'interfaces':[{'name':'esp0','if_id':42,'up':true,'mtu':1438,'to_host':7,"
		"'from_host':12345,'origin':'config'}]}",
		"NAME  IF_ID  STATE   MTU  TO HOST  FROM HOST  ORIGIN\n"
		"esp0     42  up     1438        7      12345  config\n" },
	{ "sa flush", "{'deleted':3}", "3 deleted\n" },
	{ "sa delete direction in spi 256 destination ::1", "{'deleted':1}", "" },
	{ "spi allocate ::1", "{'spi':'0x00001000'}", "0x00001000\n" },
	{ "policy",
		"{'policies':[{'name':'','direction':'out','priority':9,'action':'protect',"
		"'selector':{'source':'10.1.0.0/24','destination':'10.2.0.0/24',"
		"'protocol':'tcp','source_port':'any','destination_port':'80-90'},'reqid':1,"
		"'owner':'control','packets':5},{'direction':'in','priority':10,"
		"'action':'bypass','selector':{'source':'::/0','destination':'::/0',"
		"'protocol':'icmpv6','icmp_type':128,'icmp_code':'any'},'owner':'builtin',"
		"'packets':0}],'total':2}",
		"DIR  PRIORITY  ACTION   REQID  SOURCE       DESTINATION  PROTOCOL  "
		"FROM PORT/TYPE  TO PORT/CODE  PACKETS  OWNER\n"
		"out         9  protect      1  10.1.0.0/24  10.2.0.0/24  tcp       "
		"                80-90               5  control\n"
		"in         10  bypass          ::/0         ::/0         icmpv6    "
		"128                                 0  builtin\n" },
	{ "route",
		"{'routes':[{'destination':'10.2.0.0/24','kind':'unicast','gateway':'10.9.0.2',"
		"'port':'wan','origin':'static','metric':0}]}",
		"DESTINATION  GATEWAY   PORT  KIND     ORIGIN  METRIC\n"
		"10.2.0.0/24  10.9.0.2  wan   unicast  static       0\n" },
	{ "neighbour",
		"{'neighbours':[{'port':'wan','address':'10.9.0.2','mac':'02:00:00:00:00:02',"
		"'origin':'kernel'}]}",
		"ADDRESS   PORT  MAC                ORIGIN\n"
		"10.9.0.2  wan   02:00:00:00:00:02  kernel\n" },
	{ "port",
		"{'ports':[{'name':'lan','device':'net_null0','side':'protected',"
		"'mac':'02:00:00:00:00:01','mtu':1500,'addresses':['10.1.0.1/24','::1/64'],"
		"'link':{'up':true,'speed_mbps':null},'rx_queues':2,'rx_packets':1,'rx_bytes':2,"
		"'tx_packets':3,'tx_bytes':4,'punted':5,'from_host':6,"
		"'device_counters':{'rx_missed':7}}]}",
		"PORT  SIDE       LINK  MAC                 MTU  QUEUES  RX PACKETS  RX BYTES  "
		"TX PACKETS  TX BYTES  TO HOST  FROM HOST  MISSED  DEVICE\n"
		"lan   protected  up    02:00:00:00:00:01  1500       2           1         2  "
		"         3         4        5          6       7  net_null0\n"
		"lan: 10.1.0.1/24 ::1/64\n" },
	{ "worker",
		"{'workers':[{'worker':0,'cpu':1,'rx_queues':[{'port':'lan','queue':0},"
		"{'port':'wan','queue':1}],'polls':200,'idle_polls':50,'sleeps':3,"
		"'dealt':7,'helped':12}]}",
		"WORKER  CPU  QUEUES       POLLS   IDLE  SLEEPS  DEALT  HELPED\n"
		"     0    1  lan:0 wan:1    200  25.0%       3      7      12\n" },
	{ "node",
		"{'nodes':[{'name':'port_rx','packets':640,'vectors':10,'cycles':12800},"
		"{'name':'punt','packets':0,'vectors':0,'cycles':0}]}",
		"NODE     PACKETS  VECTORS  PACKETS/VECTOR  CYCLES/PACKET\n"
		"port_rx      640       10            64.0             20\n"
		"punt           0        0             0.0              0\n" },
	{ "drops",
		"{'drops':[{'name':'no_route','packets':1,'severity':'warning',"
		"'meaning':'No route.','remedy':'Add one.'},{'name':'eth_vlan','packets':0,"
		"'severity':'warning','meaning':'A tag.','remedy':'None.'}]}",
		"no_route: 1 packet (warning)\n    No route.\n    Add one.\n" },
	{ "drops all",
		"{'drops':[{'name':'eth_vlan','packets':0,'severity':'warning',"
		"'meaning':'A tag.','remedy':'None.'}]}",
		"eth_vlan: 0 packets (warning)\n    A tag.\n    None.\n" },
	{ "drops", "{'drops':[]}", "No packet was dropped.\n" },
	{ "crypto",
		"{'engine':'IPsec-MB','suites':[{'protocol':'esp','encryption':'aes-gcm-16',"
		"'encryption_key_bytes':[20,36],'icv_bytes':16,'usable':true},"
		"{'protocol':'esp','encryption':'null','encryption_key_bytes':[],"
		"'integrity':'hmac-sha1-96','integrity_key_bytes':[20],'icv_bytes':12,"
		"'usable':false},{'protocol':'ah','integrity':'aes-gmac',"
		"'integrity_key_bytes':[20,36],'icv_bytes':16,'usable':true}]}",
		"IPsec-MB\n"
		"PROTOCOL  ENCRYPTION  KEY BYTES  INTEGRITY     KEY BYTES  ICV BYTES  USABLE\n"
		"esp       aes-gcm-16   20 or 36                                  16  yes\n"
		"esp       null                   hmac-sha1-96         20         12  no: "
		"self-test "
		"failed\n"
		"ah                               aes-gmac       20 or 36         16  yes\n" },
	{ "crypto measured",
		"{'payload_bytes':[64,512,1424],'codes':[{'encryption':'aes-gcm-16','code':'VAES',"
		"'seal_cycles':[30,140,320],'seal_chosen':[true,true,false],"
		"'open_cycles':[29,null,300],'open_chosen':[true,false,false]},"
		"{'encryption':'null','integrity':'hmac-sha1-96','code':'burst, SSE',"
		"'seal_cycles':[9,8,7],'seal_chosen':[false,false,true],"
		"'open_cycles':[6,5,4],'open_chosen':[false,true,true]}]}",
		"Cycles per packet of 64, 512 and 1424 bytes; *: chosen\n"
		"ENCRYPTION  INTEGRITY     CODE        SEAL SHORT  MEDIUM  LONG  OPEN SHORT  "
		"MEDIUM  LONG\n"
		"aes-gcm-16                VAES              * 30   * 140   320        * 29  "
		"failed   300\n"
		"null        hmac-sha1-96  burst, SSE           9       8   * 7           6     * "
		"5   * 4\n" },
	{ "status",
		"{'version':'1','hugepages':false,'log_level':'info','uptime_seconds':5,"
		"'buffers':{'total':8,'in_use':2}}",
		"version          1\nlog level        info\nhugepages        no\n"
		"uptime           5s\nbuffers          2 of 8 in use\n" },
	{ "config reload", "{'added':2,'deleted':0,'replaced':1,'unchanged':0,'skipped':0}",
		"added 2, replaced 1\n" },
	{ "config reload", "{'added':0,'deleted':0}", "The configuration is as it was.\n" },
	{ "call sa.add", "{'added':1}", "{\n  \"added\": 1\n}\n" },
};

static json_t *load(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, 0, NULL);
	free(copy);
	ck_assert_ptr_nonnull(value);
	return value;
}

START_TEST(output)
{
	char *line = strdup(outputs[_i].line), *text = NULL;
	json_t *result = load(outputs[_i].result);
	struct espctl_request request;
	struct espctl_words words;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(espctl_words_split(line, &words, NULL), 0);
	ck_assert_int_eq(espctl_parse(&words, &request, NULL), 0);
	if (request.command->print)
		request.command->print(result, request.options, out);
	fclose(out);
	ck_assert_str_eq(text, outputs[_i].shown);
	free(text);
	json_decref(result);
	espctl_request_free(&request);
	espctl_words_free(&words);
	free(line);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("espctl_output");
	TCase *tcase = tcase_create("output");

	tcase_add_loop_test(tcase, output, 0, sizeof(outputs) / sizeof(outputs[0]));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
