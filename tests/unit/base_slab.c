// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

#define GRAIN     32u
#define CHUNK     4096u
#define SPARES    2u
#define LARGEST   (GW_SLAB_MOST_CLASSES * GRAIN)
#define OBJECTS   3000
#define MOST_SIZE (2 * LARGEST)

static unsigned int heap_count; // what the heap has given and not got back
static bool heap_is_empty;

static void *heap_take(size_t bytes, size_t alignment)
{
	void *memory;

	if (heap_is_empty || posix_memalign(&memory, alignment ? alignment : GRAIN, bytes) != 0)
		return NULL;
	heap_count++;
	return memset(memory, 0, bytes);
}

static void heap_give(void *memory)
{
	heap_count--;
	free(memory);
}

static struct gw_slab_pool pool = {
	.grain = GRAIN,
	.classes = GW_SLAB_MOST_CLASSES / 2,
	.chunk_bytes = CHUNK,
	.most_spares = SPARES,
	.take = heap_take,
	.give = heap_give,
};

struct object {
	uint8_t *bytes;
	size_t size;
	uint8_t mark;
};

static bool holds(const uint8_t *bytes, size_t size, uint8_t mark)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != mark)
			return false;
	return true;
}

static void take(struct object *object, size_t size)
{
	object->size = size;
	object->mark = (uint8_t)(1 + random() % 255);
	object->bytes = gw_slab_take(&pool, size);
	ck_assert_ptr_nonnull(object->bytes);
	ck_assert_uint_eq((uintptr_t)object->bytes % GRAIN, 0);
	ck_assert(holds(object->bytes, size, 0));
	memset(object->bytes, object->mark, size);
}

static void give(struct object *object)
{
	ck_assert(holds(object->bytes, object->size, object->mark));
	gw_slab_give(&pool, object->bytes, object->size);
	object->bytes = NULL;
}

// Of all sizes, in any order: each has its bytes for itself and finds them zero.
START_TEST(objects_are_apart)
{
	static struct object objects[OBJECTS];

	for (int i = 0; i < 20 * OBJECTS; i++) {
		struct object *object = &objects[random() % OBJECTS];

		if (object->bytes)
			give(object);
		else
			take(object, (size_t)random() % (random() % 32 ? 200 : MOST_SIZE));
	}
	for (int i = 0; i < OBJECTS; i++)
		if (objects[i].bytes)
			give(&objects[i]);
	ck_assert_uint_le(heap_count, SPARES);
}
END_TEST

// A chunk holds as many as fit: no header each.
START_TEST(objects_lie_side_by_side)
{
	static struct object objects[OBJECTS];
	const unsigned int fit = (CHUNK - 192) / 64, before = heap_count;
	const uint8_t *place;

	for (unsigned int i = 0; i < 10 * fit; i++)
		take(&objects[i], 64);
	ck_assert_uint_le(heap_count - before, 10);
	// Now all are full, and what one gives back is what the next one gets.
	place = objects[fit / 2].bytes;
	give(&objects[fit / 2]);
	take(&objects[fit / 2], 64);
	ck_assert_ptr_eq(objects[fit / 2].bytes, place);
	for (unsigned int i = 0; i < 10 * fit; i++)
		give(&objects[i]);
}
END_TEST

// What was given back holds nothing of before, wherever it is.
START_TEST(wipes)
{
	struct object object, neighbour;
	const uint8_t *bytes;

	take(&object, 96);
	take(&neighbour, 96);
	bytes = object.bytes;
	give(&object);
	ck_assert(holds(bytes + sizeof(void *), 96 - sizeof(void *), 0));
	give(&neighbour);
}
END_TEST

START_TEST(no_memory)
{
	struct object objects[SPARES + 1];
	unsigned int count = 0;

	heap_is_empty = true;
	ck_assert_ptr_null(gw_slab_take(&pool, LARGEST));
	// The spare ones are still there.
	while (count <= SPARES && (objects[count].bytes = gw_slab_take(&pool, LARGEST / 2 - GRAIN)))
		objects[count++].size = LARGEST / 2 - GRAIN;
	heap_is_empty = false;
	ck_assert_uint_le(count, 2 * SPARES + 1);
	while (count-- > 0)
		gw_slab_give(&pool, objects[count].bytes, objects[count].size);
	gw_slab_give(&pool, NULL, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base_slab");
	TCase *tcase = tcase_create("slab");

	tcase_add_test(tcase, objects_are_apart);
	tcase_add_test(tcase, objects_lie_side_by_side);
	tcase_add_test(tcase, wipes);
	tcase_add_test(tcase, no_memory);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
