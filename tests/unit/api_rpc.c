// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "api/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "toy.h"

// Hands request to the dispatcher and checks that its text was wiped.
static char *handle(struct toy *toy, const char *request)
{
	size_t size = strlen(request);
	char *message = strdup(request), *reply;

	reply = gw_rpc_handle(toy_methods, toy_method_count, toy, NULL, message, size);
	for (size_t i = 0; i < size; i++)
		ck_assert_msg(message[i] == 0, "byte %zu of %s is not wiped", i, request);
	free(message);
	return reply;
}

// A call, its answer, and what the database holds afterwards. An answer that starts with a number
// is that of an error whose message is not compared.
static const struct {
	const char *name;
	const char *request;
	int code;           // of the error; 0: reply is the whole answer
	const char *reply;  // NULL: none
	const char *where;  // data.where of the error
	uint64_t committed; // bits
} cases[] = {
	{ "result",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":3},"
			   "\"id\":1}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":3}", .committed = 1 << 3 },
	{ "no params", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":1}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}" },
	{ "text id",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":\"\\u00e4\"}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e4\",\"result\":[]}" },
	{ "null id is an id",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":null}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":[]}" },
	{ "real id", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":1.5}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":[]}" },
	{ "large id",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":"
			   "9223372036854775807}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":9223372036854775807,\"result\":[]}" },
	{ "notification",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":3}}",
		.committed = 1 << 3 },
	{ "failing notification",
		.request =
			"{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":99}}" },
	{ "spaces around",
		.request = " {\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":1} \r",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}" },
	{ "invalid params",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":64},"
			   "\"id\":1}",
		.code = GW_RPC_INVALID_PARAMS, .where = "n" },
	{ "params by position",
		.request =
			"{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":[1],\"id\":1}",
		.code = GW_RPC_INVALID_PARAMS },
	{ "params null",
		.request =
			"{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"params\":null,\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "params text",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"params\":\"n\","
			   "\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "unknown method", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.eat\",\"id\":1}",
		.code = GW_RPC_METHOD_NOT_FOUND },
	{ "unknown method, name cut inside a character",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":"
			   "\"xääääääääääääääääääääääääääääääääääääääää\",\"id\":1}",
		.code = GW_RPC_METHOD_NOT_FOUND },
	{ "unknown member",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"parms\":{},\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "version missing", .request = "{\"method\":\"number.list\",\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "version 1.0", .request = "{\"jsonrpc\":\"1.0\",\"method\":\"number.list\",\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "version a number", .request = "{\"jsonrpc\":2.0,\"method\":\"number.list\",\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "method missing", .request = "{\"jsonrpc\":\"2.0\",\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "method a number", .request = "{\"jsonrpc\":\"2.0\",\"method\":1,\"id\":1}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "id an object", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":{}}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "id true", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":true}",
		.code = GW_RPC_INVALID_REQUEST },
	{ "empty object", .request = "{}", .code = GW_RPC_INVALID_REQUEST },
	{ "a number", .request = "1", .code = GW_RPC_INVALID_REQUEST },
	{ "empty line", .request = "", .code = GW_RPC_PARSE_ERROR },
	{ "truncated", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.li",
		.code = GW_RPC_PARSE_ERROR },
	{ "two messages", .request = "{} {}", .code = GW_RPC_PARSE_ERROR },
	{ "trailing comma", .request = "{\"jsonrpc\":\"2.0\",}", .code = GW_RPC_PARSE_ERROR },
	{ "duplicate member",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1,"
			   "\"n\":2},\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "not UTF-8", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "overlong UTF-8", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"\xc0\xaf\",\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "zero character", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"a\\u0000\",\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "huge number",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1e999}"
			   ",\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "huge integer",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":"
			   "99999999999999999999},\"id\":1}",
		.code = GW_RPC_PARSE_ERROR },
	{ "as deep as allowed", .request = "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
		.reply = "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
			 "\"a "
			 "request is an object\"}}]" },
	{ "deeper than allowed", .request = "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
		.code = GW_RPC_PARSE_ERROR },
	{ "brackets in text are not depth",
		.request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":\"\\\"[[[[[[[[[["
			   "[[[[[[[[[[\"}",
		.reply =
			"{\"jsonrpc\":\"2.0\",\"id\":\"\\\"[[[[[[[[[[[[[[[[[[[[\",\"result\":[]}" },
	{ "method alone", .request = "{\"jsonrpc\":\"2.0\",\"method\":\"number.alone\",\"id\":1}",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"alone\"}" },

	{ "empty batch", .request = "[]", .code = GW_RPC_INVALID_REQUEST },
	{ "batch of nonsense", .request = "[1,2]",
		.reply = "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
			 "\"a "
			 "request is an "
			 "object\"}},{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
			 "-32600,\"message\":\"a request is an object\"}}]" },
	{ "batch; reads see the state before it",
		.request = "[{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1},"
			   "\"id\":1},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":2},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":2}}]",
		.reply = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},"
			 "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[]}]",
		.committed = 1 << 1 | 1 << 2 },
	{ "batch of notifications",
		.request = "[{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1}}]",
		.committed = 1 << 1 },
	{ "one call of a batch fails: nothing is applied",
		.request = "[{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1},"
			   "\"id\":1},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1},"
			   "\"id\":2},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.list\",\"id\":3},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":2},"
			   "\"id\":4}]",
		.reply = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":125,\"message\":\"not "
			 "applied, "
			 "because another call of the batch "
			 "failed\",\"data\":{\"errno\":\"ECANCELED\"}}},"
			 "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":17,\"message\":\"is "
			 "there "
			 "already\",\"data\":{\"errno\":\"EEXIST\",\"where\":\"n\"}}},"
			 "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":[]},"
			 "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":125,\"message\":\"not "
			 "applied, "
			 "because another call of the batch "
			 "failed\",\"data\":{\"errno\":\"ECANCELED\"}}}]" },
	{ "a failing notification fails the batch",
		.request =
			"[{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1}},"
			"{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1}}]" },
	{ "an unknown method fails the batch",
		.request = "[{\"jsonrpc\":\"2.0\",\"method\":\"number.add\",\"params\":{\"n\":1}},"
			   "{\"jsonrpc\":\"2.0\",\"method\":\"number.eat\"}]" },
	{ "method alone in a batch",
		.request = "[{\"jsonrpc\":\"2.0\",\"method\":\"number.alone\",\"id\":1}]",
		.reply = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":"
			 "\"number.alone cannot be part of a batch: send it alone\"}}]" },
};

START_TEST(answers)
{
	struct toy toy = {};
	char *text = handle(&toy, cases[_i].request);
	json_t *reply = text ? json_loads(text, 0, NULL) : NULL;
	json_t *error = json_object_get(reply, "error");

	ck_assert_msg(!text || reply, "%s: not JSON: %s", cases[_i].name, text);
	if (cases[_i].code) {
		ck_assert_msg(json_integer_value(json_object_get(error, "code")) == cases[_i].code,
			"%s: %s", cases[_i].name, text);
		ck_assert_str_ne(json_string_value(json_object_get(error, "message")), "");
	} else if (cases[_i].reply) {
		json_t *expected = json_loads(cases[_i].reply, 0, NULL);

		ck_assert_ptr_nonnull(expected);
		ck_assert_msg(json_equal(reply, expected), "%s: %s", cases[_i].name, text);
		json_decref(expected);
	} else {
		ck_assert_msg(!text, "%s: %s", cases[_i].name, text);
	}
	if (cases[_i].where)
		ck_assert_str_eq(
			json_string_value(json_object_get(json_object_get(error, "data"), "where")),
			cases[_i].where);
	ck_assert_msg(toy.committed == cases[_i].committed, "%s", cases[_i].name);
	ck_assert_msg(toy.staged == toy.committed, "%s: left staged", cases[_i].name);
	json_decref(reply);
	free(text);
}
END_TEST

// No part of the text may come back in an error: it may be part of a key.
START_TEST(parse_errors_repeat_nothing)
{
	static const char *const broken[] = {
		"{\"key\":\"c0ffee",
		"{\"key\":\"c0ffee\",c0ffee}",
		"{\"c0ffee\":1,\"c0ffee\":1}",
		"c0ffee",
		"[\"c0ffee\" \"c0ffee\"]",
		"{\"c0ffee\":\"c0ffee\xff\"}",
		"{\"jsonrpc\":\"2.0\",\"c0ffee\":1}",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct toy toy = {};
		char *text = handle(&toy, broken[i]);

		ck_assert_msg(!strstr(text, "c0ffee"), "%s", text);
		free(text);
	}
}
END_TEST

START_TEST(size_has_a_limit)
{
	size_t size = GW_RPC_MAX_MESSAGE + 1;
	struct toy toy = {};
	char *message = malloc(size), *text;

	memset(message, ' ', size);
	memcpy(message + 10, "{}", 2);
	text = gw_rpc_handle(toy_methods, toy_method_count, &toy, NULL, message, size - 1);
	ck_assert_ptr_nonnull(strstr(text, "-32600"));
	free(text);
	memset(message, ' ', size);
	memcpy(message + 10, "{}", 2);
	text = gw_rpc_handle(toy_methods, toy_method_count, &toy, NULL, message, size);
	ck_assert_ptr_nonnull(strstr(text, "-32700"));
	free(text);
	free(message);
}
END_TEST

START_TEST(batch_has_a_limit)
{
	struct toy toy = {};

	for (int extra = 0; extra <= 1; extra++) {
		json_t *batch = json_array(), *reply;
		char *request, *text;

		for (int i = 0; i < GW_RPC_MAX_BATCH + extra; i++)
			json_array_append_new(batch, json_pack("{s:s, s:s, s:i}", "jsonrpc", "2.0",
							     "method", "number.alone", "id", i));
		request = json_dumps(batch, JSON_COMPACT);
		text = handle(&toy, request);
		reply = json_loads(text, 0, NULL);
		if (extra)
			ck_assert_int_eq(json_integer_value(json_object_get(
						 json_object_get(reply, "error"), "code")),
				GW_RPC_INVALID_REQUEST);
		else
			ck_assert_int_eq(json_array_size(reply), GW_RPC_MAX_BATCH);
		json_decref(reply);
		json_decref(batch);
		free(request);
		free(text);
	}
}
END_TEST

START_TEST(notification_text)
{
	json_t *params = json_pack("{s:s}", "kind", "sa");
	char *text = gw_rpc_notification("event", params);

	ck_assert_str_eq(
		text, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"kind\":\"sa\"}}");
	free(text);
	json_decref(params);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api_rpc");
	TCase *tcase = tcase_create("messages");

	tcase_add_loop_test(tcase, answers, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, parse_errors_repeat_nothing);
	tcase_add_test(tcase, size_has_a_limit);
	tcase_add_test(tcase, batch_has_a_limit);
	tcase_add_test(tcase, notification_text);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
