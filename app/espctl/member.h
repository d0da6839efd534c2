// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <jansson.h>

// What the daemon's replies hold. path is a member, or several joined by dots. An absent member
// reads as empty, so that an older daemon's reply still prints.
const json_t *espctl_member(const json_t *object, const char *path);
const char *espctl_member_text(const json_t *object, const char *path);
uint64_t espctl_member_count(const json_t *object, const char *path);

#define ESPCTL_MEMBER_SIZE 24

// A number or text as text; buffer has room for a number. Returns buffer or the text.
const char *espctl_member_show(
	const json_t *object, const char *path, char buffer[ESPCTL_MEMBER_SIZE]);
