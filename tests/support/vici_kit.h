// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>
#include <string.h>

#include "vici/message.h"

// Messages of VICI as charon writes them.

struct vici_message {
	uint8_t bytes[4096];
	size_t size;
};

static inline void vici_byte(struct vici_message *message, unsigned int byte)
{
	message->bytes[message->size++] = (uint8_t)byte;
}

static inline void vici_name(
	struct vici_message *message, enum gw_vici_element element, const char *name)
{
	vici_byte(message, element);
	vici_byte(message, (unsigned int)strlen(name));
	memcpy(message->bytes + message->size, name, strlen(name));
	message->size += strlen(name);
}

static inline void vici_value(struct vici_message *message, const char *value)
{
	vici_byte(message, (unsigned int)strlen(value) >> 8);
	vici_byte(message, (unsigned int)strlen(value) & 255);
	memcpy(message->bytes + message->size, value, strlen(value));
	message->size += strlen(value);
}

static inline void vici_section(struct vici_message *message, const char *name)
{
	vici_name(message, GW_VICI_SECTION_START, name);
}

static inline void vici_end(struct vici_message *message)
{
	vici_byte(message, GW_VICI_SECTION_END);
}

static inline void vici_key(struct vici_message *message, const char *name, const char *value)
{
	vici_name(message, GW_VICI_KEY_VALUE, name);
	vici_value(message, value);
}

static inline void vici_list(struct vici_message *message, const char *name, const char *item)
{
	vici_name(message, GW_VICI_LIST_START, name);
	vici_byte(message, GW_VICI_LIST_ITEM);
	vici_value(message, item);
	vici_byte(message, GW_VICI_LIST_END);
}

// What list-sa and child-updown tell of one IKE_SA with one child.
static inline void vici_site(struct vici_message *message)
{
	vici_section(message, "site");
	vici_key(message, "uniqueid", "1");
	vici_key(message, "local-host", "192.0.2.1");
	vici_key(message, "remote-host", "2001:db8::2");
	vici_list(message, "remote-vips", "10.3.0.1");
	vici_section(message, "child-sas");
	vici_section(message, "net-7");
	vici_key(message, "name", "net");
	vici_key(message, "protocol", "ESP");
	vici_key(message, "spi-in", "c0ffee01");
	vici_key(message, "spi-out", "0badcafe");
	vici_list(message, "local-ts", "10.1.0.0/24");
	vici_end(message);
	vici_end(message);
	vici_end(message);
}

// And child-rekey.
static inline void vici_rekey(struct vici_message *message)
{
	vici_section(message, "site");
	vici_key(message, "local-host", "192.0.2.1");
	vici_section(message, "child-sas");
	vici_section(message, "net");
	vici_section(message, "old");
	vici_key(message, "name", "net");
	vici_key(message, "spi-in", "00001001");
	vici_key(message, "spi-out", "00001002");
	vici_end(message);
	vici_section(message, "new");
	vici_key(message, "name", "net");
	vici_key(message, "spi-in", "00002001");
	vici_key(message, "spi-out", "00002002");
	vici_end(message);
	vici_end(message);
	vici_end(message);
	vici_end(message);
}
