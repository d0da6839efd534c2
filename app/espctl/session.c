// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/session.h"

#include <errno.h>
#include <string.h>

#include "api/client.h"

// Of a long list at once: the daemon closes a connection whose replies grow too long.
#define PAGE 1000

struct gw_api_client *espctl_connection(struct espctl_session *session, struct gw_error *err)
{
	if (!session->client)
		session->client = gw_api_client_new(session->socket, err);
	return session->client;
}

void espctl_session_end(struct espctl_session *session)
{
	gw_api_client_free(session->client);
	session->client = NULL;
}

enum espctl_exit espctl_usage_error(const struct gw_error *err)
{
	char text[600];

	fprintf(stderr, "espctl: %s\n", gw_error_string(err, text, sizeof(text)));
	return ESPCTL_USAGE;
}

enum espctl_exit espctl_failed(struct espctl_session *session, const struct gw_error *err)
{
	bool broken = !session->client || err->code == ECONNRESET || err->code == EPIPE ||
		      err->code == EPROTO;
	char text[600];

	fprintf(stderr, "espctl: %s\n", gw_error_string(err, text, sizeof(text)));
	if (broken)
		espctl_session_end(session);
	return broken ? ESPCTL_UNREACHABLE : ESPCTL_REFUSED;
}

// Somebody who asks for a part of the list gets that part.
static bool wants_whole_list(const struct espctl_request *request)
{
	return request->command->paged && !json_object_get(request->params, "offset") &&
	       !json_object_get(request->params, "limit");
}

// Puts page, which is given up, behind whole, which is NULL for the first one. Returns the whole.
static json_t *join_pages(json_t *whole, json_t *page, const char *member)
{
	if (!whole)
		return page;
	json_array_extend(json_object_get(whole, member), json_object_get(page, member));
	json_decref(page);
	return whole;
}

static json_t *call_paged(
	struct gw_api_client *client, const struct espctl_request *request, struct gw_error *err)
{
	const char *member = request->command->paged;
	json_t *params = json_copy(request->params), *whole = NULL;
	size_t count;

	json_object_set_new(params, "limit", json_integer(PAGE));
	do {
		size_t offset = json_array_size(json_object_get(whole, member));
		json_t *page;

		json_object_set_new(params, "offset", json_integer((json_int_t)offset));
		page = gw_api_client_call(client, request->method, params, err);
		if (!page) {
			json_decref(whole);
			whole = NULL;
			break;
		}
		count = json_array_size(json_object_get(page, member));
		whole = join_pages(whole, page, member);
	} while (count == PAGE);
	json_decref(params);
	return whole;
}

json_t *espctl_call_method(
	struct espctl_session *session, const struct espctl_request *request, struct gw_error *err)
{
	struct gw_api_client *client = espctl_connection(session, err);

	if (!client)
		return NULL;
	if (wants_whole_list(request))
		return call_paged(client, request, err);
	return gw_api_client_call(client, request->method, request->params, err);
}

void espctl_print(const struct espctl_session *session, const struct espctl_request *request,
	const json_t *result)
{
	if (session->json) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else if (request->command->print) {
		request->command->print(result, request->options, stdout);
	}
}

static enum espctl_exit carry_out(
	struct espctl_session *session, const struct espctl_request *request)
{
	struct gw_error err = {};
	json_t *result;

	if (request->command->run)
		return (enum espctl_exit)request->command->run(session, request);
	result = espctl_call_method(session, request, &err);
	if (!result)
		return espctl_failed(session, &err);
	espctl_print(session, request, result);
	json_decref(result);
	return ESPCTL_DONE;
}

enum espctl_exit espctl_run(struct espctl_session *session, struct espctl_words *words)
{
	bool json = session->json;
	struct espctl_request request;
	struct gw_error err = {};
	enum espctl_exit code;

	if (espctl_words_remove(words, "--json"))
		session->json = true;
	if (espctl_parse(words, &request, &err) < 0) {
		code = espctl_usage_error(&err);
	} else {
		code = carry_out(session, &request);
		espctl_request_free(&request);
	}
	session->json = json;
	return code;
}
