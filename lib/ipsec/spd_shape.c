// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/spd_shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Which fields count, as bits of a shape's id. Without them a key could not tell a port that is 0
// from one that does not matter.
enum { EXACT_PROTOCOL = 1, EXACT_SOURCE_PORT = 2, EXACT_DESTINATION_PORT = 4 };

static void set_bits(uint8_t bytes[16], unsigned int count)
{
	memset(bytes, 0xff, count / 8);
	if (count % 8)
		bytes[count / 8] = (uint8_t)(0xff00 >> count % 8);
}

static bool is_one_port(const struct gw_port_range *range)
{
	return range->first == range->last;
}

void gw_spd_key_make(const struct gw_policy *policy, const struct gw_prefix *source,
	const struct gw_prefix *destination, struct gw_spd_key *key,
	uint64_t mask[GW_SPD_FLOW_WORDS])
{
	const struct gw_selector *selector = &policy->selector;
	struct gw_flow value = {}, bits = {};
	uint64_t exact = 0;

	memcpy(value.source, source->addr.bytes, sizeof(value.source));
	set_bits(bits.source, source->length);
	memcpy(value.destination, destination->addr.bytes, sizeof(value.destination));
	set_bits(bits.destination, destination->length);
	value.family = source->addr.family;
	bits.family = UINT8_MAX;
	value.interface = policy->interface;
	bits.interface = GW_FLOW_INTERFACES;
	if (selector->protocol != GW_PROTOCOL_ANY) {
		value.protocol = selector->protocol;
		bits.protocol = UINT8_MAX;
		exact |= EXACT_PROTOCOL;
	}
	if (is_one_port(&selector->source_port)) {
		value.source_port = selector->source_port.first;
		bits.source_port = UINT16_MAX;
		exact |= EXACT_SOURCE_PORT;
	}
	if (is_one_port(&selector->destination_port)) {
		value.destination_port = selector->destination_port.first;
		bits.destination_port = UINT16_MAX;
		exact |= EXACT_DESTINATION_PORT;
	}
	memcpy(key->flow, &value, sizeof(key->flow));
	memcpy(mask, &bits, sizeof(bits));
	key->shape = source->length | (uint64_t)destination->length << 8 | exact << 16;
}

static void put(struct gw_spd_shape *shape, uint32_t place, struct gw_spd_entry *entry)
{
	shape->heap[place] = entry;
	entry->place = place;
}

// Lets entry sink or rise from place, which is free, to where it belongs.
static void settle(struct gw_spd_shape *shape, uint32_t place, struct gw_spd_entry *entry)
{
	while (place > 0 && entry->rank < shape->heap[(place - 1) / 2]->rank) {
		put(shape, place, shape->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < shape->count &&
			shape->heap[child + 1]->rank < shape->heap[child]->rank)
			child++;
		if (child >= shape->count || entry->rank <= shape->heap[child]->rank)
			break;
		put(shape, place, shape->heap[child]);
		place = child;
	}
	put(shape, place, entry);
}

// Makes room for one more pointer: 0 or -ENOMEM.
static int grow(void **items, uint32_t count, uint32_t *room)
{
	uint32_t more = *room ? 2 * *room : 4;
	void *moved;

	if (count < *room)
		return 0;
	moved = realloc(*items, more * sizeof(void *));
	if (!moved)
		return -ENOMEM;
	*items = moved;
	*room = more;
	return 0;
}

static void shape_free(struct gw_spd_shape *shape)
{
	free(shape->heap);
	free(shape);
}

// There are few shapes: dozens, where policies number thousands.
static struct gw_spd_shape *find(const struct gw_spd_shapes *shapes, uint64_t id)
{
	for (uint32_t i = 0; i < shapes->count; i++)
		if (shapes->items[i]->id == id)
			return shapes->items[i];
	return NULL;
}

static struct gw_spd_shape *find_or_make(
	struct gw_spd_shapes *shapes, uint64_t id, const uint64_t mask[GW_SPD_FLOW_WORDS])
{
	struct gw_spd_shape *shape = find(shapes, id);

	if (shape)
		return shape;
	if (grow((void **)&shapes->items, shapes->count, &shapes->room) != 0)
		return NULL;
	shape = calloc(1, sizeof(*shape));
	if (!shape)
		return NULL;
	if (grow((void **)&shape->heap, 0, &shape->room) != 0) {
		shape_free(shape);
		return NULL;
	}
	memcpy(shape->mask, mask, sizeof(shape->mask));
	shape->id = id;
	shape->place = shapes->count;
	shapes->items[shapes->count++] = shape;
	return shape;
}

int gw_spd_shape_add(struct gw_spd_shapes *shapes, const uint64_t mask[GW_SPD_FLOW_WORDS],
	struct gw_spd_entry *entry)
{
	struct gw_spd_shape *shape = find_or_make(shapes, entry->key.shape, mask);

	// A new shape has room, so one that is left without entries cannot come of this.
	if (!shape || grow((void **)&shape->heap, shape->count, &shape->room) != 0)
		return -ENOMEM;
	entry->shape = shape;
	shape->count++;
	settle(shape, shape->count - 1, entry);
	if (entry->place == 0)
		shapes->changed = true;
	return 0;
}

void gw_spd_shape_drop(struct gw_spd_shapes *shapes, struct gw_spd_entry *entry)
{
	struct gw_spd_shape *shape = entry->shape;
	struct gw_spd_entry *last = shape->heap[--shape->count];

	if (entry->place == 0)
		shapes->changed = true;
	if (last != entry)
		settle(shape, entry->place, last);
	if (shape->count > 0)
		return;
	shapes->items[shape->place] = shapes->items[--shapes->count];
	shapes->items[shape->place]->place = shape->place;
	shape_free(shape);
}

static int compare_best(const void *a, const void *b)
{
	const struct gw_spd_view *x = a, *y = b;

	return (x->best > y->best) - (x->best < y->best);
}

struct gw_spd_views *gw_spd_views_make(const struct gw_spd_shapes *shapes)
{
	struct gw_spd_views *views = aligned_alloc(
		RTE_CACHE_LINE_SIZE, sizeof(*views) + shapes->count * sizeof(struct gw_spd_view));

	if (!views)
		return NULL;
	views->count = shapes->count;
	for (uint32_t i = 0; i < shapes->count; i++) {
		const struct gw_spd_shape *shape = shapes->items[i];

		views->views[i] =
			(struct gw_spd_view){ .shape = shape->id, .best = shape->heap[0]->rank };
		memcpy(views->views[i].mask, shape->mask, sizeof(shape->mask));
	}
	qsort(views->views, views->count, sizeof(struct gw_spd_view), compare_best);
	return views;
}

void gw_spd_shapes_fini(struct gw_spd_shapes *shapes)
{
	for (uint32_t i = 0; i < shapes->count; i++)
		shape_free(shapes->items[i]);
	free(shapes->items);
}
