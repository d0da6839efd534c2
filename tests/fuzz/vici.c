// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A message of VICI: what is told of a child ends within its bounds and can be printed.

#include <stdlib.h>
#include <string.h>

#include "vici/child.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char text[GW_VICI_NAME_SIZE])
{
	if (!memchr(text, 0, GW_VICI_NAME_SIZE))
		abort();
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

static void check(void *, const struct gw_vici_child *child)
{
	check_text(child->connection);
	check_text(child->child);
	if (!child->spi_in && !child->spi_out)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gw_vici_children(data, size, check, NULL);
	return 0;
}
