// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Each SA knows its place in the heap, so that it can be moved and taken out; 0 is no place, and
// the root is 1.

#include "ipsec/expiry.h"

#include <errno.h>
#include <stdlib.h>

#include "ipsec/sa.h"

#define FIRST_ROOM 64

struct entry {
	uint64_t when_ns;
	struct gw_sa *sa;
};

struct gw_expiry {
	struct entry *entries; // 1 to count
	uint32_t count;
	uint32_t room;
};

static void put(struct gw_expiry *expiry, uint32_t place, struct entry entry)
{
	expiry->entries[place] = entry;
	entry.sa->expiry_place = place;
}

// Moves entry from the hole at place to where it belongs.
static void settle(struct gw_expiry *expiry, uint32_t place, struct entry entry)
{
	struct entry *entries = expiry->entries;

	while (place > 1 && entries[place / 2].when_ns > entry.when_ns) {
		put(expiry, place, entries[place / 2]);
		place /= 2;
	}
	while (2 * place <= expiry->count) {
		uint32_t child = 2 * place;

		if (child < expiry->count && entries[child + 1].when_ns < entries[child].when_ns)
			child++;
		if (entries[child].when_ns >= entry.when_ns)
			break;
		put(expiry, place, entries[child]);
		place = child;
	}
	put(expiry, place, entry);
}

static void take_out(struct gw_expiry *expiry, struct gw_sa *sa)
{
	uint32_t place = sa->expiry_place;
	struct entry last = expiry->entries[expiry->count--];

	sa->expiry_place = 0;
	if (last.sa != sa)
		settle(expiry, place, last);
}

static int make_room(struct gw_expiry *expiry)
{
	uint32_t room = expiry->room ? 2 * expiry->room : FIRST_ROOM;
	struct entry *entries;

	if (expiry->count + 1 < expiry->room)
		return 0;
	entries = realloc(expiry->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	expiry->entries = entries;
	expiry->room = room;
	return 0;
}

int gw_expiry_set(struct gw_expiry *expiry, struct gw_sa *sa, uint64_t when_ns)
{
	struct entry entry = { when_ns, sa };

	if (when_ns == UINT64_MAX) {
		if (sa->expiry_place)
			take_out(expiry, sa);
		return 0;
	}
	if (sa->expiry_place) {
		settle(expiry, sa->expiry_place, entry);
		return 0;
	}
	if (make_room(expiry) != 0)
		return -ENOMEM;
	settle(expiry, ++expiry->count, entry);
	return 0;
}

struct gw_sa *gw_expiry_take(struct gw_expiry *expiry, uint64_t now_ns)
{
	struct gw_sa *sa;

	if (expiry->count == 0 || expiry->entries[1].when_ns > now_ns)
		return NULL;
	sa = expiry->entries[1].sa;
	take_out(expiry, sa);
	return sa;
}

struct gw_expiry *gw_expiry_new(void)
{
	return calloc(1, sizeof(struct gw_expiry));
}

void gw_expiry_free(struct gw_expiry *expiry)
{
	if (!expiry)
		return;
	free(expiry->entries);
	free(expiry);
}
