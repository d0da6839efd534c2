// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

// Bytes that may hold keys: they grow without leaving copies behind and are wiped when freed.
struct gw_conf_bytes {
	char *data;
	size_t used;
	size_t size;
};

// 0 or -ENOMEM: then nothing changed.
static inline int gw_conf_bytes_reserve(struct gw_conf_bytes *bytes, size_t more)
{
	size_t size = bytes->size ? bytes->size : 256;
	char *data;

	if (more <= bytes->size - bytes->used)
		return 0;
	while (size - bytes->used < more)
		size *= 2;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (bytes->data) {
		memcpy(data, bytes->data, bytes->used);
		gw_wipe(bytes->data, bytes->used);
		free(bytes->data);
	}
	bytes->data = data;
	bytes->size = size;
	return 0;
}

static inline int gw_conf_bytes_add(struct gw_conf_bytes *bytes, const void *data, size_t size)
{
	int ret = gw_conf_bytes_reserve(bytes, size);

	if (ret == 0 && size) {
		memcpy(bytes->data + bytes->used, data, size);
		bytes->used += size;
	}
	return ret;
}

static inline void gw_conf_bytes_free(struct gw_conf_bytes *bytes)
{
	if (bytes->data)
		gw_wipe(bytes->data, bytes->used);
	free(bytes->data);
	*bytes = (struct gw_conf_bytes){};
}
