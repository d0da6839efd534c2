// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Lifetimes as values.

#include "spec/lifetime.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "spec/lifetime_fields.h"
#include "spec/reading.h"

#define COUNT(array)         (sizeof(array) / sizeof((array)[0]))
#define OFFSET(member)       offsetof(struct gw_lifetime, member)
#define LONGEST_TIME_SECONDS UINT32_MAX // 136 years: nanoseconds of it fit in 64 bits

#define LIMIT(member, text)                                                                        \
	{                                                                                          \
		.name = #member, .read = gw_read_u64, .offset = OFFSET(member), .standard = "0",   \
		.help = text                                                                       \
	}
// Readers of 64 bits take no bounds: gw_lifetime_check has them.
static const struct gw_field fields[] = {
	LIMIT(soft_bytes, "After so many bytes of inner packets an `expire` event asks for a new "
			  "SA."),
	LIMIT(hard_bytes, "The SA carries no more bytes of inner packets than these."),
	LIMIT(soft_packets, "After so many packets an `expire` event asks for a new SA."),
	LIMIT(hard_packets, "The SA carries no more packets than these."),
	LIMIT(soft_seconds, "So many seconds after the SA was added an `expire` event asks for a "
			    "new one."),
	LIMIT(hard_seconds, "So many seconds after it was added the SA ends."),
	LIMIT(soft_use_seconds, "So many seconds after its first packet an `expire` event asks for "
				"a new SA."),
	LIMIT(hard_use_seconds, "So many seconds after its first packet the SA ends."),
	LIMIT(used_bytes, "State from an earlier life of the SA: the bytes it has carried."),
	LIMIT(used_packets, "State from an earlier life of the SA: the packets it has carried."),
};

const struct gw_field_table gw_lifetime_table = {
	"How long an SA may live (RFC 4301 section 4.4.2.1); 0: no such limit. At the first soft "
	"limit an `expire` event is raised, once; at the first hard one the SA stops at once, a "
	"second event tells, and the SA is deleted. Time is that of a clock which changes of the "
	"date do not move.",
	fields,
	COUNT(fields),
};

// The soft limits stand before their hard ones.
#define PAIRS 4

static uint64_t value_of(const struct gw_lifetime *lifetime, size_t field)
{
	return *(const uint64_t *)((const char *)lifetime + fields[field].offset);
}

static bool is_time(size_t pair)
{
	return pair >= 2;
}

static int refuse(size_t field, struct gw_error *err, const char *format, uint64_t number)
{
	char where[40];

	snprintf(where, sizeof(where), "lifetime.%s", fields[field].name);
	return gw_error_at(err, EINVAL, NULL, where, format, number);
}

int gw_lifetime_check(const struct gw_lifetime *lifetime, struct gw_error *err)
{
	for (size_t pair = 0; pair < PAIRS; pair++) {
		uint64_t soft = value_of(lifetime, 2 * pair);
		uint64_t hard = value_of(lifetime, 2 * pair + 1);

		if (is_time(pair) && soft > LONGEST_TIME_SECONDS)
			return refuse(2 * pair, err, "must be at most %" PRIu64,
				(uint64_t)LONGEST_TIME_SECONDS);
		if (is_time(pair) && hard > LONGEST_TIME_SECONDS)
			return refuse(2 * pair + 1, err, "must be at most %" PRIu64,
				(uint64_t)LONGEST_TIME_SECONDS);
		if (hard && soft > hard)
			return refuse(2 * pair, err,
				"is beyond the hard limit, %" PRIu64 ", and would never be reached",
				hard);
	}
	return 0;
}

bool gw_lifetime_put(json_t *object, const struct gw_lifetime *lifetime)
{
	json_t *member = json_object();
	bool done = member != NULL;

	for (size_t i = 0; done && i < COUNT(fields); i++)
		if (value_of(lifetime, i))
			done = gw_json_put(
				member, fields[i].name, gw_u64_write(value_of(lifetime, i)));
	if (done && json_object_size(member) > 0)
		return gw_json_put(object, "lifetime", member);
	json_decref(member);
	return done;
}

bool gw_lifetime_equal(const struct gw_lifetime *a, const struct gw_lifetime *b)
{
	for (size_t i = 0; i < 2 * PAIRS; i++)
		if (value_of(a, i) != value_of(b, i))
			return false;
	return true;
}
