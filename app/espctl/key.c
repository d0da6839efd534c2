// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

#define MOST_TEXT   256 // characters with blanks round them; the longest key has 128 digits
#define LONGEST_SPI 8   // hexadecimal digits in a row that are certainly no key

// Reads to the end of the line or file, at most size - 1 bytes. No stdio: its buffer would keep the
// key.
static ssize_t read_line(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t got = read(fd, text + used, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || text[used] == '\n')
			break;
		used++;
	}
	text[used] = '\0';
	return (ssize_t)used;
}

// The digits in text without the blanks round them, as a JSON string.
static int make_key(char *text, const char *from, json_t **key, struct gw_error *err)
{
	size_t size;

	text += strspn(text, " \t\r\n");
	size = strcspn(text, " \t\r\n");
	if (text[size + strspn(text + size, " \t\r\n")])
		return gw_error_set(err, EINVAL, "%s holds more than a key", from);
	text[size] = '\0';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (!*text || text[strspn(text, "0123456789abcdefABCDEF")])
		return gw_error_set(err, EINVAL,
			"%s holds no key: hexadecimal digits are right, two for each byte", from);
	*key = json_string(text);
	return *key ? 0 : gw_error_set(err, ENOMEM, "out of memory");
}

static int read_file(const char *path, json_t **key, struct gw_error *err)
{
	char text[MOST_TEXT];
	ssize_t got;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gw_error_set(
			err, errno, "cannot open the key file %s: %s", path, strerror(errno));
	got = read_line(fd, text, sizeof(text));
	if (got < 0)
		rc = gw_error_set(err, (int)-got, "cannot read the key file %s: %s", path,
			strerror((int)-got));
	else
		rc = make_key(text, path, key, err);
	close(fd);
	gw_wipe(text, sizeof(text));
	return rc;
}

// Turns echo off for one line; restores what was there.
static ssize_t ask(char *text, size_t size)
{
	struct termios before, quiet;
	ssize_t got;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return read_line(STDIN_FILENO, text, size);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs("key: ", stderr);
	got = read_line(STDIN_FILENO, text, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return got;
}

static int read_stdin(bool taken, json_t **key, struct gw_error *err)
{
	char text[MOST_TEXT];
	ssize_t got;
	int rc;

	if (taken)
		return gw_error_set(err, EINVAL,
			"the commands come from standard input, so no key can: take @FILE");
	got = ask(text, sizeof(text));
	if (got < 0)
		rc = gw_error_set(
			err, (int)-got, "cannot read standard input: %s", strerror((int)-got));
	else
		rc = make_key(text, "standard input", key, err);
	gw_wipe(text, sizeof(text));
	return rc;
}

int espctl_key_read(char *word, bool stdin_taken, json_t **key, struct gw_error *err)
{
	int rc;

	if (strcmp(word, "-") == 0)
		return read_stdin(stdin_taken, key, err);
	if (word[0] == '@')
		return read_file(word + 1, key, err);
	if (word[0] != '0' || (word[1] != 'x' && word[1] != 'X'))
		return gw_error_set(err, EINVAL,
			"a key is 0x and hexadecimal digits, @FILE, or - for standard input");
	rc = make_key(word, "the word after 0x", key, err);
	gw_wipe(word, strlen(word));
	return rc;
}

// Whether word begins with one of the words that a key follows.
static bool announces_key(const char *word, size_t size)
{
	static const char *const words[] = { "encryption", "integrity", "auth", NULL };

	for (unsigned int i = 0; words[i]; i++)
		if (size >= 3 && size <= strlen(words[i]) && memcmp(word, words[i], size) == 0)
			return true;
	return false;
}

bool espctl_key_suspected(const char *line)
{
	unsigned int digits = 0, since = 3; // words since one that announced a key

	if (strstr(line, "key"))
		return true;
	for (const char *p = line; *p; p++) {
		digits = isxdigit((unsigned char)*p) ? digits + 1 : 0;
		if (digits > LONGEST_SPI)
			return true;
	}
	for (const char *p = line + strspn(line, " \t"); *p; p += strspn(p, " \t")) {
		size_t size = strcspn(p, " \t\n");

		if (size == 0)
			break;
		if (++since == 2 && *p != '@' && (*p != '-' || size > 1))
			return true;
		if (announces_key(p, size))
			since = 0;
		p += size;
	}
	return false;
}
