// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES (256u << 20) // of one file

static int read_all(int fd, size_t size, struct gw_conf_bytes *bytes)
{
	if (gw_conf_bytes_reserve(bytes, size))
		return -ENOMEM;
	while (bytes->used < size) {
		ssize_t count = read(fd, bytes->data + bytes->used, size - bytes->used);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		bytes->used += (size_t)count;
	}
	return 0;
}

// Not through stdio, whose buffers would keep keys.
int gw_conf_source_read(const char *path, struct gw_conf_bytes *bytes, struct gw_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int ret;

	if (fd < 0)
		return gw_error_set(err, errno, "cannot be opened: %s", strerror(errno));
	if (fstat(fd, &status) < 0)
		ret = -errno;
	else if (!S_ISREG(status.st_mode))
		ret = gw_error_set(err, EINVAL, "is not a regular file; it must be one");
	else if (status.st_size > MOST_BYTES)
		ret = gw_error_set(err, EFBIG, "has more than %u bytes", MOST_BYTES);
	else
		ret = read_all(fd, (size_t)status.st_size, bytes);
	if (ret)
		gw_error_set(err, -ret, "cannot be read: %s", strerror(-ret));
	close(fd);
	return ret;
}

void gw_conf_source_free(struct gw_conf_source *source)
{
	char **files = (char **)source->files.data;

	for (size_t i = 0; i < source->files.used / sizeof(*files); i++)
		free(files[i]);
	gw_conf_bytes_free(&source->files);
	gw_conf_bytes_free(&source->text);
	gw_conf_bytes_free(&source->lines);
	gw_conf_bytes_free(&source->strings);
	gw_conf_bytes_free(&source->starts);
}

struct gw_conf_position gw_conf_source_position(
	const struct gw_conf_source *source, unsigned int line)
{
	const struct gw_conf_position *lines = (const void *)source->lines.data;
	size_t count = source->lines.used / sizeof(*lines);

	if (count == 0)
		return (struct gw_conf_position){ 0, 1 };
	if (line < 1)
		line = 1;
	return lines[line <= count ? line - 1 : count - 1];
}

const char *gw_conf_source_file(const struct gw_conf_source *source, unsigned int file)
{
	char *const *files = (char *const *)source->files.data;

	return files[file];
}

const char *gw_conf_source_string(const struct gw_conf_source *source, unsigned long long number)
{
	const size_t *starts = (const void *)source->starts.data;

	if (number >= source->starts.used / sizeof(*starts))
		return NULL;
	return source->strings.data + starts[number];
}

int gw_conf_fail(const struct gw_conf_source *source, struct gw_conf_position position,
	struct gw_error *err, int code, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return gw_error_set(err, code, "%s:%u: %s", gw_conf_source_file(source, position.file),
		position.line, text);
}
