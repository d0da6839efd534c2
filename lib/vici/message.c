// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "vici/message.h"

#include <errno.h>
#include <string.h>

void gw_vici_reader_init(struct gw_vici_reader *reader, const uint8_t *message, size_t size)
{
	*reader = (struct gw_vici_reader){ .at = message, .end = message + size };
}

static size_t left(const struct gw_vici_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

// Names have a length of one byte and are never empty, values one of two.
static bool take(struct gw_vici_reader *reader, size_t length_bytes, struct gw_vici_text *text)
{
	size_t size;

	if (left(reader) < length_bytes)
		return false;
	size = length_bytes == 1 ? reader->at[0] : (size_t)reader->at[0] << 8 | reader->at[1];
	if (left(reader) - length_bytes < size || (length_bytes == 1 && size == 0))
		return false;
	*text = (struct gw_vici_text){ (const char *)reader->at + length_bytes, (uint16_t)size };
	reader->at += length_bytes + size;
	return true;
}

static bool read_element(struct gw_vici_reader *reader, struct gw_vici_item *item)
{
	// In a list there are items and its end, and nowhere else.
	if (reader->in_list !=
		(item->element == GW_VICI_LIST_ITEM || item->element == GW_VICI_LIST_END))
		return false;
	switch (item->element) {
	case GW_VICI_SECTION_START:
		return reader->depth++ < GW_VICI_MOST_DEPTH && take(reader, 1, &item->name);
	case GW_VICI_SECTION_END:
		return reader->depth-- > 0;
	case GW_VICI_KEY_VALUE:
		return take(reader, 1, &item->name) && take(reader, 2, &item->value);
	case GW_VICI_LIST_START:
		reader->in_list = true;
		return take(reader, 1, &item->name);
	case GW_VICI_LIST_ITEM:
		return take(reader, 2, &item->value);
	case GW_VICI_LIST_END:
		reader->in_list = false;
		return true;
	}
	return false;
}

int gw_vici_read(struct gw_vici_reader *reader, struct gw_vici_item *item)
{
	const uint8_t *start = reader->at;

	memset(item, 0, sizeof(*item));
	if (!start)
		return -EBADMSG;
	if (start == reader->end && reader->depth == 0 && !reader->in_list)
		return 0;
	if (start < reader->end) {
		item->element = (enum gw_vici_element) * reader->at++;
		if (read_element(reader, item))
			return 1;
	}
	reader->at = NULL;
	return -EBADMSG;
}

bool gw_vici_read_name(const uint8_t **body, size_t *size, struct gw_vici_text *name)
{
	struct gw_vici_reader reader;

	gw_vici_reader_init(&reader, *body, *size);
	if (!take(&reader, 1, name))
		return false;
	*body = reader.at;
	*size = left(&reader);
	return true;
}

bool gw_vici_text_is(const struct gw_vici_text *text, const char *word)
{
	return text->size == strlen(word) && memcmp(text->bytes, word, text->size) == 0;
}

void gw_vici_text_copy(const struct gw_vici_text *text, char *buffer, size_t size)
{
	size_t count = text->size < size - 1 ? text->size : size - 1;

	for (size_t i = 0; i < count; i++)
		buffer[i] = text->bytes[i] >= ' ' && text->bytes[i] <= '~' ? text->bytes[i] : '?';
	buffer[count] = 0;
}
