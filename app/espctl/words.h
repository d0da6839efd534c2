// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include "base/error.h"

// The words of one command, as the shell or a line gave them, and how far they have been read.
struct espctl_words {
	char **words; // writable, because a key is wiped where it was typed
	int count;
	int next;
	bool stdin_taken; // the commands come from standard input: no key can
	bool own;         // words was allocated by espctl_words_split
};

// Splits line in place, at blanks. Quotes of either kind hold a word together; a word that begins
// with a brace or bracket is JSON and goes to its end; # begins a comment. 0, or -EINVAL with err
// filled. Freed with espctl_words_free; the words point into line.
int espctl_words_split(char *line, struct espctl_words *words, struct gw_error *err);
void espctl_words_free(struct espctl_words *words);

// The next word, or NULL at the end; take moves on.
char *espctl_words_peek(const struct espctl_words *words);
char *espctl_words_take(struct espctl_words *words);

// Takes a word out wherever it stands; true when it was there.
bool espctl_words_remove(struct espctl_words *words, const char *word);
