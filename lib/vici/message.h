// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Messages of VICI, strongSwan's control protocol (its src/libcharon/plugins/vici/README.md):
// sections, keys with values, and lists, one within the other.

// What begins a packet behind its length of four bytes, network order.
enum gw_vici_packet {
	GW_VICI_REQUEST = 0, // named, as EVENT_REGISTER and EVENT are
	GW_VICI_RESPONSE = 1,
	GW_VICI_REQUEST_UNKNOWN = 2,
	GW_VICI_EVENT_REGISTER = 3,
	GW_VICI_EVENT_CONFIRM = 5,
	GW_VICI_EVENT_UNKNOWN = 6,
	GW_VICI_EVENT = 7,
};

enum gw_vici_element {
	GW_VICI_SECTION_START = 1,
	GW_VICI_SECTION_END = 2,
	GW_VICI_KEY_VALUE = 3,
	GW_VICI_LIST_START = 4,
	GW_VICI_LIST_ITEM = 5,
	GW_VICI_LIST_END = 6,
};

#define GW_VICI_MOST_DEPTH 16

// Bytes of the message, which do not end with a 0.
struct gw_vici_text {
	const char *bytes;
	uint16_t size;
};

struct gw_vici_item {
	enum gw_vici_element element;
	struct gw_vici_text name;  // of sections, keys and lists
	struct gw_vici_text value; // of keys and items
};

struct gw_vici_reader {
	const uint8_t *at, *end;
	unsigned int depth; // sections that are open
	bool in_list;
};

void gw_vici_reader_init(struct gw_vici_reader *reader, const uint8_t *message, size_t size);
// 1 and the next element; 0 at the end; -EBADMSG where the message is none, and then again.
int gw_vici_read(struct gw_vici_reader *reader, struct gw_vici_item *item);

// The name at the beginning of a packet's body, which moves behind it. False: there is none.
bool gw_vici_read_name(const uint8_t **body, size_t *size, struct gw_vici_text *name);

bool gw_vici_text_is(const struct gw_vici_text *text, const char *word);
// A copy for people and logs: what is not printable ASCII becomes '?', and what is too long is cut.
void gw_vici_text_copy(const struct gw_vici_text *text, char *buffer, size_t size);
