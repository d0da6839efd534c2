// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl monitor: events as they come, until interrupted.

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "api/client.h"
#include "espctl/families.h"
#include "espctl/member.h"
#include "espctl/session.h"
#include "espctl/values.h"

static const char *const kinds[] = { "acquire", "expire", "sa", "policy", "port", "mapping",
	"path_mtu", "controller", NULL };

static void print_selector(const json_t *selector)
{
	static const char *const members[] = { "source", "destination", "protocol", "source_port",
		"destination_port", "icmp_type", "icmp_code" };
	char buffer[ESPCTL_MEMBER_SIZE];

	for (size_t i = 0; i < ESPCTL_COUNT(members); i++) {
		const char *text = espctl_member_show(selector, members[i], buffer);

		if (*text && strcmp(text, "any") != 0)
			printf(" %s %s", members[i], text);
	}
}

static void print_sa(const json_t *sa)
{
	char reqid[ESPCTL_MEMBER_SIZE];

	printf(" %s spi %s destination %s reqid %s", espctl_member_text(sa, "direction"),
		espctl_member_text(sa, "spi"), espctl_member_text(sa, "destination"),
		espctl_member_show(sa, "reqid", reqid));
}

static void print_peer(const char *label, const json_t *peer)
{
	char port[ESPCTL_MEMBER_SIZE];

	printf(" %s %s port %s", label, espctl_member_text(peer, "address"),
		espctl_member_show(peer, "port", port));
}

static void print_policy(const json_t *policy)
{
	char priority[ESPCTL_MEMBER_SIZE];

	printf(" %s priority %s %s", espctl_member_text(policy, "direction"),
		espctl_member_show(policy, "priority", priority),
		espctl_member_text(policy, "action"));
	print_selector(json_object_get(policy, "selector"));
}

// One line: the time of day, what happened, to whom.
static void print_event(const json_t *event)
{
	const char *kind = espctl_member_text(event, "kind");
	char reqid[ESPCTL_MEMBER_SIZE], clock[16] = "";
	time_t now = time(NULL);
	struct tm parts;

	if (localtime_r(&now, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
	printf("%s %s", clock, kind);
	if (strcmp(kind, "acquire") == 0) {
		printf(" reqid %s", espctl_member_show(event, "reqid", reqid));
		print_selector(json_object_get(event, "selector"));
	} else if (strcmp(kind, "expire") == 0) {
		printf(" %s %s", json_is_true(espctl_member(event, "hard")) ? "hard" : "soft",
			espctl_member_text(event, "cause"));
		print_sa(json_object_get(event, "sa"));
	} else if (strcmp(kind, "sa") == 0) {
		printf(" %s", espctl_member_text(event, "change"));
		print_sa(json_object_get(event, "sa"));
	} else if (strcmp(kind, "mapping") == 0) {
		print_sa(json_object_get(event, "sa"));
		print_peer("from", json_object_get(event, "old"));
		print_peer("to", json_object_get(event, "new"));
		printf("%s", json_is_true(espctl_member(event, "followed")) ? " followed" : "");
	} else if (strcmp(kind, "path_mtu") == 0) {
		print_sa(json_object_get(event, "sa"));
		printf(" %s %s", json_is_true(espctl_member(event, "learned")) ? "learned" : "aged",
			espctl_member_show(event, "path_mtu", reqid));
		printf(" inner %s", espctl_member_show(event, "inner_mtu", reqid));
	} else if (strcmp(kind, "policy") == 0) {
		printf(" %s", espctl_member_text(event, "change"));
		print_policy(json_object_get(event, "policy"));
	} else if (strcmp(kind, "controller") == 0) {
		printf(" %s %s process %s", espctl_member_text(event, "change"),
			espctl_member_text(event, "program"),
			espctl_member_show(event, "process", reqid));
		printf(" sas %s", espctl_member_show(event, "sas", reqid));
		printf(" policies %s", espctl_member_show(event, "policies", reqid));
	} else if (strcmp(kind, "port") == 0) {
		printf(" %s link %s", espctl_member_text(event, "port"),
			espctl_member_text(event, "link"));
	}
	putchar('\n');
}

static void show(const struct espctl_session *session, const json_t *event)
{
	if (session->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_event(event);
	}
	fflush(stdout);
}

static void on_interrupt(int)
{
}

// 0 when interrupted, or when nobody reads the output any more.
static int follow(
	struct espctl_session *session, struct gw_api_client *client, struct gw_error *err)
{
	while (!ferror(stdout)) {
		json_t *event = gw_api_client_event(client, -1, err);

		if (!event)
			return err->code == EINTR ? 0 : -err->code;
		show(session, event);
		json_decref(event);
	}
	return 0;
}

// SIGINT ends the wait for an event, and with it the command but not an interactive session. The
// subscription ends with the connection.
static int monitor(struct espctl_session *session, const struct espctl_request *request)
{
	struct sigaction interrupt = { .sa_handler = on_interrupt }, before;
	struct gw_api_client *client;
	struct gw_error err = {};
	enum espctl_exit code = ESPCTL_DONE;
	json_t *result;

	client = espctl_connection(session, &err);
	if (!client)
		return espctl_failed(session, &err);
	sigaction(SIGINT, &interrupt, &before);
	result = gw_api_client_call(client, request->method, request->params, &err);
	if (!result || follow(session, client, &err) < 0)
		code = espctl_failed(session, &err);
	json_decref(result);
	sigaction(SIGINT, &before, NULL);
	espctl_session_end(session);
	return code;
}

static const struct espctl_parameter parameters[] = {
	{ .word = "kinds",
		.read = espctl_read_choice,
		.choices = kinds,
		.positional = true,
		.repeated = true },
};

static const struct espctl_command commands[] = {
	{ .method = "event.subscribe",
		ESPCTL_PARAMETERS(parameters),
		.standard = true,
		.alone = true,
		.run = monitor,
		.help = "Prints events as they come, of all kinds or of those given, until "
			"interrupted." },
};

const struct espctl_family espctl_monitor = {
	.word = "monitor",
	ESPCTL_COMMANDS(commands),
	.help = "events",
};
