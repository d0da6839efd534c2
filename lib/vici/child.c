// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// IKE_SA { local-host = …; remote-host = …; child-sas { NAME-ID { name = …; protocol = …; spi-in =
// …; … } } } and in child-rekey behind NAME-ID sections "old" and "new" with the SPIs of each.
// Addresses come before the children.

#include "vici/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec/sa.h"

enum { IKE_SA = 1, CHILDREN = 2, CHILD = 3, SIDE = 4 }; // depths

struct walk {
	unsigned int depth;
	bool in_children;
	bool in_new;
	struct gw_vici_child child;
};

static void enter(struct walk *walk, const struct gw_vici_text *name)
{
	walk->depth++;
	if (walk->depth == IKE_SA) {
		memset(&walk->child, 0, sizeof(walk->child));
		gw_vici_text_copy(name, walk->child.connection, sizeof(walk->child.connection));
	} else if (walk->depth == CHILDREN) {
		walk->in_children = gw_vici_text_is(name, "child-sas");
	} else if (walk->depth == CHILD) {
		walk->child.child[0] = 0;
		walk->child.protocol = GW_PROTOCOL_ESP;
		walk->child.spi_in = walk->child.spi_out = 0;
	} else if (walk->depth == SIDE) {
		walk->in_new = gw_vici_text_is(name, "new");
	}
}

static bool is_complete(const struct walk *walk)
{
	return walk->depth == CHILD && walk->in_children &&
	       (walk->child.spi_in || walk->child.spi_out);
}

static void read_address(const struct gw_vici_text *value, struct gw_addr *addr)
{
	char text[GW_ADDR_STRLEN];

	gw_vici_text_copy(value, text, sizeof(text));
	if (value->size >= sizeof(text) || !gw_addr_parse(text, addr))
		addr->family = 0;
}

// Eight digits at most, or it is none.
static uint32_t read_spi(const struct gw_vici_text *value)
{
	char text[9], *end;
	unsigned long spi;

	if (value->size == 0 || value->size > 8)
		return 0;
	gw_vici_text_copy(value, text, sizeof(text));
	spi = strtoul(text, &end, 16);
	return *end || text[0] == '-' || text[0] == '+' || text[0] == ' ' ? 0 : (uint32_t)spi;
}

static void read_child_key(struct gw_vici_child *child, const struct gw_vici_item *item)
{
	if (gw_vici_text_is(&item->name, "name"))
		gw_vici_text_copy(&item->value, child->child, sizeof(child->child));
	else if (gw_vici_text_is(&item->name, "protocol"))
		child->protocol =
			gw_vici_text_is(&item->value, "AH") ? GW_PROTOCOL_AH : GW_PROTOCOL_ESP;
	else if (gw_vici_text_is(&item->name, "spi-in"))
		child->spi_in = read_spi(&item->value);
	else if (gw_vici_text_is(&item->name, "spi-out"))
		child->spi_out = read_spi(&item->value);
}

static void read_key(struct walk *walk, const struct gw_vici_item *item)
{
	if (walk->depth == IKE_SA && gw_vici_text_is(&item->name, "local-host"))
		read_address(&item->value, &walk->child.local);
	else if (walk->depth == IKE_SA && gw_vici_text_is(&item->name, "remote-host"))
		read_address(&item->value, &walk->child.remote);
	else if (walk->in_children &&
		 (walk->depth == CHILD || (walk->depth == SIDE && walk->in_new)))
		read_child_key(&walk->child, item);
}

int gw_vici_children(const uint8_t *message, size_t size,
	void (*visit)(void *ctx, const struct gw_vici_child *child), void *ctx)
{
	struct gw_vici_reader reader;
	struct gw_vici_item item;
	struct walk walk = {};
	int rc;

	gw_vici_reader_init(&reader, message, size);
	while ((rc = gw_vici_read(&reader, &item)) > 0) {
		if (item.element == GW_VICI_SECTION_START) {
			enter(&walk, &item.name);
		} else if (item.element == GW_VICI_KEY_VALUE) {
			read_key(&walk, &item);
		} else if (item.element == GW_VICI_SECTION_END) {
			if (is_complete(&walk))
				visit(ctx, &walk.child);
			walk.depth--;
		}
	}
	return rc;
}
