// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/sa.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hex.h"
#include "json.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_16       "00112233445566778899aabbccddeeff"
#define KEY_20       KEY_16 "01020304"
#define KEY_32       KEY_16 KEY_16
#define KEY_36       KEY_32 "01020304"

static const char inbound[] =
	"{'direction':'in','spi':'0x1001','source':'192.0.2.1','destination':'192.0.2.2','reqid':1,"
	"'encryption':{'algorithm':'aes-gcm-16','key':'" KEY_20 "'}}";

static int read_patched(const char *patch, struct gw_sa_spec *spec, struct gw_error *err)
{
	json_t *json = gw_test_json_patched(inbound, patch);
	int ret = gw_sa_spec_read(json, spec, err);

	json_decref(json);
	return ret;
}

START_TEST(defaults)
{
	struct gw_sa_spec spec;
	struct gw_error err = {};
	uint8_t key[20];

	gw_hex_decode(KEY_20, key, sizeof(key));
	ck_assert_msg(read_patched("{}", &spec, &err) == 0, "%s: %s", err.where, err.text);
	ck_assert_str_eq(spec.name, "");
	ck_assert_int_eq(spec.direction, GW_DIRECTION_IN);
	ck_assert_int_eq(spec.protocol, GW_PROTOCOL_ESP);
	ck_assert_int_eq(spec.mode, GW_MODE_TUNNEL);
	ck_assert_uint_eq(spec.spi, 0x1001);
	ck_assert_uint_eq(spec.source.family, 4);
	ck_assert_uint_eq(spec.source.bytes[3], 1);
	ck_assert_uint_eq(spec.destination.bytes[3], 2);
	ck_assert_uint_eq(spec.reqid, 1);
	ck_assert_int_eq(spec.encryption, GW_ENCRYPTION_AES_GCM_16);
	ck_assert_int_eq(spec.integrity, GW_INTEGRITY_NONE);
	ck_assert_uint_eq(spec.encryption_key_bytes, 20);
	ck_assert_mem_eq(spec.encryption_key, key, sizeof(key));
	ck_assert(!spec.esn);
	ck_assert_uint_eq(spec.replay_window, GW_DEFAULT_REPLAY);
	ck_assert_int_eq(spec.df, GW_DF_COPY);
	ck_assert_int_eq(spec.dscp, -1);
	ck_assert(!gw_sa_spec_in_udp(&spec));
	ck_assert_uint_eq(spec.encapsulation.source_port, 0);
	ck_assert_uint_eq(spec.sequence, 0);
	ck_assert_ptr_null(spec.replay_bitmap);
	gw_sa_spec_wipe(&spec);
}
END_TEST

static const struct {
	const char *patch;
	const char *where;
	const char *words; // in the error's text
} refused[] = {
	// conformance: C6
	{ "{'encryption':{'algorithm':'des','key':'00'}}", "encryption.algorithm",
		"MUST NOT); use aes-gcm-16" },
	{ "{'encryption':{'algorithm':'cbc(des3_ede)','key':'00'}}", "encryption.algorithm",
		"use aes-gcm-16" },
	{ "{'encryption':{'algorithm':'Blowfish','key':'00'}}", "encryption.algorithm", "64 bits" },
	{ "{'encryption':{'algorithm':'null'},'integrity':{'algorithm':'none','key':''}}",
		"integrity.algorithm", "can be forged" },
	{ "{'integrity':{'algorithm':'hmac(md5)','key':'00'}}", "integrity.algorithm",
		"MUST NOT); use hmac-sha2-256-128" },
	{ "{'direction':null}", "direction", "is missing" },
	{ "{'direction':'inbound'}", "direction", "\"in\" or \"out\"" },
	{ "{'mode':'beet'}", "mode", "\"tunnel\" or \"transport\"" },
	{ "{'mode':'transport','df':'set'}", "df", "leave it out in transport mode" },
	{ "{'mode':'transport','dscp':0}", "dscp", "leave it out in transport mode" },
	{ "{'spi':null}", "spi", "is missing" },
	{ "{'spi':0}", "spi", "from 256" },
	{ "{'spi':255}", "spi", "from 256" },
	{ "{'spi':4294967296}", "spi", "4294967295" },
	{ "{'spi':-1}", "spi", "not -1" },
	{ "{'spi':'0x'}", "spi", "not \"0x\"" },
	{ "{'spi':'1001h'}", "spi", "whole number" },
	{ "{'spi':true}", "spi", "not true" },
	{ "{'spi':4097.5}", "spi", "not 4097.5" },
	{ "{'spi':[1]}", "spi", "not a list" },
	{ "{'source':'192.0.2'}", "source", "an address such as" },
	{ "{'source':'192.0.2.1/32'}", "source", "an address such as" },
	{ "{'source':'0.0.0.0'}", "source", "one host" },
	{ "{'source':'127.0.0.1'}", "source", "one host" },
	{ "{'destination':'224.0.0.1'}", "destination", "one host" },
	{ "{'destination':'255.255.255.255'}", "destination", "one host" },
	{ "{'source':'::1','destination':'2001:db8::1'}", "source", "one host" },
	{ "{'source':'2001:db8::1','destination':'ff02::1'}", "destination", "one host" },
	{ "{'destination':'2001:db8::1'}", "destination", "one family" },
	{ "{'destination':'192.0.2.1'}", "destination", "other end" },
	{ "{'reqid':0}", "reqid", "from 1" },
	{ "{'reqid':null}", "reqid", "is missing" },
	{ "{'encryption':null}", "encryption", "is missing" },
	{ "{'protocol':'tcp'}", "protocol", "\"esp\" or \"ah\"" },
	{ "{'protocol':'ah'}", "encryption.algorithm", "AH does not encrypt" },
	{ "{'protocol':'ah','encryption':null}", "integrity", "AH needs one integrity" },
	{ "{'protocol':'ah','encryption':null,'integrity':{'algorithm':'hmac-sha1-96','key':"
	  "'" KEY_16 "'}}",
		"integrity.key", "takes a key of 20 bytes" },
	{ "{'protocol':'ah','encryption':null,'integrity':{'algorithm':'aes-gmac','key':"
	  "'" KEY_16 "'}}",
		"integrity.key", "20, 28 or 36" },
	{ "{'protocol':'ah','encryption':null,'encapsulation':{},'integrity':{'algorithm':"
	  "'hmac-sha1-96','key':'" KEY_20 "'}}",
		"encapsulation", "no AH in UDP" },
	{ "{'integrity':{'algorithm':'aes-gmac','key':'" KEY_20 "'}}", "integrity.algorithm",
		"\"hmac-sha2-256-128\"" },
	{ "{'encryption':'aes'}", "encryption", "group" },
	{ "{'encryption':{'algorithm':'aes'}}", "encryption.algorithm", "\"aes-gcm-16\"" },
	{ "{'encryption':{'algorithm':'" KEY_32 "'}}", "encryption.algorithm", "[redacted]" },
	{ "{'encryption':{'algorithm':null}}", "encryption.algorithm", "is missing" },
	{ "{'encryption':{'key':null}}", "encryption.key", "has 0 bytes" },
	{ "{'encryption':{'key':'" KEY_16 "'}}", "encryption.key",
		"has 16 bytes; aes-gcm-16 takes 20, 28 or 36 bytes: a key of 16, 24 or 32, then "
		"the salt of 4" },
	{ "{'encryption':{'key':'" KEY_32 "'}}", "encryption.key", "20, 28 or 36" },
	{ "{'encryption':{'key':'" KEY_36 "00'}}", "encryption.key", "more bytes than any" },
	{ "{'encryption':{'key':'" KEY_20 "0'}}", "encryption.key", "hexadecimal" },
	{ "{'encryption':{'key':'xyz'}}", "encryption.key", "hexadecimal" },
	{ "{'encryption':{'key':1}}", "encryption.key", "hexadecimal" },
	{ "{'encryption':{'keys':1}}", "encryption.keys", "did you mean \"key\"" },
	{ "{'encryption':{'algorithm':'chacha20-poly1305'}}", "encryption.key",
		"takes 36 bytes: a key of 32, then the salt of 4" },
	{ "{'encryption':{'algorithm':'aes-cbc','key':'" KEY_16 "'}}", "integrity", "RFC 8221" },
	{ "{'encryption':{'algorithm':'null','key':null}}", "integrity", "is missing" },
	{ "{'encryption':{'algorithm':'aes-ctr','key':'" KEY_20 "'}}", "integrity",
		"or \"chacha20-poly1305\"" },
	{ "{'encryption':{'algorithm':'null'},'integrity':{'algorithm':'hmac-sha1-96','key':"
	  "'" KEY_20 "'}}",
		"encryption.key", "takes no key" },
	{ "{'integrity':{'algorithm':'hmac-sha2-256-128','key':'" KEY_32 "'}}", "integrity",
		"leave integrity out" },
	{ "{'encryption':{'algorithm':'aes-cbc','key':'" KEY_16
	  "'},'integrity':{'algorithm':'sha','key':''}}",
		"integrity.algorithm", "\"hmac-sha1-96\"" },
	{ "{'encryption':{'algorithm':'aes-cbc','key':'" KEY_16
	  "'},'integrity':{'algorithm':'hmac-sha2-256-128','key':'" KEY_20 "'}}",
		"integrity.key", "has 20 bytes; hmac-sha2-256-128 takes a key of 32 bytes" },
	{ "{'encryption':{'algorithm':'aes-cbc','key':'" KEY_16
	  "00'},'integrity':{'algorithm':'hmac-sha1-96','key':'" KEY_20 "'}}",
		"encryption.key", "16, 24 or 32" },
	{ "{'esn':1}", "esn", "true or false" },
	{ "{'replay_window':31}", "replay_window", "0 or from 32 to 1048576" },
	{ "{'replay_window':1048577}", "replay_window", "1048576" },
	// conformance: D11
	{ "{'esn':true,'replay_window':0}", "replay_window", "set esn to false" },
	{ "{'df':'keep'}", "df", "\"copy\", \"set\" or \"clear\"" },
	{ "{'dscp':64}", "dscp", "0 to 63" },
	{ "{'dscp':[0,1,2]}", "dscp", "has 3 numbers; a map has 64" },
	{ "{'direction':'out','inner_dscp':'copy'}", "inner_dscp", "leave it out of an outbound" },
	{ "{'inner_dscp':64}", "inner_dscp",
		"\"keep\", \"copy\", a whole number from 0 to 63 or a list of 64" },
	{ "{'direction':'out','inner_dscp':46}", "inner_dscp", "leave it out of an outbound" },
	{ "{'ecn':'maybe'}", "ecn", "\"copy\" or \"no\"" },
	{ "{'ttl':0}", "ttl", "from 1 to 255" },
	{ "{'ttl':256}", "ttl", "from 1 to 255" },
	{ "{'flow_label':1048576}", "flow_label", "0 to 1048575" },
	{ "{'mode':'transport','ecn':'no'}", "ecn", "leave it out in transport mode" },
	{ "{'mode':'transport','ttl':5}", "ttl", "leave it out in transport mode" },
	{ "{'mode':'transport','flow_label':5}", "flow_label", "leave it out in transport mode" },
	{ "{'mode':'transport','inner_dscp':'copy'}", "inner_dscp", "in transport mode" },
	{ "{'dscp':'ef'}", "dscp", "\"copy\"" },
	{ "{'encapsulation':true}", "encapsulation", "group" },
	{ "{'encapsulation':{'port':4500}}", "encapsulation.port", "source_port" },
	{ "{'encapsulation':{'protocol':'sctp'}}", "encapsulation.protocol", "tcp" },
	{ "{'encapsulation':{'protocol':'tcp','connect':true}}", "encapsulation.connect",
		"outbound SA in TCP" },
	{ "{'direction':'out','encapsulation':{'connect':true}}", "encapsulation.connect",
		"outbound SA in TCP" },
	{ "{'inner_dscp':'copy','encapsulation':{'protocol':'tcp'}}", "inner_dscp",
		"no outer header" },
	{ "{'mode':'transport','encapsulation':{'protocol':'tcp'}}", "encapsulation.protocol",
		"tunnel mode" },
	{ "{'encapsulation':{'source_port':0}}", "encapsulation.source_port", "from 1 to 65535" },
	{ "{'encapsulation':{'source_port':65536}}", "encapsulation.source_port", "65535" },
	{ "{'direction':'out','encapsulation':{'keepalive':3601}}", "encapsulation.keepalive",
		"from 0 to 3600" },
	{ "{'direction':'out','encapsulation':{'keepalive':'off'}}", "encapsulation.keepalive",
		"\"default\"" },
	{ "{'direction':'out','encapsulation':{'keepalive':65535}}", "encapsulation.keepalive",
		"from 0 to 3600" },
	{ "{'direction':'out','encapsulation':{'follow_peer':true}}", "encapsulation.follow_peer",
		"inbound" },
	{ "{'direction':'out','encapsulation':{'destination_port':0}}",
		"encapsulation.destination_port", "from 1" },
	{ "{'encapsulation':{'destination_port':4501}}", "encapsulation.destination_port",
		"must be 4500" },
	{ "{'sequence':4294967296}", "sequence", "set esn" },
	{ "{'esn':true,'sequence':'18446744073709551616'}", "sequence", "18446744073709551615" },
	{ "{'replay_bitmap':'0g'}", "replay_bitmap", "hexadecimal" },
	{ "{'replay_bitmap':7}", "replay_bitmap", "hexadecimal" },
	{ "{'replay_window':32,'replay_bitmap':'0102030405'}", "replay_bitmap", "at most 4" },
	{ "{'replay_window':0,'replay_bitmap':'01'}", "replay_bitmap", "at most 0" },
	{ "{'direction':'out','replay_bitmap':'01'}", "replay_bitmap", "inbound" },
	{ "{'name':'\\\"'}", "name", "without quotes" },
	{ "{'name':'tab\\t'}", "name", "printable" },
	{ "{'name':'12345678901234567890123456789012'}", "name", "31" },
	{ "{'sequense':1}", "sequense", "did you mean \"sequence\"" },
	{ "{'colour':1}", "colour", "the fields are name, direction" },
	{ "{'lifetime':1}", "lifetime", "group" },
	{ "{'lifetime':{'hard':1}}", "lifetime.hard", "hard_bytes" },
	{ "{'lifetime':{'hard_bytes':-1}}", "lifetime.hard_bytes", "not -1" },
	{ "{'lifetime':{'hard_packets':'18446744073709551616'}}", "lifetime.hard_packets",
		"18446744073709551615" },
	{ "{'lifetime':{'hard_seconds':4294967296}}", "lifetime.hard_seconds",
		"at most 4294967295" },
	{ "{'lifetime':{'soft_use_seconds':4294967296}}", "lifetime.soft_use_seconds",
		"at most 4294967295" },
	{ "{'lifetime':{'soft_bytes':6,'hard_bytes':5}}", "lifetime.soft_bytes",
		"beyond the hard limit, 5" },
};

START_TEST(refuses)
{
	struct gw_sa_spec spec, zero = {};
	struct gw_error err = {};

	ck_assert_int_eq(read_patched(refused[_i].patch, &spec, &err), -EINVAL);
	ck_assert_str_eq(err.where, refused[_i].where);
	ck_assert_msg(strstr(err.text, refused[_i].words) != NULL, "%s", err.text);
	ck_assert_ptr_null(strstr(err.text, "001122"));
	ck_assert_mem_eq(&spec, &zero, sizeof(spec));
}
END_TEST

static const struct {
	const char *patch;
	const char *words; // in what is written
} round_trips[] = {
	{ "{}", "\"spi\": \"0x00001001\"" },
	{ "{'spi':256}", "\"0x00000100\"" },
	{ "{'spi':'4294967295'}", "\"0xffffffff\"" },
	{ "{'name':'to the branch, (1)'}", "to the branch, (1)" },
	{ "{'direction':'out','df':'clear','dscp':46}", "\"dscp\": 46" },
	{ "{'direction':'out','df':'set','dscp':'0'}", "\"df\": \"set\"" },
	{ "{'inner_dscp':'copy'}", "\"inner_dscp\": \"copy\"" },
	{ "{'inner_dscp':46}", "\"inner_dscp\": 46" },
	{ "{'direction':'out','ecn':'no'}", "\"ecn\": \"no\"" },
	{ "{'direction':'out','ttl':255}", "\"ttl\": 255" },
	{ "{'direction':'out','flow_label':'copy'}", "\"flow_label\": \"copy\"" },
	{ "{'direction':'out','flow_label':1048575}", "\"flow_label\": 1048575" },
	{ "{'direction':'out','replay_window':0,'esn':true}", "\"esn\": true" },
	{ "{'source':'2001:db8::1','destination':'2001:db8::2'}", "\"2001:db8::2\"" },
	{ "{'replay_window':0}", "\"replay_window\": 0" },
	{ "{'mode':'transport'}", "\"mode\": \"transport\"" },
	{ "{'encapsulation':{}}",
		"\"encapsulation\": {\"destination_port\": 4500, \"source_port\": 4500}" },
	{ "{'encapsulation':{'source_port':1}}", "\"source_port\": 1}" },
	{ "{'encapsulation':{'protocol':'tcp','destination_port':443}}",
		"{\"connect\": false, \"destination_port\": 443, \"protocol\": \"tcp\", "
		"\"source_port\": 4500}" },
	{ "{'direction':'out','encapsulation':{'protocol':'tcp','connect':true}}",
		"{\"connect\": true, \"destination_port\": 4500, \"protocol\": \"tcp\"" },
	{ "{'direction':'out','encapsulation':{'destination_port':61000}}",
		"\"destination_port\": 61000, \"keepalive\": \"default\", \"source_port\": 4500}" },
	{ "{'direction':'out','encapsulation':{'keepalive':0}}", "\"keepalive\": 0" },
	{ "{'encapsulation':{'follow_peer':true}}", "\"follow_peer\": true" },
	{ "{'replay_window':32,'sequence':4294967295,'replay_bitmap':'0x010300FF'}",
		"\"010300ff\"" },
	{ "{'replay_window':65536,'replay_bitmap':''}", "65536" },
	{ "{'lifetime':{'soft_bytes':5,'hard_bytes':5,'soft_packets':7,'hard_seconds':4294967295,"
	  "'hard_use_seconds':9,'used_packets':3,'used_bytes':2}}",
		"\"lifetime\": {\"hard_bytes\": 5, \"hard_seconds\": 4294967295, "
		"\"hard_use_seconds\": 9, \"soft_bytes\": 5, \"soft_packets\": 7, \"used_bytes\": "
		"2, "
		"\"used_packets\": 3}" },
	{ "{'lifetime':{'hard_bytes':'18446744073709551615'}}", "\"18446744073709551615\"" },
	{ "{'esn':true,'sequence':9007199254740991}", "\"sequence\": 9007199254740991" },
	{ "{'esn':true,'sequence':'18446744073709551615'}", "\"18446744073709551615\"" },
	{ "{'encryption':{'algorithm':'rfc4106(gcm(aes))','key':'0x" KEY_36 "'}}", "aes-gcm-16" },
	{ "{'encryption':{'algorithm':'chacha20-poly1305','key':'" KEY_36 "'}}",
		"chacha20-poly1305" },
	{ "{'encryption':{'algorithm':'aes-cbc','key':'" KEY_32
	  "'},'integrity':{'algorithm':'hmac(sha1)','key':'" KEY_20 "'}}",
		"hmac-sha1-96" },
	{ "{'encryption':{'algorithm':'null','key':''},'integrity':{'algorithm':'hmac-sha2-256-128'"
	  ","
	  "'key':'" KEY_32 "'}}",
		"hmac-sha2-256-128" },
	// A weak key is the operator's business.
	{ "{'encryption':{'key':'0000000000000000000000000000000000000000'}}", "aes-gcm-16" },
};

static void copy_keys(json_t *from, json_t *to, const char *member)
{
	json_t *key = json_object_get(json_object_get(from, member), "key");

	if (key)
		json_object_set(json_object_get(to, member), "key", key);
}

static void same_sa(const struct gw_sa_spec *a, const struct gw_sa_spec *b)
{
	struct gw_sa_spec x = *a, y = *b;

	ck_assert_uint_eq(x.replay_bitmap_bytes, y.replay_bitmap_bytes);
	if (x.replay_bitmap_bytes)
		ck_assert_mem_eq(x.replay_bitmap, y.replay_bitmap, x.replay_bitmap_bytes);
	x.replay_bitmap = y.replay_bitmap = NULL;
	ck_assert_mem_eq(&x, &y, sizeof(x));
}

// What is written lacks the keys and nothing else.
START_TEST(writes_what_it_read)
{
	json_t *given = gw_test_json_patched(inbound, round_trips[_i].patch), *written;
	struct gw_sa_spec first, second;
	struct gw_error err = {};
	char *text;

	ck_assert_msg(gw_sa_spec_read(given, &first, &err) == 0, "%s: %s", err.where, err.text);
	written = gw_sa_spec_write(&first);
	text = json_dumps(written, JSON_SORT_KEYS);
	ck_assert_msg(strstr(text, round_trips[_i].words) != NULL, "%s", text);
	ck_assert_ptr_null(strstr(text, "\"key\""));
	ck_assert_ptr_null(strstr(text, "001122"));
	free(text);
	copy_keys(given, written, "encryption");
	copy_keys(given, written, "integrity");
	ck_assert_msg(gw_sa_spec_read(written, &second, &err) == 0, "%s: %s", err.where, err.text);
	same_sa(&first, &second);
	gw_sa_spec_wipe(&first);
	gw_sa_spec_wipe(&second);
	json_decref(given);
	json_decref(written);
}
END_TEST

START_TEST(identity)
{
	json_t *json = gw_test_json("{'direction':'in','spi':4097,'destination':'192.0.2.2'}");
	struct gw_sa_id given, own;
	struct gw_sa_spec spec;
	struct gw_error err = {};

	ck_assert_int_eq(gw_sa_id_read(json, &given, &err), 0);
	ck_assert_int_eq(read_patched("{}", &spec, &err), 0);
	own = gw_sa_spec_id(&spec);
	ck_assert(gw_sa_id_equal(&given, &own));
	own.direction = GW_DIRECTION_OUT;
	ck_assert(!gw_sa_id_equal(&given, &own));
	own = given;
	own.spi++;
	ck_assert(!gw_sa_id_equal(&given, &own));
	own = given;
	own.destination.bytes[3]++;
	ck_assert(!gw_sa_id_equal(&given, &own));
	json_object_del(json, "destination");
	ck_assert_int_eq(gw_sa_id_read(json, &given, &err), -EINVAL);
	ck_assert_str_eq(err.where, "destination");
	json_decref(json);
	gw_sa_spec_wipe(&spec);
}
END_TEST

// SAs of IKE daemons do not pass through the readers.
START_TEST(checks_values_out_of_range)
{
	struct gw_sa_spec good, spec;
	struct gw_error err = {};

	ck_assert_int_eq(read_patched("{}", &good, &err), 0);
	ck_assert_int_eq(gw_sa_spec_check(&good, &err), 0);
	spec = good;
	spec.direction = 2;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.protocol = 51;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.mode = GW_MODE_TRANSPORT + 1;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.spi = 255;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.reqid = 0;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.encryption = GW_ENCRYPTION_COUNT;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.integrity = GW_INTEGRITY_COUNT;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.source.family = 5;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.dscp = -3;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec = good;
	spec.encapsulation.source_port = 4500;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	spec.encapsulation.destination_port = 4500;
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), 0);
	spec = good;
	memset(spec.name, 'a', sizeof(spec.name));
	ck_assert_int_eq(gw_sa_spec_check(&spec, NULL), -EINVAL);
	gw_sa_spec_wipe(&good);
}
END_TEST

START_TEST(algorithm_names)
{
	ck_assert_int_eq(gw_encryption_find("aes-gcm-16"), GW_ENCRYPTION_AES_GCM_16);
	ck_assert_int_eq(gw_encryption_find("ecb(cipher_null)"), GW_ENCRYPTION_NULL);
	ck_assert_int_eq(gw_encryption_find("none"), GW_ENCRYPTION_UNSET);
	ck_assert_int_eq(gw_encryption_find(""), GW_ENCRYPTION_UNSET);
	ck_assert_int_eq(gw_integrity_find("hmac(sha256)"), GW_INTEGRITY_HMAC_SHA2_256_128);
	ck_assert_int_eq(gw_integrity_find("none"), GW_INTEGRITY_NONE);
	for (int id = 1; id < GW_ENCRYPTION_COUNT; id++) {
		const struct gw_encryption *row = &gw_encryptions[id];

		ck_assert_int_eq(gw_encryption_find(row->name), id);
		// Where several share an xfrm name it stands for the longest ICV, which is the
		// first.
		ck_assert_int_le(gw_encryption_find(row->xfrm_name), id);
		ck_assert_uint_ge(gw_encryptions[gw_encryption_find(row->xfrm_name)].icv_bytes,
			row->icv_bytes);
		for (int i = 0; i < GW_KEY_LENGTHS; i++)
			ck_assert_uint_le(
				row->key_bytes[i] + row->salt_bytes, GW_MAX_ENCRYPTION_KEY);
		ck_assert_int_eq(row->aead, row->icv_bytes > 0);
	}
	for (int id = 1; id < GW_INTEGRITY_COUNT; id++)
		ck_assert_uint_le(gw_integrities[id].key_bytes, GW_MAX_INTEGRITY_KEY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spec_sa");
	TCase *tcase = tcase_create("sa");

	tcase_add_test(tcase, defaults);
	tcase_add_loop_test(tcase, refuses, 0, COUNT(refused));
	tcase_add_loop_test(tcase, writes_what_it_read, 0, COUNT(round_trips));
	tcase_add_test(tcase, identity);
	tcase_add_test(tcase, checks_values_out_of_range);
	tcase_add_test(tcase, algorithm_names);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
