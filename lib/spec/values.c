// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The readers of single values.

#include "spec/reading.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/sa.h"

#define LONGEST_SHOWN 40 // characters of a value that an error repeats
// Above it, doubles skip integers.
#define LARGEST_EXACT_NUMBER ((UINT64_C(1) << 53) - 1)
#define SHORTEST_KEY         16 // hexadecimal digits that may be a key: no address or number has as many

static bool may_be_key(const char *text)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	return strspn(text, "0123456789abcdefABCDEF") >= SHORTEST_KEY;
}

const char *gw_text_shown(const char *text, char *buffer, size_t size)
{
	char clean[LONGEST_SHOWN + 1];
	size_t i;

	if (may_be_key(text)) {
		snprintf(buffer, size, "[redacted]");
		return buffer;
	}
	for (i = 0; i < LONGEST_SHOWN && text[i]; i++)
		clean[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	clean[i] = '\0';
	snprintf(buffer, size, "\"%s\"%s", clean, text[i] ? "..." : "");
	return buffer;
}

static const char *show(json_t *value, char *buffer, size_t size)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return gw_text_shown(json_string_value(value), buffer, size);
	case JSON_INTEGER:
		snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buffer;
	case JSON_REAL:
		snprintf(buffer, size, "%g", json_real_value(value));
		return buffer;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_ARRAY:
		return "a list";
	case JSON_OBJECT:
		return "a group";
	default:
		return "null";
	}
}

int gw_value_wrong(json_t *value, const char *name, struct gw_error *err, const char *format, ...)
{
	char expected[300], shown[64];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	return gw_error_at(err, EINVAL, value, name, "must be %s, not %s", expected,
		show(value, shown, sizeof(shown)));
}

const char *gw_value_text(
	json_t *value, const char *name, const char *expected, struct gw_error *err)
{
	if (!json_is_string(value))
		gw_value_wrong(value, name, err, "%s", expected);
	return json_string_value(value);
}

int gw_read_text(json_t *value, const char *name, char *text, size_t size, struct gw_error *err)
{
	const char *given = json_string_value(value);
	bool printable = given != NULL;

	for (size_t i = 0; printable && given[i]; i++)
		printable = !iscntrl((unsigned char)given[i]);
	if (!printable || json_string_length(value) >= size)
		return gw_value_wrong(
			value, name, err, "text of at most %zu printable characters", size - 1);
	memcpy(text, given, json_string_length(value) + 1);
	return 0;
}

bool gw_name_is_valid(const char *text)
{
	size_t i;

	for (i = 0; i < GW_NAME_SIZE && text[i]; i++)
		if (text[i] < ' ' || text[i] > '~' || strchr("\"'\\`", text[i]))
			return false;
	return i < GW_NAME_SIZE;
}

int gw_read_name(json_t *value, const char *name, void *target, struct gw_error *err)
{
	const char *given = json_string_value(value);

	if (!given || !gw_name_is_valid(given))
		return gw_value_wrong(value, name, err,
			"text of at most %d printable ASCII characters without quotes",
			GW_NAME_SIZE - 1);
	memcpy(target, given, strlen(given) + 1);
	return 0;
}

int gw_read_bool(json_t *value, const char *name, void *target, struct gw_error *err)
{
	if (!json_is_boolean(value))
		return gw_value_wrong(value, name, err, "true or false");
	*(bool *)target = json_is_true(value);
	return 0;
}

// Decimal or 0x… and nothing around it.
static bool parse_number(const char *text, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;

	if (digits[0] == '\0' ||
		digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
		return false;
	errno = 0;
	*number = strtoull(digits, NULL, hex ? 16 : 10);
	return errno == 0;
}

int gw_read_number(json_t *value, const char *name, uint64_t least, uint64_t most, uint64_t *number,
	struct gw_error *err)
{
	bool valid = false;

	if (json_is_integer(value)) {
		valid = json_integer_value(value) >= 0;
		*number = (uint64_t)json_integer_value(value);
	} else if (json_is_string(value)) {
		valid = parse_number(json_string_value(value), number);
	}
	if (!valid || *number < least || *number > most)
		return gw_value_wrong(value, name, err,
			"a whole number from %" PRIu64 " to %" PRIu64, least, most);
	return 0;
}

int gw_read_u8(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint64_t number;
	int ret = gw_read_number(value, name, 0, UINT8_MAX, &number, err);

	if (ret == 0)
		*(uint8_t *)target = (uint8_t)number;
	return ret;
}

int gw_read_u16(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint64_t number;
	int ret = gw_read_number(value, name, 0, UINT16_MAX, &number, err);

	if (ret == 0)
		*(uint16_t *)target = (uint16_t)number;
	return ret;
}

int gw_read_u32(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint64_t number;
	int ret = gw_read_number(value, name, 0, UINT32_MAX, &number, err);

	if (ret == 0)
		*(uint32_t *)target = (uint32_t)number;
	return ret;
}

int gw_read_u64(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return gw_read_number(value, name, 0, UINT64_MAX, target, err);
}

int gw_read_addr(json_t *value, const char *name, void *target, struct gw_error *err)
{
	if (!json_is_string(value) || !gw_addr_parse(json_string_value(value), target))
		return gw_value_wrong(
			value, name, err, "an address such as \"192.0.2.1\" or \"2001:db8::1\"");
	return 0;
}

int gw_read_prefix(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_prefix loose;

	if (json_is_string(value) && gw_prefix_parse(json_string_value(value), true, target))
		return 0;
	if (json_is_string(value) && gw_prefix_parse(json_string_value(value), false, &loose))
		return gw_value_wrong(value, name, err,
			"a prefix whose bits beyond its length are zero, such as \"192.0.2.0/24\"");
	return gw_value_wrong(
		value, name, err, "a prefix such as \"192.0.2.0/24\" or \"2001:db8::/32\"");
}

int gw_read_range(json_t *value, const char *name, void *target, struct gw_error *err)
{
	if (!json_is_string(value) || !gw_range_parse(json_string_value(value), target))
		return gw_value_wrong(value, name, err,
			"a prefix such as \"192.0.2.0/24\", an address, or a range "
			"\"first-last\" of one family");
	return 0;
}

int gw_read_mac(json_t *value, const char *name, void *target, struct gw_error *err)
{
	if (!json_is_string(value) || !gw_mac_parse(json_string_value(value), target))
		return gw_value_wrong(
			value, name, err, "a MAC address such as \"02:00:00:00:00:01\"");
	return 0;
}

static bool all_bytes(const uint8_t *bytes, size_t size, uint8_t byte)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

bool gw_addr_is_unicast(const struct gw_addr *addr)
{
	const uint8_t *bytes = addr->bytes;

	// 0/8, 127/8, multicast, reserved and broadcast (RFC 1812 section 5.3.7).
	if (addr->family == 4)
		return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
	// ::, ::1 and multicast (RFC 4291 section 2.4).
	return addr->family == 6 && bytes[0] != 0xff &&
	       !(all_bytes(bytes, 15, 0) && bytes[15] <= 1);
}

bool gw_mac_is_unicast(const uint8_t mac[6])
{
	return !(mac[0] & 1) && !all_bytes(mac, 6, 0);
}

json_t *gw_u64_write(uint64_t number)
{
	char text[21];

	if (number <= LARGEST_EXACT_NUMBER)
		return json_integer((json_int_t)number);
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_string(text);
}

bool gw_json_put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}
