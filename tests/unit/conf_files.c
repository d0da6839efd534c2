// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Configurations in files: inclusion, and what stays behind in memory.

#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "run.h"
#include "spec/fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char directory[] = "/tmp/esplanade-conf-XXXXXX";

static const char main_text[] = "# The whole.\n"
				"@include \"ports.conf\"\n"
				"log = { level = \"debug\"; };\n"
				"limits : {\n"
				"  @include \"sub/limits.conf\"\n"
				"};\n";
static const char ports_text[] = "# Ports.\n"
				 "ports = ( { name = \"p\"; device = \"net_null0\";\n"
				 "  side = \"protected\"; } )"; // no newline at its end
static const char limits_text[] = "sas = 7;\n"
				  "policies = 8;\n";

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
	char path[128];

	strcpy(strrchr(directory, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sub", directory);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_file("main.conf", main_text);
	write_file("ports.conf", ports_text);
	write_file("sub/limits.conf", limits_text);
}

static void tear_down(void)
{
	static const char *const names[] = { "main.conf", "ports.conf", "sub/limits.conf", "fifo",
		"sub", "" };
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		remove(path);
	}
}

static struct gw_config *load(const char *name, struct gw_error *err)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return gw_conf_load(path, err);
}

START_TEST(includes)
{
	struct gw_error err = {};
	struct gw_config *config = load("main.conf", &err);

	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_uint_eq(config->port_count, 1);
	ck_assert_str_eq(config->log_level, "debug");
	ck_assert_uint_eq(config->max_sas, 7);
	ck_assert_uint_eq(config->max_policies, 8);
	gw_config_free(config);
}
END_TEST

static const struct {
	const char *file;
	const char *text;
	const char *error; // after the directory and a slash
} broken[] = {
	{ "ports.conf", "ports = ( { name = \"p\"; device = \"net_null0\";\n side = 1; });",
		"ports.conf:2: ports[0].side: must be " },
	{ "ports.conf", "ports = ( { name = \"p\"; \n\n}};", "ports.conf:3: syntax error" },
	{ "ports.conf", "\n\nx = \"", "ports.conf:3: a string is not closed" },
	{ "sub/limits.conf", "sas = 7;\npolicies = 0;\n", "sub/limits.conf:2: limits.policies: " },
	{ "sub/limits.conf", "sas = 7;\nsas = 8;\n", "sub/limits.conf:2: duplicate" },
	{ "sub/limits.conf", "@include \"../main.conf\"\n",
		"main.conf:2: files include each other" },
	{ "sub/limits.conf", "\n@include \"none\"\n", "sub/limits.conf:2: \"" },
	{ "main.conf", "@include \"ports.conf\"\n\nlog = { level = 5; };\n",
		"main.conf:3: log.level" },
	{ "main.conf", "@include \"ports.conf\" log = { level = 5; };\n",
		"main.conf:1: log.level" },
	{ "main.conf", "\nlimits = {};\n@include \"ports.conf\"\nlimits = {};",
		"main.conf:4: dup" },
};

START_TEST(names_the_included_file)
{
	struct gw_error err = {};

	write_file(broken[_i].file, broken[_i].text);
	ck_assert_ptr_null(load("main.conf", &err));
	ck_assert_msg(strncmp(err.text, directory, strlen(directory)) == 0, "%s", err.text);
	// "sub/../main.conf" is main.conf.
	while (strstr(err.text, "sub/../"))
		memmove(strstr(err.text, "sub/../"), strstr(err.text, "sub/../") + 7,
			strlen(strstr(err.text, "sub/../") + 7) + 1);
	ck_assert_msg(strstr(err.text, broken[_i].error) == err.text + strlen(directory) + 1,
		"not %s: %s", broken[_i].error, err.text);
}
END_TEST

START_TEST(unreadable)
{
	struct gw_error missing = {}, directory_error = {}, fifo = {};
	char path[128];

	ck_assert_ptr_null(load("none.conf", &missing));
	ck_assert_int_eq(missing.code, ENOENT);
	ck_assert_ptr_nonnull(strstr(missing.text, "none.conf: cannot be opened: No such file"));
	ck_assert_ptr_null(load("sub", &directory_error));
	ck_assert_ptr_nonnull(strstr(directory_error.text, "sub: is not a regular file"));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(load("fifo", &fifo)); // must not wait for a writer
	ck_assert_ptr_nonnull(strstr(fifo.text, "fifo: is not a regular file"));
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
// The key is only ever composed in places that are wiped, lest the search find the test's own text.
static void write_key(char *text, size_t bytes, unsigned int seed)
{
	for (size_t i = 0; i < 2 * bytes; i++)
		text[i] = "0123456789abcdef"[(seed = seed * 1103515245 + 12345) >> 16 & 15];
	text[2 * bytes] = '\0';
}

static void write_sa_file(void)
{
	char key[73];
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/main.conf", directory);
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_ge(fd, 0);
	write_key(key, 36, 7);
	ck_assert_int_gt(dprintf(fd, "# spare: "), 0);
	ck_assert_int_eq(write(fd, key, 72), 72);
	ck_assert_int_gt(dprintf(fd, "\n@include \"ports.conf\"\n"
				     "sas = ( { direction = \"out\"; spi = 4097; reqid = 1;\n"
				     "source = \"192.0.2.1\"; destination = \"192.0.2.2\";\n"
				     "encryption = { algorithm = \"aes-gcm-16\"; key = \""),
		0);
	ck_assert_int_eq(write(fd, key, 72), 72);
	ck_assert_int_gt(dprintf(fd, "\"; }; } );\n"), 0);
	close(fd);
	gw_wipe(key, sizeof(key));
}

// How often the middle of the key, as text, stands in the heap.
static unsigned int copies_in_heap(void)
{
	char line[256], key[73];
	unsigned long first = 0, last = 0;
	unsigned int copies = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[heap]"))
			sscanf(line, "%lx-%lx", &first, &last);
	fclose(maps);
	write_key(key, 36, 7);
	for (const char *at = (const char *)first; at && at < (const char *)last; copies++) {
		at = memmem(at, (const char *)last - at, key + 24, 32);
		if (!at)
			break;
		at++;
	}
	gw_wipe(key, sizeof(key));
	return copies;
}

START_TEST(leaves_no_copy_of_a_key)
{
	struct gw_error err = {};
	struct gw_config *config;
	char *copy;

	// The search itself must be able to find a key.
	copy = malloc(73);
	ck_assert_ptr_nonnull(copy);
	write_key(copy, 36, 7);
	ck_assert_uint_ge(copies_in_heap(), 1);
	gw_wipe(copy, 73);
	free(copy);
	ck_assert_uint_eq(copies_in_heap(), 0);

	write_sa_file();
	config = load("main.conf", &err);
	ck_assert_msg(config != NULL, "%s", err.text);
	ck_assert_uint_eq(copies_in_heap(), 0);
	gw_config_free(config);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("conf_files");
	TCase *tcase = tcase_create("files");

	gw_fields_wipe_on_free();
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, includes);
	tcase_add_loop_test(tcase, names_the_included_file, 0, COUNT(broken));
	tcase_add_test(tcase, unreadable);
#ifndef __SANITIZE_ADDRESS__ // its allocator has no heap to search
	tcase_add_test(tcase, leaves_no_copy_of_a_key);
#endif
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
