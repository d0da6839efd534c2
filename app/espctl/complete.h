// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stddef.h>

#include "espctl/grammar.h"

// Calls found with each word that could stand after count words and begins with prefix.
void espctl_complete(char *const *words, int count, const char *prefix,
	void (*found)(void *ctx, const char *word), void *ctx);
