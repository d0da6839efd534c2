// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// espctl: talks to a running gateway through its control socket.

#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "espctl/complete.h"
#include "espctl/help.h"
#include "espctl/session.h"
#include "spec/fields.h"

#define DEFAULT_SOCKET "/run/esplanade/control.sock"

enum { COMPLETE = 256 };

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "file", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "complete", no_argument, NULL, COMPLETE },
	{},
};

static void print_word(void *, const char *word)
{
	puts(word);
}

// For the shell's completion: the last word is the one that is being typed.
static int complete(char **words, int count)
{
	if (count > 0)
		espctl_complete(words, count - 1, words[count - 1], print_word, NULL);
	return ESPCTL_DONE;
}

static enum espctl_exit run(
	struct espctl_session *session, const char *file, char **words, int count)
{
	struct espctl_words command = { .words = words, .count = count };

	if (file && count > 0) {
		fputs("espctl: a command and -f exclude each other\n", stderr);
		return ESPCTL_USAGE;
	}
	if (file)
		return espctl_batch(session, file);
	if (count > 0)
		return espctl_run(session, &command);
	if (isatty(STDIN_FILENO))
		return espctl_interactive(session);
	fputs("espctl: no command; -f - reads commands from standard input\n", stderr);
	return ESPCTL_USAGE;
}

int main(int argc, char **argv)
{
	struct espctl_session session = { .socket = DEFAULT_SOCKET };
	const char *file = NULL;
	bool completing = false;
	enum espctl_exit code;
	int option;

	setlocale(LC_CTYPE, "");
	gw_fields_wipe_on_free();
	// "+": what follows the command's first word is the command's.
	while ((option = getopt_long(argc, argv, "+s:jf:hV", options, NULL)) != -1) {
		switch (option) {
		case 's':
			session.socket = optarg;
			break;
		case 'j':
			session.json = true;
			break;
		case 'f':
			file = optarg;
			break;
		case 'h':
			espctl_help_all(stdout);
			return ESPCTL_DONE;
		case 'V':
			puts("espctl " ESPCTL_VERSION);
			return ESPCTL_DONE;
		case COMPLETE:
			completing = true;
			break;
		default:
			return ESPCTL_USAGE;
		}
	}
	if (completing)
		return complete(argv + optind, argc - optind);
	code = run(&session, file, argv + optind, argc - optind);
	espctl_session_end(&session);
	if (fflush(stdout) != 0 && code == ESPCTL_DONE)
		code = ESPCTL_UNREACHABLE;
	return code;
}
