// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Fragments in a small table, five bytes each: datagram and source, offset, length, last, time.
// What is called complete has to be whole, nothing may be handed back twice or get lost.
// conformance: I4

#include <stdlib.h>
#include <string.h>

#include "net/reassembly.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A fragment as it was given to the table.
struct given {
	uint32_t offset, bytes;
	bool last, held;
};

#define MOST 4096

static struct given givens[MOST];
static uint32_t held;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void take_back(struct given *given)
{
	require(given->held);
	given->held = false;
	held--;
}

static void release(void *, void *packet, enum gw_reassembly_verdict)
{
	take_back(packet);
}

static void check_whole(void *const *packets, unsigned int count)
{
	uint32_t offset = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct given *given = packets[i];

		require(given->offset == offset && given->last == (i + 1 == count));
		offset += given->bytes;
		take_back(given);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_reassembly_options options = {
		.pieces = 128, .max_bytes = 20000, .timeout_ns = 500
	};
	struct gw_reassembly *table = gw_reassembly_new(&options);
	uint64_t now = 1;

	require(table);
	held = 0;
	for (size_t i = 0; i < MOST && size >= 5; i++, data += 5, size -= 5) {
		struct given *given = &givens[i];
		struct gw_reassembly_fragment fragment = { .key = { .source = { data[0] & 3 },
								   .id = data[0] >> 2 },
			.hash = data[0] >> 5,
			.source_hash = data[0] & 3,
			.packet = given };
		void *packets[GW_REASSEMBLY_PIECES];
		enum gw_reassembly_verdict verdict;
		unsigned int count = 0;

		*given = (struct given){ .offset = data[1] * 128u,
			.bytes = data[2] * 128u + 1u,
			.last = data[3] & 1,
			.held = true };
		fragment.offset = given->offset;
		if (!given->last)
			given->bytes &= ~7u;
		if (given->bytes == 0)
			continue;
		fragment.bytes = given->bytes;
		fragment.last = given->last;
		now += data[4];
		held++;
		verdict = gw_reassembly_add(table, &fragment, now, release, NULL, packets, &count);
		if (verdict == GW_REASSEMBLY_COMPLETE)
			check_whole(packets, count);
		else if (verdict != GW_REASSEMBLY_HELD)
			take_back(given);
		require(gw_reassembly_waiting(table) == held && held <= options.pieces);
	}
	gw_reassembly_free(table, release, NULL);
	require(held == 0);
	return 0;
}
