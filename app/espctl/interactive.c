// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Commands from a terminal: line editing, completion and history by libedit. The history is kept in
// a file of the user, and never holds a line with a key.

#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "espctl/complete.h"
#include "espctl/key.h"
#include "espctl/session.h"

#define HISTORY_LINES 1000
#define MOST_OFFERS   64

struct offers {
	char *words[MOST_OFFERS];
	unsigned int count;
};

static void add_offer(void *ctx, const char *word)
{
	struct offers *offers = ctx;

	if (offers->count < MOST_OFFERS && (offers->words[offers->count] = strdup(word)))
		offers->count++;
}

static size_t common_length(const struct offers *offers)
{
	size_t length = strlen(offers->words[0]);

	for (unsigned int i = 1; i < offers->count; i++)
		while (strncmp(offers->words[0], offers->words[i], length) != 0)
			length--;
	return length;
}

// One offer is completed, of several what they have in common; then they are listed.
static unsigned char apply_offers(EditLine *editor, const struct offers *offers, size_t typed)
{
	char insert[80];

	if (offers->count == 0)
		return CC_REFRESH_BEEP;
	snprintf(insert, sizeof(insert), "%.*s%s", (int)(common_length(offers) - typed),
		offers->words[0] + typed, offers->count == 1 ? " " : "");
	if (*insert)
		return el_insertstr(editor, insert) < 0 ? CC_ERROR : CC_REFRESH;
	fputc('\n', stdout);
	for (unsigned int i = 0; i < offers->count; i++)
		fprintf(stdout, "%s%s", i ? "  " : "", offers->words[i]);
	fputc('\n', stdout);
	return CC_REDISPLAY;
}

static unsigned char complete(EditLine *editor, int)
{
	const LineInfo *line = el_line(editor);
	size_t size = (size_t)(line->cursor - line->buffer);
	char *text = strndup(line->buffer, size);
	struct offers offers = {};
	struct espctl_words words;
	unsigned char result = CC_ERROR;
	char *none[1], *prefix = NULL;

	if (text && espctl_words_split(text, &words, NULL) == 0) {
		bool fresh = size == 0 || line->cursor[-1] == ' ';
		int count = words.count;

		if (!fresh && count > 0)
			prefix = words.words[--count];
		espctl_complete(words.words ? words.words : none, count, prefix ? prefix : "",
			add_offer, &offers);
		result = apply_offers(editor, &offers, prefix ? strlen(prefix) : 0);
		espctl_words_free(&words);
	}
	for (unsigned int i = 0; i < offers.count; i++)
		free(offers.words[i]);
	free(text);
	return result;
}

static char *prompt(EditLine *)
{
	static char text[] = "espctl> ";

	return text;
}

// NULL when there is no home.
static char *history_path(void)
{
	const char *home = getenv("HOME");
	char *path;

	return home && asprintf(&path, "%s/.espctl_history", home) >= 0 ? path : NULL;
}

static EditLine *editor_new(History *past)
{
	EditLine *editor = el_init("espctl", stdin, stdout, stderr);

	if (!editor)
		return NULL;
	el_set(editor, EL_PROMPT, prompt);
	el_set(editor, EL_EDITOR, "emacs");
	el_set(editor, EL_SIGNAL, 1);
	el_set(editor, EL_HIST, history, past);
	el_set(editor, EL_ADDFN, "espctl-complete", "complete a word", complete);
	el_set(editor, EL_BIND, "^I", "espctl-complete", NULL);
	el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(editor, NULL);
	return editor;
}

static void remember(History *past, const char *line, const char *path)
{
	HistEvent event;

	if (line[strspn(line, " \t\n")] == '\0' || espctl_key_suspected(line))
		return;
	history(past, &event, H_ENTER, line);
	if (path)
		history(past, &event, H_SAVE, path);
}

static void run_line(struct espctl_session *session, const char *line)
{
	char *copy = strdup(line);
	struct gw_error err = {};
	struct espctl_words words;

	if (!copy)
		return;
	if (espctl_words_split(copy, &words, &err) < 0)
		espctl_usage_error(&err);
	else if (words.count > 0)
		espctl_run(session, &words);
	espctl_words_free(&words);
	gw_wipe(copy, strlen(line));
	free(copy);
	fflush(stdout);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int)
{
	interrupted = 1;
}

// A line, or NULL at the end of input. SIGINT gives up the line that is being typed; a command that
// runs it still ends, with the tool.
static const char *next_line(EditLine *editor)
{
	struct sigaction interrupt = { .sa_handler = on_interrupt }, before;
	const char *line;
	int size;

	sigaction(SIGINT, &interrupt, &before);
	do {
		interrupted = 0;
		line = el_gets(editor, &size);
		if (interrupted) {
			putchar('\n');
			el_reset(editor);
		}
	} while (interrupted);
	sigaction(SIGINT, &before, NULL);
	return size > 0 ? line : NULL;
}

enum espctl_exit espctl_interactive(struct espctl_session *session)
{
	History *past = history_init();
	EditLine *editor = editor_new(past);
	char *path = history_path();
	HistEvent event;
	const char *line;

	if (!editor) {
		fputs("espctl: this terminal cannot be used\n", stderr);
		return ESPCTL_USAGE;
	}
	history(past, &event, H_SETSIZE, HISTORY_LINES);
	history(past, &event, H_SETUNIQUE, 1);
	if (path)
		history(past, &event, H_LOAD, path);
	while (!session->over && (line = next_line(editor))) {
		remember(past, line, path);
		run_line(session, line);
	}
	if (!session->over)
		putchar('\n');
	el_end(editor);
	history_end(past);
	free(path);
	return ESPCTL_DONE;
}
