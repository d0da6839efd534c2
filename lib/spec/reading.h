// Called by: control core (the files of this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "net/addr.h"
#include "spec/fields.h"

// What the readers of this room share: how an error about a value reads, and small checks.

// "must be <format…>, not <value>". The value is shown only where it cannot be a key.
int gw_value_wrong(json_t *value, const char *name, struct gw_error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

// The text of a JSON string, or NULL with err filled: must be <expected>.
const char *gw_value_text(
	json_t *value, const char *name, const char *expected, struct gw_error *err);

// Text from outside, fit for a log: printable, in quotes and cut. Returns buffer. What looks like a
// key is not shown.
const char *gw_text_shown(const char *text, char *buffer, size_t size);

// A name for people (char[GW_NAME_SIZE]): printable ASCII without quotes and backslashes.
int gw_read_name(json_t *value, const char *name, void *target, struct gw_error *err);
bool gw_name_is_valid(const char *text);

// An address that one interface can have and that may appear on a wire.
bool gw_addr_is_unicast(const struct gw_addr *addr);
// A MAC address that one interface can have.
bool gw_mac_is_unicast(const uint8_t mac[6]);

// A number, as text where a double would not hold it exactly: many JSON programs keep numbers as
// doubles. NULL when there is no memory.
json_t *gw_u64_write(uint64_t number);

// Sets object[name] to value, whose reference it takes; false when there is no memory.
bool gw_json_put(json_t *object, const char *name, json_t *value);
