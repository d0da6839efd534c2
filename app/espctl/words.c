// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The end of the JSON value that begins at text, or NULL when it does not end.
static char *json_end(char *text)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (char *p = text; *p; p++) {
		if (quoted) {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == '"')
				quoted = false;
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if ((*p == '}' || *p == ']') && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

// The end of the word at text, from which quotes are taken out; NULL when a quote stays open.
static char *plain_end(char *text)
{
	char *to = text, *p = text;

	while (*p && !is_blank(*p)) {
		char quote = *p;

		if (quote != '\'' && quote != '"') {
			*to++ = *p++;
			continue;
		}
		for (p++; *p != quote; *to++ = *p++)
			if (!*p)
				return NULL;
		p++;
	}
	if (to < p)
		memset(to, '\0', (size_t)(p - to));
	return p;
}

static int add_word(struct espctl_words *words, char *word, struct gw_error *err)
{
	char **more = realloc(words->words, ((size_t)words->count + 1) * sizeof(*more));

	if (!more)
		return gw_error_set(err, ENOMEM, "out of memory");
	words->words = more;
	words->words[words->count++] = word;
	return 0;
}

int espctl_words_split(char *line, struct espctl_words *words, struct gw_error *err)
{
	*words = (struct espctl_words){ .own = true };
	for (char *p = line;;) {
		bool json;
		char *end;

		while (is_blank(*p))
			p++;
		if (!*p || *p == '#')
			return 0;
		json = *p == '{' || *p == '[';
		end = json ? json_end(p) : plain_end(p);
		if (!end || (json && *end && !is_blank(*end))) {
			espctl_words_free(words);
			return gw_error_set(err, EINVAL, "%s",
				json ? "braces and brackets do not match"
				     : "a quote is not closed");
		}
		if (add_word(words, p, err) < 0) {
			espctl_words_free(words);
			return -ENOMEM;
		}
		p = *end ? end + 1 : end;
		*end = '\0';
	}
}

void espctl_words_free(struct espctl_words *words)
{
	if (words->own)
		free(words->words);
	*words = (struct espctl_words){};
}

char *espctl_words_peek(const struct espctl_words *words)
{
	return words->next < words->count ? words->words[words->next] : NULL;
}

char *espctl_words_take(struct espctl_words *words)
{
	return words->next < words->count ? words->words[words->next++] : NULL;
}

bool espctl_words_remove(struct espctl_words *words, const char *word)
{
	for (int i = 0; i < words->count; i++) {
		if (strcmp(words->words[i], word) != 0)
			continue;
		memmove(&words->words[i], &words->words[i + 1],
			(size_t)(words->count - i - 1) * sizeof(words->words[0]));
		words->count--;
		return true;
	}
	return false;
}
